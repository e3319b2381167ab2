"""How a camera is reached and steered (장치 접속): driver and connection, plain JSON without accounts."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cameras", "0002_fences")]
    operations = [
        migrations.AddField("camera", "driver", models.CharField(max_length=40, default="rtsp")),
        migrations.AddField("camera", "connection", models.JSONField(default=dict)),
        migrations.AddField("camera", "probed", models.JSONField(default=dict)),
    ]

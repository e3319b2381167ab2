"""The hold whose seconds a request opens."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("playback", "0003_signatures")]
    operations = [migrations.AddField("request", "hold", models.UUIDField(null=True))]

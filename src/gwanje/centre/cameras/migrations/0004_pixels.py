"""Pixels of a camera (화소수), in units of 10,000 as the national standard writes them."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cameras", "0003_connection")]
    operations = [migrations.AddField("camera", "pixels", models.PositiveIntegerField(null=True))]

"""What officers sign of a request, and their consents (generated)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("playback", "0002_fences")]
    operations = [
        migrations.AddField("request", "act", models.BinaryField(default=b"")),
        migrations.AddField("request", "consent", models.BinaryField(default=b"")),
        migrations.AddField("approval", "consent", models.BinaryField(default=b"")),
    ]

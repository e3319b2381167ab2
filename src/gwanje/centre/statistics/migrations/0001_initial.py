"""What was published of a day (공개 통계): written once, never changed, never deleted by the app's role."""

from django.db import migrations, models

import gwanje.kernel.ids


class Migration(migrations.Migration):
    """Schema step."""

    initial = True
    dependencies = [("web", "0001_kernel")]
    operations = [
        migrations.CreateModel(
            name="Published",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("day", models.DateField(unique=True)),
                ("cameras", models.PositiveIntegerField()),
                ("body", models.JSONField()),
                ("sha256", models.CharField(max_length=64)),
                ("published_at", models.DateTimeField()),
            ],
            options={"ordering": ["-day"]},
        ),
        migrations.RunSQL(
            "revoke update, delete, truncate on statistics_published from gwanje_app;", migrations.RunSQL.noop
        ),
    ]

"""Officers' signatures of holds, acts and deletions (보존·삭제 서명)."""

from django.conf import settings
from django.db import migrations, models

import gwanje.kernel.ids
from gwanje.kernel.rls import drop, policies

TABLE = "preservation_consent"


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [
        ("preservation", "0002_fences"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField()),
                ("target", models.UUIDField(db_index=True)),
                ("kind", models.CharField(max_length=10)),
                ("body", models.BinaryField()),
                ("digest", models.BinaryField(max_length=32)),
                ("consent", models.BinaryField()),
                ("at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(on_delete=models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={"ordering": ["at"]},
        ),
        migrations.RunSQL(policies(TABLE), drop(TABLE)),
        migrations.RunSQL(f"revoke update, delete, truncate on {TABLE} from gwanje_app;", migrations.RunSQL.noop),
    ]

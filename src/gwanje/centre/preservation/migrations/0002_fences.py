"""Row-level security per agency; nothing is deleted, what was entered is not changed."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLES = tuple(f"preservation_{name}" for name in ("hold", "holdcamera", "holdact", "application", "deletion"))


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("preservation", "0001_initial")]
    operations = [
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL(
            f"revoke delete, truncate on {', '.join(TABLES)} from gwanje_app;"
            "revoke update on preservation_holdcamera, preservation_application from gwanje_app;",
            migrations.RunSQL.noop,
        ),
    ]

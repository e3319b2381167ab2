"""Row-level security per agency; journal, tickets and closed months cannot be deleted by the app's role."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLES = ("inspection_fault", "inspection_ticket", "inspection_month")


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("inspection", "0001_initial")]
    operations = [
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL(
            f"revoke delete, truncate on {', '.join(TABLES)} from gwanje_app;"
            "revoke update on inspection_month from gwanje_app;",
            migrations.RunSQL.noop,
        ),
    ]

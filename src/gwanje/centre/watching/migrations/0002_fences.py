"""Row-level security per agency; an emergency watching is never deleted by the app's role."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLES = ("watching_seat", "watching_display", "watching_layout", "watching_emergency")


class Migration(migrations.Migration):
    dependencies = [("watching", "0001_initial")]
    operations = [
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL("revoke delete, truncate on watching_emergency from gwanje_app;", migrations.RunSQL.noop),
    ]

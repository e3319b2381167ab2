"""Row-level security per agency; what is history cannot be deleted by the app's role."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLES = ("staff_person", "staff_rolegrant", "staff_station", "staff_shift", "staff_delegation")
KEPT = (*TABLES, "staff_agency")


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("staff", "0001_initial"), ("sessions", "0001_initial")]
    operations = [
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL(f"revoke delete, truncate on {', '.join(KEPT)} from gwanje_app;", migrations.RunSQL.noop),
        # the auditor reads who has which right, never a password's hash or a session
        migrations.RunSQL(
            "revoke select on staff_person, staff_logintry, django_session from gwanje_auditor;"
            "grant select (id, account, name, agency_id, seconded_from_id, contractor, active, created_at, last_login)"
            " on staff_person to gwanje_auditor;",
            migrations.RunSQL.noop,
        ),
    ]

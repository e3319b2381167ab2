"""Row-level security per agency; a registered camera is never deleted by the app's role."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLES = ("cameras_camera", "cameras_installationpoint", "cameras_importbatch")


class Migration(migrations.Migration):
    dependencies = [("cameras", "0001_initial")]
    operations = [
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL(
            "revoke delete, truncate on cameras_camera from gwanje_app;"
            # what only a recorder can open is nothing for an auditor to read
            "revoke select on cameras_camera from gwanje_auditor;"
            "grant select (id, agency_id, owner_id, number, place, state, mode, mandate, mandate_from, mandate_until,"
            " purposes, classes, lat, lon, direction_deg, angle_deg, range_m, retention_class, created_at, changed_at)"
            " on cameras_camera to gwanje_auditor;",
            migrations.RunSQL.noop,
        ),
    ]

"""Row-level security per agency; requests, decisions and issues cannot be deleted by the app's role."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLES = ("playback_request", "playback_requestcamera", "playback_approval", "playback_issue")


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("playback", "0001_initial")]
    operations = [
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL(
            f"revoke delete, truncate on {', '.join(TABLES)} from gwanje_app;"
            "revoke update on playback_approval, playback_issue, playback_requestcamera from gwanje_app;",
            migrations.RunSQL.noop,
        ),
    ]

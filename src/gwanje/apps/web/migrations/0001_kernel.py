"""Kernel tables (핵심부 표): footage, sources, ledger, events by their own SQL; then grants and fences."""

from importlib.resources import files
from typing import Any

from django.db import migrations

from gwanje.kernel.rls import policies

TOPICS = ("footage", "sources", "ledger", "events")
FENCED = ("footage_segment", "footage_gap", "footage_source")
# what comes later belongs to the rooms: their tables are the app role's to write, the auditor's to read
GRANTS = """
grant usage on schema public to gwanje_app, gwanje_auditor;
grant select, insert, update, delete on footage_class, footage_segment, footage_gap, footage_recorder, footage_source
  to gwanje_app;
grant select on footage_class, footage_segment, footage_gap, footage_recorder, footage_source to gwanje_auditor;
grant select on django_migrations to gwanje_app, gwanje_auditor;
alter default privileges in schema public grant select, insert, update, delete on tables to gwanje_app;
alter default privileges in schema public grant usage, select on sequences to gwanje_app;
alter default privileges in schema public grant select on tables to gwanje_auditor;
"""


def install(apps: Any, schema_editor: Any) -> None:
    """Run the kernel's SQL files in order, then grants and policies."""
    folder = files("gwanje.kernel") / "sql"
    with schema_editor.connection.cursor() as cursor:
        for topic in TOPICS:
            cursor.execute((folder / f"{topic}.sql").read_text())
        cursor.execute(GRANTS)
        for table in FENCED:
            cursor.execute(policies(table, "agency"))


class Migration(migrations.Migration):
    """Applied before every other migration (apps.web.schema), so that default privileges reach all later tables."""

    initial = True
    dependencies = []
    run_before = [("contenttypes", "0001_initial"), ("sessions", "0001_initial")]
    operations = [migrations.RunPython(install)]

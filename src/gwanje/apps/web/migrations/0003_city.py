"""Devices, leases of the recorder fleet, findings of the automatic inspection."""

from importlib.resources import files
from typing import Any

from django.db import migrations

from gwanje.kernel.rls import policies

TOPICS = ("devices", "fleet", "findings")
FENCED = ("device_task", "footage_finding", "footage_garbage")


def install(apps: Any, schema_editor: Any) -> None:
    """The kernel's SQL files and their fences; default privileges cover the app role."""
    folder = files("gwanje.kernel") / "sql"
    with schema_editor.connection.cursor() as cursor:
        for topic in TOPICS:
            cursor.execute((folder / f"{topic}.sql").read_text())
        for table in FENCED:
            cursor.execute(policies(table, "agency"))


class Migration(migrations.Migration):
    """The recorder of a city."""

    dependencies = [("web", "0002_footage_hours")]
    operations = [migrations.RunPython(install)]

"""Recorder-minutes, cosignatures of witnesses, timestamps."""

from importlib.resources import files
from typing import Any

from django.db import migrations


def install(apps: Any, schema_editor: Any) -> None:
    """One SQL file of the kernel; no row of it has an agency."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute((files("gwanje.kernel") / "sql" / "ledger_outside.sql").read_text())


class Migration(migrations.Migration):
    """Evidence for outsiders."""

    dependencies = [("web", "0003_city")]
    operations = [migrations.RunPython(install)]

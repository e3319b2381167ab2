"""Sums of the footage index per class and hour (시간별 보관량), kept by the worker."""

from importlib.resources import files
from typing import Any

from django.db import migrations

from gwanje.kernel.rls import policies


def install(apps: Any, schema_editor: Any) -> None:
    """The kernel's SQL, its fence, and what the auditor may read; default privileges cover the app role."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute((files("gwanje.kernel") / "sql" / "footage_hours.sql").read_text())
        cursor.execute(policies("footage_hour", "agency"))


class Migration(migrations.Migration):
    """Every hour that stands is noted as changed: the worker sums it within the first minute."""

    dependencies = [("web", "0001_kernel")]
    operations = [migrations.RunPython(install)]

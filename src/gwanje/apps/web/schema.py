"""Tables (표 구성): all migrations in the right order, as the owner's role."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from gwanje.apps.web.database.base import as_role


def bring_up() -> tuple[int, int]:
    """Apply what is missing; (applied in all, applied now). Connections are closed before and after."""
    with as_role("owner"):
        before = len(MigrationRecorder(connection).applied_migrations())
        # the kernel first: its default privileges must stand before any room makes a table
        call_command("migrate", "web", interactive=False, verbosity=0)
        call_command("migrate", interactive=False, verbosity=0)
        total = len(MigrationRecorder(connection).applied_migrations())
    return total, total - before

"""Row-level security (행 단위 접근통제): the database's own fence behind the policy object, per agency.

Pure SQL text, so that a migration of any centre app may run it. The app role sees a row only when the
transaction's scope is ``system`` or the row's agency is among the transaction's agencies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from gwanje.kernel.footage import Cursor

SCOPES = ("none", "agency", "system")
AGENCIES_MAX = 1000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a plain SQL name: {name!r}")
    return name


def fence(column: str = "agency_id") -> str:
    """The condition of a policy over a uuid column."""
    return (
        "current_setting('gwanje.scope', true) = 'system' or "
        f"{_checked(column)} = any(string_to_array(current_setting('gwanje.agencies', true), ',')::uuid[])"
    )


def policies(table: str, column: str = "agency_id") -> str:
    """SQL that switches row-level security on for ``table``; reading and writing have the same condition."""
    name = _checked(table)
    condition = fence(column)
    return (
        f"alter table {name} enable row level security;\n"
        f"create policy agency_fence on {name} for all using ({condition}) with check ({condition});"
    )


def drop(table: str) -> str:
    """SQL that undoes ``policies``."""
    name = _checked(table)
    return f"drop policy agency_fence on {name}; alter table {name} disable row level security;"


def set_scope(cursor: Cursor, scope: str, agencies: Iterable[UUID] = ()) -> None:
    """Set the scope of the open transaction (SET LOCAL); it ends with the transaction.

    ``scope``: ``system`` (a service, or a step before the person is known), ``agency``, or ``none``.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope is one of {SCOPES}")
    listed = [str(agency) for agency in agencies]
    if len(listed) > AGENCIES_MAX:
        raise ValueError(f"at most {AGENCIES_MAX} agencies")
    cursor.execute(
        "select set_config('gwanje.scope', %s, true), set_config('gwanje.agencies', %s, true)",
        [scope, ",".join(listed)],
    )

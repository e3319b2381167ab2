"""Database address (데이터베이스 주소): three roles, owner for migrations, app for services, auditor for reading."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gwanje.kernel.home import Home

ROLES = ("owner", "app", "auditor")
SYSTEM_SCOPE = "select set_config('gwanje.scope', 'system', false)"


def dsn(home: Home, role: str = "app") -> str:
    """Connection string of a role: ``$GWANJE_DATABASE_URL`` with the role's name and password, else the embedded one.

    Passwords lie in ``secrets/pg-<role>``; the embedded server listens on a Unix socket in ``run/`` only.
    """
    assert role in ROLES
    password = (home.secrets / f"pg-{role}").read_text().strip()
    given = os.environ.get("GWANJE_DATABASE_URL")
    base: dict[str, Any] = conninfo_to_dict(given) if given else {"host": str(home.run), "dbname": "gwanje"}
    base.update(user=f"gwanje_{role}", password=password, connect_timeout=5)
    return make_conninfo(**base)


def connect(home: Home, role: str = "app", *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """A connection with the system's scope (row-level security lets a service see every agency's rows)."""
    connection = psycopg.connect(dsn(home, role), autocommit=autocommit)
    connection.execute(SYSTEM_SCOPE)
    if not autocommit:
        connection.commit()
    return connection

"""Django's PostgreSQL backend with the address taken from ``kernel.database`` when a connection is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.postgresql import base
from psycopg.conninfo import conninfo_to_dict

from gwanje.kernel.database import dsn

_role = [os.environ.get("GWANJE_DATABASE_ROLE", "app")]


class DatabaseWrapper(base.DatabaseWrapper):
    """Connects as the role in force: ``app`` for serving, ``owner`` for migrations."""

    def get_connection_params(self) -> dict[str, Any]:
        """Parameters of psycopg; the password is read from the data folder at each new connection."""
        params = super().get_connection_params()
        params.update(conninfo_to_dict(dsn(settings.GWANJE_HOME, _role[0])))
        return params


@contextmanager
def as_role(role: str) -> Iterator[None]:
    """Connect as another role inside the block; open connections are closed on both sides."""
    before = _role[0]
    _reset(role)
    try:
        yield
    finally:
        _reset(before)


def _reset(role: str) -> None:
    for connection in connections.all(initialized_only=True):
        connection.close()
        connection.close_pool()
    _role[0] = role

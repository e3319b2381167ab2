"""Database address (데이터베이스 주소): three roles, owner for migrations, app for services, auditor for reading.

Over a network only with TLS whose certificate is verified, and with limits by which a cut line is noticed within 3 s.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gwanje.kernel.home import Home

ROLES = ("owner", "app", "auditor")
LOCAL = ("localhost", "127.0.0.1", "::1")
VERIFIED = ("verify-full", "verify-ca")
CUT_MS = 2500
SYSTEM_SCOPE = "select set_config('gwanje.scope', 'system', false)"


def dsn(home: Home, role: str = "app") -> str:
    """Connection string of a role: ``$GWANJE_DATABASE_URL`` with the role's name and password, else the embedded one.

    Passwords lie in ``secrets/pg-<role>``; the embedded server listens on a Unix socket in ``run/`` only.
    """
    assert role in ROLES
    password = (home.secrets / f"pg-{role}").read_text().strip()
    given = os.environ.get("GWANJE_DATABASE_URL")
    base: dict[str, Any] = conninfo_to_dict(given) if given else {"host": str(home.door("db")), "dbname": "gwanje"}
    base.update(user=f"gwanje_{role}", password=password, connect_timeout=5)
    if far(base):
        base = guarded(base)
    return make_conninfo(**base)


def far(given: dict[str, Any]) -> bool:
    """Does this address leave the machine? A Unix socket and loopback do not; a list of hosts does if one does."""
    hosts = f"{given.get('host') or ''},{given.get('hostaddr') or ''}".split(",")
    return any(host and not host.startswith("/") and host not in LOCAL for host in hosts)


def guarded(given: dict[str, Any]) -> dict[str, Any]:
    """The address with TLS demanded and a dead line noticed (libpq's parameters); ValueError when it asks for less."""
    mode = given.get("sslmode", "verify-full")
    if mode not in VERIFIED:
        raise ValueError(
            f"데이터베이스가 다른 장비에 있으면 인증서를 확인하는 TLS가 필요합니다. GWANJE_DATABASE_URL의 "
            f"sslmode={mode}을 verify-full로 고치고 sslrootcert를 적으십시오. / "
            "A database on another machine needs TLS with a verified "
            f"certificate: change sslmode={mode} in GWANJE_DATABASE_URL to verify-full and name sslrootcert."
        )
    return {
        **given,
        "sslmode": mode,
        "ssl_min_protocol_version": "TLSv1.2",
        "gssencmode": "disable",
        "connect_timeout": 3,
        "keepalives": 1,
        "keepalives_idle": 1,
        "keepalives_interval": 1,
        "keepalives_count": 2,
        "tcp_user_timeout": CUT_MS,
    }


def connect(home: Home, role: str = "app", *, autocommit: bool = True) -> psycopg.Connection[Any]:
    """A connection with the system's scope (row-level security lets a service see every agency's rows)."""
    connection = psycopg.connect(dsn(home, role), autocommit=autocommit)
    connection.execute(SYSTEM_SCOPE)
    if not autocommit:
        connection.commit()
    return connection

"""A real PostgreSQL for the kernel's own tables: the SQL files of the kernel, nothing of Django."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import gwanje.kernel
from gwanje.apps.postgres import running
from gwanje.kernel import database
from gwanje.kernel.home import Home

SQL = Path(gwanje.kernel.__file__).parent / "sql"
TOPICS = (
    "footage", "footage_hours", "sources", "devices", "fleet", "findings", "ledger", "ledger_outside", "events",
)  # fmt: skip


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Home]:
    """A data folder with a settable clock and its database, tables installed by the owner."""
    home = Home.create(tmp_path_factory.mktemp("kernel") / "centre", settable_clock=True)
    with running(home):
        with database.connect(home, "owner") as owner:
            for name in TOPICS:
                owner.execute((SQL / f"{name}.sql").read_text())
        yield home


@pytest.fixture
def app(server):
    """The services' connection: role app, every agency's rows."""
    with database.connect(server, "app") as connection:
        yield connection


@pytest.fixture
def owner(server):
    """The owner's connection: triggers bind it too."""
    with database.connect(server, "owner") as connection:
        yield connection


@pytest.fixture
def auditor(server):
    """The auditor's connection: reads, and only that."""
    with database.connect(server, "auditor") as connection:
        yield connection

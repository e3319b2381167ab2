"""For all tests: one database for whoever asks for one, and the shared helpers' folder removed at the end."""

from __future__ import annotations

import pytest

import support


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    support.remove()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """PostgreSQL of this run's data folder instead of a test database made by Django; started once, when needed."""
    from django.db import connections

    with django_db_blocker.unblock(), support.database():
        yield
        for connection in connections.all():
            connection.close()
            connection.close_pool()

"""The centre's tests: Django on real PostgreSQL as the app's role, every test in a transaction that is rolled back."""

from __future__ import annotations

import pytest

import support

support.django()

from support.centre import *  # noqa: E402, F403


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """PostgreSQL of this run's data folder instead of a test database made by Django."""
    from django.db import connections

    with django_db_blocker.unblock(), support.database():
        yield
        for connection in connections.all():
            connection.close()
            connection.close_pool()

"""The matrix runs on the centre's fixtures."""

from __future__ import annotations

import pytest

import support

support.django()

from support.centre import *  # noqa: E402, F403


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """PostgreSQL of this run's data folder."""
    with django_db_blocker.unblock(), support.database():
        yield

"""For all tests: one database for whoever asks for one, and the shared helpers' folder removed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import support
from support import ahead, outcomes

LAST = ("docs", "story", "browser")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(outcomes.Outcomes())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole centres come last; the browser after all, because its driver keeps an event loop in this thread."""
    here = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        area = item.path.relative_to(here).parts[0]
        return LAST.index(area) + 1 if area in LAST else 0

    items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    support.remove()


@pytest.fixture(scope="session", autouse=True)
def begun_ahead(request: pytest.FixtureRequest) -> Iterator[None]:
    """What mostly waits in processes of its own runs beside the other tests."""
    ahead.begin(dict.fromkeys(getattr(item, "module", None) for item in request.session.items))
    yield
    ahead.drop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker):
    """PostgreSQL of this run's data folder instead of a test database made by Django; started once, when needed."""
    from django.db import connections

    with django_db_blocker.unblock(), support.database():
        yield
        for connection in connections.all():
            connection.close()
            connection.close_pool()

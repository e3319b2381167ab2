"""For all tests: the shared helpers' folder is removed at the end, whatever happened."""

from __future__ import annotations

import pytest

import support


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    support.remove()

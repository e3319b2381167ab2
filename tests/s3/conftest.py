"""Tests with a real object store, opt in: ``pytest -m s3 tests/s3`` (packages are installed where that is allowed)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gwanje.vault.s3_bucket import S3Settings
from support.rgw import Node, missing, running
from tools.dev import debian
from tools.dev.shell import Failed


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "s3" in str(config.option.markexpr):
        return
    for item in items:
        if item.get_closest_marker("s3"):
            item.add_marker(pytest.mark.skip(reason="opt in: pytest -m s3 tests/s3"))


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    if missing():
        try:
            debian.need(*debian.CEPH)
        except Failed as failed:
            pytest.fail(str(failed))
    with running(tmp_path_factory.mktemp("rgw")) as found:
        yield found


@pytest.fixture
def bucket(node: Node, caplog: pytest.LogCaptureFixture) -> Iterator[S3Settings]:
    """A new bucket; no line of the log shows its account."""
    caplog.set_level(logging.DEBUG, "gwanje")
    made = node.bucket("hall")
    yield made
    assert made.secret_key not in caplog.text


@pytest.fixture
def store(tmp_path: Path) -> Path:
    found = tmp_path / "store"
    found.mkdir()
    return found

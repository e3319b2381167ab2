"""The matrix runs on the centre's fixtures, without vaultd: what needs it is ``away`` there."""

from __future__ import annotations

import pytest

import support

support.django()

from gwanje.vault.client import VaultAway, VaultClient  # noqa: E402
from support.centre import *  # noqa: E402, F403


@pytest.fixture(autouse=True)
def without_vaultd(monkeypatch):
    """Another test of the run may have started vaultd; the matrix asks as if it were away."""

    def away(*_: object, **__: object) -> None:
        raise VaultAway("not in the matrix")

    monkeypatch.setattr(VaultClient, "_call", away)

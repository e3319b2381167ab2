"""Vault tests: data folders of their own, an in-process vault, and a real vaultd where a process matters."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.vault import ceremony
from gwanje.vault.client import mint_fields
from gwanje.vault.core import Vault
from gwanje.vault.desk import Desk

REFERENCE = "조례 제31조제1항"
DECISION = hashlib.sha256(b"decision").digest()


@dataclass
class Centre:
    """A data folder with its ceremony held: a requester, two approvers, an administrator."""

    home: Home
    requester: ceremony.NewOfficer
    approver: ceremony.NewOfficer
    second: ceremony.NewOfficer
    camera: UUID = field(default_factory=uuid7)

    def confirm(self) -> list[tuple[UUID, str]]:
        return [(self.approver.id, self.approver.password), (self.second.id, self.second.password)]

    def approvals(self, *people: ceremony.NewOfficer) -> list[Approval]:
        chosen = people or (self.requester, self.approver)
        return [Approval(o.id, o.role, DECISION, self.home.clock.now_us()) for o in chosen]

    def permit(self, slot: int, first: int, until: int, **changes: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "id": uuid7(),
            "decision": DECISION,
            "norms": ["playback.ground"],
            "cameras": [Lens(self.camera, slot)],
            "first": first,
            "until": until,
            "person": self.requester.id,
            "station": "열람실 1",
            "ground": "investigation",
            "case": "형사과-1234",
            "approvals": self.approvals(),
            "expires": self.home.clock.now_s() + 600,
        }
        return {**fields, **changes}

    def fields(self, slot: int, first: int, until: int, **changes: Any) -> dict[str, Any]:
        return mint_fields(**self.permit(slot, first, until, **changes))

    def viewer(self, person: UUID | None = None, station: str = "열람실 1", seconds: int = 60) -> bytes:
        token = ViewerToken(person or self.requester.id, station, self.home.clock.now_s() + seconds)
        return token.sign(signing_key(self.home, "web"))


def make(path: Path, *, settable: bool = False, demo: bool = True) -> Centre:
    home = Home.create(path, settable_clock=settable, **({"demo": True} if demo else {}))
    agency = uuid7()
    officers = [
        ceremony.NewOfficer(uuid7(), role, agency, f"password of {role}")
        for role in ("operator", "manager", "chief_officer", "administrator")
    ]
    ceremony.create(home, officers)
    return Centre(home, officers[0], officers[1], officers[2])


def opened(home: Home) -> Vault:
    keystore = ceremony.open_keystore(home)
    keystore.lock()
    return Vault(home, keystore)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make(tmp_path / "c")


@pytest.fixture
def vault(centre: Centre) -> Iterator[Vault]:
    made = opened(centre.home)
    made.set_class(1, "days", 30, REFERENCE)
    yield made
    made.close()


@pytest.fixture
def desk(vault: Vault) -> Desk:
    return Desk(vault)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A centre with a real vaultd process, for a whole module."""
    place = make(tmp_path_factory.mktemp("vaultd") / "c")
    process = vaultd.start(place.home)
    try:
        yield place
    finally:
        process.terminate()
        assert process.wait(10) == 0
        assert not os.path.exists(place.home.socket("vaultd"))

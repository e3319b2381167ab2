"""One centre with a real vaultd and one bundle of ten seconds: fixtures that ``conftest`` hands on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import evidence_rig as rig
from play_rig import centre
from sim_tools import short_streets


@dataclass(frozen=True)
class Scene:
    """A centre, its street, its ledger, one bundle and who may check it."""

    made: rig.Centre
    street: rig.Street
    log: rig.Log
    bundle: Path
    manifest: dict
    first: int
    told: list

    @property
    def key(self) -> bytes:
        return rig.keys(self.made)[0]


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Twelve seconds sealed, ten released (with a second missing), proofs from a ledger, under a passphrase."""
    folder = tmp_path_factory.mktemp("evidence")
    with centre(folder / "c") as made:
        street = rig.Street.of(short_streets(folder, 1, seconds=12)[0].sub)
        path = rig.seal(made, street, rig.FIRST_S, 12)
        # damage, and another track: neither may reach anybody
        rig.seal(made, street, rig.ODD_S, 6, spoil=1, audio_at=4)
        made.set_time(rig.FIRST_S + 120)
        log, told = rig.Log(made), []
        log.add(path)
        first, out = rig.FIRST_S + 1, folder / "evidence.zip"
        body = rig.bundle(made, out, first, first + 10, ledger=log.ledger(), told=told)
        yield Scene(made, street, log, out, body, first, told)

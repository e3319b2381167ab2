"""A real vaultd, a sealed street, its minute in a ledger, and bundles made from it: what these tests share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import minutes, proofs, tree
from gwanje.kernel.ledger.entry import leaf_bytes, opening_bytes
from gwanje.kernel.permit import Approval, Lens
from gwanje.media.play.releasing import Ledger, Lock, Part, Release
from gwanje.media.play.store import Store
from gwanje.vault.bundle import age
from gwanje.vault.ceremony import public
from gwanje.vault.client import AsyncVaultClient, VaultClient
from gwanje.vault.parts import part_hash
from gwanje.vault.segment import SegmentReader

sys.path.insert(0, str(Path(__file__).parents[1] / "media"))
from play_rig import BEGAN_S, STATION, Centre, Street, seal, text

ORIGIN = "gwanje.test/evidence"
# keys are lent from now on: the footage lies a minute ahead, and the clock is moved past it
FIRST_S = BEGAN_S + 60
ODD_S = FIRST_S + 40
PASSPHRASE = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"
README = {"README.txt": b"test\n"}


@dataclass
class Log:
    """A small ledger in memory with one recorder-minute in it, signed by the real vaultd."""

    made: Centre
    leaves: list[bytes] = field(default_factory=list)
    sealed: proofs.Sealed | None = None
    note: str = ""

    def add(self, path: Path) -> None:
        """Seal a segment file's parts into a minute, among other rows, and have the checkpoint signed."""
        with SegmentReader(path) as reader:
            hashes = [part_hash(reader.read(part)) for part in reader.parts]
            writer, segment_id = reader.header.writer, reader.segment_id
            minute_s = reader.parts[0].header.start_us // 60_000_000 * 60
        grown = minutes.Growing()
        for value in hashes:
            grown.add(value)
        others = [os.urandom(32) for _ in range(4)]
        leaf = minutes.segment_leaf(segment_id, grown.size, grown.root())
        minute = minutes.Minute(writer, minute_s, b"".join([*others[:2], leaf, *others[2:]]))
        root = tree.root(minute.nodes(), minute.count)
        opening = opening_bytes(minutes.entry(writer, minute_s, minute.count, root))
        at_us, salt = (minute_s + 61) * 1_000_000, os.urandom(32)
        self.leaves += [os.urandom(57) for _ in range(6)]
        index = len(self.leaves)
        self.leaves += [leaf_bytes(minute.row, at_us, salt, opening), *(os.urandom(57) for _ in range(7))]
        self.sealed = proofs.Sealed(minute, minute.row, at_us, salt, index)
        self._sign()

    def _sign(self) -> None:
        size = len(self.leaves)
        with contextlib.closing(VaultClient(self.made.home, "worker")) as client:
            self.note = client.checkpoint(ORIGIN, size, self.root, 0, [])

    @property
    def root(self) -> bytes:
        return tree.root(tree.nodes_of(self.leaves), len(self.leaves))

    def prove(self, part: Part) -> bytes:
        assert self.sealed is not None
        nodes = tree.nodes_of(self.leaves)
        meant = proofs.Part(part.segment_id, part.hashes, part.ordinal)
        return proofs.part_proof(meant, self.sealed, len(self.leaves), nodes)

    def ledger(self) -> Ledger:
        return Ledger(self.note, len(self.leaves), self.root, self.prove)


def permit(made: Centre, first: int, until: int, action: str = "release") -> bytes:
    """A Permit that two officers consented to."""
    decision, now = os.urandom(32), made.home.clock.now_us()
    people = ((made.requester, "operator"), (made.approver, "chief_officer"))
    approvals = [Approval(person, role, decision, now) for person, role in people]
    with contextlib.closing(VaultClient(made.home, "web")) as client:
        return client.mint(
            id=uuid7(), decision=decision, norms=["playback.ground"], cameras=[Lens(made.camera, made.slot)],
            first=first, until=until, person=made.requester, station=STATION, ground="수사", case="시험-1",
            approvals=approvals, expires=now // 1_000_000 + 600, action=action,
        )  # fmt: skip


def keys(made: Centre) -> tuple[bytes, bytes]:
    """vaultd's Permit key and checkpoint key."""
    facts = public(made.home)
    return bytes.fromhex(facts["permit_key"]), bytes.fromhex(facts["checkpoint_key"])


async def _made(
    made: Centre, out: Path, signed: bytes, lock: Lock, ledger: Ledger | None, beside, told: list, signing: tuple
) -> dict:
    client, store = AsyncVaultClient(made.home, "player"), Store(made.home.store, made.home.clock)
    try:
        import base64

        viewer = made.viewer()
        raw = base64.urlsafe_b64decode(viewer + "=" * (-len(viewer) % 4))
        granted = await client.redeem(signed, raw)
        release = Release(client, store, made.home.clock, granted.session, granted.permit)

        async def tell(lens: Lens, first: int, until: int) -> None:
            told.append((first, until))

        (lens,) = granted.permit.cameras
        return await release.make(
            lens, lock, out, keys=keys(made), ledger=ledger, beside=beside, told=tell, signing=signing
        )
    finally:
        store.close()
        await client.close()


def bundle(
    made: Centre, out: Path, first: int, until: int, *, lock: Lock | None = None, ledger: Ledger | None = None,
    beside: dict[str, bytes] | None = None, told: list | None = None, action: str = "release", signing: tuple = (),
) -> dict:  # fmt: skip
    """Make one bundle; returns its manifest."""
    chosen = lock or Lock(passphrase=PASSPHRASE)
    files = README if beside is None else beside
    signed = permit(made, first, until, action)
    return asyncio.run(_made(made, out, signed, chosen, ledger, files, [] if told is None else told, signing))


__all__ = ["PASSPHRASE", "Centre", "Log", "Street", "age", "bundle", "keys", "permit", "seal", "text"]

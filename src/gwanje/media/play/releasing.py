"""Making an evidence bundle (증거 묶음 만들기): the seconds of one camera under a release Permit, into locked files.

Second by second: the sealed bytes are read, vaultd opens that second (and logs it), part and key go into the locked
container, the opened fragment goes into the locked clip. Plaintext stands in memory for that second only.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from gwanje.kernel import secret
from gwanje.kernel.clock import Clock
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Lens, Permit
from gwanje.media.play.store import EPOCH_S, Sealed, Store
from gwanje.media.signed.film import Film, manifest_of
from gwanje.vault import merkle
from gwanje.vault.bundle import archive, clip, manifest
from gwanje.vault.bundle.age import Locked
from gwanje.vault.bundle.container import Container, about_digest
from gwanje.vault.camera_keys import Key
from gwanje.vault.ciphers import AES_256_GCM
from gwanje.vault.errors import GONE, PartRefused, VaultError
from gwanje.vault.parts import INIT, PartHeader, open_part, part_hash

PROOFS_MAGIC = b"GWPRF\0\1\n"
SEALED = "sealed.age"
TOLD_S = 60
log = logging.getLogger("gwanje.player")
Told = Callable[[Lens, int, int], Awaitable[None]]


class Door(Protocol):
    """What is asked of vaultd."""

    async def open_ticks(
        self, session: bytes, class_: int, slot: int, epoch: int, seconds: Sequence[tuple[int, Sequence[bytes]]]
    ) -> list[dict[bytes, bytearray]]:
        """Key material of seconds of one hour; it is ours to overwrite."""

    async def bundle_sign(self, session: bytes, manifest: Mapping[str, Any], salt: bytes, note: str) -> bytes:
        """The signed manifest."""


@dataclass(frozen=True)
class Part:
    """One part of the bundle, as its proof needs it; ``hashes``: of its segment's parts from ordinal 0 on."""

    segment_id: bytes
    writer: bytes
    ordinal: int
    start_us: int
    digest: bytes
    hashes: Sequence[bytes]


@dataclass(frozen=True)
class Ledger:
    """A signed checkpoint (cosignatures with it) and how a part's proof against its size is found (empty: none)."""

    note: str
    size: int
    root: bytes
    prove: Callable[[Part], bytes]


@dataclass(frozen=True)
class Lock:
    """To whom: public keys of recipients (age), or one passphrase that goes by another channel."""

    recipients: tuple[bytes, ...] = ()
    passphrase: str = ""

    def on(self, out: BinaryIO) -> Locked:
        """A locked file under a key of its own."""
        return Locked(out, recipients=self.recipients, passphrase=self.passphrase)


@dataclass
class _Clip:
    """One clip being written."""

    name: str
    file: BinaryIO
    out: Locked
    init: bytes
    base: int
    first: int
    until: int
    second: int
    last: int
    film: Film

    def entry(self) -> dict[str, Any]:
        """Its entry in the manifest."""
        return {
            "name": self.name, "size": self.out.plain_size, "sha256": self.out.plain_digest, "from": self.first,
            "until": self.until, "base": self.base,
        }  # fmt: skip


@dataclass
class Draft:
    """What is collected while the seconds go by."""

    folder: Path
    lock: Lock
    about: Mapping[str, Any]
    salt: bytes
    signing: Sequence[Key] = ()
    files: dict[str, Path] = field(default_factory=dict)
    clips: list[_Clip] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    seconds: set[int] = field(default_factory=set)
    digests: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sealed = self._open(SEALED)
        self._locked = self.lock.on(self._sealed)
        self._container = Container(self._locked, self.about, self.salt)
        self._init: dict[bytes, bytes] = {}
        self._hashes: dict[bytes, list[bytes]] = {}
        self._running = False

    def _open(self, name: str) -> BinaryIO:
        self.files[name] = self.folder / name
        return (self.folder / name).open("xb")

    def take(self, sealed: Sealed, data: bytes, okm: bytearray, second: int) -> None:
        """One sealed part with its key; one that does not open is left out. ``bundle_track`` when it is no video."""
        header = PartHeader.unpack(data)
        if header.cipher != AES_256_GCM:
            # neither verifier opens it: a bundle that nobody can check is none
            raise VaultError("bundle_cipher")
        try:
            plain = open_part(okm, sealed.segment_id, data)
        except PartRefused as error:
            # the chain of proofs shows that it stood there; its second is missing when nothing else of it opens
            log.warning("segment %s, ordinal %d: %s", sealed.segment_id.hex()[:16], header.ordinal, error)
            return
        self._container.part(sealed.reader.header.pack(), header.tick, okm, data)
        place = Part(
            sealed.segment_id, sealed.reader.header.writer, header.ordinal, header.start_us,
            hashlib.sha256(data).digest(), self._hashed(sealed, header.ordinal),
        )  # fmt: skip
        self.parts.append(place)
        self.seconds.add(second)
        if header.kind == INIT:
            clip.video_only(plain)
            self._init[sealed.segment_id] = plain
        else:
            self._film(self._init.get(sealed.segment_id, b""), plain, header, second)

    def _hashed(self, sealed: Sealed, ordinal: int) -> list[bytes]:
        """Part hashes of a segment: its minute's tree needs those before the Permit's first second, too."""
        known, reader = self._hashes.setdefault(sealed.segment_id, []), sealed.reader
        if ordinal >= len(known):
            known += [part_hash(reader.read(part)) for part in reader.parts[len(known) :]]
        return known

    def _film(self, init: bytes, plain: bytes, header: PartHeader, second: int) -> None:
        time = clip.begins(plain)
        now = self.clips[-1] if self._running else None
        if now and (now.init != init or time < now.last or second > now.second + 1):
            self._end()
            now = None
        if now is None:
            if not (header.idr and init) or len(self.clips) >= manifest.CLIPS_MAX:
                return
            now = self._begin(init, time, second)
        clip.video_only(init, plain)
        now.out.write(clip.shifted(plain, now.base))
        now.film.part(plain, header.start_us, header.duration_us)
        now.until, now.second, now.last = len(self.parts), second, time

    def _begin(self, init: bytes, time: int, second: int) -> _Clip:
        name = f"clip-{len(self.clips) + 1}.mp4.age"
        file = self._open(name)
        number = len(self.parts)
        made = _Clip(
            name, file, self.lock.on(file), init, time, number - 1, number, second, time,
            Film(init, self.signing),
        )  # fmt: skip
        made.out.write(init)
        self.clips.append(made)
        self._running = True
        return made

    def _end(self) -> None:
        now = self.clips[-1]
        self._running = False
        now.out.close()
        now.file.close()
        self.digests[now.name] = (now.out.size, now.out.digest)

    def close(self) -> None:
        """Seal what is open."""
        if self._running:
            self._end()
        self._container.close()
        self._sealed.close()
        self.digests[SEALED] = (self._locked.size, self._locked.digest)

    def add(self, name: str, data: bytes) -> None:
        """A file in the open."""
        self.files[name] = self.folder / name
        self.files[name].write_bytes(data)
        self.digests[name] = (len(data), hashlib.sha256(data).digest())


def runs(seconds: Sequence[int]) -> list[tuple[int, int]]:
    """Seconds in order as [first, until) ranges of a minute at most, as the player tells them."""
    out: list[tuple[int, int]] = []
    for second in seconds:
        if out and out[-1][1] in (second, second + 1) and second - out[-1][0] < TOLD_S:
            out[-1] = (out[-1][0], second + 1)
        else:
            out.append((second, second + 1))
    return out


def missing(seconds: set[int], first: int, until: int) -> list[list[int]]:
    """The seconds in [first, until) with no part, as [from, until) ranges."""
    out: list[list[int]] = []
    for second in range(first, until):
        if second in seconds:
            continue
        if out and out[-1][1] == second:
            out[-1][1] = second + 1
        else:
            out.append([second, second + 1])
    return out


def _proofs(parts: Sequence[Part], ledger: Ledger | None) -> bytes:
    """Per part: part hash 32 ‖ segment id 32 ‖ length u16 ‖ proof (none: length 0)."""
    out = io.BytesIO()
    out.write(PROOFS_MAGIC)
    for part in parts:
        proof = ledger.prove(part) if ledger else b""
        out.write(part.digest + part.segment_id + len(proof).to_bytes(2, "big") + proof)
    return out.getvalue()


class Release:
    """Makes bundles within one release session."""

    def __init__(self, door: Door, store: Store, clock: Clock, session: bytes, permit: Permit) -> None:
        self._door, self._store, self._clock = door, store, clock
        self.session, self.permit = session, permit

    async def make(
        self, lens: Lens, lock: Lock, out: Path, *, keys: tuple[bytes, bytes], ledger: Ledger | None,
        beside: Mapping[str, bytes], told: Told, signing: Sequence[Key] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Write the bundle of one camera to ``out`` (must not exist); returns its manifest.

        ``keys``: vaultd's Permit key, which signs, and its checkpoint key. ``beside``: files in the open (verifiers,
        words). ``told``: writes down that a range was opened, before the file is there. ``signing``: keys that an
        officer recorded for this camera (0030). VaultError; FileExistsError.
        """
        about, salt = manifest.about_of(self.permit.body()), os.urandom(32)
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=out.parent) as made:
            draft = Draft(Path(made), lock, about, salt, signing)
            opened: list[int] = []
            try:
                await self._collect(draft, lens, opened)
            finally:
                draft.close()
                # what vaultd opened is told even when the disk is full in the middle
                for first, until in runs(opened):
                    await told(lens, first, until)
            if not draft.parts:
                raise VaultError("bundle_empty")
            for name, data in beside.items():
                draft.add(name, data)
            draft.add("proofs.bin", _proofs(draft.parts, ledger))
            if ledger:
                draft.add("checkpoint.txt", ledger.note.encode())
            body = self._manifest(draft, lens, about_digest(about, salt), keys, ledger)
            draft.add("manifest.json", manifest.readable(body))
            body["files"] = {name: list(pair) for name, pair in sorted(draft.digests.items())}
            note = ledger.note if ledger else ""
            signed = await self._door.bundle_sign(self.session, body, salt, note)
            draft.add("manifest.cose", signed)
            _write(out, draft)
            return body

    def _manifest(
        self, draft: Draft, lens: Lens, about: bytes, keys: tuple[bytes, bytes], ledger: Ledger | None
    ) -> dict[str, Any]:  # fmt: skip
        permit = self.permit
        return {
            "v": 1, "kind": manifest.ORIGINAL, "mask": None, "id": uuid7().bytes, "centre": permit.centre.bytes,
            "permit": permit.id.bytes, "decision": permit.decision, "about": about, "camera": lens.camera.bytes,
            "slot": lens.slot, "stream": lens.stream, "first": permit.first, "until": permit.until,
            "made": self._clock.now_us(), "parts": len(draft.parts),
            "parts_root": merkle.root([part.digest for part in draft.parts]), "key": keys[0],
            "checkpoint_key": keys[1],
            "checkpoint": [ledger.size, ledger.root] if ledger else None,
            "clips": [one.entry() for one in draft.clips], "files": {},
            "missing": missing(draft.seconds, permit.first, permit.until),
            **manifest_of([one.film for one in draft.clips], draft.signing),
        }  # fmt: skip

    async def _collect(self, draft: Draft, lens: Lens, opened: list[int]) -> None:
        second = self.permit.first
        while second < self.permit.until:
            second = await self._store.ask(
                self._store.next_second, lens.slot, lens.stream, second, self.permit.until
            )  # fmt: skip
            if second >= self.permit.until:
                return
            await self._second(draft, lens, second, opened)
            second += 1

    async def _second(self, draft: Draft, lens: Lens, second: int, opened: list[int]) -> None:
        found = await self._store.ask(self._store.at, lens.slot, lens.stream, second)
        for class_ in sorted({sealed.class_ for sealed in found}):
            mine = [sealed for sealed in found if sealed.class_ == class_]
            ids = sorted({sealed.segment_id for sealed in mine})
            try:
                asked = [(second % EPOCH_S, ids)]
                (keys,) = await self._door.open_ticks(self.session, class_, lens.slot, second // EPOCH_S, asked)
            except VaultError as error:
                if error.code not in GONE:
                    raise
                continue
            opened.append(second)
            try:
                for sealed in mine:
                    for part in sealed.parts:
                        data = await self._store.ask(sealed.reader.read, part)
                        draft.take(sealed, data, keys[sealed.segment_id], second)
            finally:
                secret.wipe(*keys.values())


ORDER = ("README.txt", "verify.html", "verify.py", "manifest.cose", "manifest.json", "checkpoint.txt", "proofs.bin")


def names(draft: Draft) -> Iterator[str]:
    """Members in the bundle's order: what a person needs first stands first."""
    yield from (name for name in ORDER if name in draft.files)
    yield from sorted(name for name in draft.files if name not in ORDER)


def _write(out: Path, draft: Draft) -> None:
    """The archive under its name only when it is whole."""
    part = draft.folder / "bundle.part"
    with contextlib.ExitStack() as stack, part.open("xb") as target:
        members = [(name, stack.enter_context(draft.files[name].open("rb"))) for name in names(draft)]
        archive.write(target, members)
        target.flush()
        os.fsync(target.fileno())
    os.link(part, out)

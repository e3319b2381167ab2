"""Witness (외부 증인): another centre or an auditor's laptop signs a log's checkpoints after its own proof, and keeps
the last one. Whatever contradicts it becomes a file that convinces a third person.

Needs no data folder: its own folder holds its key, the logs it follows, and per log the last checkpoint it signed.
A checkpoint is on the disk before its cosignature leaves (C2SP tlog-witness): a killed witness never signs backwards.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.apps import fetch
from gwanje.kernel.clock import Clock
from gwanje.kernel.keys import write_secret
from gwanje.kernel.ledger import cosign, note, tiles, tree
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.note import BadNote, Checkpoint
from gwanje.kernel.ledger.tiles import BadTile, TileTree

LOGS_MAX = 256
AUDIT_BUNDLES = 64
EVIDENCE_MAX = 1000
WORDS = {
    "fork": (
        "서명된 두 검증 지점이 서로 어긋납니다(갈라진 대장)",
        "two signed checkpoints contradict each other: a fork",
    ),
    "rollback": ("이미 본 것보다 오래된 검증 지점을 내놓았습니다", "the log serves a checkpoint older than one seen"),
    "edited": ("공개된 조각이 서명된 검증 지점과 다릅니다", "the tiles do not fit the signed checkpoint"),
    "false": ("검증 지점에 대장의 바른 서명이 없습니다", "the checkpoint is not signed by the log"),
}


class Found(Exception):
    """Something is wrong with a log: ``kind`` is a key of WORDS, ``said`` goes into the evidence."""

    def __init__(self, kind: str, **said: Any) -> None:
        super().__init__(WORDS[kind][1])
        self.kind, self.said = kind, said


class Frozen(Exception):
    """This log contradicted itself before: nothing of it is signed until an operator has looked."""


class Conflict(Exception):
    """The request does not begin at the size that was signed last."""

    def __init__(self, size: int, root_differs: bool = False) -> None:
        super().__init__(str(size))
        self.size, self.root_differs = size, root_differs


@dataclass(frozen=True)
class Log:
    """A log that is followed: its key (kind 1), where its tiles lie, where cosignatures are sent (maybe nowhere)."""

    key: VKey
    place: str = ""
    submit: str = ""

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return hashlib.sha256(self.key.name.encode()).hexdigest()[:16]


def _durable(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".tmp")
    handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(part, path)
    above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(above)
    finally:
        os.close(above)


class Witness:
    """One witness over its folder. ``add_checkpoint`` answers a log, ``follow`` goes and looks."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder, self._clock = folder, clock or Clock()
        self.config: dict[str, Any] = json.loads((folder / "witness.json").read_text())
        self._key = Ed25519PrivateKey.from_private_bytes((folder / "witness.key").read_bytes())
        self.vkey = cosign.witness_key(str(self.config["name"]), self._key)

    @classmethod
    def create(cls, folder: Path, name: str) -> Witness:
        """Make the folder (0700), the key (0600) and an empty list; what stands stays. ValueError for a bad name."""
        if not cosign.good_name(name):
            raise ValueError(
                "이름에는 빈칸과 +를 쓸 수 없습니다 / a name has no space and no plus, at most 200 characters"
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / "witness.key").exists():
            write_secret(folder / "witness.key", os.urandom(32))
        if not (folder / "witness.json").exists():
            _durable(folder / "witness.json", json.dumps({"name": name, "logs": []}).encode())
        return cls(folder)

    def add(self, log: Log) -> None:
        """Follow a log; one of the same origin is replaced, its history kept."""
        if log.key.kind != cosign.ED25519:
            raise ValueError("대장의 키가 아닙니다 / not a log's key (type 1)")
        logs = [each for each in self.logs() if each.key.name != log.key.name]
        if len(logs) >= LOGS_MAX:
            raise ValueError(f"대장은 {LOGS_MAX}개까지 / at most {LOGS_MAX} logs")
        listed = [{"key": str(e.key), "place": e.place, "submit": e.submit} for e in (*logs, log)]
        self.config["logs"] = listed
        _durable(self.folder / "witness.json", json.dumps(self.config, ensure_ascii=False, indent=1).encode())

    def logs(self) -> list[Log]:
        """What is followed."""
        return [Log(VKey.parse(e["key"]), e["place"], e["submit"]) for e in self.config["logs"][:LOGS_MAX]]

    @contextmanager
    def _locked(self, log: Log) -> Iterator[Path]:
        place = self.folder / log.folder
        place.mkdir(exist_ok=True, mode=0o700)
        handle = os.open(place / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield place
        finally:
            os.close(handle)

    def last(self, log: Log) -> tuple[Checkpoint, str] | None:
        """The last checkpoint signed for a log, with its note."""
        try:
            text = (self.folder / log.folder / "last.note").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return note.parse(text)[0], text

    def _sign(self, place: Path, signed: str) -> str:
        """Keep the checkpoint, then cosign it; the order is the whole point."""
        _, text, _ = note.parse(signed)
        _durable(place / "last.note", signed.encode())
        line = cosign.cosign(text, self._key, self.vkey.name, self._clock.now_s())
        _durable(place / "cosigned.note", cosign.with_lines(signed, [line]).encode())
        return line

    def _guard(self, place: Path) -> None:
        if (place / "frozen").exists():
            raise Frozen((place / "frozen").read_text(encoding="utf-8"))

    # --- what a log asks (C2SP tlog-witness) ----------------------------------------------------------------------

    def add_checkpoint(self, body: bytes) -> tuple[int, str, str]:
        """(HTTP status, content type, text) for the body of an ``add-checkpoint`` request."""
        plain = "text/plain; charset=utf-8"
        try:
            old, proof, signed = cosign.parse_request(body)
            said = note.parse(signed)[0]
        except BadNote as error:
            return 400, plain, f"{error}\n"
        log = next((each for each in self.logs() if each.key.name == said.origin), None)
        if log is None:
            return 404, plain, "unknown log\n"
        try:
            note.verify(signed, log.key.public, log.key.name)
        except BadNote as error:
            return 403, plain, f"{error}\n"
        if old > said.size:
            return 400, plain, "the old size is beyond the checkpoint\n"
        try:
            return self._advance(log, old, proof, said, signed)
        except Conflict as conflict:
            return 409, "text/x.tlog.size", f"{conflict.size}\n"
        except Frozen:
            return 403, plain, "this log has contradicted itself; its operator must be asked\n"

    def _advance(
        self, log: Log, old: int, proof: Sequence[bytes], said: Checkpoint, signed: str
    ) -> tuple[int, str, str]:
        with self._locked(log) as place:
            self._guard(place)
            last = self.last(log)
            seen = last[0] if last else Checkpoint(log.key.name, 0, tree.EMPTY)
            if last and said.size == seen.size and said.root != seen.root:
                self._freeze(place, log, Found("fork", notes=[last[1], signed]))
                raise Conflict(seen.size, root_differs=True)
            if old != seen.size:
                raise Conflict(seen.size)
            if not tree.verify_consistency(seen.size, seen.root, said.size, said.root, proof):
                # anybody may send a false proof with a true note: it is no evidence against the log
                return 422, "text/plain; charset=utf-8", "the consistency proof does not verify\n"
            return 200, "text/plain; charset=utf-8", self._sign(place, signed)

    # --- what a witness goes and looks at -------------------------------------------------------------------------

    def follow(self, log: Log) -> tuple[Checkpoint, str] | None:
        """Read the log's checkpoint and tiles, prove, audit, cosign; None when there is nothing new.

        Found (evidence is on the disk then), Frozen, or fetch.Unreachable.
        """
        get = fetch.reader(log.place)
        try:
            signed = get(tiles.CHECKPOINT).decode()
        except (FileNotFoundError, UnicodeDecodeError) as error:
            raise fetch.Unreachable(f"no checkpoint: {type(error).__name__}") from error
        with self._locked(log) as place:
            self._guard(place)
            try:
                return self._look(log, place, get, signed)
            except Found as found:
                self._freeze(place, log, found)
                raise

    def _look(self, log: Log, place: Path, get: Callable[[str], bytes], signed: str) -> tuple[Checkpoint, str] | None:
        last = self.last(log)
        try:
            said = note.verify(signed, log.key.public, log.key.name)
        except BadNote as error:
            raise Found("false", notes=[signed[: note.NOTE_MAX]], why=str(error)) from error
        seen = TileTree(get, said.size)
        if last:
            self._compare(last, said, signed)
        try:
            if seen.root() != said.root:
                raise Found("edited", notes=[signed], root=seen.root().hex())
            if last and said.size > last[0].size:
                self._prefix(last, seen, signed)
            self._audit(place, seen, last[0].size if last else 0)
        except BadTile as error:
            raise Found("edited", notes=[signed], why=str(error)) from error
        if last and said.size == last[0].size:
            return None
        return said, self._sign(place, signed)

    def _compare(self, last: tuple[Checkpoint, str], said: Checkpoint, signed: str) -> None:
        if said.size < last[0].size:
            raise Found("rollback", notes=[last[1], signed])
        if said.size == last[0].size and said.root != last[0].root:
            raise Found("fork", notes=[last[1], signed])

    def _prefix(self, last: tuple[Checkpoint, str], seen: TileTree, signed: str) -> None:
        """The tiles fit the new checkpoint; the root that they give the old size must be the one signed then."""
        old = last[0]
        root = tree.root(seen.node, old.size)
        if root != old.root:
            proof = tree.consistency(seen.node, old.size, seen.size)
            steps = [base64.b64encode(step).decode() for step in proof]
            raise Found("fork", notes=[last[1], signed], prefix=base64.b64encode(root).decode(), proof=steps)

    def _audit(self, place: Path, seen: TileTree, since: int) -> None:
        """Entries against tiles and tiles against those above: what is new, then a further piece of what is old."""
        count = -(-seen.size // tiles.WIDTH)
        mark = place / "audited"
        start = int(mark.read_text()) if mark.exists() else 0
        newest = range(max(since // tiles.WIDTH, count - AUDIT_BUNDLES), count)
        older = [(start + n) % count for n in range(min(count, AUDIT_BUNDLES))] if count else []
        for index in dict.fromkeys((*newest, *older)):
            seen.entries(index)
            if (index + 1) * tiles.WIDTH <= seen.size:
                seen.check_tile(0, index)
        if count:
            mark.write_text(str((start + len(older)) % count))

    def _freeze(self, place: Path, log: Log, found: Found) -> None:
        """Write the evidence; a fork is final, the rest may be a restored or half-copied folder and heals."""
        ko, en = WORDS[found.kind]
        at = self._clock.now()
        said = {
            "format": "gwanje evidence 1", "kind": found.kind, "ko": ko, "en": en, "log": str(log.key),
            "witness": str(self.vkey), "at": at.isoformat(), **found.said,
        }  # fmt: skip
        body = json.dumps(said, ensure_ascii=False, indent=1, sort_keys=True)
        name = (
            f"evidence-{found.kind}-{hashlib.sha256(repr(sorted(found.said.items())).encode()).hexdigest()[:12]}.json"
        )
        path = place / name
        found.said["evidence"] = str(path)
        if not path.exists() and sum(1 for _ in place.glob("evidence-*")) < EVIDENCE_MAX:
            _durable(path, body.encode())
        if found.kind == "fork":
            _durable(place / "frozen", str(path).encode())


def convinces(evidence: dict[str, Any]) -> bool:
    """Does this evidence prove by itself that the log signed two things that cannot both be true?

    Only the log's key is believed: two notes of one size with two roots, or two sizes and a proof that the tree of the
    newer one begins with another root than the older one has. BadNote when a note is not the log's.
    """
    log = VKey.parse(str(evidence["log"]))
    notes = [note.verify(str(each), log.public, log.name) for each in evidence["notes"]]
    if evidence.get("kind") != "fork" or len(notes) != 2:
        return False
    old, new = notes
    if old.size == new.size:
        return old.root != new.root
    prefix = base64.b64decode(str(evidence["prefix"]), validate=True)
    proof = [base64.b64decode(str(step), validate=True) for step in evidence["proof"]]
    return prefix != old.root and tree.verify_consistency(old.size, prefix, new.size, new.root, proof)

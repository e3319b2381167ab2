"""Spool of facts (사실 보고함): what media, vaultd and the web tell the ledger, kept on disk until it is there.

One file per process, ``spool/refusals/<name>.jsonl``; where processes have users of their own
``spool/refusals/<name>/<name>.jsonl``, in a folder that its user and the worker may write to. A line is written and
fsynced before ``report`` returns; the worker moves lines into the ledger exactly once, because a line's id becomes
the row's id. The name of the file says who speaks, and ``SAYS`` what such a process can know: what only the centre
decides is not taken from here.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel.canonical import nfc
from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Cursor
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger.entry import OUTCOMES, BadEntry, Entry, append, append_many

LINE_MAX = 16 * 1024
FILE_MAX = 8 << 20
BATCH_MAX = 500
# the last item of a kind is open where the item ends with a dot
SAYS: Mapping[str, tuple[str, ...]] = {
    "vaultd": ("vault.",),
    "recorder": ("live.", "recorder."),
    # what was refused before there was a row: its transaction is rolled back, and a ledger row with it
    "web": ("cameras.address.",),
    "player": (
        "playback.session.", "playback.range.", "playback.message.", "playback.connection.", "playback.refusals.",
        "playback.permit.refused",
    ),
}  # fmt: skip
_UUIDS = ("actor", "agency", "permit", "situation")
_KNOWN = {
    "outcome", "actor", "role", "agency", "station", "norms", "articles", "decision", "permit", "cameras",
    "first", "until", "ground", "case", "situation", "dies",
}  # fmt: skip
log = logging.getLogger(__name__)


class SpoolFull(RuntimeError):
    """The spool has reached its limit: the worker or PostgreSQL has been away too long. The caller must refuse."""


def folder(home: Home) -> Path:
    """Where the spools lie."""
    path = home.spool / "refusals"
    if not home.separate:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def file_of(home: Home, service: str) -> Path:
    """A service's own spool."""
    name = f"{service}.jsonl"
    return folder(home) / service / name if home.separate else folder(home) / name


def service_of(kind: str) -> str:
    """The spool that a kind belongs to by itself."""
    return next((name for name, kinds in SAYS.items() if kind.startswith(kinds)), "")


def may_say(service: str, kind: str, outcome: str) -> bool:
    """Is it for this process to say so? Only vaultd grants anything."""
    return kind.startswith(SAYS.get(service, ("?",))) and (outcome != "granted" or service == "vaultd")


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return str(value)
    return value


# two users share such a folder: neither may lead the other to a file of its own by a link, or stop it by a pipe
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextlib.contextmanager
def _locked(path: Path, *, make: bool = True) -> Iterator[int]:
    # the lock file outlives the data file, which the drainer replaces; its maker is who speaks
    how = os.O_CREAT | os.O_RDWR if make else os.O_RDONLY
    handle = os.open(path.with_suffix(".lock"), how | _PLAIN, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def report(home: Home, kind: str, detail: Mapping[str, Any], *, service: str = "") -> UUID:
    """Spool one fact durably; returns its id. Raises SpoolFull at 8 MiB a service, BadEntry when it is too large.

    ``kind``: dotted past-tense fact, for example ``playback.permit.refused``. ``detail``: fields of
    ``ledger.Entry`` by their names (outcome, actor, permit, cameras, first, until, case, …; outcome ``refused``
    when missing); whatever else it has goes into the row's detail. ``service``: the spool's name, else the one
    that the kind belongs to; BadEntry when the fact is not this service's to say.
    """
    service = service or service_of(kind)
    if not may_say(service, kind, str(detail.get("outcome", "refused"))):
        raise BadEntry(f"이 프로세스가 보고할 수 없는 사실입니다 / {kind} is not for {service or 'anybody'} to say")
    line_id, at_us = uuid7(), home.clock.now_us()
    line = json.dumps({"id": str(line_id), "at": at_us, "kind": kind, **_plain(detail)}, ensure_ascii=False) + "\n"
    data = line.encode()
    if len(data) > LINE_MAX:
        raise BadEntry(f"보고 내용이 너무 큽니다 / a fact of {len(data)} bytes passes the limit of {LINE_MAX}")
    path = file_of(home, service)
    with _locked(path):
        handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | _PLAIN, 0o640)
        try:
            if os.fstat(handle).st_size + len(data) > FILE_MAX:
                raise SpoolFull("접속기록 보고함이 가득 찼습니다 / the spool of facts is full")
            os.write(handle, data)
            os.fdatasync(handle)
        finally:
            os.close(handle)
    return line_id


@dataclass(frozen=True)
class Fact:
    """One spooled line as a ledger entry."""

    id: UUID
    entry: Entry


def _entry(said: dict[str, Any], service: str) -> Entry:
    kind = said.pop("kind")
    at_us = int(said.pop("at"))
    outcome = said.get("outcome", "refused")
    fields: dict[str, Any] = {k: said.pop(k) for k in list(said) if k in _KNOWN}
    for name in _UUIDS:
        if fields.get(name):
            fields[name] = UUID(fields[name])
    fields["cameras"] = [UUID(c) for c in fields.get("cameras", ())]
    if fields.get("decision"):
        fields["decision"] = base64.b64decode(fields["decision"])
    fields["outcome"] = outcome if outcome in OUTCOMES else "refused"
    if not may_say(service, kind, outcome):
        named = {"kind": str(kind)[:80], "problem": "not_its_own", "told_by": service[:40]}
        return Entry("spool.fact.malformed", "done", detail=named)
    inner = said.pop("detail", {})
    detail = {**said, **(inner if isinstance(inner, dict) else {"said": inner}), "at_us": at_us}
    detail["told_by"] = service
    return Entry(kind, **fields, detail={nfc(str(k)): v for k, v in detail.items() if v is not None})


def _facts(data: bytes, service: str) -> Iterator[Fact]:
    for line in data.splitlines():
        try:
            said = json.loads(line)
            yield Fact(UUID(said.pop("id")), _entry(said, service))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            # a line torn by a power cut was never acknowledged; its digest is its id, so that it counts once
            log.error("a spooled fact of %d bytes could not be read", len(line))
            digest = hashlib.sha256(line).digest()
            detail = {"bytes": len(line), "sha256": digest.hex()}
            yield Fact(UUID(bytes=digest[:16]), Entry("spool.fact.unreadable", "done", detail=detail))


def _take(path: Path) -> Path | None:
    """Rename the live spool, so that writers begin a new one; a file taken before and not finished comes first."""
    taken = path.with_suffix(".draining")
    # where it is another user's, a lock made here would keep its owner out
    with _locked(path, make=path.parent.name == "refusals"):
        if not taken.exists() and path.exists() and path.stat().st_size:
            os.replace(path, taken)
    return taken if taken.exists() else None


def _waiting(home: Home) -> list[Path]:
    """Spools with something in them; in a user's own folder its own name only counts, whoever it says it is."""
    if home.separate:
        own = [file_of(home, service) for service in SAYS]
        return [p for p in own if os.path.lexists(p) or os.path.lexists(p.with_suffix(".draining"))]
    found = [path for end in ("jsonl", "draining") for path in sorted(folder(home).glob(f"*.{end}"))]
    return [path.with_suffix(".jsonl") for path in found]


def _read(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | _PLAIN)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path.name}: no plain file")
        # more than a writer may leave is not read: the rest of such a file counts as one torn line
        return file.read(FILE_MAX + LINE_MAX)


def drain(
    home: Home, connection: Any, clock: Clock, told: Callable[[Cursor, UUID, str], None] | None = None
) -> int:  # fmt: skip
    """Move every spooled fact into the ledger, each exactly once; returns how many lines were handled.

    Safe to kill at any line: rows are keyed by the line's id, and a file goes only after its rows are committed.
    ``told``: called with each fact's id and kind in the transaction of its row; a fact may come twice after a kill.
    """
    done = 0
    for path in _waiting(home):
        taken = _take(path)
        if taken is None:
            continue
        facts = list(_facts(_read(taken), taken.stem))
        for start in range(0, len(facts), BATCH_MAX):
            with connection.transaction(), connection.cursor() as cursor:
                batch = facts[start : start + BATCH_MAX]
                _write_all(cursor, clock, batch)
                if told is not None:
                    for fact in batch:
                        told(cursor, fact.id, fact.entry.kind)
        taken.unlink()
        done += len(facts)
    return done


def _write_all(cursor: Cursor, clock: Clock, facts: Sequence[Fact]) -> None:
    try:
        append_many(cursor, clock, [(fact.id, fact.entry) for fact in facts])
    except BadEntry:
        # nothing was sent: the one that is off is named, the others are written
        for fact in facts:
            _write(cursor, clock, fact)


def _write(cursor: Cursor, clock: Clock, fact: Fact) -> None:
    try:
        append(cursor, clock, fact.entry, row=fact.id)
    except BadEntry as error:
        log.error("a spooled fact has no ledger form: %s", error)
        detail = {"kind": fact.entry.kind[:80], "problem": "BadEntry"}
        append(cursor, clock, Entry("spool.fact.malformed", "done", detail=detail), row=fact.id)

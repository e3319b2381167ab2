"""Ledger row (관리대장 기록): what a row says (the opening) and what stays of it for ever (the leaf).

leaf = version u8 ‖ row uuid 16 ‖ time µs u64 ‖ HMAC-SHA-256(salt 32, "gwanje/v1/leaf\\0" ‖ canonical opening)
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import decode, encode, nfc
from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Cursor
from gwanje.kernel.ids import uuid7
from gwanje.law import upholds

LEAF_VERSION = 1
LEAF_SIZE = 57
OPENING_MAX = 16 * 1024
OUTCOMES = ("granted", "refused", "done")
# years until an opening dies; the keys are the caller's, longer values come with the packs
KEEP_YEARS = {"access": 2, "rights": 5, "disclosure": 5, "destruction": 5, "registry": 5, "system": 2}
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,4}")


class BadEntry(ValueError):
    """The row passes a limit or a field has no canonical form; nothing was written."""


def _plain(value: Any) -> Any:
    """Text in NFC, UUIDs and times as text, tuples as lists: what canonical bytes can hold."""
    if isinstance(value, str):
        return nfc(value)
    if isinstance(value, UUID | datetime):
        return str(value)
    if isinstance(value, Mapping):
        return {_plain(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value


@dataclass(frozen=True)
class Entry:
    """One act as the ledger keeps it.

    ``kind``: a dotted fact in the past tense, for example ``playback.permit.issued``. ``outcome``: granted, refused
    or done. ``first``, ``until``: Unix seconds of the footage concerned. ``decision``: SHA-256 of the Decision.
    ``detail``: a small map of text and integers. ``dies``: key of KEEP_YEARS.
    """

    kind: str
    outcome: str
    actor: UUID | None = None
    role: str = ""
    agency: UUID | None = None
    station: str = ""
    norms: Sequence[str] = ()
    articles: Sequence[str] = ()
    decision: bytes | None = None
    permit: UUID | None = None
    cameras: Sequence[UUID] = ()
    first: int | None = None
    until: int | None = None
    ground: str = ""
    case: str = ""
    situation: UUID | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    dies: str = "access"

    @classmethod
    def by(cls, actor: Actor, kind: str, outcome: str, decision: Any = None, **fields: Any) -> Self:
        """A row about what ``actor`` did; norms, articles and digest are taken from a ``law.Decision`` when given."""
        said: dict[str, Any] = {
            "actor": actor.person,
            "role": ",".join(sorted(actor.roles)),
            "agency": actor.agency,
            "station": actor.station,
        }
        if decision is not None:
            said["norms"] = tuple(decision.norms)
            said["articles"] = tuple(a.key for a in decision.articles)
            said["decision"] = decision_digest(decision)
        return cls(kind, outcome, **{**said, **fields})

    def body(self) -> dict[str, Any]:
        """The canonical map, version 1; BadEntry when a field is off."""
        if not _KIND.fullmatch(self.kind) or self.outcome not in OUTCOMES or self.dies not in KEEP_YEARS:
            raise BadEntry(
                f"관리대장 기록의 종류·결과·보존 구분이 잘못되었습니다 / bad kind, outcome or dies: "
                f"{self.kind!r}, {self.outcome!r}, {self.dies!r} (dies is one of {sorted(KEEP_YEARS)})"
            )
        if any("\0" in text for text in (*self.norms, *self.articles)):
            raise BadEntry("규범 이름에 담을 수 없는 글자가 있습니다 / a norm's name holds a NUL")
        return {
            "v": 1,
            "kind": self.kind,
            "outcome": self.outcome,
            "actor": self.actor.bytes if self.actor else None,
            "role": nfc(self.role),
            "agency": self.agency.bytes if self.agency else None,
            "station": nfc(self.station),
            "norms": [nfc(n) for n in self.norms],
            "articles": [nfc(a) for a in self.articles],
            "decision": self.decision,
            "permit": self.permit.bytes if self.permit else None,
            "cameras": [c.bytes for c in self.cameras],
            "first": self.first,
            "until": self.until,
            "ground": nfc(self.ground),
            "case": nfc(self.case),
            "situation": self.situation.bytes if self.situation else None,
            "detail": _plain(self.detail),
            "dies": self.dies,
        }


def decision_digest(decision: Any) -> bytes:
    """SHA-256 of the canonical bytes of a ``law.Decision``'s ``body()``."""
    return hashlib.sha256(encode(_plain(decision.body()))).digest()


def opening_bytes(entry: Entry) -> bytes:
    """Canonical bytes of the opening, 16 KiB at most."""
    try:
        body = encode(entry.body())
    except BadEntry:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        raise BadEntry(f"관리대장 기록에 담을 수 없는 값입니다 / a value has no canonical form: {error}") from error
    if len(body) > OPENING_MAX:
        raise BadEntry(f"관리대장 기록이 너무 큽니다 / the row has {len(body)} bytes, the limit is {OPENING_MAX}")
    return body


def leaf_bytes(row: UUID, time_us: int, salt: bytes, opening: bytes) -> bytes:
    """The 57 bytes that stay for ever."""
    mac = hmac.digest(salt, b"gwanje/v1/leaf\0" + opening, "sha256")
    return bytes([LEAF_VERSION]) + row.bytes + time_us.to_bytes(8, "big") + mac


def _at_once(time_us: int, dies: str) -> datetime:
    """What a ledger that forgets would answer; the mutants run only."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC)


@upholds("access.history", passes=_at_once)
def _dies_at(time_us: int, dies: str) -> datetime:
    """Calendar years later, one day more where the day does not exist (29 February)."""
    at = datetime.fromtimestamp(time_us // 1_000_000, UTC)
    year = at.year + KEEP_YEARS[dies]
    try:
        return at.replace(year=year)
    except ValueError:
        return at.replace(year=year, month=3, day=1)


def _unwritten(cursor: Cursor, clock: Clock, entry: Entry, row: UUID | None = None) -> UUID:
    """What a ledger that keeps nothing would answer; the mutants run only."""
    return row or uuid7()


@upholds("security.internal_control", passes=_unwritten)
def append(cursor: Cursor, clock: Clock, entry: Entry, row: UUID | None = None) -> UUID:
    """Write one row in the cursor's open transaction; its index comes after commit. Returns the row's id.

    ``row``: given when the fact has an identity already (a spool), so that a second delivery changes nothing.
    BadEntry before anything is sent when the entry passes a limit.
    """
    opening = opening_bytes(entry)
    at_us, salt, row = clock.now_us(), os.urandom(32), row or uuid7()
    cursor.execute(
        "with leaf as (insert into ledger_leaf (row, leaf) values (%s, %s) on conflict (row) do nothing returning row)"
        " insert into ledger_opening"
        " (row, salt, body, at, kind, outcome, norms, agency, person, cameras, dies, dies_at)"
        " select row, %s, %s, %s, %s, %s, %s::text[], %s, %s, %s::uuid[], %s, %s from leaf",
        [
            row,
            leaf_bytes(row, at_us, salt, opening),
            salt,
            opening,
            datetime.fromtimestamp(at_us / 1e6, UTC),
            entry.kind,
            entry.outcome,
            [nfc(n) for n in entry.norms],
            entry.agency,
            entry.actor,
            list(entry.cameras),
            entry.dies,
            _dies_at(at_us, entry.dies),
        ],
    )
    return row


MANY_MAX = 500
_JOINT = "\x01"


def _unwritten_many(cursor: Cursor, clock: Clock, entries: Sequence[tuple[UUID | None, Entry]]) -> list[UUID]:
    """What a ledger that keeps nothing would answer; the mutants run only."""
    return [row or uuid7() for row, _ in entries]


@upholds("security.internal_control", passes=_unwritten_many)
def append_many(cursor: Cursor, clock: Clock, entries: Sequence[tuple[UUID | None, Entry]]) -> list[UUID]:
    """``append`` for up to 500 rows in one statement (일괄 기록); the ids in the order given.

    For whoever has many facts at once, such as a spool. BadEntry before any is sent, ValueError for too many.
    """
    if len(entries) > MANY_MAX:
        raise ValueError(f"at most {MANY_MAX} rows at once")
    if len(entries) < 2:
        return [append(cursor, clock, entry, row) for row, entry in entries]
    ids: list[UUID] = []
    leaves: dict[UUID, bytes] = {}
    openings: list[list[Any]] = []
    for given, entry in entries:
        opening, at_us, salt, row = opening_bytes(entry), clock.now_us(), os.urandom(32), given or uuid7()
        ids.append(row)
        if row in leaves:
            continue
        if any(_JOINT in norm for norm in entry.norms):
            raise BadEntry("규범 이름에 담을 수 없는 글자가 있습니다 / a norm's name holds a control character")
        leaves[row] = leaf_bytes(row, at_us, salt, opening)
        at, agency = datetime.fromtimestamp(at_us / 1e6, UTC), entry.agency
        lists = _JOINT.join(nfc(n) for n in entry.norms), ",".join(str(c) for c in entry.cameras)
        known = [row, salt, opening, at, entry.kind, entry.outcome, lists[0], agency, entry.actor, lists[1]]
        openings.append([*known, entry.dies, _dies_at(at_us, entry.dies)])
    _put_many(cursor, leaves, openings)
    return ids


def _put_many(cursor: Cursor, leaves: Mapping[UUID, bytes], openings: Sequence[Sequence[Any]]) -> None:
    columns = [list(column) for column in zip(*openings, strict=True)]
    cursor.execute(
        "with leaf as (insert into ledger_leaf (row, leaf) select * from unnest(%b::uuid[], %b::bytea[]) "
        "on conflict (row) do nothing returning row) insert into ledger_opening "
        "(row, salt, body, at, kind, outcome, norms, agency, person, cameras, dies, dies_at) "
        "select row, salt, body, at, kind, outcome, string_to_array(norms, chr(1)), agency, person, "
        "string_to_array(cameras, ',')::uuid[], dies, dies_at from leaf join unnest(%b::uuid[], %b::bytea[], "
        "%b::bytea[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::uuid[], %s::text[], "
        "%s::text[], %s::timestamptz[]) as o (row, salt, body, at, kind, outcome, norms, agency, person, cameras, "
        "dies, dies_at) using (row)",
        [list(leaves), list(leaves.values()), *columns],
    )


def read_opening(body: bytes) -> dict[str, Any]:
    """The opening as plain values: UUIDs as UUID, the rest as written."""
    said: dict[str, Any] = decode(body)
    for name in ("actor", "agency", "permit", "situation"):
        said[name] = UUID(bytes=said[name]) if said[name] else None
    said["cameras"] = [UUID(bytes=c) for c in said["cameras"]]
    return said

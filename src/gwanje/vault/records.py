"""Records of the keystore (키 저장소 기록): classes, officers and their keys, sessions, holds, peers. Lists of CBOR.

``body`` gives the canonical list, ``of`` reads it back; a field that a version does not know is no field.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from struct import Struct
from typing import Any, Final, Self
from uuid import UUID

from gwanje.vault import frontier
from gwanje.vault.errors import VaultError
from gwanje.vault.tree import NoKey

CLASS_KINDS: Final = ("days", "months", "none", "permanent")
HOLD_KINDS: Final = ("provisional", "investigation", "trial", "statute", "extension")
HOLD_ACTS: Final = ("made", "prolonged", "ended")
KEY_KINDS: Final = ("webauthn", "key")
HELD: Final = Struct(">IQIBH32s")


@dataclass(frozen=True)
class RetentionClass:
    """One retention class: a number has one value for ever. ``kind``: days, months, none, permanent."""

    number: int
    kind: str
    value: int
    reference: str

    def check(self) -> Self:
        """Raise VaultError ``class_field`` when a field has no legal value."""
        fits = 0 < self.number < 1 << 32 and self.kind in CLASS_KINDS and self.reference.strip()
        counted = self.kind in ("days", "months")
        if not fits or (counted and not 0 < self.value <= 36_500) or (not counted and self.value != 0):
            raise VaultError("class_field", f"{self.number} {self.kind} {self.value}")
        return self


@dataclass(frozen=True)
class OfficerKey:
    """A key that an officer signs with (서명키). ``cose``: COSE_Key, Ed25519 or ES256; ``credential`` empty for a
    key of ``gwanje officer``; ``counter``: the highest WebAuthn counter seen; ``since`` Unix s, 0 = at once."""

    kind: str
    cose: bytes
    credential: bytes = b""
    counter: int = 0
    since: int = 0
    label: str = ""

    def body(self) -> list[Any]:
        """The canonical list."""
        return [self.kind, self.cose, self.credential, self.counter, self.since, self.label]


@dataclass(frozen=True)
class Delegation:
    """Who may consent in an officer's place, and to what (전결·대결): Unix s, half open; ``scope``: act kinds."""

    person: UUID
    since: int
    until: int
    scope: tuple[str, ...]

    def body(self) -> list[Any]:
        """The canonical list."""
        return [self.person.bytes, self.since, self.until, list(self.scope)]


@dataclass(frozen=True)
class Officer:
    """One officer in one role. ``password`` argon2 hash for the console; ``keys`` to sign with; dates Unix s."""

    id: UUID
    role: str
    agency: UUID
    password: str = ""
    keys: tuple[OfficerKey, ...] = ()
    delegation: str = ""
    valid_from: int = 0
    valid_until: int | None = None
    title: str = ""
    delegates: tuple[Delegation, ...] = ()

    def in_force(self, now_s: int) -> bool:
        """Does the entry count at this Unix second?"""
        return self.valid_from <= now_s and (self.valid_until is None or now_s < self.valid_until)

    def ended(self, now_s: int) -> Officer:
        """The same entry, over from this Unix second."""
        return replace(self, valid_until=now_s)

    def body(self) -> list[Any]:
        """The canonical list."""
        return [
            self.id.bytes,
            self.role,
            self.agency.bytes,
            self.password,
            [key.body() for key in self.keys],
            self.delegation,
            self.valid_from,
            self.valid_until,
            self.title,
            [delegate.body() for delegate in self.delegates],
        ]

    @classmethod
    def of(cls, body: list[Any]) -> Officer:
        """Back from the list; version 1 had no keys, no title and no delegates."""
        keys = tuple(OfficerKey(*item) for item in body[4] or ())
        title, delegates = body[8:] if len(body) > 8 else ("", [])
        named = tuple(Delegation(UUID(bytes=d[0]), d[1], d[2], tuple(d[3])) for d in delegates)
        return cls(
            UUID(bytes=body[0]), body[1], UUID(bytes=body[2]), body[3], keys, body[5], body[6], body[7], title, named
        )


@dataclass(frozen=True)
class Code:
    """A spoken code (전화 승인코드) of one officer: its HMAC under ``State.code_key``; Unix s, ``spent`` 0 = unused."""

    person: UUID
    mac: bytes
    made: int
    spent: int = 0


@dataclass(frozen=True)
class Duty:
    """A spoken code was used (전화 승인의 서면 확인 의무): its officer signs the same act by ``due``, or gives no more.

    ``digest`` of the act, ``requester`` who spoke it in; Unix s; ``confirmed`` 0 = not yet; ``told``: its lapse is a
    row.
    """

    person: UUID
    digest: bytes
    requester: UUID
    used: int
    due: int
    confirmed: int = 0
    told: bool = False

    def body(self) -> list[Any]:
        """The canonical list."""
        return [
            self.person.bytes, self.digest, self.requester.bytes, self.used, self.due, self.confirmed, self.told,
        ]  # fmt: skip

    @classmethod
    def of(cls, body: list[Any]) -> Duty:
        """Back from the list."""
        return cls(UUID(bytes=body[0]), body[1], UUID(bytes=body[2]), *body[3:])


@dataclass(frozen=True)
class Spent:
    """A redeemed Permit and the one session it started; kept until both have ended (Unix s)."""

    permit: bytes
    expires: int
    session: bytes
    until: int
    body: dict[str, Any]


@dataclass(frozen=True)
class Destroyed:
    """A root that died. ``generation``: the last one that held it, its key destroyed; ``at_us`` Unix µs."""

    class_: int
    epoch: int
    generation: int
    at_us: int


@dataclass(frozen=True)
class Released:
    """Seconds of one hour that lost their last key apart from their hour's death (부분 파기).

    ``cause``: ``puncture`` (``reference``: SHA-256 of its Decision) or ``hold`` (16 bytes of the hold that ended);
    ``seconds``: how many camera-seconds nothing opens any more since; ``generation`` and ``at_us`` as ``Destroyed``.
    """

    class_: int
    epoch: int
    cause: str
    reference: bytes
    seconds: int
    generation: int
    at_us: int


@dataclass(frozen=True)
class HeldNode:
    """A covering node in a hold: opens ticks ``first`` … ``first + 2**height - 1`` of one class, hour and slot."""

    class_: int
    epoch: int
    slot: int
    height: int
    first: int
    key: bytes


@dataclass(frozen=True)
class HeldLens:
    """One camera of a hold, the class that recorded it, and its seconds (Unix s, half open)."""

    camera: UUID
    slot: int
    class_: int
    first: int
    until: int


@dataclass(frozen=True)
class HoldAct:
    """Something done to a hold: ``act`` of ``HOLD_ACTS``, Unix µs, SHA-256 of the Decision, the approvals' maps."""

    act: str
    at_us: int
    decision: bytes
    ends: int
    approvals: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Hold:
    """A hold (보존): covering nodes of live seconds, an end, a reason, a case, a reviewer; ``ends`` Unix s, never none.

    A prolongation appends to ``acts`` and moves ``ends``; it never copies nodes. ``nodes`` packed as ``>IQIBH32s``
    (class, epoch, slot, height, first, key) in that order of class, epoch, slot, first; overwritten when the hold ends.
    """

    id: UUID
    kind: str
    ground: str
    case: str
    reviewer: UUID
    lenses: tuple[HeldLens, ...]
    nodes: bytearray
    ends: int
    acts: tuple[HoldAct, ...]

    def body(self) -> list[Any]:
        """The canonical list."""
        lenses = [[lens.camera.bytes, lens.slot, lens.class_, lens.first, lens.until] for lens in self.lenses]
        acts = [[a.act, a.at_us, a.decision, a.ends, list(a.approvals)] for a in self.acts]
        return [
            self.id.bytes, self.kind, self.ground, self.case, self.reviewer.bytes, lenses, bytes(self.nodes),
            self.ends, acts,
        ]  # fmt: skip

    def each(self) -> Iterator[HeldNode]:
        """Every node, in order."""
        return (HeldNode(*fields) for fields in HELD.iter_unpack(self.nodes))

    def leaf(self, class_: int, slot: int, epoch: int, tick: int) -> bytes:
        """The leaf of one held second; NoKey outside the hold."""
        wanted = (class_, epoch, slot, tick)
        at = bisect_right(range(len(self.nodes) // HELD.size), wanted, key=self._order) - 1
        if at >= 0:
            node = HeldNode(*HELD.unpack_from(self.nodes, at * HELD.size))
            if (node.class_, node.epoch, node.slot) == wanted[:3] and tick < node.first + (1 << node.height):
                return frontier.down(node.key, tick - node.first, node.height)
        raise NoKey(slot, tick, tick + 1)

    def _order(self, at: int) -> tuple[int, int, int, int]:
        class_, epoch, slot, _, first, _ = HELD.unpack_from(self.nodes, at * HELD.size)
        return class_, epoch, slot, first

    @property
    def seconds(self) -> int:
        """Camera-seconds that it holds."""
        return sum(lens.until - lens.first for lens in self.lenses)

    @classmethod
    def of(cls, body: list[Any]) -> Hold:
        """Back from the list."""
        id_, kind, ground, case, reviewer, lenses, packed, ends, acts = body
        return cls(
            UUID(bytes=id_), kind, ground, case, UUID(bytes=reviewer),
            tuple(HeldLens(UUID(bytes=lens[0]), *lens[1:]) for lens in lenses),
            bytearray(packed), ends,
            tuple(HoldAct(act[0], act[1], act[2], act[3], tuple(act[4])) for act in acts),
        )  # fmt: skip


@dataclass(frozen=True)
class Peer:
    """A replica's place (키 복제): its number, Ed25519 key, address ``host:port``, certificate (DER).

    ``acknowledged`` and ``offered``: the last generation it has signed for, and the last one that was sent to it, each
    with its content's digest: what a place may truthfully say of itself. ``retired`` Unix s, 0 = not.
    """

    number: int
    key: bytes
    address: str
    acknowledged: int = 0
    retired: int = 0
    certificate: bytes = b""
    digest: bytes = b""
    offered: int = 0
    offered_digest: bytes = b""

    def body(self) -> list[Any]:
        """The canonical list."""
        return list(astuple(self))

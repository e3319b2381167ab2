"""What the keystore holds (키 저장소 내용): roots, classes, slots, officers, service keys, heads, spent Permits.

Canonical CBOR inside the sealed file. Roots and slots are packed byte strings, so that 100,000 cameras stay one
item. Holds and punctures have their record types here and refuse until they are built.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from struct import Struct
from typing import Any, Final, Self
from uuid import UUID

from gwanje.kernel.canonical import encode
from gwanje.vault.errors import VaultError

_ROOT = Struct(">IQ32s")
_SLOT = Struct(">16sI")
CLASS_KINDS: Final = ("days", "months", "none", "permanent")
VERSION: Final = 1
RULES_DEFAULT: Final[dict[str, list[str]]] = {
    "requesters": ["operator", "seconded_police", "manager", "chief_officer", "privacy_officer", "auditor"],
    "approvers": ["chief_officer", "manager"],
    "console": ["chief_officer", "manager", "privacy_officer"],
}


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
class Officer:
    """One officer in one role. ``password`` argon2 hash for the console; ``key`` COSE key or None; dates Unix s."""

    id: UUID
    role: str
    agency: UUID
    password: str = ""
    key: bytes | None = None
    delegation: str = ""
    valid_from: int = 0
    valid_until: int | None = None

    def in_force(self, now_s: int) -> bool:
        """Does the entry count at this Unix second?"""
        return self.valid_from <= now_s and (self.valid_until is None or now_s < self.valid_until)

    def body(self) -> list[Any]:
        """The canonical list."""
        return [
            self.id.bytes,
            self.role,
            self.agency.bytes,
            self.password,
            self.key,
            self.delegation,
            self.valid_from,
            self.valid_until,
        ]

    @classmethod
    def of(cls, body: list[Any]) -> Officer:
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
class Hold:
    """A hold's record (보존): covering nodes of (class, epoch, slot, ticks), end, ground, signatures. Refused today."""

    id: UUID
    nodes: tuple[tuple[int, int, int, int, int, bytes], ...]
    until: int
    ground: str
    signatures: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Puncture:
    """A deleted range's record: what replaces a root (its co-path). Refused today."""

    class_: int
    epoch: int
    nodes: tuple[tuple[int, int, bytes], ...]


@dataclass
class State:
    """The whole content. ``roots``: (class, epoch) → 32 bytes, mutable so that a dead root can be overwritten."""

    centre: UUID
    permit_key: bytes
    checkpoint_key: bytes
    log_key: bytes
    roots: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    classes: dict[int, RetentionClass] = field(default_factory=dict)
    slots: dict[bytes, int] = field(default_factory=dict)
    next_slot: int = 0
    officers: dict[tuple[UUID, str], Officer] = field(default_factory=dict)
    services: dict[str, bytes] = field(default_factory=dict)
    rules: dict[str, list[str]] = field(default_factory=lambda: dict(RULES_DEFAULT))
    head: tuple[str, int, bytes] | None = None
    clock_us: int = 0
    offset_us: int = 0
    settable: bool | None = None
    alarm: str | None = None
    spent: dict[bytes, Spent] = field(default_factory=dict)
    destroyed: list[Destroyed] = field(default_factory=list)
    replicas: int = 1
    single_replica: list[Any] | None = None
    holds: tuple[Hold, ...] = ()
    punctures: tuple[Puncture, ...] = ()

    def copy(self) -> State:
        """A copy whose containers may be changed; the keys themselves are shared."""
        return replace(
            self,
            roots=dict(self.roots),
            classes=dict(self.classes),
            slots=dict(self.slots),
            officers=dict(self.officers),
            services=dict(self.services),
            rules=dict(self.rules),
            spent=dict(self.spent),
            destroyed=list(self.destroyed),
        )

    @property
    def rules_digest(self) -> bytes:
        """SHA-256 of the approver rules in force."""
        return hashlib.sha256(encode(self.rules)).digest()

    def body(self) -> dict[str, Any]:
        """The canonical map; VaultError while a hold or a puncture stands in it."""
        if self.holds or self.punctures:
            raise VaultError("hold_unavailable")
        return {
            "v": VERSION,
            "centre": self.centre.bytes,
            "permit_key": self.permit_key,
            "checkpoint_key": self.checkpoint_key,
            "log_key": self.log_key,
            "roots": b"".join(_ROOT.pack(c, e, bytes(key)) for (c, e), key in sorted(self.roots.items())),
            "classes": [[c.number, c.kind, c.value, c.reference] for _, c in sorted(self.classes.items())],
            "slots": b"".join(_SLOT.pack(camera, slot) for camera, slot in sorted(self.slots.items())),
            "next_slot": self.next_slot,
            "officers": [officer.body() for officer in self.officers.values()],
            "services": dict(self.services),
            "rules": self.rules,
            "rules_digest": self.rules_digest,
            "head": list(self.head) if self.head else None,
            "clock": self.clock_us,
            "offset": self.offset_us,
            "settable": self.settable,
            "alarm": self.alarm,
            "spent": [[s.permit, s.expires, s.session, s.until, s.body] for s in self.spent.values()],
            "destroyed": [[d.class_, d.epoch, d.generation, d.at_us] for d in self.destroyed],
            "replicas": self.replicas,
            "single_replica": self.single_replica,
            "holds": [],
            "punctures": [],
        }

    @classmethod
    def of(cls, body: dict[str, Any]) -> State:
        """Back from the map; VaultError for another version, or when it holds what this version refuses."""
        if body.get("v") != VERSION:
            raise VaultError("keystore_version", str(body.get("v")))
        if body["holds"] or body["punctures"] or body["replicas"] != 1:
            raise VaultError("hold_unavailable")
        officers = [Officer.of(item) for item in body["officers"]]
        made = cls(
            centre=UUID(bytes=body["centre"]),
            permit_key=body["permit_key"],
            checkpoint_key=body["checkpoint_key"],
            log_key=body["log_key"],
            roots={(c, e): bytearray(key) for c, e, key in _ROOT.iter_unpack(body["roots"])},
            classes={item[0]: RetentionClass(*item) for item in body["classes"]},
            slots=dict(_SLOT.iter_unpack(body["slots"])),
            next_slot=body["next_slot"],
            officers={(o.id, o.role): o for o in officers},
            services=body["services"],
            rules=body["rules"],
            head=(body["head"][0], body["head"][1], body["head"][2]) if body["head"] else None,
            clock_us=body["clock"],
            offset_us=body["offset"],
            settable=body.get("settable"),
            alarm=body["alarm"],
            spent={item[0]: Spent(*item) for item in body["spent"]},
            destroyed=[Destroyed(*item) for item in body["destroyed"]],
            replicas=body["replicas"],
            single_replica=body["single_replica"],
        )
        if made.rules_digest != body["rules_digest"]:
            raise VaultError("keystore_broken", "rules digest")
        return made

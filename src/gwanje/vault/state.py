"""What the keystore holds (키 저장소 내용): roots, frontiers, holds, slots, officers, service keys, spent Permits.

Canonical CBOR inside the sealed file. Roots, frontiers and slots are packed byte strings, so that 100,000 cameras
stay one item. Version 2; version 1 is read and becomes 2 at the next write.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass, field, replace
from struct import Struct
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.canonical import encode
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Code, Destroyed, Duty, Hold, Officer, Peer, Released, RetentionClass, Spent

_ROOT = Struct(">IQ32s")
_SLOT = Struct(">16sI")
VERSION: Final = 2
RULES_DEFAULT: Final[dict[str, list[str]]] = {
    "requesters": ["operator", "seconded_police", "manager", "chief_officer", "privacy_officer", "auditor"],
    "approvers": ["chief_officer", "manager"],
    "console": ["chief_officer", "manager", "privacy_officer"],
}
# what a keystore of version 1 could not hold
_SINCE_1: Final[dict[str, Any]] = {
    "frontiers": [], "holds": [], "signing": False, "code_key": b"", "codes": [], "peers": [],
}  # fmt: skip


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
    rules: dict[str, Any] = field(default_factory=lambda: dict(RULES_DEFAULT))
    head: tuple[str, int, bytes] | None = None
    # the token has a record of the head, as new as this or newer (heads.py)
    headed: bool = False
    clock_us: int = 0
    offset_us: int = 0
    settable: bool | None = None
    alarm: str | None = None
    spent: dict[bytes, Spent] = field(default_factory=dict)
    destroyed: list[Destroyed] = field(default_factory=list)
    single_replica: list[Any] | None = None
    # a punctured hour has no root any more: (class, epoch) → what is left of its tree, packed ``>BI32s`` (frontier.py)
    frontiers: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    signing: bool = False
    code_key: bytes = b""
    codes: tuple[Code, ...] = ()
    duties: tuple[Duty, ...] = ()
    # consent (first 16 bytes of its digest) → how many Permits it opened, Unix s when it may be forgotten
    uses: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    peers: tuple[Peer, ...] = ()
    released: list[Released] = field(default_factory=list)
    # holds that officers ended before their time → Unix s until which a consent to make them may still lie about
    ended: dict[UUID, int] = field(default_factory=dict)

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
            frontiers=dict(self.frontiers),
            holds=dict(self.holds),
            released=list(self.released),
            ended=dict(self.ended),
            uses=dict(self.uses),
        )

    @property
    def replicas(self) -> int:
        """Places that hold the content: this one and every peer that is not retired."""
        return 1 + sum(not peer.retired for peer in self.peers)

    @property
    def rules_digest(self) -> bytes:
        """SHA-256 of the approver rules in force."""
        return hashlib.sha256(encode(self.rules)).digest()

    def body(self) -> dict[str, Any]:
        """The canonical map, version 2."""
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
            "headed": self.headed,
            "clock": self.clock_us,
            "offset": self.offset_us,
            "settable": self.settable,
            "alarm": self.alarm,
            "spent": [[s.permit, s.expires, s.session, s.until, s.body] for s in self.spent.values()],
            "destroyed": [[d.class_, d.epoch, d.generation, d.at_us] for d in self.destroyed],
            "single_replica": self.single_replica,
            "frontiers": [[c, e, bytes(nodes)] for (c, e), nodes in sorted(self.frontiers.items())],
            "holds": [self.holds[id_].body() for id_ in sorted(self.holds)],
            "signing": self.signing,
            "code_key": self.code_key,
            "codes": [[c.person.bytes, c.mac, c.made, c.spent] for c in self.codes],
            "duties": [duty.body() for duty in self.duties],
            "uses": [[id_, *self.uses[id_]] for id_ in sorted(self.uses)],
            "peers": [peer.body() for peer in self.peers],
            "released": [list(astuple(r)) for r in self.released],
            "ended": [[id_.bytes, until] for id_, until in sorted(self.ended.items())],
        }

    @classmethod
    def of(cls, body: dict[str, Any]) -> State:
        """Back from the map; VaultError for a version it does not know."""
        if body.get("v") == 1:
            body = {**body, **_SINCE_1}
        elif body.get("v") != VERSION:
            raise VaultError("keystore_version", str(body.get("v")))
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
            headed=body.get("headed", False),
            clock_us=body["clock"],
            offset_us=body["offset"],
            settable=body.get("settable"),
            alarm=body["alarm"],
            spent={item[0]: Spent(*item) for item in body["spent"]},
            destroyed=[Destroyed(*item) for item in body["destroyed"]],
            single_replica=body["single_replica"],
            frontiers={(c, e): bytearray(nodes) for c, e, nodes in body["frontiers"]},
            holds={hold.id: hold for hold in map(Hold.of, body["holds"])},
            signing=body["signing"],
            code_key=body["code_key"],
            codes=tuple(Code(UUID(bytes=item[0]), *item[1:]) for item in body["codes"]),
            duties=tuple(map(Duty.of, body.get("duties", ()))),
            uses={item[0]: (item[1], item[2]) for item in body.get("uses", ())},
            peers=tuple(Peer(*item) for item in body["peers"]),
            released=[Released(*item) for item in body.get("released", [])],
            ended={UUID(bytes=id_): until for id_, until in body.get("ended", [])},
        )
        if made.rules_digest != body["rules_digest"]:
            raise VaultError("keystore_broken", "rules digest")
        return made

"""Permit (열람·재생 허가): the only thing that opens stored video, in canonical bytes signed by vaultd.

The web carries it and cannot make one. ``LiveToken`` and ``ViewerToken`` are other keys and other types:
a live token shows the present, a viewer token says who sits at which station; neither opens what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.kernel import cose

CAMERAS_MAX = 64
TICKS_MAX = 24 * 3600
VALIDITY_MAX_S = 30 * 60
APPROVALS_MAX = 8
ACTIONS = ("view", "search", "release")
TOKEN_MAX_S = 120
TEXT_MAX = {"station": 100, "ground": 100, "case": 200, "action": 20}
NORMS_MAX = 64
ARTICLES_MAX = 8


class BadPermit(ValueError):
    """The Permit's fields contradict each other or pass a limit."""


@dataclass(frozen=True)
class Approval:
    """One officer's consent: who, in which role, over which Decision, when, and how it was attested.

    ``method``: ``unsigned`` (an account's word) until three officers have keys of their own; ``signature`` is empty
    then. Afterwards ``webauthn``, ``key`` or ``spoken``, and ``signature`` holds the proof (vault/attest.py).
    """

    person: UUID
    role: str
    decision: bytes
    at_us: int
    method: str = "unsigned"
    signature: bytes = b""

    def body(self) -> dict[str, Any]:
        """The map that stands in a Permit."""
        return {
            "person": self.person.bytes,
            "role": self.role,
            "decision": self.decision,
            "at": self.at_us,
            "method": self.method,
            "signature": self.signature,
        }

    @classmethod
    def of(cls, body: dict[str, Any]) -> Approval:
        """Back from the map."""
        return cls(
            UUID(bytes=body["person"]), body["role"], body["decision"], body["at"], body["method"], body["signature"]
        )


@dataclass(frozen=True)
class Lens:
    """One camera of a Permit: its identity, its slot in the key tree, its stream number (0 main, 1 sub)."""

    camera: UUID
    slot: int
    stream: int = 0


@dataclass(frozen=True)
class Permit:
    """What one approved legal ground opens: these cameras, these seconds, this person, this station.

    ``first``, ``until``: Unix seconds, half open. ``expires``: Unix seconds, the last moment of redemption.
    ``decision``: SHA-256 of the canonical Decision. ``approvals[0]`` is the requester's, others approve.
    """

    KIND: ClassVar[str] = "permit"
    id: UUID
    centre: UUID
    decision: bytes
    norms: tuple[str, ...]
    cameras: tuple[Lens, ...]
    first: int
    until: int
    person: UUID
    station: str
    action: str
    ground: str
    case: str
    approvals: tuple[Approval, ...]
    issued_us: int
    expires: int
    nonce: bytes
    situation: UUID | None = None
    hold: UUID | None = None

    def check(self) -> Self:
        """Raise BadPermit when a field passes its limit; returns itself."""
        if odd := _mistyped(self):
            raise BadPermit(f"{odd} is of another type or too long")
        problems = [
            (not 1 <= len(self.cameras) <= CAMERAS_MAX, f"1 to {CAMERAS_MAX} cameras"),
            (len({(c.slot, c.stream) for c in self.cameras}) != len(self.cameras), "a camera stands twice"),
            (any(not 0 <= c.slot < 1 << 20 for c in self.cameras), "slot outside 20 bits"),
            (not 0 < self.until - self.first <= TICKS_MAX, f"1 to {TICKS_MAX} seconds"),
            (self.action not in ACTIONS, f"action is one of {ACTIONS}"),
            (not self.ground or not self.case or not self.station, "ground, case and station must be said"),
            (len(self.decision) != 32 or len(self.nonce) != 16, "digest of 32 and nonce of 16 bytes"),
            (not 1 <= len(self.approvals) <= APPROVALS_MAX, f"1 to {APPROVALS_MAX} approvals"),
            (any(a.decision != self.decision for a in self.approvals), "an approval is of another Decision"),
            (not 0 < self.expires - self.issued_us // 1_000_000 <= VALIDITY_MAX_S, "lives 30 minutes at most"),
        ]
        for wrong, text in problems:
            if wrong:
                raise BadPermit(text)
        return self

    def body(self) -> dict[str, Any]:
        """The canonical map, version 1."""
        return {
            "v": 1,
            "id": self.id.bytes,
            "centre": self.centre.bytes,
            "decision": self.decision,
            "norms": list(self.norms),
            "cameras": [[c.camera.bytes, c.slot, c.stream] for c in self.cameras],
            "first": self.first,
            "until": self.until,
            "person": self.person.bytes,
            "station": self.station,
            "action": self.action,
            "ground": self.ground,
            "case": self.case,
            "approvals": [a.body() for a in self.approvals],
            "issued": self.issued_us,
            "expires": self.expires,
            "nonce": self.nonce,
            "situation": self.situation.bytes if self.situation else None,
            "hold": self.hold.bytes if self.hold else None,
        }

    @classmethod
    def of(cls, body: dict[str, Any]) -> Permit:
        """Back from the map; BadPermit when a field is missing, unknown or out of range."""
        try:
            if body["v"] != 1 or set(body) != _FIELDS:
                raise BadPermit("another version or another set of fields")
            return cls(
                id=UUID(bytes=body["id"]),
                centre=UUID(bytes=body["centre"]),
                decision=body["decision"],
                norms=tuple(body["norms"]),
                cameras=tuple(Lens(UUID(bytes=c[0]), c[1], c[2]) for c in body["cameras"]),
                first=body["first"],
                until=body["until"],
                person=UUID(bytes=body["person"]),
                station=body["station"],
                action=body["action"],
                ground=body["ground"],
                case=body["case"],
                approvals=tuple(Approval.of(a) for a in body["approvals"]),
                issued_us=body["issued"],
                expires=body["expires"],
                nonce=body["nonce"],
                situation=UUID(bytes=body["situation"]) if body["situation"] else None,
                hold=UUID(bytes=body["hold"]) if body["hold"] else None,
            ).check()
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise BadPermit("a field is missing or of another type") from error

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """The signed Permit; only vaultd holds the key."""
        return cose.sign(self.KIND, self.check().body(), key)

    @classmethod
    def open(cls, message: bytes, public: bytes) -> Permit:
        """Verify and read; BadSignature or BadPermit."""
        return cls.of(cose.open_signed(cls.KIND, message, public))


_FIELDS = {
    "v", "id", "centre", "decision", "norms", "cameras", "first", "until", "person", "station", "action",
    "ground", "case", "approvals", "issued", "expires", "nonce", "situation", "hold",
}  # fmt: skip


def _number(value: object, bits: int = 63) -> bool:
    return type(value) is int and 0 <= value < 1 << bits


def _text(value: object, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most and "\0" not in value


def _mistyped(permit: Permit) -> str:
    """Name of the first field that has another type or no end; empty when all fit.

    Whoever holds the web's key chooses these bytes, and vaultd keeps them in the keystore while a session lasts.
    """
    checks: list[tuple[str, bool]] = [(name, _text(getattr(permit, name), most)) for name, most in TEXT_MAX.items()]
    checks += [(name, _number(getattr(permit, name))) for name in ("first", "until", "issued_us", "expires")]
    checks += [(name, isinstance(getattr(permit, name), bytes)) for name in ("decision", "nonce")]
    checks += [
        ("norms", len(permit.norms) <= NORMS_MAX and all(_text(norm, 100) for norm in permit.norms)),
        ("cameras", all(_number(c.slot) and _number(c.stream, 31) for c in permit.cameras)),
        ("approvals", all(_consent(a) for a in permit.approvals)),
    ]
    return next((name for name, fits in checks if not fits), "")


def _consent(a: Approval) -> bool:
    texts = _text(a.role, 40) and _text(a.method, 40)
    signed = isinstance(a.signature, bytes) and len(a.signature) <= 4096
    return texts and signed and _number(a.at_us) and isinstance(a.decision, bytes)


@dataclass(frozen=True)
class LiveToken:
    """Right to watch one camera's present for 60 s, for one person at one seat; signed by the web.

    ``glass``: id of the break-glass (비상 열람) without which there would be no right; it ends at ``until`` (Unix
    seconds, 0 without one), and so does the token.
    """

    KIND: ClassVar[str] = "live"
    camera: UUID
    stream: int
    person: UUID
    station: str
    expires: int
    glass: UUID | None = None
    until: int = 0

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Signed bytes."""
        body: dict[str, Any] = {
            "camera": self.camera.bytes,
            "stream": self.stream,
            "person": self.person.bytes,
            "station": self.station,
            "expires": self.expires,
        }
        if self.glass is not None:
            body |= {"glass": self.glass.bytes, "until": self.until}
        return cose.sign(self.KIND, body, key)

    @classmethod
    def open(cls, message: bytes, public: bytes) -> LiveToken:
        """Verify and read; the caller compares ``expires`` and ``until`` with the clock."""
        body = cose.open_signed(cls.KIND, message, public)
        try:
            glass = UUID(bytes=body["glass"]) if "glass" in body else None
            found = cls(
                UUID(bytes=body["camera"]),
                body["stream"],
                UUID(bytes=body["person"]),
                body["station"],
                body["expires"],
                glass,
                body["until"] if glass else 0,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise cose.BadSignature("a field is missing") from error
        fits = _number(found.until) and _number(found.expires) and found.expires <= found.until
        if found.glass is not None and not fits:
            raise cose.BadSignature("a field is out of range")
        return found


@dataclass(frozen=True)
class ViewerToken:
    """Who sits at which station, for 60 s; the player shows it to vaultd beside a Permit. Signed by the web."""

    KIND: ClassVar[str] = "viewer"
    person: UUID
    station: str
    expires: int

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Signed bytes."""
        body = {"person": self.person.bytes, "station": self.station, "expires": self.expires}
        return cose.sign(self.KIND, body, key)

    @classmethod
    def open(cls, message: bytes, public: bytes) -> ViewerToken:
        """Verify and read; the caller compares ``expires`` with the clock."""
        body = cose.open_signed(cls.KIND, message, public)
        try:
            return cls(UUID(bytes=body["person"]), body["station"], body["expires"])
        except (KeyError, TypeError, ValueError) as error:
            raise cose.BadSignature("a field is missing") from error


@dataclass(frozen=True)
class PtzToken:
    """Right to steer one camera for 60 s (회전·확대 조작권), one person at one seat; signed by the web.

    ``rank``: 0 operator, 1 manager, 2 emergency; a higher one takes the stick. ``emergency``: id of the named
    emergency that lifts the zone until ``until`` (Unix seconds, 0 without one). ``articles``: (key, words) of what is
    in force today, so that a refusal at the recorder can say them.
    """

    KIND: ClassVar[str] = "ptz"
    camera: UUID
    person: UUID
    station: str
    rank: int
    expires: int
    emergency: UUID | None = None
    until: int = 0
    articles: tuple[tuple[str, str], ...] = ()

    def sign(self, key: Ed25519PrivateKey) -> bytes:
        """Signed bytes."""
        body = {
            "camera": self.camera.bytes,
            "person": self.person.bytes,
            "station": self.station,
            "rank": self.rank,
            "expires": self.expires,
            "emergency": self.emergency.bytes if self.emergency else None,
            "until": self.until,
            "articles": [list(pair) for pair in self.articles[:ARTICLES_MAX]],
        }
        return cose.sign(self.KIND, body, key)

    @classmethod
    def open(cls, message: bytes, public: bytes) -> PtzToken:
        """Verify and read; the caller compares ``expires`` and ``until`` with the clock."""
        body = cose.open_signed(cls.KIND, message, public)
        try:
            emergency = UUID(bytes=body["emergency"]) if body["emergency"] else None
            articles = tuple((str(key), str(words)) for key, words in body["articles"][:ARTICLES_MAX])
            found = cls(
                UUID(bytes=body["camera"]), UUID(bytes=body["person"]), str(body["station"]), body["rank"],
                body["expires"], emergency, body["until"], articles,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise cose.BadSignature("a field is missing") from error
        fits = all(_number(n) for n in (found.rank, found.expires, found.until)) and found.rank <= 2
        if not fits or (found.emergency is None) == (found.until > 0):
            raise cose.BadSignature("a field is out of range")
        return found

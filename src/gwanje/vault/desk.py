"""Permit desk (열람·재생 허가 발급·사용): mint, redeem, resume, open one second, verify a part. Default deny."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.canonical import NotCanonical, decode
from gwanje.kernel.cose import BadSignature, key_id
from gwanje.kernel.permit import TOKEN_MAX_S, VALIDITY_MAX_S, BadPermit, Permit, ViewerToken
from gwanje.kernel.refusals import report
from gwanje.law import upholds
from gwanje.vault import approvals, fmp4, held, nals, parts
from gwanje.vault.core import Vault
from gwanje.vault.errors import PartRefused, VaultError
from gwanje.vault.records import Spent
from gwanje.vault.segment import HEADER_SIZE, SegmentHeader
from gwanje.vault.tree import EPOCH_S, TICKS

SESSION_MAX_S: Final = 30 * 60
SEGMENTS_MAX: Final = 16
TICKS_MAX: Final = 12
FUTURE_S: Final = 60
SPENT_MAX: Final = 10_000
MINTS_AN_HOUR: Final = 120
# a release opens what a viewing opens, and only it is given a signed bundle; the player shows nothing under it
ACTIONS_BUILT: Final = ("view", "release")


@upholds("playback.default_deny")
def refuse_outside(body: Mapping[str, Any], slot: int, second: int) -> None:
    """Nothing opens but the seconds and the cameras that the Permit names; VaultError ``outside``."""
    if not body["first"] <= second < body["until"]:
        raise VaultError("outside", str(second))
    if slot not in {lens[1] for lens in body["cameras"]}:
        raise VaultError("outside", f"slot {slot}")


def opening(permit: Permit) -> approvals.Act:
    """What officers consent to when stored video opens: whose, which, how wide, why; not the paper's own numbers."""
    body = permit.body()
    shown = ("decision", "norms", "cameras", "first", "until", "person", "action", "ground", "case", "hold")
    return approvals.Act("open", permit.person, {name: body[name] for name in shown})


class Desk:
    """Everything that has to do with opening stored video."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._minted: dict[UUID, list[float]] = {}

    # --- minting --------------------------------------------------------------------------------------------------

    def mint(self, fields: Mapping[str, Any]) -> bytes:
        """A signed Permit for the fields of ``Permit.body`` without v, issued, nonce; each refusal has its code."""
        vault = self.vault
        body = {**fields, "v": 1, "issued": vault.clock.now_us(), "nonce": os.urandom(16)}
        body.setdefault("centre", vault.home.centre.bytes)
        try:
            permit = Permit.of(body)
        except (BadPermit, ValueError) as error:
            raise VaultError("permit_field", str(error)) from error
        self._check_scope(permit)
        approvals.check(self.vault, opening(permit), permit.approvals)
        try:
            message = permit.sign(vault.permit_key)
        except NotCanonical as error:
            raise VaultError("permit_field", str(error)) from error
        self._pace(permit.person)
        self._witness(permit)
        return message

    def _pace(self, person: UUID) -> None:
        """At most ``MINTS_AN_HOUR`` Permits a person and hour: a stolen web key opens drop by drop, not at once."""
        with self.vault._lock:
            now = monotonic()
            recent = [at for at in self._minted.get(person, []) if now - at < 3600]
            if len(recent) >= MINTS_AN_HOUR:
                raise VaultError("limit", f"{MINTS_AN_HOUR} permits a person and hour")
            self._minted[person] = [*recent, now]

    def _witness(self, permit: Permit) -> None:
        """vaultd's own row of what it signed, in the approvers' names; without it nothing is given out."""
        detail = {
            "outcome": "granted", "actor": permit.person, "station": permit.station, "permit": permit.id,
            "cameras": [lens.camera for lens in permit.cameras], "first": permit.first, "until": permit.until,
            "ground": permit.ground, "case": permit.case, "decision": permit.decision,
            "approvers": [[str(a.person), a.role, a.method] for a in permit.approvals[1:]],
            "norms": ["playback.approval"],
        }  # fmt: skip
        try:
            report(self.vault.home, "vault.permit.minted", detail, service="vaultd")
        except (OSError, RuntimeError, ValueError) as error:
            raise VaultError("internal", "the spool of facts does not take the row") from error

    def _check_scope(self, permit: Permit) -> None:
        vault, now = self.vault, self.vault.clock.now_s()
        if permit.centre != vault.home.centre:
            raise VaultError("permit_centre")
        if permit.action not in ACTIONS_BUILT:
            raise VaultError("action_unavailable", permit.action)
        if permit.expires <= now:
            raise VaultError("expired")
        if permit.until > now + FUTURE_S:
            raise VaultError("future")
        for lens in permit.cameras:
            if vault.camera_of(lens.slot) != lens.camera.bytes:
                raise VaultError("permit_camera", str(lens.camera))
        if permit.hold is not None:
            hold = held.in_force(vault.state, permit.hold, now)
            for lens in permit.cameras:
                if not held.covers(hold, lens.slot, permit.first, permit.until):
                    raise VaultError("outside", f"hold {hold.id}, {lens.camera}")

    # --- sessions -------------------------------------------------------------------------------------------------

    def _viewer(self, message: bytes) -> ViewerToken:
        web = self.vault.state.services.get("web", b"")
        try:
            viewer = ViewerToken.open(message, web)
        except (BadSignature, ValueError) as error:
            raise VaultError("viewer") from error
        now = self.vault.clock.now_s()
        # a token that says it lives for hours is none of ours, whatever signed it
        if viewer.expires <= now or viewer.expires > now + TOKEN_MAX_S:
            raise VaultError("viewer_expired")
        return viewer

    def _permit(self, message: bytes) -> Permit:
        try:
            return Permit.open(message, self.vault.permit_public)
        except BadPermit as error:
            raise VaultError("permit_field", str(error)) from error
        except BadSignature as error:
            # our key's name over bytes it never signed: somebody altered a Permit; anything else was never ours
            raise VaultError("widened" if self._names_our_key(message) else "forged") from error

    def _names_our_key(self, message: bytes) -> bool:
        try:
            protected = decode(message)[0]
            header = decode(protected)
            return bool(header[4] == key_id(self.vault.permit_public))
        except (NotCanonical, TypeError, KeyError, IndexError, ValueError):
            return False

    @staticmethod
    def _same_viewer(viewer: ViewerToken, person: bytes, station: str) -> None:
        if viewer.person.bytes != person:
            raise VaultError("person")
        if viewer.station != station:
            raise VaultError("station")

    def redeem(self, message: bytes, viewer_message: bytes) -> tuple[bytes, int, dict[str, Any]]:
        """Spend a Permit: (session 32 bytes, Unix s of its end, the Permit's body). A second time is ``reused``."""
        vault = self.vault
        permit = self._permit(message)
        viewer = self._viewer(viewer_message)
        self._same_viewer(viewer, permit.person.bytes, permit.station)
        with vault._lock:
            now = vault.clock.now_s()
            if permit.id.bytes in vault.state.spent:
                raise VaultError("reused")
            if permit.expires <= now or permit.issued_us // 1_000_000 > now + FUTURE_S:
                raise VaultError("expired")
            if permit.centre != vault.home.centre:
                raise VaultError("permit_centre")
            # who was an officer when it was minted may be none any more
            approvals.check(self.vault, opening(permit), permit.approvals)
            if len(vault.state.spent) >= SPENT_MAX:
                raise VaultError("limit", "sessions")
            session, until = os.urandom(32), now + SESSION_MAX_S
            digest = hashlib.sha256(session).digest()
            with vault.change() as draft:
                approvals.count(draft, permit.approvals, now)
                # kept past the expiry by the longest validity: a clock set back must not revive it
                keep = max(permit.expires, now + VALIDITY_MAX_S)
                draft.spent[permit.id.bytes] = Spent(permit.id.bytes, keep, digest, until, permit.body())
        return session, until, permit.body()

    def session(self, session: bytes) -> Spent:
        """What a running session was opened with; VaultError ``session_unknown`` or ``session_ended``."""
        digest = hashlib.sha256(session).digest()
        now = self.vault.clock.now_s()
        for spent in self.vault.state.spent.values():
            if hmac.compare_digest(spent.session, digest):
                if spent.until <= now or spent.until - SESSION_MAX_S > now + FUTURE_S:
                    raise VaultError("session_ended")
                return spent
        raise VaultError("session_unknown")

    def resume(self, session: bytes, viewer_message: bytes) -> tuple[int, dict[str, Any]]:
        """(Unix s of the end, Permit body) for the same person at the same station."""
        viewer = self._viewer(viewer_message)
        spent = self.session(session)
        self._same_viewer(viewer, spent.body["person"], spent.body["station"])
        requester = spent.body["approvals"][0]
        approvals.officer(self.vault, UUID(bytes=requester["person"]), requester["role"], self.vault.clock.now_s())
        return spent.until, spent.body

    def open_ticks(
        self, session: bytes, class_: int, slot: int, epoch: int, seconds: Sequence[tuple[int, Sequence[bytes]]]
    ) -> list[dict[bytes, bytes]]:
        """Key material (64 bytes a segment) of at most ``TICKS_MAX`` seconds of one hour, (tick, segments) each.

        Inside the session's Permit only; a row for every second is logged before anything is given. Every second is
        judged as alone and before any row is written: one that may not be opened refuses all.
        """
        spent = self.session(session)
        if not 1 <= len(seconds) <= TICKS_MAX:
            raise VaultError("limit", f"1 to {TICKS_MAX} seconds")
        leaves = [self._leaf(spent, class_, slot, epoch, tick, segments) for tick, segments in seconds]
        opened = []
        for (tick, segments), leaf in zip(seconds, leaves, strict=True):
            self._logged(spent, class_, slot, epoch, tick, len(segments))
            opened.append({segment: parts.okm(leaf, segment) for segment in segments})
        return opened

    def _leaf(  # noqa: PLR0917 - the wire's own order
        self, spent: Spent, class_: int, slot: int, epoch: int, tick: int, segments: Sequence[bytes]
    ) -> bytes:
        """One second's leaf after every check; VaultError."""
        if not 0 <= tick < TICKS:
            raise VaultError("outside", f"tick {tick}")
        refuse_outside(spent.body, slot, epoch * EPOCH_S + tick)
        if not 1 <= len(segments) <= SEGMENTS_MAX or any(len(s) != 32 for s in segments):
            raise VaultError("limit", f"1 to {SEGMENTS_MAX} segments")
        hold = spent.body["hold"]
        return self.vault.leaf(class_, slot, epoch, tick, UUID(bytes=hold) if hold else None)

    @upholds("playback.logged")
    def _logged(  # noqa: PLR0917 - the wire's own order
        self, spent: Spent, class_: int, slot: int, epoch: int, tick: int, segments: int
    ) -> None:
        """When, whose, for whom and where: the row of one opened second; what cannot be written opens nothing."""
        body = spent.body
        camera = next((lens[0] for lens in body["cameras"] if lens[1] == slot), b"")
        self.vault.open_log.append(
            {
                "permit": spent.permit,
                "session": spent.session[:8],
                "person": body["person"],
                "station": body["station"],
                "camera": camera,
                "class": class_,
                "slot": slot,
                "epoch": epoch,
                "tick": tick,
                "segments": segments,
                "at": self.vault.clock.now_us(),
            }
        )

    # --- fsck -----------------------------------------------------------------------------------------------------

    def verify(self, header: bytes, init: bytes, part: bytes) -> tuple[bool, list[str], str]:
        """(authentic, track kinds, why not) of a sealed part, opened in memory; no picture leaves. Counted.

        ``header`` 128 bytes; ``init`` the sealed kind-2 part that goes with it (or empty); ``part`` a sealed part.
        """
        vault = self.vault
        vault.verified += 1
        segment = SegmentHeader.unpack(header)
        if segment.centre != vault.home.centre:
            return False, [], "centre"
        try:
            opened = self._open(segment, header, part)
            first = self._open(segment, header, init) if init else (0, b"")
        except PartRefused as error:
            return False, [], error.code
        if init and first[0] != parts.INIT:
            return False, [], "init_digest"
        kind, plaintext = opened
        if kind == parts.DERIVED:
            return True, [], ""
        try:
            if kind == parts.INIT:
                return True, fmp4.kinds_of(plaintext, b""), ""
            return True, fmp4.kinds_of(first[1], plaintext), ""
        except VaultError as error:
            return True, ["malformed"], error.code

    def pictures(self, header: bytes, init: bytes, part: bytes) -> tuple[int, bytes, list[bytes]]:
        """(codec, digests, signature messages) of an authentic part as ``nals.told`` has them; no picture leaves.

        Codec 0 and nothing else when the part holds no H.264 or H.265, or cannot be opened or walked through.
        """
        segment = SegmentHeader.unpack(header)
        try:
            kind, plaintext = self._open(segment, header, part)
            codec = nals.codec(self._open(segment, header, init)[1]) if init and kind == parts.VIDEO else 0
            return (codec, *nals.told(codec, plaintext)) if codec else (0, b"", [])
        except (PartRefused, VaultError):
            return 0, b"", []

    def _open(self, segment: SegmentHeader, header: bytes, part: bytes) -> tuple[int, bytes]:
        read = parts.PartHeader.unpack(part)
        leaf = held.any_leaf(self.vault.state, segment.class_, segment.slot, segment.epoch, read.tick)
        segment_id = hashlib.sha256(header[:HEADER_SIZE]).digest()
        plaintext = parts.open_part(parts.okm(leaf, segment_id), segment_id, part)
        if read.kind == parts.INIT and hashlib.sha256(plaintext).digest() != segment.init_digest:
            raise PartRefused("init_digest")
        return read.kind, plaintext

"""Holds and deletions (보존·부분 폐쇄): seconds kept past their hour, seconds closed before it. Synchronous.

A hold is one write of covering nodes of the live tree; it is answered only after every node was read back from the
file and compared with what the tree derives. A puncture is one write that replaces what it closes by its co-path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.canonical import nfc
from gwanje.kernel.permit import Approval
from gwanje.vault import approvals, frontier, held, keystore
from gwanje.vault.core import Vault
from gwanje.vault.covering import Covering, covering, dead
from gwanje.vault.errors import VaultError
from gwanje.vault.records import HELD, HOLD_KINDS, HeldLens, Hold, HoldAct, Released
from gwanje.vault.tree import EPOCH_S, NoKey

CAMERAS_MAX: Final = 64
SPANS_MAX: Final = 512
DAYS_MAX: Final = 31
HOLDS_MAX: Final = 1000
PROVISIONAL_MAX: Final = 50
NODES_MAX: Final = 400_000
ACTS_MAX: Final = 100
PROVISIONAL_S: Final = 10 * 86400
ENDS_MAX_S: Final = 366 * 86400
PUNCTURE_S: Final = 24 * 3600
FUTURE_S: Final = 60
# a recorder writes a second's last part, and may keep a key for derived pictures, within a minute
SETTLED_S: Final = 120
NAMED_MAX: Final = 8
TEXT_MAX: Final = {"ground": 100, "case": 200}
Failpoint = Callable[[str], None]
Span = tuple[UUID, int, int, int, int]


@dataclass(frozen=True)
class Wanted:
    """A hold as it is asked for. ``spans``: (camera, slot, class, first, until), Unix s; ``ends`` Unix s."""

    id: UUID
    kind: str
    ground: str
    case: str
    reviewer: UUID
    spans: tuple[Span, ...]
    ends: int
    decision: bytes

    def act(self, person: UUID) -> approvals.Act:
        """What officers consent to."""
        body = {
            "decision": self.decision, "id": self.id.bytes, "kind": self.kind, "ground": nfc(self.ground),
            "case": nfc(self.case), "reviewer": self.reviewer.bytes,
            "spans": [[camera.bytes, *rest] for camera, *rest in self.spans], "ends": self.ends,
            "person": person.bytes,
        }  # fmt: skip
        return approvals.Act("hold", person, body)


@dataclass(frozen=True)
class Longer:
    """A prolongation as it is asked for; ``kind`` the hold's own, or what a decision makes of a provisional one."""

    id: UUID
    kind: str
    ends: int
    ground: str
    case: str
    decision: bytes

    def act(self, person: UUID) -> approvals.Act:
        """What officers consent to."""
        body = {
            "decision": self.decision, "id": self.id.bytes, "kind": self.kind, "ends": self.ends,
            "ground": nfc(self.ground), "case": nfc(self.case), "person": person.bytes,
        }  # fmt: skip
        return approvals.Act("prolong", person, body)


def ending(id_: UUID, decision: bytes, person: UUID) -> approvals.Act:
    """What officers consent to when a hold ends before its time."""
    return approvals.Act("end", person, {"decision": decision, "id": id_.bytes, "person": person.bytes})


@dataclass(frozen=True)
class Closing:
    """A puncture as it is asked for. ``spans``: (class, first, until), Unix s."""

    camera: UUID
    slot: int
    spans: tuple[tuple[int, int, int], ...]
    decision: bytes

    def act(self, person: UUID) -> approvals.Act:
        """What officers consent to."""
        body = {
            "decision": self.decision, "camera": self.camera.bytes, "slot": self.slot,
            "spans": [list(span) for span in self.spans], "person": person.bytes,
        }  # fmt: skip
        return approvals.Act("puncture", person, body)


@dataclass(frozen=True)
class Punctured:
    """What a deletion did: hours changed, camera-seconds closed now, how many of the asked ones stand in holds, which
    holds, and the generation whose key held what was closed (destroyed, proved absent)."""

    hours: int
    seconds: int
    held: int
    generation: int
    holds: tuple[UUID, ...]


def _asking(said: Sequence[Approval]) -> UUID:
    if not said:
        raise VaultError("approver_missing")
    return said[0].person


def _digest(decision: bytes) -> None:
    if not isinstance(decision, bytes) or len(decision) != 32:
        raise VaultError("hold_field", "decision")


def _texts(**texts: str) -> None:
    for name, text in texts.items():
        if not text.strip() or len(text) > TEXT_MAX[name] or "\0" in text:
            raise VaultError("hold_field", name)


class Holds:
    """Every act that keeps seconds beyond their hour, or closes them before it."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        # between the steps that the keystore has none of; tests kill here
        self.failpoint: Failpoint = lambda step: None

    # --- making ---------------------------------------------------------------------------------------------------

    def hold(self, wanted: Wanted, said: Sequence[Approval]) -> tuple[Hold, int]:
        """(the hold, the generation it stands in), written, read back, compared. The same request again is answered
        again; VaultError ``hold_dead`` (detail: camera first until, …) refuses it whole, and nothing was written.
        """
        vault = self.vault
        vault.peers.gate()
        lenses = self._lenses(wanted)
        # keys are derived before the lock: a month of 64 cameras must not keep the recorders waiting
        derived = self._derived(wanted, lenses, said)
        with vault._lock:
            known = self._known(wanted, lenses, said)
            if known is not None:
                return self._proved(known)
            if derived is None or not derived.current(vault.state):
                derived = self._covering(lenses)
            act = self._act("made", wanted.decision, wanted.ends, said)
            texts = nfc(wanted.ground), nfc(wanted.case)
            made = Hold(wanted.id, wanted.kind, *texts, wanted.reviewer, lenses, derived.nodes, wanted.ends, (act,))
            self.failpoint("derived")
            with vault.change() as draft:
                draft.holds[made.id] = made
            self.failpoint("written")
            answer = self._proved(made, derived)
            self.failpoint("proved")
            self._tell("vault.hold.made", made, said, {"nodes": derived.count, "generation": answer[1]})
            return answer

    def _known(self, wanted: Wanted, lenses: tuple[HeldLens, ...], said: Sequence[Approval]) -> Hold | None:
        """The hold, when the same request made it already; VaultError when this one may not be made."""
        approvals.check(self.vault, wanted.act(_asking(said)), said, alone=wanted.kind == "provisional")
        known = self.vault.state.holds.get(wanted.id)
        if known is not None:
            if not _same(known, wanted, lenses):
                raise VaultError("hold_known", str(wanted.id))
            return known
        if wanted.id in self.vault.state.ended:
            # the consents to make it are still fresh: the web must not give them again
            raise VaultError("hold_ended", str(wanted.id))
        self._ends(wanted.kind, wanted.ends)
        self._room(wanted.kind, said[0].person)
        return None

    def _derived(self, wanted: Wanted, lenses: tuple[HeldLens, ...], said: Sequence[Approval]) -> Covering | None:
        """The keys, outside the lock; None when an hour died or was closed meanwhile, or the hold stands already."""
        if self._known(wanted, lenses, said) is not None:
            return None
        try:
            return self._covering(lenses)
        except (NoKey, VaultError):
            # said under the lock, of the content that counts
            return None

    def _covering(self, lenses: Sequence[HeldLens]) -> Covering:
        """Covering nodes of live seconds; VaultError ``hold_dead`` names every camera's dead seconds."""
        state = self.vault.state
        if missing := dead(state, lenses):
            raise VaultError("hold_dead", self._named(missing))
        return covering(state, lenses, NODES_MAX - sum(len(h.nodes) for h in state.holds.values()) // HELD.size)

    def _lenses(self, wanted: Wanted) -> tuple[HeldLens, ...]:
        """The spans in order, what touches made one; VaultError for one that no hold may have."""
        _digest(wanted.decision)
        _texts(ground=wanted.ground, case=wanted.case)
        if wanted.kind not in HOLD_KINDS:
            raise VaultError("hold_field", f"kind {wanted.kind}")
        if not 1 <= len(wanted.spans) <= SPANS_MAX or len({span[0] for span in wanted.spans}) > CAMERAS_MAX:
            raise VaultError("limit", f"{CAMERAS_MAX} cameras, {SPANS_MAX} spans")
        for camera, slot, class_, first, until in wanted.spans:
            self._span(camera, slot, class_, first, until)
        reach = max(s[4] for s in wanted.spans) - min(s[3] for s in wanted.spans)
        if reach > DAYS_MAX * 86400:
            raise VaultError("limit", f"{DAYS_MAX} days a hold")
        if max(s[4] for s in wanted.spans) > self.vault.clock.now_s() + FUTURE_S:
            raise VaultError("future")
        found: list[HeldLens] = []
        for camera, slot, class_, first, until in sorted(wanted.spans, key=lambda s: (s[1], s[2], s[3], s[4])):
            last = found[-1] if found else None
            if last and (last.slot, last.class_) == (slot, class_) and first <= last.until:
                found[-1] = replace(last, until=max(until, last.until))
            else:
                found.append(HeldLens(camera, slot, class_, first, until))
        return tuple(found)

    def _span(self, camera: UUID, slot: int, class_: int, first: int, until: int) -> None:
        if not all(type(n) is int for n in (slot, class_, first, until)) or not 0 <= first < until < 1 << 40:
            raise VaultError("hold_field", "span")
        if self.vault.camera_of(slot) != camera.bytes:
            raise VaultError("permit_camera", str(camera))
        if class_ not in self.vault.state.classes:
            raise VaultError("class_unknown", str(class_))

    def _ends(self, kind: str, ends: int) -> None:
        now = self.vault.clock.now_s()
        most = PROVISIONAL_S if kind == "provisional" else ENDS_MAX_S
        if type(ends) is not int or not now < ends <= now + most:
            raise VaultError("hold_end", f"{most // 86400} days")

    def _room(self, kind: str, person: UUID) -> None:
        holds = self.vault.state.holds
        mine = sum(
            1 for h in holds.values() if h.kind == "provisional" and h.acts[0].approvals[0]["person"] == person.bytes
        )
        if len(holds) >= HOLDS_MAX or (kind == "provisional" and mine >= PROVISIONAL_MAX):
            raise VaultError("limit", f"{HOLDS_MAX} holds, {PROVISIONAL_MAX} provisional ones a person")

    def _act(self, act: str, decision: bytes, ends: int, said: Sequence[Approval]) -> HoldAct:
        return HoldAct(act, self.vault.clock.now_us(), decision, ends, tuple(a.body() for a in said))

    def _named(self, missing: Sequence[tuple[held.Hour, held.Range]]) -> str:
        said = []
        for (_, epoch), (slot, first, until) in missing[:NAMED_MAX]:
            camera = UUID(bytes=self.vault.camera_of(slot) or bytes(16))
            said.append(f"{camera} {epoch * EPOCH_S + first} {epoch * EPOCH_S + until}")
        more = len(missing) - len(said)
        return ", ".join(said) + (f", +{more}" if more else "")

    def _proved(self, hold: Hold, derived: Covering | None = None) -> tuple[Hold, int]:
        """The hold as its file has it, node by node what was derived; VaultError ``hold_unproved`` drops it.

        One that is asked for again is only read back: its hours may have died since it was compared with them.
        """
        vault = self.vault
        generation, read = keystore.unseal(vault.keystore.file.read_bytes(), vault.keystore.token)
        back = read.holds.get(hold.id)
        if back is None or back != hold or (derived is not None and not derived.is_of(back)):
            with vault.change() as draft:
                draft.holds.pop(hold.id, None)
            raise VaultError("hold_unproved", str(hold.id))
        return hold, generation

    # --- prolonging and ending ------------------------------------------------------------------------------------

    def prolong(self, wanted: Longer, said: Sequence[Approval]) -> tuple[Hold, int]:
        """The same record with a later end (and, of a provisional one, the kind that a decision gave it); no key is
        copied. The same request again is answered again.
        """
        vault = self.vault
        vault.peers.gate()
        _digest(wanted.decision)
        _texts(ground=wanted.ground, case=wanted.case)
        with vault._lock:
            known = held.in_force(vault.state, wanted.id, vault.clock.now_s())
            approvals.check(vault, wanted.act(_asking(said)), said)
            last = known.acts[-1]
            if (last.act, last.decision, last.ends) == ("prolonged", wanted.decision, wanted.ends):
                return known, vault.keystore.generation
            if wanted.kind not in HOLD_KINDS or wanted.kind == "provisional":
                raise VaultError("hold_field", f"kind {wanted.kind}")
            self._ends(wanted.kind, wanted.ends)
            if wanted.ends <= known.ends:
                raise VaultError("hold_end", "not later than its end")
            if len(known.acts) >= ACTS_MAX:
                raise VaultError("limit", f"{ACTS_MAX} acts a hold")
            act = self._act("prolonged", wanted.decision, wanted.ends, said)
            longer = replace(
                known, kind=wanted.kind, ground=nfc(wanted.ground), case=nfc(wanted.case), ends=wanted.ends,
                acts=(*known.acts, act),
            )  # fmt: skip
            with vault.change() as draft:
                draft.holds[known.id] = longer
            self.failpoint("written")
            self._tell("vault.hold.prolonged", longer, said, {"generation": vault.keystore.generation})
            return longer, vault.keystore.generation

    def end(self, id_: UUID, decision: bytes, said: Sequence[Approval]) -> list[Released]:
        """End a hold before its time: its nodes die with this generation's key; what nothing opens any more."""
        vault = self.vault
        vault.peers.gate()
        _digest(decision)
        with vault._lock:
            known = vault.state.holds.get(id_)
            if known is None:
                raise VaultError("hold_unknown", str(id_))
            approvals.check(vault, ending(id_, decision, _asking(said)), said)
            generation, at_us = vault.keystore.generation, vault.clock.now_us()
            with vault.change() as draft:
                released = held.drop(draft, [known], generation, at_us)
                now = vault.clock.now_s()
                draft.ended = {id_: until for id_, until in draft.ended.items() if until > now}
                draft.ended[known.id] = now + 2 * approvals.AGE_MAX_S
            self.failpoint("written")
            vault.tell_ended([known], released, "ended")
            return released

    # --- closing --------------------------------------------------------------------------------------------------

    def puncture(self, wanted: Closing, said: Sequence[Approval]) -> Punctured:
        """Close exactly these seconds of one camera: no Permit opens them again but one that names a hold that has
        them already. Seconds that are dead are no error; the same request again closes nothing more.
        """
        vault = self.vault
        vault.peers.gate()
        lenses = self._closing(wanted)
        with vault._lock:
            approvals.check(vault, wanted.act(_asking(said)), said)
            if vault.watch_clock() is not None:
                raise VaultError("clock_alarm")
            state, generation, at_us = vault.state, vault.keystore.generation, vault.clock.now_us()
            hours = held.hours_of(lenses)
            inside = [(hold, held.seconds(held.within(ranges, other))) for hour, ranges in hours.items()
                      for hold, other in held.holding(state.holds.values(), hour)]  # fmt: skip
            living = {hour: ranges for hour, asked in hours.items()
                      if (ranges := held.without(asked, held.dead(state, hour, asked)))}  # fmt: skip
            closed = sum(held.seconds(ranges) for ranges in living.values())
            if living:
                with vault.change() as draft:
                    self._close(draft, living)
                    lost = sorted(held.lost(draft, living).items())
                    held.keep(
                        draft, [Released(*hour, "puncture", wanted.decision, n, generation, at_us) for hour, n in lost]
                    )
                self.failpoint("written")
            holding = tuple(dict.fromkeys(hold.id for hold, count in inside if count))
            both = _held_once(hours, state.holds.values())
            answer = Punctured(len(living), closed, both, generation, holding)
            self._tell_closed(wanted, said, answer)
            return answer

    def _closing(self, wanted: Closing) -> tuple[HeldLens, ...]:
        _digest(wanted.decision)
        if not 1 <= len(wanted.spans) <= SPANS_MAX:
            raise VaultError("limit", f"{SPANS_MAX} spans")
        for class_, first, until in wanted.spans:
            self._span(wanted.camera, wanted.slot, class_, first, until)
        if max(s[2] for s in wanted.spans) - min(s[1] for s in wanted.spans) > PUNCTURE_S:
            raise VaultError("limit", f"{PUNCTURE_S // 3600} hours a deletion")
        if max(s[2] for s in wanted.spans) > self.vault.clock.now_s() - SETTLED_S:
            raise VaultError("puncture_present", f"{SETTLED_S} s")
        return tuple(HeldLens(wanted.camera, wanted.slot, *span) for span in sorted(wanted.spans))

    @staticmethod
    def _close(draft: Any, living: Mapping[held.Hour, Sequence[held.Range]]) -> None:
        for hour, ranges in living.items():
            keys = draft.roots.pop(hour, None) or draft.frontiers[hour]
            for piece in ranges:
                keys = frontier.puncture(keys, *piece)
            draft.frontiers[hour] = keys

    # --- telling --------------------------------------------------------------------------------------------------

    def _tell(self, kind: str, hold: Hold, said: Sequence[Approval], more: Mapping[str, Any]) -> None:
        detail = {
            "outcome": "done", "actor": said[0].person, "role": said[0].role, "hold": hold.id, "sort": hold.kind,
            "cameras": sorted({str(lens.camera) for lens in hold.lenses}),
            "first": min(lens.first for lens in hold.lenses), "until": max(lens.until for lens in hold.lenses),
            "seconds": hold.seconds, "ends": hold.ends, "ground": hold.ground, "case": hold.case,
            "reviewer": hold.reviewer, "decision": hold.acts[-1].decision, "norms": ["playback.approval"],
            "approvers": [[str(a.person), a.role, a.method] for a in said[1:]], "dies": "destruction", **more,
        }  # fmt: skip
        self.vault.fact(kind, detail)

    def _tell_closed(self, wanted: Closing, said: Sequence[Approval], done: Punctured) -> None:
        detail = {
            "actor": said[0].person, "role": said[0].role, "cameras": [wanted.camera],
            "first": min(s[1] for s in wanted.spans), "until": max(s[2] for s in wanted.spans),
            "decision": wanted.decision, "seconds": done.seconds, "held": done.held, "hours": done.hours,
            "holds": [str(id_) for id_ in done.holds[:100]], "generation": done.generation,
            "norms": ["retention.irrecoverable", "playback.approval"], "dies": "destruction",
            "approvers": [[str(a.person), a.role, a.method] for a in said[1:]],
        }  # fmt: skip
        self.vault.fact("vault.seconds.closed", detail)


def _held_once(hours: Mapping[held.Hour, Sequence[held.Range]], holds: Any) -> int:
    """Camera-seconds of the asked ones that at least one hold has."""
    count = 0
    for hour, ranges in hours.items():
        others = [piece for _, pieces in held.holding(holds, hour) for piece in pieces]
        count += held.seconds(held.within(ranges, others))
    return count


def _same(known: Hold, wanted: Wanted, lenses: tuple[HeldLens, ...]) -> bool:
    made = known.acts[0]
    mine = known.lenses, known.reviewer, made.decision, made.ends
    return mine == (lenses, wanted.reviewer, wanted.decision, wanted.ends)

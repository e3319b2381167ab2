"""vaultd's heart (금고 핵심): roots, classes, slots, lending, destruction on time, the clock's alarm, checkpoints.

Synchronous; every change goes through ``change``, which holds the one lock and writes a whole new generation.
Reading methods look at ``state`` once: it is replaced, never altered in place.
"""

from __future__ import annotations

import calendar
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.kernel.canonical import encode
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.home import Home
from gwanje.kernel.refusals import report
from gwanje.law import upholds
from gwanje.vault import frontier, held, tree
from gwanje.vault.conversation import above
from gwanje.vault.errors import VaultError
from gwanje.vault.guard import ClockGuard
from gwanje.vault.heads import Heads
from gwanje.vault.keystore import Keystore, read
from gwanje.vault.openlog import OpenLog
from gwanje.vault.peers import Peers
from gwanje.vault.records import Destroyed, Hold, Released, RetentionClass
from gwanje.vault.state import State

log = logging.getLogger(__name__)
AHEAD_S: Final = 120
CLOCK_SEEN_EVERY_US: Final = 300_000_000
CLASSES_MAX: Final = 1000
DESTROYED_MAX: Final = 100_000
FACT_ROOTS: Final = 500
SETTLE_S: Final = 2.0
_US: Final = 1_000_000


def death_s(class_: RetentionClass, epoch: int, clock_zone: Any) -> int | None:
    """Unix second at which an hour's root must be dead: hour start + retention; None = permanent."""
    start = epoch * tree.EPOCH_S
    if class_.kind == "days":
        return start + class_.value * 86400
    if class_.kind == "months":
        local = datetime.fromtimestamp(start, UTC).astimezone(clock_zone)
        years, month = divmod(local.month - 1 + class_.value, 12)
        year = local.year + years
        day = min(local.day, calendar.monthrange(year, month + 1)[1])
        return int(local.replace(year=year, month=month + 1, day=day).timestamp())
    return start if class_.kind == "none" else None


def _keys(state: State) -> Iterator[bytearray]:
    """Every buffer that opens video."""
    yield from state.roots.values()
    yield from state.frontiers.values()
    yield from (hold.nodes for hold in state.holds.values())


class Vault:
    """One open keystore with its open-log and its clock guard."""

    def __init__(self, home: Home, keystore: Keystore) -> None:
        self.home, self.keystore, self.clock = home, keystore, home.clock
        self._lock = threading.RLock()
        state = keystore.load()
        self.permit_key = Ed25519PrivateKey.from_private_bytes(state.permit_key)
        self.permit_public = public_bytes(self.permit_key)
        self.checkpoint_key = Ed25519PrivateKey.from_private_bytes(state.checkpoint_key)
        self.open_log = OpenLog(home.vault / "open", state.log_key)
        self.verified = 0
        self.guard = ClockGuard(self.clock, home.root / "clock.json")
        self._floor_us = state.clock_us
        self._cameras: dict[int, bytes] = {}
        self._due: int | None = None
        self.peers = Peers(self)
        self.heads = Heads(self)
        self.heads.load(passive=self.peers.standby)
        self._index()
        self._alarm(self._made_settable() or self.guard.at_start(state.clock_us, state.offset_us))

    @property
    def state(self) -> State:
        """The content in force; VaultError when a write failed half way (the process must start again)."""
        state = self.keystore.state
        if state is None:
            raise VaultError("keystore_missing")
        return state

    @property
    def whole(self) -> bool:
        """False when a write failed half way; during a write the content before it is in force."""
        return self.keystore.state is not None

    def _index(self) -> None:
        state = self.state
        self._cameras = {slot: camera for camera, slot in state.slots.items()}
        zone = self.clock.zone
        deaths = (death_s(state.classes[number], epoch, zone) for number, epoch in (*state.roots, *state.frontiers))
        ends = (hold.ends for hold in state.holds.values())
        self._due = min((d for d in (*deaths, *ends) if d is not None), default=None)

    @contextlib.contextmanager
    def change(self) -> Iterator[State]:
        """Change the content under the lock; keys that are gone afterwards are overwritten in memory."""
        with self._lock:
            if self.peers.standby:
                raise VaultError("replica_here")
            before = self.state
            with self.keystore.change() as draft:
                yield draft
                self._house_keep(draft)
            kept = {id(key) for key in _keys(self.state)}
            for key in _keys(before):
                if id(key) not in kept:
                    key[:] = bytes(len(key))
            self._index()
        self.peers.changed()

    def locked(self) -> threading.RLock:
        """Nothing is written while this is held; short."""
        return self._lock

    def recover(self, generation: int, content: bytes) -> None:
        """Take back a later content of this vaultd's own from a replica; nothing goes on before a new start."""
        self.heads.raise_to(read(content))
        with self._lock:
            self.keystore.adopt(generation, content)
            self.keystore.state = None

    @contextlib.contextmanager
    def promoting(self) -> Iterator[State]:
        """The one change that a replica makes by itself: it becomes the primary, far above the lost one's count."""
        with self._lock:
            draft = self.state.copy()
            yield draft
            self.heads.settle()
            self.heads.into(draft)
            self.keystore.adopt(above(self.keystore.generation), encode(draft.body()))
            self.keystore.state = None

    def _house_keep(self, draft: State) -> None:
        draft.peers = self.peers.noted(draft.peers)
        self.heads.into(draft)
        # a clock in doubt neither moves the highest clock seen nor lets a spent Permit be forgotten
        if draft.alarm is not None or self.guard.running() is not None:
            return
        draft.clock_us = max(draft.clock_us, self.clock.now_us())
        draft.offset_us = self.guard.offset_us()
        now_s = self.clock.now_s()
        ended = [key for key, s in draft.spent.items() if max(s.expires, s.until) < now_s]
        for key in ended:
            del draft.spent[key]

    def fact(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Tell the ledger through the spool; a full spool never stops a destruction or an alarm."""
        try:
            report(self.home, kind, {"outcome": "done", **detail}, service="vaultd")
        except (OSError, RuntimeError, ValueError) as error:
            log.error("a fact could not be spooled: %s (%s)", kind, type(error).__name__)

    # --- clock ----------------------------------------------------------------------------------------------------

    def _made_settable(self) -> str | None:
        """A folder is made settable when it is made: the keystore knows, whatever config.json says today."""
        known, said = self.state.settable, self.clock.settable
        if known is None:
            # a keystore of the first version takes what it finds, once
            with self.change() as draft:
                draft.settable = said
        return "config.json was changed to a settable clock" if said and known is False else None

    def _alarm(self, problem: str | None) -> None:
        if problem is None or self.state.alarm is not None or self.peers.standby:
            return
        with self.change() as draft:
            draft.alarm = problem
        log.error("clock alarm, destruction stopped: %s", problem)
        detail = {"outcome": "refused", "problem": problem, "norms": ["retention.irrecoverable"], "dies": "system"}
        self.fact("vault.clock.alarmed", detail)

    def watch_clock(self) -> str | None:
        """Look at the clock; returns the alarm in force or None. Advances the highest clock seen."""
        with self._lock:
            self._alarm(self.guard.running())
            state = self.state
            if state.alarm is None:
                now_us = self.clock.now_us()
                self._floor_us = max(self._floor_us, now_us)
                if now_us - state.clock_us > CLOCK_SEEN_EVERY_US and not self.peers.standby:
                    with self.change():
                        pass
            return self.state.alarm

    def confirm_clock(self) -> None:
        """Take the present clock as right (the console has checked two officers)."""
        with self._lock:
            self.guard.accept()
            with self.change() as draft:
                draft.alarm = None
                draft.clock_us = self.clock.now_us()
                draft.offset_us = self.guard.offset_us()
            self._floor_us = self.clock.now_us()

    # --- registers ------------------------------------------------------------------------------------------------

    def set_class(self, number: int, kind: str, value: int, reference: str) -> None:
        """Register a retention class; a known number keeps its value for ever (``class_fixed``)."""
        wanted = RetentionClass(number, kind, value, reference).check()
        with self._lock:
            known = self.state.classes.get(number)
            if known is not None:
                if (known.kind, known.value) != (kind, value):
                    raise VaultError("class_fixed", f"{number} = {known.value} {known.kind}")
                return
            if len(self.state.classes) >= CLASSES_MAX:
                raise VaultError("limit", f"{CLASSES_MAX} classes")
            with self.change() as draft:
                draft.classes[number] = wanted

    def slots(self, cameras: Sequence[UUID]) -> list[int]:
        """A slot for each camera, the same one for ever; new ones in one write."""
        with self._lock:
            fresh = [c.bytes for c in dict.fromkeys(cameras) if c.bytes not in self.state.slots]
            if self.state.next_slot + len(fresh) > tree.SLOTS:
                raise VaultError("slots_full")
            if fresh:
                with self.change() as draft:
                    for camera in fresh:
                        draft.slots[camera] = draft.next_slot
                        draft.next_slot += 1
            return [self.state.slots[c.bytes] for c in cameras]

    # --- lending --------------------------------------------------------------------------------------------------

    def may_record(self) -> bool:
        """Two replicas, or the single one accepted by two officers, or a demo folder."""
        state = self.state
        return state.replicas >= 2 or state.single_replica is not None or bool(self.home.config.get("demo"))

    def lend(self, class_: int, slot: int, epoch: int) -> tuple[int, list[tuple[int, bytes]]]:
        """(first tick, spine nodes) from now to the hour's end, or of the next hour shortly before it. Never the past.

        Also while the clock's alarm stands: then a second that may have been lent before is not lent again.
        """
        self.watch_clock()
        if not self.may_record():
            raise VaultError("single_replica")
        first = self._first_tick(self._recorded(class_), slot, epoch)
        with self._lock:
            # with replicas a day of hours is made ahead: one of them may be away that long and recording goes on
            hours = range(epoch, epoch + 1 + self.peers.ahead)
            fresh = [(class_, hour) for hour in hours if held.keys(self.state, class_, hour) is None]
            if fresh:
                with self.change() as draft:
                    draft.roots.update((key, bytearray(os.urandom(tree.KEY_SIZE))) for key in fresh)
                self.peers.born(fresh)
            keys = held.keys(self.state, class_, epoch)
            assert keys is not None
            try:
                nodes = frontier.spine(keys, slot, first)
            except tree.NoKey:
                # deletions close the past only; a clock that went back may still come here
                raise VaultError("past", f"tick {first} was closed") from None
        self.peers.lendable((class_, epoch))
        return first, nodes

    def _recorded(self, number: int) -> RetentionClass:
        class_ = self.state.classes.get(number)
        if class_ is None:
            raise VaultError("class_unknown", str(number))
        if class_.kind == "none":
            raise VaultError("class_not_recorded", str(number))
        return class_

    def _first_tick(self, class_: RetentionClass, slot: int, epoch: int) -> int:
        if slot not in self._cameras:
            raise VaultError("slot_unknown", str(slot))
        now = self.clock.now_s()
        current = tree.epoch_of(now)
        wanted = max(now, epoch * tree.EPOCH_S)
        if epoch < current:
            raise VaultError("past", f"epoch {epoch}")
        if wanted - now > AHEAD_S:
            raise VaultError("too_early", f"{wanted - now} s before the hour")
        # below the highest clock seen a second may have been recorded: it is past even when the clock says otherwise
        floor = self._floor_us // _US
        if floor > wanted and held.keys(self.state, class_.number, epoch) is not None:
            wanted = floor
        if tree.epoch_of(wanted) > epoch:
            raise VaultError("past", "the clock stands behind what was recorded")
        return tree.tick_of(wanted)

    def leaf(self, class_: int, slot: int, epoch: int, tick: int, hold: UUID | None = None) -> bytes:
        """A second's leaf inside the vault: of the live tree, or of the hold that a Permit names.

        VaultError ``destroyed``; with a hold ``hold_unknown``, ``hold_ended``, ``outside``: it gives its own seconds
        only, and no other hold gives them for it. ``rolled_back``, ``replica_silent``: nothing opens yet.
        """
        self.peers.gate()
        if hold is None:
            # its root may still stand where nothing can be written (a token that is away): it is over all the same
            death = (
                death_s(self.state.classes[class_], epoch, self.clock.zone) if class_ in self.state.classes else None
            )
            if death is not None and death <= self.clock.now_s() and self.state.alarm is None:
                raise VaultError("destroyed", f"class {class_}, epoch {epoch}: due")
            return held.live_leaf(self.state, class_, slot, epoch, tick)
        found = held.in_force(self.state, hold, self.clock.now_s())
        return held.held_leaf(found, class_, slot, epoch, tick)

    def camera_of(self, slot: int) -> bytes | None:
        """The camera (16 bytes) that has a slot."""
        return self._cameras.get(slot)

    # --- destruction ----------------------------------------------------------------------------------------------

    @upholds("retention.max", passes=lambda vault: list(vault.state.destroyed))
    def destroy_due(self) -> list[Destroyed]:
        """Erase every root whose time has come (none while the clock's alarm stands); returns what is unacknowledged.

        Returned only after the generation that held the root is destroyed and proved absent, here and in every
        replica's token.
        """
        alarm = self.watch_clock()
        erased: Callable[[], None] | None = None
        with self._lock:
            now = self.clock.now_s()
            if alarm is None and self._due is not None and self._due <= now and not self.peers.standby:
                erased = self._erase(now)
            if alarm is None and (months := self.open_log.drop_old(self.clock.now_us())):
                self.fact("vault.open_log.dropped", {"months": months, "dies": "destruction"})
        if erased is not None:
            erased()
        return [d for d in self.state.destroyed if self.peers.settled(d.generation)]

    def _erase(self, now: int) -> Callable[[], None]:
        """Erase; what is returned tells it, and is called without the lock: replicas answer meanwhile."""
        state, zone = self.state, self.clock.zone
        due = [
            (number, epoch)
            for number, epoch in (*state.roots, *state.frontiers)
            if (death := death_s(state.classes[number], epoch, zone)) is not None and death <= now
        ]
        ended = [hold for hold in state.holds.values() if hold.ends <= now]
        at_us, generation = self.clock.now_us(), self.keystore.generation
        with self.change() as draft:
            for key in due:
                draft.roots.pop(key, None)
                draft.frontiers.pop(key, None)
            # the oldest unacknowledged entries go first when nobody has asked for years
            draft.destroyed = [*draft.destroyed, *(Destroyed(c, e, generation, at_us) for c, e in sorted(due))]
            del draft.destroyed[:-DESTROYED_MAX]
            released = held.drop(draft, ended, generation, at_us)
        log.info("destroyed %d roots and ended %d holds with generation %d", len(due), len(ended), generation)

        def tell() -> None:
            self._tell_destroyed(sorted(due), generation)
            self.tell_ended(ended, released, "expired")

        return tell

    def tell_ended(self, ended: Sequence[Hold], released: Sequence[Released], why: str) -> None:
        """A row for each hold that ended: how much of it nothing opens any more."""
        for hold in ended:
            lost = sum(item.seconds for item in released if item.reference == hold.id.bytes)
            detail = {
                "hold": hold.id, "why": why, "seconds": hold.seconds, "lost": lost, "case": hold.case,
                "cameras": sorted({str(lens.camera) for lens in hold.lenses}), "norms": ["retention.irrecoverable"],
                "dies": "destruction",
            }  # fmt: skip
            self.fact("vault.hold.ended", detail)

    def _tell_destroyed(self, due: Sequence[tuple[int, int]], generation: int) -> None:
        norms = ["retention.max", "retention.irrecoverable"]
        # the row says when a replica's token still has the key: it is pending then, and stands on no certificate
        settled = self.peers.wait(generation, SETTLE_S)
        for start in range(0, len(due), FACT_ROOTS):
            roots = [[number, epoch] for number, epoch in due[start : start + FACT_ROOTS]]
            detail = {"roots": roots, "generation": generation, "pending": not settled, "norms": norms}
            self.fact("vault.roots.destroyed", {**detail, "dies": "destruction"})

    def acknowledge(self, items: Sequence[tuple[int, int, int]]) -> int:
        """Forget (class, epoch, generation) entries the worker has on its certificate; returns how many."""
        wanted = set(items)
        with self._lock:
            keep = [d for d in self.state.destroyed if (d.class_, d.epoch, d.generation) not in wanted]
            count = len(self.state.destroyed) - len(keep)
            if count:
                with self.change() as draft:
                    draft.destroyed = keep
            return count

    def released(self) -> list[Released]:
        """Seconds that died apart from their hour, not yet acknowledged; told as late as a destroyed root."""
        return [item for item in self.state.released if self.peers.settled(item.generation)]

    def acknowledge_released(self, items: Sequence[Released]) -> int:
        """Forget what the worker has on its certificate; returns how many."""
        wanted = set(items)
        with self._lock:
            keep = [item for item in self.state.released if item not in wanted]
            count = len(self.state.released) - len(keep)
            if count:
                with self.change() as draft:
                    draft.released = keep
            return count

    # --- ledger ---------------------------------------------------------------------------------------------------

    def checkpoint(self, origin: str, size: int, root: bytes, old_size: int, proof: Sequence[bytes]) -> str:
        """Sign a checkpoint that continues the last one; see ``Heads.checkpoint``. No keystore is written for it."""
        return self.heads.checkpoint(origin, size, root, old_size, proof)

    def status(self) -> dict[str, Any]:
        """What everybody may know; no key, no name."""
        state = self.state
        return {
            "generation": self.keystore.generation,
            "replicas": state.replicas,
            "single_replica": bool(state.single_replica),
            "may_record": self.may_record(),
            "level": self.keystore.token.level,
            "alarm": state.alarm,
            "permit_key": self.permit_public,
            "checkpoint_key": public_bytes(self.checkpoint_key),
            "clock": state.clock_us,
            "roots": len(state.roots) + len(state.frontiers),
            "holds": len(state.holds),
            "classes": len(state.classes),
            "slots": len(state.slots),
            "officers": len({person for person, _ in state.officers}),
            "outstanding": len(state.destroyed) + len(state.released),
            "opened": len(self.open_log),
            "verified": self.verified,
            "head": self.heads.size,
            "rules": state.rules_digest,
            "peers": self.peers.rows(),
            "retired": [[peer.number, peer.retired] for peer in state.peers if peer.retired],
            "rolled_back": self.peers.problem,
        }

    def close(self) -> None:
        """Close the log and let the keystore go."""
        self.peers.stop()
        self.open_log.close()
        self.keystore.unlock()

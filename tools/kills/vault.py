"""`./dev kills vault [--rounds N] [--seed S] [--json FILE]`: vaultd ended at every step of what it writes.

One vault goes on and on: hours are made, held, prolonged, ended, closed, and die by the clock. At a step drawn by lot
the process is gone (nothing after the failpoint runs; what was not fsynced may be lost: a torn file, a rename that
never was), and a new one opens what the disk has. After every round all that was ever answered is compared with all
that opens, by a reckoning of its own that holds every root since its birth. The last act is a control: a keystore of
which nothing died opens everything.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from gwanje.kernel.home import Home
from gwanje.kernel.permit import Approval
from gwanje.vault import ceremony, held, tree
from gwanje.vault.attempt import collect, states
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.holds import Closing, Holds, Longer, Wanted
from gwanje.vault.keystore import STEPS, unseal
from gwanje.vault.records import Released

HOUR, CLASS, CAMERAS, LIVES_H = 3600, 1, 4, 24
OWN_STEPS = ("derived", "written", "proved")
ACTS = ("lend", "hold", "hold", "prolong", "end", "close", "close", "expire", "acknowledge")
LOOKS = 24
OLD_MAX = 4


class Killed(BaseException):
    """Stands for kill -9: no handler of the code under test may catch it."""


class Fault(Exception):
    """Something that must never be."""


@dataclass
class Known:
    """One hold as it was answered."""

    spans: list[tuple[int, int, int]]
    ends: int


@dataclass
class Reckoning:
    """Every root since its birth, and every answer. ``maybe``: what an act that was never answered may have done."""

    roots: dict[int, bytes] = field(default_factory=dict)
    closed: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    holds: dict[UUID, Known] = field(default_factory=dict)
    ended: set[UUID] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    lost: int = 0
    released: set[Released] = field(default_factory=set)
    maybe: dict[str, Any] = field(default_factory=dict)

    def lives(self, epoch: int, slot: int, tick: int) -> bool:
        """Does the tree open it, by all that was answered?"""
        return epoch not in self.dead and (slot, tick) not in self.closed.get(epoch, set())

    def close(self, done: dict[int, set[tuple[int, int]]]) -> None:
        """Seconds were closed: those that no hold has are lost with it."""
        for epoch, seconds in done.items():
            self.closed.setdefault(epoch, set()).update(seconds)
            self.lost += sum(not self.held(epoch, *one) for one in seconds)

    def held(self, epoch: int, slot: int, tick: int) -> bool:
        """Does a hold that stands have it?"""
        second = epoch * HOUR + tick
        return any(s == slot and a <= second < b for known in self.holds.values() for s, a, b in known.spans)

    def end(self, id_: UUID) -> None:
        """A hold is over: what nothing else opens is lost with it."""
        gone = {(s, second) for s, a, b in self.holds.pop(id_).spans for second in range(a, b)}
        self.ended.add(id_)
        for slot, second in gone:
            where = second // HOUR, slot, second % HOUR
            self.lost += not self.lives(*where) and not self.held(*where)


class Run:
    """One vault and its reckoning."""

    def __init__(self, root: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.home = Home.create(root / "home", settable_clock=True, demo=True)
        agency = uuid4()
        self.people = [ceremony.NewOfficer(uuid4(), role, agency, "a password of a test") for role in
                       ("operator", "manager", "chief_officer")]  # fmt: skip
        ceremony.create(self.home, self.people)
        self.now = self.home.clock.now_s() // HOUR * HOUR + HOUR
        self.home.clock.now_us = lambda: self.now * 1_000_000  # type: ignore[method-assign]
        self.home.clock.step_us = lambda: 0  # type: ignore[method-assign]
        # rows of facts are not what is tried here, and a spool has an end
        self.cameras = [self.id() for _ in range(CAMERAS)]
        self.truth = Reckoning()
        self.counts: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()
        self.old: list[bytes] = []
        self.open()
        self.vault.set_class(CLASS, "days", LIVES_H // 24, "a test")
        self.slots = self.vault.slots(self.cameras)

    def id(self) -> UUID:
        """The same ids from the same seed."""
        return UUID(int=self.rng.getrandbits(128))

    def open(self) -> None:
        """As a new process finds it."""
        store = ceremony.open_keystore(self.home)
        store.lock()
        self.vault = Vault(self.home, store)
        self.vault.fact = lambda kind, detail: None  # type: ignore[method-assign]
        self.holds = Holds(self.vault)

    # --- one round ------------------------------------------------------------------------------------------------

    def round(self) -> None:
        """One act, maybe killed in it, then everything is looked at."""
        act = self.rng.choice(ACTS)
        step = self.rng.choice((*STEPS, *OWN_STEPS, ""))
        if self.vault.keystore.file.exists() and self.rng.random() < 0.3:
            self.old = [*self.old[-OLD_MAX:], self.vault.keystore.file.read_bytes()]
        self.truth.maybe = {}

        def stop(at: str) -> None:
            if at == step:
                self._lose(at)
                raise Killed

        self.vault.keystore.failpoint = self.holds.failpoint = stop
        self.counts[act] += 1
        try:
            getattr(self, f"_{act}")()
            self.truth.maybe = {}
        except Killed:
            self.kills[f"{act}:{step}"] += 1
            self.vault.close()
            try:
                self.open()
            except VaultError as error:
                raise Fault(f"nothing opens any more: {error}") from error
            self._settle()
        except VaultError as error:
            self.counts[f"refused:{error.code}"] += 1
            if self.vault.keystore.state is None:
                raise Fault(f"{act}: a refusal left nothing in memory: {error}") from error
        self.vault.keystore.failpoint = self.holds.failpoint = lambda at: None
        self.look()

    def _lose(self, at: str) -> None:
        """What a power cut may take with it: bytes and names that were not fsynced."""
        store = self.vault.keystore
        if at == "tmp_written" and self.rng.random() < 0.5:
            os.truncate(store._tmp, self.rng.randrange(store._tmp.stat().st_size))
        if at == "renamed" and store._aside.exists() and self.rng.random() < 0.5:
            os.replace(store.file, store._tmp)
            os.link(store._aside, store.file)

    def _settle(self) -> None:
        """After a kill: what was never answered is now one or the other, and stays so."""
        maybe, state = self.truth.maybe, self.vault.state
        if (made := maybe.get("lend")) is not None and (CLASS, made) in state.roots:
            self.truth.roots[made] = bytes(state.roots[CLASS, made])
        if (hold := maybe.get("hold")) is not None and hold[0] in state.holds:
            self.truth.holds[hold[0]] = hold[1]
        if (id_ := maybe.get("end")) is not None and id_ not in state.holds:
            self.truth.end(id_)
        if (longer := maybe.get("prolong")) is not None:
            self.truth.holds[longer[0]].ends = state.holds[longer[0]].ends
            if state.holds[longer[0]].ends not in longer[1]:
                raise Fault("a prolongation came out as neither")
        done = maybe.get("close", {})
        gone = [not self._live(epoch, *one) for epoch, seconds in done.items() for one in seconds]
        if any(gone):
            if not all(gone):
                raise Fault("a closing came out by halves")
            self.truth.close(done)
        self._expired()

    def _live(self, epoch: int, slot: int, tick: int) -> bool:
        try:
            return bool(held.live_leaf(self.vault.state, CLASS, slot, epoch, tick))
        except VaultError:
            return False

    # --- acts -----------------------------------------------------------------------------------------------------

    def said(self) -> list[Approval]:
        return [Approval(p.id, p.role, bytes(32), self.now * 1_000_000) for p in self.people[:2]]

    def _lend(self) -> None:
        self.now += HOUR
        epoch = self.now // HOUR
        self.truth.maybe["lend"] = epoch
        self.vault.lend(CLASS, self.slots[0], epoch)
        self.truth.roots[epoch] = bytes(self.vault.state.roots[CLASS, epoch])

    def _span(self) -> tuple[int, int, int]:
        """(camera, first, until) somewhere in the hours of the last day, settled."""
        length = self.rng.choice((1, 7, 60, 600, HOUR))
        oldest = max(min(self.truth.roots, default=0), self.now // HOUR - LIVES_H - 1) * HOUR
        first = self.rng.randint(min(oldest, self.now - length - 200), self.now - length - 200)
        return self.rng.randrange(CAMERAS), first, first + length

    def _living(self) -> tuple[int, int, int]:
        """A span whose first and last seconds live, if one is found in ten draws: holds of dead ones are refused."""
        for _ in range(10):
            camera, first, until = self._span()
            ends = {first, until - 1}
            if all(
                s // HOUR in self.truth.roots and self.truth.lives(s // HOUR, self.slots[camera], s % HOUR)
                for s in ends
            ):
                break
        return camera, first, until

    def _hold(self) -> None:
        spans = [self._living() for _ in range(self.rng.randint(1, 4))]
        id_ = self.id()
        asked = tuple((self.cameras[c], self.slots[c], CLASS, a, b) for c, a, b in spans)
        ends = self.now + self.rng.randint(1, 60) * HOUR
        known = Known([(self.slots[c], a, b) for c, a, b in spans], ends)
        self.truth.maybe["hold"] = (id_, known)
        wanted = Wanted(id_, "trial", "trial", "case", self.people[2].id, asked, ends, bytes(32))
        self.holds.hold(wanted, self.said())
        self.truth.holds[id_] = known

    def _prolong(self) -> None:
        if not self.truth.holds:
            return
        id_ = self.rng.choice(sorted(self.truth.holds))
        before, ends = self.truth.holds[id_].ends, self.truth.holds[id_].ends + 5 * HOUR
        self.truth.maybe["prolong"] = (id_, (before, ends))
        decision = hashlib.sha256(str(ends).encode()).digest()
        said = [Approval(p.id, p.role, decision, self.now * 1_000_000) for p in self.people[:2]]
        self.holds.prolong(Longer(id_, "trial", ends, "trial", "case", decision), said)
        self.truth.holds[id_].ends = ends

    def _end(self) -> None:
        if not self.truth.holds:
            return
        id_ = self.rng.choice(sorted(self.truth.holds))
        self.truth.maybe["end"] = id_
        self.holds.end(id_, bytes(32), self.said())
        self.truth.end(id_)

    def _close(self) -> None:
        camera, first, until = self._span()
        slot, done = self.slots[camera], {}
        for second in range(first, until):
            epoch, tick = divmod(second, HOUR)
            if epoch in self.truth.roots and self.truth.lives(epoch, slot, tick):
                done.setdefault(epoch, set()).add((slot, tick))
        self.truth.maybe["close"] = done
        answer = self.holds.puncture(
            Closing(self.cameras[camera], slot, ((CLASS, first, until),), bytes(32)), self.said()
        )
        if answer.seconds != sum(map(len, done.values())):
            raise Fault(f"{answer.seconds} seconds closed, {sum(map(len, done.values()))} lived")
        self.truth.close(done)

    def _expire(self) -> None:
        self.now += self.rng.choice((60, HOUR, 4 * HOUR))
        for one in self.vault.destroy_due():
            self.truth.dead.add(one.epoch)
        self._expired()

    def _expired(self) -> None:
        """What must be dead by the clock is dead: vaultd looks before it answers anything else."""
        for one in self.vault.destroy_due():
            self.truth.dead.add(one.epoch)
        for id_ in [id_ for id_, known in self.truth.holds.items() if known.ends <= self.now]:
            self.truth.end(id_)

    def _acknowledge(self) -> None:
        told = [(d.class_, d.epoch, d.generation) for d in self.vault.destroy_due()]
        self._expired()
        # killed in between, vaultd tells again: what is acknowledged is acknowledged by whoever heard it
        self.truth.acknowledged |= {epoch for _, epoch, _ in told}
        self.vault.acknowledge(told)
        self.truth.released |= set(released := self.vault.released())
        self.vault.acknowledge_released(released)

    # --- looking --------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Everything that was answered against everything that opens; Fault."""
        store, truth = self.vault.keystore, self.truth
        if store.token.generations() != [store.generation]:
            raise Fault(f"generation keys {store.token.generations()} beside {store.generation}")
        strays = {p.name for p in store.folder.glob("keystore.gwk*")} - {"keystore.gwk"}
        if strays:
            raise Fault(f"left behind: {sorted(strays)}")
        contents = states(*collect([store.folder]))[0]
        if len(contents) != 1 or contents[0].body() != self.vault.state.body():
            raise Fault(f"{len(contents)} contents open, or another one than is in force")
        for old in self.old:
            if old != store.file.read_bytes() and not self._dead_file(old):
                raise Fault("an older keystore file opens")
        for epoch in truth.dead:
            if held.keys(self.vault.state, CLASS, epoch) is not None:
                raise Fault(f"hour {epoch} was told dead and has a key")
        listed = {d.epoch for d in self.vault.state.destroyed} | truth.acknowledged
        for epoch in truth.roots.keys() - truth.dead:
            if held.keys(self.vault.state, CLASS, epoch) is None and epoch not in listed:
                raise Fault(f"hour {epoch} died and nobody will be told")
        if self.vault.state.holds.keys() != truth.holds.keys() or self.vault.state.holds.keys() & truth.ended:
            raise Fault("a hold was lost, or came back")
        told = sum(item.seconds for item in self.truth.released | set(self.vault.state.released))
        if told != truth.lost:
            raise Fault(f"{truth.lost} seconds were lost apart from their hour, {told} will be told")
        for epoch, slot, tick in self._drawn():
            self._second(epoch, slot, tick)

    def _dead_file(self, data: bytes) -> bool:
        try:
            unseal(data, self.vault.keystore.token)
        except VaultError as error:
            return error.code == "generation_gone"
        return False

    def _drawn(self) -> Iterator[tuple[int, int, int]]:
        epochs = sorted(self.truth.roots)
        for _ in range(LOOKS if epochs else 0):
            yield self.rng.choice(epochs), self.rng.choice(self.slots), self.rng.randrange(HOUR)
        for epoch, seconds in self.truth.closed.items():
            yield (epoch, *self.rng.choice(sorted(seconds))) if seconds else (epoch, self.slots[0], 0)
        for known in self.truth.holds.values():
            slot, first, until = self.rng.choice(known.spans)
            for second in (first, until - 1, self.rng.randrange(first, until)):
                yield second // HOUR, slot, second % HOUR

    def _second(self, epoch: int, slot: int, tick: int) -> None:
        state, root = self.vault.state, self.truth.roots[epoch]
        leaf, expected = tree.leaf(root, slot, tick), self.truth.lives(epoch, slot, tick)
        try:
            found = held.live_leaf(state, CLASS, slot, epoch, tick)
        except VaultError:
            found = b""
        # an hour that is due dies when vaultd looks; until then it may have died already
        due = (epoch + LIVES_H) * HOUR <= self.now
        if found and found != leaf:
            raise Fault("a leaf is another one than the root's")
        if bool(found) != expected and not (due and not found):
            raise Fault(f"hour {epoch} slot {slot} tick {tick}: {'opens' if found else 'does not open'}")
        for id_, known in self.truth.holds.items():
            second = epoch * HOUR + tick
            mine = any(s == slot and a <= second < b for s, a, b in known.spans)
            try:
                got = held.held_leaf(state.holds[id_], CLASS, slot, epoch, tick)
            except VaultError:
                got = b""
            if (got == leaf) is not mine or (got and not mine):
                raise Fault(f"hold {id_}: tick {tick} {'is lost' if mine else 'opens'}")


def control(run: Run) -> bool:
    """A keystore from before a death, with its generation key, opens what died: the looks can see."""
    run._lend()
    epoch = run.now // HOUR
    data = run.vault.keystore.file.read_bytes()
    key = next(run.vault.keystore.token.folder.glob("generation-*.key")).read_bytes()  # type: ignore[attr-defined]
    run.now += (LIVES_H + 1) * HOUR
    run.vault.destroy_due()
    before, _ = states([data], [key])
    return len(before) == 1 and bytes(before[0].roots[CLASS, epoch]) == run.truth.roots[epoch]


def kill(rounds: int, seed: int, folder: Path, tell: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Rounds until so many kills were done; the figures, or Fault with the round's number."""
    run, done = Run(folder, seed), 0
    while run.kills.total() < rounds:
        try:
            run.round()
        except Fault as fault:
            raise Fault(f"seed {seed}, round {done}: {fault}") from fault
        done += 1
        if done % 500 == 0:
            tell(f"{done} rounds, {run.kills.total()} kills")
    steps: Counter[str] = Counter()
    for name, count in run.kills.items():
        steps[name.split(":")[1]] += count
    figures = {
        "seed": seed, "rounds": done, "kills": run.kills.total(), "by_step": dict(sorted(steps.items())),
        "by_act_and_step": dict(sorted(run.kills.items())), "acts": dict(sorted(run.counts.items())),
        "hours": len(run.truth.roots), "hours_dead": len(run.truth.dead), "holds_standing": len(run.truth.holds),
        "holds_ended": len(run.truth.ended), "seconds_closed": sum(map(len, run.truth.closed.values())),
        "faults": 0, "control_opens": control(run),
    }  # fmt: skip
    run.vault.close()
    return figures


def main(argv: list[str]) -> int:
    """Run and print; 1 when something came out as it never may, or the control did not open."""
    parser = argparse.ArgumentParser(prog="./dev kills vault", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000, help="kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        try:
            figures = kill(args.rounds, args.seed, Path(folder), lambda line: sys.stderr.write(line + "\n"))
        except Fault as fault:
            sys.stderr.write(f"FAULT: {fault}\n")
            return 1
    text = json.dumps(figures, indent=1) + "\n"
    sys.stdout.write(text)
    if args.json:
        args.json.write_text(text)
    return 0 if figures["control_opens"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`./dev kills destroy [--rounds N] [--seed S] [--json FILE]`: real kill -9 while footage is destroyed.

A real centre: PostgreSQL, vaultd, the worker's duty as a process that runs again and again. Each round records, holds
one camera, comes near the moment at which the hour dies, and ends one of the three by SIGKILL at a moment drawn by lot
before, at or behind that death. Then, before anything is started again, whatever is written down anywhere as destroyed
must not open with all that lies in the vault's folder; started again and run to the end there is one certificate of the
hour, no file, nothing that opens, and every held second opens. The control of each round: before the hour's death all
of it opens.

The duty's processes are forked from this one, which has read the code already: what a round waits for is the centre.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from gwanje.apps import postgres
from gwanje.kernel import database
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.vault.client import VaultAway, VaultClient
from tools.attack.opener import Loot, Part, count_opened, parts_of
from tools.attack.restore import approvals
from tools.attack.stage import DAY, HOUR, Stage, end_cleanly, environment, stage, start_vaultd

TICKS = 4
TARGETS = ("worker", "vaultd", "postgres")
# the duty begins at most so long before the hour's death, and is killed at most so long behind it
LEAD_S = 2.0
BEHIND_S = 2.5
DUTY_MAX_S = 120.0


class Broken(Exception):
    """Something that must never be."""


def forked(target: Callable[..., None], home: Home, *more: Path) -> BaseProcess:
    """A process of its own that has the duty's code already; its words go to the duty's log."""
    child = multiprocessing.get_context("fork").Process(target=_quiet, args=(target, home, *more), daemon=True)
    child.start()
    return child


def _quiet(target: Callable[..., None], home: Home, *more: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with (home.root / "log" / "duty.log").open("ab") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    target(home, *more)


def ready(home: Home) -> None:
    """Read the duty's code once, for every process that is forked; nothing connects here."""
    os.environ.update(environment(home))
    import django

    django.setup()
    for name in ("gwanje.apps.jobs", "gwanje.centre.retention.duties"):
        importlib.import_module(name)


def work(home: Home) -> None:
    """The worker: its duty again and again, until it is killed or what it needs is gone (파기 의무)."""
    from django.db import Error

    from gwanje.apps.jobs import fonts
    from gwanje.centre.retention import duties

    until = time.monotonic() + DUTY_MAX_S
    while time.monotonic() < until:
        try:
            duties.run(home, fonts=fonts())
        except (VaultAway, Error) as away:
            sys.stderr.write(f"{type(away).__name__}: {away}\n")
            return


def finish(home: Home, to: Path) -> None:
    """One duty from start to end, and what it reports."""
    from gwanje.apps.jobs import fonts
    from gwanje.centre.retention import duties

    report = duties.run(home, fonts=fonts(), wait_s=DUTY_MAX_S)
    to.write_text(json.dumps(report.as_json(), ensure_ascii=False))


class Kills:
    """One centre that is killed again and again; ``services`` are ended with the stack."""

    def __init__(self, centre: Stage, stack: contextlib.ExitStack, draw: random.Random) -> None:
        self.centre, self.stack, self.draw = centre, stack, draw
        self.vaultd: subprocess.Popen[bytes] | None = None
        self.counts: Counter[str] = Counter()

    def round(self) -> None:
        """Record, hold, let die, kill, look, start again, look."""
        centre = self.centre
        centre.to((centre.home.clock.now_s() // HOUR + 1) * HOUR + 5)
        epoch = centre.home.clock.now_s() // HOUR
        paths = centre.record(TICKS)
        centre.to((epoch + 1) * HOUR + 5)
        held = self._hold(epoch)
        parts = [part for path in paths for part in parts_of(path)]
        dead = [part for part in parts if part.key[2] != held]
        kept = [part for part in parts if part.key[2] == held]
        if self._opened(parts) != len(parts):
            raise Broken("the control: not everything opens before the hour's death")
        death = (epoch + 30 * 24) * HOUR
        target = self.draw.choice(TARGETS)
        self._kill(target, death)
        self.counts[f"killed {target}"] += 1
        opened = self._opened(dead)
        self.counts["key alive at the kill" if opened else "key dead at the kill"] += 1
        self._revive(target, epoch, opened)
        centre.to(death + 60)
        self._finish(epoch, paths, dead, kept)

    def _hold(self, epoch: int) -> int:
        web, centre, decision = VaultClient(self.centre.home, "web"), self.centre, os.urandom(32)
        camera, slot = centre.cameras[-1], centre.slots[-1]
        try:
            web.hold(
                id=uuid7(), kind="trial", ground="trial", case="2026고합12",
                reviewer=centre.officers["chief_officer"], ends=centre.home.clock.now_s() + 40 * DAY,
                spans=[(camera, slot, 1, epoch * HOUR, (epoch + 1) * HOUR)], decision=decision,
                approvals=approvals(centre, decision),
            )  # fmt: skip
        finally:
            web.close()
        return slot

    def _opened(self, parts: list[Part]) -> int:
        """How many of them all that lies in the vault's folder opens."""
        loot = Loot()
        loot.take(self.centre.home.vault)
        return count_opened(parts, loot, wild=False)[1]

    def _kill(self, target: str, death: int) -> None:
        home, lead = self.centre.home, self.draw.uniform(0, LEAD_S)
        self.centre.to(death - lead)
        duty = forked(work, home)
        time.sleep(self.draw.uniform(0, lead + BEHIND_S))
        if duty.exitcode is not None:
            said = (home.root / "log" / "duty.log").read_text(errors="replace")[-3000:]
            raise Broken(f"the worker ended by itself: {duty.exitcode}\n{said}")
        if target == "worker":
            duty.kill()
        elif target == "vaultd":
            self._vaultd().kill()
            self._vaultd().wait()
        else:
            pid = int((home.root / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, signal.SIGKILL)
        duty.join(DUTY_MAX_S)
        if duty.exitcode is None:
            duty.kill()
            raise Broken("the duty hangs after the kill")

    def _vaultd(self) -> subprocess.Popen[bytes]:
        found = self.vaultd or self.centre.vaultd
        assert found is not None
        return found

    def _revive(self, target: str, epoch: int, opened: int) -> None:
        home = self.centre.home
        if target == "postgres":
            self.stack.enter_context(postgres.running(home))
        told = self._rows(epoch)
        if opened and told["rows"]:
            raise Broken(f"hour {epoch} is written down as destroyed ({told}), and {opened} parts open")
        if target == "vaultd":
            self.vaultd = start_vaultd(home)
            self.stack.callback(self._stop, self.vaultd)

    @staticmethod
    def _stop(child: subprocess.Popen[bytes]) -> None:
        child.terminate()
        child.wait(20)

    def _rows(self, epoch: int) -> dict[str, int]:
        with database.connect(self.centre.home, "auditor") as line:
            found = line.execute(
                "select count(*), count(certificate_id), count(*) filter (where cause = 'hour')"
                " from retention_destroyedhour where epoch = %s",
                [epoch],
            ).fetchone()
        rows, certificates, hours = found or (0, 0, 0)
        return {"rows": rows, "certificates": certificates, "hours": hours}

    def _finish(self, epoch: int, paths: list[Path], dead: list[Part], kept: list[Part]) -> None:
        said = self.centre.home.root / "log" / "duty.json"
        said.unlink(missing_ok=True)
        duty = forked(finish, self.centre.home, said)
        duty.join(DUTY_MAX_S)
        if duty.exitcode != 0 or not json.loads(said.read_text())["ok"]:
            raise Broken(f"the duty did not come to its end: {said.read_text() if said.exists() else duty.exitcode}")
        if self._opened(dead):
            raise Broken(f"hour {epoch} is destroyed and opens")
        if self._opened(kept) != len(kept):
            raise Broken(f"held seconds of hour {epoch} do not open any more")
        standing = [path for path in paths if path.exists() and any(p.key[2] != kept[0].key[2] for p in parts_of(path))]
        if standing:
            raise Broken(f"files of destroyed seconds stand: {standing}")
        rows = self._rows(epoch)
        if rows["hours"] != 1 or rows["certificates"] != rows["rows"]:
            raise Broken(f"hour {epoch} among the destroyed: {rows}")
        self.counts["held parts that opened"] += len(kept)
        self.counts["destroyed parts that did not"] += len(dead)


def run(folder: Path, rounds: int, seed: int, minutes: float) -> dict[str, Any]:
    """So many rounds in an empty folder, or as many as the minutes give; Broken when a promise is."""
    began, counts = time.perf_counter(), Counter[str]()
    with contextlib.ExitStack() as stack, stage(folder / "centre", 2) as centre:
        ready(centre.home)
        kills = Kills(centre, stack, random.Random(seed))
        for number in range(rounds):
            if time.perf_counter() - began > minutes * 60:
                break
            try:
                kills.round()
                kills.counts["rounds"] += 1
            except Broken as error:
                raise Broken(f"round {number} of seed {seed}: {error}") from error
        counts = kills.counts
    return {"seed": seed, **dict(sorted(counts.items())),
            "seconds": round(time.perf_counter() - began, 1)}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="./dev kills destroy")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=600, help="no new round after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    end_cleanly()
    with tempfile.TemporaryDirectory(prefix="gwanje-kills-") as folder:
        try:
            figures = run(Path(folder), given.rounds, given.seed, given.minutes)
        except Broken as error:
            sys.stdout.write(f"broken: {error}\n")
            return 1
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

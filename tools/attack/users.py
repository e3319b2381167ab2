"""`./dev attack web --users`: each process has a user of its own, and the attacker is two of them.

A centre recorded by the recorder's uid, three officers with keys. The attacker is the web's uid with its key, its
database password, what officers once signed, and a spent Permit; then the database's uid with a superuser who runs
programs, reads files and rewrites every row; then both, each with what the other carried away. Whatever Permit comes
back is played; whatever could be read is tried as a key on every part. Controls: the same second with two officers'
signatures opens, the vault's own folder opens, and the worker's uid destroys all of it with a certificate while it
cannot read the vault.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.apps import users
from gwanje.kernel import database
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval, Lens
from gwanje.vault.client import ConsoleClient, VaultClient
from tools.attack._hosts import Host, Told, carried
from tools.attack._separate import separate, within
from tools.attack.opener import Loot, count_opened, parts_of
from tools.attack.stage import DAY, HOUR, Stage, environment
from tools.attack.web import CAMERAS, Attacker, act_of, consented, mint, opened, signing_on

PG_FILES = 20
CONTROL_PARTS = 200
# what is given to a user to read, and to no other but those that need it
READS = ("config.json", "recorder.json", "boundary.geojson", "clock.json")
OWN = {
    "web": ("secrets/web.key", "secrets/django.key", "secrets/pg-app", "spool/refusals/web"),
    "db": ("pg", "run/db", "secrets/pg-owner", "secrets/pg-super", "secrets/pg-auditor", "secrets/roles.sql"),
}
EXCEPTIONS = [
    "the live present",
    "what two officers are having opened meanwhile",
    "a spoken code in use: typed on vaultd's own page, at most 5 cameras and 2 hours",
    "root, and whoever holds the vault's uid",
]


class Asking(Attacker):
    """The web's requests, counted by class; what it also has: acts that two officers signed, turned to other acts."""

    def __init__(self, centre: Stage, epoch: int, stolen: list[Approval], told: Told) -> None:
        super().__init__(centre, epoch, stolen)
        self.told, self.class_ = told, "forged consents"
        self.permits = told.permits

    def tried(self, act: Callable[[], Any]) -> None:
        """Count what vaultd said."""
        self.told.tried(self.class_, act.__qualname__, act)

    def all(self, true: dict[str, Any], signed: list[Approval]) -> None:
        """Everything that the web may ask, as itself and as others."""
        self.run()
        self.class_ = "turned acts"
        for name, body in self._turned(true):
            self.told.tried("turned acts", name, partial(self._ask, body, signed))
        self._classes()
        self._holds(true, signed)
        for op in ("attempt", "attempt_state"):
            self.told.tried("other roles", op, partial(self.web._call, {"op": op, "hours": [b"h" * 16], "run": b""}))

    def _ask(self, body: dict[str, Any], given: list[Approval]) -> None:
        now = self.centre.home.clock.now_s()
        self.permits.append(self.web.mint(
            id=uuid7(), decision=body["decision"], norms=body["norms"], first=body["first"], until=body["until"],
            cameras=[Lens(UUID(bytes=camera), slot, stream) for camera, slot, stream in body["cameras"]],
            person=UUID(bytes=body["person"]), station="1", ground=body["ground"], case=body["case"],
            approvals=[replace(a, decision=body["decision"]) for a in given], expires=now + 600,
            hold=UUID(bytes=body["hold"]) if body["hold"] else None,
        ))  # fmt: skip

    def _turned(self, true: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """An act that two officers did sign, with one thing in it changed, as its row in the database would be."""
        (lens,) = true["cameras"]
        yield "slot", {**true, "cameras": [[lens[0], (lens[1] + 1) % CAMERAS, lens[2]]]}
        other = [self.centre.cameras[2].bytes, self.centre.slots[2], 0]
        yield "camera", {**true, "cameras": [other]}
        yield "more cameras", {**true, "cameras": [lens, other]}
        yield "later", {**true, "until": true["until"] + 3000}
        yield "earlier", {**true, "first": true["first"] - 1}
        yield "case", {**true, "case": "2026형제2"}
        yield "ground", {**true, "ground": "trial"}
        yield "norms", {**true, "norms": ["watching.live"]}
        yield "person", {**true, "person": self.centre.officers["manager"].bytes}
        yield "decision", {**true, "decision": os.urandom(32)}

    def _classes(self) -> None:
        """Retention that never ends, and hours that end now."""
        for days in (1, 36_500):
            self.told.tried("classes", f"{days} days", partial(self.web.set_class, 1, "days", days, "제31조제1항"))
        self.told.tried("classes", "permanent", partial(self.web.set_class, 1, "permanent", 0, "제31조제1항"))
        for when in ("destroy_due", "destroyed_ack"):
            self.told.tried("classes", when, partial(self.web._call, {"op": when, "destroyed": []}))

    def _holds(self, true: dict[str, Any], signed: list[Approval]) -> None:
        """A hold of one's own, with the consents of another act: what a Permit could name instead of a live key."""
        camera, slot = self.centre.cameras[1], self.centre.slots[1]
        span = (camera, slot, 1, true["first"], true["until"])
        now = self.centre.home.clock.now_s()
        for kind, given in (("trial", signed), ("provisional", signed[:1]), ("trial", []), ("provisional", [])):
            self.told.tried("holds", kind, lambda kind=kind, given=given: self.web.hold(
                id=uuid7(), kind=kind, ground="investigation", case="2026형제1",
                reviewer=self.centre.officers["chief_officer"], spans=[span], ends=now + 5 * DAY,
                decision=true["decision"], approvals=given,
            ))  # fmt: skip
        for hold in (uuid7(), UUID(int=0)):
            body = {**true, "hold": hold.bytes}
            self.told.tried("holds", "permit over no hold", partial(self._ask, body, signed))

    def console(self) -> None:
        """The officers' console is another user's door; their consents are asked of the web's own."""
        self.class_ = "console"
        console, role = ConsoleClient(self.centre.home), "operator"
        person = self.centre.officers[role]
        for op in ("status", "officers", "pend", "challenge", "approver_rules"):
            self.tried(lambda op=op: console.ask(op, [(person, "guess")]))
        body = act_of(self.centre, 0, self.epoch * HOUR, (self.epoch + 1) * HOUR, os.urandom(32))
        id_ = self.web.pend("open", body)
        self.tried(lambda: self._ask(body, self.web.consents(id_)))
        self.class_ = "forged consents"


def _paths(centre: Stage) -> list[str]:
    """Files of the data folder as root sees them: what an attacker knows to look for. A few of the database's."""
    root, found = centre.home.root, []
    for top in sorted(root.iterdir()):
        below = [p for p in sorted(top.rglob("*")) if p.is_file()] if top.is_dir() else [top]
        found += [str(p.relative_to(root)) for p in (below[:PG_FILES] if top.name == "pg" else below)]
    return found


def _host(centre: Stage, who: str, paths: list[str], loot: Path, pids: dict[str, int]) -> tuple[Host, Told]:
    told = Told()
    host = Host(centre.home, told, loot, who)
    public = {path for path in paths if path.endswith(".pub")} | set(READS)
    host.files(paths, OWN[who], public)
    host.memory({name: pid for name, pid in pids.items() if name != who})
    host.sockets(who)
    host.clocks()
    host.signing_port()
    return host, told


def _web(centre: Stage, epoch: int, give: tuple[Any, ...]) -> Told:
    paths, loot, pids, old, true, signed, spent = give
    _, told = _host(centre, "web", paths, loot, pids)
    asking = Asking(centre, epoch, old, told)
    asking.all(true, signed)
    told.permits.append(spent)
    return told


def _database(centre: Stage, give: tuple[Any, ...]) -> tuple[Told, dict[str, int]]:
    paths, loot, pids, wanted = give
    host, told = _host(centre, "db", paths, loot, pids)
    changed = host.superuser(wanted, DAY)
    word = (centre.home.secrets / "pg-super").read_bytes()
    (loot / "pg-super").write_bytes(word)
    (loot / "pg-super").chmod(0o644)
    return told, changed


def _both(centre: Stage, epoch: int, give: tuple[Any, ...]) -> Told:
    """The web's uid with the superuser's password, after every row was changed."""
    loot, wanted, old, true, signed, spent = give
    told = Told()
    host = Host(centre.home, told, loot, "both")
    host.word = (loot / "pg-super").read_text().strip()
    host.superuser(wanted, 2 * DAY)
    asking = Asking(centre, epoch, old, told)
    asking.all(true, signed)
    told.permits.append(spent)
    return told


def _duty(centre: Stage) -> dict[str, Any]:
    """One round of destruction as the worker's user; and what that user may see of the vault."""
    argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(centre.home.root), "retention", "run", "--json"]
    done = subprocess.run(argv, env=environment(centre.home), capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-1500:] + done.stderr[-1500:])
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {**said, "vault_seen": os.access(centre.home.vault, os.R_OK) or os.access(centre.home.vault, os.X_OK)}


def _destroyed(centre: Stage) -> dict[str, Any]:
    """An hour that the recorder's user sealed dies and is certified by the worker's, who never reads the vault."""
    centre.to((centre.home.clock.now_s() // HOUR + 1) * HOUR + 5)
    paths = within(centre.home, "recorder", lambda: centre.record(5))
    parts = sum(1 for path in paths for _ in parts_of(path))
    centre.to(centre.home.clock.now_s() + 31 * DAY)
    said = within(centre.home, "worker", lambda: _duty(centre))
    with database.connect(centre.home) as app:
        row = app.execute("select readable from retention_certificate").fetchone()
    return {
        "destroyed_parts": said["parts"] if said["parts"] == parts else -1,
        "files_left": sum(path.exists() for path in paths),
        "certificates": said["certificates"], "attempt": row[0]["attempt"] if row else {},
        "vault_seen_by_worker": said["vault_seen"],
    }  # fmt: skip


def _attacks(centre: Stage, epoch: int, folder: Path, paths: list[Path]) -> dict[str, Any]:
    """The three attackers, one after the other; then what they have is played and tried."""
    home, keys, loot = centre.home, signing_on(centre), carried(folder / "loot")
    first = min(part.key[3] for part in parts_of(paths[0])) + epoch * HOUR
    old = consented(centre, keys, act_of(centre, 0, first, first + 1, b"o" * 32))
    true = act_of(centre, 0, first, first + 20, b"t" * 32)
    signed = consented(centre, keys, true)
    spent = within(home, "web", lambda: _minted(centre, true, signed))
    control = opened(centre, [spent], paths[:1])
    # signed by two officers and not minted: what the web holds between a signature and a Permit
    waiting = act_of(centre, 1, first, first + 20, b"u" * 32)
    unspent = consented(centre, keys, waiting)
    pids = {"vaultd": centre.vaultd.pid if centre.vaultd else 0, "root": os.getpid(), "db": _postmaster(centre)}
    known = _paths(centre)
    wanted = [
        "vault",
        *[p for p in known if p.startswith("vault/")][:8],
        *[p for p in known if p.startswith("secrets/")],
    ]
    wanted += [p for p in known if p.startswith(("store/", "spool/"))][:2]
    wanted = [p for p in wanted if not p.startswith(("secrets/pg-", "secrets/roles")) and not p.endswith(".pub")]
    told = {"web": within(home, "web", lambda: _web(centre, epoch, (known, loot, pids, old, waiting, unspent, spent)))}
    told["db"], changed = within(home, "db", lambda: _database(centre, (known, loot, pids, wanted)))
    told["both"] = within(home, "web", lambda: _both(centre, epoch, (loot, wanted, old, waiting, unspent, spent)))
    permits = [permit for each in told.values() for permit in each.permits]
    found, vault = Loot(), Loot()
    found.take(loot)
    vault.take(home.vault)
    every = [part for path in paths for part in parts_of(path)]
    return {
        "control_opened": control,
        "attackers": {name: {"outcomes": dict(sorted(t.outcomes.items())), "granted": t.granted,
                             "signals_possible": t.unavailable} for name, t in told.items()},
        "rows_changed": sum(changed.values()), "tables_changed": len(changed),
        "permits_tried": len(permits), "opened": opened(centre, permits, paths),
        "parts": len(every), "loot_files": found.files, "loot_contents": len(found.contents),
        "opened_with_loot": count_opened(every, found)[1],
        "control_vault": count_opened(every[:CONTROL_PARTS], vault, wild=False)[1],
    }  # fmt: skip


def _minted(centre: Stage, body: dict[str, Any], given: list[Approval]) -> bytes:
    web = VaultClient(centre.home, "web")
    try:
        return mint(web, centre, body, given)
    finally:
        web.close()


def _postmaster(centre: Stage) -> int:
    return int((centre.home.root / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])


def run(folder: Path, wanted: int) -> dict[str, Any]:
    """The whole attack in an empty folder that others may walk into; its figures."""
    began = time.perf_counter()
    folder.chmod(0o755)
    with separate(folder / "centre", CAMERAS) as centre:
        if why := users.problem(centre.home):
            raise RuntimeError(why)
        lived = _destroyed(centre)
        centre.to((centre.home.clock.now_s() // HOUR + 1) * HOUR + 5)
        epoch = centre.home.clock.now_s() // HOUR
        paths = within(centre.home, "recorder", lambda: centre.record(-(-wanted // CAMERAS)))
        centre.to((epoch + 1) * HOUR + 5)
        found = _attacks(centre, epoch, folder, paths)
        found["destruction"] = lived
    tries: Counter[str] = Counter()
    for each in found["attackers"].values():
        tries.update(each["outcomes"])
    return {
        **found, "tries": tries.total(), "classes": sorted({name.split(":")[0] for name in tries}),
        "exceptions": EXCEPTIONS, "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def held_true(f: dict[str, Any]) -> bool:
    """Nothing was granted, read or opened; the controls opened what they must."""
    granted = [name for each in f["attackers"].values() for name in each["granted"]]
    controls = f["control_opened"] == 20 and f["control_vault"] == min(CONTROL_PARTS, f["parts"])
    lived = f["destruction"]
    controls = (
        controls and lived["destroyed_parts"] > 0 and not lived["files_left"] and not lived["vault_seen_by_worker"]
    )
    opened_any = f["opened"] or f["opened_with_loot"] or f["loot_contents"]
    return not granted and not opened_any and controls and f["rows_changed"] > 0 and f["tries"] > 1000


def show(figures: dict[str, Any]) -> str:
    """The figures as they are kept."""
    return json.dumps(figures, ensure_ascii=False, indent=1) + "\n"

"""A centre whose database is put back by a month, in a process of its own: `python restore_story.py FOLDER JSON`."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from gwanje.apps import postgres
from gwanje.apps.worker import Worker
from gwanje.kernel import database, ledger
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import Entry, publish
from gwanje.kernel.ledger.sequence import Sequencer, origin, sequence_all
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient
from tools.attack.stage import ARTICLE, DAY, HOUR, Stage, end_cleanly, vaultd

ROWS_A_TIME = 300


def write(home: Home, count: int = ROWS_A_TIME) -> None:
    with database.connect(home) as line, line.transaction(), line.cursor() as cursor:
        for _ in range(count):
            ledger.append(cursor, home.clock, Entry("test.row.written", "done"))


def settle(home: Home, *, show: bool = True) -> int:
    """As the worker does: indexes, a checkpoint, the published files; the ledger's size."""
    client = VaultClient(home, "worker")
    with database.connect(home) as line:
        sequencer = Sequencer(line, origin(home.centre), client)
        sequence_all(sequencer)
        sequencer.checkpoint()
        with line.cursor() as cursor:
            size, _, note = ledger.last_checkpoint(cursor)
            if show:
                publish.publish(cursor, publish.folder(home), size, note)
    client.close()
    return size


def vault_of(home: Home) -> dict[str, str]:
    """The vault's keystore and tokens, file by file."""
    files = (p for p in home.vault.rglob("*") if p.is_file() and "open" not in p.parts)
    return {str(p.relative_to(home.vault)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def put_back(home: Home, base: Path) -> None:
    shutil.rmtree(home.root / "pg")
    shutil.copytree(base, home.root / "pg")
    postgres._chown(home.root / "pg", postgres._way(home))


def goes_on(home: Home) -> bool:
    """Would the worker give new rows their places?"""
    with database.connect(home) as line:
        return Worker(home)._whole(line, VaultClient(home, "worker"))


def restore(centre: Stage, code: int = 0) -> dict:
    return json.loads(centre.gwanje("restore", "--json", code=code).strip().splitlines()[-1])


def told(folder: Path) -> dict[str, Any]:
    """A day and a month in the life of a centre, its database put back to the day; what restore says, twice."""
    home = Home.create(folder, settable_clock=True, demo=True, packs=["kr_national", "kr_anyang"], name="가온시")
    agency = uuid7()
    ceremony.create(home, [ceremony.NewOfficer(uuid7(), role, agency, "복원-시험-비밀번호") for role in ("manager",)])
    centre = Stage(home, agency, {}, [uuid7()])
    base = home.root / "base"
    said: dict[str, Any] = {}
    with vaultd(home):
        with postgres.running(home):
            centre.gwanje("migrate")
            web = VaultClient(home, "web")
            web.set_class(1, "days", 30, ARTICLE)
            centre.slots = web.slots(centre.cameras)
            web.close()
            with database.connect(home) as app:
                app.execute("insert into footage_class values (1, 'days', 30, %s, '30일')", [ARTICLE])
            centre.to((home.clock.now_s() // HOUR + 1) * HOUR + 5)
            first = home.clock.now_s() // HOUR
            centre.record(20)
            write(home)
            said["backup"] = settle(home)
            # committed, and without an index yet when the backup is taken
            write(home, 7)
        shutil.copytree(home.root / "pg", base)
        with postgres.running(home):
            centre.to(home.clock.now_s() + 25 * DAY)
            centre.record(20)
            second = home.clock.now_s() // HOUR
            centre.to((first + 1) * HOUR + 30 * DAY)
            centre.gwanje("retention", "run")
            write(home)
            said["head"] = settle(home)
        put_back(home, base)
        with postgres.running(home):
            said["guard"] = [goes_on(home)]
            said |= {"before": vault_of(home), "first": restore(centre), "after": vault_of(home)}
            said["guard"].append(goes_on(home))
            said["size"] = settle(home)
            said["again"] = restore(centre)
            said["run"] = json.loads(centre.gwanje("retention", "run", "--json").strip().splitlines()[-1])
            with database.connect(home) as line:
                line.execute(database.SYSTEM_SCOPE)
                said["standing"] = line.execute("select count(*) from footage_standing").fetchone()[0]
            said["files"] = [path.name for path in (home.root / "out" / "restored").iterdir()]
            said |= {"dead": first, "alive": second}
        # another restore: the published files are away, and then its worker runs too early
        put_back(home, base)
        shown, away = publish.folder(home), home.root / "away"
        with postgres.running(home):
            shown.rename(away)
            said["unpublished"] = restore(centre, code=1)
            away.rename(shown)
            with database.connect(home) as line:
                sequence_all(Sequencer(line, origin(home.centre), VaultClient(home, "worker")))
            said["forked"] = restore(centre, code=1)
    return said


if __name__ == "__main__":
    end_cleanly()
    Path(sys.argv[2]).write_text(json.dumps(told(Path(sys.argv[1]))))

"""The worker as a process: it sequences, drains, certifies; it is killed and ended; PostgreSQL and vaultd go away."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

import support
from gwanje.apps.postgres import running
from gwanje.apps.witness import Log, Witness
from gwanje.kernel import database, ledger, refusals
from gwanje.kernel.footage import Segment, put_segments
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import Entry
from gwanje.kernel.ledger.cosign import VKey
from gwanje.vault import ceremony
from gwanje.vault.client import VaultAway, VaultClient

WAIT_S = 30.0


def environment(home: Home) -> dict[str, str]:
    return {**os.environ, "GWANJE_DATA": str(home.root), "DJANGO_SETTINGS_MODULE": "gwanje.apps.web.settings"}


@contextlib.contextmanager
def process(home: Home, name: str) -> Iterator[subprocess.Popen]:
    with (home.root / "log" / f"{name}.log").open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.cli", name], env=environment(home), stdout=out, stderr=out
        )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait(10)


def eventually(what, check, limit_s=WAIT_S):
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.Error, VaultAway):
            if check():
                return
        time.sleep(0.1)
    pytest.fail(f"not within {limit_s} s: {what}")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with keystore and tables; no process is running."""
    home = Home.create(tmp_path_factory.mktemp("worker") / "centre", demo=True, packs=support.PACKS, name="가온시")
    ceremony.create(home)
    with running(home):
        subprocess.run(
            [sys.executable, "-m", "gwanje.apps.cli", "migrate"], env=environment(home), check=True, capture_output=True
        )
    return home


def append(home, count=5):
    with database.connect(home) as connection:
        for _ in range(count):
            with connection.transaction(), connection.cursor() as cursor:
                ledger.append(cursor, home.clock, Entry("test.row.written", "done"))


def counts(home):
    """(rows, rows without an index, newest checkpoint)."""
    with database.connect(home) as connection:
        return connection.execute(
            "select count(*), count(*) filter (where idx is null), "
            "coalesce((select max(size) from ledger_checkpoint), 0) from ledger_leaf"
        ).fetchone()


def settled(home):
    rows, waiting, witnessed = counts(home)
    return rows > 0 and waiting == 0 and witnessed == rows


def witnessed(home):
    """What an outsider with nothing but the log's key and the published files has signed."""
    key = subprocess.run(
        [sys.executable, "-m", "gwanje.apps.cli", "ledger", "key"], env=environment(home), check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    if not (home.root / "out/log/checkpoint").exists():
        return 0
    witness, log = Witness.create(home.root / "witness", "w1"), Log(VKey.parse(key), str(home.root / "out/log"))
    witness.add(log)
    witness.follow(log)
    return witness.last(log)[0].size


def _recorded(home):
    """One row of the footage index."""
    row = Segment(
        segment_id=b"s" * 32, camera=uuid4(), agency=uuid4(), slot=1, stream=0, class_=1, epoch=490_000, first_tick=0,
        last_tick=9, parts=10, size=1000, idr_ticks=b"", codec="avc1.64001f", width=1280, height=720, root=None,
        path="1/x", fence=1, writer=b"w" * 16, closed=True,
    )  # fmt: skip
    with database.connect(home) as connection, connection.cursor() as cursor:
        put_segments(cursor, [row])


def _summed(home):
    """(hours summed, hours waiting)."""
    with database.connect(home) as connection:
        return connection.execute(
            "select (select count(*) from footage_hour), (select count(*) from footage_dirty)"
        ).fetchone()


def test_the_worker_survives_everything_around_it(home):
    with process(home, "worker") as worker:
        time.sleep(1)
        assert worker.poll() is None, "PostgreSQL is away: it waits"
        with running(home):
            append(home)
            eventually("rows get their index although vaultd is away", lambda: counts(home)[1] == 0)
            assert counts(home)[2] == 0
            refusals.report(home, "playback.permit.refused", {"code": "reused"}, service="player")
            with process(home, "vaultd"):
                eventually("a checkpoint once vaultd is there", lambda: settled(home))
                eventually("a witness proves and signs what is published", lambda: witnessed(home) == counts(home)[0])
                worker.send_signal(signal.SIGKILL)
                worker.wait(5)
                append(home)
                _recorded(home)
                with process(home, "worker") as second:
                    eventually("a killed worker's successor goes on", lambda: settled(home))
                    with database.connect(home) as connection:
                        found = connection.execute(
                            "select count(*) from ledger_opening where kind = 'playback.permit.refused'"
                        ).fetchone()
                    assert found == (1,)
                    eventually("the hour is summed", lambda: _summed(home) == (1, 0))
                    _verifies(home)
                    started = time.monotonic()
                    second.send_signal(signal.SIGTERM)
                    assert second.wait(60) == 0
                    took = time.monotonic() - started
                    assert took < 3 or took < 3 * support.slowness()
    log = (home.root / "log" / "worker.log").read_text()
    assert "Traceback" not in log, log[-3000:]
    secret = base64.b64encode((home.secrets / "worker.key").read_bytes()).decode()
    assert (home.secrets / "pg-app").read_text().strip() not in log
    assert secret not in log


def _verifies(home):
    path = home.out if hasattr(home, "out") else home.root / "out"
    file = Path(path) / "ledger.jsonl"
    run = [sys.executable, "-m", "gwanje.apps.cli", "ledger"]
    subprocess.run([*run, "export", str(file)], env=environment(home), check=True, capture_output=True)
    key = VaultClient(home, "worker").status().checkpoint_key.hex()
    done = subprocess.run(
        [*run, "verify", str(file), "--key", key, "--json"], env=environment(home), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    assert report["witnessed"] == report["rows"] == counts(home)[0]
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:2], *lines[3:]]))
    again = [*run, "verify", str(file), "--key", key]
    done = subprocess.run(again, env=environment(home), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1번 기록이 없습니다" in done.stdout


def test_postgresql_ended_under_the_worker(home):
    with process(home, "vaultd"), process(home, "worker") as worker:
        with running(home):
            append(home)
            eventually("first", lambda: settled(home))
        time.sleep(1)
        assert worker.poll() is None
        with running(home):
            append(home)
            eventually("it comes back with a new connection", lambda: settled(home))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(5) == 0


def test_a_rewritten_past_is_an_alarm(home):
    """The database's superuser rewrites a leaf and its nodes: vaultd refuses the next checkpoint."""
    from gwanje.apps.postgres import SUPERUSER
    from gwanje.kernel.ledger import tree

    with running(home), process(home, "vaultd"):
        with process(home, "worker") as worker:
            append(home, 8)
            eventually("first", lambda: settled(home))
            worker.send_signal(signal.SIGTERM)
            worker.wait(5)
        word = (home.secrets / "pg-super").read_text().strip()
        with psycopg.connect(
            host=str(home.run), dbname="gwanje", user=SUPERUSER, password=word, autocommit=True
        ) as superuser:
            superuser.execute("set session_replication_role = replica")
            leaves = [bytes(r[0]) for r in superuser.execute("select leaf from ledger_leaf order by idx").fetchall()]
            leaves[1] = leaves[1][:25] + b"\7" * 32
            superuser.execute("update ledger_leaf set leaf = %s where idx = 1", [leaves[1]])
            nodes = tree.nodes_of(leaves)
            for level, index in superuser.execute("select level, idx from ledger_node").fetchall():
                superuser.execute(
                    "update ledger_node set hash = %s where level = %s and idx = %s",
                    [nodes(level, index), level, index],
                )
        before = counts(home)[2]
        append(home, 1)
        with process(home, "worker"), database.connect(home) as connection:
            alarm = "select count(*) from event where kind = 'ledger.checkpoint.refused' and severity = 3"
            eventually("an alarm", lambda: connection.execute(alarm).fetchone() == (1,))
            assert counts(home)[2] == before, "nothing is signed over a rewritten past"

"""kill -9 of every process in turn, twice within a second; PostgreSQL away for a minute. Nothing is silently lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from gwanje.kernel.database import connect
from gwanje.vault.segment import SegmentReader
from story.centre import Centre, until
from support import slowness

pytestmark = pytest.mark.story
SERVICES = ("player", "web", "worker", "simulator", "vaultd", "recorder", "postgres")
CAMERAS = 12


def newest(store: Path, *, before: float = 1e12) -> dict[int, int]:
    """Slot → newest stored Unix second below ``before``."""
    found: dict[int, int] = {}
    for path in store.glob("*/*/*/*.gws"):
        try:
            reader = SegmentReader(path)
        except (OSError, ValueError):
            continue
        with reader:
            for part in reader.parts:
                second = reader.header.epoch * 3600 + part.header.tick
                if second < before:
                    found[reader.header.slot] = max(found.get(reader.header.slot, 0), second)
    return found


def recording(centre: Centre, since: int) -> bool:
    """Has every camera a part of a second after ``since``?"""
    seen = newest(centre.home.store)
    return len(seen) == CAMERAS and min(seen.values()) > since


def strike(centre: Centre, service: str) -> tuple[float, float]:
    """kill -9, and again as soon as it is back, within one second's tick; (first kill, back after seconds)."""
    while time.time() % 1 > 0.2:
        time.sleep(0.01)
    first = time.time()
    pid = centre.pid(service)
    os.kill(pid, signal.SIGKILL)
    while time.time() < first + 0.7:
        again = centre.pid(service)
        if again not in (0, pid):
            os.kill(again, signal.SIGKILL)
            break
        time.sleep(0.01)
    else:
        again = until("the restart", lambda: centre.pid(service) not in (0, pid) and centre.pid(service), 60, 0.01)
        os.kill(int(again), signal.SIGKILL)
    struck = (pid, again)

    def back() -> bool:
        body = centre.status()["services"][service]
        return body["state"] == "running" and body["pid"] not in (0, None, *struck)

    until(f"{service} back", back, 90, 0.05)
    return first, time.time() - first


@pytest.mark.parametrize("service", SERVICES)
def test_back_by_itself_within_ten_seconds(centre: Centre, service: str) -> None:
    until("every camera recording", lambda: recording(centre, int(time.time()) - 5), 60, 0.5)
    had = newest(centre.home.store)
    killed, took = strike(centre, service)
    # ten seconds are the promise; a machine that is slower by a factor takes as much longer
    assert took <= 10 or took <= 10 * slowness()
    until("every camera recording again", lambda: recording(centre, int(killed) + 2), 60, 0.5)
    if service != "simulator":
        before = newest(centre.home.store, before=killed)
        assert all(before[slot] >= second for slot, second in had.items()), "what was stored is gone"
        # the second of the kill was in flight, and the one before may have waited for its seal; pictures that were
        # later than that before the kill are the machine's
        assert min(before.values()) >= min(int(killed) - 2, *had.values()), (killed, before)


def test_a_downtime_is_a_gap_row(centre: Centre) -> None:
    until("every camera recording", lambda: recording(centre, int(time.time()) - 5), 60, 0.5)
    killed, _ = strike(centre, "recorder")
    until("recording again", lambda: recording(centre, int(killed) + 3), 60, 0.5)

    def rows() -> Any:
        with connect(centre.home, "app") as connection, connection.cursor() as cursor:
            cursor.execute(
                "select count(distinct camera) from footage_gap where reason = 'restart' and stream = 0 "
                "and started_us <= %s and ended_us >= %s",
                [int(killed * 1e6) + 1_500_000, int(killed * 1e6)],
            )
            return (cursor.fetchone() or [0])[0] == CAMERAS

    until("twelve gap rows of the restart", rows, 30, 0.5)


def test_postgresql_away_for_a_minute_loses_no_footage(centre: Centre) -> None:
    until("every camera recording", lambda: recording(centre, int(time.time()) - 5), 60, 0.5)
    pid = centre.pid("postgres")
    family = [pid, *children(pid)]
    start = int(time.time())
    try:
        for member in family:
            stop(member, signal.SIGSTOP)
        time.sleep(57)
        late = int(time.time())
        until("recording while the database is away", lambda: recording(centre, late), 60, 0.5)
        time.sleep(max(0.0, start + 60 - time.time()))
    finally:
        for member in family:
            stop(member, signal.SIGCONT)
    end = int(time.time())
    until("recording", lambda: recording(centre, end + 1), 60, 0.5)

    def indexed() -> Any:
        with connect(centre.home, "app") as connection, connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from (select camera from footage_segment where stream = 0 and "
                "epoch * 3600 + last_tick >= %s group by camera) c",
                [end],
            )
            return (cursor.fetchone() or [0])[0] == CAMERAS

    until("the spool drained into the index", indexed, 60, 1)
    for slot, seconds in stored(centre.home.store, start, end).items():
        # pictures that come a second late on a busy machine lie in the next second: two in a row are a loss
        missing = set(range(start, end)) - seconds
        lost = [second for second in missing if second + 1 in missing]
        assert not lost, f"slot {slot} lost {sorted(missing)}"
        assert len(missing) <= (end - start) // 10, f"slot {slot} lost {sorted(missing)}"


def test_check_is_clean_and_no_nonce_twice(centre: Centre) -> None:
    """After all of the above: three levels, every (key, nonce) once."""
    done = centre.command("check", "--level", "3", "--json", check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["clean"] is True, report
    seen: set[tuple[bytes, int, int]] = set()
    count = 0
    for path in centre.home.store.glob("*/*/*/*.gws"):
        with SegmentReader(path) as reader:
            for part in reader.parts:
                # the key is a function of (leaf, segment id): one segment id and one (kind, ordinal) is one pair
                seen.add((reader.segment_id, part.header.kind, part.header.ordinal))
                count += 1
    assert count > 1000
    assert len(seen) == count


def stop(pid: int, number: signal.Signals) -> None:
    """Signal a process that may have ended since it was listed."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def children(pid: int) -> list[int]:
    """All living descendants; a backend of PostgreSQL may end while its row is being read."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError):
        for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for child in (task / "children").read_text().split():
                    found += [int(child), *children(int(child))]
    return found


def stored(store: Path, first: int, until_s: int) -> dict[int, set[int]]:
    """Slot → stored seconds of [first, until)."""
    found: dict[int, set[int]] = {}
    for path in store.glob("*/*/*/*.gws"):
        with SegmentReader(path) as reader:
            mine = found.setdefault(reader.header.slot, set())
            for part in reader.parts:
                second = reader.header.epoch * 3600 + part.header.tick
                if first <= second < until_s:
                    mine.add(second)
    return found

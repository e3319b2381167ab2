"""Sums per class and hour: what the view says is always what the rows say, summed or not."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import UUID

import pytest
from test_footage import EPOCH, segment

from gwanje.kernel import database, footage

FRESH = (
    "select class, epoch, agency, count(distinct camera), count(*), sum(last_tick - first_tick + 1), sum(bytes) "
    "from footage_segment where destroyed_at is null group by class, epoch, agency order by 1, 2, 3"
)
VIEW = "select class, epoch, agency, cameras, segments, seconds, bytes from footage_standing order by 1, 2, 3"
NOTED = "select count(*) from footage_dirty"


@pytest.fixture
def app(server):
    """A connection on an index that is empty before and after."""
    with database.connect(server, "owner") as connection:
        yield connection
        connection.execute("delete from footage_segment")
        settle(connection)
        assert connection.execute("select count(*) from footage_hour").fetchone()[0] == 0


def settle(connection) -> int:
    """Sum every hour that has changed; how many."""
    count = 0
    while True:
        with connection.transaction(), connection.cursor() as cursor:
            if not footage.sum_hour(cursor):
                return count
        count += 1


def put(connection, *rows) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        footage.put_segments(cursor, rows)


def the_same(connection) -> list:
    shown = connection.execute(VIEW).fetchall()
    assert shown == connection.execute(FRESH).fetchall()
    return shown


def test_the_view_is_never_behind(app) -> None:
    first, other = segment(100, 110, []), segment(100, 130, [], b"b", camera=UUID(int=9))
    police = segment(0, 9, [], b"c", agency=UUID(int=77), epoch=EPOCH + 1)
    put(app, first, other, police)
    assert len(the_same(app)) == 2
    assert settle(app) == 2
    assert app.execute(NOTED).fetchone()[0] == 0
    assert [(row[3], row[4], row[5]) for row in the_same(app)] == [(2, 2, 42), (1, 1, 10)]
    put(app, replace(first, last_tick=120, parts=21))
    assert the_same(app)[0][5] == 52
    assert settle(app) == 1
    app.execute("update footage_segment set destroyed_at = now(), bytes = 0 where epoch = %s", [EPOCH])
    assert [row[1] for row in the_same(app)] == [EPOCH + 1]
    settle(app)
    assert [row[1] for row in the_same(app)] == [EPOCH + 1]
    app.execute("delete from footage_segment")
    assert the_same(app) == []


def test_summed_hours_cost_no_look_at_the_rows(app) -> None:
    put(app, segment(100, 110, []))

    def looked() -> list[str]:
        lines = [line for (line,) in app.execute(f"explain (analyze, costs off) {VIEW}").fetchall()]
        return [line for line in lines if "footage_segment" in line and "never executed" not in line]

    assert looked(), "an hour that has changed is counted afresh"
    settle(app)
    assert looked() == []


def test_what_is_written_while_an_hour_is_summed_is_summed_again(server, app) -> None:
    """A writer that has not committed yet waits for nobody and is not forgotten."""
    put(app, segment(100, 110, []))
    with database.connect(server, "owner", autocommit=False) as slow:
        with slow.cursor() as cursor:
            footage.put_segments(cursor, [segment(200, 210, [], b"b")])
        began = time.monotonic()
        assert settle(app) == 1
        # whoever waits for the open transaction waits for ever
        assert time.monotonic() - began < 60
        assert the_same(app)[0][4] == 1
        slow.commit()
    assert the_same(app)[0][4] == 2
    assert settle(app) == 1
    assert the_same(app)[0][4] == 2


def test_a_transaction_notes_an_hour_once(app) -> None:
    with app.transaction(), app.cursor() as cursor:
        footage.put_segments(cursor, [segment(n, n, [], bytes([65 + n])) for n in range(20)])
        assert cursor.execute(NOTED).fetchone()[0] == 1

"""Rows, leaves, triggers and grants of the ledger on a real PostgreSQL."""

import hashlib
import hmac
import os
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from gwanje.kernel import database, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import decode
from gwanje.kernel.ledger import Entry, Filters
from gwanje.kernel.ledger.sequence import Sequencer, sequence_all

AGENCY = uuid4()


def append(connection, home, entry, **more):
    with connection.transaction(), connection.cursor() as cursor:
        return ledger.append(cursor, home.clock, entry, **more)


def sequence(connection):
    return sequence_all(Sequencer(connection, "gwanje/test", None))


def entry(**more):
    return Entry(**{"kind": "playback.permit.issued", "outcome": "granted", "agency": AGENCY, **more})


@pytest.mark.norm("security.internal_control", "deny")
def test_a_leaf_is_vault_md_to_the_byte(server, app):
    said = entry(cameras=[uuid4()], detail={"쪽": 3, "말": "가"}, norms=["playback.ground"], first=10, until=20)
    before = server.clock.now_us()
    row = append(app, server, said)
    leaf, salt, body = app.execute(
        "select leaf, salt, body from ledger_leaf join ledger_opening using (row) where row = %s", [row]
    ).fetchone()
    assert len(leaf) == 57
    assert leaf[0] == 1
    assert leaf[1:17] == row.bytes
    assert before <= int.from_bytes(leaf[17:25], "big") <= server.clock.now_us()
    assert leaf[25:] == hmac.new(salt, b"gwanje/v1/leaf\0" + body, hashlib.sha256).digest()
    opened = decode(bytes(body))
    assert opened["kind"] == "playback.permit.issued"
    assert opened["detail"] == {"쪽": 3, "말": "가"}
    assert len(salt) == 32


def test_an_abort_leaves_no_hole_and_order_is_dense(server, app):
    sequence(app)
    start = app.execute("select count(*) from ledger_leaf").fetchone()[0]
    append(app, server, entry())
    with app.transaction(force_rollback=True), app.cursor() as cursor:
        ledger.append(cursor, server.clock, entry())
    append(app, server, entry())
    assert sequence(app) == 2
    found = [i for (i,) in app.execute("select idx from ledger_leaf order by idx").fetchall()]
    assert found == list(range(start + 2))
    nodes = app.execute("select count(*) from ledger_node where level = 0").fetchone()[0]
    assert nodes == start + 2


def test_two_sequencers_and_eight_writers_make_one_order(server, app):
    def write():
        with database.connect(server) as connection:
            for _ in range(25):
                append(connection, server, entry(kind="test.row.written"))

    def order():
        with database.connect(server) as connection:
            while not stop.is_set():
                Sequencer(connection, "gwanje/test", None).step(7)

    stop = threading.Event()
    writers = [threading.Thread(target=write) for _ in range(8)]
    orders = [threading.Thread(target=order) for _ in range(2)]
    for thread in writers + orders:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in orders:
        thread.join()
    sequence(app)
    written = app.execute("select count(*) from ledger_opening where kind = 'test.row.written'").fetchone()[0]
    total, lowest, highest = app.execute("select count(*), min(idx), max(idx) from ledger_leaf").fetchone()
    assert written == 200
    assert (lowest, highest) == (0, total - 1)


@pytest.mark.parametrize("table", ["ledger_leaf", "ledger_opening", "ledger_node", "ledger_checkpoint"])
@pytest.mark.parametrize("act", ["update", "delete", "truncate"])
@pytest.mark.parametrize("role", ["app", "owner", "auditor"])
def test_nothing_can_be_changed_or_taken_away(server, app, table, act, role):
    row = append(app, server, entry())
    sequence(app)
    app.execute("insert into ledger_checkpoint values (0, %s, 'x') on conflict do nothing", [b"\0" * 32])
    column = {"ledger_leaf": "leaf", "ledger_opening": "body", "ledger_node": "hash", "ledger_checkpoint": "note"}
    statement = {
        "update": f"update {table} set {column[table]} = {column[table]}",
        "delete": f"delete from {table}",
        "truncate": f"truncate {table} cascade",
    }[act]
    with database.connect(server, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)
    assert app.execute("select count(*) from ledger_leaf where row = %s", [row]).fetchone()[0] == 1


def test_an_index_is_given_once_and_only_the_index(server, app, owner):
    row = append(app, server, entry())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute(
            "update ledger_leaf set idx = 999999, leaf = leaf || ''::bytea, arrival = 0 where row = %s", [row]
        )
    sequence(app)
    for connection in (app, owner):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("update ledger_leaf set idx = 999999 where row = %s", [row])


def test_an_opening_dies_at_its_date_and_not_before(server, app, owner):
    row = append(app, server, entry(dies="access"))
    kept = append(app, server, entry(dies="rights"))
    sequence(app)
    now = datetime.now(UTC)
    with app.cursor() as cursor:
        # an ordinary folder: a date in the future is not believed
        assert ledger.erase_due(cursor, now + timedelta(days=4000)) == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("delete from ledger_opening where row = %s", [row])
        owner.execute("insert into ledger_setting values ('clock', 'settable')")
        try:
            assert ledger.erase_due(cursor, now + timedelta(days=729)) == 0
            assert ledger.erase_due(cursor, now + timedelta(days=732)) >= 1
        finally:
            owner.execute("delete from ledger_setting")
        found = {r.row: r.said for r in ledger.rows(cursor, limit=500)}
        assert found[row] is None
        assert found[kept]["dies"] == "rights"
    assert app.execute("select count(*) from ledger_leaf where row = %s", [row]).fetchone()[0] == 1
    assert app.execute("select count(*) from ledger_opening where row = %s", [row]).fetchone()[0] == 0


def test_the_app_cannot_make_the_clock_settable(app):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("insert into ledger_setting values ('clock', 'settable')")


def test_the_auditor_reads_and_another_agency_does_not(server, app, auditor):
    row = append(app, server, entry(agency=AGENCY))
    assert auditor.execute("select count(*) from ledger_opening where row = %s", [row]).fetchone()[0] == 1
    with psycopg.connect(database.dsn(server), autocommit=True) as web:
        for agency, seen in ((uuid4(), 0), (AGENCY, 1)):
            with web.transaction():
                web.execute("select set_config('gwanje.agencies', %s, true)", [f"{uuid4()},{agency}"])
                assert web.execute("select count(*) from ledger_opening where row = %s", [row]).fetchone()[0] == seen
        assert web.execute("select count(*) from ledger_opening where row = %s", [row]).fetchone()[0] == 0
        # whoever sees nothing still writes: a refusal must always find its row
        append(web, server, entry(outcome="refused"))


def test_reading_pages_filters_and_counts(server, app):
    person, camera = uuid4(), uuid4()
    norm = f"test.norm_{os.getpid()}"
    for n in range(5):
        outcome = "refused" if n == 3 else "granted"
        append(app, server, entry(actor=person, cameras=[camera], outcome=outcome, norms=[norm, "access.least"]))
    with app.cursor() as cursor:
        assert ledger.counts_by_norm(cursor, [norm]) == {norm: {"granted": 4, "refused": 1, "done": 0}}
        sequence(app)
        assert ledger.counts_by_norm(cursor)[norm] == {"granted": 4, "refused": 1, "done": 0}
        mine = ledger.rows(cursor, filters=Filters(person=person))
        assert [r.index for r in mine] == sorted(r.index for r in mine)
        assert len(mine) == 5
        assert len(ledger.rows(cursor, mine[1].index, filters=Filters(camera=camera, outcome="granted"))) == 2
        assert len(ledger.rows(cursor, filters=Filters(norm=norm, kind="playback.permit"), newest_first=True)) == 5
        assert ledger.rows(cursor, filters=Filters(person=person, until_us=mine[0].at_us)) == []
        assert len(ledger.rows(cursor, limit=3, newest_first=True)) == 3


def test_a_bad_row_is_refused_before_anything_is_sent(server, app):
    count = "select count(*) from ledger_leaf"
    before = app.execute(count).fetchone()
    for more in (
        {"kind": "Playback"},
        {"outcome": "maybe"},
        {"dies": "never"},
        {"detail": {"x": 1.5}},
        {"detail": {"x": "가" * 9000}},
        {"detail": {"x": object()}},
        {"actor": "no uuid"},
    ):
        with pytest.raises(ledger.BadEntry):
            append(app, server, entry(**more))
    assert app.execute(count).fetchone() == before


def test_the_same_fact_delivered_twice_stands_once(server, app):
    row = uuid4()
    assert append(app, server, entry(), row=row) == append(app, server, entry(), row=row) == row
    assert app.execute("select count(*) from ledger_opening where row = %s", [row]).fetchone()[0] == 1


def test_anonymous_refusals_are_counted_and_become_one_row_a_minute(server, app):
    kind = f"login.account{os.getpid()}.refused"
    with app.cursor() as cursor:
        for n in range(300):
            assert ledger.count_refusal(cursor, server.clock, kind, f"10.0.0.{n}") >= 1
        assert ledger.count_refusal(cursor, server.clock, kind, "10.0.0.1") in (1, 2)
        sources = cursor.execute("select count(*) from ledger_refusal where kind = %s", [kind]).fetchone()[0]
        assert sources <= 2 * 257  # a minute may end on the way
        server.clock.set_offset(120_000_000)
        try:
            assert ledger.flush_refusals(cursor, server.clock) >= 1
        finally:
            server.clock.set_offset(0)
        assert ledger.flush_refusals(cursor, server.clock) == 0
        sequence(app)
        found = ledger.rows(cursor, filters=Filters(kind=kind), limit=500)
        assert sum(r.said["detail"]["count"] for r in found) == 301
        assert "10.0.0" not in str([r.said for r in found])


def test_a_persons_refusals_are_rows_of_their_own_until_they_are_a_flood(server, app):
    kind, person, other = f"camera.read{os.getpid()}.refused", uuid4(), uuid4()
    with app.cursor() as cursor:
        full = [ledger.in_full(cursor, server.clock, kind, person) for _ in range(100)]
        assert 30 <= sum(full) <= 60  # a minute may end on the way
        assert ledger.in_full(cursor, server.clock, kind, other)
        server.clock.set_offset(120_000_000)
        try:
            ledger.flush_refusals(cursor, server.clock)
        finally:
            server.clock.set_offset(0)
        sequence(app)
        found = ledger.rows(cursor, filters=Filters(kind=kind), limit=500)
        assert {r.said["actor"] for r in found} == {person}
        assert sum(r.said["detail"]["count"] for r in found) == 100 - sum(full)
        assert cursor.execute("select count(*) from ledger_refusal where kind = %s", [kind]).fetchone()[0] == 0


def test_a_row_by_an_actor_with_a_decision(server, app):
    from datetime import date

    from gwanje.law import ArticleRef, Decision, Reason

    article = ArticleRef("pack", "28(2)", "제28조제2항", "조례", "조례")
    decision = Decision(
        False, "playback.view", ("playback.ground",), (article,), date(2026, 11, 20), (("pack", "1"),),
        (Reason("no_ground", "근거 없음", "no ground"),),
    )  # fmt: skip
    actor = Actor(uuid4(), "김관제", frozenset({"operator"}), AGENCY, "관제석 1", on_duty=True)
    row = append(app, server, Entry.by(actor, "playback.view.refused", "refused", decision, case="2026-1"))
    with app.cursor() as cursor:
        sequence(app)
        said = ledger.rows(cursor, filters=Filters(person=actor.person))[0].said
    assert said["articles"] == ["pack:28(2)"]
    assert said["decision"] == ledger.decision_digest(decision)
    assert (said["role"], said["station"], said["case"]) == ("operator", "관제석 1", "2026-1")
    assert row


def test_many_rows_at_once_are_the_rows_one_by_one(server, app):
    said = [
        entry(detail={"n": n}, cameras=[uuid4() for _ in range(n)], norms=["playback.ground", "가.나"][:n],
              agency=None if n == 1 else AGENCY, actor=None if n else uuid4())
        for n in range(3)
    ]  # fmt: skip
    known = uuid4()
    with app.transaction(), app.cursor() as cursor:
        rows = ledger.append_many(cursor, server.clock, [(None, said[0]), (known, said[1]), (None, said[2])])
        single = [ledger.append(cursor, server.clock, each) for each in said]
    assert rows[1] == known
    wanted = (
        "select kind, outcome, norms, agency, person, cameras, dies, dies_at - at from ledger_opening where row = %s"
    )
    for many, one, each in zip(rows, single, said, strict=True):
        left, right = (app.execute(wanted, [row]).fetchone() for row in (many, one))
        assert left[:-1] == right[:-1]
        assert (left[2], left[5]) == (list(each.norms), list(each.cameras))
        leaf, salt, body = app.execute(
            "select leaf, salt, body from ledger_leaf join ledger_opening using (row) where row = %s", [many]
        ).fetchone()
        assert leaf[25:] == hmac.new(salt, b"gwanje/v1/leaf\0" + body, hashlib.sha256).digest()
    order = [row for (row,) in app.execute(
        "select row from ledger_leaf where row = any(%s) order by arrival", [[*rows, *single]]
    ).fetchall()]  # fmt: skip
    assert order == [*rows, *single]
    # a second delivery changes nothing, and a row that is off takes all of them with it
    with app.transaction(), app.cursor() as cursor:
        ledger.append_many(cursor, server.clock, [(known, said[1]), (known, said[1]), (rows[0], said[0])])
        with pytest.raises(ledger.BadEntry):
            ledger.append_many(cursor, server.clock, [(None, said[0]), (None, entry(kind="bad kind"))])
        with pytest.raises(ValueError, match="500"):
            ledger.append_many(cursor, server.clock, [(None, said[0])] * 501)
    count = app.execute("select count(*) from ledger_opening where row = any(%s)", [[*rows, *single]]).fetchone()
    assert count == (6,)

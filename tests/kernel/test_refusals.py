"""The spool of facts: durable, bounded, and in the ledger exactly once whatever dies on the way."""

import json
from uuid import uuid4

import pytest

from gwanje.apps.worker import ALARMED, Worker
from gwanje.kernel import ledger, refusals
from gwanje.kernel.ledger import Filters
from gwanje.kernel.ledger.sequence import Sequencer, sequence_all


def count(app, kind):
    return app.execute("select count(*) from ledger_opening where kind = %s", [kind]).fetchone()[0]


def test_a_fact_becomes_one_row(server, app):
    kind, person, permit, camera = "playback.permit.refused", uuid4(), uuid4(), uuid4()
    refusals.report(
        server, kind,
        {"actor": person, "permit": permit, "cameras": [camera], "code": "reused", "first": 5, "ratio": 0.5},
    )  # fmt: skip
    refusals.report(server, "vault.clock.confirmed", {"outcome": "done", "norms": ["retention.max"]}, service="vaultd")
    assert refusals.drain(server, app, server.clock) == 2
    assert refusals.drain(server, app, server.clock) == 0
    with app.cursor() as cursor:
        sequence_all(Sequencer(app, "gwanje/test", None))
        (row,) = ledger.rows(cursor, filters=Filters(person=person))
    assert (row.said["outcome"], row.said["permit"], row.said["cameras"]) == ("refused", permit, [camera])
    assert row.said["detail"]["code"] == "reused"
    assert row.said["detail"]["ratio"] == "0.5"
    assert count(app, "vault.clock.confirmed") == 1


def test_a_worker_killed_between_commit_and_unlink_delivers_once(server, app, monkeypatch):
    kind = "playback.range.opened"
    for n in range(7):
        refusals.report(server, kind, {"n": n})
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda self, missing_ok=False: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            refusals.drain(server, app, server.clock)
    assert count(app, kind) == 7
    refusals.report(server, kind, {"n": 7})
    while refusals.drain(server, app, server.clock):
        pass
    assert count(app, kind) == 8


def test_a_fact_that_is_an_alarm_is_one_alarm_whatever_is_killed(server, app, monkeypatch):
    raised = "select severity, agency from event where kind = %s"
    worker = Worker(server)
    lapsed = {"outcome": "refused", "actor": uuid4(), "norms": ["playback.approval"]}
    for kind in (*ALARMED, "vault.code.used"):
        refusals.report(server, kind, lapsed, service="vaultd")
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda self, missing_ok=False: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            worker.spool()(app)
    worker.spool()(app)
    assert [app.execute(raised, [kind]).fetchall() for kind in ALARMED] == [[(3, None)]] * 2
    assert app.execute(raised, ["vault.code.used"]).fetchall() == []
    assert [count(app, kind) for kind in ALARMED] == [1, 1]


def test_a_torn_line_and_a_bad_fact_lose_nothing_else(server, app):
    refusals.report(server, "recorder.token.refused", {"n": 1})
    refusals.report(server, "recorder.token.refused", {"dies": "never"})
    path = refusals.folder(server) / "recorder.jsonl"
    path.write_text(path.read_text() + '{"id": "torn')
    before = count(app, "recorder.token.refused")
    assert refusals.drain(server, app, server.clock) == 3
    assert count(app, "recorder.token.refused") == before + 1
    assert count(app, "spool.fact.malformed") == 1
    assert count(app, "spool.fact.unreadable") == 1


def test_the_spool_is_bounded(server, monkeypatch):
    monkeypatch.setattr(refusals, "FILE_MAX", 1000)
    written = 0
    try:
        for _ in range(100):
            refusals.report(server, "recorder.bound.seen", {"x": "y" * 50})
            written += 1
    except refusals.SpoolFull:
        pass
    path = refusals.folder(server) / "recorder.jsonl"
    assert len(path.read_text().splitlines()) == written
    assert 0 < written < 20
    assert all(json.loads(line)["kind"] == "recorder.bound.seen" for line in path.read_text().splitlines())
    path.unlink()
    with pytest.raises(ledger.BadEntry):
        refusals.report(server, "recorder.bound.seen", {"x": "y" * 20_000})


def line(server, kind, **fields):
    return json.dumps({"id": str(uuid4()), "at": server.clock.now_us(), "kind": kind, **fields}) + "\n"


def test_a_spool_speaks_for_its_own_process_only(server, app):
    """A player that was taken over cannot write that a Permit was issued, nor that somebody was granted a right."""
    for kind, service in (("playback.permit.issued", "player"), ("staff.right.granted", "player"),
                          ("vault.permit.minted", "recorder"), ("anything.at.all", "")):  # fmt: skip
        with pytest.raises(ledger.BadEntry):
            refusals.report(server, kind, {}, service=service)
    with pytest.raises(ledger.BadEntry):
        refusals.report(server, "playback.session.started", {"outcome": "granted"}, service="player")
    forged = ("playback.permit.issued", "playback.request.approved", "staff.right.granted", "vault.roots.destroyed")
    before = count(app, "spool.fact.malformed")
    stood = [count(app, kind) for kind in forged]
    with (refusals.folder(server) / "player.jsonl").open("a") as spool:
        for kind in forged:
            spool.write(line(server, kind, outcome="granted"))
        spool.write(line(server, "playback.session.started", outcome="granted"))
        spool.write(line(server, "playback.session.started", outcome="done"))
    (refusals.folder(server) / "elsewhere.jsonl").write_text(line(server, "elsewhere.fact.seen"))
    started = count(app, "playback.session.started")
    assert refusals.drain(server, app, server.clock) == 7
    assert [count(app, kind) for kind in forged] == stood
    assert count(app, "playback.session.started") == started + 1
    assert count(app, "spool.fact.malformed") == before + 6


def test_no_line_can_stop_the_spool(server, app):
    """What the database or the reader would choke on becomes a row that says so; the line behind it arrives."""
    before = count(app, "recorder.token.refused")
    with (refusals.folder(server) / "recorder.jsonl").open("a") as spool:
        spool.write(line(server, "recorder.token.refused", norms=["a\0b"]))
        spool.write(line(server, "recorder.token.refused").replace('"at": ', '"at": 1e999, "was": '))
        spool.write("[" * 100_000 + "\n")
        spool.write(line(server, "recorder.token.refused", first=10**30))
        spool.write(line(server, "recorder.token.refused", dies=["access"]))
        spool.write(line(server, "recorder.token.refused"))
    assert refusals.drain(server, app, server.clock) == 6
    assert count(app, "recorder.token.refused") == before + 1
    assert not list(refusals.folder(server).glob("*.draining"))

"""Punctures: exactly the seconds granted are closed, at once and in the file; what a hold has dies with the hold."""

from __future__ import annotations

import pytest
from hold_rig import DAY_S, digest, made
from test_vault_core import code, facts

from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval, Lens
from gwanje.vault import frontier, held, keystore, parts, tree
from gwanje.vault.desk import Desk
from gwanje.vault.holds import Closing


@pytest.fixture
def rig(centre):
    found = made(centre)
    found.lend(1, 2)
    yield found
    found.vault.close()


def test_exactly_these_seconds_close_and_stay_closed(rig):
    root = bytes(rig.vault.state.roots[1, rig.epoch])
    old = rig.vault.keystore.file.read_bytes()
    done = rig.close(first=60, until=120)
    assert (done.hours, done.seconds, done.held, done.holds) == (1, 60, 0, ())
    assert (1, rig.epoch) not in rig.vault.state.roots
    assert [code(lambda t=t: rig.leaf(t)) for t in (60, 119)] == ["closed"] * 2
    for tick, camera in ((59, 0), (120, 0), (60, 1), (90, 2)):
        assert rig.leaf(tick, camera=camera) == tree.leaf(root, rig.slots[camera], tick)
    assert rig.leaf(60, class_=2)
    # the file that had them is dead, and nothing on the disk has the root
    assert code(lambda: keystore.unseal(old, rig.vault.keystore.token)) == "generation_gone"
    assert not any(root in p.read_bytes() for p in rig.centre.home.root.rglob("*") if p.is_file())
    again = rig.reopened()
    assert code(lambda: again.leaf(60)) == "closed"
    assert again.leaf(59) == tree.leaf(root, rig.slots[0], 59)
    rig.vault = again.vault
    (released,) = rig.vault.released()
    assert (released.cause, released.reference, released.seconds) == ("puncture", digest("close"), 60)
    (row,) = [f for f in facts(rig.centre.home) if f["kind"] == "vault.seconds.closed"]
    assert (row["seconds"], row["hours"], row["cameras"]) == (60, 1, [str(rig.cameras[0])])


def test_again_and_over_what_is_closed_counts_only_what_is_new(rig):
    rig.close(first=60, until=120)
    generation = rig.vault.keystore.generation
    again = rig.close(first=60, until=120)
    assert (again.hours, again.seconds, rig.vault.keystore.generation) == (0, 0, generation)
    assert rig.close(first=100, until=130).seconds == 10
    assert frontier.closed(rig.vault.state.frontiers[1, rig.epoch]) == [(rig.slots[0], 60, 130)]
    rig.die()
    assert rig.vault.state.frontiers == {}
    assert rig.close(first=0, until=3600).hours == 0


def test_inside_a_hold_it_is_closed_now_and_dies_with_the_hold(rig):
    one, two = rig.hold(), rig.hold(rig.span(0, 100, 200))
    key = rig.leaf(100)
    done = rig.close(first=50, until=150)
    assert (done.seconds, done.held) == (100, 90)
    assert set(done.holds) == {one, two}
    assert [r.seconds for r in rig.vault.released()] == [10]
    assert code(lambda: rig.leaf(100)) == "closed"
    assert rig.leaf(100, one) == rig.leaf(100, two) == key
    stands = held.standing(rig.vault.state, 1, rig.epoch)
    assert (stands.tree, stands.closed) == ("punctured", ((rig.slots[0], 50, 150),))
    assert [stands.opens(rig.slots[0], t) for t in (49, 50, 60, 149, 150)] == [True, False, True, True, True]
    assert [r.seconds for r in rig.end(one)] == [40]
    assert rig.leaf(100, two) == key
    # 150 … 199 live on in the tree: only what was closed is released
    assert [r.seconds for r in rig.end(two)] == [50]
    assert rig.leaf(150)
    # no new hold brings back what was closed
    wanted = rig.wanted(rig.span(0, 100, 101))
    assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_dead"


def test_a_live_hour_goes_on_being_lent_after_its_past_was_closed(rig):
    start = rig.start + 3600
    rig.at(start)
    rig.vault.lend(1, rig.slots[0], rig.epoch + 1)
    rig.at(start + 1000)
    before = rig.vault.lend(1, rig.slots[0], rig.epoch + 1)
    span = (1, start + 10, start + 500)
    wanted = Closing(rig.cameras[0], rig.slots[0], (span,), digest("close"))
    rig.holds.puncture(wanted, rig.said(wanted.decision))
    assert rig.vault.lend(1, rig.slots[0], rig.epoch + 1) == before
    assert rig.vault.lend(1, rig.slots[1], rig.epoch + 1)[0] == 1000
    assert len(rig.vault.state.roots) == 2
    present = Closing(rig.cameras[0], rig.slots[0], ((1, start + 10, start + 881),), digest("close"))
    assert code(lambda: rig.holds.puncture(present, rig.said(present.decision))) == "puncture_present"


def test_dead_keys_are_overwritten_in_memory(rig):
    root = rig.vault.state.roots[1, rig.epoch]
    rig.close()
    nodes = rig.vault.state.frontiers[1, rig.epoch]
    assert not any(root)
    assert any(nodes)
    rig.close(first=200, until=210)
    assert not any(nodes)
    nodes = rig.vault.state.frontiers[1, rig.epoch]
    rig.die()
    assert not any(nodes)


def test_bad_requests_are_refused_and_write_nothing(rig):
    generation = rig.vault.keystore.generation
    camera, slot, _, first, until = rig.span()

    def ask(*people, **changes):
        fields = {"camera": camera, "slot": slot, "spans": ((1, first, until),), "decision": digest("close")}
        wanted = Closing(**{**fields, **changes})
        return code(lambda: rig.holds.puncture(wanted, rig.said(wanted.decision, *people)))

    assert ask(camera=uuid7()) == "permit_camera"
    assert ask(slot=slot + 1) == "permit_camera"
    assert ask(spans=()) == "limit"
    assert ask(spans=((1, first, first + DAY_S + 1),)) == "limit"
    assert ask(spans=((1, until, first),)) == "hold_field"
    assert ask(spans=((9, first, until),)) == "class_unknown"
    assert ask(spans=((1, first, rig.now[0] - 100),)) == "puncture_present"
    assert ask(decision=b"") == "hold_field"
    assert ask(rig.centre.requester) == "approver_missing"
    assert ask(rig.centre.approver, rig.centre.requester) == "approver_role"
    wanted = Closing(camera, slot, ((1, first, until),), digest("close"))
    assert code(lambda: rig.holds.puncture(wanted, rig.said(digest("other")))) == "permit_field"
    with rig.vault.change() as draft:
        draft.alarm = "clock"
    assert ask() == "clock_alarm"
    assert rig.vault.keystore.generation == generation + 1
    assert rig.vault.state.frontiers == {}


def test_a_permit_opens_dead_seconds_only_by_the_hold_it_names(rig):
    desk, place = Desk(rig.vault), rig.centre
    slot, first = rig.slots[0], rig.start + 60
    held_one, other = rig.hold(), rig.hold(rig.span(0, 90, 200))
    leaf = rig.leaf(70)

    def mint(**changes):
        said = [Approval(o.id, o.role, digest("d"), rig.now[0] * 1_000_000) for o in (place.requester, place.approver)]
        fields = place.fields(slot, first, first + 30, decision=digest("d"), approvals=said,
                              expires=rig.now[0] + 600, **changes)  # fmt: skip
        return desk.mint(fields)

    def opened(message, tick):
        session, _, _ = desk.redeem(message, place.viewer())
        return desk.open_ticks(session, 1, slot, rig.epoch, [(tick, [bytes(32)])])

    assert opened(mint(), 70) == opened(mint(hold=held_one), 70)
    assert code(lambda: mint(hold=other)) == "outside"
    assert code(lambda: mint(hold=held_one, cameras=[Lens(rig.cameras[1], rig.slots[1])])) == "outside"
    assert code(lambda: mint(hold=uuid7())) == "hold_unknown"
    rig.die()
    assert code(lambda: opened(mint(), 70)) == "destroyed"
    message = mint(hold=held_one)
    session, _, _ = desk.redeem(message, place.viewer())
    assert desk.open_ticks(session, 1, slot, rig.epoch, [(70, [bytes(32)])]) == [
        {bytes(32): parts.okm(leaf, bytes(32))}
    ]
    assert code(lambda: desk.open_ticks(session, 1, slot, rig.epoch, [(95, [bytes(32)])])) == "outside"
    rig.end(held_one)
    assert code(lambda: desk.open_ticks(session, 1, slot, rig.epoch, [(71, [bytes(32)])])) == "hold_unknown"
    assert code(lambda: mint(hold=held_one)) == "hold_unknown"
    rig.at(rig.vault.state.holds[other].ends)
    assert code(lambda: mint(hold=other)) == "hold_ended"

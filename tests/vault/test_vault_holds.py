"""Holds: made of live seconds only, read back and compared, opened by their own name, gone with their own end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest_vault import REFERENCE
from hold_rig import DAY_S, digest, made
from test_vault_core import code, facts

from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval
from gwanje.vault import covering, frontier, held, keystore
from gwanje.vault.records import HELD


@pytest.fixture
def rig(centre):
    found = made(centre)
    found.lend(1, 2)
    yield found
    found.vault.close()


def test_a_hold_outlives_its_hour_and_opens_by_its_own_name_only(rig):
    before = {tick: rig.leaf(tick) for tick in (60, 119)}
    outside = rig.leaf(59)
    id_ = rig.hold()
    assert rig.leaf(60, id_) == before[60]
    assert code(lambda: rig.leaf(59, id_)) == "outside"
    assert code(lambda: rig.leaf(120, id_)) == "outside"
    assert code(lambda: rig.leaf(60, uuid7())) == "hold_unknown"
    assert {(d.class_, d.epoch) for d in rig.die()} == {(1, rig.epoch), (2, rig.epoch)}
    assert {tick: rig.leaf(tick, id_) for tick in before} == before
    assert code(lambda: rig.leaf(60)) == "destroyed"
    assert code(lambda: rig.leaf(59, id_)) == "outside"
    assert outside not in bytes(rig.vault.state.holds[id_].nodes)
    # the checker's own eyes have what stands
    assert held.any_leaf(rig.vault.state, 1, rig.slots[0], rig.epoch, 60) == before[60]
    again = rig.reopened()
    assert {tick: again.leaf(tick, id_) for tick in before} == before
    rig.vault = again.vault


def test_dead_seconds_refuse_the_whole_and_are_named(rig):
    rig.close(first=100, until=110)
    generation = rig.vault.keystore.generation
    spans = rig.span(), rig.span(1, 0, 3600)
    wanted = rig.wanted(*spans)
    with pytest.raises(Exception, match=r"hold|보존") as refused:
        rig.holds.hold(wanted, rig.said(wanted.decision))
    assert refused.value.code == "hold_dead"
    assert refused.value.detail == f"{rig.cameras[0]} {rig.start + 100} {rig.start + 110}"
    never = rig.wanted(rig.span(1, -3600, -3000))
    assert code(lambda: rig.holds.hold(never, rig.said(never.decision))) == "hold_dead"
    assert (rig.vault.state.holds, rig.vault.keystore.generation) == ({}, generation)
    rig.hold(rig.span(0, 60, 100), rig.span(0, 110, 120))


def test_several_holds_over_one_second_end_each_for_itself(rig):
    one, two = rig.hold(), rig.hold(rig.span(0, 90, 200), ends=rig.now[0] + 70 * DAY_S)
    key = rig.leaf(100)
    rig.die()
    assert rig.leaf(100, one) == rig.leaf(100, two) == key
    released = rig.end(one)
    assert [(r.epoch, r.cause, r.reference, r.seconds) for r in released] == [(rig.epoch, "hold", one.bytes, 30)]
    assert code(lambda: rig.leaf(100, one)) == "hold_unknown"
    assert rig.leaf(100, two) == key
    assert rig.end(two)[0].seconds == 110
    assert code(lambda: rig.leaf(100, two)) == "hold_unknown"
    assert rig.vault.released() == rig.vault.state.released != []
    assert rig.vault.acknowledge_released(rig.vault.released()) == 2
    assert rig.vault.acknowledge_released(released) == 0


def test_a_different_hold_never_copies_from_a_hold(rig):
    one = rig.hold()
    rig.die()
    wanted = rig.wanted()
    assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_dead"
    # but the same record is prolonged when its hour is dead, and no key is copied
    nodes = rig.vault.state.holds[one].nodes
    key = rig.leaf(60, one)
    longer = rig.longer(one, kind="investigation", ends=rig.now[0] + 200 * DAY_S)
    rig.holds.prolong(longer, rig.said(longer.decision))
    after = rig.vault.state.holds[one]
    assert after.nodes is nodes
    assert (after.ends, after.case, len(after.acts)) == (longer.ends, "2026가합1", 2)
    rig.at(longer.ends - 1)
    rig.vault.destroy_due()
    assert rig.leaf(60, one) == key
    rig.at(longer.ends)
    assert code(lambda: rig.leaf(60, one)) == "hold_ended"
    rig.vault.destroy_due()
    assert rig.vault.state.holds == {}
    assert not any(nodes)
    (released,) = rig.vault.released()
    assert (released.seconds, released.reference) == (60, one.bytes)
    assert [f["why"] for f in facts(rig.centre.home) if f["kind"] == "vault.hold.ended"] == ["expired"]


def test_ending_while_the_hour_lives_releases_nothing_and_later_dies_with_it(rig):
    id_ = rig.hold()
    assert rig.end(id_) == []
    assert rig.leaf(60)
    assert code(lambda: rig.end(id_)) == "hold_unknown"


def test_consents_that_made_a_hold_do_not_make_it_again_once_officers_ended_it(rig):
    wanted = rig.wanted()
    rig.holds.hold(wanted, rig.said(wanted.decision))
    rig.end(wanted.id)
    assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_ended"
    other = rig.hold()
    rig.at(rig.now[0] + 9 * DAY_S)
    rig.end(other)
    # a consent is forgotten before the word of its hold's end is
    assert set(rig.vault.state.ended) == {other}


def test_a_provisional_hold_is_one_person_s_and_ends_by_a_decision_or_in_ten_days(rig):
    alone = [Approval(rig.centre.requester.id, rig.centre.requester.role, digest("hold"), 1)]
    wanted = rig.wanted(kind="provisional", ends=rig.now[0] + 10 * DAY_S)
    rig.holds.hold(wanted, alone)
    for bad in (rig.wanted(kind="provisional", ends=rig.now[0] + 10 * DAY_S + 1), rig.wanted(ends=rig.now[0])):
        assert code(lambda b=bad: rig.holds.hold(b, rig.said(b.decision))) == "hold_end"
    other = rig.wanted()
    assert code(lambda: rig.holds.hold(other, alone)) == "approver_missing"
    same = rig.longer(wanted.id, kind="provisional")
    assert code(lambda: rig.holds.prolong(same, rig.said(same.decision))) == "hold_field"
    longer = rig.longer(wanted.id)
    assert code(lambda: rig.holds.prolong(longer, [replace(alone[0], decision=longer.decision)])) == "approver_missing"
    rig.holds.prolong(longer, rig.said(longer.decision))
    assert rig.vault.state.holds[wanted.id].kind == "trial"
    earlier = rig.longer(wanted.id, ends=longer.ends - 1, decision=digest("x"))
    assert code(lambda: rig.holds.prolong(earlier, rig.said(earlier.decision))) == "hold_end"
    assert code(lambda: rig.holds.end(wanted.id, digest("hold"), alone)) == "approver_missing"


def test_the_same_request_again_is_answered_again_and_another_is_not(rig):
    wanted = rig.wanted()
    first = rig.holds.hold(wanted, rig.said(wanted.decision))
    assert rig.holds.hold(wanted, rig.said(wanted.decision)) == first
    other = replace(wanted, spans=(rig.span(until=121),))
    assert code(lambda: rig.holds.hold(other, rig.said(other.decision))) == "hold_known"
    rig.die()
    # its hour died since: what the file has is what was compared then
    assert rig.holds.hold(wanted, rig.said(wanted.decision))[0] == first[0]
    longer = rig.longer(wanted.id)
    done = rig.holds.prolong(longer, rig.said(longer.decision))
    assert rig.holds.prolong(longer, rig.said(longer.decision)) == done
    assert len(rig.vault.state.holds[wanted.id].acts) == 2


def test_classes_hours_and_cameras_in_one_hold(rig):
    rig.lend(1, 2, hours=3)
    spans = (
        rig.span(0, 3590, 3610), rig.span(0, 0, 3600, class_=2), rig.span(0, 100, 200), rig.span(0, 200, 300),
        rig.span(2, 0, 3 * 3600),
    )  # fmt: skip
    id_ = rig.hold(*spans)
    hold = rig.vault.state.holds[id_]
    assert hold.seconds == 20 + 3600 + 200 + 3 * 3600
    assert len(hold.lenses) == 4
    hours = [n for n in hold.each() if n.slot == rig.slots[2]]
    assert [(n.height, n.first) for n in hours] == [(12, 0)] * 3
    for epoch, tick, camera, class_ in ((0, 3599, 0, 1), (1, 9, 0, 1), (0, 7, 0, 2), (2, 3599, 2, 1)):
        got = rig.vault.leaf(class_, rig.slots[camera], rig.epoch + epoch, tick, id_)
        assert got == rig.vault.leaf(class_, rig.slots[camera], rig.epoch + epoch, tick)
    rig.at(rig.start + 6 * DAY_S)
    rig.vault.destroy_due()
    stands = held.standing(rig.vault.state, 2, rig.epoch)
    assert (stands.tree, [h[:4] for h in stands.held]) == ("dead", [(id_, rig.slots[0], 0, 3600)])
    assert stands.opens(rig.slots[0], 5)
    assert not stands.opens(rig.slots[1], 5)
    assert held.Standing.of(stands.body()) == stands


def test_bad_requests_are_refused_and_write_nothing(rig):
    generation = rig.vault.keystore.generation
    camera, slot, class_, first, until = rig.span()
    refused = {
        "hold_field": [dict(kind="eternal"), dict(ground=" "), dict(case="x" * 201), dict(decision=b"short"),
                       dict(spans=((camera, slot, class_, until, first),))],
        "limit": [dict(spans=((camera, slot, class_, first - 31 * DAY_S, until),)), dict(spans=()),
                  dict(spans=tuple((camera, slot, class_, first + i, first + i + 1) for i in range(0, 1100, 2)))],
        "permit_camera": [dict(spans=((uuid7(), slot, class_, first, until),))],
        "class_unknown": [dict(spans=((camera, slot, 9, first, until),))],
        "future": [dict(spans=((camera, slot, class_, first, rig.now[0] + 61),))],
        "hold_end": [dict(ends=rig.now[0] + 367 * DAY_S)],
    }  # fmt: skip
    for want, cases in refused.items():
        for changes in cases:
            wanted = replace(rig.wanted(), **changes)
            said = rig.said(wanted.decision)
            assert code(lambda w=wanted, s=said: rig.holds.hold(w, s)) == want, changes
    wanted = rig.wanted()
    assert code(lambda: rig.holds.hold(wanted, rig.said(digest("other")))) == "permit_field"
    assert code(lambda: rig.holds.hold(wanted, [])) == "approver_missing"
    stranger = [*rig.said(wanted.decision)[:1], Approval(uuid7(), "manager", wanted.decision, 1)]
    assert code(lambda: rig.holds.hold(wanted, stranger)) == "officer_unknown"
    assert rig.vault.keystore.generation == generation


def test_what_does_not_read_back_as_derived_is_no_hold(rig, monkeypatch):
    real = keystore.unseal

    def damaged(data, token):
        generation, state = real(data, token)
        for hold in state.holds.values():
            hold.nodes[-1] ^= 1
        return generation, state

    monkeypatch.setattr("gwanje.vault.holds.keystore.unseal", damaged)
    wanted = rig.wanted()
    assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_unproved"
    monkeypatch.undo()
    assert rig.vault.state.holds == {}
    # a derivation that errs is found before anything is written: the comparison goes another way than the cover
    generation = rig.vault.keystore.generation
    real_cover = frontier.cover
    for wrong in (
        lambda *a: [(d, p, bytes(32)) for d, p, _ in real_cover(*a)],
        lambda *a: real_cover(*a)[:-1],
        lambda keys, ranges: real_cover(keys, [(s, a - 1, b) for s, a, b in ranges]),
    ):
        monkeypatch.setattr(frontier, "cover", wrong)
        assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_unproved"
    assert (rig.vault.state.holds, rig.vault.keystore.generation) == ({}, generation)


@pytest.mark.parametrize("meanwhile", ["die", "close", "lend"])
def test_what_changes_while_keys_are_derived_counts(rig, monkeypatch, meanwhile):
    """Keys are derived before the lock: an hour that dies then is refused, one that is punctured derived anew."""
    real, calls = covering.covering, []

    def slow(*given):
        calls.append(given)
        found = real(*given)
        if len(calls) == 1:
            getattr(rig, meanwhile)()
        return found

    monkeypatch.setattr("gwanje.vault.holds.covering", slow)
    wanted = rig.wanted(rig.span(0, 200, 300), ends=rig.now[0] + 90 * DAY_S)
    leaf = rig.leaf(250)
    if meanwhile == "die":
        assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_dead"
        assert rig.vault.state.holds == {}
        return
    rig.holds.hold(wanted, rig.said(wanted.decision))
    assert len(calls) == (2 if meanwhile == "close" else 1)
    assert rig.leaf(250, wanted.id) == leaf


def test_old_files_do_not_open_an_ended_hold(rig, tmp_path):
    id_ = rig.hold()
    nodes = bytes(rig.vault.state.holds[id_].nodes)
    keys = [HELD.unpack_from(nodes, at)[5] for at in range(0, len(nodes), HELD.size)]
    old = rig.vault.keystore.file.read_bytes()
    rig.die()
    rig.end(id_)
    assert code(lambda: keystore.unseal(old, rig.vault.keystore.token)) == "generation_gone"
    everything = b"".join(p.read_bytes() for p in rig.centre.home.root.rglob("*") if p.is_file())
    assert not any(key in everything for key in keys)


def test_rows_of_every_act_without_a_key(rig):
    id_ = rig.hold()
    longer = rig.longer(id_)
    rig.holds.prolong(longer, rig.said(longer.decision))
    rig.end(id_)
    kinds = [f["kind"] for f in facts(rig.centre.home) if f["kind"].startswith("vault.hold")]
    assert kinds == ["vault.hold.made", "vault.hold.prolonged", "vault.hold.ended"]
    (row,) = [f for f in facts(rig.centre.home) if f["kind"] == "vault.hold.made"]
    assert row["cameras"] == [str(rig.cameras[0])]
    assert (row["seconds"], row["outcome"], row["case"]) == (60, "done", "형사과-1234")


def test_an_hour_waits_for_no_hold_that_was_not_answered(rig):
    rig.at(rig.start + 30 * DAY_S)
    wanted = rig.wanted()
    rig.vault.destroy_due()
    assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_dead"
    assert rig.vault.state.holds == {}


def test_a_class_that_dies_at_once_is_not_recorded_but_may_be_named(rig):
    rig.vault.set_class(4, "none", 0, REFERENCE)
    wanted = rig.wanted(rig.span(class_=4))
    assert code(lambda: rig.holds.hold(wanted, rig.said(wanted.decision))) == "hold_dead"

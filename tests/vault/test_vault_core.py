"""Lending, classes, destruction on time, the clock's alarm, checkpoints and the open-log, in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from conftest_vault import REFERENCE, make, opened

from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import note
from gwanje.kernel.ledger import tree as ledger_tree
from gwanje.kernel.ledger.entry import opening_bytes
from gwanje.kernel.refusals import _facts as spooled
from gwanje.kernel.refusals import folder
from gwanje.vault import parts, tree
from gwanje.vault.core import AHEAD_S, death_s
from gwanje.vault.errors import VaultError
from gwanje.vault.records import RetentionClass
from gwanje.vault.segment import SegmentHeader

DAY_US = 86_400_000_000


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    return refused.value.code


def facts(home) -> list[dict]:
    path = folder(home) / "vaultd.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def folder_bytes(home) -> bytes:
    return (folder(home) / "vaultd.jsonl").read_bytes()


def test_a_class_has_one_value_for_ever(vault):
    vault.set_class(1, "days", 30, REFERENCE)
    assert code(lambda: vault.set_class(1, "days", 31, REFERENCE)) == "class_fixed"
    assert code(lambda: vault.set_class(1, "months", 30, REFERENCE)) == "class_fixed"
    for bad in ((0, "days", 1), (2, "weeks", 1), (2, "days", 0), (2, "permanent", 1), (2, "days", 40_000)):
        assert code(lambda b=bad: vault.set_class(*b, REFERENCE)) == "class_field"
    assert code(lambda: vault.set_class(2, "days", 10, " ")) == "class_field"
    assert vault.state.classes[1].value == 30


def test_slots_are_stable_and_written_in_one_batch(vault):
    cameras = [uuid7() for _ in range(500)]
    before = vault.keystore.generation
    slots = vault.slots(cameras)
    assert vault.keystore.generation == before + 1
    assert slots == list(range(500))
    assert vault.slots(cameras[::-1]) == slots[::-1]
    assert vault.keystore.generation == before + 1
    assert vault.slots([uuid7()]) == [500]


def test_lending_is_for_now_and_the_next_hour_shortly_before(centre, vault, monkeypatch):
    (slot,) = vault.slots([centre.camera])
    start = vault.clock.now_s() // 3600 * 3600 + 3600

    def at(second):
        monkeypatch.setattr(vault.clock, "now_us", lambda: second * 1_000_000)

    monkeypatch.setattr(vault.guard, "running", lambda: None)
    epoch = start // 3600
    at(start + 100)
    first, nodes = vault.lend(1, slot, epoch)
    assert first == 100
    spine = tree.Spine(epoch, first, nodes)
    assert bytes(spine.at(100)) == vault.leaf(1, slot, epoch, 100)
    at(start + 101)
    assert vault.lend(1, slot, epoch)[0] == 101
    assert code(lambda: vault.lend(1, slot, epoch - 1)) == "past"
    assert code(lambda: vault.lend(1, slot, epoch + 1)) == "too_early"
    at(start + 3600 - AHEAD_S - 1)
    assert code(lambda: vault.lend(1, slot, epoch + 1)) == "too_early"
    at(start + 3600 - AHEAD_S)
    assert vault.lend(1, slot, epoch + 1)[0] == 0
    assert code(lambda: vault.lend(1, slot, epoch + 2)) == "too_early"
    assert code(lambda: vault.lend(1, slot + 1, epoch)) == "slot_unknown"
    assert code(lambda: vault.lend(9, slot, epoch)) == "class_unknown"
    vault.set_class(4, "none", 0, REFERENCE)
    assert code(lambda: vault.lend(4, slot, epoch)) == "class_not_recorded"


def test_a_clock_set_back_lends_no_second_that_was_lent_before(centre, vault, monkeypatch):
    (slot,) = vault.slots([centre.camera])
    start = vault.clock.now_s() // 3600 * 3600 + 3600
    clock = {"at": start + 500}
    monkeypatch.setattr(vault.clock, "now_us", lambda: clock["at"] * 1_000_000)
    monkeypatch.setattr(vault.guard, "running", lambda: None)
    assert vault.lend(1, slot, start // 3600)[0] == 500
    clock["at"] = start + 20
    assert vault.lend(1, slot, start // 3600)[0] == 500
    clock["at"] = start - 30
    vault.lend(1, slot, start // 3600 - 1)
    assert code(lambda: vault.lend(1, slot, start // 3600 - 1)) == "past"


def test_production_needs_two_replicas_or_two_officers_word(tmp_path):
    place = make(tmp_path / "p", demo=False)
    vault = opened(place.home)
    vault.set_class(1, "days", 30, REFERENCE)
    (slot,) = vault.slots([place.camera])
    assert code(lambda: vault.lend(1, slot, vault.clock.now_s() // 3600)) == "single_replica"
    vault.close()


def test_deaths_follow_the_calendar():
    zone = ZoneInfo("Asia/Seoul")
    epoch = int(datetime(2027, 1, 31, 3, tzinfo=UTC).timestamp()) // 3600

    def dies(kind, value):
        at = death_s(RetentionClass(1, kind, value, "x"), epoch, zone)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    assert dies("days", 30) == datetime(2027, 3, 2, 3, tzinfo=UTC)
    assert dies("months", 1) == datetime(2027, 2, 28, 3, tzinfo=UTC)
    assert dies("months", 12) == datetime(2028, 1, 31, 3, tzinfo=UTC)
    assert dies("none", 0) == datetime(2027, 1, 31, 3, tzinfo=UTC)
    assert dies("permanent", 0) is None


def sample(vault, class_, slot, epoch, tick):
    """A sealed part and what ``attempt`` needs to try it."""
    head = SegmentHeader.fresh(
        class_=class_, epoch=epoch, slot=slot, stream=0, fence=1, writer=bytes(16), created_us=0, centre=uuid7()
    )
    key = parts.PartKey.of(vault.leaf(class_, slot, epoch, tick), head.segment_id)
    out = memoryview(bytearray(400))
    start = (epoch * 3600 + tick) * 1_000_000
    size = parts.seal_into(out, key, head.segment_id, 1, 1, tick, 0, start, 1_000_000, b"picture" * 20)
    return {
        "class": class_,
        "epoch": epoch,
        "slot": slot,
        "tick": tick,
        "segment_id": head.segment_id.hex(),
        "part": b64encode(bytes(out[:size])).decode(),
    }


def attempt(home, samples, extra=()):
    request = {"home": str(home.root), "samples": samples, "extra": [str(e) for e in extra]}
    command = [sys.executable, "-m", "gwanje.vault.attempt"]
    done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.norm("retention.irrecoverable", "deny")
@pytest.mark.norm("retention.max", "deny")
def test_thirty_one_days_on_what_is_due_dies_and_only_that(tmp_path):
    place = make(tmp_path / "c", settable=True)
    vault, clock = opened(place.home), place.home.clock
    vault.set_class(1, "days", 30, REFERENCE)
    vault.set_class(2, "days", 60, "지방재정법")
    vault.set_class(3, "permanent", 0, "판결")
    (slot,) = vault.slots([place.camera])
    epoch = clock.now_s() // 3600
    tick = max(vault.lend(c, slot, epoch)[0] for c in (1, 2, 3))
    samples = {c: [sample(vault, c, slot, epoch, t) for t in range(max(0, tick - 20), tick + 1)] for c in (1, 2, 3)}
    every = [s for group in samples.values() for s in group]
    assert attempt(place.home, every)["opened"] == len(every)
    import shutil

    shutil.copytree(place.home.vault, tmp_path / "yesterday")
    clock.set_offset(30 * DAY_US - 7_200_000_000)
    assert vault.destroy_due() == []
    clock.set_offset(31 * DAY_US)
    assert vault.clock.now_s() > 0
    (dead,) = vault.destroy_due()
    assert (dead.class_, dead.epoch) == (1, epoch)
    assert vault.state.alarm is None
    assert code(lambda: vault.leaf(1, slot, epoch, tick)) == "destroyed"
    after = attempt(place.home, every)
    assert after["opened"] == len(samples[2]) + len(samples[3])
    assert after["generation_key_absent"] is True
    assert attempt(place.home, samples[1])["opened"] == 0
    only_file = tmp_path / "only-file"
    only_file.mkdir()
    shutil.copy(tmp_path / "yesterday" / "keystore.gwk", only_file)
    assert attempt(place.home, samples[1], [only_file])["opened"] == 0
    control = attempt(place.home, samples[1], [tmp_path / "yesterday"])
    assert (control["tried"], control["opened"]) == (len(samples[1]), len(samples[1]))
    # what was destroyed is told until the worker has it on a certificate, also after a restart
    vault.close()
    vault = opened(place.home)
    assert vault.destroy_due() == [dead]
    assert vault.acknowledge([(1, epoch, dead.generation)]) == 1
    assert vault.destroy_due() == []
    (fact,) = facts(place.home)
    assert (fact["kind"], fact["roots"]) == ("vault.roots.destroyed", [[1, epoch]])
    told = spooled(folder_bytes(place.home), "vaultd")
    assert [f.entry.kind for f in told if opening_bytes(f.entry)] == [fact["kind"]]
    vault.close()


def test_dead_roots_are_overwritten_in_memory(tmp_path):
    place = make(tmp_path / "c", settable=True)
    vault = opened(place.home)
    vault.set_class(1, "days", 30, REFERENCE)
    (slot,) = vault.slots([place.camera])
    vault.lend(1, slot, vault.clock.now_s() // 3600)
    (root,) = vault.state.roots.values()
    assert bytes(root) != bytes(32)
    place.home.clock.set_offset(31 * DAY_US)
    vault.destroy_due()
    assert bytes(root) == bytes(32)
    vault.close()


def jumped(vault, monkeypatch, seconds):
    """The machine's wall clock jumps against the monotonic clock."""
    real = vault.clock.now_us
    monkeypatch.setattr(vault.clock, "now_us", lambda: real() + seconds * 1_000_000)
    pair = vault.clock._pair
    monkeypatch.setattr(vault.clock, "_pair", lambda: (pair()[0] + seconds * 1_000_000, pair()[1]))


@pytest.mark.parametrize("seconds", [31 * 86400, 61, -61])
def test_a_jump_while_running_destroys_nothing_and_alarms(centre, vault, monkeypatch, seconds):
    (slot,) = vault.slots([centre.camera])
    vault.lend(1, slot, vault.clock.now_s() // 3600)
    seen = vault.state.clock_us
    jumped(vault, monkeypatch, seconds)
    assert vault.destroy_due() == []
    assert "stepped" in vault.state.alarm
    assert len(vault.state.roots) == 1
    assert vault.state.clock_us <= seen + 5_000_000
    (fact,) = facts(centre.home)
    assert (fact["kind"], fact["outcome"]) == ("vault.clock.alarmed", "refused")
    # the alarm outlives a restart and the clock's return; recording goes on where nothing was lent before
    monkeypatch.undo()
    vault.close()
    again = opened(centre.home)
    assert again.state.alarm
    assert again.destroy_due() == []
    again.lend(1, slot, again.clock.now_s() // 3600)
    again.confirm_clock()
    assert again.state.alarm is None
    again.close()


@pytest.mark.parametrize("seconds", [59, -59, 0])
def test_small_steps_are_no_alarm(vault, monkeypatch, seconds):
    jumped(vault, monkeypatch, seconds)
    vault.destroy_due()
    assert vault.state.alarm is None


@pytest.mark.parametrize(
    ("gone_s", "alarm"), [(-50, False), (-70, True), (23 * 3600, False), (25 * 3600, True), (31 * 86400, True)]
)
def test_at_start_behind_or_far_ahead_of_the_highest_clock_seen(centre, vault, gone_s, alarm):
    (slot,) = vault.slots([centre.camera])
    vault.lend(1, slot, vault.clock.now_s() // 3600)
    with vault.keystore.change() as draft:
        draft.clock_us = vault.clock.now_us() - gone_s * 1_000_000
    vault.close()
    again = opened(centre.home)
    assert bool(again.state.alarm) is alarm
    again.destroy_due()
    assert len(again.state.roots) == 1
    again.close()


def test_a_settable_clock_moved_forward_is_no_alarm_and_moved_back_is(tmp_path):
    place = make(tmp_path / "c", settable=True)
    vault = opened(place.home)
    vault.close()
    place.home.clock.set_offset(40 * DAY_US)
    vault = opened(place.home)
    assert vault.state.alarm is None
    vault.destroy_due()
    vault.confirm_clock()
    vault.close()
    place.home.clock.set_offset(0)
    vault = opened(place.home)
    assert "moved back" in vault.state.alarm
    vault.close()


def test_an_ordinary_folder_has_no_offset(centre, vault):
    (centre.home.root / "clock.json").write_text('{"offset_us": 99999999999999}')
    assert vault.guard.offset_us() == 0
    vault.destroy_due()
    assert vault.state.alarm is None


@pytest.mark.norm("security.internal_control", "deny")
def test_checkpoints_only_continue_what_was_signed(centre, vault):
    leaves = [os.urandom(57) for _ in range(40)]
    nodes = ledger_tree.nodes_of(leaves)
    public = vault.status()["checkpoint_key"]
    origin, last = "gwanje.example/log", 0
    for size in (0, 1, 3, 8, 8, 33):
        root = ledger_tree.root(nodes, size)
        text = vault.checkpoint(origin, size, root, last, ledger_tree.consistency(nodes, last, size))
        assert note.verify(text, public, origin).size == size
        last = size
    grown = ledger_tree.root(nodes, 40)
    proof = ledger_tree.consistency(nodes, 33, 40)
    assert code(lambda: vault.checkpoint(origin, 40, grown, 8, proof)) == "checkpoint_head"
    assert code(lambda: vault.checkpoint("other", 40, grown, 33, proof)) == "checkpoint_origin"
    assert code(lambda: vault.checkpoint("two words", 40, grown, 33, proof)) == "checkpoint_origin"
    assert code(lambda: vault.checkpoint(origin, 8, ledger_tree.root(nodes, 8), 33, [])) == "checkpoint_fork"
    forged = ledger_tree.nodes_of([leaves[0], os.urandom(57), *leaves[2:]])
    altered = ledger_tree.consistency(forged, 33, 40)
    assert code(lambda: vault.checkpoint(origin, 40, ledger_tree.root(forged, 40), 33, altered)) == "checkpoint_fork"
    assert vault.status()["head"] == 33
    assert facts(centre.home)[-1]["kind"] == "vault.checkpoint.refused"

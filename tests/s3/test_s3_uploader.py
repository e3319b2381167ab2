"""Files on their way to a real object store: nothing is lost, whoever dies, hangs, lies or destroys meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gwanje.media import uploader
from gwanje.media.uploader import Uploader
from gwanje.vault.store import Index
from gwanje.vault.store_disk import DiskShelf
from gwanje.vault.store_s3 import S3Shelf, index_name
from gwanje.vault.verify import verify_reader
from tests.vault.sealed_rig import EPOCH, leave_alone, seal

pytestmark = pytest.mark.s3


@pytest.fixture
def alarms():
    return []


@pytest.fixture
def mover(bucket, store, alarms):
    shelf = S3Shelf(bucket, store, retries=0, timeout_s=2)
    return Uploader(store, shelf, lambda kind, body: alarms.append((kind, body)))


def names(shelf):
    return {entry.name for entry in shelf.files()}


def street(store, count=4, size=4000):
    """Files of one camera; the last one is the newest and stays."""
    paths = [leave_alone(seal(store, first=100 + 10 * n, size=size)) for n in range(count)]
    return {str(path.relative_to(store)): path.read_bytes() for path in paths}


def whole(shelf, store, name, content):
    """The file stands on the disk to the byte, or behind it to the byte and to the index."""
    if (store / name).exists():
        return (store / name).read_bytes() == content
    with shelf.open(name) as reader, shelf.open(name, whole=True) as bare:
        index = Index.read(shelf.get(index_name(name)))
        return not verify_reader(bare).problems and reader.parts == bare.parts and index.size == len(content)


def test_files_go_and_the_newest_stays(mover, store):
    made = street(store)
    growing = seal(store, slot=9, end=False)
    assert mover.round()
    assert names(mover.shelf) == set(made)
    assert {str(p.relative_to(store)) for p in store.rglob("*.gws")} == {max(made), str(growing.relative_to(store))}
    assert all(whole(mover.shelf, store, *one) for one in made.items())
    assert (mover.counters.moved, mover.counters.kept, mover.counters.failures) == (3, 1, 0)
    mover.round()
    assert (mover.counters.moved, mover.counters.kept, mover.counters.waiting) == (3, 1, 1)


def test_an_object_that_reads_back_otherwise_moves_nothing(mover, store):
    made = street(store, 2)
    spoilt = []

    def step(name, path):
        if name == "proof" and not spoilt:
            spoilt.append(path)
            mover.shelf.put(str(path.relative_to(store)), b"x" * path.stat().st_size)

    mover._step = step
    assert not mover.round()
    assert spoilt[0].exists()
    assert mover.round()
    assert mover.counters.resent == 1
    assert all(whole(mover.shelf, store, *one) for one in made.items())
    assert len(list(store.rglob("*.gws"))) == 1


def test_what_is_destroyed_on_its_way_is_withdrawn(mover, store):
    made = street(store, 2)
    disk = DiskShelf(store)

    def step(name, path):
        if name == "proof":
            disk.erase(f"1/{EPOCH}")

    mover._step = step
    mover.round()
    assert names(mover.shelf) == set()
    assert mover.counters.withdrawn == len(made)


def test_a_hung_store_costs_nothing_but_time_and_is_said(mover, store, node, alarms, monkeypatch):
    monkeypatch.setattr(uploader, "AWAY_ALARM_S", 0.1)
    made = street(store, 3)
    monkeypatch.setattr("gwanje.vault.s3_bucket.TIMEOUT_S", 1.0)
    with node.hung():
        assert not mover.round()
        time.sleep(0.2)
        assert not mover.round()
    assert all((store / name).read_bytes() == content for name, content in made.items())
    kind, body = alarms[0]
    assert kind == "store.away"
    assert (body["waiting"], body["waiting_bytes"]) == (3, sum(map(len, made.values())))
    assert body["free_bytes"] > 0
    assert mover.round()
    assert all(whole(mover.shelf, store, *one) for one in made.items())
    assert len(list(store.rglob("*.gws"))) == 1


@contextlib.contextmanager
def moving(bucket, store, point=""):
    """A mover as a process of its own, which has begun."""
    words = [sys.executable, str(Path(__file__).with_name("moving.py"))]
    given = {"settings": dataclasses.asdict(bucket), "store": str(store), "point": point}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        child.stdin.write(json.dumps(given))
        child.stdin.close()
        assert child.stdout.readline() == "begun\n"
        yield child


@pytest.mark.parametrize("point", ["index", "segment", "proof", "unlink", "gone"])
def test_killed_before_each_act(bucket, store, point):
    made = street(store)
    shelf = S3Shelf(bucket, store)

    reached = 0
    while reached < 10:
        with moving(bucket, store, point) as child:
            code = child.wait(30)
        if code != -signal.SIGKILL:
            break
        reached += 1
        assert all(whole(shelf, store, *one) for one in made.items()), point
        if point in ("index", "segment"):
            # the next one dies at the same act: nothing would ever move
            break
    assert reached >= 1
    last = Uploader(store, shelf, lambda *_: None)
    assert last.begin()
    assert last.round()
    assert all(whole(shelf, store, *one) for one in made.items())
    assert len(list(store.rglob("*.gws"))) == 1
    assert list(shelf.bucket.uploads("")) == []


def test_killed_anywhere_in_large_uploads(bucket, store):
    made = street(store, 3, size=6 << 20)
    shelf, chance = S3Shelf(bucket, store), random.Random(20261121)
    for _ in range(8):
        with moving(bucket, store) as child:
            time.sleep(chance.uniform(0.02, 0.5))
            child.kill()
            child.wait(10)
        assert all(whole(shelf, store, *one) for one in made.items())
    last = Uploader(store, shelf, lambda *_: None)
    assert last.begin()
    assert last.round()
    assert list(shelf.bucket.uploads("")) == []
    assert all(whole(shelf, store, *one) for one in made.items())
    assert len(list(store.rglob("*.gws"))) == 1

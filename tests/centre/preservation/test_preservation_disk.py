"""The disk's forecast: what comes, what dies, what holds take; warned of once a day, long before."""

from __future__ import annotations

import hashlib
import shutil
from collections import namedtuple
from uuid import uuid4

import pytest
from django.db import connection

from gwanje.centre.common import clock
from gwanje.centre.preservation import disk
from gwanje.centre.retention.models import RetentionClass
from gwanje.kernel.footage import Segment, put_segments
from support.playback import kinds

pytestmark = pytest.mark.django_db
GB = 10**9
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def recorded(city):
    """``recorded(hours_ago, bytes)``: an index row of class 1 (5 days) and class 2 (permanent)."""
    RetentionClass.objects.create(number=1, kind="days", value=5, reference="제31조", label="일반")
    RetentionClass.objects.create(number=2, kind="permanent", value=0, reference="제31조", label="영구")

    def put(hours_ago, size, class_=1):
        epoch = clock().now_s() // 3600 - hours_ago
        name = hashlib.sha256(f"{hours_ago}{class_}".encode()).digest()
        row = Segment(name, uuid4(), city.pk, 1, 0, class_, epoch, 0, 299, 300, size, b"", "avc1.64001f", 1280, 720,
                      None, "1/x", 1, b"w" * 16, True)  # fmt: skip
        put_segments(connection.cursor(), [row])

    return put


def at(monkeypatch, free, total=1000 * GB):
    """A disk of that size: the only thing here that is not the real one."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(total, total - free, free))


def test_what_dies_makes_room_for_what_comes(recorded, monkeypatch, tmp_path):
    at(monkeypatch, 100 * GB)
    for day in range(5):
        recorded(1 + 24 * day, 40 * GB)
    found = disk.forecast(tmp_path, clock().now())
    assert (found.daily, found.days) == (40 * GB, None), "five days of forty are a steady state"


def test_a_growing_store_is_counted_to_its_day(recorded, monkeypatch, tmp_path):
    at(monkeypatch, 150 * GB)
    recorded(1, 20 * GB, class_=2)
    # 50 GB stay free: 100 GB are five days of 20
    assert disk.forecast(tmp_path, clock().now()).days == 5


def test_the_alarm_comes_long_before_and_once_a_day(recorded, monkeypatch, advance):
    raised = "select severity, body->>'ko' from event where kind = %s order by seq"
    at(monkeypatch, 600 * GB)
    recorded(1, 20 * GB, class_=2)
    assert disk.watch().days == 27
    assert connection.cursor().execute(raised, [disk.KIND]).fetchall() == []
    at(monkeypatch, 200 * GB)
    assert disk.watch().days == disk.watch().days == 7
    ((severity, said),) = connection.cursor().execute(raised, [disk.KIND]).fetchall()
    assert severity == 2
    assert "7일 뒤" in said
    assert "보존을 종료" in said
    # it gets worse: the graver alarm does not wait for the day's end
    at(monkeypatch, 90 * GB)
    assert disk.watch().days == 2
    assert [row[0] for row in connection.cursor().execute(raised, [disk.KIND]).fetchall()] == [2, 3]
    assert kinds().count(disk.KIND) == 2

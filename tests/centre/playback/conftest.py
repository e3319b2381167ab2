"""A camera with footage of the last half hour, and officers whom vaultd knows."""

from __future__ import annotations

import hashlib

import pytest
from django.db import connection

from gwanje.centre import common
from gwanje.centre.cameras.models import Camera
from gwanje.centre.staff import services as staff
from gwanje.kernel import footage
from gwanje.kernel.footage import Segment
from gwanje.kernel.ids import uuid7
from gwanje.kernel.sources import Source, put_source
from support import vault
from support.centre import PASSWORD

KEY_FRAME_EVERY = 2


@pytest.fixture(scope="session")
def vaultd():
    """A real vaultd."""
    with vault.running() as process:
        yield process


@pytest.fixture
def officer(city):
    """``officer("manager")`` → the account of the officer whom vaultd has registered in that role."""

    def make(role):
        person = staff.create_person(f"officer-{role}", f"담당 {role}", city, PASSWORD, id_=vault.OFFICERS[role])
        staff.grant_role(person, role, "인사발령 가온-9")
        return person

    return make


def record(camera: Camera, slot: int, first: int, until: int) -> None:
    """Index rows of [first, until): whole seconds, a key frame every second second (even Unix seconds)."""
    cursor = connection.cursor()
    at = first
    while at < until:
        end = min(until, (at // 300 + 1) * 300)
        bits = bytearray((end - at + 7) // 8)
        for second in range(at, end):
            if second % KEY_FRAME_EVERY == 0:
                bits[(second - at) // 8] |= 1 << (second - at) % 8
        epoch = at // 3600
        row = Segment(
            hashlib.sha256(f"{camera.pk}{at}".encode()).digest(), camera.pk, camera.agency_id, slot, 0, 1, epoch,
            at - epoch * 3600, end - 1 - epoch * 3600, end - at, 1000, bytes(bits), "avc1.64001f", 1280, 720, None,
            f"1/{epoch}/{slot}/{at}.gws", 1, b"w" * 16, True,
        )  # fmt: skip
        footage.put_segments(cursor, [row])
        at = end


def place(city, number: str, slot: int) -> Camera:
    """A camera of the registry with a source row."""
    now = common.clock().now()
    camera = Camera.objects.create(
        id=uuid7(), agency_id=city.pk, owner_id=city.pk, number=number, place="가온로 12 앞", state="active",
        purposes=["생활방범"], lat="37.39", lon="126.95", slot=slot, created_at=now, changed_at=now,
    )  # fmt: skip
    cursor = connection.cursor()
    cursor.execute(
        "insert into footage_class (number, kind, value, reference, label) values (1, 'days', 30, '제31조', '30일') "
        "on conflict do nothing"
    )
    put_source(cursor, Source(camera.pk, city.pk, slot, 1, number, "rtsp://127.0.0.1:1/x", "", {}, True))
    return camera


@pytest.fixture
def now_s():
    """The present, Unix seconds, odd."""
    return common.clock().now_s() // 2 * 2 - 1


@pytest.fixture
def camera(city, now_s):
    """A camera in slot 7 that recorded the last half hour."""
    made = place(city, "A-0101", 7)
    record(made, 7, now_s - 1800, now_s)
    return made

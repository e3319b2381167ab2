"""Footage rows for playback tests, and the three requests that most of them make."""

from __future__ import annotations

import hashlib

from django.db import connection

from gwanje.centre import common
from gwanje.centre.cameras.models import Camera
from gwanje.kernel import footage
from gwanje.kernel.footage import Segment
from gwanje.kernel.ids import uuid7
from gwanje.kernel.sources import Source, put_source
from support.centre import Browser, ledger_rows

KEY_FRAME_EVERY = 2


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


def kinds():
    """Kinds of all ledger rows of the test, oldest first."""
    return [kind for kind, _, _ in ledger_rows()]


def last(kind):
    """The opening of the newest ledger row of a kind."""
    return [opening for found, _, opening in ledger_rows() if found == kind][-1]


def body(camera, now_s, **changes):
    """A request that stands."""
    return {
        "cameras": [str(camera.pk)], "first": now_s - 600, "until": now_s - 540, "ground": "investigation",
        "case": "2026-0123", "purpose": "절도 사건 동선 확인", "document": "가온경찰서 형사과-1234", **changes,
    }  # fmt: skip


def ask(browser: Browser, camera, now_s, **changes):
    """POST the request to the API."""
    return browser.post("/api/playback/requests", body(camera, now_s, **changes), content_type="application/json")


def approve(browser, id_):
    """POST a yes."""
    return browser.post(f"/api/playback/requests/{id_}/approve", {"note": ""}, content_type="application/json")

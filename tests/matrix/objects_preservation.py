"""Objects of preservation as they stand in the tables: the matrix asks without vaultd."""

from __future__ import annotations

from datetime import timedelta

from gwanje.centre import common
from gwanje.centre.preservation.models import Application, Deletion, Hold, HoldAct, HoldCamera


def hold(world):
    """A standing hold of the chief officer's."""
    now, camera = common.clock().now(), world.thing("playback_camera")
    made = Hold.objects.create(
        agency_id=world.city.pk, kind="investigation", ground="investigation", ground_title="수사", case="2026-7",
        reason="동선 확인 필요", requester=world.officers["chief_officer"], requester_role="chief_officer",
        reviewer=world.officers["privacy_officer"], made_at=now, ends_at=now + timedelta(days=30),
        seconds=60, bytes=600,
    )  # fmt: skip
    HoldCamera.objects.create(
        agency_id=world.city.pk, hold=made, camera=camera, label="가-1", slot=999, class_number=1, seconds=60,
        first=int(now.timestamp()) - 600, until=int(now.timestamp()) - 540,
    )  # fmt: skip
    return made


def act(world):
    """An end that the privacy officer asked for."""
    return HoldAct.objects.create(
        agency_id=world.city.pk, hold_id=world.thing("held_deciding"), act="end", reason="사건이 끝남",
        decision=b"d" * 32,
        decision_body=b"x", asked_by=world.officers["privacy_officer"], asked_role="privacy_officer",
        asked_at=common.clock().now(),
    )  # fmt: skip


def application(world):
    """A citizen's application."""
    now = common.clock().now()
    return Application.objects.create(
        agency_id=world.city.pk, number="연장-2026-0001", received_on=now.date(), subject_name="홍길동",
        subject_phone="010", subject_birth="1980-01-01", subject_address="가온로 1", place="가-1", purpose="사고 확인",
        keep_from=now.date(), keep_until=now.date(), consent=True, hold=hold(world),
        entered_by=world.officers["manager"], entered_at=now,
    )  # fmt: skip


def deletion(world):
    """A deletion that the privacy officer asked for."""
    now, camera = common.clock().now(), world.thing("playback_camera")
    return Deletion.objects.create(
        agency_id=world.city.pk, camera=camera, label="가-1", slot=999, first=int(now.timestamp()) - 500,
        until=int(now.timestamp()) - 440, case="청구-1", applicant="홍길동", reason="집 안이 보임", seconds=60,
        decision=b"d" * 32, decision_body=b"x", asked_by=world.officers["privacy_officer"],
        asked_role="privacy_officer", asked_at=now,
    )  # fmt: skip


OBJECTS = {
    "held_hold": hold,
    "held_deciding": hold,
    "hold_act": act,
    "hold_ends": lambda world: (common.clock().now() + timedelta(days=60)).isoformat(),
    "hold_day": lambda world: (common.clock().now() + timedelta(days=60)).date().isoformat(),
    "held_application": application,
    "held_deletion": deletion,
    "moment_first": lambda world: f"{common.clock().local() - timedelta(seconds=560):%Y-%m-%d %H:%M:%S}",
    "moment_until": lambda world: f"{common.clock().local() - timedelta(seconds=460):%Y-%m-%d %H:%M:%S}",
}

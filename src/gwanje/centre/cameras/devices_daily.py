"""The daily look at every device (장치 일일 확인): asks each ONVIF camera once a day, and what its answer changes.

Spread over the day by the camera's id, bounded, and never with an account of the maker's: devices lock themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gwanje.centre.cameras.models import ACTIVE, Camera
from gwanje.centre.common import clock, cursor
from gwanje.kernel import devices, events, ledger
from gwanje.kernel.devices import BadTask, Task
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry

DAY_S = 86_400
# sixty each five minutes are 17,280 a day; persons go first and have the other forty of an agency's hundred places
OPEN_MAX = 60
# a device's clock further off than this is shown; the recorder's inspection makes it a finding of the journal
CLOCK_MAX_S = 5.0
CONCERNS = ("firmware", "device", "account", "factory", "clock")
WORDS = {
    "firmware": ("펌웨어가 바뀌었습니다", "its firmware has changed"),
    "device": ("다른 기기(일련번호)가 응답합니다", "another device (serial number) answers"),
    "account": ("봉인된 접속 계정을 받아들이지 않습니다", "it refuses the sealed account"),
    "factory": ("공장 출하 계정으로 열려 있습니다", "it is open under its factory account"),
    "clock": ("시각이 5초 넘게 틀립니다", "its clock is off by more than 5 seconds"),
}


def moment(camera: UUID, now: datetime) -> datetime:
    """The latest moment at which a camera was due: one second of the day that its id names, the same every day."""
    of_day = camera.int % DAY_S
    return now - timedelta(seconds=(int(now.timestamp()) - of_day) % DAY_S)


def ask_due(limit: int = OPEN_MAX) -> int:
    """Ask devices whose moment has come since they were last asked (장치 일일 확인 요청); how many.

    For the duty, system scope, inside a transaction. At most 60 wait at a time, whoever's they are.
    """
    now = clock().now()
    rows = cursor()
    rows.execute("select count(*) from device_task where done_at is null and person is null and kind = 'probe'")
    room = min(limit, OPEN_MAX - rows.fetchone()[0])
    if room <= 0:
        return 0
    asked: dict[UUID, list[UUID]] = {}
    for row in _due(now, room):
        address = {key: row.connection[key] for key in ("onvif", "tls") if row.connection.get(key)}
        try:
            asks = {**address, "factory": False, "once": True}
            devices.ask(cursor(), Task("probe", row.agency_id, row.id, asks, row.sealed), now)
        except BadTask:
            # the agency's places are taken by persons: its devices are asked when there is room
            continue
        asked.setdefault(row.agency_id, []).append(row.id)
    for agency, cameras in asked.items():
        ledger.append(cursor(), clock(), Entry("cameras.device.asked", "done", agency=agency, cameras=cameras,
                                               detail={"kind": "probe", "daily": True}, dies="registry"))  # fmt: skip
    return sum(len(cameras) for cameras in asked.values())


def _due(now: datetime, room: int) -> list[Camera]:
    """Cameras in service with an ONVIF address, not asked since their moment; the longest overdue first."""
    rows = cursor()
    rows.execute(
        "select c.id, (select max(t.asked_at) from device_task t where t.camera = c.id and t.kind = 'probe') "
        "from cameras_camera c where c.state = %s and coalesce(c.connection ->> 'onvif', '') <> '' limit 50000",
        [ACTIVE],
    )
    start = datetime.min.replace(tzinfo=UTC)
    due = [(last or start, id_) for id_, last in rows.fetchall() if last is None or last < moment(id_, now)]
    wanted = [id_ for _, id_ in sorted(due)[:room]]
    return list(Camera.objects.select_for_update(skip_locked=True).filter(pk__in=wanted))


def concerns(answer: Mapping[str, Any], changed: str, factory: bool | None) -> list[str]:
    """What of an answer somebody should see: words of ``CONCERNS``. ``changed``: firmware, device or nothing."""
    found = [changed] if changed else []
    if any(fault.get("fault") == "account" for fault in answer.get("faults", ())):
        found.append("account")
    if factory:
        found.append("factory")
    offset = answer.get("clock_s")
    if offset is not None and abs(offset) > CLOCK_MAX_S:
        found.append("clock")
    return found


def tell(row: Camera, found: list[str], before: list[str]) -> None:
    """One event for what was not said of this camera yesterday; last in its transaction. No address, no account."""
    new = sorted(set(found) - set(before))
    if new:
        ko, en = (", ".join(WORDS[name][place] for name in new) for place in (0, 1))
        body = {"number": row.number, "place": row.place, "concerns": new,
                "ko": f"{row.number} 기기 확인: {ko}", "en": f"{row.number} device: {en}"}  # fmt: skip
        events.emit(cursor(), clock(), Event("cameras.device.concern", "cameras", 2, cameras=[row.id], body=body,
                                             agency=row.agency_id))  # fmt: skip

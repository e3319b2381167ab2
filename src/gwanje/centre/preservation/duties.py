"""Duties of preservation (보존 기한): warn before an end, mark what has ended, reconcile with vaultd. Idempotent.

vaultd is the truth: a hold that it has and the centre does not know is adopted and alarmed; one that it no longer has
is over here, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import clock, cursor, system_scope
from gwanje.centre.preservation.models import ASKED, DIED, ENDED, LAPSED, STANDING, Hold, HoldCamera
from gwanje.centre.preservation.reading import days_left
from gwanje.centre.retention import api as retention
from gwanje.kernel import events, ledger
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry

WARN_DAYS = (7, 1)
BATCH = 500


@dataclass
class Report:
    """What one run did."""

    warned: int = 0
    died: int = 0
    adopted: int = 0
    corrected: int = 0


def run(client: Any) -> Report:
    """One round; VaultAway goes up when vaultd does not answer. ``client``: a VaultClient."""
    report = Report()
    known = {hold.id: hold for hold in client.holds()}
    with system_scope():
        for row in Hold.objects.select_for_update().filter(state=STANDING)[:BATCH]:
            _follow(row, known.get(row.pk), report)
        mine = set(Hold.objects.filter(pk__in=list(known)).values_list("pk", flat=True))
        for id_, found in known.items():
            if id_ not in mine and found.ends > clock().now_s():
                _adopt(found, report)
    return report


def _follow(row: Hold, found: Any, report: Report) -> None:
    now = clock().now()
    if row.ends_at <= now or found is None:
        over = found is None and row.ends_at > now
        row.state, row.closed_at = (ENDED if over else DIED), now
        row.save(update_fields=["state", "closed_at"])
        row.acts.filter(state=ASKED).update(state=LAPSED)
        report.died += 1
        _row(row, "preservation.hold.died", early=over)
        if over:
            report.corrected += 1
            _tell(
                row,
                "preservation.hold.missing",
                3,
                f"보존({row.case})이 영상 키 관리 장치에 없습니다. 화면의 보존을 끝난 것으로 고쳤습니다.",
                f"The hold {row.case} is not in the key service; it is marked as ended.",
            )
        return
    if found.ends != int(row.ends_at.timestamp()):
        row.ends_at, row.warned = datetime.fromtimestamp(found.ends, UTC), 0
        row.save(update_fields=["ends_at", "warned"])
        report.corrected += 1
        _row(row, "preservation.hold.corrected")
        _tell(
            row,
            "preservation.hold.corrected",
            3,
            f"보존({row.case})의 끝을 영상 키 관리 장치의 기록대로 고쳤습니다.",
            f"The end of the hold {row.case} was corrected to what the key service has.",
        )
    _warn(row, now, report)


def _warn(row: Hold, now: datetime, report: Report) -> None:
    due = [days for days in WARN_DAYS if row.ends_at <= now + timedelta(days=days)]
    if not due or (row.warned and row.warned <= min(due)):
        return
    row.warned = min(due)
    row.save(update_fields=["warned"])
    report.warned += 1
    left = days_left(row.ends_at)
    _row(row, "preservation.hold.warned", days=left)
    _tell(
        row,
        "preservation.hold.ending",
        2 if row.warned > 1 else 3,
        f"보존({row.case})이 {left}일 안에 끝납니다. 더 필요하면 끝나기 전에 연장을 신청하십시오.",
        f"The hold {row.case} ends within {left} days; ask to prolong it before the end if it is still needed.",
    )


def _adopt(found: Any, report: Report) -> None:
    """vaultd has a hold that the database lost (a commit failed, or an older database was restored)."""
    views = {view.id: view for view in cameras.cameras([lens.camera for lens in found.lenses])}
    agency = next((view.agency for view in views.values()), retention.centre().agency)
    if agency is None:
        return
    seconds = sum(lens.until - lens.first for lens in found.lenses)
    row = Hold.objects.create(
        id=found.id,
        agency_id=agency,
        kind=found.kind,
        ground=found.ground,
        ground_title=found.ground,
        case=found.case,
        reason="",
        adopted=True,
        made_at=clock().now(),
        ends_at=datetime.fromtimestamp(found.ends, UTC),
        seconds=seconds,
        bytes=0,
    )
    HoldCamera.objects.bulk_create(
        HoldCamera(
            agency_id=agency,
            hold=row,
            camera=lens.camera,
            slot=lens.slot,
            class_number=lens.class_,
            first=lens.first,
            label=views[lens.camera].label if lens.camera in views else str(lens.camera),
            until=lens.until,
            seconds=lens.until - lens.first,
        )
        for lens in found.lenses
    )
    report.adopted += 1
    _row(row, "preservation.hold.adopted")
    _tell(
        row,
        "preservation.hold.adopted",
        3,
        f"데이터베이스에 없던 보존({row.case})을 영상 키 관리 장치에서 찾아 등록하였습니다. 책임자가 확인하십시오.",
        f"A hold ({row.case}) was found in the key service and not in the database; it was adopted.",
    )


def _row(row: Hold, kind: str, **detail: Any) -> None:
    own = list(row.cameras.all())
    entry = Entry(
        kind,
        "done",
        agency=row.agency_id,
        norms=("hold.basis",),
        ground=row.ground,
        case=row.case,
        cameras=list(dict.fromkeys(c.camera for c in own)),
        first=min((c.first for c in own), default=None),
        until=max((c.until for c in own), default=None),
        detail={"hold": row.pk, "ends": row.ends_at.isoformat(), **detail},
        dies="destruction",
    )
    ledger.append(cursor(), clock(), entry)


def _tell(row: Hold, kind: str, severity: int, ko: str, en: str) -> None:
    body = {"hold": str(row.pk), "case": row.case, "ends": row.ends_at.isoformat(), "ko": ko, "en": en}
    ids = list(dict.fromkeys(row.cameras.values_list("camera", flat=True)))[:64]
    events.emit(cursor(), clock(), Event(kind, "preservation", severity, cameras=ids, body=body, agency=row.agency_id))

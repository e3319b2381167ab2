"""Duties of inspection (점검 기한): findings and long gaps become rows of the journal, what heals says so, and a month
that was not inspected is an alarm. Idempotent, safe to kill at any line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.utils import translation

from gwanje.centre.cameras import api as cameras
from gwanje.centre.cameras.api import CameraView
from gwanje.centre.common import clock, cursor, system_scope
from gwanje.centre.inspection import reading
from gwanje.centre.inspection.models import NO_SIGNAL, Fault
from gwanje.centre.inspection.words import HEALED, KIND_NAMES, said
from gwanje.centre.staff import api as staff
from gwanje.kernel import events, findings, ledger
from gwanje.kernel.events import Event
from gwanje.kernel.findings import Finding
from gwanje.kernel.ledger import Entry

NO_SIGNAL_MIN = 10
GAP_REASONS = ("network", "camera")
GAP_WORDS = {"network": "통신 두절", "camera": "기기 무응답"}
LOOK_BACK = timedelta(days=40)
ROUNDS_MAX, BATCH = 20, 500


@dataclass
class Report:
    """What one run did."""

    opened: int = 0
    healed: int = 0
    overdue: int = 0


def run() -> Report:
    """Everything once, in transactions of at most 500 rows."""
    report = Report()
    for _ in range(ROUNDS_MAX):
        with system_scope():
            if not _read_findings(report):
                break
    for step in (_open_gaps, _close_gaps):
        for _ in range(ROUNDS_MAX):
            with system_scope():
                if step(report) < BATCH:
                    break
    with system_scope():
        _overdue(report)
    return report


def _at(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


def _views(ids: set[UUID]) -> dict[UUID, CameraView]:
    return {found.id: found for found in cameras.cameras(ids)}


def _read_findings(report: Report) -> bool:
    rows = findings.unread(cursor(), BATCH)
    known = _views({row.camera for row in rows})
    for row in rows:
        camera = known.get(row.camera)
        # a camera that was taken out of the register keeps its row under the number that the recorder knew
        _take(row, camera, report)
    findings.mark_read(cursor(), [row.id for row in rows])
    return len(rows) == BATCH


def _take(row: Finding, camera: CameraView | None, report: Report) -> None:
    fault, made = Fault.objects.get_or_create(
        source_id=row.id,
        defaults={
            "agency_id": row.agency, "camera_id": row.camera, "kind": row.kind, "detail": row.detail,
            "name": camera.place if camera else "", "number": camera.number if camera else str(row.camera)[:8],
            "said": said(row.kind, row.detail), "occurred_at": _at(row.started_us),
        },
    )  # fmt: skip
    if row.segment_id is not None and not fault.segment:
        fault.segment = row.segment_id.hex()
        fault.picture_at = _at(row.picture_us) if row.picture_us else None
        fault.save(update_fields=["segment", "picture_at"])
    if made:
        _opened(fault, report)
    if row.ended_us is not None and fault.healed_at is None:
        _healed(fault, _at(row.ended_us), report)


def _english(kind: str) -> str:
    with translation.override("en"):
        return str(KIND_NAMES[kind])


def _opened(fault: Fault, report: Report) -> None:
    report.opened += 1
    detail = {"fault": str(fault.pk), "kind": fault.kind}
    entry = Entry("inspection.fault.found", "done", agency=fault.agency_id, cameras=[fault.camera_id], detail=detail,
                  dies="registry")  # fmt: skip
    ledger.append(cursor(), clock(), entry)
    body = {"said": fault.said, "number": fault.number, "name": fault.name, "fault": str(fault.pk),
            "ko": f"{fault.number} 장애: {fault.said}",
            "en": f"{fault.number} fault: {_english(fault.kind)}"}  # fmt: skip
    events.emit(cursor(), clock(), Event("inspection.fault", "inspection", 2, cameras=[fault.camera_id], body=body,
                                         agency=fault.agency_id))  # fmt: skip


def _healed(fault: Fault, at: datetime, report: Report) -> None:
    report.healed += 1
    fault.healed_at = max(at, fault.occurred_at)
    fault.handled_at = fault.handled_at or fault.healed_at
    if fault.signed_at is None:
        fault.note = HEALED if not fault.note else fault.note
    fault.save(update_fields=["healed_at", "handled_at", "note"])
    entry = Entry("inspection.fault.healed", "done", agency=fault.agency_id, cameras=[fault.camera_id],
                  detail={"fault": str(fault.pk)}, dies="registry")  # fmt: skip
    ledger.append(cursor(), clock(), entry)


def _open_gaps(report: Report) -> int:
    """Cameras without a signal for longer than ten minutes, still or again."""
    now_us = clock().now_us()
    rows = cursor()
    rows.execute(
        "select g.id, g.camera, g.agency, g.reason, g.started_us, g.ended_us from footage_gap g "
        "where g.stream = 0 and g.reason = any(%s) and g.started_us > %s and coalesce(g.ended_us, %s) - g.started_us "
        ">= %s and not exists (select 1 from inspection_fault f where f.source_id = g.id) "
        "order by g.started_us limit %s",
        [list(GAP_REASONS), now_us - int(LOOK_BACK.total_seconds() * 1e6), now_us, NO_SIGNAL_MIN * 60_000_000, BATCH],
    )
    found = rows.fetchall()
    known = _views({row[1] for row in found})
    for id_, camera_id, agency, reason, started, ended in found:
        camera = known.get(camera_id)
        detail = {"reason": GAP_WORDS.get(reason, reason)}
        fault = Fault.objects.create(
            source_id=id_, agency_id=agency, camera_id=camera_id, kind=NO_SIGNAL, detail=detail,
            name=camera.place if camera else "", number=camera.number if camera else str(camera_id)[:8],
            said=said(NO_SIGNAL, detail), occurred_at=_at(started),
        )  # fmt: skip
        _opened(fault, report)
        if ended is not None:
            _healed(fault, _at(ended), report)
    return len(found)


def _close_gaps(report: Report) -> int:
    rows = cursor()
    rows.execute(
        "select f.id, g.ended_us from inspection_fault f join footage_gap g on g.id = f.source_id "
        "where f.kind = %s and f.healed_at is null and g.ended_us is not null limit %s",
        [NO_SIGNAL, BATCH],
    )
    found = rows.fetchall()
    for id_, ended in found:
        _healed(Fault.objects.get(pk=id_), _at(ended), report)
    return len(found)


def _overdue(report: Report) -> None:
    """One alarm a day and agency while the month's inspection is overdue."""
    for agency in staff.agencies().filter(kind="city"):
        since = first_day(agency.pk)
        found = reading.due(agency.pk, since) if since else None
        if found is None or not found.overdue:
            continue
        report.overdue += 1
        said_before = cursor()
        said_before.execute(
            "select 1 from event where kind = 'inspection.overdue' and agency = %s and at > %s limit 1",
            [agency.pk, clock().now() - timedelta(days=1)],
        )
        if said_before.fetchone() is None:
            body = {"due": str(found.duty.due_on), "ko": found.duty.basis_ko, "en": found.duty.basis_en}
            events.emit(cursor(), clock(), Event("inspection.overdue", "inspection", 3, body=body, agency=agency.pk))


def first_day(agency: UUID) -> date | None:
    """The day the agency's first camera was registered: its first inspection lies in that month; None without one."""
    found = cameras.first_registered(agency)
    return found.astimezone(clock().zone).date() if found else None

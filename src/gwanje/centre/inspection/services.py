"""Writing the journal (점검일지 기록): the only place that writes here; each act has its ledger row."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import absent, clock, cursor, demand
from gwanje.centre.common.refusal import Problem
from gwanje.centre.inspection import reading, rules
from gwanje.centre.inspection.models import BY_HAND, Fault, Month, Ticket
from gwanje.centre.staff import api as staff
from gwanje.kernel import ledger
from gwanje.kernel.actor import MAINTENANCE, Actor
from gwanje.kernel.canonical import nfc
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.law import Decision

TEXT_MAX = 500
STEP_WORDS = {"acknowledged": "acknowledged_at", "on_site": "on_site_at", "repaired": "repaired_at"}
ORDER = ("sent_at", "acknowledged_at", "on_site_at", "repaired_at")


def own(actor: Actor) -> Resource:
    """The actor's own agency as what is acted on."""
    return Resource("agency", agency=actor.agency)


def rule_text() -> str:
    """Articles that the journal rests on, as text."""
    return "; ".join(str(article) for article in reading.articles())


def _text(value: str, ko: str, en: str, *, needed: bool = True) -> str:
    made = nfc(value.strip())
    if len(made) > TEXT_MAX or (needed and len(made) < 2):
        raise Problem(
            "text", f"{ko}을(를) 2자에서 {TEXT_MAX}자로 적으십시오.", f"Write {en} in 2 to {TEXT_MAX} characters.",
            rule=rule_text(),
        )  # fmt: skip
    return made


def fault(actor: Actor, action: str, id_: UUID, *, lock: bool = False) -> tuple[Fault, Decision]:
    """A row of the actor's agency and the Decision that lets the actor act on it; 404 for another agency's."""
    rows = Fault.objects.select_for_update() if lock else Fault.objects.all()
    row = rows.filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, action, "fault", id_)
    return row, demand(actor, action, Resource("fault", row.pk, row.agency_id, row.camera_id))


@transaction.atomic
def enter(actor: Actor, camera: UUID, said: str, occurred_at: datetime) -> Fault:
    """A fault that a person saw (장애 접수)."""
    found = cameras.camera(camera)
    if found is None or found.agency != actor.agency:
        raise absent(actor, rules.ENTER, "camera", camera)
    decision = demand(actor, rules.ENTER, found.resource)
    if occurred_at > clock().now():
        raise Problem("future", "장애발생일자가 앞날입니다.", "The fault lies in the future.", rule=rule_text())
    row = Fault.objects.create(
        agency_id=found.agency, camera_id=found.id, name=found.place, number=found.number, kind=BY_HAND,
        said=_text(said, "장애내용", "what is wrong"), occurred_at=occurred_at,
    )  # fmt: skip
    _note(actor, "inspection.fault.entered", decision, row, {"said": row.said})
    return row


@transaction.atomic
def sign(actor: Actor, id_: UUID, inspected: str, result: str, note: str) -> Fault:
    """Sign what was inspected and how it ended (점검내역·처리결과 확인); a signed row stays as it is."""
    row, decision = fault(actor, rules.SIGN, id_, lock=True)
    if row.signed_at is not None:
        raise Problem(
            "signed", "이미 확인한 점검입니다. 고칠 수 없습니다.", "Signed already; it cannot be changed.",
            rule=rule_text(), next_="새 장애로 접수하십시오.", next_en="Enter a new fault.", status=409,
        )  # fmt: skip
    row.inspected = _text(inspected, "점검내역", "what was inspected")
    row.result = _text(result, "처리결과", "the result")
    row.note = _text(note, "기타사항", "remarks", needed=False)
    row.signed_by, row.signer, row.signed_at = actor.person, actor.name, clock().now()
    row.handled_at = row.handled_at or row.healed_at or row.signed_at
    row.save()
    _note(actor, "inspection.fault.signed", decision, row, {"inspected": row.inspected, "result": row.result})
    return row


@transaction.atomic
def send(actor: Actor, id_: UUID, contractor: UUID, asked: str) -> Ticket:
    """Hand a fault to a person of the maintenance contractor (유지관리 의뢰)."""
    row, decision = fault(actor, rules.SEND, id_, lock=True)
    person = staff.holders(MAINTENANCE, agency=row.agency_id).filter(pk=contractor).first()
    if person is None:
        raise Problem("contractor", "유지관리 담당자가 아닙니다.", "Not a person of the maintenance contractor.")
    if row.signed_at is not None or Ticket.objects.filter(fault=row).exists():
        raise Problem("sent", "이미 의뢰하였거나 처리가 끝난 장애입니다.", "Sent or finished already.", status=409)
    made = Ticket.objects.create(
        agency_id=row.agency_id, fault=row, contractor_id=person.pk, contractor=person.name,
        asked=_text(asked, "의뢰 내용", "what is asked", needed=False), sent_by=actor.person, sent_at=clock().now(),
    )  # fmt: skip
    _note(actor, "inspection.ticket.sent", decision, row, {"ticket": str(made.pk), "contractor": str(person.pk)})
    return made


@transaction.atomic
def progress(actor: Actor, id_: UUID, step: str, report: str) -> Ticket:
    """The contractor's next step (접수, 현장 도착, 수리 완료): in order, each once, with its time."""
    row = Ticket.objects.select_for_update().filter(pk=id_, agency_id=actor.agency).select_related("fault").first()
    if row is None or (actor.has(MAINTENANCE) and row.contractor_id != actor.person):
        raise absent(actor, rules.PROGRESS, "ticket", id_)
    facts = {"contractor": row.contractor_id}
    decision = demand(actor, rules.PROGRESS, Resource("ticket", row.pk, row.agency_id, None, facts))
    name = STEP_WORDS.get(step, "")
    place = ORDER.index(name) if name else 0
    if not name or getattr(row, name) is not None or getattr(row, ORDER[place - 1]) is None:
        raise Problem(
            "step", "순서에 맞지 않는 처리 단계입니다(접수 → 현장 도착 → 수리 완료).",
            "Steps go in order: acknowledged, on site, repaired.", status=409,
        )  # fmt: skip
    now = clock().now()
    if step == "repaired":
        row.report = _text(report, "수리 내용", "what was repaired")
        row.fault.handled_at = now
        row.fault.save(update_fields=["handled_at"])
    setattr(row, name, now)
    row.save()
    _note(actor, f"inspection.ticket.{step}", decision, row.fault, {"ticket": str(row.pk), "report": row.report})
    return row


@transaction.atomic
def close_month(actor: Actor, year: int, month: int, summary: str) -> Month:
    """Close a month's self-inspection (월 자체 점검 마감): only when each row of that month has its result."""
    decision = demand(actor, rules.CLOSE, own(actor))
    span = reading.span(year, month)
    today = clock().local().date()
    if span is None or (year, month) > (today.year, today.month):
        raise Problem("month", "마감할 수 있는 달이 아닙니다.", "Not a month that can be closed.", rule=rule_text())
    rows = Fault.objects.filter(agency_id=actor.agency, occurred_at__gte=span[0], occurred_at__lt=span[1])
    left = rows.filter(signed_at__isnull=True).count()
    if left:
        raise Problem(
            "open_results", f"처리결과를 적지 않은 점검이 {left}건 있어 마감할 수 없습니다.",
            f"{left} rows have no result yet; the month cannot be closed.", rule=rule_text(),
            next_="점검내역과 처리결과를 적고 다시 마감하십시오.", next_en="Sign them, then close again.", status=409,
        )  # fmt: skip
    made = Month.objects.create(
        agency_id=actor.agency, year=year, month=month, faults=rows.count(),
        cameras=len([c for c in cameras.cameras(active_only=True) if c.agency == actor.agency]),
        summary=_text(summary, "점검 결과", "the result"), closed_by=actor.person, closer=actor.name,
        closed_at=clock().now(),
    )  # fmt: skip
    detail = {"month": str(made), "faults": made.faults, "cameras": made.cameras, "summary": made.summary}
    entry = Entry.by(actor, "inspection.month.closed", "done", decision, detail=detail, dies="registry")
    ledger.append(cursor(), clock(), entry)
    return made


def _note(actor: Actor, kind: str, decision: Decision, row: Fault, detail: dict[str, Any]) -> None:
    said = {"fault": str(row.pk), **detail}
    entry = Entry.by(actor, kind, "done", decision, cameras=[row.camera_id], detail=said, dies="registry")
    ledger.append(cursor(), clock(), entry)

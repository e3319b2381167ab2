"""Mandates (권한의 수임): one document for many cameras, with its purposes, hours and end; the cameras carry its copy.

A camera's own columns decide, so that the wall asks one row: they are written here, in the transaction of the mandate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import rules
from gwanje.centre.cameras.models import Camera, Mandate
from gwanje.centre.cameras.services import not_darkened, require
from gwanje.centre.common import absent, clock, cursor, law
from gwanje.centre.common.refusal import Problem, clean
from gwanje.kernel import events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource

CAMERAS_MAX = 2_000
SPANS_MAX = 8
WARN_DAYS = (30, 7, 1)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class NewMandate:
    """What the document says; ``cameras`` of the owning agency that it covers."""

    owner: UUID
    document: str
    purposes: tuple[str, ...]
    starts_on: date
    ends_on: date | None = None
    hours: dict[str, Any] = field(default_factory=dict)
    cameras: tuple[UUID, ...] = ()


def checked_hours(hours: dict[str, Any]) -> dict[str, Any]:
    """``{"days": [0-6], "spans": [["07:00", "19:00"], …]}`` as it is stored; Problem for anything else."""
    spans = [list(span) for span in hours.get("spans") or []]
    days = sorted(set(hours.get("days") or []))
    right = all(len(s) == 2 and all(_TIME.fullmatch(str(t)) for t in s) and s[0] != s[1] for s in spans)
    if not right or len(spans) > SPANS_MAX or not set(days) <= set(range(7)):
        raise Problem(
            "hours", "시간대는 07:00~19:00처럼 적습니다.", "Hours are written like 07:00-19:00.",
            rule=f"{SPANS_MAX}", next_="시작과 끝을 확인하십시오.", next_en="Check start and end.",
        )  # fmt: skip
    return {"days": days, "spans": spans} if spans or days else {}


@transaction.atomic
def record(actor: Actor, new: NewMandate) -> Mandate:
    """Record a mandate and put its cameras under it (권한 수임 기록); Problem for what the document cannot mean."""
    require(actor, rules.WRITE, Resource("mandate", agency=actor.agency))
    document = clean(new.document, 200, "수임 문서", "the document")
    public = set(law().parameter("camera.purposes").value)
    if len(document) < 2 or not new.purposes or not set(new.purposes) <= public:
        raise Problem(
            "mandate", "수임 문서와, 규정이 정한 공공 목적을 하나 이상 적으십시오.",
            "Give the document and at least one public purpose of the rules.",
        )  # fmt: skip
    if new.owner == actor.agency or (new.ends_on is not None and new.ends_on < new.starts_on):
        raise Problem(
            "mandate", "다른 기관의 문서와 올바른 기간이어야 합니다.", "Another agency's document, a true range."
        )
    row = Mandate.objects.create(
        agency_id=actor.agency, owner_id=new.owner, document=document, purposes=sorted(set(new.purposes)),
        hours=checked_hours(new.hours), starts_on=new.starts_on, ends_on=new.ends_on,
        recorded_by=actor.person, recorded_at=clock().now(),
    )  # fmt: skip
    said = _cover(row, new.cameras)
    detail = {"mandate": row.pk, "document": document, "owner": new.owner, "purposes": row.purposes,
              "from": str(row.starts_on), "until": str(row.ends_on or ""), "cameras": len(said)}  # fmt: skip
    _note(actor, "cameras.mandate.recorded", said, detail)
    return row


def _cover(row: Mandate, ids: Sequence[UUID]) -> list[UUID]:
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > CAMERAS_MAX:
        raise Problem("cameras", f"한 번에 {CAMERAS_MAX}대까지입니다.", f"At most {CAMERAS_MAX} cameras at once.")
    found = Camera.objects.select_for_update().filter(pk__in=wanted, agency_id=row.agency_id, owner_id=row.owner_id)
    if found.count() != len(wanted):
        raise Problem("cameras", "그 기관의 기기가 아닌 것이 있습니다.", "A camera does not belong to that agency.")
    not_darkened(found, row.starts_on)
    found.update(mandated=row, **_copied(row), changed_at=clock().now())
    return wanted


def _copied(row: Mandate) -> dict[str, Any]:
    return {
        "mandate": row.document, "mandate_from": row.starts_on, "mandate_until": row.ends_on,
        "mandate_purposes": row.purposes, "mandate_hours": row.hours,
    }  # fmt: skip


@transaction.atomic
def end(actor: Actor, id_: UUID, reference: str) -> Mandate:
    """End a mandate today (수임 종료): its cameras show nothing from tomorrow, and are suspended by the duty.

    One that has not begun ends before its first day and opens nothing on it.
    """
    row = Mandate.objects.select_for_update().filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, rules.WRITE, "mandate", id_)
    require(actor, rules.WRITE, Resource("mandate", row.pk, row.agency_id))
    text = clean(reference, 200, "종료 문서", "the document")
    today = clock().local().date()
    if not text or row.ended_reference or (row.ends_on is not None and row.ends_on < today):
        raise Problem(
            "ended", "종료 문서를 적으십시오. 이미 끝난 수임은 바꾸지 않습니다.", "Name the document; it may be over."
        )
    row.ends_on, row.ended_reference = today, text
    row.save(update_fields=["ends_on", "ended_reference"])
    said = list(row.cameras.values_list("pk", flat=True))
    row.cameras.update(**_copied(row), changed_at=clock().now())
    _note(actor, "cameras.mandate.ended", said, {"mandate": row.pk, "until": str(row.ends_on), "reference": text})
    return row


def _note(actor: Actor, kind: str, ids: Sequence[UUID], detail: dict[str, Any]) -> None:
    entry = Entry.by(actor, kind, "done", None, cameras=list(ids)[:200], detail=detail, dies="registry")
    ledger.append(cursor(), clock(), entry)


def warn() -> int:
    """Say 30, 7 and 1 days before that a mandate ends (수임 만료 예고), once each; for the duty, system scope."""
    today, said = clock().local().date(), 0
    near = Mandate.objects.filter(ends_on__gte=today, ends_on__lte=today + timedelta(days=max(WARN_DAYS)))
    for row in near.order_by("ends_on")[:500]:
        left = (row.ends_on - today).days if row.ends_on else 0
        mark = min((day for day in WARN_DAYS if left <= day), default=None)
        if mark is None or _told(row, mark):
            continue
        body = {
            "mandate": str(row.pk), "mark": mark,
            "ko": f"권한 수임이 {row.ends_on}에 끝납니다: {row.document}",
            "en": f"A mandate ends on {row.ends_on}: {row.document}",
        }  # fmt: skip
        events.emit(cursor(), clock(), Event("cameras.mandate.ending", "cameras", 2, body=body, agency=row.agency_id))
        said += 1
    return said


def _told(row: Mandate, mark: int) -> bool:
    rows = cursor()
    rows.execute(
        "select 1 from event where kind = 'cameras.mandate.ending' and agency = %s and body->>'mandate' = %s "
        "and (body->>'mark')::int <= %s limit 1",
        [row.agency_id, str(row.pk), mark],
    )
    return rows.fetchone() is not None


def of_agency(agency: UUID | None) -> Iterable[Mandate]:
    """Mandates that an agency holds, the newest first; 500 at most."""
    return Mandate.objects.filter(agency_id=agency).prefetch_related("cameras")[:500]

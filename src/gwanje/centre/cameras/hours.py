"""Hours of a camera's purpose (설치목적의 운영시간), and what it serves outside them when approved and on the sign."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import rules
from gwanje.centre.cameras.mandates import checked_hours
from gwanje.centre.cameras.models import Camera
from gwanje.centre.cameras.services import find, require
from gwanje.centre.common import clock, cursor, law
from gwanje.centre.common.refusal import Problem, clean
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource


@dataclass(frozen=True)
class Hours:
    """``hours``: days and spans (``mandates.checked_hours``); ``secondary``: shared words of purposes approved outside
    them, on which ``approval`` (document), and whether the sign names them."""

    hours: dict[str, Any] = field(default_factory=dict)
    secondary: tuple[str, ...] = ()
    approval: str = ""
    on_sign: bool = False


@transaction.atomic
def set_hours(actor: Actor, id_: UUID, new: Hours) -> Camera:
    """Record when a camera serves its purpose (운영시간 기록); empty hours = always."""
    row = find(actor, id_)
    require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    spans, approval = checked_hours(new.hours), clean(new.approval, 200, "승인 문서", "the approval")
    public = set(law().parameter("camera.purposes").value)
    if not set(new.secondary) <= public:
        raise Problem("secondary", "규정이 정한 공공 목적이 아닙니다.", "Not a public purpose of the rules.")
    if new.secondary and not approval:
        raise Problem(
            "approval", "운영시간 밖의 목적에는 승인 문서가 있어야 합니다.",
            "A purpose outside the hours needs the document that approves it.",
        )  # fmt: skip
    more = {"secondary": sorted(set(new.secondary)), "approval": approval, "on_sign": new.on_sign}
    row.purpose_hours = {**spans, **more} if spans else {}
    row.changed_at = clock().now()
    row.save(update_fields=["purpose_hours", "changed_at"])
    detail = {"number": row.number, "hours": row.purpose_hours}
    entry = Entry.by(actor, "cameras.hours.recorded", "done", None, cameras=[row.id], detail=detail, dies="registry")
    ledger.append(cursor(), clock(), entry)
    return row

"""API of inspection (점검 API): the journal of a month."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema

from gwanje.centre.common import OFFSET_MAX, demand
from gwanje.centre.common.doors import acting
from gwanje.centre.inspection import reading, rules, services

router = Router(tags=["inspection"])


class FaultOut(Schema):
    """One row of the journal; ``sealed`` true when a thumbnail lies sealed."""

    id: UUID
    camera_id: UUID
    number: str
    name: str
    kind: str
    said: str
    occurred_at: datetime
    healed_at: datetime | None
    handled_at: datetime | None
    inspected: str
    result: str
    note: str
    signed_at: datetime | None
    sealed: bool

    @staticmethod
    def resolve_sealed(row: Any) -> bool:
        """Is there a thumbnail? It opens only by a Permit for its second."""
        return bool(row.segment)


@router.get("/faults", response=list[FaultOut], operation_id="inspection_faults", url_name="inspection-faults",
            summary="Journal of a month (점검일지)")  # fmt: skip
def faults(
    request: HttpRequest, month: str = Query("", max_length=7), limit: int = Query(100, ge=1, le=500),
    offset: int = Query(0, ge=0, le=OFFSET_MAX),
) -> Any:  # fmt: skip
    """Oldest first; the present month when none is named."""
    actor = acting(request)
    demand(actor, rules.READ, services.own(actor))
    return list(reading.rows(actor.agency, *reading.month_of(month))[offset : offset + limit])

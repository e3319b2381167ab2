"""API of the board (기한 API): what is due, and closing it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema

from gwanje.centre.common import OFFSET_MAX, demand
from gwanje.centre.common.doors import acting
from gwanje.centre.duties import reading, rules, services
from gwanje.kernel.policy import Resource

router = Router(tags=["duties"])


class DutyOut(Schema):
    """One duty; ``due_at`` for clocks in hours, ``late``: not done by its last moment."""

    id: UUID
    kind: str
    norm: str
    subject_kind: str
    subject: str
    title_ko: str
    title_en: str
    owner_role: str
    person: UUID | None
    starts_on: date
    due_on: date
    due_at: datetime | None
    basis_ko: str
    basis_en: str
    articles: list[str]
    state: str
    late: bool
    escalated: int
    done_at: datetime | None
    note: str

    @staticmethod
    def resolve_late(row: Any) -> bool:
        """Open and over, or closed after its end."""
        return bool(row.was_late or (row.state == "open" and row.ends_at < reading.span().now))


class CloseIn(Schema):
    """What was done."""

    note: str


@router.get("/board", response=list[DutyOut], operation_id="duties_board", url_name="duties-board",
            summary="Duties by their date (기한 현황)")  # fmt: skip
def board(
    request: HttpRequest, *, state: str = Query("open", max_length=10), section: str = Query("", max_length=10),
    owner: str = Query("", max_length=30), norm: str = Query("", max_length=60), limit: int = Query(100, ge=1, le=500),
    offset: int = Query(0, ge=0, le=OFFSET_MAX),
) -> Any:  # fmt: skip
    """The first due first; ``state=closed``: the last closed first. ``section``: late, today, coming, later."""
    actor = acting(request)
    demand(actor, rules.READ, Resource("agency", agency=actor.agency))
    rows = reading.due(actor, state=state, section_=section, owner=owner, norm=norm)
    return list(rows[offset : offset + limit])


@router.post("/{id_}/close", response=DutyOut, operation_id="duties_close", url_name="duties-close-one",
             summary="Record a duty as done (이행 기록)")  # fmt: skip
def close(request: HttpRequest, id_: UUID, body: CloseIn) -> Any:
    """The same service as the page; late stays late."""
    return services.close(acting(request), [id_], body.note)[0]

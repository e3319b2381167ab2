"""What playback ends when a person leaves (전보·퇴직 시 신청 취소): requests that wait or are approved."""

from __future__ import annotations

from uuid import UUID

from gwanje.centre.common import clock, cursor
from gwanje.centre.playback.models import APPROVED, ASKED, CANCELLED, EXPIRED, VIEWED, Request
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry


def end_for(person: UUID, by: Actor | None) -> dict[str, int]:
    """Cancel the person's own requests, and end those that were viewed; with ``by`` None only count them."""
    rows = Request.objects.filter(requester_id=person, state__in=(ASKED, APPROVED, VIEWED))
    if by is None:
        return {"requests": rows.count()}
    count = 0
    for request in rows.select_for_update(of=("self",)):
        before, request.state = request.state, EXPIRED if request.state == VIEWED else CANCELLED
        request.decided_at = request.decided_at or clock().now()
        request.save(update_fields=["state", "decided_at"])
        detail = {"request": request.pk, "was": before, "because": "departure"}
        entry = Entry(
            "playback.request.cancelled", "done", actor=by.person, agency=request.agency_id, ground=request.ground,
            case=request.case, detail=detail,
        )  # fmt: skip
        ledger.append(cursor(), clock(), entry)
        count += 1
    return {"requests": count}

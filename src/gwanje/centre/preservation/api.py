"""What other rooms may ask preservation (보존 조회): which seconds a hold keeps, and how much holds take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Problem
from gwanje.centre.preservation import reading, services
from gwanje.centre.preservation.models import ASKED, STANDING, WAITING, Deletion, Hold, HoldAct
from gwanje.centre.preservation.reach import deleted
from gwanje.centre.preservation.rules import OFFICERS
from gwanje.kernel.actor import Actor

__all__ = ["HeldSpan", "deleted", "spans", "totals", "waiting"]
totals = reading.totals


@dataclass(frozen=True)
class HeldSpan:
    """Seconds of one camera that a hold keeps; Unix s, half open."""

    camera: UUID
    first: int
    until: int


def waiting(actor: Actor) -> dict[str, int]:
    """What waits for this officer: ``decisions`` asked by others, holds that end ``soon``; nothing for others."""
    if not actor.has(*OFFICERS):
        return {"decisions": 0, "soon": 0}
    week = clock().now() + timedelta(days=reading.SOON_DAYS)
    acts = HoldAct.objects.filter(state=ASKED, hold__state=STANDING).exclude(asked_by_id=actor.person)
    deletions = Deletion.objects.filter(state=WAITING).exclude(asked_by_id=actor.person)
    soon = Hold.objects.filter(state=STANDING, ends_at__gt=clock().now(), ends_at__lte=week)
    return {"decisions": acts.count() + deletions.count(), "soon": soon.count()}


def spans(id_: UUID, actor: Actor, cameras: Sequence[UUID]) -> list[HeldSpan]:
    """What a standing hold keeps of these cameras; Refused, or Problem 409 when it is over."""
    hold = services.readable(id_, actor)
    if reading.state_now(hold) != "standing":
        raise Problem(
            "hold_over", "이미 끝난 보존입니다.", "the hold has ended already.", status=409,
            rule="끝난 보존은 되살릴 수 없습니다.",
        )  # fmt: skip
    rows = hold.cameras.filter(camera__in=list(cameras)).order_by("camera", "first")
    found: list[HeldSpan] = []
    for row in rows:
        last = found[-1] if found else None
        if last and last.camera == row.camera and row.first <= last.until:
            found[-1] = HeldSpan(row.camera, last.first, max(last.until, row.until))
        else:
            found.append(HeldSpan(row.camera, row.first, row.until))
    return found

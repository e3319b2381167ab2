"""Zones of cameras (조작 구역): where a head may look for its purpose, by time of day; drawn and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import devices, models, rules, services
from gwanje.centre.cameras.connection import apply_connection
from gwanje.centre.common import clock, cursor
from gwanje.centre.common.refusal import Problem
from gwanje.kernel.actor import Actor
from gwanje.kernel.devices import Task, latest
from gwanje.kernel.policy import Resource
from gwanje.kernel.zone import BadZone, Spot, as_seen, zone_of


@dataclass(frozen=True)
class Steering:
    """What another room may know: is there a head, is its zone drawn, does the device mask by itself."""

    steerable: bool
    zone: bool
    masks: bool


def steering(camera: UUID) -> Steering:
    """Of one camera in the transaction's scope; nothing is steerable that is not there."""
    row = models.Camera.objects.filter(pk=camera).first()
    if row is None:
        return Steering(False, False, False)
    said = row.connection.get("ptz") or {}
    return Steering(row.ptz and bool(row.connection.get("onvif")), bool(said), bool(said.get("masks")))


def checked(said: Mapping[str, Any]) -> dict[str, Any]:
    """A zone as it may be stored: clear at every hour, with a home inside it; Problem in both languages else."""
    try:
        spans = said.get("hours") or []
        hours = [time.fromisoformat(str(span["from"])) for span in spans] if isinstance(spans, list) else []
        zones = [zone_of(said, at) for at in (time(12, 0), *hours)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        ko, en = (error.ko, error.en) if isinstance(error, BadZone) else ("모양이 맞지 않습니다.", "is out of form")
        raise Problem(
            "zone",
            f"조작 구역을 저장하지 않았습니다. {ko}",
            f"The zone was not saved: {en}",
            rule="ptz.purpose",
            next_="표시된 값을 고친 뒤 다시 저장하십시오. / Mend the value and save again.",
        ) from error
    if any(zone.home is None for zone in zones):
        raise Problem(
            "zone_home",
            "기본 위치가 없어 조작 구역을 저장하지 않았습니다.",
            "The zone was not saved: it has no home.",
            next_="긴급 조작이 끝나면 돌아갈 위치를 정하십시오. / Say where the head returns to after an emergency.",
        )
    return dict(said)


@transaction.atomic
def set_zone(actor: Actor, id_: UUID, said: Mapping[str, Any] | None) -> models.Camera:
    """Draw or remove a camera's zone (조작 구역 설정); without one it is not steered. The recorder follows."""
    row = services.find(actor, id_)
    services.require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    if not row.ptz:
        raise Problem("no_ptz", "회전형 기기가 아닙니다.", "The camera has no head.", status=409)
    zone = checked(said) if said is not None else None
    before = bool(row.connection.get("ptz"))
    apply_connection(row, {"ptz": zone})
    row.changed_at = clock().now()
    services._connect(row)
    row.save()
    detail: dict[str, Any] = {"number": row.number, "drawn": zone is not None, "was_drawn": before}
    if zone is not None:
        detail |= {"forbidden": len(zone.get("forbidden") or []), "hours": len(zone.get("hours") or [])}
        # every edge counts afterwards: what was allowed on that day has to be readable from the row
        detail["zone"] = _texts(zone)
    services._note(actor, "cameras.zone.changed", None, row, detail)
    if zone is not None and zone.get("masks") and row.connection.get("onvif"):
        _ask_masks(actor, row, zone)
    return row


def _ask_masks(actor: Actor, row: models.Camera, zone: Mapping[str, Any]) -> None:
    """Have the device cover what its home view shows of the forbidden views (기기 마스크), and read it back.

    A dome that ties its masks to the scene keeps them covered wherever it turns; whatever it does, the guard blocks.
    """
    drawn = zone_of(zone, time(12, 0))
    if not isinstance(drawn.home, Spot):
        return
    polygons = as_seen(drawn, drawn.home)
    address = devices._address(row)
    task = Task("masks", row.agency_id, row.id, {**address, "polygons": polygons}, row.sealed, actor.person)
    devices._ask(actor, task, {"number": row.number, "masks": len(polygons)}, [row.id])


def masks_of(actor: Actor, id_: UUID) -> tuple[str, int]:
    """What became of the last masks asked for (``none``, ``waiting``, ``shown``: read back, ``refused``), how many."""
    # whoever sees the camera sees this: steering asks it too, and operators write no registry
    row = services.find(actor, id_)
    task = next((t for t in latest(cursor(), row.id, 20) if t.kind == "masks"), None)
    if task is None:
        return "none", 0
    read = task.answer.get("masks")
    if not task.outcome:
        return "waiting", 0
    return ("shown", len(read)) if isinstance(read, list) else ("refused", 0)


def _texts(value: Any) -> Any:
    """The zone with its numbers as text: a ledger row holds no floats."""
    if isinstance(value, dict):
        return {str(k): _texts(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(v) for v in value]
    return f"{value:g}" if isinstance(value, float) else value

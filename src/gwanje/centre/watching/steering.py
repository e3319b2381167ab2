"""What changes steering (회전·확대 조작 서비스): tokens, named emergencies, their words and their review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras
from gwanje.centre.cameras.api import CameraView
from gwanje.centre.common import absent, clock, cursor, demand, home, law
from gwanje.centre.common.refusal import Problem
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import rules_ptz, services
from gwanje.centre.watching.models import PtzEmergency
from gwanje.kernel import base64url, events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.events import Event
from gwanje.kernel.keys import signing_key
from gwanje.kernel.ledger import Entry
from gwanje.kernel.permit import PtzToken
from gwanje.kernel.policy import Resource

TOKEN_S = 60
REVIEW_DAYS = 3
KIND = "ptz_emergency"


@dataclass(frozen=True)
class PtzTicket:
    """What a page needs to steer: signed token, address, end (Unix seconds), articles with their text."""

    token: str
    url: str
    expires: int
    rank: int
    masks: bool
    articles: list[dict[str, str]]
    emergency: UUID | None = None
    until: float = 0.0
    extended: int = 0


def _about(actor: Actor, camera_id: UUID, action: str) -> tuple[CameraView, Resource, dict[str, Any]]:
    """The camera, as the policy sees it for steering, and what the rule asks beside it."""
    camera = cameras.camera(camera_id)
    if camera is None or actor.person is None:
        services.require_watch(actor)
        raise absent(actor, action, "camera", camera_id)
    found = cameras.steering(camera_id)
    facts = {**camera.resource.facts, "steerable": found.steerable, "zone": found.zone}
    seat, widened = services.seat_of(actor), services.open_emergency_of(actor)
    asks = {"seat_purposes": seat.purposes if seat else [], "emergency": widened is not None}
    return camera, Resource("camera", camera.id, camera.agency, camera.id, facts), asks


def open_of(camera: UUID) -> PtzEmergency | None:
    """The emergency that lifts this camera's zone now."""
    now = clock().now()
    return PtzEmergency.objects.filter(camera_id=camera, ended_at__isnull=True, until__gt=now).first()


def ptz_token(actor: Actor, camera_id: UUID) -> PtzTicket:
    """A right to steer one camera for 60 s at this seat (회전·확대 조작권); Refused with its ledger row otherwise."""
    camera, resource, asks = _about(actor, camera_id, rules_ptz.STEER)
    demand(actor, rules_ptz.STEER, resource, **asks, facts={"cameras": [camera.id]})
    if camera.state != "active":
        raise Problem("not_active", "운영 중인 기기가 아닙니다.", "The camera is not in operation.", status=409)
    assert actor.person is not None
    row = open_of(camera.id)
    mine = row if row is not None and (row.person_id, row.station) == (actor.person, actor.station) else None
    today, expires = law(), clock().now_s() + TOKEN_S
    articles = today.articles(rules_ptz.NORM)
    token = PtzToken(
        camera.id, actor.person, actor.station, rules_ptz.rank_of(actor, mine is not None), expires,
        mine.id if mine else None, int(mine.until.timestamp()) if mine else 0,
        tuple((a.key, str(a)) for a in articles),
    )  # fmt: skip
    signed = base64url.to_text(token.sign(signing_key(home(), "web")))
    url = services.live_url(camera.id).removesuffix("/live") + "/ptz"
    texts = [{"ref": str(a), "text": today.article(a.pack, a.id).text} for a in articles]
    masks = cameras.steering(camera.id).masks
    ticket = PtzTicket(signed, url, expires, token.rank, masks, texts)
    if mine is None:
        return ticket
    return PtzTicket(signed, url, expires, token.rank, masks, texts, mine.id, mine.until.timestamp(), mine.extended)


@transaction.atomic
def open_emergency(actor: Actor, camera_id: UUID, reason: str) -> PtzEmergency:
    """Lift the zone of one camera for some minutes (구역 밖 긴급 조작): a preset reason, loud, reviewed afterwards."""
    camera, resource, asks = _about(actor, camera_id, rules_ptz.LEAVE)
    minutes = rules_ptz.MINUTES_MAX
    decision = demand(
        actor, rules_ptz.LEAVE, resource, **asks, reason=reason[:40], minutes=minutes, extended=0,
        facts={"cameras": [camera.id], "detail": {"reason": reason[:40]}},
    )  # fmt: skip
    assert actor.agency is not None
    assert actor.person is not None
    if open_of(camera.id) is not None:
        raise Problem(
            "open",
            "이 기기에는 이미 긴급 조작이 열려 있습니다.",
            "This camera is in an emergency already.",
            next_="그 관제석과 상의하십시오. / Speak to that seat.",
            status=409,
        )
    now = clock().now()
    row = PtzEmergency.objects.create(
        agency_id=actor.agency, camera_id=camera.id, station=actor.station, person_id=actor.person, reason=reason,
        started_at=now, until=now + timedelta(minutes=minutes),
    )  # fmt: skip
    detail = {"emergency": str(row.id), "reason": reason, "minutes": minutes}
    entry = Entry.by(actor, "watching.ptz.opened", "granted", decision, cameras=[camera.id], detail=detail)
    ledger.append(cursor(), clock(), entry)
    _say(actor, "ptz.emergency.opened", 4, camera.label, row)
    return row


@transaction.atomic
def extend(actor: Actor, id_: UUID) -> PtzEmergency:
    """Once more the same minutes from now (긴급 조작 연장), by who opened it."""
    row = _own(actor, id_, rules_ptz.LEAVE)
    _, resource, asks = _about(actor, row.camera_id, rules_ptz.LEAVE)
    minutes = rules_ptz.MINUTES_MAX
    decision = demand(
        actor, rules_ptz.LEAVE, resource, **asks, reason=row.reason, minutes=minutes, extended=row.extended + 1,
        facts={"cameras": [row.camera_id], "detail": {"emergency": str(row.id)}},
    )  # fmt: skip
    if row.ended_at is not None or row.until <= clock().now():
        raise Problem("over", "이미 끝난 긴급 조작입니다.", "The emergency is over.", status=409)
    row.until, row.extended = clock().now() + timedelta(minutes=minutes), row.extended + 1
    row.save()
    detail = {"emergency": str(row.id), "minutes": minutes, "extended": row.extended}
    entry = Entry.by(actor, "watching.ptz.extended", "granted", decision, cameras=[row.camera_id], detail=detail)
    ledger.append(cursor(), clock(), entry)
    return row


@transaction.atomic
def end(actor: Actor, id_: UUID) -> PtzEmergency:
    """End it before its time (긴급 조작 종료), by who opened it; the recorder brings the head home."""
    row = _own(actor, id_, rules_ptz.TELL)
    if row.ended_at is None and row.until > clock().now():
        bring_home(row, actor)
    return row


def bring_home(row: PtzEmergency, by: Actor, **because: str) -> None:
    """End an open one: row, ledger and event, whoever or whatever ends it (``because``)."""
    row.ended_at = clock().now()
    row.save(update_fields=["ended_at"])
    _note(by, "watching.ptz.ended", row, because)
    camera = cameras.camera(row.camera_id)
    _say(by, "ptz.emergency.ended", 1, camera.label if camera else "", row)


@transaction.atomic
def tell(actor: Actor, id_: UUID, words: str) -> PtzEmergency:
    """The words that follow (사유 덧붙임), until the shift in which it was opened ends."""
    row = _own(actor, id_, rules_ptz.TELL)
    shift = staff.shift_of(row.person_id)
    if shift is None or shift.started_at > row.started_at:
        raise Problem(
            "shift_over",
            "그 근무가 끝나 덧붙여 적을 수 없습니다.",
            "The shift has ended; nothing can be added.",
            next_="사후 검토 의견에 적게 하십시오. / Have it written in the review.",
            status=409,
        )
    if len(words.strip()) < 2 or len(words) > 500:
        raise Problem("words", "사유를 2~500자로 적으십시오.", "Write the reason in 2 to 500 letters.")
    row.words = words.strip()
    row.save()
    _note(actor, "watching.ptz.told", row, {"words": row.words})
    return row


@transaction.atomic
def review(actor: Actor, id_: UUID, text: str) -> PtzEmergency:
    """The review afterwards (사후 검토), by an officer who did not open it."""
    row = _row(actor, id_, rules_ptz.REVIEW)
    resource = Resource(KIND, row.id, row.agency_id, facts={"opened_by": row.person_id})
    decision = demand(actor, rules_ptz.REVIEW, resource)
    if row.reviewed_at is not None or (row.ended_at is None and row.until > clock().now()):
        ko, en = "끝나지 않았거나 이미 검토한 긴급 조작입니다.", "Still open, or reviewed already."
        raise Problem("review", ko, en, status=409)
    if len(text.strip()) < 2:
        raise Problem("review_note", "검토 의견을 적으십시오.", "Write what the review found.")
    row.reviewed_by, row.reviewed_at, row.review_note = actor.person, clock().now(), text.strip()[:300]
    row.save()
    detail = {"emergency": str(row.id), "note": row.review_note}
    entry = Entry.by(actor, "watching.ptz.reviewed", "done", decision, cameras=[row.camera_id], detail=detail)
    ledger.append(cursor(), clock(), entry)
    return row


def late(row: PtzEmergency) -> bool:
    """Is its review overdue (검토 기한 경과)? Three days after its end, a centre's own setting: no pack names one."""
    over = row.ended_at or row.until
    return row.reviewed_at is None and clock().now() > over + timedelta(days=REVIEW_DAYS)


def _row(actor: Actor, id_: UUID, action: str) -> PtzEmergency:
    row = PtzEmergency.objects.select_for_update().filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, action, KIND, id_)
    return row


def _own(actor: Actor, id_: UUID, action: str) -> PtzEmergency:
    row = _row(actor, id_, action)
    demand(actor, rules_ptz.TELL, Resource(KIND, row.id, row.agency_id, facts={"opened_by": row.person_id}))
    return row


def _note(actor: Actor, kind: str, row: PtzEmergency, detail: Mapping[str, str]) -> None:
    said = {"emergency": str(row.id), **detail}
    entry = Entry.by(actor, kind, "done", agency=row.agency_id, cameras=[row.camera_id], detail=said)
    ledger.append(cursor(), clock(), entry)


def _say(actor: Actor, kind: str, severity: int, label: str, row: PtzEmergency) -> None:
    body = {"camera": label, "station": row.station, "reason": rules_ptz.REASONS[row.reason][0], "name": actor.name}
    events.emit(cursor(), clock(), Event(kind, "watching", severity, body=body, agency=row.agency_id))

"""What changes watching (관제 서비스): live tokens, layouts, emergency widening; each act with its ledger row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import absent, clock, cursor, decide, demand, home, law
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import glass_reading, rules
from gwanje.centre.watching.models import GRIDS, Display, Emergency, Glass, Layout, Seat
from gwanje.kernel import base64url, events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.events import Event
from gwanje.kernel.hosts import socket_origin
from gwanje.kernel.keys import signing_key
from gwanje.kernel.ledger import Entry
from gwanje.kernel.permit import LiveToken
from gwanje.kernel.policy import Resource

TOKEN_S = 60
# what a break-glass shows ends this soon after it was ended by hand
GLASS_TOKEN_S = 20
WATCHED = "watching.camera.watched"
GLASS_WATCHED = "watching.glass.watched"
TILES_MAX = 400
TICKETS_MAX = 16
# the third one is made of the first or second for seats that cannot decode them
STREAMS = {"main": 0, "sub": 1, "transcode": 2}


@dataclass(frozen=True)
class LiveTicket:
    """What a tile needs: the signed token, where to connect, when it ends (Unix seconds).

    ``glass``: end of the break-glass (Unix seconds) that alone shows this camera, 0 where the right reaches it.
    """

    token: str
    url: str
    expires: int
    label: str
    glass: int = 0


def seat_of(actor: Actor) -> Seat | None:
    """The watching seat of the actor's station, None when the station has no purposes of its own."""
    return Seat.objects.filter(agency_id=actor.agency, station=actor.station).first()


def open_emergency_of(actor: Actor) -> Emergency | None:
    """The emergency watching that is open at the actor's station."""
    now = clock().now()
    return Emergency.objects.filter(
        agency_id=actor.agency, station=actor.station, ended_at__isnull=True, until__gt=now
    ).first()


def require_watch(actor: Actor) -> None:
    """Refused unless the actor may watch at all (the wall, the map)."""
    demand(actor, rules.WATCH, Resource("wall", agency=actor.agency))


def live_token(actor: Actor, camera_id: UUID, stream: str) -> LiveTicket:
    """A right to watch one camera for 60 s at this seat (실시간 관제); Refused with its ledger row otherwise."""
    seat, emergency = seat_of(actor), open_emergency_of(actor)
    right = _right(actor, camera_id, cameras.camera(camera_id), stream, seat, emergency, glass_reading.open_of(actor))
    return _signed(actor, [right], emergency)[0]


def live_tokens(actor: Actor, wanted: Sequence[UUID], stream: str) -> list[LiveTicket | None]:
    """The same for a page of tiles at once; None where one is refused: asked alone it hears why.

    Each camera is judged by itself; the database is asked as often for sixteen as for one, and the ledger gets one row
    for all that were refused: nobody tries doors sixteen at a time unseen.
    """
    if len(wanted) > TICKETS_MAX:
        raise Problem(
            "tickets", f"한 번에 {TICKETS_MAX}칸까지입니다.", f"At most {TICKETS_MAX} at once.", rule=f"{TICKETS_MAX}"
        )
    seat, emergency, glass = seat_of(actor), open_emergency_of(actor), glass_reading.open_of(actor)
    found = {camera.id: camera for camera in cameras.cameras(wanted)}
    rights: dict[UUID, _Right] = {}
    refused: dict[UUID, Refused] = {}
    for camera_id in wanted:
        try:
            rights[camera_id] = _right(actor, camera_id, found.get(camera_id), stream, seat, emergency, glass)
        except Refused as error:
            refused[camera_id] = error
        except Problem:
            continue
    _turned_away(actor, refused)
    tickets = dict(zip(rights, _signed(actor, list(rights.values()), emergency), strict=True))
    return [tickets.get(camera_id) for camera_id in wanted]


def _turned_away(actor: Actor, refused: Mapping[UUID, Refused]) -> None:
    """One ledger row of the cameras that a page was refused (거부 기록); from the 31st of a minute on, the number."""
    kind = f"{rules.WATCH}.refused"
    if not refused or actor.person is None or not ledger.in_full(cursor(), clock(), kind, actor.person):
        return
    codes = sorted({reason.code for error in refused.values() for reason in error.decision.reasons})
    decision = next(iter(refused.values())).decision
    ledger.append(
        cursor(), clock(), Entry.by(actor, kind, "refused", decision, cameras=list(refused), detail={"reasons": codes})
    )


@dataclass(frozen=True)
class _Right:
    """What one token will say: the camera, its stream's number, its end (Unix seconds), the break-glass it needs."""

    camera: cameras.CameraView
    stream: int
    expires: int
    glass: Glass | None = None


def _right(  # noqa: PLR0917 - what one camera is judged by
    actor: Actor, camera_id: UUID, camera: cameras.CameraView | None, stream: str, seat: Seat | None,
    emergency: Emergency | None, glass: Glass | None,
) -> _Right:  # fmt: skip
    if stream not in STREAMS:
        raise Problem("stream", "영상은 main, sub, transcode입니다.", "The stream is main, sub or transcode.")
    if camera is None or actor.person is None:
        require_watch(actor)
        raise absent(actor, rules.WATCH, "camera", camera_id)
    said = {"seat_purposes": seat.purposes if seat else []}
    widened = emergency is not None
    reached = decide(actor, rules.WATCH, camera.resource, **said, emergency=widened).allow
    broken = glass if not reached and glass is not None and glass_reading.shows(actor, glass, camera.resource) else None
    if not reached and broken is None:
        demand(actor, rules.WATCH, camera.resource, **said, emergency=widened, facts={"cameras": [camera.id]})
    if camera.state != "active":
        raise Problem("not_active", "운영 중인 기기가 아닙니다.", "The camera is not in operation.", status=409)
    number = 0 if stream == "sub" and not camera.has_sub else STREAMS[stream]
    if broken is not None:
        expires = min(clock().now_s() + GLASS_TOKEN_S, int(broken.until.timestamp()))
        return _Right(camera, number, expires, broken)
    expires = clock().now_s() + TOKEN_S
    if emergency is not None and not decide(actor, rules.WATCH, camera.resource, **said, emergency=False).allow:
        # what only the emergency opens ends with it, not with the token's minute
        expires = min(expires, int(emergency.until.timestamp()))
    return _Right(camera, number, expires)


def _signed(actor: Actor, rights: Sequence[_Right], emergency: Emergency | None) -> list[LiveTicket]:
    """Tickets for what was judged, after what the ledger has to know of it."""
    if not rights or actor.person is None:
        return []
    _witness(actor, [right for right in rights if right.glass is None], emergency)
    _witness_glass(actor, [right for right in rights if right.glass is not None])
    urls, key = live_urls([right.camera.id for right in rights]), signing_key(home(), "web")
    out = []
    for right in rights:
        ends = int(right.glass.until.timestamp()) if right.glass else 0
        id_ = right.glass.id if right.glass else None
        token = LiveToken(right.camera.id, right.stream, actor.person, actor.station, right.expires, id_, ends)
        text = base64url.to_text(token.sign(key))
        out.append(LiveTicket(text, urls[right.camera.id], right.expires, right.camera.label, ends))
    return out


def _witness_glass(actor: Actor, rights: Sequence[_Right]) -> None:
    """A ledger row of what a break-glass showed, once a camera: named before its first picture."""
    for right in rights:
        assert right.glass is not None
        said = {"glass": str(right.glass.id), "stream": right.stream}
        rows = cursor()
        rows.execute(
            "select 1 from ledger_opening where person = %s and at >= %s and kind = %s and %s = any(cameras) limit 1",
            [actor.person, right.glass.started_at, GLASS_WATCHED, right.camera.id],
        )
        if rows.fetchone() is None:
            note(actor, GLASS_WATCHED, [right.camera.id], said)


def _witness(actor: Actor, rights: Sequence[_Right], emergency: Emergency | None) -> None:
    """A ledger row a shift for cameras that stand in no layout of this person and seat: nobody watches unseen."""
    shift = staff.shift_of(actor.person) if actor.person else None
    if shift is None:
        return
    layouts = Layout.objects.filter(
        agency_id=actor.agency, display__seat__station=actor.station, person_id=actor.person,
        changed_at__gte=shift.started_at,
    ).values_list("cameras", flat=True)[:8]  # fmt: skip
    shown = {camera for layout in layouts for camera in layout}
    unseen = [right for right in rights if str(right.camera.id) not in shown]
    if not unseen:
        return
    rows = cursor()
    rows.execute(
        "select asked from unnest(%s::uuid[]) asked where exists (select 1 from ledger_opening "
        "where person = %s and at >= %s and kind = %s and asked = any(cameras))",
        [[right.camera.id for right in unseen], actor.person, shift.started_at, WATCHED],
    )
    known = {camera for (camera,) in rows.fetchall()}
    more = {"emergency": str(emergency.id)} if emergency else {}
    for stream in sorted({right.stream for right in unseen}):
        fresh = [r.camera.id for r in unseen if r.stream == stream and r.camera.id not in known]
        if fresh:
            note(actor, WATCHED, fresh, {"stream": stream, **more})


def live_url(camera: UUID) -> str:
    """WebSocket of the recorder that has the camera, as a browser reaches it."""
    return live_urls([camera])[camera]


def live_urls(wanted: Sequence[UUID]) -> dict[UUID, str]:
    """The same for several cameras: the lease holder's address, else that of the recorder seen last."""
    rows = cursor()
    rows.execute(
        "select asked, coalesce((select r.url from footage_lease l join footage_recorder r on r.id = l.recorder "
        "where l.camera = asked), (select url from footage_recorder order by seen_at desc nulls last limit 1)) "
        "from unnest(%s::uuid[]) asked",
        [list(wanted)],
    )
    none = f"ws://127.0.0.1:{home().port + 1}/live"
    return {camera: str(url) if url else none for camera, url in rows.fetchall()}


def live_addresses() -> list[str]:
    """WebSockets of all registered recorders (at most 100)."""
    rows = cursor()
    rows.execute("select distinct url from footage_recorder order by url limit 100")
    return [str(url) for (url,) in rows.fetchall()]


def live_origins() -> list[str]:
    """Origins of all recorders' WebSockets."""
    return origins_of(live_addresses())


def origins_of(addresses: Sequence[str]) -> list[str]:
    """Origins of WebSockets, for a page's content policy; an address of another form is left out."""
    return sorted({origin for url in addresses if (origin := socket_origin(url))})


@transaction.atomic
def save_layout(actor: Actor, grid: int, shown: Sequence[UUID], display: int = 1) -> Layout:
    """Remember what a display shows (화면 배치) and log it once per seat, not per tile."""
    require_watch(actor)
    if grid not in GRIDS or len(shown) > TILES_MAX or not 1 <= display <= 8 or not actor.station:
        raise Problem(
            "layout", f"화면은 {GRIDS}칸, 기기는 {TILES_MAX}대까지입니다.", "Grid or number of cameras is off."
        )
    known = {camera.id for camera in cameras.cameras(shown)}
    if unknown := next((id_ for id_ in shown if id_ not in known), None):
        raise absent(actor, rules.WATCH, "camera", unknown)
    seat, _ = Seat.objects.get_or_create(agency_id=actor.agency, station=actor.station)
    row, _ = Display.objects.get_or_create(seat=seat, number=display, defaults={"agency_id": actor.agency})
    values = {"agency_id": actor.agency, "grid": grid, "cameras": [str(c) for c in shown],
              "person_id": actor.person, "changed_at": clock().now()}  # fmt: skip
    before = Layout.objects.filter(display=row).first()
    shift = staff.shift_of(actor.person) if actor.person else None
    # the same screen is a new fact when another person or another shift looks at it
    same = before and (before.grid, before.cameras, before.person_id) == (grid, values["cameras"], actor.person)
    if before and same and shift is not None and before.changed_at >= shift.started_at:
        return before
    layout, _ = Layout.objects.update_or_create(display=row, defaults=values)
    detail = {"display": display, "grid": grid, "count": len(shown)}
    note(actor, "watching.layout.changed", list(shown)[:200], detail)
    return layout


def layout_of(actor: Actor, display: int = 1) -> Layout | None:
    """What a display of the actor's seat showed last."""
    return Layout.objects.filter(
        agency_id=actor.agency, display__seat__station=actor.station, display__number=display
    ).first()


@transaction.atomic
def open_emergency(actor: Actor, trigger: str, reason: str, minutes: int) -> Emergency:
    """Widen live watching at this seat (긴급 관제) for at most 15 minutes: loud, in the ledger, reviewed afterwards."""
    resource = Resource("emergency", agency=actor.agency)
    decision = demand(
        actor, rules.OPEN_EMERGENCY, resource, trigger=trigger, reason=reason, minutes=minutes,
        facts={"detail": {"trigger": trigger[:40]}},
    )  # fmt: skip
    assert actor.agency is not None
    assert actor.person is not None
    if open_emergency_of(actor) is not None:
        raise Problem(
            "open", "이 관제석에는 이미 긴급 관제가 열려 있습니다.", "Emergency watching is open already.", status=409
        )
    now = clock().now()
    row = Emergency.objects.create(
        agency_id=actor.agency, station=actor.station, person_id=actor.person, trigger=trigger,
        reason=reason.strip()[:300], started_at=now, until=now + timedelta(minutes=minutes),
    )  # fmt: skip
    detail = {"emergency": str(row.id), "trigger": trigger, "reason": row.reason, "minutes": minutes}
    entry = Entry.by(actor, "watching.emergency.opened", "granted", decision, detail=detail)
    ledger.append(cursor(), clock(), entry)
    body = {"trigger": trigger, "reason": row.reason, "station": actor.station, "minutes": minutes, "name": actor.name}
    events.emit(cursor(), clock(), Event("emergency.opened", "watching", 4, body=body, agency=actor.agency))
    return row


@transaction.atomic
def end_emergency(actor: Actor, id_: UUID) -> Emergency:
    """Narrow it again before its time (긴급 해제 종료)."""
    row = _emergency(actor, id_, rules.WATCH)
    require_watch(actor)
    if row.ended_at is None and row.until > clock().now():
        narrow(row, actor)
    return row


def narrow(row: Emergency, by: Actor, **because: str) -> None:
    """End an open one: row, ledger and event, whoever or whatever ends it (``because``)."""
    row.ended_at = clock().now()
    row.save(update_fields=["ended_at"])
    detail = {"emergency": str(row.id), **because}
    entry = Entry.by(by, "watching.emergency.ended", "done", agency=row.agency_id, detail=detail)
    ledger.append(cursor(), clock(), entry)
    body = {"station": row.station}
    events.emit(cursor(), clock(), Event("emergency.ended", "watching", 1, body=body, agency=row.agency_id))


@transaction.atomic
def review_emergency(actor: Actor, id_: UUID, text: str) -> Emergency:
    """The review afterwards (사후 검토), by an officer who did not open it."""
    row = _emergency(actor, id_, rules.REVIEW_EMERGENCY)
    resource = Resource("emergency", row.id, row.agency_id, facts={"opened_by": row.person_id})
    decision = demand(actor, rules.REVIEW_EMERGENCY, resource)
    if row.reviewed_at is not None or (row.ended_at is None and row.until > clock().now()):
        raise Problem(
            "review", "끝나지 않았거나 이미 검토한 긴급 관제입니다.", "Still open, or reviewed already.", status=409
        )
    if len(text.strip()) < 2:
        raise Problem("review_note", "검토 의견을 적으십시오.", "Write what the review found.")
    row.reviewed_by, row.reviewed_at, row.review_note = actor.person, clock().now(), text.strip()[:300]
    row.save()
    detail = {"emergency": str(row.id), "note": row.review_note}
    ledger.append(cursor(), clock(), Entry.by(actor, "watching.emergency.reviewed", "done", decision, detail=detail))
    return row


def _emergency(actor: Actor, id_: UUID, action: str) -> Emergency:
    row = Emergency.objects.select_for_update().filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, action, "emergency", id_)
    return row


@transaction.atomic
def acknowledge(actor: Actor, event: UUID) -> bool:
    """Say that an event was seen (확인); the first one stays."""
    demand(actor, rules.READ_EVENTS, Resource("event", agency=actor.agency))
    rows = cursor()
    rows.execute("select 1 from event where id = %s and (agency is null or agency = %s)", [event, actor.agency])
    if rows.fetchone() is None or actor.person is None:
        raise absent(actor, rules.READ_EVENTS, "event", event)
    done = events.acknowledge(cursor(), clock(), event, actor.person)
    if done:
        note(actor, "watching.event.acknowledged", [], {"event": str(event)})
    return done


def note(actor: Actor, kind: str, shown: Sequence[UUID], detail: dict[str, Any]) -> None:
    """One ledger row of an act that needs no Decision of its own."""
    ledger.append(cursor(), clock(), Entry.by(actor, kind, "done", cameras=list(shown), detail=detail))


def triggers() -> tuple[str, ...]:
    """Triggers of emergency watching that the pack names today; none where a city's rules know no such watching."""
    today = law()
    return tuple(today.parameter("live.emergency_triggers").value) if today.has("live.emergency") else ()

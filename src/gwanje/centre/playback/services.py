"""Acts of playback (열람·재생 업무): ask, approve, refuse, cancel; each one transaction with its ledger row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import absent, clock, cursor, demand, home, law, signing
from gwanje.centre.common.refusal import Problem, clean
from gwanje.centre.playback import act
from gwanje.centre.playback.footage import CLOSED, Preview, preview, slots_of
from gwanje.centre.playback.models import (
    APPROVED,
    ASKED,
    CANCELLED,
    EXPIRED,
    REFUSED,
    VIEWED,
    Approval,
    Request,
    RequestCamera,
)
from gwanje.centre.playback.rules import REQUESTERS
from gwanje.centre.preservation import api as preservation
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import encode
from gwanje.kernel.footage import EPOCH_S
from gwanje.kernel.ledger import Entry
from gwanje.kernel.permit import Approval as Consent
from gwanje.kernel.policy import Resource
from gwanje.law import Decision

CAMERAS_MAX = 16
LENGTH_MAX_S = 4 * 3600
OPEN_MAX = 50
# centre settings (config.json, ``playback``): how long a request waits, and how long an approval is good for
WAIT_H = 72
VALID_H = 24


@dataclass(frozen=True)
class Asked:
    """What somebody asks for. ``first``, ``until``: Unix seconds, half open, as typed; ``hold``: whose seconds."""

    cameras: tuple[UUID, ...]
    first: int
    until: int
    ground: str
    case: str
    purpose: str
    document: str = ""
    hold: UUID | None = None


def setting(name: str, default: int) -> int:
    """A number among the centre's own settings of playback."""
    return int(home().config.get("playback", {}).get(name, default))


def _check_range(asked: Asked) -> None:
    longest = min(setting("length_max_s", LENGTH_MAX_S), 24 * 3600)
    if not 1 <= len(set(asked.cameras)) <= CAMERAS_MAX:
        raise Problem(
            "cameras", f"카메라를 1~{CAMERAS_MAX}대 고르십시오.", f"choose 1 to {CAMERAS_MAX} cameras.",
            rule="열람 최소화",
        )  # fmt: skip
    if asked.until <= asked.first:
        raise Problem("range", "끝이 시작보다 늦어야 합니다.", "the end must be after the beginning.")
    if asked.until - asked.first > longest:
        raise Problem(
            "range_long", f"한 번에 {longest // 60}분까지 신청할 수 있습니다.", f"at most {longest // 60} min at once.",
            next_="범위를 나누어 신청하십시오.",
        )  # fmt: skip
    if asked.until > clock().now_s():
        raise Problem("range_future", "아직 녹화되지 않은 시각입니다.", "part of the range is in the future.")


def look(asked: Asked, actor: Actor) -> tuple[list[Preview], int, int]:
    """What is there of the range, camera by camera, and the widened range; nothing is written.

    Problem for a range that cannot be asked for; cameras outside the actor's scope are not found.
    """
    _check_range(asked)
    found = {view.id: view for view in cameras.cameras(asked.cameras)}
    slots = slots_of(cursor(), asked.cameras)
    seen = []
    for id_ in dict.fromkeys(asked.cameras):
        view = found.get(id_)
        if view is None:
            raise absent(actor, "playback.ask", "camera", id_)
        demand(actor, "playback.ask", view.resource)
        if id_ in slots:
            # a hold has its own seconds, closed ones too: its span is checked below
            closed = [] if asked.hold else preservation.deleted(id_, asked.first - EPOCH_S, asked.until)
            seen.append(preview(cursor(), view, slots[id_], asked.first, asked.until, closed=closed))
    with_footage = [p for p in seen if p.seconds]
    if not with_footage and any(hole.reason == CLOSED for p in seen for hole in p.holes):
        raise Problem(
            "closed", "삭제 요구로 폐쇄된 구간입니다.", "a deletion closed this range.",
            rule="폐쇄된 구간은 그 구간을 가진 보존을 밝혀야 열립니다.", next_="보존 화면에서 열람을 신청하십시오.",
            next_en="If a hold has it, ask on the hold's page.",
        )  # fmt: skip
    if not with_footage:
        raise Problem(
            "no_footage", "이 범위에 녹화된 영상이 없습니다.", "nothing is recorded in this range.",
            rule="보관기간이 지난 영상은 파기되었습니다.", next_="카메라와 시각을 다시 확인하십시오.",
        )  # fmt: skip
    first = min(p.first for p in with_footage)
    return seen, first if asked.hold is None else _inside(asked, first, actor), asked.until


def _inside(asked: Asked, widened: int, actor: Actor) -> int:
    """Where the viewing of held seconds begins: widened as far as the hold goes for every camera, never beyond it."""
    kept = preservation.spans(asked.hold, actor, asked.cameras) if asked.hold else []
    for first in (widened, asked.first):
        if all(any(s.camera == c and s.first <= first and asked.until <= s.until for s in kept) for c in asked.cameras):
            return first
    raise Problem(
        "outside_hold", "보존된 구간을 벗어났습니다.", "the range is not wholly inside the hold.",
        rule="보존한 구간만 그 보존으로 볼 수 있습니다.", next_="보존 화면에서 구간을 고르십시오.",
        next_en="Choose the range on the hold's page.",
    )  # fmt: skip


def _facts(asked: Asked, first: int, until: int) -> dict[str, Any]:
    return {
        "ground": asked.ground,
        "case": asked.case,
        "document": asked.document,
        "purpose": asked.purpose,
        "cameras": sorted(str(c) for c in set(asked.cameras)),
        "asked": [asked.first, asked.until],
        "widened": [first, until],
        **({"hold": str(asked.hold)} if asked.hold else {}),
    }


@transaction.atomic
def ask(asked: Asked, actor: Actor) -> Request:
    """Ask to open stored video (열람 신청); Refused by playback.default_deny or playback.ground."""
    asked = Asked(
        tuple(dict.fromkeys(asked.cameras)),
        asked.first,
        asked.until,
        asked.ground.strip(),
        clean(asked.case, 100, "사건번호", "the case number"),
        clean(asked.purpose, 1000, "목적", "the purpose"),
        clean(asked.document, 200, "근거 문서", "the document"),
        asked.hold,
    )
    seen, first, until = look(asked, actor)
    named = {
        "cameras": list(asked.cameras), "first": first, "until": until, "ground": asked.ground, "case": asked.case,
    }  # fmt: skip
    decision: Decision | None = None
    for item in seen:
        facts = _facts(asked, first, until)
        decision = demand(actor, "playback.request", item.camera.resource, request=facts, facts=named)
    assert decision is not None
    waiting = Request.objects.filter(requester_id=actor.person, state__in=(ASKED, APPROVED)).count()
    if waiting >= OPEN_MAX:
        raise Problem(
            "too_many", f"처리 중인 신청이 {OPEN_MAX}건입니다.", f"{OPEN_MAX} requests are open already.",
            next_="필요 없는 신청을 취소하십시오.",
        )  # fmt: skip
    return _write(asked, actor, decision, [p for p in seen if p.seconds], (first, until))


def _write(
    asked: Asked, actor: Actor, decision: Decision, seen: Sequence[Preview], widened: tuple[int, int]
) -> Request:
    now = clock().now()
    request = Request.objects.create(
        agency_id=actor.agency,
        requester_id=actor.person,
        requester_role=next(role for role in REQUESTERS if role in actor.roles),
        station=actor.station,
        ground=asked.ground,
        ground_title=law().ground(asked.ground).ko,
        case=asked.case,
        document=asked.document,
        purpose=asked.purpose,
        asked_first=asked.first,
        asked_until=asked.until,
        first=widened[0],
        until=widened[1],
        hold=asked.hold,
        decision=ledger.decision_digest(decision),
        decision_body=encode(decision.body()),
        asked_at=now,
        valid_until=now + timedelta(hours=setting("wait_h", WAIT_H)),
    )
    RequestCamera.objects.bulk_create(
        RequestCamera(
            agency_id=actor.agency,
            request=request,
            camera=p.camera.id,
            label=p.camera.label,
            slot=p.slot,
            seconds=p.seconds,
            gaps=len(p.holes),
        )
        for p in seen
    )
    request.act = act.made_of(request)
    request.save(update_fields=["act"])
    row(request, "playback.request.asked", "done", actor, decision)
    return request


def row(request: Request, kind: str, outcome: str, actor: Actor, decision: Decision | None, **detail: Any) -> None:
    """The ledger row of an act on a request."""
    entry = Entry.by(
        actor,
        kind,
        outcome,
        decision,
        cameras=[c.camera for c in request.cameras.all()],
        first=request.first,
        until=request.until,
        ground=request.ground,
        case=request.case,
        situation=request.situation,
        detail={"request": request.pk, **detail},
        dies="access",
    )
    ledger.append(cursor(), clock(), entry)


def locked(id_: UUID, actor: Actor, action: str) -> Request:
    """The request, locked against a second decision at once; Refused (404) when it is not there."""
    found = Request.objects.select_for_update().filter(pk=id_).first()
    if found is None:
        raise absent(actor, action, "request", id_)
    return found


def readable(id_: UUID, actor: Actor) -> Request:
    """A request that the actor may read; Refused otherwise (404 when it is not there)."""
    found = Request.objects.select_related("requester").filter(pk=id_).first()
    if found is None:
        raise absent(actor, "playback.read", "request", id_)
    demand(actor, "playback.read", resource(found), own=found.requester_id == actor.person, facts=noted(found))
    return found


def resource(request: Request) -> Resource:
    """For the policy object."""
    return Resource("request", request.pk, request.agency_id)


def _undecided(request: Request) -> None:
    if request.state != ASKED:
        raise Problem("decided", "이미 처리된 신청입니다.", "the request is decided already.", status=409)
    if request.valid_until <= clock().now():
        raise Problem(
            "expired",
            "신청 기한이 지났습니다.",
            "the request has expired.",
            status=409,
            next_="다시 신청하게 하십시오.",
        )


def may_approve(request: Request, actor: Actor) -> Decision:
    """The Decision of playback.approval for this approver; Refused, Problem when it is decided or too late."""
    decision = demand(
        actor, "playback.approve", resource(request), requester=str(request.requester_id), facts=noted(request)
    )
    _undecided(request)
    return decision


@transaction.atomic
def approve(id_: UUID, actor: Actor, note: str = "", consent: Consent | None = None) -> Request:
    """Agree to the Decision as asked (승인); Refused by playback.approval. Locks the request.

    ``consent``: the approver's own signature; Problem 409 without it once officers sign.
    """
    request = locked(id_, actor, "playback.approve")
    decision = may_approve(request, actor)
    standing = signing.standing() if consent is None else None
    # a request that was signed was asked while officers sign, whether vaultd can say so now or not
    if consent is None and (request.consent or (standing is not None and standing.on)):
        raise signing.unsigned()
    named = law().parameter("playback.approver_roles").value
    role = consent.role if consent else next(role for role in named if role in actor.roles)
    agree(request, actor.person, role, note, consent)
    row(request, "playback.request.approved", "granted", actor, decision)
    return request


def agree(request: Request, person: UUID | None, role: str, note: str, consent: Consent | None) -> None:
    """Write a yes and the state after it."""
    _decide(request, (person, role), True, note, consent)
    now = clock().now()
    request.state, request.decided_at = APPROVED, now
    request.valid_until = now + timedelta(hours=setting("valid_h", VALID_H))
    request.save(update_fields=["state", "decided_at", "valid_until"])


@transaction.atomic
def refuse(id_: UUID, actor: Actor, note: str) -> Request:
    """Say no with a reason (반려); the same officers as for a yes. Locks the request."""
    request = locked(id_, actor, "playback.approve")
    decision = may_approve(request, actor)
    reason = clean(note, 500, "반려 사유", "the reason")
    if not reason:
        raise Problem("reason", "반려 사유를 적어야 합니다.", "a refusal needs its reason.")
    named = law().parameter("playback.approver_roles").value
    _decide(request, (actor.person, next(role for role in named if role in actor.roles)), False, reason, None)
    request.state, request.decided_at = REFUSED, clock().now()
    request.save(update_fields=["state", "decided_at"])
    row(request, "playback.request.declined", "refused", actor, decision, note=reason)
    return request


def noted(request: Request) -> dict[str, Any]:
    """What the ledger row of a refusal names of a request."""
    return {"first": request.first, "until": request.until, "ground": request.ground, "case": request.case,
            "detail": {"request": request.pk}}  # fmt: skip


def _decide(request: Request, who: tuple[UUID | None, str], agreed: bool, note: str, consent: Consent | None) -> None:
    Approval.objects.create(
        agency_id=request.agency_id,
        request=request,
        person_id=who[0],
        role=who[1],
        agreed=agreed,
        note=clean(note, 500, "의견", "the note"),
        decision=bytes(request.decision),
        at=clock().now(),
        at_us=consent.at_us if consent else clock().now_us(),
        method=consent.method if consent else "unsigned",
        consent=encode(consent.body()) if consent else b"",
    )


@transaction.atomic
def cancel(id_: UUID, actor: Actor) -> Request:
    """Take one's own request back (취소)."""
    request = locked(id_, actor, "playback.read")
    demand(actor, "playback.read", resource(request), own=request.requester_id == actor.person)
    if request.requester_id != actor.person:
        raise Problem("not_own", "신청한 사람만 취소할 수 있습니다.", "only who asked may cancel.", status=403)
    if request.state not in (ASKED, APPROVED):
        raise Problem("decided", "취소할 수 없는 상태입니다.", "it cannot be cancelled any more.", status=409)
    request.state, request.decided_at = CANCELLED, clock().now()
    request.save(update_fields=["state", "decided_at"])
    row(request, "playback.request.cancelled", "done", actor, None)
    return request


@transaction.atomic
def expire(limit: int = 500) -> int:
    """Mark what nobody decided or viewed in time (기한 경과); for the worker, in the system's scope. Safe to repeat."""
    due = Request.objects.select_for_update(skip_locked=True).filter(
        state__in=(ASKED, APPROVED, VIEWED), valid_until__lte=clock().now()
    )[:limit]
    count = 0
    for request in due:
        before = request.state
        request.state = EXPIRED
        request.save(update_fields=["state"])
        entry = Entry(
            "playback.request.expired", "done", agency=request.agency_id, ground=request.ground, case=request.case,
            detail={"request": request.pk, "was": before},
        )  # fmt: skip
        ledger.append(cursor(), clock(), entry)
        count += 1
    return count

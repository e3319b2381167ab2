"""Acts of preservation (보존 업무): hold at once, ask to prolong or to end, decide; each one transaction with its row.

vaultd answers before the transaction commits: a page never shows a hold that vaultd does not have. When the commit
fails after that, the duty finds the hold in vaultd and adopts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import absent, clock, cursor, demand, law
from gwanje.centre.common.refusal import Problem, clean
from gwanje.centre.preservation import signing, vaulted
from gwanje.centre.preservation.models import (
    AGREED,
    ASKED,
    DECLINED,
    END,
    ENDED,
    PROLONG,
    STANDING,
    Hold,
    HoldAct,
    HoldCamera,
)
from gwanje.centre.preservation.reach import Reach, reach, slots_of
from gwanje.centre.preservation.rules import KIND_OF, OFFICERS, PROVISIONAL_DAYS, REQUESTERS
from gwanje.centre.staff import api as staff
from gwanje.kernel import ledger
from gwanje.kernel.actor import MANAGER, PRIVACY_OFFICER, Actor
from gwanje.kernel.canonical import encode
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import Entry
from gwanje.kernel.permit import Approval
from gwanje.kernel.policy import Resource
from gwanje.law import Decision
from gwanje.vault.holds import Wanted as AskedHold

CAMERAS_MAX = 64
LENGTH_MAX_S = 31 * 86400
STANDING_MAX = 1000


@dataclass(frozen=True)
class Wanted:
    """What somebody wants held. ``first``, ``until``: Unix s, half open, as typed; ``reviewer`` None: the default."""

    cameras: tuple[UUID, ...]
    first: int
    until: int
    ground: str
    case: str
    reason: str
    reviewer: UUID | None = None


def default_reviewer(actor: Actor) -> UUID | None:
    """Who reviews when nobody was named: the agency's privacy officer, else a manager, never the actor alone."""
    for role in (PRIVACY_OFFICER, MANAGER):
        found = staff.holders(role, agency=actor.agency).exclude(pk=actor.person).order_by("name").first()
        if found is not None:
            return UUID(str(found.pk))
    return None


def look(ids: Sequence[UUID], first: int, until: int, actor: Actor, action: str = "preservation.hold") -> list[Reach]:
    """What would be held, camera by camera; nothing is written. Problem when nothing of the range lives."""
    _check_range(ids, first, until)
    known = {view.id: view for view in cameras.cameras(ids)}
    slots = slots_of(cursor(), ids)
    found = []
    for id_ in dict.fromkeys(ids):
        view = known.get(id_)
        if view is None:
            raise absent(actor, action, "camera", id_)
        demand(actor, action, view.resource)
        if id_ in slots:
            found.append(reach(cursor(), view, slots[id_], first, until, widen=True))
    return found


def _check_range(ids: Sequence[UUID], first: int, until: int) -> None:
    if not 1 <= len(set(ids)) <= CAMERAS_MAX:
        raise Problem("cameras", f"카메라를 1~{CAMERAS_MAX}대 고르십시오.", f"choose 1 to {CAMERAS_MAX} cameras.")
    if until <= first:
        raise Problem("range", "끝이 시작보다 늦어야 합니다.", "the end must be after the beginning.")
    if until - first > LENGTH_MAX_S:
        raise Problem(
            "range_long",
            "한 번에 31일까지 보존할 수 있습니다.",
            "at most 31 days at once.",
            next_="범위를 나누십시오.",
            next_en="Split the range.",
        )
    if until > clock().now_s():
        raise Problem("range_future", "아직 녹화되지 않은 시각입니다.", "part of the range is in the future.")


def resource(row: Any) -> Resource:
    """For the policy object: a hold, an act, an application or a deletion of an agency."""
    return Resource("hold", row.pk, row.agency_id)


def role_of(actor: Actor, among: Sequence[str]) -> str:
    """The office in which the actor acts: the first of ``among`` that he holds."""
    return next(role for role in among if role in actor.roles)


def _alive(seen: Sequence[Reach]) -> list[Reach]:
    alive = [item for item in seen if item.spans]
    if not alive:
        raise Problem(
            "no_footage",
            "이 구간에 보존할 수 있는 영상이 없습니다.",
            "nothing of this range can be held.",
            rule="보관기간이 지났거나 삭제된 영상은 되살릴 수 없습니다.",
            next_="카메라와 시각을 다시 확인하십시오.",
            next_en="Check cameras and times.",
        )
    return alive


@transaction.atomic
def provisional(wanted: Wanted, actor: Actor, fixed: signing.Fixed | None = None) -> Hold:
    """Hold at once for ten days (임시 보존), by one person: it opens nothing. Refused by hold.apart, hold.basis.

    SignFirst once officers sign; ``fixed``: its id and moment, with which the signed form is sent again.
    """
    wanted = Wanted(
        tuple(dict.fromkeys(wanted.cameras)),
        wanted.first,
        wanted.until,
        wanted.ground.strip(),
        clean(wanted.case, 100, "사건번호", "the case number"),
        clean(wanted.reason, 1000, "사유", "the reason"),
        wanted.reviewer or default_reviewer(actor),
    )
    seen = _alive(look(wanted.cameras, wanted.first, wanted.until, actor))
    fixed = fixed or signing.Fixed(uuid7(), clock().now())
    now = fixed.at
    ends = now + timedelta(days=PROVISIONAL_DAYS)
    facts = {
        "ground": wanted.ground,
        "case": wanted.case,
        "reason": wanted.reason,
        "reviewer": str(wanted.reviewer or ""),
        "now": int(now.timestamp()),
        "ends": int(ends.timestamp()),
        # bytes are an estimate while a file grows: who signs twice within a minute must sign the same
        "reach": [{key: value for key, value in item.body().items() if key != "bytes"} for item in seen],
    }
    noted = {"cameras": list(wanted.cameras), "first": wanted.first, "until": wanted.until, "case": wanted.case}
    decision = demand(actor, "preservation.hold", seen[0].camera.resource, hold=facts, facts=noted)
    if staff.person(wanted.reviewer) is None if wanted.reviewer else True:
        raise Problem("reviewer", "검토자를 찾을 수 없습니다.", "the reviewer is not known.")
    if Hold.objects.filter(state=STANDING).count() >= STANDING_MAX:
        raise Problem(
            "too_many",
            f"보존이 이미 {STANDING_MAX}건입니다.",
            f"{STANDING_MAX} holds stand already.",
            next_="끝난 사건의 보존을 먼저 종료하십시오.",
            next_en="End holds of closed cases first.",
        )
    hold = _write(wanted, actor, seen, decision, (fixed, ends))
    agreed = Approval(hold.requester_id, hold.requester_role, ledger.decision_digest(decision), _us(now))
    spans = [(item.camera.id, item.slot, s.class_, s.first, s.until) for item in seen for s in item.spans]
    whole = AskedHold(
        hold.pk, hold.kind, hold.ground, hold.case, hold.reviewer_id, tuple(spans), int(hold.ends_at.timestamp()),
        agreed.decision,
    )  # fmt: skip
    said = signing.names_of(hold, ground=hold.ground_title)
    given = signing.approvals(hold.pk, whole.act(hold.requester_id), [agreed], said, fixed)
    vaulted.said(lambda: vaulted.client().hold(**vars(whole), approvals=given))
    return hold


def _us(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _write(
    wanted: Wanted, actor: Actor, seen: Sequence[Reach], decision: Decision, when: tuple[signing.Fixed, datetime]
) -> Hold:
    hold = Hold.objects.create(
        id=when[0].id,
        agency_id=actor.agency,
        kind="provisional",
        ground=wanted.ground,
        ground_title=law().ground(wanted.ground).ko,
        case=wanted.case,
        reason=wanted.reason,
        requester_id=actor.person,
        requester_role=role_of(actor, REQUESTERS),
        reviewer_id=wanted.reviewer,
        station=actor.station,
        made_at=when[0].at,
        ends_at=datetime.fromtimestamp(int(when[1].timestamp()), UTC),
        seconds=sum(item.seconds for item in seen),
        bytes=sum(item.bytes for item in seen),
    )
    HoldCamera.objects.bulk_create(
        HoldCamera(
            agency_id=actor.agency,
            hold=hold,
            camera=item.camera.id,
            label=item.camera.label,
            slot=item.slot,
            class_number=span.class_,
            first=span.first,
            until=span.until,
            seconds=span.seconds,
        )
        for item in seen
        for span in item.spans
    )
    row(hold, "preservation.hold.made", "granted", actor, decision, seconds=hold.seconds, sort=hold.kind)
    return hold


def row(hold: Hold, kind: str, outcome: str, actor: Actor, decision: Decision | None, **detail: Any) -> None:
    """The ledger row of an act on a hold, with its cameras and the whole range."""
    own = list(hold.cameras.all())
    entry = Entry.by(
        actor,
        kind,
        outcome,
        decision,
        cameras=list(dict.fromkeys(c.camera for c in own)),
        first=min((c.first for c in own), default=None),
        until=max((c.until for c in own), default=None),
        ground=hold.ground,
        case=hold.case,
        detail={"hold": hold.pk, "ends": hold.ends_at.isoformat(), **detail},
        dies="destruction",
    )
    ledger.append(cursor(), clock(), entry)


def locked(id_: UUID, actor: Actor, action: str) -> Hold:
    """The hold, locked; Refused (404) when it is not there or not the actor's to see."""
    found = Hold.objects.select_for_update().filter(pk=id_).first()
    if found is None:
        raise absent(actor, action, "hold", id_)
    return found


def _standing(hold: Hold) -> None:
    if hold.state != STANDING or hold.ends_at <= clock().now():
        raise Problem(
            "hold_over",
            "이미 끝난 보존입니다.",
            "the hold has ended already.",
            status=409,
            rule="끝난 보존은 되살릴 수 없습니다.",
        )
    if hold.acts.filter(state=ASKED).exists():
        raise Problem(
            "act_open",
            "이 보존에는 결정을 기다리는 신청이 있습니다.",
            "another act waits for its decision.",
            status=409,
            next_="먼저 그 신청을 결정하십시오.",
            next_en="Decide on it first.",
        )


@transaction.atomic
def ask_prolong(
    id_: UUID, actor: Actor, *, ends: datetime, ground: str, case: str, reason: str, action: str = "preservation.ask"
) -> HoldAct:
    """Ask that a standing hold lasts until ``ends`` on a ground (보존 연장 신청): the same record, the same seconds."""
    hold = locked(id_, actor, action)
    said = clean(reason, 1000, "사유", "the reason")
    number = clean(case, 100, "사건번호", "the case number") or hold.case
    facts = {
        "hold": str(hold.pk),
        "act": PROLONG,
        "ground": ground,
        "case": number,
        "reason": said,
        "reviewer": str(hold.reviewer_id or actor.person),
        "now": clock().now_s(),
        "ends": int(ends.timestamp()),
    }
    decision = demand(actor, action, resource(hold), hold=facts, facts={"case": number, "detail": {"hold": hold.pk}})
    _standing(hold)
    if ends <= hold.ends_at:
        raise Problem(
            "end_earlier",
            "연장의 끝은 지금의 끝보다 뒤여야 합니다.",
            "the new end must be after the present one.",
            next_="일찍 끝내려면 종료를 신청하십시오.",
            next_en="To end it early, ask for its end.",
        )
    act = _asked(hold, actor, decision, PROLONG, said)
    act.kind, act.ground, act.case, act.ends_at = KIND_OF[ground], ground, number, ends
    act.save(update_fields=["kind", "ground", "case", "ends_at"])
    row(hold, "preservation.prolongation.asked", "done", actor, decision, until=ends.isoformat(), act=act.pk)
    return act


@transaction.atomic
def ask_end(id_: UUID, actor: Actor, reason: str) -> HoldAct:
    """Ask that a hold ends now (보존 종료 신청); what it alone kept dies with it."""
    hold = locked(id_, actor, "preservation.ask")
    said = clean(reason, 1000, "사유", "the reason")
    decision = demand(actor, "preservation.ask", resource(hold), facts={"detail": {"hold": hold.pk}})
    _standing(hold)
    if len(said) < 5:
        raise Problem("reason_missing", "종료 사유를 적어야 합니다.", "the reason is missing.")
    act = _asked(hold, actor, decision, END, said)
    row(hold, "preservation.end.asked", "done", actor, decision, act=act.pk)
    return act


def _asked(hold: Hold, actor: Actor, decision: Decision, act: str, reason: str) -> HoldAct:
    return HoldAct.objects.create(
        agency_id=hold.agency_id,
        hold=hold,
        act=act,
        reason=reason,
        asked_by_id=actor.person,
        asked_role=role_of(actor, OFFICERS),
        asked_at=clock().now(),
        decision=ledger.decision_digest(decision),
        decision_body=encode(decision.body()),
    )


def approvals(act: Any, actor: Actor) -> list[Approval]:
    """Both consents to one act: who asked, then who decides now."""
    named = law().parameter("playback.approver_roles").value
    digest = bytes(act.decision)
    assert actor.person is not None
    return [
        Approval(act.asked_by_id, act.asked_role, digest, _us(act.asked_at)),
        Approval(actor.person, role_of(actor, named), digest, clock().now_us()),
    ]


def _waiting(id_: UUID, act_id: UUID, actor: Actor) -> tuple[Hold, HoldAct, Decision]:
    hold = locked(id_, actor, "preservation.decide")
    act = hold.acts.select_for_update().filter(pk=act_id).first()
    if act is None:
        raise absent(actor, "preservation.decide", "act", act_id)
    noted = {"case": hold.case, "detail": {"hold": hold.pk, "act": act.pk}}
    decision = demand(actor, "preservation.decide", resource(hold), asked_by=str(act.asked_by_id), facts=noted)
    if act.state != ASKED:
        raise Problem("decided", "이미 처리된 신청입니다.", "it is decided already.", status=409)
    if hold.state != STANDING or hold.ends_at <= clock().now():
        raise Problem("hold_over", "이미 끝난 보존입니다.", "the hold has ended already.", status=409)
    return hold, act, decision


def _settle(act: HoldAct, actor: Actor, state: str, note: str) -> None:
    named = law().parameter("playback.approver_roles").value
    act.state, act.decided_by_id, act.decided_role = state, actor.person, role_of(actor, named)
    act.decided_at, act.note = clock().now(), clean(note, 500, "의견", "the note")
    act.save(update_fields=["state", "decided_by", "decided_role", "decided_at", "note"])


@transaction.atomic
def agree(id_: UUID, act_id: UUID, actor: Actor, note: str = "") -> Hold:
    """Agree to what was asked of a hold (결정): prolongs the same record, or ends it. Locks the hold."""
    hold, act, decision = _waiting(id_, act_id, actor)
    said = signing.names_of(hold, act.asked_by, ground=law().ground(act.ground).ko if act.ground else "")
    given = signing.approvals(act.pk, signing.act_of(act), approvals(act, actor), said)
    _settle(act, actor, AGREED, note)
    if act.act == PROLONG:
        assert act.ends_at is not None
        hold.kind, hold.ground, hold.case = act.kind, act.ground, act.case
        hold.ground_title, hold.ends_at, hold.warned = law().ground(act.ground).ko, act.ends_at, 0
        hold.save(update_fields=["kind", "ground", "case", "ground_title", "ends_at", "warned"])
        row(hold, "preservation.hold.prolonged", "granted", actor, decision, act=act.pk, sort=hold.kind)
        vaulted.said(
            lambda: vaulted.client().prolong_hold(
                id=hold.pk,
                kind=hold.kind,
                ends=int(hold.ends_at.timestamp()),
                ground=hold.ground,
                case=hold.case,
                decision=given[0].decision,
                approvals=given,
            )
        )
        return hold
    hold.state, hold.closed_at = ENDED, clock().now()
    hold.save(update_fields=["state", "closed_at"])
    row(hold, "preservation.hold.ended", "granted", actor, decision, act=act.pk)
    vaulted.said(lambda: vaulted.client().end_hold(id=hold.pk, decision=given[0].decision, approvals=given))
    return hold


@transaction.atomic
def decline(id_: UUID, act_id: UUID, actor: Actor, note: str) -> HoldAct:
    """Say no with a reason (반려); the hold stands until its end as before."""
    hold, act, decision = _waiting(id_, act_id, actor)
    if len(note.strip()) < 2:
        raise Problem("reason", "반려 사유를 적어야 합니다.", "a refusal needs its reason.")
    _settle(act, actor, DECLINED, note)
    row(hold, "preservation.act.declined", "refused", actor, decision, act=act.pk, note=act.note)
    return act


def readable(id_: UUID, actor: Actor) -> Hold:
    """A hold that the actor may read; Refused otherwise (404 when it is not there)."""
    found = Hold.objects.select_related("requester", "reviewer").filter(pk=id_).first()
    if found is None:
        raise absent(actor, "preservation.read", "hold", id_)
    own = found.requester_id is not None and found.requester_id == actor.person
    demand(actor, "preservation.read", resource(found), own=own, facts={"detail": {"hold": found.pk}})
    return found

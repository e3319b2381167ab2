"""Rules of playback (저장 영상 재생 규칙): pure; stored video stays shut unless each of them says yes.

Nothing here knows of a live emergency: an urgent live view never opens what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gwanje.kernel.actor import (
    ADMINISTRATOR,
    AUDITOR,
    CHIEF_OFFICER,
    MAINTENANCE,
    MANAGER,
    OPERATOR,
    PRIVACY_OFFICER,
    SECONDED_POLICE,
    Actor,
)
from gwanje.kernel.policy import NOTHING, Resource, Scope, agencies
from gwanje.law import Decision, InForce, Reason, combine, enforces

GATE = "playback"
REQUESTERS = (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, SECONDED_POLICE, OPERATOR)
READERS = (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR)
NEVER = (ADMINISTRATOR, MAINTENANCE)
PURPOSE_MIN = 5
# fmt: off
REASONS = {reason.code: reason for reason in (
    Reason("never", "시스템관리자와 유지보수 수탁자는 저장 영상을 볼 수 없습니다",
           "administrators and maintenance contractors never see stored video",
           "업무상 필요하면 담당공무원이 신청하여야 합니다", "an officer in charge has to ask"),
    Reason("contractor", "수탁업체 직원은 저장 영상을 신청하거나 승인할 수 없습니다",
           "a contractor's employee neither asks for stored video nor approves it",
           "담당공무원에게 알리십시오", "tell the officer in charge"),
    Reason("role_missing", "저장 영상을 신청할 권한이 없습니다", "your office has no right to ask for stored video",
           "관리책임자에게 문의하십시오", "ask the manager"),
    Reason("off_duty", "근무 중이 아닙니다", "you are not on shift",
           "근무를 시작한 뒤 하십시오", "start your shift first"),
    Reason("station", "열람실 단말이 아닙니다", "this is not a station of the viewing room",
           "열람실 단말에서 로그인하십시오", "log in at a station of the viewing room"),
    Reason("not_a_viewing_station", "출입이 통제되는 열람실의 등록 단말이 아닙니다",
           "this is no registered station of the controlled viewing room",
           "열람실 단말에서 로그인하십시오", "log in at a station of the viewing room", "playback.station"),
    Reason("not_requester", "신청한 사람만 볼 수 있습니다", "only who asked may view it",
           "직접 신청하여 승인을 받으십시오", "ask for it yourself"),
    Reason("not_approved", "승인되지 않은 신청입니다", "the request is not approved",
           "승인을 기다리거나 다시 신청하십시오", "wait for approval or ask again"),
    Reason("approval_expired", "승인의 유효기간이 지났습니다", "the approval has expired",
           "다시 신청하십시오", "ask again"),
    Reason("ground_unknown", "법적 근거를 골라야 합니다", "a legal ground must be chosen",
           "시행 중인 근거 가운데 하나를 고르십시오", "choose one of the grounds in force", "playback.ground"),
    Reason("ground_gate", "저장 영상 재생의 근거가 아닙니다", "this is no ground for playback",
           "재생을 허용하는 근거를 고르십시오", "choose a ground that allows playback", "playback.ground"),
    Reason("ground_not_in_force", "시행 중인 근거가 아닙니다", "this ground is not in force",
           "시행 중인 근거 가운데 하나를 고르십시오", "choose one of the grounds in force", "playback.ground"),
    Reason("document_missing", "근거 문서의 번호를 적어야 합니다", "the document that the ground needs is missing",
           "공문·접수번호 등을 적으십시오", "give its number", "playback.ground"),
    Reason("case_missing", "사건·접수번호를 적어야 합니다", "the case number is missing",
           "사건 또는 접수번호를 적으십시오", "give the case or receipt number", "playback.ground"),
    Reason("purpose_missing", "열람 목적을 구체적으로 적어야 합니다", "the purpose is missing or too short",
           "다섯 자 이상으로 적으십시오", "write at least five characters", "playback.ground"),
    Reason("approval_missing", "다른 담당공무원의 승인이 없습니다", "no other officer has approved",
           "승인권자에게 요청하십시오", "ask an approver", "playback.approval"),
    Reason("same_person", "신청한 사람은 승인할 수 없습니다", "who asks cannot approve",
           "다른 승인권자가 승인하여야 합니다", "another approver must decide", "playback.approval"),
    Reason("approver_role", "승인권자가 아닙니다", "not an approver by the ordinance",
           "총괄책임자나 관리책임자에게 요청하십시오", "ask an officer whom the rule names", "playback.approval"),
    Reason("approver_contractor", "수탁업체 직원은 승인할 수 없습니다", "a contractor's employee cannot approve",
           "승인권자인 공무원에게 요청하십시오", "ask an official", "playback.approval"),
)}
# fmt: on


def _because(*found: tuple[bool, str]) -> list[Reason]:
    return [REASONS[code] for wrong, code in found if wrong]


@enforces("playback.default_deny")
def may_request(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Who may ask for stored video at all (재생 엄격 금지의 예외를 신청할 수 있는 사람).

    Facts: ``roles`` (list of role ids), ``contractor``, ``on_duty`` (bool).
    """
    roles = set(facts["roles"])
    reasons = _because(
        (bool(roles & set(NEVER)), "never"),
        (facts["contractor"], "contractor"),
        (not roles & set(REQUESTERS), "role_missing"),
        (not facts["on_duty"], "off_duty"),
    )
    return law.judge("playback.request", "playback.default_deny", reasons=reasons, facts=facts)


@enforces("playback.default_deny")
def may_view(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Who may open an approved request, where and when (승인된 영상의 재생).

    Facts: ``roles``, ``contractor``, ``on_duty``, ``station_playback`` (a station of the viewing room),
    ``requester`` (the actor is who asked), ``approved`` (bool), ``expired`` (the approval's time is over);
    ``station_apart`` (optional): the station is judged by ``playback.station``, which has an article here.
    """
    roles = set(facts["roles"])
    reasons = _because(
        (bool(roles & set(NEVER)), "never"),
        (facts["contractor"], "contractor"),
        (not roles & set(REQUESTERS), "role_missing"),
        (not facts["requester"], "not_requester"),
        (not facts["approved"], "not_approved"),
        (facts["expired"], "approval_expired"),
        (not facts["on_duty"], "off_duty"),
        (not facts["station_playback"] and not facts.get("station_apart"), "station"),
    )
    return law.judge("playback.view", "playback.default_deny", reasons=reasons, facts=facts)


@enforces("playback.station")
def viewing_station(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only at registered stations in a controlled place (출입이 통제되는 열람실의 등록 단말).

    Facts: ``station`` (registered code or ""), ``station_playback`` (bool).
    """
    wrong = not facts["station"] or not facts["station_playback"]
    reasons = _because((wrong, "not_a_viewing_station"))
    return law.judge("playback.view", "playback.station", reasons=reasons, facts=facts)


@enforces("playback.ground")
def ground_stands(facts: Mapping[str, Any], law: InForce) -> Decision:
    """The ground is in force that day and its document is named (근거와 문서).

    Facts: ``ground`` (code), ``case``, ``document``, ``purpose`` (text).
    """
    reasons = _because(
        (not str(facts["case"]).strip(), "case_missing"),
        (len(str(facts["purpose"]).strip()) < PURPOSE_MIN, "purpose_missing"),
    )
    try:
        ground = law.ground(str(facts["ground"]))
    except KeyError:
        reasons = [REASONS["ground_unknown"], *reasons]
    else:
        reasons = [
            *_because(
                (not ground.in_force, "ground_not_in_force"),
                (GATE not in ground.gates, "ground_gate"),
                (bool(ground.document) and not str(facts["document"]).strip(), "document_missing"),
            ),
            *reasons,
        ]
    return law.judge("playback.request", "playback.ground", reasons=reasons, facts=facts)


@enforces("playback.approval")
def approval_counts(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Another officer whom the rule names agrees (승인권자의 승인): two distinct people, never a contractor.

    Facts: ``requester`` (id), ``approvers``: list of {``person`` (id), ``roles`` (list), ``contractor`` (bool)};
    ``off_duty`` (optional): the one who decides now is not on shift.
    """
    named = set(law.parameter("playback.approver_roles").value)
    approvers = list(facts["approvers"])
    reasons = _because(
        (not approvers, "approval_missing"),
        (any(a["person"] == facts["requester"] for a in approvers), "same_person"),
        (any(not named & set(a["roles"]) for a in approvers), "approver_role"),
        (any(a["contractor"] for a in approvers), "approver_contractor"),
        (bool(facts.get("off_duty")), "off_duty"),
    )
    return law.judge("playback.approve", "playback.approval", reasons=reasons, facts=facts)


@enforces("playback.default_deny")
def may_read(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Who may see a request, not the video (신청 내역 조회). Facts: ``roles``, ``own`` (the actor asked it)."""
    reasons = _because((not facts["own"] and not set(facts["roles"]) & set(READERS), "role_missing"))
    return law.judge("playback.read", "playback.default_deny", reasons=reasons, facts=facts)


def _who(actor: Actor) -> dict[str, Any]:
    return {"roles": sorted(actor.roles), "contractor": actor.contractor, "on_duty": actor.on_duty}


def ask(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``playback.ask``: may this person ask at all (opens the form)."""
    return may_request(_who(actor), context["law"])


def request(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``playback.request``: context ``request`` carries the facts of ``ground_stands`` and what is asked for."""
    law = context["law"]
    parts = [may_request({**context["request"], **_who(actor)}, law), ground_stands(context["request"], law)]
    return combine("playback.request", parts)


def approve(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``playback.approve``: context ``requester``; the actor must be an approver, on shift."""
    law = context["law"]
    one = {"person": str(actor.person), "roles": sorted(actor.roles), "contractor": actor.contractor}
    facts = {"requester": context["requester"], "approvers": [one], "off_duty": not actor.on_duty}
    return approval_counts(facts, law)


def view(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``playback.view``: context ``view`` (facts of ``may_view`` but the actor's) and ``approval``."""
    law = context["law"]
    parts = _seated(actor, context["view"], law)
    if context["view"]["approved"]:
        parts.append(approval_counts(context["approval"], law))
    return combine("playback.view", parts)


def _seated(actor: Actor, view: Mapping[str, Any], law: InForce) -> list[Decision]:
    """Who, what and when; where: by its own norm when the city's rules have one, else by the general ban."""
    apart = law.has("playback.station")
    parts = [may_view({**view, **_who(actor), **({"station_apart": True} if apart else {})}, law)]
    if apart:
        parts.append(viewing_station({"station": actor.station, "station_playback": view["station_playback"]}, law))
    return parts


def seat(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``playback.seat``: sitting in the viewing room, on shift, in an office that may view; opens nothing by itself."""
    return combine("playback.view", _seated(actor, context["view"], context["law"]))


def read(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``playback.read``: context ``own``."""
    return may_read({"roles": sorted(actor.roles), "own": bool(context.get("own"))}, context["law"])


def own_agency(actor: Actor) -> Scope:
    """Cameras and requests of the actor's agency."""
    return NOTHING if actor.agency is None else agencies(actor.agency)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of playback."""
    for action, rule in (
        ("playback.ask", ask),
        ("playback.request", request),
        ("playback.approve", approve),
        ("playback.view", view),
        ("playback.seat", seat),
        ("playback.read", read),
    ):
        policy.register(action, rule, own_agency)

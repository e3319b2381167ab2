"""Rules of preservation (보존·삭제 규칙): pure; facts and the law of the day in, a Decision out."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gwanje.kernel.actor import (
    AUDITOR,
    CHIEF_OFFICER,
    MANAGER,
    OPERATOR,
    PRIVACY_OFFICER,
    SECONDED_POLICE,
    Actor,
)
from gwanje.kernel.policy import NOTHING, Resource, Scope, agencies
from gwanje.law import Decision, InForce, Reason, combine, enforces

GATE = "hold"
PROVISIONAL_DAYS = 10
DAYS_MAX = 366
DELETION_MAX_S = 24 * 3600
REASON_MIN = 5
# what vaultd calls a hold that rests on a ground of the packs
KIND_OF = {
    "investigation": "investigation",
    "evidence": "investigation",
    "trial": "trial",
    "other_law": "statute",
    "subject_request": "extension",
}
REQUESTERS = (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, SECONDED_POLICE, OPERATOR)
READERS = (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR)
OFFICERS = (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER)
NEEDED = {
    "preservation.read": READERS,
    "preservation.hold": REQUESTERS,
    "preservation.ask": OFFICERS,
    "preservation.apply": OFFICERS,
    "preservation.delete": OFFICERS,
}
# fmt: off
REASONS = {reason.code: reason for reason in (
    Reason("ground_unknown", "보존의 법적 근거를 골라야 합니다", "a legal ground of the hold must be chosen",
           "시행 중인 근거 가운데 하나를 고르십시오", "choose one of the grounds in force"),
    Reason("ground_gate", "보존의 근거가 될 수 없는 근거입니다", "this ground allows no hold",
           "수사·재판·다른 법령·정보주체의 신청 가운데 고르십시오", "choose a ground that allows a hold"),
    Reason("ground_not_in_force", "시행 중인 근거가 아닙니다", "this ground is not in force",
           "시행 중인 근거 가운데 하나를 고르십시오", "choose one of the grounds in force"),
    Reason("case_missing", "사건·접수번호를 적어야 합니다", "the case number is missing",
           "사건 또는 접수번호를 적으십시오", "give the case or receipt number"),
    Reason("reason_missing", "사유를 구체적으로 적어야 합니다", "the reason is missing or too short",
           "다섯 자 이상으로 적으십시오", "write at least five characters"),
    Reason("reviewer_missing", "검토할 책임자를 정하여야 합니다", "a hold needs a reviewer",
           "보존이 아직 필요한지 검토할 사람을 고르십시오", "choose who reviews whether it is still needed"),
    Reason("end_missing", "보존의 끝을 정하여야 합니다", "a hold needs an end after now",
           "지금보다 뒤의 날을 적으십시오", "give a later day"),
    Reason("end_too_far", f"한 번에 {DAYS_MAX}일까지 보존할 수 있습니다", f"a hold lasts {DAYS_MAX} days at once",
           "기간이 끝나기 전에 다시 연장하십시오", "prolong it again before it ends"),
    Reason("role_missing", "보존 영상을 다룰 권한이 없습니다", "your office has no right to what is held apart",
           "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오", "ask the administrator for the right"),
    Reason("contractor", "수탁업체 직원은 보존 영상을 다룰 수 없습니다", "a contractor's employee has no part in holds",
           "담당공무원에게 알리십시오", "tell the officer in charge"),
    Reason("off_duty", "근무 중이 아닙니다", "you are not on shift",
           "근무를 시작한 뒤 하십시오", "start your shift first"),
    Reason("same_person", "신청한 사람은 결정할 수 없습니다", "who asks cannot decide",
           "다른 책임자가 결정하여야 합니다", "another officer must decide"),
    Reason("approver_role", "보존을 결정하는 책임자가 아닙니다", "not an officer who decides on holds",
           "총괄책임자나 관리책임자에게 요청하십시오", "ask an officer whom the rule names"),
    Reason("subject_missing", "정보주체의 성명·전화번호·생년월일·주소를 적어야 합니다",
           "name, phone, date of birth and address of the subject are needed",
           "서식의 굵은 선 안쪽을 모두 적으십시오", "fill in every field of the form"),
    Reason("agent_incomplete", "대리인의 성명·전화번호·생년월일·관계·주소를 모두 적어야 합니다",
           "an agent needs name, phone, date of birth, relation and address",
           "대리인이 없으면 모두 비우십시오", "leave all of it empty without an agent"),
    Reason("purpose_missing", "청구 목적 및 사유를 구체적으로 적어야 합니다", "purpose and reason are missing",
           "다섯 자 이상으로 적으십시오", "write at least five characters"),
    Reason("period_missing", "보존 연장기간의 끝은 시작보다 늦고 오늘보다 뒤여야 합니다",
           "the period must end after it begins and after today",
           "연장기간을 다시 적으십시오", "enter the period again"),
    Reason("consent_missing", "만료일까지 재신청이 없으면 삭제한다는 데 동의하여야 합니다",
           "the subject must agree that it is deleted at the end without a new application",
           "서명한 동의문을 받으십시오", "have the consent signed"),
    Reason("too_late", "보존 연장기간이 이미 끝났습니다", "the prolonged period has ended already",
           "만료된 영상은 되살릴 수 없습니다", "what has ended cannot be brought back"),
    Reason("no_extension_form", "이 시의 규정에는 보존기간 연장 신청 서식이 없습니다",
           "the city's rules have no form by which a keeping is prolonged",
           "보존이 필요하면 근거를 적어 보존을 신청하십시오", "ask for a hold, with its ground"),
    Reason("one_camera", "삭제는 영상정보처리기기 한 대씩 합니다", "one camera is deleted at a time",
           "기기마다 따로 신청하십시오", "ask for each camera"),
    Reason("range_missing", "삭제할 구간의 끝은 시작보다 늦어야 합니다", "the range must end after it begins",
           "구간을 다시 적으십시오", "enter the range again"),
    Reason("range_long", f"한 번에 {DELETION_MAX_S // 3600}시간까지 삭제할 수 있습니다",
           f"at most {DELETION_MAX_S // 3600} h are deleted at once",
           "꼭 필요한 구간만 적으십시오", "name only the seconds that are needed"),
    Reason("applicant_missing", "청구인을 적어야 합니다", "the applicant is missing",
           "청구서의 청구인을 적으십시오", "give the applicant of the form"),
)}
# fmt: on


def _because(norm: str, *found: tuple[bool, str]) -> list[Reason]:
    return [Reason(**{**REASONS[code].__dict__, "norm": norm}) for wrong, code in found if wrong]


@enforces("hold.basis")
def hold_stands(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A hold has a ground in force, a case, a reason, a reviewer and an end (보존의 요건).

    Facts: ``ground`` (code), ``case``, ``reason`` (text), ``reviewer`` (id or ""), ``now``, ``ends`` (Unix s).
    """
    reasons = _because(
        "hold.basis",
        (not str(facts["case"]).strip(), "case_missing"),
        (len(str(facts["reason"]).strip()) < REASON_MIN, "reason_missing"),
        (not facts["reviewer"], "reviewer_missing"),
        (facts["ends"] <= facts["now"], "end_missing"),
        (facts["ends"] > facts["now"] + DAYS_MAX * 86400, "end_too_far"),
    )
    try:
        ground = law.ground(str(facts["ground"]))
    except KeyError:
        reasons = [*_because("hold.basis", (True, "ground_unknown")), *reasons]
    else:
        unfit = GATE not in ground.gates or ground.code not in KIND_OF
        found = _because("hold.basis", (not ground.in_force, "ground_not_in_force"), (unfit, "ground_gate"))
        reasons = [*found, *reasons]
    return law.judge("preservation.hold", "hold.basis", reasons=reasons, facts=facts)


@enforces("hold.apart")
def named_only(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Who may touch what is held apart (분리 보관된 영상의 접근).

    Facts: ``roles``, ``needed`` (lists of role ids), ``contractor``, ``action``; ``own`` (optional: the actor's own
    hold, to read it), ``duty_owed`` (optional: on shift is needed and missing).
    """
    named = bool(set(facts["roles"]) & set(facts["needed"])) or bool(facts.get("own"))
    reasons = _because(
        "hold.apart",
        (bool(facts["contractor"]), "contractor"),
        (not named, "role_missing"),
        (bool(facts.get("duty_owed")), "off_duty"),
    )
    return law.judge(facts["action"], "hold.apart", reasons=reasons, facts=facts)


@enforces("hold.apart")
def decided_by_another(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Another officer than who asked decides (보존의 연장·종료와 삭제의 결정).

    Facts: ``asked_by`` (id), ``person`` (id), ``roles`` (list), ``contractor``, ``off_duty``, ``action``.
    """
    named = set(law.parameter("playback.approver_roles").value)
    reasons = _because(
        "hold.apart",
        (bool(facts["contractor"]), "contractor"),
        (facts["person"] == facts["asked_by"], "same_person"),
        (not named & set(facts["roles"]), "approver_role"),
        (bool(facts["off_duty"]), "off_duty"),
    )
    return law.judge(facts["action"], "hold.apart", reasons=reasons, facts=facts)


@enforces("extension.form")
def form_stands(facts: Mapping[str, Any], law: InForce) -> Decision:
    """The form is complete and in time (보존기간 연장 신청서의 요건).

    Facts: ``subject``, ``agent`` (maps of text), ``purpose``, ``keep_from``, ``keep_until``, ``today`` (ISO days),
    ``consent`` (bool), ``ended`` (bool: a re-application after the end).
    """
    agent = [str(text).strip() for text in facts["agent"].values()]
    reasons = _because(
        "extension.form",
        (not all(str(text).strip() for text in facts["subject"].values()), "subject_missing"),
        (any(agent) and not all(agent), "agent_incomplete"),
        (len(str(facts["purpose"]).strip()) < REASON_MIN, "purpose_missing"),
        (facts["keep_until"] < facts["keep_from"] or facts["keep_until"] <= facts["today"], "period_missing"),
        (not facts["consent"], "consent_missing"),
        (bool(facts["ended"]), "too_late"),
    )
    return law.judge("preservation.apply", "extension.form", reasons=reasons, facts=facts)


@enforces("deletion.exact")
def deletion_stands(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Exactly the seconds that were asked for, of one camera, for a reason (삭제 청구의 요건).

    Facts: ``cameras`` (number), ``first``, ``until`` (Unix s, half open), ``case``, ``applicant``, ``reason``.
    """
    length = facts["until"] - facts["first"]
    reasons = _because(
        "deletion.exact",
        (facts["cameras"] != 1, "one_camera"),
        (length <= 0, "range_missing"),
        (length > DELETION_MAX_S, "range_long"),
        (not str(facts["case"]).strip(), "case_missing"),
        (not str(facts["applicant"]).strip(), "applicant_missing"),
        (len(str(facts["reason"]).strip()) < REASON_MIN, "reason_missing"),
    )
    return law.judge("preservation.delete", "deletion.exact", reasons=reasons, facts=facts)


def _named(action: str, actor: Actor, law: InForce, **more: Any) -> Decision:
    facts = {"roles": sorted(actor.roles), "needed": list(NEEDED[action]), "contractor": actor.contractor}
    return named_only({**facts, "action": action, **more}, law)


def _both(may: Decision, stands: Decision) -> Decision:
    return combine(may.action, [may, stands])


def read(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``preservation.read``: named officers and the auditor; others what they asked themselves (context ``own``)."""
    return _named("preservation.read", actor, context["law"], own=bool(context.get("own")))


def hold(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``preservation.hold``: who may hold at all; context ``hold`` (optional) has the facts of ``hold_stands``."""
    may = _named("preservation.hold", actor, context["law"], duty_owed=not actor.on_duty)
    return _both(may, hold_stands(context["hold"], context["law"])) if "hold" in context else may


def ask(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``preservation.ask``: ask to prolong or to end; context ``hold`` (optional) as for ``preservation.hold``."""
    may = _named("preservation.ask", actor, context["law"], duty_owed=not actor.on_duty)
    return _both(may, hold_stands(context["hold"], context["law"])) if "hold" in context else may


def decide(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``preservation.decide``: context ``asked_by`` is who asked."""
    facts = {
        "asked_by": context["asked_by"], "person": str(actor.person), "roles": sorted(actor.roles),
        "contractor": actor.contractor, "off_duty": not actor.on_duty, "action": "preservation.decide",
    }  # fmt: skip
    return decided_by_another(facts, context["law"])


def apply(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``preservation.apply``: enter form 3; context ``form`` (optional) has the facts of ``form_stands``."""
    law: InForce = context["law"]
    may = _named("preservation.apply", actor, law, duty_owed=not actor.on_duty)
    if not law.has("extension.form"):
        reasons = _because("hold.apart", (True, "no_extension_form"))
        return _both(may, law.deny("preservation.apply", "hold.apart", reasons=reasons))
    return _both(may, form_stands(context["form"], law)) if "form" in context else may


def delete(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``preservation.delete``: ask for a deletion; context ``deletion`` (optional): facts of ``deletion_stands``."""
    may = _named("preservation.delete", actor, context["law"], duty_owed=not actor.on_duty)
    return _both(may, deletion_stands(context["deletion"], context["law"])) if "deletion" in context else may


def own_agency(actor: Actor) -> Scope:
    """What is held of the actor's agency."""
    return NOTHING if actor.agency is None else agencies(actor.agency)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of preservation."""
    for rule in (read, hold, ask, decide, apply, delete):
        policy.register(f"preservation.{rule.__name__}", rule, own_agency)

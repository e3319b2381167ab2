"""Rules of staff (인력·권한 규칙): pure; facts and the law of the day in, a Decision out."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gwanje.centre.staff import rules_posts
from gwanje.kernel.actor import (
    ADMINISTRATOR,
    AUDITOR,
    CHIEF_OFFICER,
    MANAGER,
    OFFICES,
    OPERATOR,
    PRIVACY_OFFICER,
    ROLES,
    SECONDED_POLICE,
    Actor,
)
from gwanje.kernel.policy import NOTHING, Resource, Scope, agencies
from gwanje.law import Decision, InForce, NotInForce, Reason, combine, enforces

LEADERS = (CHIEF_OFFICER, MANAGER)
# pairs of which one person holds at most one: who keeps the machines or audits does not open pictures
APART = (
    (ADMINISTRATOR, OPERATOR),
    (ADMINISTRATOR, SECONDED_POLICE),
    (ADMINISTRATOR, CHIEF_OFFICER),
    (ADMINISTRATOR, MANAGER),
    (ADMINISTRATOR, AUDITOR),
    *((AUDITOR, other) for other in (CHIEF_OFFICER, MANAGER, OPERATOR, SECONDED_POLICE)),
)
# what may be handed to a contractor, one or another; together, or as a whole, they may not
SCOPES = ("관제", "유지보수", "설치공사", "영상정보자원 관리")
WHOLE = "운영업무 전체"
NEEDED = {
    "staff.read": (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR, ADMINISTRATOR),
    "staff.manage": (CHIEF_OFFICER, ADMINISTRATOR),
    "staff.grant": (CHIEF_OFFICER, ADMINISTRATOR),
    "staff.revoke": (CHIEF_OFFICER, ADMINISTRATOR),
    "staff.codes": (CHIEF_OFFICER, MANAGER),
    "staff.transfer": (CHIEF_OFFICER, ADMINISTRATOR),
}


# fmt: off
REASONS = {reason.code: reason for reason in (
    Reason("role_missing", "이 업무의 권한이 없습니다", "your office has no right to this",
           "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오", "ask the administrator if your work needs it"),
    Reason("self_grant", "본인에게 권한을 줄 수 없습니다", "nobody grants a right to themselves",
           "다른 권한자가 부여해야 합니다", "another officer must grant it"),
    Reason("ground_missing", "부여 근거를 적어야 합니다", "the ground of the grant is missing",
           "인사발령 문서번호 등을 적으십시오", "name the order or letter"),
    Reason("already_held", "이미 가진 권한입니다", "the person holds this right already",
           "기존 권한의 기간을 확인하십시오", "look at the existing grant"),
    Reason("roles_apart", "함께 가질 수 없는 권한입니다", "these two rights are kept apart",
           "먼저 기존 권한을 회수하십시오", "revoke the other right first"),
    Reason("headcount", "이 권한의 정원이 찼습니다", "as many people as may hold this right hold it",
           "쓰지 않는 권한을 먼저 회수하십시오", "revoke an unused one first"),
    Reason("no_chief_officer", "총괄책임자가 없게 됩니다", "there would be no chief officer",
           "새 총괄책임자를 먼저 지정하십시오", "designate another one first"),
    Reason("no_manager", "관리책임자가 없게 됩니다", "there would be no manager",
           "새 관리책임자를 먼저 지정하십시오", "designate another one first"),
    Reason("office_vacant", "지정하여야 하는 책임자가 없게 됩니다", "an office that must be filled would be vacant",
           "후임을 먼저 지정하십시오", "designate a successor first"),
    Reason("whole_operation", "운영업무 전체는 위탁할 수 없습니다", "the whole operation may not be outsourced",
           "관제·유지보수 등 일부 업무만 위탁하십시오", "outsource parts of the work only"),
    Reason("contractor_office", "수탁업체 직원에게 줄 수 없는 권한입니다", "a contractor cannot hold this office",
           "소속 공무원에게 부여하십시오", "grant it to an official"),
)}
# fmt: on


def _because(*found: tuple[bool, str]) -> list[Reason]:
    return [REASONS[code] for wrong, code in found if wrong]


@enforces("access.least")
def role_needed(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only those whose office needs it (접근권한 최소화). Facts: ``roles``, ``needed`` (lists of role ids)."""
    reasons = _because((not set(facts["roles"]) & set(facts["needed"]), "role_missing"))
    return law.judge("staff.access", "access.least", reasons=reasons, facts=facts)


@enforces("access.least")
def grant_least(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A right is granted when and as far as it is needed (권한·인원 최소화).

    Facts: ``role``, ``held`` (roles the person has), ``ground`` (text), ``self`` (granting to oneself),
    ``holders`` (people who hold the role now), ``limit`` (most people who may).
    """
    apart = {b if a == facts["role"] else a for a, b in APART if facts["role"] in (a, b)}
    reasons = _because(
        (facts["self"], "self_grant"),
        (len(str(facts["ground"]).strip()) < 2, "ground_missing"),
        (facts["role"] in facts["held"], "already_held"),
        (bool(apart & set(facts["held"])), "roles_apart"),
        (facts["holders"] >= facts["limit"], "headcount"),
    )
    return law.judge("staff.grant", "access.least", reasons=reasons, facts=facts)


@enforces("access.officers")
def officers_stand(facts: Mapping[str, Any], law: InForce) -> Decision:
    """The officers whom the rule wants designated stand at all times (총괄책임자·관리책임자 등 지정).

    Facts: ``chief_officers``, ``managers``: how many stand after the act; ``standing`` (optional): role id → how many,
    for every office that ``officers.required`` names; ``act``: what is to be done.
    """
    said = {CHIEF_OFFICER: facts.get("chief_officers"), MANAGER: facts.get("managers"), **facts.get("standing", {})}
    empty = [role for role, count in said.items() if count is not None and count < 1 and role in officers_required(law)]
    own = {CHIEF_OFFICER: "no_chief_officer", MANAGER: "no_manager"}
    reasons = [REASONS[code] for code in dict.fromkeys(own.get(role, "office_vacant") for role in empty)]
    return law.judge("staff.officers", "access.officers", reasons=reasons, facts=facts)


def officers_required(law: InForce) -> tuple[str, ...]:
    """Role ids that the city's rule wants filled (지정하여야 하는 책임자); none where no rule in force names them."""
    try:
        return tuple(role for role in law.parameter("officers.required").value if role in ROLES)
    except NotInForce:
        return ()


@enforces("outsourcing.not_whole")
def contractor_limits(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Watching and upkeep may be outsourced, running the centre may not (운영업무 전체 위탁 금지).

    Facts: ``role``, ``contractor`` (bool); ``scope`` (optional): what a contract hands over, words of ``SCOPES``.
    """
    handed = set(facts.get("scope", ()))
    reasons = _because(
        (facts["contractor"] and facts["role"] in OFFICES, "contractor_office"),
        (WHOLE in handed or handed >= set(SCOPES), "whole_operation"),
    )
    return law.judge("staff.outsourcing", "outsourcing.not_whole", reasons=reasons, facts=facts)


def _needs(action: str, actor: Actor, law: InForce) -> Decision:
    return role_needed({"roles": sorted(actor.roles), "needed": list(NEEDED[action]), "action": action}, law)


def read(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``staff.read``: lists, other people's pages, rights history."""
    return _needs("staff.read", actor, context["law"])


def manage(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``staff.manage``: agencies, accounts, stations, delegation."""
    return _needs("staff.manage", actor, context["law"])


def grant(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``staff.grant``: context ``grant`` carries the facts of the rules of ``of_grant``."""
    law, facts = context["law"], context["grant"]
    return combine("staff.grant", [_needs("staff.grant", actor, law), *of_grant(facts, law)])


def of_grant(facts: Mapping[str, Any], law: InForce) -> list[Decision]:
    """What every grant is judged by, whoever gives it; a rule that this city does not have is not asked."""
    parts = [grant_least(facts, law)]
    if law.has("outsourcing.not_whole"):
        parts.append(contractor_limits(facts, law))
    if law.has("training.before_access"):
        parts.append(rules_posts.trained(facts, law))
    return parts


def revoke(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``staff.revoke``: context ``officers`` carries the facts of ``officers_stand``."""
    law = context["law"]
    parts = [_needs("staff.revoke", actor, law)]
    if law.has("access.officers"):
        parts.append(officers_stand(context["officers"], law))
    return combine("staff.revoke", parts)


def transfer(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``staff.transfer``: end all that a person may do here; ``rules_posts.rights_end`` judges what stands after it."""
    return _needs("staff.transfer", actor, context["law"])


def shift(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``staff.shift``: one's own shift, with at least one role."""
    facts = {"roles": sorted(actor.roles), "needed": sorted(actor.roles), "action": "staff.shift"}
    return role_needed(facts, context["law"])


def codes(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``staff.codes``: spoken approval codes of one's own (전화 승인코드); vaultd asks for the delegation besides."""
    return _needs("staff.codes", actor, context["law"])


def own_agency(actor: Actor) -> Scope:
    """People, stations and shifts of the actor's agency."""
    return NOTHING if actor.agency is None else agencies(actor.agency)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of staff."""
    for action, rule in (
        ("staff.read", read),
        ("staff.manage", manage),
        ("staff.grant", grant),
        ("staff.revoke", revoke),
        ("staff.shift", shift),
        ("staff.codes", codes),
        ("staff.transfer", transfer),
    ):
        policy.register(action, rule, own_agency)
    policy.guard(rules_posts.deciding)

"""Rules of cameras (영상정보처리기기 규칙): may it be registered, may it run. Pure: facts and the law of the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gwanje.centre.cameras import rules_network, rules_purpose, rules_standard
from gwanje.kernel.actor import (
    ADMINISTRATOR,
    AUDITOR,
    CHIEF_OFFICER,
    MANAGER,
    OPERATOR,
    PRIVACY_OFFICER,
    Actor,
)
from gwanje.kernel.policy import NOTHING, Policy, Resource, Scope, agencies
from gwanje.law import Decision, InForce, Reason, combine, enforces

REGISTER = "cameras.camera.register"
READ = "cameras.registry.read"
WRITE = "cameras.registry.write"
EXPORT = "cameras.registry.export"
ADDRESSES = "cameras.address.read"
RECORDERS = "cameras.recorder.read"


@enforces("camera.public_purpose")
def public_purpose(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only public purposes (공공 목적). Facts: ``purposes`` = the words that packs list, such as 범죄예방."""
    allowed = set(law.parameter("camera.purposes").value)
    given = list(facts["purposes"])
    reasons = []
    if not given:
        reasons.append(
            Reason(
                "purpose_missing",
                "설치목적이 없습니다.",
                "No purpose of installation is stated.",
                "표준 설치목적을 하나 이상 고르십시오.",
                "Choose at least one purpose of the standard.",
            )
        )
    foreign = sorted(set(given) - allowed)
    if foreign:
        reasons.append(
            Reason(
                "purpose_not_public",
                f"공공 목적이 아닙니다: {', '.join(foreign)}.",
                f"Not a public purpose of installation: {', '.join(foreign)}.",
                "조례가 정한 공공 목적으로만 설치할 수 있습니다.",
                "A camera is installed only for the public purposes that the ordinance lists.",
            )
        )
    return law.judge(REGISTER, "camera.public_purpose", reasons=reasons, facts=facts)


@enforces("camera.scope")
def scope(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only kinds of device that the centre manages (적용 기기). Facts: ``device``."""
    reasons = []
    if facts["device"] not in law.parameter("camera.device_types").value:
        reasons.append(
            Reason(
                "device_out_of_scope",
                "통합관제센터가 통합관리하는 기기 종류가 아닙니다.",
                "The centre does not manage this kind of device.",
                "폐쇄회로 텔레비전 또는 네트워크 카메라만 등록할 수 있습니다.",
                "Only closed-circuit and network cameras are registered.",
            )
        )
    return law.judge(REGISTER, "camera.scope", reasons=reasons, facts=facts)


@enforces("camera.minimum")
def minimum(facts: Mapping[str, Any], law: InForce) -> Decision:
    """The least that the purpose needs (최소 수집). Facts: ``purposes``, ``angle_deg``, ``range_m``, ``ptz``.

    What is recorded must be stated, or nobody can judge whether it is the least: a view cone, and no more than a
    full circle for a camera that does not turn.
    """
    reasons = []
    if not 1 <= facts["angle_deg"] <= 360 or not 1 <= facts["range_m"] <= 1000:
        reasons.append(
            Reason(
                "view_unstated",
                "촬영범위(화각 1~360도, 거리 1~1000m)가 적혀 있지 않아 최소 수집인지 판단할 수 없습니다.",
                "The view (1-360 degrees, 1-1000 m) is not stated, so the minimum cannot be judged.",
                "촬영 방향과 화각, 거리를 입력하십시오.",
                "Enter direction, angle and range.",
            )
        )
    if not facts["purposes"]:
        reasons.append(
            Reason(
                "purpose_missing",
                "설치목적이 없으면 수집할 수 있는 최소 범위도 없습니다.",
                "Without a purpose there is nothing that may be collected.",
                "설치목적을 고르십시오.",
                "Choose a purpose.",
            )
        )
    return law.judge(REGISTER, "camera.minimum", reasons=reasons, facts=facts)


@enforces("camera.integrated")
def integrated(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Integrated or linked, or exempt (통합·연계). Facts: ``active``, ``connected`` (stream known), ``exemption``."""
    reasons = []
    exempt = bool(facts["exemption"]) and facts["exemption"] in law.parameter("camera.exemptions").value
    if facts["active"] and not facts["connected"] and not exempt:
        reasons.append(
            Reason(
                "not_integrated",
                "통합관제센터와 통합·연계되지 않은 기기는 운영할 수 없습니다.",
                "A camera that is not integrated with or linked to the centre cannot run.",
                "영상 주소를 입력하거나, 규정이 정한 예외 사유를 고르십시오.",
                "Enter its stream address, or choose an exemption that the rule names.",
            )
        )
    return law.judge(REGISTER, "camera.integrated", reasons=reasons, facts=facts)


@enforces("camera.mandate")
def mandate(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Another agency's camera runs only under a valid mandate (권한의 수임).

    Facts: ``active``, ``foreign`` (owned by another agency), ``mandate`` (document), ``mandate_from``,
    ``mandate_until`` (ISO dates or None).
    """
    reasons = []
    if facts["active"] and facts["foreign"] and not _runs(facts, law.on):
        reasons.append(
            Reason(
                "mandate_invalid",
                "다른 기관의 기기인데 유효한 권한 수임 문서가 없습니다.",
                "The camera belongs to another agency and no mandate is valid today.",
                "수임 문서 번호와 기간을 입력할 때까지 ‘예정’으로 두십시오.",
                "Leave it planned until the mandate's number and dates are entered.",
            )
        )
    return law.judge(REGISTER, "camera.mandate", reasons=reasons, facts=facts)


def _runs(facts: Mapping[str, Any], on: date) -> bool:
    start, until = facts["mandate_from"], facts["mandate_until"]
    if not facts["mandate"] or not start:
        return False
    return str(start) <= on.isoformat() and (not until or on.isoformat() <= str(until))


def may_register(facts: Mapping[str, Any], law: InForce) -> Decision:
    """All together, and what the packs in force say of network, picture and classes: one Decision with every reason."""
    every = [rule(facts, law) for rule in (public_purpose, minimum, integrated, mandate)]
    # a city may leave open which kinds of device it manages
    kinds = [scope(facts, law)] if law.has("camera.scope") else []
    own = (rules_purpose, rules_network, rules_standard)
    return combine(REGISTER, [*every[:1], *kinds, *every[1:], *(d for room in own for d in room.in_force(facts, law))])


def _role_rule(action: str, roles: frozenset[str]) -> Any:
    def rule(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
        law: InForce = context["law"]
        reasons = []
        if actor.anonymous or (roles and not actor.has(*roles)) or (roles and actor.contractor and action != READ):
            reasons.append(
                Reason(
                    "role",
                    "이 일을 맡은 직위가 아닙니다.",
                    "The role is not one that may do this.",
                    "관리책임자 또는 시스템관리자에게 요청하십시오.",
                    "Ask the manager or the administrator.",
                    "access.least",
                )
            )
        return law.judge(action, "access.least", reasons=reasons)

    return rule


def own_agency(actor: Actor) -> Scope:
    """What the actor's own agency runs."""
    return agencies(actor.agency) if actor.agency and not actor.anonymous else NOTHING


_WRITERS = frozenset({ADMINISTRATOR, MANAGER, CHIEF_OFFICER})
RULES = {
    READ: _role_rule(READ, frozenset()),
    WRITE: _role_rule(WRITE, _WRITERS),
    EXPORT: _role_rule(EXPORT, _WRITERS | {PRIVACY_OFFICER, AUDITOR}),
    ADDRESSES: _role_rule(ADDRESSES, frozenset({ADMINISTRATOR})),
    RECORDERS: _role_rule(RECORDERS, _WRITERS | {OPERATOR, PRIVACY_OFFICER, AUDITOR}),
}


def register(policy: Policy) -> None:
    """Give the policy object this room's actions."""
    for action, rule in RULES.items():
        policy.register(action, rule, own_agency)

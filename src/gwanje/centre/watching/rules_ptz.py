"""Rules of steering (회전·확대 조작 규칙): who may move a camera inside its zone, and who may leave it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.centre.watching.rules import may_watch, on_duty, own_agency
from gwanje.kernel.actor import CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, Actor
from gwanje.kernel.policy import Policy, Resource
from gwanje.law import Decision, InForce, NotInForce, Reason, combine, enforces

STEER = "watching.ptz.steer"
LEAVE = "watching.ptz.emergency.open"
TELL = "watching.ptz.emergency.tell"
REVIEW = "watching.ptz.emergency.review"
NORM = "ptz.purpose"
# preset reasons (사유): the key that names it at the seat, the word, its English
REASONS = {
    "112": ("112 요청", "request of 112"),
    "bell": ("비상벨", "emergency bell"),
    "fire": ("화재", "fire"),
    "rescue": ("요구조자", "person to be rescued"),
    "other": ("기타", "other"),
}
MINUTES_MAX = 10
EXTENSIONS_MAX = 1


@enforces(NORM)
def inside(facts: Mapping[str, Any], law: InForce) -> Decision:
    """May this camera be steered inside its zone (목적 구역 안 조작)? Facts: ``steerable``, ``zone`` (both bool).

    A camera whose zone nobody has drawn has no purpose that a move could be inside of, so it stays where it is.
    """
    reasons = []
    if not facts["steerable"]:
        reasons.append(
            Reason(
                "no_ptz",
                "회전·확대 기능이 등록되지 않은 기기입니다.",
                "The camera is not registered with pan, tilt and zoom.",
                "기기 장치 화면에서 ONVIF 주소를 확인하십시오.",
                "Check its ONVIF address on the device page.",
                NORM,
            )
        )
    elif not facts["zone"]:
        reasons.append(
            Reason(
                "no_zone",
                "설치목적의 조작 구역이 정해지지 않아 움직일 수 없습니다.",
                "No zone of its purpose has been drawn, so it is not moved.",
                "관리책임자가 기기의 ‘조작 구역’을 먼저 정합니다.",
                "A manager draws its zone first.",
                NORM,
            )
        )
    return law.judge(STEER, NORM, reasons=reasons, facts=facts)


@enforces(NORM)
def outside(facts: Mapping[str, Any], law: InForce) -> Decision:
    """May the zone be left (구역 밖 긴급 조작)? Facts: ``reason`` (key of REASONS), ``minutes``, ``extended`` (times),
    ``contractor`` (bool).

    Only where the law in force names an exception; of two clauses of one rule the one with fewer exceptions stands.
    """
    reasons = _forbidden(law)
    if facts["contractor"]:
        reasons.append(
            Reason(
                "contractor",
                "수탁업체 직원은 구역 밖 조작을 열 수 없습니다.",
                "A contractor's staff cannot leave the zone.",
                "근무 중인 관제요원이나 관리책임자에게 알리십시오.",
                "Tell the operator or manager on shift.",
                NORM,
            )
        )
    if facts["reason"] not in REASONS:
        ko, en = (" · ".join(words) for words in zip(*REASONS.values(), strict=True))
        reasons.append(Reason("reason", "긴급 사유를 골라야 합니다.", "An emergency has a named reason.", ko, en, NORM))
    if not 1 <= facts["minutes"] <= MINUTES_MAX or not 0 <= facts["extended"] <= EXTENSIONS_MAX:
        reasons.append(
            Reason(
                "too_long",
                f"구역 밖 조작은 {MINUTES_MAX}분까지이며 {EXTENSIONS_MAX}번만 연장합니다.",
                f"Leaving the zone lasts {MINUTES_MAX} minutes and is extended {EXTENSIONS_MAX} time at most.",
                "끝난 뒤 필요하면 사유를 다시 고르십시오.",
                "Name the reason again after it has ended.",
                NORM,
            )
        )
    return law.judge(LEAVE, NORM, reasons=reasons, facts=facts)


def _forbidden(law: InForce) -> list[Reason]:
    """The refusal where no clause in force names an exception; it cites the clause that is stricter."""
    try:
        said = law.parameter("ptz.exceptions")
        exceptions, where = said.value, str(said.article)
    except NotInForce:
        exceptions, where = (), ""
    if exceptions:
        return []
    ko = f"{where}에는 예외가 없습니다." if where else "예외를 둔 규정이 없습니다."
    en = f"{where} names no exception." if where else "No rule in force names an exception."
    return [
        Reason(
            "no_exception",
            f"긴급 상황이라도 구역 밖으로 조작할 수 없습니다. {ko}",
            f"The zone may not be left, not even in an emergency. {en}",
            "구역 안의 다른 기기로 살피고 112나 119에 알리십시오.",
            "Look with another camera and call 112 or 119.",
            NORM,
        )
    ]


def may_steer(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """Who may watch it on shift may steer it inside its zone. Context: as ``may_watch``; facts of the camera."""
    law: InForce = context["law"]
    if resource is None:
        raise KeyError("steering is about one camera")
    facts = {"steerable": bool(resource.facts["steerable"]), "zone": bool(resource.facts["zone"])}
    return combine(STEER, [may_watch(actor, resource, context), inside(facts, law)])


def may_leave(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """Who may steer it may leave the zone in a named emergency. Context: also ``reason``, ``minutes``, ``extended``."""
    law: InForce = context["law"]
    asked = {name: context[name] for name in ("reason", "minutes", "extended")}
    facts = {**asked, "contractor": actor.contractor}
    return combine(LEAVE, [may_steer(actor, resource, context), outside(facts, law)])


def may_tell(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """The words may follow until the shift's end, by who opened it (``resource.facts['opened_by']``)."""
    law: InForce = context["law"]
    facts = {"on_duty": actor.on_duty, "roles": sorted(actor.roles), "action": TELL}
    reasons = []
    if resource is None or resource.facts.get("opened_by") != actor.person:
        reasons.append(Reason("not_own", "연 사람만 덧붙여 적습니다.", "Only who opened it adds to it.", norm=NORM))
    return combine(TELL, [on_duty(facts, law), law.judge(TELL, NORM, reasons=reasons)])


def may_review(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """The review afterwards (사후 검토) is for an officer who did not open it."""
    law: InForce = context["law"]
    reasons = []
    if not actor.has(MANAGER, CHIEF_OFFICER, PRIVACY_OFFICER) or actor.contractor:
        reasons.append(Reason("role", "사후 검토를 맡은 직위가 아닙니다.", "The role does not review.", norm=NORM))
    elif resource is not None and resource.facts.get("opened_by") == actor.person:
        ko, en = "스스로 연 긴급 조작은 검토할 수 없습니다.", "Nobody reviews their own act."
        reasons.append(Reason("own_act", ko, en, norm=NORM))
    return law.judge(REVIEW, NORM, reasons=reasons)


def rank_of(actor: Actor, emergency: bool) -> int:
    """Whose hand is on the stick first (조작 우선순위): 2 emergency, 1 manager or chief officer, 0 others."""
    return 2 if emergency else int(actor.has(MANAGER, CHIEF_OFFICER))


RULES = {STEER: may_steer, LEAVE: may_leave, TELL: may_tell, REVIEW: may_review}


def register(policy: Policy) -> None:
    """Give the policy object the actions of steering."""
    for action, rule in RULES.items():
        policy.register(action, rule, own_agency)

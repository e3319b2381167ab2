"""Rules of posts (보직·전보·위탁 규칙): who leaves keeps nothing, who signs in from where, who decides. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Any

from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource
from gwanje.law import Decision, Duty, InForce, NotInForce, Reason, enforces
from gwanje.law.clocks import calendar_of

EVENTS = ("전보", "퇴직", "휴직", "계약종료")
# last words of the actions by which somebody decides, approves or signs in an officer's place; two words where the
# last alone says less: whoever owes a duty closes it, an officer closes a month
DECIDING = frozenset({
    "adopt", "announce", "approve", "check", "codes", "countersign", "decide", "grant", "manage", "month.close",
    "publish", "release", "restore", "review", "revoke", "set_class", "sign", "transfer",
})  # fmt: skip
NETWORKS_MAX = 200

# fmt: off
REASONS = {reason.code: reason for reason in (
    Reason("rights_left", "끝나지 않은 접근권한이나 접속이 남아 있습니다",
           "a right or a session of the person would go on",
           "모든 권한·접속·근무를 함께 끝내야 합니다", "end every right, session and shift together",
           "access.transfer"),
    Reason("event_unknown", "전보·퇴직·휴직·계약종료 가운데 하나여야 합니다", "the event is none that the rule names",
           "사유를 고르십시오", "choose the event", "access.transfer"),
    Reason("station_unknown", "등록된 단말이 아닙니다", "the station is not registered",
           "등록된 단말에서 로그인하십시오", "sign in at a registered station", "access.allow_list"),
    Reason("address_refused", "허용된 주소가 아닙니다", "this address may not sign in",
           "시스템관리자에게 허용 주소를 확인하십시오", "ask the administrator for the allowed addresses",
           "access.allow_list"),
    Reason("not_trained", "접근권한을 받기 전에 마쳐야 하는 교육 기록이 없습니다",
           "no training is on record that is due before access",
           "교육을 이수하고 이수 기록을 먼저 남기십시오", "complete the training and have it recorded first",
           "training.before_access"),
    Reason("contractor_decides", "수탁업체 직원은 승인하거나 결정할 수 없습니다",
           "a contractor's employee approves and decides nothing",
           "담당공무원에게 알리십시오", "tell the officer in charge", "outsourcing.no_approval"),
)}
# fmt: on


def _because(*found: tuple[bool, str]) -> list[Reason]:
    return [REASONS[code] for wrong, code in found if wrong]


def day_of(value: Any) -> date | None:
    """A date, ISO text or nothing as a date."""
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


@enforces("access.transfer")
def rights_end(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Who is transferred, retires or leaves keeps no right and no session (전보·퇴직 시 권한 말소).

    Facts: ``event`` (전보, 퇴직, 휴직, 계약종료), ``rights_left``, ``sessions_left``: how many would go on.
    """
    reasons = _because(
        (facts["event"] not in EVENTS, "event_unknown"),
        (facts["rights_left"] + facts["sessions_left"] > 0, "rights_left"),
    )
    return law.judge("staff.transfer", "access.transfer", reasons=reasons, facts=facts)


@enforces("access.transfer")
def removal_due(facts: Mapping[str, Any], law: InForce) -> Duty:
    """Everything ends on the day itself (지체 없이): no day is added, no weekend rolls. Facts: ``event_on`` (date)."""
    day = day_of(facts["event_on"])
    assert day is not None
    ko = f"지체 없이: {day} 당일(말일이 휴일이어도 미루지 않음)"
    en = f"without delay: on {day} itself, never rolled"
    return law.duty(
        "access.transfer", "access.transfer", starts_on=day, due_on=day, owner_role="chief_officer", basis=(ko, en)
    )


@enforces("access.allow_list")
def may_enter(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only registered stations at allowed addresses sign in (허용 단말·주소).

    Facts: ``station`` (registered code or ""), ``address`` (IP text), ``allowed`` (list of networks, CIDR).
    """
    reasons = _because(
        (not facts["station"], "station_unknown"),
        (not within(str(facts["address"]), facts["allowed"]), "address_refused"),
    )
    return law.judge("staff.enter", "access.allow_list", reasons=reasons, facts=facts)


def within(address: str, allowed: Any) -> bool:
    """Does an address lie in one of the networks? What is no address lies nowhere."""
    try:
        known = ip_address(address)
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in ip_network(str(net), strict=False) for net in list(allowed)[:NETWORKS_MAX])
    except ValueError:
        return False


@enforces("training.before_access")
def trained(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A contractor's person completes training before access (접근 전 교육 이수).

    Facts: ``contractor``, ``role``, ``trained_on`` (date or None), ``valid_months`` (0 or None = does not expire).
    """
    day, months = day_of(facts["trained_on"]), int(facts.get("valid_months") or 0)
    held = day is not None and day <= law.on
    if held and day is not None and months:
        held = law.on <= calendar_of(law.law.zone.key).months(day, months, rolls=False).due_on
    needed = bool(facts["contractor"]) and _asked(law)
    return law.judge(
        "staff.grant", "training.before_access", reasons=_because((needed and not held, "not_trained")), facts=facts
    )


def _asked(law: InForce) -> bool:
    """The pack's own switch; an article without a parameter asks for the training."""
    try:
        return bool(law.parameter("training.before_access").value)
    except NotInForce:
        return True


@enforces("outsourcing.no_approval")
def official_decides(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A contractor's employee approves and decides nothing (수탁자의 승인·결정 금지).

    Facts: ``contractor``, ``act``: what is done (approve, decide, sign, read …).
    """
    wrong = bool(facts["contractor"]) and facts["act"] in DECIDING
    return law.judge(
        "staff.official", "outsourcing.no_approval", reasons=_because((wrong, "contractor_decides")), facts=facts
    )


def word_of(action: str) -> str:
    """What an action does: its last word, or its last two where ``DECIDING`` has them together."""
    two = ".".join(action.split(".")[-2:])
    return two if two in DECIDING else action.rsplit(".", 1)[-1]


def deciding(actor: Actor, action: str, resource: Resource | None, context: Mapping[str, Any]) -> Decision | None:
    """For the policy object: asked of every action that its own rule allows; None where it has nothing to say."""
    if not actor.contractor:
        return None
    act = word_of(action)
    if act not in DECIDING:
        return None
    # without the day's law nobody can say, and the policy object refuses what cannot be judged
    law = context["law"]
    if not law.has("outsourcing.no_approval"):
        return None
    return official_decides({"contractor": True, "act": act}, law)

"""Rules of watching (관제 규칙): who may watch which camera now, and when that is widened. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.centre.watching import rules_hours
from gwanje.kernel.actor import CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER, SECONDED_POLICE, Actor
from gwanje.kernel.policy import NOTHING, Policy, Resource, Scope, agencies
from gwanje.law import Decision, InForce, Reason, combine, enforces

WATCH = "watching.live.watch"
EMERGENCY = "live.emergency"
OPEN_EMERGENCY = "watching.emergency.open"
REVIEW_EMERGENCY = "watching.emergency.review"
READ_EVENTS = "watching.events.read"
WATCHERS = (OPERATOR, SECONDED_POLICE, MANAGER, CHIEF_OFFICER)
MINUTES_MAX = 15


@enforces("live.on_duty")
def on_duty(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only people on shift in a watching role (근무 중 관제). Facts: ``on_duty``, ``roles``, ``action``."""
    reasons = []
    if not set(facts["roles"]) & set(WATCHERS):
        reasons.append(
            Reason(
                "role",
                "실시간 관제를 맡은 직위가 아닙니다.",
                "The role is not one that watches live.",
                "관제요원, 파견경찰관, 관리책임자, 총괄책임자만 관제합니다.",
                "Operators, seconded police, managers and the chief officer watch.",
                "live.on_duty",
            )
        )
    elif not facts["on_duty"]:
        reasons.append(
            Reason(
                "off_duty",
                "근무를 시작하지 않아 영상을 볼 수 없습니다.",
                "You are not on shift, so no live video is shown.",
                "‘근무 시작’을 누른 뒤 다시 여십시오.",
                "Start your shift, then open it again.",
                "live.on_duty",
            )
        )
    return law.judge(facts.get("action", WATCH), "live.on_duty", reasons=reasons, facts=facts)


@enforces("live.by_purpose")
def by_purpose(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Watching follows the purposes of the seat (설치 목적별 관제), unless an emergency is open.

    Facts: ``camera_purposes``, ``seat_purposes`` (empty = all), ``emergency``.
    """
    reasons = []
    seat = set(facts["seat_purposes"])
    if seat and not seat & set(facts["camera_purposes"]) and not facts["emergency"]:
        widened = law.has(EMERGENCY)
        reasons.append(
            Reason(
                "other_purpose",
                f"이 관제석은 {', '.join(sorted(seat))} 목적의 기기만 관제합니다.",
                "This seat watches cameras of other purposes only.",
                "긴급 상황이면 ‘긴급 관제’를 여십시오." if widened else "이 목적을 맡은 관제석에 알리십시오.",
                "In an emergency open the emergency watching." if widened else "Tell the seat of that purpose.",
                "live.by_purpose",
            )
        )
    return law.judge(WATCH, "live.by_purpose", reasons=reasons, facts=facts)


@enforces("live.emergency")
def emergency(facts: Mapping[str, Any], law: InForce) -> Decision:
    """May emergency watching be opened (긴급 관제)? Facts: ``trigger``, ``reason``, ``minutes``.

    It widens live watching for at most 15 minutes and never opens stored video.
    """
    reasons = []
    if facts["trigger"] not in law.parameter("live.emergency_triggers").value:
        reasons.append(
            Reason(
                "trigger",
                "규정이 정한 긴급 사유가 아닙니다.",
                "That is not a trigger of emergency watching.",
                "범죄, 재난 등 규정이 정한 사유를 고르십시오.",
                "Choose one of the triggers that the rule names.",
                "live.emergency",
            )
        )
    if len(str(facts["reason"]).strip()) < 5:
        reasons.append(
            Reason(
                "reason_missing",
                "긴급 관제의 구체적 사유를 다섯 글자 이상 적어야 합니다.",
                "Say in at least five letters why the emergency watching is needed.",
                "무슨 일이 어디서 났는지 적으십시오.",
                "Write what happened and where.",
                "live.emergency",
            )
        )
    if not 1 <= facts["minutes"] <= MINUTES_MAX:
        reasons.append(
            Reason(
                "too_long",
                f"긴급 관제는 한 번에 {MINUTES_MAX}분까지입니다.",
                f"Emergency watching lasts at most {MINUTES_MAX} minutes.",
                "필요하면 끝난 뒤 다시 여십시오.",
                "Open it again after it has ended, if needed.",
                "live.emergency",
            )
        )
    return law.judge(OPEN_EMERGENCY, "live.emergency", reasons=reasons, facts=facts)


def may_watch(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """On duty, by purpose, in its hours, as agreed. Context: ``law``, ``now``, ``seat_purposes``, ``emergency``; no
    camera = the wall itself."""
    law: InForce = context["law"]
    facts: dict[str, Any] = {"on_duty": actor.on_duty, "roles": sorted(actor.roles), "action": WATCH}
    if resource is None or resource.camera is None:
        return on_duty(facts, law)
    purposes = {
        "camera_purposes": list(resource.facts["purposes"]),
        "seat_purposes": list(context["seat_purposes"]),
        "emergency": bool(context["emergency"]),
    }
    return combine(WATCH, [on_duty(facts, law), by_purpose(purposes, law), *rules_hours.judged(resource, context)])


def may_open(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """Emergency watching is opened by who may watch. Context: ``law``, ``trigger``, ``reason``, ``minutes``."""
    law: InForce = context["law"]
    facts = {"on_duty": actor.on_duty, "roles": sorted(actor.roles), "action": OPEN_EMERGENCY}
    asked = {name: context[name] for name in ("trigger", "reason", "minutes")}
    return combine(OPEN_EMERGENCY, [on_duty(facts, law), emergency(asked, law) if law.has(EMERGENCY) else _none(law)])


def _none(law: InForce) -> Decision:
    """The refusal in a city whose rules know no emergency watching: the purposes of the seats stand."""
    reason = Reason(
        "no_emergency_rule",
        "이 시의 규정에는 설치목적을 넘는 긴급 관제가 없습니다.",
        "The city's rules know no emergency watching beyond the purposes.",
        "이 목적을 맡은 관제석과 근무 경찰공무원에게 알리십시오.",
        "Tell the seat of that purpose and the police officer on duty.",
        "live.by_purpose",
    )
    return law.deny(OPEN_EMERGENCY, "live.by_purpose", reasons=[reason])


def may_review(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """The review afterwards is for the officers, never for who opened it (``resource.facts['opened_by']``)."""
    law: InForce = context["law"]
    # what was opened under the city's former rules is reviewed all the same
    norm = EMERGENCY if law.has(EMERGENCY) else "live.by_purpose"
    reasons = []
    if not actor.has(MANAGER, CHIEF_OFFICER, PRIVACY_OFFICER) or actor.contractor:
        reasons.append(Reason("role", "사후 검토를 맡은 직위가 아닙니다.", "The role does not review.", norm=norm))
    elif resource is not None and resource.facts.get("opened_by") == actor.person:
        reasons.append(
            Reason(
                "own_act",
                "스스로 연 긴급 관제는 검토할 수 없습니다.",
                "Nobody reviews their own act.",
                norm=norm,
            )
        )
    return law.judge(REVIEW_EMERGENCY, norm, reasons=reasons)


def may_read(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """The feed of events is for everybody who has signed in."""
    law: InForce = context["law"]
    reasons = [Reason("login", "로그인이 필요합니다.", "Log in first.")] if actor.anonymous else []
    return law.judge(READ_EVENTS, "access.least", reasons=reasons)


def own_agency(actor: Actor) -> Scope:
    """What the actor's own agency runs."""
    return agencies(actor.agency) if actor.agency and not actor.anonymous else NOTHING


RULES = {WATCH: may_watch, OPEN_EMERGENCY: may_open, REVIEW_EMERGENCY: may_review, READ_EVENTS: may_read}


def register(policy: Policy) -> None:
    """Give the policy object this room's actions."""
    for action, rule in RULES.items():
        policy.register(action, rule, own_agency)
    # here, because the rules of steering and of break-glass build upon those above
    from gwanje.centre.watching import rules_glass, rules_ptz

    rules_ptz.register(policy)
    rules_glass.register(policy)

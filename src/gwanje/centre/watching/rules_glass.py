"""Rules of break-glass (비상 열람 규칙): live pictures beyond one's right, for minutes, loud, then reviewed. Pure.

Off wherever no rule in force names its minutes (``live.glass_minutes``): no ordinance of ours speaks of it, so a centre
has to adopt it as its own policy. It never opens stored video, another agency's camera or the stick of a dome: those
ask other rules, which know nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.centre.watching import rules_hours
from gwanje.centre.watching.rules import WATCHERS, own_agency
from gwanje.kernel.actor import AUDITOR, CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, Actor
from gwanje.kernel.policy import Policy, Resource
from gwanje.law import Decision, Ground, InForce, NotInForce, Reason, combine, enforces

BREAK = "watching.glass.break"
WATCH = "watching.glass.watch"
END = "watching.glass.end"
REVIEW = "watching.glass.review"
RESTORE = "watching.glass.restore"
READ = "watching.glass.read"
NORM, REVIEWED = "live.glass", "live.glass_review"
# a pack may say less, never more
MINUTES_MAX, CAMERAS_MAX, REVIEW_HOURS_MAX = 15, 5, 24
WORDS_MIN, WORDS_MAX = 5, 300
REVIEWERS = (MANAGER, CHIEF_OFFICER, PRIVACY_OFFICER)

# fmt: off
REASONS = {reason.code: reason for reason in (
    Reason("glass_off", "이 센터의 규정에는 비상 열람이 없습니다.", "No rule of this centre allows break-glass.",
           "근무 중이면 ‘긴급 관제’를 쓰고, 아니면 근무 중인 관제요원과 112·119에 알리십시오.",
           "On shift use emergency watching; otherwise tell the operator on shift, 112 or 119.", "access.least"),
    Reason("role", "비상 열람을 열 수 있는 직위가 아닙니다.", "The role is not one that breaks the glass.",
           "근무 중인 관제요원에게 알리십시오.", "Tell the operator on shift.", "access.least"),
    Reason("contractor", "수탁업체 직원은 비상 열람을 열 수 없습니다.", "A contractor's staff breaks no glass.",
           "근무 중인 공무원에게 알리십시오.", "Tell an official on shift.", NORM),
    Reason("ground", "급박한 근거가 아닙니다.", "The ground is not an urgent one.",
           "규정이 급박하다고 정한 근거를 고르십시오.", "Choose a ground that the rule calls urgent.", NORM),
    Reason("words", f"무슨 일인지 {WORDS_MIN}자에서 {WORDS_MAX}자로 적어야 합니다.",
           f"Say in {WORDS_MIN} to {WORDS_MAX} letters what happens.",
           "무슨 일이 어디서 났는지 적으십시오.", "Write what happened and where.", NORM),
    Reason("cameras", "정한 수를 넘거나 고르지 않았습니다.", "Too many cameras, or none.",
           "꼭 필요한 기기만 고르십시오.", "Choose only the cameras that are needed.", NORM),
    Reason("not_needed", "고른 기기는 지금 권한으로 볼 수 있습니다.", "Your own right reaches these cameras now.",
           "관제 화면에서 여십시오.", "Open them on the wall.", NORM),
    Reason("review_waits", "앞서 연 비상 열람이 아직 검토되지 않았습니다.", "Your last break-glass awaits its review.",
           "관리책임자에게 검토를 요청하십시오.", "Ask a manager to review it.", REVIEWED),
    Reason("suspended_late", "검토 기한이 지나 비상 열람이 정지되었습니다.", "Suspended: a review is overdue.",
           "관리책임자가 검토하면 풀립니다.", "A manager's review lifts it.", REVIEWED),
    Reason("suspended_misuse", "남용으로 판단되어 비상 열람이 정지되었습니다.", "Suspended: misuse was found.",
           "총괄책임자나 개인정보 보호책임자가 다시 허용할 수 있습니다.",
           "The chief officer or the privacy officer may restore it.", REVIEWED),
    Reason("over", "비상 열람이 끝났거나 이 사람과 자리의 것이 아닙니다.",
           "The break-glass is over, or of another person or seat.", "", "", NORM),
    Reason("unlisted", "비상 열람에 적은 기기가 아닙니다.", "The break-glass does not name this camera.",
           "기기는 더하지 못합니다.", "Cameras are not added.", NORM),
    Reason("own_act", "스스로 연 비상 열람은 검토할 수 없습니다.", "Nobody reviews their own act.",
           "다른 책임자가 검토합니다.", "Another officer reviews it.", REVIEWED),
    Reason("review_role", "사후 검토를 맡은 직위가 아닙니다.", "The role does not review.",
           "관리책임자, 총괄책임자, 개인정보 보호책임자가 검토합니다.",
           "Managers, the chief officer and the privacy officer review.", REVIEWED),
    Reason("not_own", "연 사람이나 책임자만 끝냅니다.", "Only who opened it or an officer ends it.",
           norm="access.least"),
)}
# fmt: on


def _because(*found: tuple[bool, str]) -> list[Reason]:
    return [REASONS[code] for wrong, code in found if wrong]


def minutes(law: InForce) -> int:
    """How long a break-glass lasts, in minutes; 0 where no rule in force allows one."""
    return min(_value(law, "live.glass_minutes", 0), MINUTES_MAX)


def cameras_max(law: InForce) -> int:
    """How many cameras one break-glass opens."""
    return min(_value(law, "live.glass_cameras", CAMERAS_MAX), CAMERAS_MAX)


def review_hours(law: InForce) -> int:
    """Hours from its opening in which it is reviewed."""
    return min(_value(law, "live.glass_review_hours", REVIEW_HOURS_MAX), REVIEW_HOURS_MAX)


def _value(law: InForce, name: str, otherwise: int) -> int:
    try:
        return int(law.parameter(name).value)
    except NotInForce:
        return otherwise


def grounds(law: InForce) -> tuple[Ground, ...]:
    """The urgent grounds (급박한 근거) of today: the city's own where it has a list, else the statute's."""
    found = law.grounds("playback") or law.grounds("disclosure")
    return tuple(ground for ground in found if ground.post_review)


@enforces(NORM)
def broken(facts: Mapping[str, Any], law: InForce) -> Decision:
    """May the glass be broken (비상 열람)? Facts: ``ground``, ``words``, ``cameras``, ``beyond`` (how many of them the
    right does not reach), ``contractor``."""
    reasons = _because(
        (bool(facts["contractor"]), "contractor"),
        (facts["ground"] not in {ground.code for ground in grounds(law)}, "ground"),
        (not WORDS_MIN <= len(str(facts["words"]).strip()) <= WORDS_MAX, "words"),
        (not 1 <= facts["cameras"] <= cameras_max(law), "cameras"),
        (facts["beyond"] < 1, "not_needed"),
    )
    return law.judge(BREAK, NORM, reasons=reasons, facts=facts)


@enforces(NORM)
def opened(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Does an open break-glass show this camera? Facts: ``own`` (person and seat), ``open``, ``listed``."""
    reasons = _because((not (facts["own"] and facts["open"]), "over"), (not facts["listed"], "unlisted"))
    return law.judge(WATCH, NORM, reasons=reasons, facts=facts)


@enforces(REVIEWED)
def standing(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Is this person's break-glass in good standing? Facts, counts of the person's own: ``waiting`` for review,
    ``late``, ``misuse`` that nobody has lifted."""
    late = facts["late"] > 0
    reasons = _because(
        (facts["misuse"] > 0, "suspended_misuse"),
        (late, "suspended_late"),
        (facts["waiting"] > 0 and not late, "review_waits"),
    )
    return law.judge(BREAK, REVIEWED, reasons=reasons, facts=facts)


@enforces(REVIEWED)
def second_person(facts: Mapping[str, Any], law: InForce) -> Decision:
    """The review is another officer's (두 번째 사람). Facts: ``role_fits``, ``own``, ``action`` when it is another."""
    reasons = _because((not facts["role_fits"], "review_role"), (bool(facts["own"]), "own_act"))
    return law.judge(facts.get("action", REVIEW), _norm(law), reasons=reasons, facts=facts)


def _norm(law: InForce) -> str:
    """What was opened is reviewed also where the policy that allowed it has ended since."""
    return REVIEWED if minutes(law) else "access.least"


def _holder(actor: Actor, action: str, law: InForce) -> Decision:
    reasons = _because((not minutes(law), "glass_off"), (not actor.has(*WATCHERS), "role"))
    return law.judge(action, "access.least", reasons=reasons)


def may_break(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """A watching role, not a contractor's. Context: ``law``, ``glass`` (facts of ``broken``), ``standing`` (facts)."""
    law: InForce = context["law"]
    holder = _holder(actor, BREAK, law)
    if not holder.allow:
        return holder
    asked = {**context["glass"], "contractor": actor.contractor}
    return combine(BREAK, [holder, broken(asked, law), standing(context["standing"], law)])


def may_watch(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """The cameras that were named, for who opened it at that seat. Context: ``law``, ``glass``: ``person``,
    ``station``, ``cameras``, ``open``."""
    law: InForce = context["law"]
    holder = _holder(actor, WATCH, law)
    if not holder.allow:
        return holder
    if resource is None or resource.camera is None:
        raise KeyError("break-glass is about one camera")
    glass = context["glass"]
    own = glass["person"] == actor.person and glass["station"] == actor.station and not actor.contractor
    facts = {"own": own, "open": glass["open"] is True, "listed": resource.camera in glass["cameras"]}
    # it goes beyond duty, seat and hours, never beyond what another agency agreed to
    agreed = rules_hours.judged(resource, {**context, "seat_purposes": [], "emergency": True})
    return combine(WATCH, [holder, opened(facts, law), *agreed])


def may_end(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """Whoever opened it, or an officer (``resource.facts['opened_by']``)."""
    law: InForce = context["law"]
    own = resource is not None and resource.facts.get("opened_by") == actor.person
    officer = actor.has(*REVIEWERS) and not actor.contractor
    return law.judge(END, "access.least", reasons=_because((not (own or officer), "not_own")))


def _reviews(action: str, roles: tuple[str, ...]) -> Any:
    def rule(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
        if resource is None:
            raise KeyError("a review is about one break-glass")
        fits = actor.has(*roles) and not actor.contractor
        facts = {"role_fits": fits, "own": resource.facts["opened_by"] == actor.person, "action": action}
        return second_person(facts, context["law"])

    return rule


def may_read(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """Its list is for who watches and for the officers."""
    law: InForce = context["law"]
    reasons = _because((not actor.has(*WATCHERS, PRIVACY_OFFICER, AUDITOR), "review_role"))
    return law.judge(READ, "access.least", reasons=reasons)


RULES = {
    BREAK: may_break,
    WATCH: may_watch,
    END: may_end,
    REVIEW: _reviews(REVIEW, REVIEWERS),
    RESTORE: _reviews(RESTORE, (CHIEF_OFFICER, PRIVACY_OFFICER)),
    READ: may_read,
}


def register(policy: Policy) -> None:
    """Give the policy object the actions of break-glass."""
    for action, rule in RULES.items():
        policy.register(action, rule, own_agency)

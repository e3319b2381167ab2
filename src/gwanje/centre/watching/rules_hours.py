"""Rules of hours and agreements (운영시간·협의 규칙): a camera out of its hours, a camera of another agency. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from gwanje.kernel.policy import Resource
from gwanje.law import Decision, InForce, NotInForce, Reason, enforces

WATCH = "watching.live.watch"
HOURS, AGREEMENT = "live.purpose_hours", "live.agreement"
# fmt: off
REASONS = {reason.code: reason for reason in (
    Reason("outside_hours", "설치목적의 운영시간이 아니며 다른 공익 목적도 정해지지 않은 기기입니다.",
           "It is outside the hours of the camera's purpose, and no other public purpose is set.",
           "긴급 상황이면 ‘긴급 관제’를 여십시오.", "In an emergency open the emergency watching.", HOURS),
    Reason("secondary_not_approved", "운영시간 밖의 이 목적은 승인되지 않았습니다.",
           "This purpose is not approved outside the camera's hours.",
           "관리책임자에게 문의하십시오.", "Ask the manager in charge.", HOURS),
    Reason("not_on_sign", "운영시간 밖의 목적이 안내판에 적혀 있지 않습니다.",
           "The purpose outside the hours is not on the camera's sign.",
           "안내판을 고친 뒤 기기 정보에 기록하십시오.", "Mend the sign and record it with the camera.", HOURS),
    Reason("no_agreement", "다른 기관의 기기인데 협의·수임 문서가 없습니다.",
           "The camera belongs to another agency and there is no agreement.",
           "권한 수임을 먼저 기록하십시오.", "Record the mandate first.", AGREEMENT),
    Reason("beyond_agreement", "협의하거나 수임한 목적이 아닙니다.", "This purpose is not one that was agreed.",
           "협의한 목적으로만 관제하십시오.", "Watch for the agreed purposes only.", AGREEMENT),
    Reason("agreement_over", "협의·수임한 기간이 아닙니다.", "It is outside the time agreed.",
           "소관 기관과 다시 협의하십시오.", "Agree with the owning agency again.", AGREEMENT),
)}
# fmt: on


def _because(*found: tuple[bool, str]) -> list[Reason]:
    return [REASONS[code] for wrong, code in found if wrong]


@enforces(HOURS)
def purpose_hours(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Outside its hours a camera serves only an approved public purpose that its sign names (운영시간 밖의 관제).

    Facts: ``purpose`` (what it is watched for), ``within_hours`` (bool), ``secondary`` (list approved for the camera),
    ``on_sign`` (bool). Where the rule lists such purposes (``live.secondary_purposes``), no other one counts.
    """
    outside, approved = not facts["within_hours"], set(facts["secondary"])
    reasons = _because(
        (outside and not approved, "outside_hours"),
        (outside and facts["purpose"] not in approved & _listed(law, approved), "secondary_not_approved"),
        (outside and not facts["on_sign"], "not_on_sign"),
    )
    return law.judge(WATCH, HOURS, reasons=reasons, facts=facts)


def _listed(law: InForce, otherwise: set[str]) -> set[str]:
    try:
        return set(law.parameter("live.secondary_purposes").value)
    except NotInForce:
        return otherwise


@enforces(AGREEMENT)
def agreement(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Another agency's camera is watched only as agreed (협의·수임 범위와 기간).

    Facts: ``foreign``, ``agreement`` (document), ``agreed_purposes`` (list), ``purpose``, ``from``, ``until``
    (dates, ISO text or None; ``until`` None = not ended).
    """
    if not facts["foreign"]:
        return law.judge(WATCH, AGREEMENT, facts=facts)
    start, until = _day(facts["from"]), _day(facts["until"])
    none = not str(facts["agreement"] or "").strip()
    over = not none and (start is None or law.on < start or (until is not None and law.on > until))
    beyond = not none and facts["purpose"] not in facts["agreed_purposes"]
    reasons = _because((none, "no_agreement"), (beyond, "beyond_agreement"), (over, "agreement_over"))
    return law.judge(WATCH, AGREEMENT, reasons=reasons, facts=facts)


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else value or None


@lru_cache(maxsize=16)
def asked(law: InForce) -> tuple[bool, bool]:
    """Whether today's packs carry (hours, agreement): found once a day, not once a tile."""
    return law.has(HOURS), law.has(AGREEMENT)


def within(hours: Mapping[str, Any], now: datetime) -> bool:
    """Is a local moment inside a camera's hours? ``{"days": [0-6, Monday 0], "spans": [["07:00", "09:00"], …]}``.

    No days = every day; no spans = all day on its days; neither = always. A span that ends before it begins goes over
    midnight and belongs to the day it begins on.
    """
    spans, days = hours.get("spans") or [], hours.get("days") or list(range(7))
    clock, today = f"{now:%H:%M}", now.weekday()
    for start, end in spans:
        if start < end:
            if today in days and start <= clock < end:
                return True
        elif (today in days and clock >= start) or ((today - 1) % 7 in days and clock < end):
            return True
    return not spans and today in days


def judged(resource: Resource, context: Mapping[str, Any]) -> list[Decision]:
    """What hours and agreement say of one camera, where the packs carry them; nothing is asked of an ordinary one.

    ``resource.facts``: ``purposes``, ``hours`` (see ``within``, with ``secondary``, ``on_sign``), ``agreement``
    (``agreement``, ``agreed_purposes``, ``from``, ``until``, ``hours``) when another agency owns it. Context: ``law``,
    ``now`` (aware), ``seat_purposes``, ``emergency``: it goes beyond the hours, never beyond an agreement.
    """
    law: InForce = context["law"]
    hours, other = resource.facts.get("hours"), resource.facts.get("agreement")
    if not hours and other is None:
        return []
    has_hours, has_agreement = asked(law)
    seat, purposes = list(context["seat_purposes"]), list(resource.facts["purposes"])
    out = []
    if hours and has_hours and not context["emergency"]:
        inside = within(hours, context["now"].astimezone(law.law.zone))
        secondary = list(hours.get("secondary") or [])
        purpose = _first(seat or secondary, secondary) if not inside else _first(seat or purposes, purposes)
        facts = {"purpose": purpose, "within_hours": inside, "secondary": secondary,
                 "on_sign": bool(hours.get("on_sign"))}  # fmt: skip
        out.append(purpose_hours(facts, law))
    if other is not None and has_agreement:
        aims = [aim for aim in purposes if not seat or aim in seat] or purposes
        # outside the hours agreed nothing is agreed
        at = within(other.get("hours") or {}, context["now"].astimezone(law.law.zone))
        agreed = list(other["agreed_purposes"]) if at else []
        said = {"foreign": True, "agreement": other["agreement"], "agreed_purposes": agreed,
                "purpose": _first(aims, agreed), "from": other["from"], "until": other["until"]}  # fmt: skip
        out.append(agreement(said, law))
    return out


def _first(wanted: Sequence[str], among: Sequence[str]) -> str:
    """The first wanted purpose that stands among the others, else the first wanted one."""
    return next((one for one in wanted if one in among), wanted[0] if wanted else "")

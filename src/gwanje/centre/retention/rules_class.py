"""Rules of a camera's retention (기기별 보관기간 규칙): its department's row stands, and live-only stays live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gwanje.law import Decision, InForce, NotInForce, Reason, enforces

ACTION = "retention.assign_class"
BY_CLASS, LIVE_ONLY = "retention.by_class", "recording.live_only"
NONE, PERMANENT = "none", "permanent"
# an article of some statute: 「개인정보 보호법」 제25조의2, 도로교통법 시행령 제4조
ARTICLE = re.compile(r"(법|령|규칙|조례).*제\s*\d+조")


def named(kind: str, value: int) -> tuple[str, str]:
    """A period in words: ``30일``, ``3개월``, ``미보유``, ``기간 없음``."""
    if kind == "days":
        return f"{value}일", f"{value} days"
    if kind == "months":
        return f"{value}개월", f"{value} calendar months"
    return ("미보유", "not kept") if kind == NONE else ("기간 없음", "without an end")


@enforces(BY_CLASS)
def by_class(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A camera is kept as its department's row says, no longer and no shorter (부서별 보관기간).

    Facts: ``department``, ``purposes`` (list), ``group``, ``kind``, ``value``, ``statute`` (another statute's article,
    for a keeping without an end).
    """
    reasons = []
    try:
        row = law.retention(facts["department"], facts["purposes"], facts.get("group", ""))
    except NotInForce:
        reasons.append(
            Reason(
                "not_the_rule",
                f"이 부서({facts['department'] or '없음'})와 설치목적의 보관기간을 정한 행이 없습니다.",
                "No row of the rule speaks of this department and purpose.",
                "담당부서를 바르게 적거나, 규정의 부서별 표를 먼저 고치십시오.",
                "Correct the department, or have the table of departments changed first.",
            )
        )
        return law.judge(ACTION, BY_CLASS, reasons=reasons, facts=facts)
    wanted, given = named(row.kind, row.value), named(facts["kind"], facts["value"])
    if (facts["kind"], facts["value"]) != (row.kind, row.value):
        reasons.append(
            Reason(
                "not_the_rule",
                f"{row.article.ref}: {row.department or '이 목적'}의 보관기간은 {wanted[0]}이며 {given[0]}이 아닙니다.",
                f"The rule of {row.department or 'this purpose'} is {wanted[1]} ({row.article.ref}), not {given[1]}.",
                f"{wanted[0]}의 보관 구분을 고르십시오.",
                f"Choose the class of {wanted[1]}.",
            )
        )
    elif row.kind == PERMANENT and not ARTICLE.search(row.statute or facts["statute"]):
        reasons.append(
            Reason(
                "statute_missing",
                "기간이 없는 보관에는 다른 법률의 조문이 있어야 합니다.",
                "A keeping without an end needs an article of another statute.",
                "보관 구분의 근거에 그 법률의 조문을 적으십시오(예: ○○법 제12조).",
                "Cite that statute's article in the reference of the class.",
            )
        )
    return law.judge(ACTION, BY_CLASS, reasons=reasons, facts=facts)


@enforces(LIVE_ONLY)
def live_only(facts: Mapping[str, Any], law: InForce) -> Decision:
    """What is not to be kept is never recorded (저장하지 아니하는 영상). Facts: ``kind``, ``recording`` (bool)."""
    reasons = []
    if facts["kind"] == NONE and facts["recording"]:
        reasons.append(
            Reason(
                "must_not_record",
                "보유하지 않는 영상은 녹화하지 않습니다.",
                "What is not to be kept is not recorded.",
                "실시간 관제로만 보거나, 규정이 보관기간을 정한 뒤 보관 구분을 바꾸십시오.",
                "Watch it live, or change its class once the rule gives it a period.",
            )
        )
    return law.judge(ACTION, LIVE_ONLY, reasons=reasons, facts=facts)


def in_force(facts: Mapping[str, Any], law: InForce) -> list[Decision]:
    """What the packs in force say of a camera's class: nothing, one or both rules, in the order they are asked."""
    asked = ((BY_CLASS, by_class), (LIVE_ONLY, live_only))
    return [rule(facts, law) for norm, rule in asked if law.has(norm)]

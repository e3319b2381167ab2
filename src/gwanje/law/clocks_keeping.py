"""Clocks of what is kept longer (보존·연장 기한): counted back from an end, so nothing here rolls past that end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from gwanje.law.decision import Duty
from gwanje.law.force import InForce
from gwanje.law.registry import enforces


@enforces("extension.expiry")
def extension_ends(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A prolonged keeping's end is told beforehand and kept (보존기간 연장의 만료). Facts: ``ends_on`` (date).

    From ``starts_on`` the applicant is to be told; after ``due_on`` nothing is left. The end never rolls: a day more
    would be a day of keeping that nobody allowed.
    """
    ends: date = facts["ends_on"]
    days = int(law.parameter("extension.warn_days").value)
    first = ends - timedelta(days=days)
    ko = f"연장기간의 끝 {ends}, 그 {days}일 전인 {first}부터 알림. 휴일이어도 늦추지 않음"
    en = f"the extension ends on {ends}; told from {first} on, {days} days before; no holiday puts it off"
    return law.duty(
        "extension.expiry", "extension.expiry", starts_on=first, due_on=ends, owner_role="manager", basis=(ko, en)
    )


@enforces("hold.review")
def review_hold(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A hold is looked at again before its end (보존의 계속 필요 검토).

    Facts: ``ends_on`` (date), ``since`` (date on which the hold, or its last prolonging, began; may be absent).
    A hold that is shorter than the time before its end is reviewed from its first day, at the latest on its last.
    """
    ends: date = facts["ends_on"]
    days = int(law.parameter("hold.review_days").value)
    since: date = facts.get("since") or ends - timedelta(days=days)
    due = max(ends - timedelta(days=days), min(since, ends))
    ko = f"보존의 끝 {ends}의 {days}일 전까지" if due < ends else f"보존이 {days}일보다 짧아 끝나는 {ends}까지"
    en = f"{days} days before its end on {ends}" if due < ends else f"shorter than {days} days: by its end on {ends}"
    return law.duty(
        "hold.review", "hold.review", starts_on=min(since, due), due_on=due, owner_role="manager", basis=(ko, en)
    )

"""Clocks that begin with a moment (사건부터 세는 기한): a leak known, a shift that ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from gwanje.law.clocks import calendar_of
from gwanje.law.decision import NEVER, Duty
from gwanje.law.force import InForce
from gwanje.law.registry import enforces

SUBJECT, AUTHORITY = "subject", "authority"


def moment(value: datetime | str) -> datetime:
    """An aware moment from a fact; a case writes it as ISO text. ValueError for a naive one."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone (시각에는 시간대가 있어야 합니다)")
    return at


@enforces("breach.notify")
def notify_leak(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A leak, or a possible one, is told in its hours (유출등의 통지·신고기한). Holidays count.

    Facts: ``known_at`` (aware moment), ``to``: ``subject`` (통지) or ``authority`` (신고).
    """
    to = str(facts["to"])
    if to not in (SUBJECT, AUTHORITY):
        raise ValueError(f"to is {SUBJECT} or {AUTHORITY}, not {to!r}")
    hours = int(law.parameter("breach.notice_hours" if to == SUBJECT else "breach.authority_hours").value)
    calendar = calendar_of(law.law.zone.key)
    known = moment(facts["known_at"]).astimezone(calendar.zone)
    due = calendar.hours(known, hours)
    ko = f"안 때 {known:%Y-%m-%d %H:%M}부터 {hours}시간: {due:%Y-%m-%d %H:%M}까지, 휴일도 셈"
    en = f"{hours} hours from {known:%Y-%m-%d %H:%M}, when it was known: by {due:%Y-%m-%d %H:%M}, holidays count"
    return law.duty(
        f"breach.{to}", "breach.notify", starts_on=known.date(), due_on=due.date(), owner_role="privacy_officer",
        basis=(ko, en), due_at=due, starts_at=known,
    )  # fmt: skip


@enforces("search.shift_end")
def search(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A security search when a shift ends (교대 시 보안검색). Facts: ``ended_at`` (aware moment).

    The rule names no hour: it is owed on the day on which the shift ends.
    """
    asked = bool(law.parameter("search.at_shift_end").value)
    calendar = calendar_of(law.law.zone.key)
    ended = moment(facts["ended_at"]).astimezone(calendar.zone)
    day: date = ended.date()
    ko = f"근무가 끝난 {ended:%Y-%m-%d %H:%M}, 그날 안에"
    en = f"the shift ended at {ended:%Y-%m-%d %H:%M}: on the same day"
    return law.duty(
        "search.shift_end", "search.shift_end", starts_on=day, due_on=day if asked else NEVER, owner_role="manager",
        basis=(ko, en),
    )  # fmt: skip

"""The clock of a missing person (실종 요청의 기한): hours from the moment at which the police asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.law.clocks import calendar_of
from gwanje.law.clocks_events import moment
from gwanje.law.decision import Duty
from gwanje.law.force import InForce
from gwanje.law.registry import enforces


@enforces("disclosure.missing")
def answer_police(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A request to find a missing child or dependent adult is answered at once (실종아동등 위치 확인 요청).

    Facts: ``asked_at`` (aware moment). 실종아동등의 보호 및 지원에 관한 법률 제9조의2; nights and holidays count.
    """
    hours = int(law.parameter("disclosure.missing_hours").value)
    calendar = calendar_of(law.law.zone.key)
    asked = moment(facts["asked_at"]).astimezone(calendar.zone)
    due = calendar.hours(asked, hours)
    ko = f"요청받은 {asked:%Y-%m-%d %H:%M}부터 {hours}시간: {due:%Y-%m-%d %H:%M}까지, 밤과 휴일도 셈"
    en = f"{hours} hours from {asked:%Y-%m-%d %H:%M}, when it was asked: by {due:%Y-%m-%d %H:%M}, holidays count"
    return law.duty(
        "disclosure.missing", "disclosure.missing", starts_on=asked.date(), due_on=due.date(), owner_role="manager",
        basis=(ko, en), due_at=due, starts_at=asked,
    )  # fmt: skip

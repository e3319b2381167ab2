"""Clocks of the data subject (정보주체 관련 기한): decide, correct, publish; counted from the day of receipt or use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gwanje.law.clocks import calendar_of
from gwanje.law.decision import Duty
from gwanje.law.force import InForce
from gwanje.law.registry import enforces


def _counted(
    law: InForce, norm: str, starts_on: date, days: int, owner: str = "manager", *, more: tuple[str, str] = ("", "")
) -> Duty:  # fmt: skip
    """``days`` after ``starts_on``, rolling over a holiday as the law of that day says; ``more`` ends the basis."""
    rolls = bool(law.parameter("deadline.rolls_on_holiday").value)
    deadline = calendar_of(law.law.zone.key).days(starts_on, days, rolls=rolls)
    basis = (deadline.basis_ko + more[0], deadline.basis_en + more[1])
    return law.duty(norm, norm, starts_on=starts_on, due_on=deadline.due_on, owner_role=owner, basis=basis)


@enforces("request.decide")
def decide_request(facts: Mapping[str, Any], law: InForce) -> Duty:
    """Whether to show is decided and notified in time (열람 여부 결정·통지기한). Facts: ``received_on`` (date)."""
    days = int(law.parameter("request.decide_days").value)
    return _counted(law, "request.decide", facts["received_on"], days)


@enforces("correction.due")
def correct(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A correction or deletion is dealt with in time (정정·삭제 조치기한).

    Facts: ``received_on`` (date), ``extended`` (int, how often it was prolonged). What goes beyond the number of
    extensions that the rule allows adds no day. An extension follows the first term without its holidays, so that it
    ends sooner rather than later.
    """
    first = int(law.parameter("correction.days").value)
    asked = int(facts.get("extended", 0))
    granted, more = 0, ("", "")
    if asked > 0:
        most = int(law.parameter("correction.extensions").value)
        granted = min(asked, most)
        step = int(law.parameter("correction.extend_days").value)
        more = (f" ({first}일에 {granted}회 {step}일씩 연장)", f" ({first} days, prolonged {granted} times by {step})")
        if asked > most:
            more = (more[0] + f", {most}회를 넘는 연장은 세지 않음", more[1] + f", beyond {most} nothing counts")
        first += granted * step
    return _counted(law, "correction.due", facts["received_on"], first, more=more)


@enforces("disclosure.publish")
def publish_use(facts: Mapping[str, Any], law: InForce) -> Duty:
    """Uses beyond the purpose are published in time (목적 외 이용·제공의 공개기한). Facts: ``provided_on`` (date)."""
    days = int(law.parameter("disclosure.publish_days").value)
    return _counted(law, "disclosure.publish", facts["provided_on"], days, "privacy_officer")


@enforces("files.register")
def register_file(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A personal-data file is registered in time (개인정보파일 등록기한). Facts: ``started_on`` (date of first use)."""
    days = int(law.parameter("files.register_days").value)
    return _counted(law, "files.register", facts["started_on"], days, "privacy_officer")


@enforces("notice.period")
def notice(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A public notice runs for its time (행정예고 등 의견수렴 기간). Facts: ``published_on`` (date).

    The last day on which opinions are still taken; the opinions are gathered and the notice closed on it.
    """
    days = int(law.parameter("notice.days").value)
    more = (" (그날까지 의견을 받음)", " (opinions are taken until then)")
    return _counted(law, "notice.period", facts["published_on"], days, more=more)

"""Rules of the committee (위원회 규칙): who sits in it, for how long, how often again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from gwanje.law import Decision, Duty, InForce, Reason, enforces
from gwanje.law.clocks import calendar_of

MONTHS_A_YEAR = 12


@enforces("committee.seats")
def seats_filled(facts: Mapping[str, Any], law: InForce) -> Decision:
    """The committee has every seat that the rule names (위원회의 구성).

    Facts: ``seats`` (list of the words of ``committee.seats`` that are filled).
    """
    needed = law.parameter("committee.seats").value
    filled = set(facts["seats"])
    reasons = [
        Reason(
            "seat_empty", f"위원이 없는 자리: {seat}", f"nobody holds the seat {seat}",
            "규정이 정한 위원을 위촉하거나 임명하십시오", "appoint the member whom the rule names",
        )
        for seat in needed
        if seat not in filled
    ]  # fmt: skip
    return law.judge("duties.committee.seats", "committee.seats", reasons=reasons, facts={"seats": sorted(filled)})


def term_end(appointed_on: date, law: InForce) -> date:
    """The last day of a term (임기 만료일): so many calendar years; the first day counts, it begins at midnight."""
    years = int(law.parameter("committee.term_years").value)
    before = appointed_on - timedelta(days=1)
    return calendar_of(law.law.zone.key).months(before, years * MONTHS_A_YEAR, rolls=False).due_on


@enforces("committee.term")
def term_allowed(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A member's term and renewals stay within the limit (위원의 임기와 연임).

    Facts: ``appointed_on``, ``ends_on`` (dates), ``renewals`` (int, how often appointed again).
    """
    last, most = term_end(facts["appointed_on"], law), int(law.parameter("committee.renewals").value)
    reasons = []
    if facts["ends_on"] > last:
        reasons.append(Reason(
            "too_long", f"임기는 {last}까지입니다", f"the term ends on {last} at the latest",
            "임기의 끝을 다시 정하십시오", "set an earlier end",
        ))  # fmt: skip
    if facts["renewals"] > most:
        reasons.append(Reason(
            "too_often", f"연임은 {most}회까지입니다", f"a member is appointed again {most} times at most",
            "다른 위원을 위촉하십시오", "appoint somebody else",
        ))  # fmt: skip
    known = {"appointed_on": str(facts["appointed_on"]), "ends_on": str(facts["ends_on"]),
             "renewals": facts["renewals"]}  # fmt: skip
    return law.judge("duties.committee.appoint", "committee.term", reasons=reasons, facts=known)


@enforces("committee.term")
def term_ends(facts: Mapping[str, Any], law: InForce) -> Duty:
    """A member's term ends (위원의 임기 만료): by then the seat is filled again. Facts: ``appointed_on`` (date)."""
    appointed: date = facts["appointed_on"]
    due = term_end(appointed, law)
    years = law.parameter("committee.term_years").value
    basis = (
        f"{appointed}부터 {years}년, 임기 만료일 {due} (첫날을 셈)",
        f"{years} years from {appointed}, the first day counted, to {due}",
    )
    return law.duty(
        "committee.term", "committee.term", starts_on=appointed, due_on=due, owner_role="manager", basis=basis
    )

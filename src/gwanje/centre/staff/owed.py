"""What staff owe (인력 기한 찾기): quarterly training, contractors' checks, reviews of the access log, searches at the
end of a shift; each only where the city has the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Min

from gwanje.centre.common import clock, law
from gwanje.centre.duties import api as owing
from gwanje.centre.duties.api import Met, Owed
from gwanje.centre.staff.api import agencies
from gwanje.centre.staff.models import Agency, Person, RoleGrant, Shift
from gwanje.law.clocks_events import search
from gwanje.law.clocks_periods import check_contractors, review_logs, train

AGENCY, SHIFT = "agency", "shift"
SEARCH = "search.shift_end"
# a first look goes back so far; later ones go on from the newest row
LOOK_BACK = timedelta(days=2)
PERIODS_MAX, BATCH = 40, 1000


def _cities() -> Iterator[Agency]:
    yield from agencies().filter(kind="city")


def _first_day(agency: Agency, *, contractors: bool = False) -> date | None:
    """The day of an agency's first right, or of its first contractor's employee; None before."""
    if contractors:
        people = Person.objects.filter(agency=agency, contractor=True, active=True)
        found = people.aggregate(first=Min("created_at"))["first"]
    else:
        found = RoleGrant.objects.filter(agency=agency).aggregate(first=Min("starts_at"))["first"]
    return found.astimezone(clock().zone).date() if found else None


def quarters(now: datetime) -> Iterator[Owed]:
    """Every quarter's training, one after another: a quarter that was missed does not hide the next one."""
    today = clock().local().date()
    for agency in _cities():
        if _first_day(agency) is None:
            continue
        before = owing.newest("training.quarterly", agency.pk)
        day = before.due_on + timedelta(days=1) if before else today
        for _ in range(PERIODS_MAX):
            facts = {"last_on": None, "since": day}
            found = owing.judged(train, facts) if day <= today else None
            if found is None:
                break
            first, due = found[0].starts_on, found[0].due_on
            yield Owed(
                found[0], agency.pk, AGENCY, str(agency.pk), f"분기 교육 ({first} ~ {due})",
                f"Training of the quarter ({first} ~ {due})", facts=facts, rule=found[1],
            )  # fmt: skip
            day = due + timedelta(days=1)


def _interval(rule: Callable[..., Any], kind: str, names: tuple[str, str], *, contractors: bool) -> Iterator[Owed]:
    for agency in _cities():
        since = _first_day(agency, contractors=contractors)
        before = owing.newest(kind, agency.pk)
        if since is None or (before and before.state == "open"):
            continue
        # a review that is closed on the day its row was written begins the next one later, not the same one again
        last = max(before.done_on or before.starts_on, before.starts_on) if before else None
        facts = {"last_on": last, "since": max(since, _in_force(kind))}
        found = owing.judged(rule, facts)
        if found is not None:
            yield Owed(
                found[0], agency.pk, AGENCY, str(agency.pk), *names, facts=facts, rule=found[1], hand=True
            )  # fmt: skip


def _in_force(norm: str) -> date:
    """The first day of the article that asks for it: no interval began before it."""
    today = law()
    found = [today.article(a.pack, a.id).since for a in today.articles(norm)] if today.has(norm) else []
    return min(found, default=date.min)


def logs(now: datetime) -> Iterator[Owed]:
    """Reviews of the access log, each counted from the last."""
    names = ("접속기록과 내려받은 사유의 점검", "Review of the access log and of downloads")
    yield from _interval(review_logs, "log.review", names, contractors=False)


def contractors(now: datetime) -> Iterator[Owed]:
    """Checks of the contractors, each counted from the last; none where nobody of a contractor works."""
    names = ("수탁자 처리 현황의 점검", "Check of the contractors")
    yield from _interval(check_contractors, "contractor.check", names, contractors=True)


def searches(now: datetime) -> Iterator[Owed | Met]:
    """Shifts that ended: who leaves the centre is searched on that day."""
    if not law().has(SEARCH):
        return
    for agency in _cities():
        before = owing.newest(SEARCH, agency.pk)
        zone = clock().zone
        since = now - LOOK_BACK
        if before is not None:
            since = min(since, datetime.combine(before.starts_on, datetime.min.time(), tzinfo=zone))
        ended = Shift.objects.filter(agency=agency, ended_at__gte=since).select_related("person", "station")
        for shift in ended.order_by("ended_at")[:BATCH]:
            facts = {"ended_at": shift.ended_at.astimezone(zone)}
            found = owing.judged(search, facts)
            if found is None:
                return
            who, at = f"{shift.person.name}({shift.station.code})", f"{facts['ended_at']:%m-%d %H:%M}"
            yield Owed(
                found[0], agency.pk, SHIFT, str(shift.pk), f"보안검색: {who} {at} 근무 종료",
                f"Security search: {who}, shift ended {at}", facts=facts, rule=found[1],
            )  # fmt: skip


SCANS = {"quarters": quarters, "logs": logs, "contractors": contractors, "searches": searches}

"""The days of the year: what comes in, what people do about it, what they forget."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

from gwanje.centre import common
from gwanje.centre.common.papers import pdf, today, values
from gwanje.centre.common.refusal import Problem
from gwanje.centre.duties import beginning, rounds, services
from gwanje.centre.duties.models import OPEN, Duty
from gwanje.centre.inspection import services as inspection
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import contracts, departures, posts
from gwanje.centre.staff import services as people
from tools.year import city as founding
from tools.year import reckon
from tools.year.city import City

LATE_SHARE, SHIFTS = 0.04, ((15, 30), (19, 30), (23, 30))
PAPERS_EACH = 10
OWED = {"request": "request.answer", "refusal": "request.refusal_notice", "correction": "correction.due"}


@dataclass
class Year:
    """One run: the plan of the days, what was begun with its date counted apart, what happened."""

    city: City
    first: date
    last: date
    requests: int
    expected: dict[tuple[str, str], date] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    later: list[tuple[date, int, Any]] = field(default_factory=list)
    planned: set[Any] = field(default_factory=set)
    _order: Iterator[int] = field(default_factory=count)

    def days(self) -> Iterator[date]:
        """Every day, holidays too."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)

    def at(self, day: date, act: Any) -> None:
        """Do something on that day, or never when it lies beyond the year."""
        heapq.heappush(self.later, (day, next(self._order), act))


def to(day: date, hour: int, minute: int = 0) -> None:
    """Set the centre's clock."""
    clock = common.clock()
    wanted = datetime.combine(day, time(hour, minute), clock.zone)
    moved = round(wanted.timestamp() * 1_000_000) - clock.now_us()
    clock.set_offset(clock._offset() + moved)


def run(year: Year, say: Any) -> None:
    """Day by day: the morning's round, people's work, the evening's round."""
    arrivals = _arrivals(year)
    for day in year.days():
        to(day, 9)
        _round(year)
        with common.system_scope():
            while year.later and year.later[0][0] <= day:
                heapq.heappop(year.later)[2](day)
            for number in arrivals.get(day, ()):
                request(year, day, number)
            work(year, day)
        _shifts(year, day)
        to(day, 23, 50)
        _round(year)
        with common.system_scope():
            searched(year)
        if day.day == 1:
            say(f"{day}: {dict(year.counts)}")


def _round(year: Year) -> None:
    report = rounds.run()
    year.counts += Counter(warned=report.warned, escalated=report.escalated, owed=report.owed)
    assert not report.failed, report.failed
    with common.system_scope():
        contracts.expire()


def _arrivals(year: Year) -> dict[date, list[int]]:
    working = [day for day in year.days() if not reckon.off(day)]
    out: dict[date, list[int]] = {}
    for number in range(year.requests):
        out.setdefault(year.city.seed.choice(working), []).append(number)
    return out


def request(year: Year, day: date, number: int) -> None:
    """A citizen's request: its row with its clock, and its paper."""
    label, seed = f"{day.year}-{number:04d}", year.city.seed
    kind = seed.choices(("request", "correction", "refusal"), (84, 10, 6))[0]
    rows = beginning.begin(year.city.actor("manager"), kind, label, day)
    year.counts[f"begun {kind}"] += 1
    # what must be there is said by the kind of request, never by the rows that came of it
    year.expected[(OWED[kind], label)] = reckon.term(day, 10)
    if number % PAPERS_EACH == 0:
        paper(year, day, label)
    if kind == "correction" and seed.random() < 0.3:
        year.at(day + timedelta(days=6), lambda _day, row=rows[0], label=label: extend(year, row, label, day))


def extend(year: Year, row: Duty, label: str, received: date) -> None:
    """A correction that needs longer: once, before its end."""
    fresh = Duty.objects.get(pk=row.pk)
    if fresh.state == OPEN and common.clock().now() < fresh.ends_at:
        try:
            beginning.extend(year.city.actor("manager"), fresh, "사실 조사가 길어짐")
        except Problem:
            # a city whose rules know no longer time has none
            year.counts["extension refused"] += 1
            return
        year.expected[("correction.due", label)] = reckon.term(received, 20)
        year.counts["extended"] += 1


def paper(year: Year, day: date, label: str) -> None:
    """The request's own form, filled and printed."""
    schema = today.serving("subject.request", day)
    assert schema is not None
    given = {
        "kinds": ("view",), "applicant.name": "홍길동", "applicant.phone": "010-0000-0000",
        "applicant.address": "한해시 한해로 1", "reason": f"접수 {label}: 주차 중 접촉 사고", "signed_on": day,
    }  # fmt: skip
    known = {name: value for name, value in given.items() if name in schema.declared}
    made = pdf.render(schema, values.clean(schema, known), on=day, author="한해시")
    assert made.startswith(b"%PDF"), label
    year.counts["papers"] += 1


def work(year: Year, day: date) -> None:
    """Close what somebody has decided to close today; new rows get the day on which they will be closed."""
    fresh = Duty.objects.filter(state=OPEN, agency_id=year.city.agency.pk, note="")
    for row in fresh.filter(made_at__gte=common.clock().now() - timedelta(hours=26)).order_by("ends_at", "id"):
        if row.pk in year.planned:
            continue
        year.planned.add(row.pk)
        span = max(0, (row.due_on - day).days)
        when = day + timedelta(days=year.city.seed.randint(0, span))
        if year.city.seed.random() < LATE_SHARE and row.kind != "search.shift_end":
            when = row.due_on + timedelta(days=year.city.seed.randint(1, 6))
        year.at(max(when, day), lambda _day, pk=row.pk: close(year, pk))


def searched(year: Year) -> None:
    """Whoever leaves is searched at the door, before midnight; the shift's leader writes it down."""
    rows = Duty.objects.filter(kind="search.shift_end", state=OPEN, agency_id=year.city.agency.pk)
    if ids := list(rows.values_list("pk", flat=True)[: services.AT_ONCE]):
        services.close(year.city.actor("chief_officer"), ids, "이상 없음")
        year.counts["searched"] += len(ids)


def close(year: Year, pk: Any) -> None:
    """One duty done by the office that owes it, or where its room closes it."""
    row = Duty.objects.get(pk=pk)
    if row.state != OPEN:
        return
    if row.kind == "inspection":
        inspection.close_month(year.city.actor("manager"), row.due_on.year, row.due_on.month, "모두 점검함")
    elif row.hand:
        services.close(year.city.actor("chief_officer"), [row.pk], "기한 안에 이행함")
    else:
        return
    year.counts["closed"] += 1


def _shifts(year: Year, day: date) -> None:
    """Two people on each of three shifts; where the rule asks for a search when they leave, a row comes of it."""
    for place, (hour, minute) in enumerate(SHIFTS, 1):
        crew = year.city.people["operator"]
        pair = [crew[(day.toordinal() * 6 + place * 2 + n) % len(crew)] for n in (0, 1)]
        to(day, hour, minute)
        with common.system_scope():
            for seat, who in enumerate(pair, 1):
                actor = staff.actor_for(who, f"관제석-{seat}")
                people.start_shift(who, f"관제석-{seat}", by=actor)
                people.end_shift(who, by=actor)
    year.counts["shifts"] += 6


def transfer(year: Year, role: str, event: str) -> Any:
    """Somebody leaves and somebody comes: rights end in the same transaction."""

    def act(day: date) -> None:
        gone = year.city.people[role].pop()
        departures.depart(gone, event, day, f"인사발령 {day}", year.city.actor("administrator"))
        assert not staff.roles_of(gone.pk), gone
        year.city.hire(role)
        year.counts["transfers"] += 1

    return act


def new_contractor(year: Year) -> Any:
    """The contract ends with all its people; another company comes with its own."""

    def act(day: date) -> None:
        old = list(year.city.people["maintenance"])
        contracts.end(year.city.contract, f"계약 종료 {day}", year.city.actor("administrator"))
        assert not any(staff.roles_of(person.pk) for person in old)
        year.city.people["maintenance"] = []
        for _ in old:
            year.city.hire("maintenance")
        founding.conclude(year.city, "새해시스템(주)")
        year.counts["contract changes"] += 1

    return act


def new_policy(year: Year, reason: str) -> Any:
    """A change of the policy: announced some days before it is in force."""

    def act(day: date) -> None:
        founding.publish(year.city, reason, day + timedelta(days=14))
        year.counts["policy changes"] += 1

    return act


def course(year: Year) -> Any:
    """A training that everybody attends."""

    def act(day: date) -> None:
        for group in year.city.people.values():
            for person in group:
                posts.record_training(person, posts.Course("분기 교육", "자체", day))
        year.counts["trainings"] += 1

    return act

"""Random acts, faults and clock steps against a model: no duty is lost or doubled, what was late stays late."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_duties_rows import ARTICLE, DAY

from gwanje.centre import common
from gwanje.centre.duties import api, rounds, services
from gwanje.centre.duties.models import DONE, LATE_DONE, OPEN, VOID, Duty
from gwanje.law.decision import Duty as LawDuty

SUBJECTS = st.sampled_from(["1", "2", "3"])
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("owe"), SUBJECTS, st.integers(0, 9)),
        st.tuples(st.just("done"), SUBJECTS, st.just(0)),
        st.tuples(st.just("void"), SUBJECTS, st.just(0)),
        st.tuples(st.just("round"), st.just(""), st.just(0)),
        st.tuples(st.just("clock"), st.just(""), st.integers(-3, 6)),
        st.tuples(st.just("fault"), SUBJECTS, st.integers(1, 4)),
    ),
    min_size=3, max_size=12,
)  # fmt: skip


class Fault(Exception):
    """The process ends here: what its transaction wrote is not there."""


def said(starts: date, days: int) -> LawDuty:
    due = starts + timedelta(days=days)
    return LawDuty("request.answer", "request.due", (ARTICLE,), starts, due, "manager", "10일", "10 days")


class World:
    """The room beside a model of it that shares no code with it."""

    def __init__(self, city, move):
        self.city, self.move = city, move
        self.known: dict[tuple[str, date], list] = {}

    def today(self) -> date:
        return common.clock().local().date()

    def owe(self, subject: str, days: int) -> None:
        starts = self.today()
        named = {"agency": self.city.pk, "subject_kind": "request", "title_ko": "청구", "title_en": "Request"}
        api.owe(said(starts, days), subject=subject, **named)
        self.known.setdefault((subject, starts), [starts + timedelta(days=days), OPEN])

    def done(self, subject: str, _: int) -> None:
        count = api.done("request.answer", "request", subject, "처리함")
        mine = [row for key, row in self.known.items() if key[0] == subject and row[1] == OPEN]
        assert count == len(mine)
        for row in mine:
            row[1] = LATE_DONE if self.today() > row[0] else DONE

    def void(self, subject: str, _: int) -> None:
        api.void("request.answer", "request", subject, "취하")
        for key, row in self.known.items():
            if key[0] == subject and row[1] == OPEN:
                row[1] = VOID

    def round(self, _: str, __: int) -> None:
        rounds.run()

    def clock(self, _: str, days: int) -> None:
        self.move(days * DAY)

    def fault(self, subject: str, after: int) -> None:
        """An act and a round that break off at their n-th ledger row leave nothing of that transaction."""
        note, left = services.note, [after]

        def broken(*args, **kwargs):
            left[0] -= 1
            if left[0] <= 0:
                raise Fault
            note(*args, **kwargs)

        services.note = broken
        try:
            with transaction.atomic():
                api.done("request.answer", "request", subject, "처리함")
                rounds.run()
                raise Fault
        except Fault:
            pass
        finally:
            services.note = note

    def check(self) -> None:
        rows = {(row.subject, row.starts_on): [row.due_on, row.state] for row in Duty.objects.all()}
        assert rows == self.known
        with connection.cursor() as cursor:
            cursor.execute("select count(*), count(distinct body->>'duty' || (body->>'step')) from event "
                           "where kind = 'duties.late'")  # fmt: skip
            told, distinct = cursor.fetchone()
        assert told == distinct


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_random_acts_lose_nothing_and_say_nothing_twice(city, advance, monkeypatch):
    monkeypatch.setattr(api, "_scans", {})

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(ACTS)
    def run(acts):
        moved = [0]

        def move(seconds):
            moved[0] += seconds
            advance(seconds)

        point = transaction.savepoint()
        try:
            world = World(city, move)
            for name, subject, number in acts:
                getattr(world, name)(subject, number)
                world.check()
        finally:
            transaction.savepoint_rollback(point)
            advance(-moved[0])

    run()

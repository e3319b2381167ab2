"""Clocks of the contract: hours over holidays, periods that never roll, counting back from an end, extensions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwanje import law
from gwanje.centre.duties.rules_committee import seats_filled, term_allowed, term_end, term_ends
from gwanje.law.calendar import LegalCalendar
from gwanje.law.clocks_events import notify_leak, search
from gwanje.law.clocks_keeping import extension_ends, review_hold
from gwanje.law.clocks_periods import check_contractors, quarter, review_logs, train
from gwanje.law.clocks_requests import correct, decide_request, publish_use, register_file
from gwanje.law.decision import NEVER

DAY = date(2026, 11, 20)
ANYANG = law.load(("kr_national", "kr_anyang")).on(DAY)
OSAN = law.load(("kr_national", "kr_osan")).on(DAY)
SEOUL = law.load(("kr_national", "kr_seoul")).on(DAY)
KST = ZoneInfo("Asia/Seoul")
CALENDAR = LegalCalendar()
DAYS = st.dates(date(2021, 1, 1), date(2032, 12, 31))
MOMENTS = st.integers(1_704_000_000, 1_980_000_000).map(lambda second: datetime.fromtimestamp(second, KST))


@pytest.mark.norm("breach.notify", "late")
@given(MOMENTS, st.sampled_from(["subject", "authority"]))
def test_a_leak_is_told_in_72_hours_whatever_day_it_is(known_at: datetime, to: str) -> None:
    duty = notify_leak({"known_at": known_at, "to": to}, ANYANG)
    assert duty.due_at is not None
    assert duty.due_at - known_at == timedelta(hours=72)
    assert duty.kind == f"breach.{to}"
    assert duty.late(duty.due_on + timedelta(days=1))
    other = notify_leak({"known_at": known_at.astimezone(UTC), "to": to}, ANYANG)
    assert (other.starts_on, other.due_on) == (duty.starts_on, duty.due_on)


def test_a_leak_without_a_zone_or_an_addressee_is_no_fact() -> None:
    with pytest.raises(ValueError, match="zone"):
        notify_leak({"known_at": "2026-11-20T03:12:00", "to": "subject"}, ANYANG)
    with pytest.raises(ValueError, match="nobody"):
        notify_leak({"known_at": "2026-11-20T03:12:00+09:00", "to": "nobody"}, ANYANG)


@pytest.mark.norm("request.decide", "late")
@pytest.mark.norm("correction.due", "late")
@pytest.mark.norm("files.register", "late")
@pytest.mark.norm("disclosure.publish", "late")
@given(DAYS)
def test_days_end_on_a_working_day_and_never_sooner(day: date) -> None:
    for duty, least in (
        (decide_request({"received_on": day}, SEOUL), 5),
        (correct({"received_on": day, "extended": 0}, SEOUL), 10),
        (register_file({"started_on": day}, ANYANG), 60),
        (publish_use({"provided_on": day}, ANYANG), 10),
    ):
        assert least <= (duty.due_on - day).days <= least + 12
        assert CALENDAR.working(duty.due_on)
        assert duty.late(duty.due_on + timedelta(days=1))


def test_a_correction_is_prolonged_once_and_not_twice() -> None:
    plain, once, twice = (correct({"received_on": date(2026, 11, 9), "extended": n}, SEOUL) for n in (0, 1, 2))
    assert (plain.due_on, once.due_on) == (date(2026, 11, 19), date(2026, 11, 30))
    assert twice.due_on == once.due_on
    assert "1회를 넘는 연장은 세지 않음" in twice.basis_ko


@pytest.mark.norm("training.quarterly", "late")
@given(DAYS)
def test_each_quarter_has_its_training(day: date) -> None:
    first = train({"last_on": None, "since": day}, SEOUL)
    following = train({"last_on": day, "since": date(2020, 1, 1)}, SEOUL)
    assert (first.starts_on, first.due_on) == quarter(day)
    assert following.starts_on == first.due_on + timedelta(days=1)
    assert first.late(first.due_on + timedelta(days=1))


@pytest.mark.norm("contractor.check", "late")
@pytest.mark.norm("log.review", "late")
@given(DAYS)
def test_intervals_are_calendar_months_and_never_roll(day: date) -> None:
    for rule, months in ((check_contractors, 12), (review_logs, 1)):
        duty = rule({"last_on": day, "since": date(2020, 1, 1)}, ANYANG)
        assert duty.due_on == CALENDAR.months(day, months, rolls=False).due_on
        assert rule({"last_on": None, "since": day + timedelta(days=1)}, ANYANG).due_on == duty.due_on
        assert duty.late(duty.due_on + timedelta(days=1))


@pytest.mark.norm("hold.review", "late")
@pytest.mark.norm("extension.expiry", "late")
@given(DAYS, st.integers(0, 400))
def test_what_is_kept_is_looked_at_before_its_end(since: date, lasts: int) -> None:
    ends = since + timedelta(days=lasts)
    review = review_hold({"ends_on": ends, "since": since}, ANYANG)
    assert review.starts_on <= review.due_on <= ends
    assert review.due_on == ends - timedelta(days=7) or lasts < 7
    assert review.late(ends + timedelta(days=1))
    expiry = extension_ends({"ends_on": ends}, ANYANG)
    assert (expiry.due_on, expiry.starts_on) == (ends, ends - timedelta(days=7))
    assert expiry.late(ends + timedelta(days=1))


@pytest.mark.norm("search.shift_end", "late")
@given(MOMENTS)
def test_a_search_is_owed_on_the_day_the_shift_ends(ended: datetime) -> None:
    duty = search({"ended_at": ended}, OSAN)
    assert duty.starts_on == duty.due_on == ended.date()
    assert duty.due_on != NEVER


@pytest.mark.norm("committee.term", "late")
@given(DAYS)
def test_a_term_ends_the_day_before_it_began(appointed: date) -> None:
    duty = term_ends({"appointed_on": appointed}, OSAN)
    after = duty.due_on + timedelta(days=1)
    assert after.year == appointed.year + 2
    assert (after.month, after.day) == (appointed.month, appointed.day) or (appointed.month, appointed.day) == (2, 29)
    assert duty.late(after)


@pytest.mark.norm("committee.term", "deny")
@pytest.mark.norm("committee.seats", "deny")
def test_a_committee_sits_whole_and_not_for_ever() -> None:
    began = date(2026, 3, 1)
    fits = {"appointed_on": began, "ends_on": term_end(began, OSAN), "renewals": 1}
    assert term_allowed(fits, OSAN).allow
    longer = term_allowed({**fits, "ends_on": fits["ends_on"] + timedelta(days=1), "renewals": 2}, OSAN)
    assert [reason.code for reason in longer.reasons] == ["too_long", "too_often"]
    seats = OSAN.parameter("committee.seats").value
    assert seats_filled({"seats": list(seats)}, OSAN).allow
    assert [r.code for r in seats_filled({"seats": list(seats)[1:]}, OSAN).reasons] == ["seat_empty"]

"""Break-glass on the real database: opened once, shown as long as it lasts, told, reviewed, escalated, suspended."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from gwanje.centre import common
from gwanje.centre.cameras import services as cameras
from gwanje.centre.common import clock, home
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import services as people
from gwanje.centre.watching import glass, glass_reading, rules_glass, services, steering
from gwanje.centre.watching.models import Glass, Seat
from gwanje.kernel import events, keys
from gwanje.kernel.permit import LiveToken
from gwanje.law import load

pytestmark = pytest.mark.django_db
WHY = "하천에 사람이 빠졌다는 신고"


@pytest.fixture
def allowed(monkeypatch):
    """The centre has adopted the policy that allows it."""
    monkeypatch.setattr(common, "packs", lambda: load(["kr_national", "kr_anyang", "model_policy"]))


@pytest.fixture
def camera(city, hire, seat):
    keys.signing_key(home(), "web", create=True)
    keys.publish(home(), "web")
    admin = staff.actor_for(hire("administrator"), seat.code)

    def made(number="G-1"):
        new = cameras.NewCamera(number, "가온천 3", "37.4", "126.9", ("교통단속",), city.pk, state="planned", ptz=True)
        row = cameras.register_camera(admin, new)
        type(row).objects.filter(pk=row.pk).update(state="active")
        return row

    return made


@pytest.fixture
def sleeper(hire, seat):
    """An operator who is not on shift."""
    return staff.actor_for(hire("operator"), seat.code)


def rows(kind):
    with connection.cursor() as cursor:
        cursor.execute("select outcome from ledger_opening where kind = %s", [kind])
        return [outcome for (outcome,) in cursor.fetchall()]


def token_of(ticket):
    return LiveToken.open(base64.urlsafe_b64decode(ticket.token + "=="), keys.public_key(home(), "web"))


def refused(act, *given):
    with pytest.raises(Refused) as caught:
        act(*given)
    return [reason.code for reason in caught.value.decision.reasons]


def test_without_a_rule_that_allows_it_nothing_opens(sleeper, camera):
    one = camera()
    assert refused(glass.open_glass, sleeper, "urgent_relief", WHY, [one.id]) == ["glass_off"]
    assert not Glass.objects.exists()


@pytest.mark.norm("live.glass", "allow")
@pytest.mark.norm("live.glass", "deny")
def test_who_is_off_shift_sees_the_named_camera_for_its_minutes_and_no_other(allowed, sleeper, camera, advance):
    one, other = camera("G-1"), camera("G-2")
    assert refused(services.live_token, sleeper, one.id, "sub") == ["off_duty"]
    row = glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])
    assert row.until - row.started_at == timedelta(minutes=15)
    token, ends = token_of(services.live_token(sleeper, one.id, "sub")), int(row.until.timestamp())
    assert (token.glass, token.until, token.camera) == (row.id, ends, one.id)
    assert 0 < token.expires - clock().now_s() <= services.GLASS_TOKEN_S
    assert refused(services.live_token, sleeper, other.id, "sub") == ["off_duty"]
    tickets = services.live_tokens(sleeper, [one.id, other.id], "sub")
    assert [ticket and ticket.glass for ticket in tickets] == [ends, None]
    # a picture is all that it opens: the stick and stored video ask rules that know nothing of it
    assert refused(steering.ptz_token, sleeper, one.id) == ["off_duty", "no_ptz"]
    advance(15 * 60 - 5)
    assert token_of(services.live_token(sleeper, one.id, "sub")).expires == ends
    advance(5)
    assert refused(services.live_token, sleeper, one.id, "sub") == ["off_duty"]


def test_every_step_has_its_row_and_the_alarm_goes_out_with_it(allowed, sleeper, camera, hire, seat):
    one = camera()
    row = glass.open_glass(sleeper, "urgent_relief", WHY, [one.id, one.id])
    assert row.cameras == [str(one.id)]
    told = events.latest(connection.cursor(), 1)[0]
    assert (told.kind, told.severity, told.agency, told.cameras) == ("glass.opened", 4, sleeper.agency, (one.id,))
    assert "G-1" in told.body["ko"]
    assert told.body["until"] == row.until.timestamp()
    for _ in range(2):
        services.live_token(sleeper, one.id, "sub")
    glass.end_glass(sleeper, row.id)
    manager = staff.actor_for(hire("manager"), seat.code)
    glass.review(manager, row.id, "accepted", "신고 녹취와 맞음")
    kinds = ["opened", "watched", "ended", "reviewed"]
    assert [rows(f"watching.glass.{kind}") for kind in kinds] == [["granted"], ["done"], ["done"], ["done"]]
    assert refused(services.live_token, sleeper, one.id, "sub") == ["off_duty"]
    assert rows("watching.camera.watched") == []


def test_an_officer_ends_it_for_another(allowed, sleeper, camera, hire, seat):
    one = camera()
    row = glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])
    stranger = staff.actor_for(hire("operator"), seat.code)
    assert refused(glass.end_glass, stranger, row.id) == ["not_own"]
    glass.end_glass(staff.actor_for(hire("privacy_officer"), seat.code), row.id)
    assert refused(services.live_token, sleeper, one.id, "sub") == ["off_duty"]


@pytest.mark.norm("live.glass", "deny")
def test_what_the_right_reaches_needs_no_glass_and_a_seat_of_another_purpose_may_need_it(
    allowed, camera, hire, seat, city
):
    person = hire("operator")
    people.start_shift(person, seat.code)
    watcher = staff.actor_for(person, seat.code)
    one = camera()
    assert refused(glass.open_glass, watcher, "urgent_relief", WHY, [one.id]) == ["not_needed"]
    Seat.objects.create(agency_id=city.pk, station=seat.code, purposes=["범죄예방"])
    row = glass.open_glass(watcher, "urgent_relief", WHY, [one.id])
    assert token_of(services.live_token(watcher, one.id, "main")).glass == row.id
    # the seat's purposes reach it again: the plain right goes before the broken glass
    Seat.objects.update(purposes=["교통단속"])
    assert token_of(services.live_token(watcher, one.id, "main")).glass is None


def test_it_is_bound_to_the_seat_at_which_it_was_opened(allowed, sleeper, camera, city):
    one = camera()
    glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])
    people.add_station("관제석-9", "별관", city)
    elsewhere = staff.actor_for(staff.person(sleeper.person), "관제석-9")
    assert refused(services.live_token, elsewhere, one.id, "sub") == ["off_duty"]


@pytest.mark.norm("live.glass_review", "deny")
def test_once_until_a_second_person_has_looked(allowed, sleeper, camera, hire, seat, advance):
    one = camera()
    row = glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])
    again = (glass.open_glass, sleeper, "urgent_relief", WHY, [one.id])
    assert refused(*again) == ["review_waits"]
    manager = staff.actor_for(hire("manager"), seat.code)
    with pytest.raises(Problem, match="review"):
        glass.review(manager, row.id, "accepted", "아직 열려 있음")
    advance(16 * 60)
    assert refused(*again) == ["review_waits"]
    for verdict, note in (("", "좋음"), ("accepted", " ")):
        with pytest.raises(Problem):
            glass.review(manager, row.id, verdict, note)
    glass.review(manager, row.id, "accepted", "신고와 맞음")
    with pytest.raises(Problem):
        glass.review(manager, row.id, "misuse", "다시 봄")
    assert glass.open_glass(*again[1:]).pk != row.pk


@pytest.mark.norm("live.glass_review", "deny")
def test_what_nobody_reviews_in_a_day_is_escalated_once_and_suspends(allowed, sleeper, camera, hire, seat, advance):
    one = camera()
    row = glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])
    advance(24 * 3600 - 1)
    assert glass.escalate() == 0
    advance(1)
    # suspended by the clock itself, whether or not the worker has run
    assert refused(glass.open_glass, sleeper, "urgent_relief", WHY, [one.id]) == ["suspended_late"]
    assert [glass.escalate(), glass.escalate()] == [1, 0]
    told = events.latest(connection.cursor(), 1)[0]
    assert (told.kind, told.severity) == ("glass.overdue", 4)
    assert rows("watching.glass.overdue") == ["done"]
    glass.review(staff.actor_for(hire("manager"), seat.code), row.id, "accepted", "늦게 검토함")
    assert glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])


@pytest.mark.norm("live.glass_review", "deny")
def test_a_misuse_suspends_until_it_is_restored(allowed, sleeper, camera, hire, seat):
    one = camera()
    row = glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])
    glass.end_glass(sleeper, row.id)
    chief, manager = (staff.actor_for(hire(role), seat.code) for role in ("chief_officer", "manager"))
    with pytest.raises(Problem):
        glass.restore(chief, row.id, "검토 전")
    glass.review(manager, row.id, "misuse", "신고가 없었음")
    assert refused(glass.open_glass, sleeper, "urgent_relief", WHY, [one.id]) == ["suspended_misuse"]
    assert refused(glass.restore, manager, row.id, "교육을 마침") == ["review_role"]
    glass.restore(chief, row.id, "교육을 마침")
    assert rows("watching.glass.restored") == ["done"]
    assert glass.open_glass(sleeper, "urgent_relief", WHY, [one.id])


def test_a_camera_that_is_not_there_or_of_another_agency_is_not_there(allowed, camera, hire, police):
    one = camera()
    people.add_station("경찰석-9", "상황실", police)
    foreign = staff.actor_for(hire("operator", agency=police), "경찰석-9")
    with connection.cursor() as cursor:
        common.set_scope(cursor, "agency", (police.pk,))
    assert refused(glass.open_glass, foreign, "urgent_relief", WHY, [one.id]) == ["not_found"]
    assert not Glass.objects.exists()


def test_too_many_or_stopped_cameras_write_nothing(allowed, sleeper, camera):
    many = [camera(f"G-{n}") for n in range(6)]
    assert refused(glass.open_glass, sleeper, "urgent_relief", WHY, [c.id for c in many]) == ["cameras"]
    assert refused(glass.open_glass, sleeper, "urgent_relief", WHY, []) == ["cameras", "not_needed"]
    type(many[0]).objects.filter(pk=many[0].pk).update(state="suspended")
    with pytest.raises(Problem, match="not_active"):
        glass.open_glass(sleeper, "urgent_relief", WHY, [many[0].id])
    assert not Glass.objects.exists()
    assert glass_reading.open_now(sleeper) == []


@pytest.mark.parametrize(
    "changes",
    [
        lambda row: {"until": row.started_at + timedelta(minutes=15, seconds=1)},
        lambda row: {"reviewed_by": row.person_id},
        lambda row: {"verdict": "fine"},
    ],
)
def test_the_database_itself_refuses_what_no_rule_would_write(allowed, sleeper, camera, changes):
    row = glass.open_glass(sleeper, "urgent_relief", WHY, [camera().id])
    with pytest.raises(IntegrityError), transaction.atomic():
        Glass.objects.filter(pk=row.pk).update(**changes(row))
    with pytest.raises(IntegrityError), transaction.atomic():
        Glass.objects.create(
            agency_id=row.agency_id, station="x", person_id=row.person_id, ground="", words="", started_at=row.until,
            until=row.until + timedelta(minutes=1), review_by=row.review_by,
        )  # fmt: skip
    assert rules_glass.MINUTES_MAX == 15

"""Mandates on the real database: one document for many cameras, asked at each live token, ended by its day."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from gwanje.centre import common
from gwanje.centre.cameras import api, hours, mandates, services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import services as watching
from gwanje.kernel import keys
from support.centre import ledger_rows
from support.staff import law

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rules_of_the_city(monkeypatch):
    """The city has rules of hours and agreements."""
    monkeypatch.setattr(common, "packs", law)
    keys.signing_key(common.home(), "web", create=True)


@pytest.fixture
def admin(hire, seat):
    return staff.actor_for(hire("administrator"), seat.code)


@pytest.fixture
def watcher(hire, seat):
    from gwanje.centre.staff import services as people

    person = hire("operator")
    people.start_shift(person, seat.code)
    return staff.actor_for(person, seat.code)


@pytest.fixture
def foreign(admin, city, police):
    """Two running cameras of the police, without any document."""
    out = []
    for number in ("P-1", "P-2"):
        new = services.NewCamera(
            number, "가온로 4", "37.4", "126.9", ("생활방범",), city.pk, owner=police.pk, state="planned"
        )
        row = services.register_camera(admin, new)
        Camera.objects.filter(pk=row.pk).update(state="active")
        out.append(row.pk)
    return out


def today():
    return common.clock().local().date()


def new(police, covered, **more):
    said = {"document": "가온경찰서-77", "purposes": ("범죄예방",), "starts_on": today(), "cameras": tuple(covered)}
    return mandates.NewMandate(police.pk, **{**said, **more})


def refused(actor, camera):
    with pytest.raises(Refused) as caught, transaction.atomic():
        watching.live_token(actor, camera, "main")
    return [reason.code for reason in caught.value.decision.reasons]


@pytest.mark.norm("live.agreement", "deny")
def test_without_a_mandate_nothing_of_another_agency_is_shown(foreign, watcher):
    assert refused(watcher, foreign[0]) == ["no_agreement"]


@pytest.mark.norm("live.agreement", "allow")
def test_a_mandate_opens_its_cameras_until_its_day(foreign, watcher, admin, police, advance):
    row = mandates.record(admin, new(police, foreign, ends_on=today() + timedelta(days=3)))
    kind, _, said = ledger_rows()[-1]
    assert (kind, said["detail"]["cameras"], len(said["cameras"])) == ("cameras.mandate.recorded", 2, 2)
    assert [t.label for t in watching.live_tokens(watcher, foreign, "main") if t] == [
        "P-1 가온로 4(고정)", "P-2 가온로 4(고정)",
    ]  # fmt: skip
    assert api.camera(foreign[0]).agreement["agreed_purposes"] == ["범죄예방"]
    assert mandates.warn() == 1
    assert mandates.warn() == 0, "once a mark"
    mandates.end(admin, row.pk, "협의 해지 가온-5")
    assert watching.live_token(watcher, foreign[0], "main"), "the last day is a day"
    advance(86400)
    assert refused(watcher, foreign[1]) == ["agreement_over"]
    assert services.suspend_lapsed() == 2
    with pytest.raises(Problem), transaction.atomic():
        mandates.end(admin, row.pk, "다시")


@pytest.mark.parametrize(
    "changed",
    [
        {"document": " "}, {"purposes": ()}, {"purposes": ("사적 감시",)}, {"ends_on": "before"}, {"cameras": "others"},
        {"hours": {"spans": [["7", "9"]]}}, {"hours": {"spans": [["07:00", "07:00"]]}}, {"hours": {"days": [7]}},
        {"hours": {"spans": [["07:00", "08:00"]] * 9}}, {"owner": "own"},
    ],
)  # fmt: skip
def test_bad_documents_write_nothing(foreign, admin, police, city, changed):
    if changed.get("ends_on"):
        changed = {"ends_on": today() - timedelta(days=1)}
    if changed.get("cameras"):
        changed = {"cameras": (foreign[0], uuid4())}
    owner = city if changed.get("owner") else police
    rest = {k: v for k, v in changed.items() if k != "owner"}
    with pytest.raises(Problem), transaction.atomic():
        mandates.record(admin, new(owner, () if owner is city else foreign, **rest))
    assert not mandates.of_agency(city.pk)
    assert Camera.objects.get(pk=foreign[0]).mandate == ""


def test_only_writers_record_and_another_agency_finds_none(foreign, watcher, admin, police):
    with pytest.raises(Refused), transaction.atomic():
        mandates.record(watcher, new(police, foreign))
    row = mandates.record(admin, new(police, foreign))
    with pytest.raises(Refused) as caught, transaction.atomic():
        mandates.end(admin.__class__(**{**admin.__dict__, "agency": police.pk}), row.pk, "남의 기관")
    assert caught.value.status == 404


def test_an_old_mandate_without_purposes_covers_those_of_installation(foreign, watcher, admin):
    services.set_mandate(admin, foreign[0], "가온경찰서-1", today(), None)
    assert watching.live_token(watcher, foreign[0], "main")


@pytest.mark.norm("live.purpose_hours", "deny")
def test_hours_are_recorded_and_asked(admin, watcher, city):
    row = services.register_camera(
        admin, services.NewCamera("H-1", "가온로 5", "37.4", "126.9", ("생활방범",), city.pk, state="planned")
    )
    Camera.objects.filter(pk=row.pk).update(state="active")
    # an hour that is not now, whenever the test runs
    at = common.clock().local()
    span = [f"{(at.hour + 3) % 24:02}:00", f"{(at.hour + 4) % 24:02}:00"]
    hours.set_hours(admin, row.pk, hours.Hours({"spans": [span]}))
    assert refused(watcher, row.pk) == ["outside_hours", "secondary_not_approved", "not_on_sign"]
    with pytest.raises(Problem), transaction.atomic():
        hours.set_hours(admin, row.pk, hours.Hours({"spans": [span]}, ("범죄예방",)))
    hours.set_hours(admin, row.pk, hours.Hours({"spans": [span]}, ("범죄예방",), "승인 가온-8", on_sign=True))
    assert watching.live_token(watcher, row.pk, "main")
    hours.set_hours(admin, row.pk, hours.Hours())
    assert Camera.objects.get(pk=row.pk).purpose_hours == {}


def test_the_app_deletes_no_mandate():
    from django.db.utils import ProgrammingError

    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("delete from cameras_mandate")


def test_a_renewal_does_not_darken_today(foreign, watcher, admin, police, advance):
    until = today() + timedelta(days=3)
    first = mandates.record(admin, new(police, foreign[:1], ends_on=until))
    later = {"document": "가온경찰서-78", "starts_on": until + timedelta(days=1)}
    with pytest.raises(Problem) as problem, transaction.atomic():
        mandates.record(admin, new(police, foreign, **later))
    assert problem.value.code == "mandate_runs"
    assert problem.value.next
    assert problem.value.next_en
    with pytest.raises(Problem), transaction.atomic():
        services.set_mandate(admin, foreign[0], "가온경찰서-78", until + timedelta(days=1), None)
    assert watching.live_token(watcher, foreign[0], "main")
    assert Camera.objects.get(pk=foreign[0]).mandated_id == first.pk
    # what runs no more, or has not begun, may be replaced
    mandates.record(admin, new(police, foreign[1:], **later))
    mandates.record(admin, new(police, foreign[1:], **later))


def test_a_renewal_that_was_recorded_in_time_keeps_the_picture_over_the_old_ones_end(
    foreign, watcher, admin, police, advance
):
    """As the refusal says: while the old one runs, with that day as the first; the duty finds nothing to suspend."""
    mandates.record(admin, new(police, foreign[:1], ends_on=today() + timedelta(days=3)))
    advance(3 * 86400)
    mandates.record(admin, new(police, foreign[:1], document="가온경찰서-79"))
    assert watching.live_token(watcher, foreign[0], "main")
    advance(86400)
    assert services.suspend_lapsed() == 0
    assert Camera.objects.get(pk=foreign[0]).state == "active"
    assert watching.live_token(watcher, foreign[0], "main")


def test_an_ended_mandate_keeps_its_document(foreign, admin, police):
    row = mandates.record(admin, new(police, foreign))
    mandates.end(admin, row.pk, "협의 철회 가온-6")
    with pytest.raises(Problem), transaction.atomic():
        mandates.end(admin, row.pk, "협의 철회 가온-7")
    row.refresh_from_db()
    assert row.ended_reference == "협의 철회 가온-6"


@pytest.mark.norm("live.agreement", "deny")
def test_a_mandate_that_was_ended_before_its_first_day_opens_nothing_on_it(foreign, watcher, admin, police, advance):
    row = mandates.record(admin, new(police, foreign, starts_on=today() + timedelta(days=3)))
    ended = mandates.end(admin, row.pk, "협의 철회 가온-6")
    assert ended.ends_on == today()
    assert refused(watcher, foreign[0]) == ["agreement_over"]
    advance(3 * 86400)
    assert refused(watcher, foreign[0]) == ["agreement_over"]
    assert services.suspend_lapsed() == 2
    with pytest.raises(Problem), transaction.atomic():
        mandates.end(admin, row.pk, "다시")

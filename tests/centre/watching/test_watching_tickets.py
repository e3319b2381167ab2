"""A page of tiles costs the database as much as one tile, and each camera is still judged and told by itself."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gwanje.centre.cameras import services as cameras
from gwanje.centre.common import home
from gwanje.centre.staff import api as staff
from gwanje.centre.watching import services
from gwanje.centre.watching.models import Seat
from gwanje.kernel import keys
from gwanje.kernel.permit import LiveToken

pytestmark = pytest.mark.django_db
STATEMENTS_MAX = 22


@pytest.fixture
def nine(city, hire, seat):
    """Nine cameras in operation; the last is of a purpose of its own."""
    keys.signing_key(home(), "web", create=True)
    keys.publish(home(), "web")
    admin = staff.actor_for(hire("administrator"), seat.code)
    made = []
    for number in range(9):
        purpose = "생활방범" if number == 8 else "교통단속"
        new = cameras.NewCamera(f"A-{number}", "가온로 1", "37.4", "126.9", (purpose,), city.pk, state="planned")
        row = cameras.register_camera(admin, new)
        type(row).objects.filter(pk=row.pk).update(state="active")
        made.append(row.id)
    return made


def ask(browser, ids, stream="sub"):
    body = {"cameras": [str(id_) for id_ in ids], "stream": stream}
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = browser.post("/api/watching/live-tokens", body, content_type="application/json")
    assert answer.status_code == 200
    return answer.json()["tickets"], len(asked)


def test_nine_tiles_ask_the_database_as_often_as_one(nine, hire, sign_in):
    browser = sign_in(hire("operator"), duty=True)
    ask(browser, nine[:1])
    first, statements = ask(browser, nine)
    _, one = ask(browser, nine[:1])
    again, nothing_new = ask(browser, nine)
    assert all(first)
    assert all(again)
    # what is new of the first call is one ledger row for eight cameras
    assert one == nothing_new == statements - 1
    assert statements <= STATEMENTS_MAX


def test_a_page_is_one_ledger_row_that_names_each_camera_once(nine, hire, sign_in):
    browser = sign_in(hire("operator"), duty=True)
    ask(browser, nine[:2])
    ask(browser, nine)
    ask(browser, nine)
    with connection.cursor() as cursor:
        cursor.execute("select cameras from ledger_opening where kind = %s order by at", [services.WATCHED])
        told = [set(named) for (named,) in cursor.fetchall()]
    assert told == [set(nine[:2]), set(nine[2:])]


@pytest.mark.norm("live.by_purpose", "deny")
@pytest.mark.norm("live.by_purpose", "allow")
def test_one_of_nine_of_another_purpose_is_refused_alone(nine, hire, sign_in, city, seat):
    Seat.objects.create(agency_id=city.pk, station=seat.code, purposes=["교통단속"])
    tickets, _ = ask(sign_in(hire("operator"), duty=True), nine)
    assert [ticket is not None for ticket in tickets] == [True] * 8 + [False]
    public = keys.public_key(home(), "web")
    opened = [LiveToken.open(base64.urlsafe_b64decode(t["token"] + "=="), public) for t in tickets if t]
    assert [token.camera for token in opened] == nine[:8]
    with connection.cursor() as cursor:
        cursor.execute("select cameras from ledger_opening where kind = %s", [services.WATCHED])
        assert [set(named) for (named,) in cursor.fetchall()] == [set(nine[:8])]

"""Live tokens, emergency watching, layouts and the feed on the real database."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from django.db import connection

from gwanje.centre.cameras import services as cameras
from gwanje.centre.common import clock, home
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import services as people
from gwanje.centre.watching import feed, services
from gwanje.centre.watching.models import Emergency, Seat
from gwanje.kernel import events, keys
from gwanje.kernel.events import Event, Listener
from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import LiveToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def watcher(hire, seat):
    person = hire("operator")
    people.start_shift(person, seat.code)
    return staff.actor_for(person, seat.code)


@pytest.fixture
def camera(city, hire, seat):
    """A camera in operation; its stream stays unconnected, so no vaultd is asked."""
    admin = staff.actor_for(hire("administrator"), seat.code)
    new = cameras.NewCamera("A-1", "가온로 1", "37.4", "126.9", ("교통단속",), city.pk, state="planned")
    row = cameras.register_camera(admin, new)
    type(row).objects.filter(pk=row.pk).update(state="active")
    return row


def rows(kind):
    with connection.cursor() as cursor:
        cursor.execute("select outcome from ledger_opening where kind = %s", [kind])
        return [outcome for (outcome,) in cursor.fetchall()]


def test_a_token_is_signed_for_this_person_at_this_seat(watcher, camera):
    keys.signing_key(home(), "web", create=True)
    keys.publish(home(), "web")
    ticket = services.live_token(watcher, camera.id, "sub")
    token = LiveToken.open(base64.urlsafe_b64decode(ticket.token + "=="), keys.public_key(home(), "web"))
    assert (token.camera, token.person, token.station) == (camera.id, watcher.person, watcher.station)
    assert token.stream == 0  # this camera has no sub-stream
    assert 0 < token.expires - clock().now_s() <= 60
    assert ticket.label == "A-1 가온로 1(고정)"


@pytest.mark.norm("live.on_duty", "deny")
@pytest.mark.parametrize("role", ["operator", "administrator", "maintenance", "auditor"])
def test_no_token_off_shift_or_in_another_role(hire, seat, camera, role, sign_in):
    person = hire(role, contractor=role == "maintenance")
    browser = sign_in(person, duty=role != "operator")
    answer = browser.post("/api/watching/live-token", {"camera": str(camera.id)}, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["rule"]
    assert rows("watching.live.watch.refused") == ["refused"]


@pytest.mark.norm("live.on_duty", "deny")
@pytest.mark.parametrize("duty", [True, False])
def test_a_page_of_tiles_is_judged_camera_by_camera(hire, camera, sign_in, duty):
    """Together as alone: what is refused has no token and one ledger row that names it; asked alone it is told why."""
    keys.signing_key(home(), "web", create=True)
    browser = sign_in(hire("operator"), duty=duty)
    unknown = uuid7()
    ask = {"cameras": [str(camera.id), str(unknown)], "stream": "transcode"}
    tickets = browser.post("/api/watching/live-tokens", ask, content_type="application/json").json()["tickets"]
    assert tickets[1] is None
    assert (tickets[0] is not None) is duty
    assert rows("watching.live.watch.refused") == ["refused"]
    with connection.cursor() as cursor:
        cursor.execute("select cameras from ledger_opening where kind = 'watching.live.watch.refused'")
        assert set(cursor.fetchone()[0]) == ({unknown} if duty else {camera.id, unknown})
    if duty:
        token = LiveToken.open(base64.urlsafe_b64decode(tickets[0]["token"] + "=="), keys.public_key(home(), "web"))
        assert (token.camera, token.stream) == (camera.id, 2)
    crowd = {"cameras": [str(camera.id)] * 17}
    assert browser.post("/api/watching/live-tokens", crowd, content_type="application/json").status_code == 422


def test_a_camera_is_watched_where_its_lease_is(watcher, camera):
    """The address is the lease holder's; the page may connect to every recorder and to nothing that is no address."""
    ids = [uuid7() for _ in range(3)]
    urls = ["ws://10.0.0.1:8801/live", "ws://10.0.0.2:8801/live", "ws://x; script-src *"]
    with connection.cursor() as cursor:
        for number, (id_, url) in enumerate(zip(ids, urls, strict=True)):
            cursor.execute(
                "insert into footage_recorder (id, name, signing_key, sealing_key, url, seen_at) "
                "values (%s, %s, '', '', %s, now() + %s * interval '1 s')",
                [id_, f"r{number}", url, number],
            )
        cursor.execute("insert into footage_class values (1, 'days', 30, '조례', '일반') on conflict do nothing")
        cursor.execute(
            "insert into footage_source (camera, agency, slot, class, label, main_url, active) "
            "values (%s, %s, 77, 1, 'A-1', 'rtsp://10.0.0.9/', true) on conflict (camera) do nothing",
            [camera.id, camera.agency_id],
        )
        for fence, id_ in enumerate(ids[:2], 1):
            cursor.execute(
                "insert into footage_lease (camera, recorder, fence) values (%s, %s, %s) "
                "on conflict (camera) do update set recorder = excluded.recorder, fence = excluded.fence",
                [camera.id, id_, fence],
            )
            assert services.live_url(camera.id) == urls[fence - 1]
    assert {o for o in services.live_origins() if "10.0.0" in o} == {"ws://10.0.0.1:8801", "ws://10.0.0.2:8801"}
    assert not [o for o in services.live_origins() if ";" in o]


@pytest.mark.norm("live.by_purpose", "deny")
@pytest.mark.norm("live.emergency", "allow")
def test_a_seat_of_another_purpose_is_widened_only_by_an_emergency(watcher, camera, city):
    keys.signing_key(home(), "web", create=True)
    Seat.objects.create(agency_id=city.pk, station=watcher.station, purposes=["범죄예방"])
    with pytest.raises(Refused):
        services.live_token(watcher, camera.id, "main")
    row = services.open_emergency(watcher, "범죄", "가온로 폭행 신고 접수", 5)
    assert services.live_token(watcher, camera.id, "main").token
    services.end_emergency(watcher, row.id)
    with pytest.raises(Refused):
        services.live_token(watcher, camera.id, "main")


def test_what_an_emergency_opened_ends_with_its_minutes(watcher, camera, city, advance):
    """The token lives no longer than the emergency that was needed for it; one that needed none has its minute."""
    keys.signing_key(home(), "web", create=True)
    seat = Seat.objects.create(agency_id=city.pk, station=watcher.station, purposes=["범죄예방"])
    row = services.open_emergency(watcher, "범죄", "가온로 폭행 신고 접수", 1)
    advance(40)
    assert services.live_token(watcher, camera.id, "main").expires == int(row.until.timestamp())
    seat.purposes = ["교통단속"]
    seat.save()
    assert services.live_token(watcher, camera.id, "main").expires > row.until.timestamp()


def test_nobody_watches_unseen(watcher, camera):
    """A camera that stands in no layout of this person and seat has its own row, once a shift."""
    keys.signing_key(home(), "web", create=True)
    for _ in range(3):
        services.live_token(watcher, camera.id, "sub")
    assert rows("watching.camera.watched") == ["done"]
    person = people.Person.objects.get(pk=watcher.person)
    people.end_shift(person)
    people.start_shift(person, watcher.station)
    services.live_token(watcher, camera.id, "sub")
    assert len(rows("watching.camera.watched")) == 2


def test_what_a_layout_tells_is_not_told_again(watcher, camera):
    keys.signing_key(home(), "web", create=True)
    services.save_layout(watcher, 9, [camera.id])
    services.live_token(watcher, camera.id, "sub")
    assert rows("watching.camera.watched") == []


@pytest.mark.norm("live.emergency", "deny")
def test_an_emergency_without_a_reason_is_refused(watcher):
    with pytest.raises(Refused):
        services.open_emergency(watcher, "범죄", "", 5)
    assert Emergency.objects.count() == 0


def test_an_emergency_counts_down_is_loud_and_is_reviewed_by_another(watcher, hire, seat, advance):
    row = services.open_emergency(watcher, "재난·재해", "가온천 범람 우려", 15)
    assert rows("watching.emergency.opened") == ["granted"]
    assert events.latest(connection.cursor(), 1)[0].severity == 4
    with pytest.raises(Problem):
        services.open_emergency(watcher, "재난·재해", "또 다른 사유입니다", 15)
    manager = hire("manager")
    chief = staff.actor_for(manager, seat.code)
    with pytest.raises(Problem):
        services.review_emergency(chief, row.id, "적정")
    advance(15 * 60 + 1)
    assert services.open_emergency_of(watcher) is None
    with pytest.raises(Refused):
        services.review_emergency(watcher, row.id, "적정")
    assert services.review_emergency(chief, row.id, "적정함").reviewed_by == manager.pk
    assert rows("watching.emergency.reviewed") == ["done"]


def test_nobody_reviews_their_own_emergency(hire, seat, advance):
    person = hire("manager")
    people.start_shift(person, seat.code)
    manager = staff.actor_for(person, seat.code)
    row = services.open_emergency(manager, "범죄", "가온로 폭행 신고", 1)
    advance(61)
    with pytest.raises(Refused) as caught:
        services.review_emergency(manager, row.id, "적정")
    assert caught.value.decision.reasons[0].code == "own_act"


def test_a_layout_is_logged_once_per_seat_not_per_tile(watcher, camera):
    services.save_layout(watcher, 9, [camera.id])
    services.save_layout(watcher, 9, [camera.id])
    assert rows("watching.layout.changed") == ["done"]
    services.save_layout(watcher, 4, [camera.id])
    assert len(rows("watching.layout.changed")) == 2
    assert services.layout_of(watcher).grid == 4
    with pytest.raises(Problem):
        services.save_layout(watcher, 5, [])


def test_the_same_layout_is_logged_again_in_another_shift(watcher, camera, advance):
    services.save_layout(watcher, 9, [camera.id])
    person = staff.person(watcher.person)
    advance(3600)
    people.end_shift(person)
    advance(60)
    people.start_shift(person, watcher.station)
    services.save_layout(watcher, 9, [camera.id])
    services.save_layout(watcher, 9, [camera.id])
    assert len(rows("watching.layout.changed")) == 2


def test_another_agencys_camera_is_not_there(camera, hire, police, sign_in):
    other_seat = people.add_station("경찰석-1", "상황실", police)
    browser = sign_in(hire("operator", agency=police), station=other_seat, duty=True)
    answer = browser.post("/api/watching/live-token", {"camera": str(camera.id)}, content_type="application/json")
    assert answer.status_code == 404


def test_the_pages_open_and_say_why_not(hire, sign_in, camera):
    operator = hire("operator")
    page = sign_in(operator).get("/watch/").content.decode()
    assert "근무를 시작하지 않아" in page
    assert "gw-wall" not in page
    browser = sign_in(operator, duty=True)
    page = browser.get("/watch/").content.decode()
    assert "<gw-wall" in page
    assert json.dumps("A-1 가온로 1(고정)") in page
    assert "gw-map" in browser.get("/watch/map/").content.decode()
    sent = browser.post("/watch/emergencies/open/", {"trigger": "범죄", "reason": "가온로 폭행 신고", "minutes": "3"})
    assert sent.status_code == 302
    assert "긴급 관제 중" in browser.get("/watch/").content.decode()
    assert "긴급 관제" in browser.get("/watch/emergencies/").content.decode()


def test_the_stream_replays_what_was_missed_and_leaves_out_other_agencies(system, monkeypatch):
    own, other = uuid7(), uuid7()
    seen = [
        events.emit(connection.cursor(), clock(), Event(f"test.{name}", "test", agency=agency))
        for name, agency in (("before", own), ("hidden", other), ("shared", None), ("own", own))
    ]
    # the rows of this test's transaction are seen by itself only: the listener reads them through it
    monkeypatch.setattr(Listener, "_page_blocking", lambda self, seq: [e for e in seen if e.seq > seq])

    async def read():
        got = []
        async for piece in feed.stream(own, seen[0].seq):
            got += [json.loads(line[6:]) for line in piece.decode().splitlines() if line.startswith("data: ")]
            if len(got) >= 2:
                break
        await feed._listener.pop().stop()
        return got

    assert [e["kind"] for e in asyncio.run(asyncio.wait_for(read(), 10))] == ["test.shared", "test.own"]


def test_a_stream_ends_so_that_the_browser_is_asked_again_who_it_is(system, monkeypatch):
    """A log-out, a closed account or another agency must not read on in a connection that was opened before."""
    monkeypatch.setattr(Listener, "_page_blocking", lambda self, seq: [])
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(feed, "STREAM_S", 0.1)
    monkeypatch.setattr(feed, "STREAMS_A_PERSON", 2)
    person = uuid7()

    async def read():
        pieces = [piece async for piece in feed.stream(None, 0, person)]
        open_ = [feed.stream(None, 0, person) for _ in range(3)]
        firsts = [[await anext(one), await anext(one)][1] for one in open_]
        for one in open_:
            await one.aclose()
        await feed._listener.pop().stop()
        return pieces, firsts

    pieces, firsts = asyncio.run(asyncio.wait_for(read(), 10))
    assert pieces[-1] == b": .\n\n"
    assert firsts == [b": .\n\n", b": .\n\n", feed.FULL]
    assert not +feed._reading


def test_a_number_is_ten_digits_and_no_others(hire, sign_in):
    browser = sign_in(hire("operator"), duty=True)
    asked = {"trigger": "범죄", "reason": "가온로 폭행 신고", "minutes": "²"}
    assert browser.post("/watch/emergencies/open/", asked).status_code == 403
    assert sign_in(hire("manager")).get("/retention/?class=²").status_code == 200

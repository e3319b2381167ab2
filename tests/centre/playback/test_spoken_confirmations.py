"""A code that was spoken at night is asked for in writing on the next working day: who sees it, who is reminded, when.

That vaultd makes the duty and suspends: tests/vault/test_vault_codes.py; the whole way: tests/browser/test_signing.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from gwanje.centre.common import clock
from gwanje.centre.common import signing as common
from gwanje.centre.playback import act, services, signing, spoken
from gwanje.centre.playback.models import Request
from gwanje.centre.staff import api as staff
from gwanje.kernel.permit import Approval
from gwanje.vault.client import VaultClient
from gwanje.vault.client_consent import Signing
from gwanje.vault.codes import DUE_S
from gwanje.vault.records import Duty
from support import home
from support.playback import ask, kinds, last

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")


class Told:
    """What vaultd answers to ``signing``, with the duties of this test."""

    def __init__(self, *duties):
        self.duties = duties

    def signing(self):
        return Signing(True, frozenset(), self.duties)


@pytest.fixture
def used(camera, now_s, hire, sign_in):
    """(request, its duty, requester, approver) of a viewing that was approved by telephone just now."""
    asker, chief = hire("operator", name="김관제"), hire("chief_officer", name="박총괄")
    row = Request.objects.get(pk=ask(sign_in(asker, duty=True), camera, now_s).json()["id"])
    row.consent = b"the requester's"
    row.save(update_fields=["consent"])
    given = Approval(chief.pk, "chief_officer", bytes(row.decision), clock().now_us(), "spoken", b"proof")
    services.agree(row, chief.pk, "chief_officer", "전화 승인코드", given)
    at = clock().now_s()
    # longer than vaultd waits: whatever days off follow this day, the calendar decides
    return row, Duty(chief.pk, act.digest(row), asker.pk, at, at + 4 * DUE_S), asker, chief


def events():
    cursor = connection.cursor()
    cursor.execute("select severity, agency, body->>'ko' from event where kind = %s order by seq", [spoken.REMINDED])
    return cursor.fetchall()


def test_the_next_working_day_by_the_legal_calendar_and_never_after_vaultds():
    def asked(year, month, day, hour):
        at = datetime(year, month, day, hour, tzinfo=SEOUL)
        since, by = spoken.asked_for(at, at + timedelta(seconds=DUE_S))
        return since.astimezone(SEOUL), by.astimezone(SEOUL)

    # a Friday night: Monday
    assert [f"{at:%m-%d %H:%M:%S}" for at in asked(2026, 11, 20, 23)] == ["11-23 00:00:00", "11-23 23:59:59"]
    # before midnight and after it: the day that follows
    assert asked(2026, 11, 17, 23)[0].day == 18
    assert asked(2026, 11, 18, 1)[0].day == 19
    # Chuseok of 2025 with its substitute: eight days off are more than vaultd waits
    since, by = asked(2025, 10, 2, 22)
    assert (since.isoformat(), by.isoformat()) == ("2025-10-06T22:00:00+09:00", "2025-10-07T22:00:00+09:00")


def test_both_are_reminded_once_a_day_until_it_is_confirmed(used, city, advance):
    row, duty, asker, chief = used
    (one,) = spoken.open_of([duty])
    assert (one.request.pk, one.state) == (row.pk, "open")
    told = Told(duty)
    assert spoken.remind(told) == 0
    assert events() == []
    advance(int((one.since - clock().now()).total_seconds()) + 60)
    assert [spoken.remind(told), spoken.remind(told)] == [1, 0]
    ((severity, agency, words),) = events()
    assert (severity, agency) == (2, city.pk)
    assert all(word in words for word in ("박총괄", "김관제", "2026-0123", "정지"))
    detail = last(spoken.REMINDED)["detail"]
    assert (detail["request"], detail["approver"], detail["requester"]) == tuple(
        str(one.pk) for one in (row, chief, asker)
    )
    advance(86_400)
    assert spoken.remind(told) == 1
    assert [severity for severity, *_ in events()] == [2, 3]
    # confirmed: vaultd has no duty any more
    advance(86_400)
    assert spoken.remind(Told()) == 0
    # suspended: vaultd's alarm says it, a reminder helps nobody
    assert spoken.remind(Told(replace(duty, due=clock().now_s()))) == 0
    assert kinds().count(spoken.REMINDED) == 2


def test_a_real_vaultd_answers_the_worker(vaultd):
    assert spoken.remind(VaultClient(home(), "worker")) == 0


def test_who_sees_what_is_open(used, hire, sign_in, monkeypatch):
    row, duty, asker, chief = used
    monkeypatch.setattr(common, "standing", lambda: Signing(True, frozenset(), (duty,)))
    for person, sees in ((asker, True), (chief, True), (hire("auditor"), True), (hire("operator"), False)):
        page = sign_in(person, duty=True).get("/playback/").content.decode()
        assert ('id="unconfirmed"' in page) is sees
        assert ('data-state="open"' in page) is sees
    owed = sign_in(asker).get(f"/playback/requests/{row.pk}/").content.decode()
    assert 'id="owed"' in owed
    assert "박총괄" in owed
    assert spoken.waiting(staff.actor_for(chief, "관제석-1")) == {"confirm": 1, "unconfirmed": 0}
    assert spoken.waiting(staff.actor_for(asker, "관제석-1")) == {"confirm": 0, "unconfirmed": 1}
    assert "서명으로 확인할 전화 승인 1건" in sign_in(chief).get("/").content.decode()


def test_it_can_be_confirmed_after_the_viewing_has_ended(used, advance):
    row, duty, _, chief = used
    standing = Signing(True, frozenset(), (duty,))
    advance(3 * 86_400)
    row.refresh_from_db()
    assert row.valid_until < clock().now()
    assert signing.waits_for(row, staff.actor_for(chief, "관제석-1"), standing) == "confirm"
    assert signing.waits_for(row, staff.actor_for(chief, "관제석-1"), replace(standing, duties=())) == ""


def test_the_confirmation_is_taken_when_the_viewing_has_long_ended(used, sign_in, advance, monkeypatch):
    row, duty, _, chief = used
    monkeypatch.setattr(common, "standing", lambda: Signing(True, frozenset([chief.pk]), (duty,)))
    monkeypatch.setattr(signing.signing, "lead", lambda *_: common.Lead(b"i" * 16, "http://localhost:1/sign/x"))
    given = Approval(chief.pk, "chief_officer", bytes(row.decision), 1, "webauthn", b"proof")
    monkeypatch.setattr(signing.signing, "given", lambda *_: [given])
    advance(3 * 86_400)
    services.expire()
    browser = sign_in(chief, duty=True)
    page = browser.get(f"/playback/requests/{row.pk}/").content.decode()
    assert "서명하러 가기" in page
    assert "서면 확인 기한" in page
    assert browser.post(f"/playback/requests/{row.pk}/sign/").status_code == 302
    done = browser.post(f"/playback/requests/{row.pk}/signed/", follow=True).content.decode()
    assert "서면으로 확인하였습니다" in done
    assert kinds()[-1] == "playback.request.confirmed"
    row.refresh_from_db()
    assert row.state == "expired"

"""Countersignatures: two people in two offices, once each, in five working days, or an alarm a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection

from gwanje.centre.common import clock
from gwanje.centre.retention import countersign
from gwanje.centre.retention.models import Certificate, Countersignature
from gwanje.kernel.canonical import encode
from support.playback import kinds, last

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue(city):
    """``issue(days_ago)`` → a certificate as it stands in the table."""
    count = [0]

    def make(days_ago=0):
        count[0] += 1
        said = {"articles": [], "attempt": {}, "exceptions": [], "officers": [], "ledger": {}, "level_text": ["", ""]}
        return Certificate.objects.create(
            number=f"파기-2026-{count[0]:04d}", issued_at=clock().now() - timedelta(days=days_ago), body=encode(said),
            sha256="ab" * 32, readable=said, pdf=b"%PDF-1.7", level="L1", hours=1, camera_hours=1, parts=1,
            ledger_row=uuid4(),
        )  # fmt: skip

    return make


def sign(browser, *certificates):
    """POST the countersignature."""
    return browser.post("/retention/certificates/countersign/", {"certificate": [str(c.pk) for c in certificates]})


def test_two_people_in_two_offices_once_each(sign_in, officers, hire, issue):
    first, second = issue(), issue()
    manager = sign_in(officers["manager"])
    assert "확인할 확인서가 2건" in manager.get("/retention/certificates/").content.decode()
    assert sign(manager, first, second).status_code == 302
    assert sign(manager, first).status_code == 409
    another = sign_in(hire("manager"))
    assert sign(another, first).status_code == 409, "the manager's line is signed"
    assert sign(sign_in(officers["privacy_officer"]), first).status_code == 302
    rows = Countersignature.objects.filter(certificate=first)
    assert {(row.role, row.name, row.sha256) for row in rows} == {
        (role, officers[role].name, "ab" * 32) for role in ("manager", "privacy_officer")
    }
    assert kinds().count("retention.certificate.countersigned") == 3
    assert last("retention.certificate.countersigned")["detail"]["role"] == "privacy_officer"
    text = manager.get(f"/retention/certificates/{first.pk}/").content.decode()
    assert officers["privacy_officer"].name in text
    assert "서명 전" not in text


def test_one_person_in_both_offices_signs_one_line(sign_in, hire, issue):
    both = hire("manager", "privacy_officer")
    found = issue()
    assert sign(sign_in(both), found).status_code == 302
    assert sign(sign_in(both), found).status_code == 409
    assert Countersignature.objects.filter(certificate=found).count() == 1


def test_all_or_none(sign_in, officers, issue):
    manager, first, second = sign_in(officers["manager"]), issue(), issue()
    sign(manager, first)
    assert sign(manager, second, first).status_code == 409
    assert not Countersignature.objects.filter(certificate=second).exists()
    for body in ({}, {"certificate": ["가"]}, {"certificate": [str(uuid4())]}):
        answer = manager.post("/retention/certificates/countersign/", body)
        assert answer.status_code in (404, 422), body


def test_nobody_else_countersigns(sign_in, officers, issue):
    found = issue()
    for role in ("chief_officer", "auditor", "operator", "administrator"):
        assert sign(sign_in(officers[role]), found).status_code == 403, role
    assert not Countersignature.objects.exists()


def test_working_days_are_counted_by_the_legal_calendar():
    # issued on Friday evening in Seoul; 2026-12-25 is a holiday
    assert countersign.due_on(datetime(2026, 12, 18, 12, tzinfo=UTC)) == date(2026, 12, 28)
    assert countersign.due_on(datetime(2026, 11, 20, 16, tzinfo=UTC)) == date(2026, 11, 27)


def test_an_overdue_countersignature_is_an_alarm_a_day(sign_in, officers, issue, advance):
    fresh, old = issue(1), issue(12)
    assert countersign.overdue(clock().now()) == [old]
    assert countersign.escalate() == 1
    assert countersign.escalate() == 1
    raised = "select body->>'ko' from event where kind = %s"
    (said,) = connection.cursor().execute(raised, [countersign.OVERDUE]).fetchall()
    assert old.number in said[0]
    assert "확인 지연" in sign_in(officers["auditor"]).get("/retention/certificates/").content.decode()
    advance(86400 + 60)
    countersign.escalate()
    assert len(connection.cursor().execute(raised, [countersign.OVERDUE]).fetchall()) == 2
    for role in ("manager", "privacy_officer"):
        sign(sign_in(officers[role]), fresh, old)
    assert countersign.escalate() == 0


@pytest.mark.parametrize(
    "act", ["update retention_countersignature set role = 'x'", "delete from retention_countersignature"]
)
def test_a_countersignature_is_neither_changed_nor_deleted(sign_in, officers, issue, act):
    sign(sign_in(officers["manager"]), issue())
    with pytest.raises(ProgrammingError, match="refused"), connection.cursor() as cursor:
        cursor.execute(act)

"""Pages, API and services of retention: what a person sees, may register, and takes away as a document."""

from uuid import uuid4

import pytest
from django.db import connection

from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.retention import duties, services
from gwanje.centre.retention.models import Certificate, RetentionClass
from gwanje.kernel.canonical import encode
from gwanje.kernel.footage import Segment, put_segments
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused

pytestmark = pytest.mark.django_db


@pytest.fixture
def vault(monkeypatch):
    """vaultd's side of ``set_class`` and ``status``: the wire is tested with the real process in the story."""
    known = {}

    def set_class(self, number, kind, value, reference):
        if number == 666:
            raise VaultRefused("class_fixed", "금고가 거부 / refused")
        known[number] = (kind, value)

    monkeypatch.setattr(VaultClient, "set_class", set_class)
    return known


@pytest.fixture
def footage(city):
    """One hour of one camera of the city in class 1."""
    RetentionClass.objects.create(number=1, kind="days", value=30, reference="제31조제1항", label="일반")
    epoch = clock().now_s() // 3600 - 24
    row = Segment(
        segment_id=b"\1" * 32, camera=uuid4(), agency=city.pk, slot=1, stream=0, class_=1, epoch=epoch, first_tick=0,
        last_tick=299, parts=300, size=75_000_000, idr_ticks=b"", codec="avc1.64001f", width=1280, height=720,
        root=None, path="1/x", fence=1, writer=b"w" * 16, closed=True,
    )  # fmt: skip
    put_segments(connection.cursor(), [row])
    return epoch


def test_the_page_says_what_dies_when_and_why(sign_in, officers, footage):
    page = sign_in(officers["operator"]).get("/retention/")
    text = page.content.decode()
    assert page.status_code == 200
    for word in ("제31조제1항", "300", "71.5", "최대 30일"):
        assert word in text, word
    assert "초과" not in text


def test_a_vault_that_is_away_is_said(sign_in, officers, monkeypatch):
    def away(self):
        raise VaultAway("away")

    # another test of the same run may have a real vaultd up on this folder
    monkeypatch.setattr(VaultClient, "status", away)
    page = sign_in(officers["operator"]).get("/retention/")
    assert page.status_code == 200
    assert "영상 키 관리 장치가 응답하지 않습니다" in page.content.decode()


@pytest.mark.norm("retention.max", "deny")
def test_overdue_footage_is_seen(sign_in, officers, footage, advance):
    advance(31 * 86400)
    assert duties.overdue(clock().now()) == [(1, footage)]
    assert "초과" in sign_in(officers["manager"]).get("/retention/").content.decode()
    advance(-31 * 86400)
    assert duties.overdue(clock().now()) == []


def test_what_a_hold_keeps_of_a_dead_hour_is_not_overdue_until_the_hold_ends(sign_in, officers, footage, advance):
    from gwanje.centre.retention.models import DestroyedHour

    advance(31 * 86400)
    now = clock().now()
    DestroyedHour.objects.create(
        class_number=1, epoch=footage, generation=3, key_died_at=now, due_at=now, erased_at=now, state="erased",
        held=[[str(uuid4()), str(uuid4()), 1, 0, 60, int(now.timestamp()) + 3600]],
    )  # fmt: skip
    browser = sign_in(officers["manager"])
    assert duties.overdue(clock().now()) == []
    page = browser.get("/retention/").content.decode()
    assert "초과" not in page
    assert '<a href="/preservation/">1건</a>' in page
    advance(7200)
    assert duties.overdue(clock().now()) == [(1, footage)]
    assert "초과" in browser.get("/retention/").content.decode()


def test_another_agency_sees_its_own_hours_only(sign_in, hire, police, footage):
    stranger = hire("chief_officer", agency=police)
    found = sign_in(stranger).get("/api/retention/hours").json()
    assert found == []


def test_the_api_lists_hours(sign_in, officers, footage):
    (hour,) = sign_in(officers["auditor"]).get("/api/retention/hours").json()
    assert (hour["cameras"], hour["seconds"], hour["bytes"], hour["overdue"]) == (1, 300, 75_000_000, False)


def test_a_class_is_registered_once(sign_in, officers, vault):
    browser = sign_in(officers["manager"])
    said = {"number": 3, "label": "교통", "kind": "days", "value": 15, "reference": "제31조제1항", "statute": ""}
    assert browser.post("/retention/classes/", said).status_code == 302
    assert vault == {3: ("days", 15)}
    assert RetentionClass.objects.get(pk=3).value == 15
    kinds = connection.cursor().execute("select kind, outcome from ledger_opening order by at desc limit 1").fetchone()
    assert kinds == ("retention.class.registered", "granted")
    assert services.set_class(3, "days", 15, "제31조제1항", "교통").pk == 3
    assert browser.post("/retention/classes/", {**said, "value": 10}).status_code == 409
    with pytest.raises(Problem, match="class_fixed"):
        services.set_class(3, "days", 10, "제31조제1항", "교통")


@pytest.mark.norm("retention.max", "deny")
def test_a_class_that_is_too_long_is_refused_with_its_article(sign_in, officers, vault):
    said = {"number": 4, "label": "긴", "kind": "days", "value": 31, "reference": "제31조제1항"}
    answer = sign_in(officers["chief_officer"]).post("/api/retention/classes", said, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["error"] == "too_long"
    assert "제31조제1항" in answer.json()["rule"]
    assert not RetentionClass.objects.filter(pk=4).exists()
    assert vault == {}
    with pytest.raises(Refused):
        services.set_class(4, "permanent", 0, "제31조제1항", "영구")
    made = services.set_class(4, "permanent", 0, "제31조제1항제1호", "영구", statute="○○법 제12조")
    assert made.kind == "permanent"


def test_bad_input_changes_nothing(sign_in, officers, vault):
    browser = sign_in(officers["manager"])
    good = {"number": 5, "label": "가", "kind": "days", "value": 5, "reference": "제31조제1항"}
    for wrong in ({"number": 0}, {"label": ""}, {"kind": "weeks"}, {"value": -1}, {"reference": ""}, {"number": "가"}):
        assert browser.post("/retention/classes/", {**good, **wrong}).status_code == 422, wrong
    with pytest.raises(Problem, match="vault_refused"):
        services.set_class(666, "days", 5, "제31조제1항", "가")
    assert not RetentionClass.objects.exists()


def test_the_first_to_die_comes_first(sign_in, officers, city, footage):
    RetentionClass.objects.create(number=2, kind="days", value=7, reference="제31조제1항", label="짧은")
    RetentionClass.objects.create(number=7, kind="permanent", value=0, reference="○○법 제12조", label="영구")
    cursor = connection.cursor()
    for number, later in ((7, 0), (2, 3)):
        cursor.execute(
            "insert into footage_segment select %s, camera, agency, slot, stream, %s, epoch + %s, first_tick, "
            "last_tick, parts, bytes, idr_ticks, codec, width, height, root, path, fence, writer, closed, "
            "destroyed_at, written_at from footage_segment where class = 1",
            [bytes([number]) * 32, number, later],
        )
    found = sign_in(officers["auditor"]).get("/api/retention/hours").json()
    assert [(h["class_number"], h["due"] is None) for h in found] == [(2, False), (1, False), (7, True)]


@pytest.fixture
def certificate(system):
    """A certificate as it stands in the table."""
    said = {
        "articles": ["kr_anyang:31(1)"], "attempt": {"tried": 4, "opened": 0, "generation_key_absent": True},
        "exceptions": [], "officers": [{"role": "manager", "state": "unsigned"}], "ledger": {"size": 7},
        "level_text": ["키를 삭제함", "key deleted"], "replicas": 1, "single_replica_accepted": False,
    }  # fmt: skip
    return Certificate.objects.create(
        number="파기-2026-0001", issued_at=clock().now(), body=encode(said), sha256="ab" * 32, readable=said,
        pdf=b"%PDF-1.7 x", level="L1", hours=1, camera_hours=2, parts=600, ledger_row=uuid4(),
    )  # fmt: skip


def test_a_certificate_is_shown_and_taken_away(sign_in, officers, certificate):
    browser = sign_in(officers["privacy_officer"])
    assert "파기-2026-0001" in browser.get("/retention/certificates/").content.decode()
    text = browser.get(f"/retention/certificates/{certificate.pk}/").content.decode()
    for word in ("제31조제1항", "이전 세대 키 없음", "서명 전", "ab" * 32):
        assert word in text, word
    pdf = browser.get(f"/retention/certificates/{certificate.pk}/pdf/")
    assert (pdf.content, pdf["Content-Type"]) == (b"%PDF-1.7 x", "application/pdf")
    assert "filename*=utf-8''" in pdf["Content-Disposition"]
    json = browser.get(f"/retention/certificates/{certificate.pk}/json/").json()
    assert json["sha256"] == "ab" * 32
    found = connection.cursor().execute(
        "select count(*) from ledger_opening where kind = 'retention.certificate.exported'"
    ).fetchone()  # fmt: skip
    assert found == (2,)
    assert browser.get(f"/retention/certificates/{uuid4()}/").status_code == 404


@pytest.mark.parametrize("act", ["update retention_certificate set level = 'L3'", "delete from retention_certificate",
                                 "delete from retention_destroyedhour"])  # fmt: skip
def test_a_certificate_cannot_be_changed_or_deleted(certificate, act):
    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError, match="refused"), connection.cursor() as cursor:
        cursor.execute(act)


def test_one_run_at_a_time(system, monkeypatch):
    """Another connection holds the lock: this run waits as long as it was told, and then does nothing."""
    from gwanje.centre.common import home
    from gwanje.kernel import database

    def asked(self):
        raise AssertionError("vaultd was asked by a run that does not hold the lock")

    monkeypatch.setattr(VaultClient, "status", asked)
    with database.connect(home()) as other:
        other.execute("select pg_advisory_lock(%s)", [duties.LOCK])
        assert duties.run(home(), wait_s=0.3).busy
    with pytest.raises(AssertionError, match="does not hold"):
        duties.run(home(), wait_s=5.0)

"""Citizens' requests: form 3 is entered, held at once, decided, printed, applied for again; deletions are asked for."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pikepdf
import pytest

from gwanje.centre.common import clock
from gwanje.centre.preservation.models import Application, Deletion, Hold, HoldAct
from gwanje.vault.client import VaultClient
from support import home, vault
from support.owpml_reader import read
from support.pdf_text import pages
from support.playback import kinds
from support.preservation import post

pytestmark = pytest.mark.django_db
LONG = "대한민국특별자치시종합안전관제협의회연합사무국장대행직무대리"


def local(second):
    """A Unix second as people type it."""
    return f"{datetime.fromtimestamp(second, clock().zone):%Y-%m-%d %H:%M:%S}"


def day(ahead):
    """A day from today."""
    return f"{clock().local() + timedelta(days=ahead):%Y-%m-%d}"


@pytest.fixture
def form(camera, span):
    """``form(consent="")`` → the fields of form 3 as a browser sends them."""

    def make(**changes):
        return {
            "subject_name": LONG, "subject_phone": "010-1234-5678", "subject_birth": "1980-01-01",
            "subject_address": "가온시 가온로 1, 101동 202호", "received_on": day(0), "place": "가온로 12 앞 A-0201",
            "purpose": "주차 중 사고의 확인", "keep_from": day(0), "keep_until": day(40), "consent": "on",
            "cameras": [str(camera.pk)], "first": local(span[0]), "until": local(span[1]), **changes,
        }  # fmt: skip

    return make


@pytest.fixture
def people(officer, sign_in):
    """Browsers of a manager and the chief officer, on duty."""
    return {role: sign_in(officer(role), duty=True) for role in ("manager", "chief_officer", "privacy_officer")}


def vaulted(id_):
    """vaultd's own record."""
    client = VaultClient(home(), "web")
    return next((hold for hold in client.holds() if hold.id == id_), None)


def test_an_application_is_held_at_once_and_prolonged_by_another_officer(people, form):
    answer = people["manager"].post("/preservation/applications/new/", form())
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    row, hold = Application.objects.get(), Hold.objects.get()
    assert (row.number[:3], row.hold_id, hold.case) == ("연장-", hold.pk, row.number)
    assert vaulted(hold.pk).kind == "provisional"
    act = HoldAct.objects.get()
    assert act.ends_at == datetime.combine(
        clock().local().date() + timedelta(days=41), datetime.min.time(), tzinfo=clock().zone
    )
    agree = f"/preservation/{hold.pk}/acts/{act.pk}/agree/"
    assert people["manager"].post(agree).status_code == 403, "who entered it does not decide"
    assert people["chief_officer"].post(agree).status_code == 302
    assert (vaulted(hold.pk).kind, vaulted(hold.pk).ends) == ("extension", int(act.ends_at.timestamp()))
    assert kinds().count("preservation.application.entered") == 1
    pdf = people["manager"].get(f"/preservation/applications/{row.pk}/pdf/")
    assert pdf["Content-Type"] == "application/pdf"
    shown = "".join(page.text for page in pages(pdf.content)).replace(" ", "")
    for said in ("[별지제3호서식]", row.number, row.subject_name, "귀하", "재신청이없는경우"):
        assert said.replace(" ", "") in shown
    hwpx = people["manager"].get(f"/preservation/applications/{row.pk}/pdf/?as=hwpx")
    assert row.number in "".join(read(hwpx.content).texts)
    assert kinds().count("preservation.application.exported") == 2
    with pikepdf.open(io.BytesIO(pdf.content)) as document:
        assert document.open_metadata()["dc:title"] == "영상정보 보존기간 연장 신청서"
        assert document.open_metadata()["pdfaid:part"] == "2"
    listed = people["privacy_officer"].get("/preservation/applications/").content.decode()
    assert row.number in listed


def test_a_reapplication_goes_on_with_the_same_hold_and_only_before_its_end(people, form):
    people["manager"].post("/preservation/applications/new/", form(keep_until=day(9)))
    hold = Hold.objects.get()
    assert not HoldAct.objects.exists(), "ten days are there already"
    again = {k: v for k, v in form(keep_until=day(60)).items() if k not in ("cameras", "first", "until")}
    agent = {f"agent_{key}": "홍길순" for key in ("name", "phone", "birth", "relation", "address")}
    page = people["manager"].get(f"/preservation/{hold.pk}/again/").content.decode()
    assert LONG in page
    answer = people["manager"].post(f"/preservation/{hold.pk}/again/", {**again, **agent})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    assert Hold.objects.count() == 1
    assert {a.number[-4:] for a in hold.applications.all()} == {"0001", "0002"}
    assert HoldAct.objects.get().act == "prolong"
    Hold.objects.filter(pk=hold.pk).update(ends_at=clock().now(), made_at=clock().now() - timedelta(days=9))
    HoldAct.objects.update(state="lapsed")
    late = people["manager"].post(f"/preservation/{hold.pk}/again/", again)
    assert late.status_code == 403
    assert "이미 끝났습니다" in late.content.decode()
    assert Application.objects.count() == 2


def test_a_form_with_a_hole_keeps_what_was_typed_and_writes_nothing(people, form):
    for changes, status, word in (
        ({"consent": ""}, 403, "동의"), ({"subject_phone": ""}, 422, ""), ({"keep_until": "언젠가"}, 422, ""),
        ({"agent_name": "홍길순"}, 403, "대리인"), ({"purpose": "짧"}, 403, "사유"),
        ({"received_on": day(3)}, 422, "접수일"),
    ):  # fmt: skip
        answer = people["manager"].post("/preservation/applications/new/", form(**changes))
        assert answer.status_code == status, changes
        assert word in answer.content.decode(), changes
        if status == 422:
            assert LONG in answer.content.decode(), "what was typed is still there"
    assert not Application.objects.exists()
    assert not Hold.objects.exists()


def deletion(lens, span, **changes):
    """Fields of the deletion page."""
    return {"camera": str(lens.pk), "first": local(span[0]), "until": local(span[1]), "case": "청구-2026-3",
            "applicant": LONG, "reason": "집 안이 비치는 구간", **changes}  # fmt: skip


def test_a_deletion_is_shown_asked_and_refused_with_a_reason(people, camera, span):
    browser = people["manager"]
    seen = browser.post("/preservation/deletions/new/", {**deletion(camera, span), "step": "look"})
    assert 'id="reach"' in seen.content.decode()
    made = browser.post("/preservation/deletions/new/", {**deletion(camera, span), "step": "ask"})
    row = Deletion.objects.get()
    assert made.status_code == 302
    assert (row.first, row.until, row.seconds) == (span[0], span[1], span[1] - span[0]), "not widened: exactly these"
    assert browser.post(f"/preservation/deletions/{row.pk}/agree/").status_code == 403
    assert people["chief_officer"].post(f"/preservation/deletions/{row.pk}/refuse/").status_code == 422
    no = people["chief_officer"].post(f"/preservation/deletions/{row.pk}/refuse/", {"note": "수사 중인 구간"})
    assert no.status_code == 302
    row.refresh_from_db()
    assert (row.state, row.generation) == ("refused", None)
    assert browser.post(f"/preservation/deletions/{row.pk}/cancel/").status_code == 409


def test_who_asks_to_view_sees_what_a_deletion_closed(people, camera, span):
    first, until = span
    middle = (first + 5, first + 9)
    people["manager"].post("/preservation/deletions/new/", {**deletion(camera, middle), "step": "ask"})
    asked = {"cameras": [str(camera.pk)], "first": first, "until": until}

    def look(**changes):
        return people["manager"].post("/api/playback/look", {**asked, **changes}, content_type="application/json")

    before = look().json()["cameras"][0]
    assert before["holes"] == []
    # what vaultd does then: tests/vault, tests/story; here its row is what counts
    Deletion.objects.update(state="deleted", decided_by=vault.OFFICERS["chief_officer"], generation=1)
    seen = look().json()["cameras"][0]
    assert seen["holes"] == [{"first": middle[0], "until": middle[1], "reason": "closed"}]
    assert seen["seconds"] == before["seconds"] - 4
    whole = look(first=middle[0] + 2, until=middle[1])
    assert (whole.status_code, whole.json()["error"]) == (422, "closed")


def test_seconds_that_are_hardly_over_are_not_deleted_and_vaultd_says_why(people, camera, span):
    people["manager"].post("/preservation/deletions/new/", {**deletion(camera, span), "step": "ask"})
    row = Deletion.objects.get()
    answer = people["chief_officer"].post(f"/preservation/deletions/{row.pk}/agree/")
    assert answer.status_code == 409
    assert "120" in answer.content.decode()
    row.refresh_from_db()
    assert (row.state, row.decided_by_id) == ("waiting", None)
    assert "preservation.deletion.done" not in kinds()
    cancelled = people["manager"].post(f"/preservation/deletions/{row.pk}/cancel/")
    assert cancelled.status_code == 302


def test_a_deletion_inside_a_hold_says_what_becomes_of_it(people, camera, span):
    said = {"cameras": [str(camera.pk)], "first": span[0], "until": span[1], "ground": "trial", "case": "2026고단5",
            "reason": "재판의 증거"}  # fmt: skip
    assert post(people["manager"], "holds", said).status_code == 201
    seen = people["manager"].post("/preservation/deletions/new/", {**deletion(camera, span), "step": "look"})
    assert "지금 폐쇄, 보존(2026고단5)과 함께 소멸" in seen.content.decode()


def test_bad_deletions_are_refused(people, camera, span):
    for changes, status in (
        ({"until": local(span[0])}, 403), ({"reason": "x"}, 403), ({"camera": "가"}, 422),
        ({"first": local(span[0] - 90_000), "until": local(span[0] - 89_000)}, 422), ({"applicant": ""}, 422),
        ({"first": local(span[0] - 90_000)}, 403),
    ):  # fmt: skip
        answer = people["manager"].post(
            "/preservation/deletions/new/", {**deletion(camera, span, **changes), "step": "ask"}
        )
        assert answer.status_code == status, changes
    assert not Deletion.objects.exists()

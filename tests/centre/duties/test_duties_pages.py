"""The board: what is late, today and coming, whose it is, how it was counted; closed by its owner, read by auditors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from test_duties_rows import said, today

from gwanje.centre.common import clock, law
from gwanje.centre.common.refusal import Problem
from gwanje.centre.duties import api, beginning, reading
from gwanje.centre.duties.models import DONE, LATE_DONE, OPEN, Duty
from gwanje.centre.staff import api as staff

DAY = 86400


@pytest.fixture
def owe(city):
    def make(subject, duty=None, **more):
        named = {"title_ko": f"열람 청구 {subject}", "title_en": f"Request {subject}", **more}
        return api.owe(duty or said(), agency=city.pk, subject_kind="request", subject=subject, **named)

    return make


@pytest.fixture
def manager(hire, sign_in):
    return sign_in(hire("manager"), duty=True)


def test_an_empty_board_says_so_and_names_the_clocks_without_a_rule(manager):
    page = manager.get("/duties/").content.decode()
    assert "남은 기한이 없습니다" in page
    silent = {clock.norm: why for clock, why in reading.silent()}
    assert silent["training.quarterly"] == "article"
    assert "분기 교육" in page
    assert "request.due" not in silent


def test_the_board_stands_in_parts_with_basis_article_owner_and_next_step(manager, owe):
    owe("늦음", said(10, began=20))
    owe("오늘", said(10, began=10))
    owe("곧", said(10))
    owe("나중", said(40))
    page = manager.get("/duties/").content.decode()
    for part in ("지난 기한", "오늘까지", "앞으로 14일", "그 뒤"):
        assert f"<h2>{part}</h2>" in page
    assert page.index("열람 청구 늦음") < page.index("열람 청구 오늘") < page.index("열람 청구 곧")
    assert "접수 다음 날부터 10일" in page
    assert "/law/articles/" in page or "별지 제2호서식" in page
    assert "열람하게 하거나, 거부·연기를 통지하십시오" in page
    assert "10일 지남" in page
    late = manager.get("/duties/", {"section": "late"}).content.decode()
    assert "열람 청구 늦음" in late
    assert "열람 청구 곧" not in late


def _copy(row, number):
    days = timedelta(days=number % 30)
    return Duty(**{
        **{f.name: getattr(row, f.name) for f in Duty._meta.fields if f.name != "id"}, "subject": f"{number:03}",
        "due_on": row.due_on + days, "ends_at": row.ends_at + days,
        "owner_role": "privacy_officer" if number % 3 else "manager",
    })  # fmt: skip


def test_three_hundred_rows_come_in_pages_and_can_be_filtered(manager, owe, django_assert_max_num_queries):
    first = owe("000", said(1, owner="privacy_officer"))
    Duty.objects.bulk_create(_copy(first, number) for number in range(1, 300))
    with django_assert_max_num_queries(45):
        page = manager.get("/duties/").content.decode()
    assert "300건" in page
    assert page.count('class="duty ') == 50
    mine = manager.get("/duties/", {"owner": "manager"}).content.decode()
    assert "99건" in mine
    assert manager.get("/duties/", {"owner": "manager", "norm": "hold.review"}).status_code == 200


def test_what_people_typed_is_text(manager, owe):
    owe("1", title_ko="<script>alert(1)</script> " + "가" * 190)
    page = manager.get("/duties/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page


def test_the_owner_closes_several_with_one_note_and_late_is_said(manager, owe, advance):
    rows = [owe("1"), owe("2", said(30))]
    advance(11 * DAY)
    answer = manager.post("/duties/close/", {"ids": [row.pk for row in rows], "note": "모두 처리함"}, follow=True)
    assert "2건을 이행으로 기록" in answer.content.decode()
    assert "1건은 기한이 지난 이행" in answer.content.decode()
    assert [row.state for row in Duty.objects.order_by("due_on")] == [LATE_DONE, DONE]
    closed = manager.get("/duties/", {"state": "closed", "late": "1"}).content.decode()
    assert "열람 청구 1" in closed
    assert "열람 청구 2" not in closed
    assert "늦게 이행" in closed


def test_a_bad_note_writes_nothing_and_loses_nothing(manager, owe):
    row = owe("1")
    answer = manager.post("/duties/close/", {"ids": [row.pk], "note": "x"})
    assert answer.status_code == 422
    assert "2자에서 500자" in answer.content.decode()
    assert Duty.objects.get().state == OPEN
    assert manager.post("/duties/close/", {"note": "처리함"}).status_code == 422


def test_a_room_s_own_duty_is_not_closed_on_the_board(manager, owe):
    row = owe("1", hand=False, href="/inspection/")
    page = manager.get("/duties/").content.decode()
    assert 'type="checkbox" name="ids"' not in page
    assert 'href="/inspection/"' in page
    assert manager.post("/duties/close/", {"ids": [row.pk], "note": "처리함"}).status_code == 409


def test_an_operator_sees_and_closes_what_is_his_only(hire, sign_in, owe):
    person = hire("operator")
    browser = sign_in(person, duty=True)
    owe("남의 일")
    mine = owe("내 일", person=person.pk)
    page = browser.get("/duties/").content.decode()
    assert "내 일" in page
    assert "남의 일" not in page
    assert browser.post("/duties/close/", {"ids": [mine.pk], "note": "처리함"}).status_code == 302


def test_the_auditor_reads_and_closes_nothing(hire, sign_in, owe):
    browser = sign_in(hire("auditor"))
    row = owe("1")
    assert "열람 청구 1" in browser.get("/duties/").content.decode()
    assert browser.get(f"/duties/{row.pk}/").status_code == 200
    assert browser.post("/duties/close/", {"ids": [row.pk], "note": "처리함"}).status_code == 403
    said_ = browser.get("/api/duties/board").json()
    assert [one["articles"] for one in said_] == [["kr_anyang:별지2"]]


def test_counts_stand_in_the_frame_and_on_the_start_page(hire, sign_in, owe):
    browser = sign_in(hire("privacy_officer"))
    owe("1", said(10, began=20))
    owe("2", said(10, began=10))
    page = browser.get("/").content.decode()
    assert "기한 지남 1" in page
    assert "기한 경과 1건" in page
    assert "오늘까지 1건" in page


def test_a_request_entered_by_hand_runs_its_clock(manager):
    assert "request" in {one.id for one in beginning.offered()}
    sent = {"what": "request", "label": " 2026-  12 ", "day": str(today() - timedelta(days=1))}
    assert manager.post("/duties/new/", sent).status_code == 302
    row = Duty.objects.get(kind="request.answer")
    assert (row.subject, row.hand) == ("2026- 12", True)
    assert row.due_on >= today() + timedelta(days=9)
    again = manager.post("/duties/new/", sent)
    assert again.status_code == 409
    assert "이미 등록한" in again.content.decode()
    assert Duty.objects.filter(kind="request.answer").count() == 1


def test_a_leak_is_entered_to_the_minute_and_never_in_the_future(manager):
    if "breach" not in {one.id for one in beginning.offered()}:
        pytest.skip("the test packs have no article for leaks")
    sent = {"what": "breach", "label": "사고-1", "day": str(today() + timedelta(days=1)), "hour": "00:00"}
    assert manager.post("/duties/new/", sent).status_code == 422
    sent["day"] = str(today() - timedelta(days=1))
    assert manager.post("/duties/new/", {**sent, "hour": "25:00"}).status_code == 422
    assert manager.post("/duties/new/", sent).status_code == 302
    row = Duty.objects.get(kind="breach.subject")
    assert (row.due_at - row.starts_at) == timedelta(hours=72)
    assert row.title_ko == "유출 사고 사고-1: 통지"
    assert Duty.objects.get(kind="breach.authority").title_en == "Leak 사고-1: report"


def test_a_fact_no_rule_answers_for_cannot_be_chosen(manager):
    assert manager.get("/duties/new/", {"what": "committee"}).status_code == 404
    assert manager.get("/duties/new/", {"what": "x" * 500}).status_code == 404


def test_a_city_whose_rules_know_no_longer_time_prolongs_no_correction(hire, monkeypatch):
    actor = staff.actor_for(hire("manager"), "")
    if "correction" not in {one.id for one in beginning.offered()}:
        pytest.skip("no rule of this city sets a time for corrections")
    row = beginning.begin(actor, "correction", "2026-정정-1", today())[0]
    monkeypatch.setattr(beginning, "_extensions", lambda on: 0)
    with pytest.raises(Problem, match="prolonged 0 times"):
        beginning.extend(actor, row, "사실 조사가 길어짐")
    row.refresh_from_db()
    assert row.recounted == 0


def test_a_missing_child_is_asked_for_and_the_clock_runs_in_hours_from_then(hire):
    actor = staff.actor_for(hire("manager"), "")
    asked = clock().local().replace(second=0, microsecond=0)
    (row,) = beginning.begin(actor, "missing", "형사과-77", asked)
    hours = int(law().parameter("disclosure.missing_hours").value)
    assert (row.kind, row.due_at) == ("disclosure.missing", asked + timedelta(hours=hours))

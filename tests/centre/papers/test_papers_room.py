"""The room of forms: which forms a centre has, what is typed into them, what rows fill them, who gets them."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings

from gwanje.centre import common
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock
from gwanje.centre.papers import filling
from gwanje.centre.publication.models import Department
from gwanje.centre.staff import api as staff
from gwanje.centre.staff.models import Appointment
from gwanje.kernel.ids import uuid7
from gwanje.law import load
from support.centre import ledger_rows
from support.owpml_reader import read
from support.pdf_text import pages

pytestmark = pytest.mark.django_db(transaction=False)
TYPED = {
    "kinds": "existence", "signed_on": "2026-11-20", "applicant.name": "김가온", "applicant.phone": "010-1234-5678",
    "applicant.birth": "1990-01-02", "applicant.address": "가온로 1", "subject.name": "<b>이가온</b>",
    "recorded": "2026.11.01 18:30 ~ 19:00", "camera": "A-0123", "reason": "#read(\"/etc/passwd\") =1+1 {reason}",
}  # fmt: skip


@pytest.fixture
def city_of(monkeypatch):
    """``city_of("kr_osan")``: the same centre under another city's pack."""
    return lambda name: monkeypatch.setattr(common, "packs", lambda: load(("kr_national", name)))


@pytest.fixture
def manager(sign_in, officers):
    """The manager's browser."""
    return sign_in(officers["manager"])


def bare(text):
    """Letters without white space."""
    return re.sub(r"\s", "", text)


def camera(agency, number, **said):
    """A camera of the register."""
    base = {
        "agency_id": agency, "owner_id": agency, "number": number, "place": f"가온로 {number}", "lat": "37.4",
        "lon": "126.9", "state": "active", "created_at": clock().now(), "changed_at": clock().now(),
    }  # fmt: skip
    return Camera.objects.create(id=uuid7(), **{**base, **said})


def printed():
    """Details of the ledger's rows of papers."""
    return [opening for kind, _outcome, opening in ledger_rows() if kind == "papers.form.printed"]


def test_a_centre_has_the_forms_of_its_packs_and_no_others(manager, city_of):
    page = manager.get("/papers/").content.decode()
    assert "개인영상정보 청구서" in page
    assert "영상정보 인수증" not in page
    city_of("kr_osan")
    page = manager.get("/papers/").content.decode()
    assert all(word in page for word in ("영상정보 인수증", "영상정보제공 관리대장", "설치목적에 따른 분류 기준표"))
    assert "보존기간 연장 신청서" not in page
    assert manager.get("/papers/kr_anyang/ANY-F3/").status_code == 404
    assert "○ ○ ○ ○ 귀하" in manager.get("/papers/kr_osan/OSA-F4/").content.decode()


def test_a_blank_form_is_the_same_as_page_pdf_and_hwpx(manager):
    page = manager.get("/papers/kr_anyang/ANY-F2/").content.decode()
    pdf = manager.get("/papers/kr_anyang/ANY-F2/pdf")
    hwpx = manager.get("/papers/kr_anyang/ANY-F2/hwpx")
    assert (pdf["Content-Type"], hwpx["Content-Type"]) == ("application/pdf", "application/hwp+zip")
    texts = [bare(re.sub("<[^>]+>", "", page)), bare("".join(p.text for p in pages(pdf.content)))]
    texts.append(bare("".join(read(hwpx.content).texts)))
    for word in (
        "[별지제2호서식]",
        "(앞쪽)",
        "처리기한",
        "정보주체와의관계",
        "청구목적및사유",
        "안양시장귀하",
        "첨부서류",
    ):
        assert all(word in text for text in texts), word
    assert manager.get("/papers/kr_anyang/ANY-F2/docx").status_code == 404
    assert not printed()


def test_what_was_typed_stands_in_the_form_as_data(manager):
    answer = manager.post("/papers/kr_anyang/ANY-F2/fill/", {**TYPED, "as": "page"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "&lt;b&gt;이가온&lt;/b&gt;" in page
    assert "<b>이가온" not in page
    assert "■ 존재확인" in page
    assert not printed()
    pdf = manager.post("/papers/kr_anyang/ANY-F2/fill/", {**TYPED, "as": "pdf"})
    shown = bare("".join(p.text for p in pages(pdf.content)))
    assert '#read("/etc/passwd")=1+1{reason}' in shown
    assert "2026년11월20일" in shown
    hwpx = manager.post("/papers/kr_anyang/ANY-F2/fill/", {**TYPED, "as": "hwpx"})
    assert "<b>이가온</b>" in "".join(read(hwpx.content).texts)
    rows = printed()
    assert len(rows) == 2
    assert "이가온" not in str(rows)


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(manager):
    wrong = {
        **TYPED, "applicant.birth": "900102-1234567", "applicant.name": "", "recorded": "어제", "kinds": [],
        "reason": "가" * 10_000, "as": "pdf",
    }  # fmt: skip
    answer = manager.post("/papers/kr_anyang/ANY-F2/fill/", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    for said in (
        "주민등록번호는 적지 않습니다",
        "성명을 적으십시오",
        "하나 이상 고르십시오",
        "1,000자까지",
        "시작이 끝보다",
    ):
        assert said in page, said
    assert "가" * 10_000 in page
    assert 'value="어제"' in page
    manager.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    english = manager.post("/papers/kr_anyang/ANY-F2/fill/", wrong).content.decode()
    for said in ("leave out the resident number", "Name is missing", "Tick at least one", "may have 1,000 characters"):
        assert said in english, said
    assert not printed()


def test_a_list_takes_more_lines_and_keeps_what_is_there(manager):
    url = "/papers/kr_anyang/ANY-F1/fill/"
    assert manager.get(url).content.decode().count('name="entries.3.name"') == 1
    longer = manager.post(url, {"entries.2.name": "둘째", "lines": "3", "as": "more"}).content.decode()
    assert 'name="entries.6.name"' in longer
    assert 'value="둘째"' in longer
    page = manager.post(url, {"entries.2.name": "둘째", "lines": "3", "as": "page"}).content.decode()
    assert "<td>둘째</td>" in page


def test_the_installed_devices_add_up_to_the_register(manager, city, police, city_of):
    city_of("kr_osan")
    crime, waste = ["사회안정/방범용"], ["환경개선/쓰레기투기 감시", "사회안정/방범용"]
    for n in range(5):
        camera(city.pk, f"O-{n}", department="회계과", classes={"ordinance": crime})
    for n in range(5, 8):
        camera(city.pk, f"O-{n}", department="환경과", classes={"ordinance": waste}, state="suspended")
    camera(city.pk, "O-8", classes={"ordinance": crime})
    camera(city.pk, "O-9", department="회계과", state="removed")
    camera(police.pk, "P-1", department="회계과", classes={"ordinance": crime})
    Department.objects.create(
        agency_id=city.pk, name="회계과", officer="회계과장", operator="박가온", phone="031-000-0000", at=clock().now(),
        by=uuid4(),
    )  # fmt: skip
    page = manager.get("/papers/kr_osan/OSA-F1/rows/").content.decode()
    lines = [re.findall(r"<td>(.*?)</td>", line) for line in re.findall("<tr>(<td>.*?)</tr>", page)]
    told = [(line[1], line[2], line[5], line[8], line[9], line[10]) for line in lines]
    assert told == [
        ("환경과", "", "", "3", "환경개선, 사회안정", "쓰레기투기 감시, 방범용"),
        ("회계과", "회계과장", "박가온", "5", "사회안정", "방범용"),
        ("담당부서 미지정", "", "", "1", "사회안정", "방범용"),
    ]
    pdf = manager.get("/papers/kr_osan/OSA-F1/rows/pdf")
    assert "회계과장" in "".join(p.text for p in pages(pdf.content))
    assert "회계과장" in "".join(read(manager.get("/papers/kr_osan/OSA-F1/rows/hwpx").content).texts)
    assert [row["detail"]["as"] for row in printed()] == ["pdf", "hwpx"]


@pytest.fixture
def appoint(hire, city):
    """``appoint("박가온", "manager", "회계과", "과장", …)``: somebody holds an office there since last year."""

    def made(name, role, department, post="", **said):
        today = clock().local().date()
        base = {
            "agency_id": city.pk, "person": hire("operator", name=name), "role": role, "title": "운영책임자",
            "post": post, "department": department, "starts_on": today - timedelta(days=400), "reference": "인사-1",
            "recorded_at": clock().now(),
        }  # fmt: skip
        return Appointment.objects.create(**{**base, **said})

    return made


def officers_told(browser):
    """Department → 책임관 직위·성명, 담당자 직급·성명·전화·e-mail, as the form prints them; and the whole page."""
    page = browser.get("/papers/kr_osan/OSA-F1/rows/").content.decode()
    lines = [re.findall(r"<td>(.*?)</td>", line) for line in re.findall("<tr>(<td>.*?)</tr>", page)]
    return {line[1]: tuple(line[2:8]) for line in lines}, page


def test_officers_come_from_todays_appointments_and_the_departments_own_line(manager, city, city_of, appoint):
    city_of("kr_osan")
    for n, department in enumerate(("회계과", "환 경 과", "공원과", "교통과")):
        camera(city.pk, f"B-{n}", department=department, classes={"ordinance": ["사회안정/방범용"]})
    today = clock().local().date()
    appoint("박가온", "manager", "회 계 과", "과장")
    appoint(
        "옛과장",
        "manager",
        "회계과",
        "과장",
        starts_on=today - timedelta(days=900),
        ends_on=today - timedelta(days=401),
    )
    appoint("김가온", "operator", "회계과", "7급")
    appoint("최환경", "chief_officer", "환경과")
    appoint("떠난이", "manager", "공원과", "과장", ends_on=today, ended_reference="전보")
    appoint("올사람", "manager", "공원과", "과장", starts_on=today + timedelta(days=1))
    appoint("닫힌이", "manager", "교통과", "과장").person.__class__.objects.filter(name="닫힌이").update(active=False)
    line = {"agency_id": city.pk, "at": clock().now(), "by": uuid4()}
    Department.objects.create(name="회계과", officer="회계과장", operator="김가온", phone="8036-7373", **line)
    Department.objects.create(name="공원과", officer="공원과장", operator="공원팀", phone="8036-7400", **line)
    told, page = officers_told(manager)
    assert told == {
        "회계과": ("과장", "박가온", "7급", "김가온", "8036-7373", ""),
        "환 경 과": ("운영책임자", "최환경", "", "", "", ""),
        "공원과": ("공원과장", "", "", "공원팀", "8036-7400", ""),
        "교통과": ("", "", "", "", "", ""),
    }
    assert re.search("책임관 없음: <[^>]+>공원과, 교통과</span> · 담당자 없음: <[^>]+>교통과, 환 경 과</span>", page)
    pdf = manager.get("/papers/kr_osan/OSA-F1/rows/pdf")
    shown = bare("".join(p.text for p in pages(pdf.content)))
    assert "박가온" in shown
    assert "담당자없음" not in shown
    manager.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    english = officers_told(manager)[1]
    assert re.search("no officer responsible in: <[^>]+>공원과, 교통과</span>", english)
    assert "no officer in charge in" in english


def test_two_of_one_name_have_no_rank_and_where_all_are_named_nothing_is_said(manager, city, city_of, appoint):
    city_of("kr_osan")
    camera(city.pk, "C-1", department="회계과", classes={"ordinance": ["사회안정/방범용"]})
    appoint("박가온", "manager", "회계과", "과장")
    for rank in ("7급", "8급"):
        appoint("김가온", "operator", "회계과", rank)
    Department.objects.create(
        agency_id=city.pk, name="회계과", operator="김가온", phone="1", at=clock().now(), by=uuid4()
    )
    told, page = officers_told(manager)
    assert told == {"회계과": ("과장", "박가온", "", "김가온", "1", "")}
    assert "이름이 비어 있는 부서" not in page
    assert "이름이 비어 있는 부서" not in manager.get("/papers/kr_osan/OSA-F1/").content.decode()


def test_a_contractor_answers_for_no_department(manager, city, police, city_of, appoint):
    city_of("kr_osan")
    camera(city.pk, "D-1", department="회계과", classes={"ordinance": ["사회안정/방범용"]})
    own = appoint("수탁인", "manager", "회계과", "팀장").person
    own.__class__.objects.filter(pk=own.pk).update(contractor=True)
    appoint("남의이", "manager", "회계과", "과장", agency_id=police.pk)
    assert officers_told(manager)[0] == {"회계과": ("", "", "", "", "", "")}


def test_the_policys_table_has_the_sources_rows_and_the_registers_counts(manager, city, city_of):
    city_of("kr_incheon")
    rows = common.law().retention_rows()
    number = 0
    for row in rows:
        for site in row.sites or [None] * row.cameras:
            for _n in range(site.cameras if site else 1):
                number += 1
                place = site.name if site else f"지점 {number}"
                camera(city.pk, f"I-{number}", department=row.department, purposes=list(row.purposes), place=place)
    camera(city.pk, "I-999", department="공원과", purposes=["시설물관리"])
    actor = staff.actor_for(staff.holders("manager", agency=city.pk).get(), "관제석-1")
    found = filling.departments(actor)["entries"]
    counts = [entry["count"] for entry in found]
    assert counts == ["50대", "35대", "8대", "111대", "23대", "8대", "16대", "1대"]
    assert sum(int(count[:-1]) for count in counts) == 252
    kept = [entry["kept"] for entry in found[:7]]
    assert kept == ["30일", "7일", "15일", "3개월", "준영구", "미보유", "30일"]
    assert found[3]["where"] == ""
    assert len(found[4]["where"].splitlines()) == 23
    assert "부평구 신라저축은행(2대)" in found[6]["where"]
    assert found[7]["department"] == "공원과"
    page = manager.get("/papers/kr_incheon/INC-POLICY/rows/").content.decode()
    assert "교통기획과장, 인천지방경찰청 경비교통과장 (교통정보팀 440-3883)" in page
    assert page.count("<caption>") == 8


def test_a_citizen_finds_the_forms_that_are_the_citizens(stranger):
    page = stranger.get("/papers/public/").content.decode()
    assert "개인영상정보 청구서" in page
    assert "점검일지" not in page
    assert stranger.get("/papers/public/kr_anyang/ANY-F2/").status_code == 200
    assert stranger.get("/papers/public/kr_anyang/ANY-F2/pdf").content.startswith(b"%PDF")
    assert stranger.get("/papers/public/kr_anyang/ANY-F1/").status_code == 404
    assert stranger.get("/papers/kr_anyang/ANY-F2/").status_code == 302


def test_a_long_list_of_places_says_how_many_more_there_are(city):
    many = [filling.CameraView(uuid4(), city.pk, str(n), "", "가" * 90 + str(n), "active", (), 0, 0, 0, 0, 0, 1, False)
            for n in range(200)]  # fmt: skip
    said = filling.places(many)
    assert len(said) < 10_000
    left = int(re.search(r"외 (\d+)곳$", said)[1])
    assert left + len(said.splitlines()) - 1 == 200

"""Statistics from the centre's own rows: counted in the database, checked, published once a day, files and pages."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras.models import Camera, InstallationPoint
from gwanje.centre.common import clock
from gwanje.centre.staff import api as staff
from gwanje.centre.statistics import counting, duties, export, reading, schemes, services, taking
from gwanje.centre.statistics.models import Published
from gwanje.centre.statistics.tables import TOTAL_ROW, Table
from gwanje.centre.statistics.untaken import Repeated
from gwanje.law import load
from support.centre import ledger_rows

pytestmark = pytest.mark.django_db(transaction=False)
MADE = (
    ("생활방범", "자치행정과", "2019-04", 3),
    ("다목적", "자치행정과", "2021-11", 2),
    ("교통단속", "교통지도과", "2021-02", 2),
    ("시설물관리", "=청사관리과", "", 1),
)
PLANNED = "쓰레기단속"


@pytest.fixture
def as_(officers, sign_in):
    """``as_("manager")`` → that officer's browser, on shift."""
    return lambda role: sign_in(officers[role], duty=True)


@pytest.fixture
def rows(city, officers, seat):
    """Eight cameras of the city as ``MADE`` has them, and one that only is planned."""
    actor, number = staff.actor_for(officers["administrator"], seat.code), 0
    for purpose, department, installed, count in (*MADE, (PLANNED, "계획과", "2026-01", 1)):
        for _ in range(count):
            number += 1
            new = cameras.NewCamera(f"S-{number:04}", "가온로 1", "37.4", "126.9", (purpose,), city.pk, state="planned")
            row = cameras.register_camera(actor, new)
            point = None
            if installed:
                point = InstallationPoint.objects.create(
                    agency_id=city.pk, identity=f"{number:064}", agency="가온시", purpose=purpose, cameras=1,
                    installed=installed, lat="37.4", lon="126.9",
                )  # fmt: skip
            state = "planned" if purpose == PLANNED else "active"
            Camera.objects.filter(pk=row.pk).update(department=department, point=point, state=state)
    return number


def test_groups_are_the_registry_and_planned_cameras_are_not_counted(rows) -> None:
    found = reading.groups()
    assert sorted((g.purpose, g.department, g.year, g.number) for g in found) == sorted(
        (p, d, i[:4], n) for p, d, i, n in MADE
    )
    assert reading.agrees(found)
    assert services.check(found) == []


def test_four_classifications_have_one_total_and_guess_nothing(rows) -> None:
    found = reading.groups()
    tables = {s: counting.by_purpose(found, s, "agency") for s in schemes.SCHEMES}
    assert {t.totals[-1] for t in tables.values()} == {8}
    assert {s: len(schemes.codes(s)) for s in schemes.SCHEMES} == {
        "national": 10,
        "ordinance": 16,
        "survey": 9,
        "act": 6,
    }
    assert tables["national"].cell("가온시", "생활방범") == 3
    assert tables["survey"].cell("가온시", "방범용") == 5
    assert tables["act"].cell("가온시", "4") == 2
    # several purposes, traffic offences and a building stand in two or more of the sixteen: none is chosen for them
    assert tables["ordinance"].cell("가온시", "사회안정/방범용") == 3
    assert tables["ordinance"].cell("가온시", schemes.OPEN) == 5


def test_departments_and_years_are_the_same_cameras(rows) -> None:
    found = reading.groups()
    by_department = counting.by_purpose(found, "national", "department")
    assert [label for label in by_department.rows] == ["=청사관리과", "교통지도과", "자치행정과"]
    years = counting.by_year(found)
    assert years.columns == ("2019", "2020", "2021", counting.UNKNOWN, "계")
    assert years.totals == (3, 0, 4, 1, 8)


def test_the_day_is_published_once_with_its_ledger_row_and_never_changed(rows) -> None:
    assert duties.run() is True
    assert duties.run() is False
    row = Published.objects.get()
    assert (row.cameras, row.day) == (8, clock().local().date())
    assert "자치행정과" not in json.dumps(row.body, ensure_ascii=False)
    told = [body["detail"]["sha256"] for kind, _outcome, body in ledger_rows() if kind == "statistics.published"]
    assert told == [row.sha256]
    assert reading.groups_of(row)
    for act in ("update statistics_published set cameras = 9", "delete from statistics_published"):
        with pytest.raises(DatabaseError), transaction.atomic():
            connection.cursor().execute(act)


def test_numbers_that_do_not_agree_with_the_registry_are_not_published(rows, monkeypatch) -> None:
    whole = reading.groups()
    monkeypatch.setattr(reading, "groups", lambda: whole[1:])
    monkeypatch.setattr(services, "_withheld", [])
    assert services.publish() is None
    assert services.publish() is None
    assert not Published.objects.exists()
    (told,) = [body for kind, _outcome, body in ledger_rows() if kind == "statistics.withheld"]
    assert "등록된 기기" in told["detail"]["wrong"][0]


def test_the_page_shows_tables_charts_and_files(rows, as_) -> None:
    page = as_("manager").get("/statistics/?scheme=survey&by=department").content.decode()
    assert "등록된 기기 8대와 맞습니다" in page
    assert page.count("<svg") == 2
    assert page.count("<title id=") == page.count("<desc id=") == 2
    assert "=청사관리과" in page
    assert "<script>" not in page
    assert "원문의 통계표" not in page
    printed = as_("manager").get("/statistics/print/").content.decode()
    assert printed.count('class="sheet"') == 3


def test_the_link_to_printed_tables_reads_none_of_them(rows, as_, monkeypatch) -> None:
    def refuse(*_):
        raise AssertionError("a printed table was read for a link")

    monkeypatch.setattr(reading, "load_tables", refuse)
    monkeypatch.setattr(reading, "law", lambda: load(("kr_national", "kr_seoul")).on(clock().local().date()))
    assert "원문의 통계표" in as_("manager").get("/statistics/").content.decode()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_a_file_is_the_table_and_runs_nothing(rows, as_, encoding) -> None:
    reply = as_("auditor").get(f"/statistics/table.csv?scheme=national&by=department&encoding={encoding}")
    assert reply.status_code == 200
    lines = list(csv.reader(io.StringIO(reply.content.decode(encoding), newline="")))
    assert lines[0][:2] == ["부서", "생활방범"]
    assert [line[0] for line in lines[1:]] == ["'=청사관리과", "교통지도과", "자치행정과", "소계"]
    assert lines[-1][-1] == "8"


def test_letters_that_cp949_lacks_are_refused_by_name() -> None:
    with pytest.raises(export.NotWritable, match="😀"):
        export.write(Table(("a", "계"), {"😀": (1, 1)}, {"계": ("a",)}, (1, 1)), ["a", "계"], "기관", encoding="cp949")


def test_the_public_page_needs_no_login_and_names_no_department(rows, stranger) -> None:
    assert "아직 공개된 통계가 없습니다" in stranger.get("/statistics/public/").content.decode()
    assert stranger.get("/api/statistics/public").json()["totals"] == []
    duties.run()
    page = stranger.get("/statistics/public/?scheme=act").content.decode()
    assert re.search(r"운영하는 기기는 8대", page)
    assert "자치행정과" not in page
    with CaptureQueriesContext(connection) as asked:
        body = stranger.get("/api/statistics/public?scheme=act").json()
    assert sum('FROM "statistics_published"' in one["sql"] for one in asked.captured_queries) == 1
    assert (body["totals"][-1], sorted(body["rows"])) == (8, ["가온시"])
    assert stranger.get("/statistics/public/table.csv").content.decode("utf-8-sig").splitlines()[-1].endswith(",8")
    assert stranger.get("/statistics/").status_code == 302


WRONG = "구분\t방법용\t시설물관리\t계\n가구\t1,200\t3\t1,203\n나구\t5\t-\t6\n소계\t1,205\t3\t1,209"


def test_a_pasted_table_is_counted_again_and_nothing_is_stored(rows, as_) -> None:
    browser = as_("privacy_officer")
    reply = browser.post("/statistics/check/", {"scheme": "survey", "text": WRONG})
    page = reply.content.decode()
    assert reply.status_code == 422
    assert "방법용" in page
    assert "방범용" in page
    assert "나구 / 계" in page
    assert "소계 / 계" in page
    right = WRONG.replace("방법용", "방범용").replace("\t6", "\t5").replace("1,209", "1,208")
    assert browser.post("/statistics/check/", {"scheme": "survey", "text": right}).status_code == 200
    for broken in ("", "구분,계\n1", "a,b,계\n가,1,2", "a,b,계\n가,1,x,2", "a,b,c\n가,1,2", "a,b,b,계\n가,1,2,3"):
        assert browser.post("/statistics/check/", {"scheme": "survey", "text": broken}).status_code == 422
    assert Published.objects.count() == 0


def test_a_table_that_is_too_long_is_refused() -> None:
    with pytest.raises(taking.NotATable, match="넘습니다"):
        taking.take("가" * (taking.TEXT_MAX + 1), "survey")
    assert taking.take("구분,방범용,기타,계\n가,1,2,3", "survey")[0].cell(TOTAL_ROW, "계") == 3


def test_an_english_reader_gets_english_words(rows, as_) -> None:
    browser = as_("manager")
    browser.post("/language/", {"language": "en"})
    page = browser.get("/statistics/?scheme=survey").content.decode()
    assert "agrees with the 8 registered cameras" in page
    assert "Crime prevention" in page
    assert "not stated" in page
    assert "소계" not in page


def test_where_a_pack_has_an_article_the_refusal_names_it(rows, as_, monkeypatch) -> None:
    seoul = load(("kr_national", "kr_seoul")).on(clock().local().date())
    monkeypatch.setattr(services, "law", lambda: seoul)
    page = as_("manager").post("/statistics/check/", {"scheme": "survey", "text": WRONG}).content.decode()
    assert re.search(r"/law/kr_seoul/[^\"]+", page)
    assert services.publish() is not None
    (told,) = [body for kind, _outcome, body in ledger_rows() if kind == "statistics.published"]
    assert told["norms"] == ["statistics.checked"]


def test_printed_tables_of_the_centres_own_packs_are_shown_with_what_is_wrong(as_, monkeypatch) -> None:
    assert "통계표가 없습니다" in as_("auditor").get("/statistics/sources/").content.decode()
    seoul = load(("kr_national", "kr_seoul")).on(clock().local().date())
    monkeypatch.setattr(reading, "law", lambda: seoul)
    page = as_("auditor").get("/statistics/sources/").content.decode()
    assert "2,546" in page
    assert "2,709" in page
    assert "단위가 달라 더할 수 없음" in page
    # a list that is printed twice and not alike, what was left out and why, a table without a day
    assert re.search(r">5장 2절 1</td><td[^>]*>특정인 영상만의 삭제가 기술적으로 곤란<", page)
    assert re.search(r">그림 5-6</strong>.*제목만 남아 있습니다", page)
    assert re.search(r">표 2-15</td><td[^>]*>[^<]+</td><td>–</td>", page)
    browser = as_("auditor")
    browser.post("/language/", {"language": "en"})
    english = browser.get("/statistics/sources/").content.decode()
    assert "A penalty of the Act as amended in 2007, which was repealed" in english
    assert "What was not taken, and why" in english
    alike = Repeated("목록", "", "refusal.grounds", ("가",), {"한 곳": ("가",), "다른 곳": ("가",)})
    monkeypatch.setattr(reading, "load_lists", lambda _place: (alike,))
    assert "곳마다 다르게 적힌 목록" not in as_("auditor").get("/statistics/sources/").content.decode()

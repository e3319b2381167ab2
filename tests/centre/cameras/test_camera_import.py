"""Import in two steps, twice, and export, on the real database."""

from __future__ import annotations

import csv
import io
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from test_camera_national import lines, real

import support
from gwanje.centre.cameras import importing, national
from gwanje.centre.cameras.models import ImportBatch, InstallationPoint
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(hire, seat):
    return staff.actor_for(hire("manager"), seat.code)


def kinds():
    with connection.cursor() as cursor:
        cursor.execute("select kind from ledger_opening")
        return [kind for (kind,) in cursor.fetchall()]


def test_a_preview_writes_no_place(manager):
    batch = importing.preview(manager, "목록.csv", lines({}, {}, {"lat": "0"}))
    assert (batch.rows, batch.accepted, batch.refused, batch.known) == (3, 2, 1, 0)
    assert InstallationPoint.objects.count() == 0
    assert batch.added is None


def test_importing_twice_adds_nothing(manager):
    data = lines({}, {}, {"cameras": "5"})
    first = importing.confirm(manager, importing.preview(manager, "a.csv", data).id)
    again = importing.preview(manager, "b.csv", data.decode().encode("cp949"))
    assert (first.added, again.known, importing.confirm(manager, again.id).added) == (3, 3, 0)
    more = importing.confirm(manager, importing.preview(manager, "c.csv", lines({}, {}, {}, {"cameras": "5"})).id)
    assert more.added == 1
    assert kinds().count("cameras.points.imported") == 3
    assert bytes(more.content) == b""


@pytest.mark.parametrize(
    ("file", "accepted", "limit"),
    [("busan_standard14_utf8.csv", 15_731, 10.0), ("seoul_gangnam_standard13_cp949.csv", 1_880, 3.0)],
)
def test_the_real_lists_go_in_fast_and_come_out_the_same(manager, file, accepted, limit):
    data = real(file)
    batch = importing.preview(manager, file, data)
    began = time.monotonic()
    assert importing.confirm(manager, batch.id).added == accepted
    took = time.monotonic() - began
    assert took < limit or took < limit * support.slowness()
    assert importing.confirm(manager, importing.preview(manager, file, data).id).added == 0
    out = b"".join(importing.export(manager, columns=14, encoding="cp949"))
    again = importing.preview(manager, "out.csv", out)
    assert (again.known, again.repaired, importing.confirm(manager, again.id).added) == (accepted, 0, 0)


def test_a_confirmed_import_is_not_confirmed_again(manager):
    batch = importing.preview(manager, "a.csv", lines({}))
    importing.confirm(manager, batch.id)
    with pytest.raises(Problem) as caught:
        importing.confirm(manager, batch.id)
    assert caught.value.status == 409


def test_what_is_no_list_leaves_no_batch(manager):
    with pytest.raises(Problem) as caught:
        importing.preview(manager, "x.csv", b"PK\x03\x04 rest")
    assert caught.value.code == "not_a_list.xlsx"
    assert ImportBatch.objects.count() == 0


def test_an_operator_does_not_import(hire, seat):
    operator = staff.actor_for(hire("operator"), seat.code)
    with pytest.raises(Refused):
        importing.preview(operator, "a.csv", lines({}))


def test_another_agency_sees_neither_places_nor_batches(manager, hire, police, seat):
    batch = importing.preview(manager, "a.csv", lines({}))
    importing.confirm(manager, batch.id)
    other = staff.actor_for(hire("manager", agency=police), seat.code)
    assert importing.points(other).count() == 0
    with pytest.raises(Refused) as caught:
        importing.batch(other, batch.id)
    assert caught.value.status == 404


def test_the_pages_show_the_report_and_confirm(hire, sign_in):
    browser = sign_in(hire("manager"))
    data = lines({}, {"lat": "0", "road_address": "=HYPERLINK(1)"}, {"lat": "1"})
    sent = browser.post("/cameras/import/", {"file": SimpleUploadedFile("목록.csv", data)})
    assert sent.status_code == 302
    page = browser.get(sent["Location"]).content.decode()
    assert "목록.csv" in page
    assert "더할 예정" in page
    refused = browser.get(sent["Location"] + "refused.csv").content.decode("utf-8-sig")
    assert [row[0] for row in csv.reader(io.StringIO(refused))] == ["3", "4"]
    assert "'=HYPERLINK(1)" in refused
    assert browser.post(sent["Location"] + "confirm/", {"act": "confirm"}).status_code == 302
    assert InstallationPoint.objects.count() == 1
    file = browser.get("/cameras/export/?columns=13&encoding=cp949")
    assert file["Content-Disposition"].endswith('_13.csv"')
    assert national.read(file.content).width == 13


def test_a_file_that_is_no_list_is_told_on_the_page(hire, sign_in):
    browser = sign_in(hire("manager"))
    page = browser.post("/cameras/import/", {"file": SimpleUploadedFile("a.csv", b"a,b\n1,2\n")})
    assert page.status_code == 422
    assert "영상정보처리기기 목록이 아닙니다" in page.content.decode()


def test_the_api_imports_in_two_steps(hire, sign_in):
    browser = sign_in(hire("administrator"))
    sent = browser.post("/api/cameras/imports", {"file": SimpleUploadedFile("a.csv", lines({}, {"lat": "x"}))})
    assert sent.status_code == 200
    report = sent.json()
    assert (report["accepted"], report["refused"], report["added"]) == (1, 1, None)
    assert report["counts"]["refused"] == {"coordinate_bad": 1}
    assert browser.post(f"/api/cameras/imports/{report['id']}/confirm").json()["added"] == 1
    points = browser.get("/api/cameras/points.json").json()
    assert (points["count"], points["lon"], points["n"]) == (1, [126.95], [2])


def test_a_preview_nobody_confirms_is_forgotten_after_a_day(manager, advance):
    importing.preview(manager, "a.csv", lines({}))
    kept = importing.confirm(manager, importing.preview(manager, "b.csv", lines({})).id)
    advance(86399)
    assert importing.forget_previews() == 0
    advance(2)
    assert importing.forget_previews() == 1
    assert [batch.id for batch in ImportBatch.objects.all()] == [kept.id]


def test_previews_that_nobody_confirms_do_not_pile_up(manager, monkeypatch):
    monkeypatch.setattr(importing, "PREVIEWS_MAX", 2)
    first = importing.preview(manager, "a.csv", lines({}))
    importing.preview(manager, "b.csv", lines({}))
    with pytest.raises(Problem) as caught:
        importing.preview(manager, "c.csv", lines({}))
    assert (caught.value.code, caught.value.status) == ("previews", 409)
    importing.discard(manager, first.id)
    assert importing.preview(manager, "c.csv", lines({})).accepted == 1

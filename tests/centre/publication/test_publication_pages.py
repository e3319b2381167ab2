"""Pages of policies and signs: the public reads what was announced, officers write, nobody else sees a draft."""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import zipfile
from datetime import timedelta

import pikepdf
import pytest
from django.conf import settings

from gwanje.apps.commands import publish
from gwanje.centre.common import clock
from gwanje.centre.publication import services, site
from gwanje.centre.publication.models import Sign, Text, Version
from support import home
from support.centre import ledger_rows
from support.pdfa import remarks

pytestmark = pytest.mark.django_db
PUBLIC = ("policy", "plan", "departments", "status", "contractors", "signs", "uses")
DESK = ("", "policy/", "plan/", "departments/", "signs/", "signs/new/")


def today():
    return clock().local().date()


def announce(actor, days=0, reason="처음 정함"):
    row = services.draft(actor, "policy", today() + timedelta(days), reason)
    return services.announce(actor, row.pk, row.sha256)


@pytest.fixture
def desk(sign_in, officers):
    """The chief officer's browser."""
    return sign_in(officers["chief_officer"], duty=True)


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_public_page_answers_before_and_after(written, stranger, lang):
    stranger.cookies[settings.LANGUAGE_COOKIE_NAME] = lang
    for name in PUBLIC:
        assert stranger.get(f"/law/{name}/").status_code == 200, name
    announce(written)
    said = {name: stranger.get(f"/law/{name}/").content.decode() for name in PUBLIC}
    assert "P-1" in said["departments"]
    assert "031-000-1234" in said["departments"]
    assert ">2<" in said["status"]
    assert "이웃과의 약속" in said["policy"]
    assert ("시행 중" if lang == "ko" else "in force") in said["policy"]
    assert "제18조" in said["uses"]


def test_the_public_sees_what_was_announced_and_no_draft(written, stranger, register):
    announce(written)
    register("P-7")
    services.write_text(written, "policy", "이웃과의 약속", "새 약속입니다.", "")
    services.draft(written, "policy", today() + timedelta(9), "다음")
    assert "P-7" not in stranger.get("/law/departments/").content.decode()
    assert "새 약속" not in stranger.get("/law/policy/").content.decode()
    assert stranger.get("/law/policy/2/").status_code == 404
    row = Version.objects.get(state="draft")
    services.announce(written, row.pk, row.sha256)
    coming = stranger.get("/law/policy/2/").content.decode()
    assert "<ins>새 약속입니다.</ins>" in coming
    assert "시행 예정" in coming
    assert "새 약속" not in stranger.get("/law/policy/").content.decode()


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_desk_in_both_languages(written, desk, lang):
    desk.cookies[settings.LANGUAGE_COOKIE_NAME] = lang
    for address in DESK:
        assert desk.get(f"/law/desk/{address}").status_code == 200, address


def test_from_text_to_announcement_by_hand(written, desk, stranger):
    desk.post("/law/desk/policy/text/", {"item": "이웃과의 약속", "ko": "<script>alert(1)</script>", "en": ""})
    assert Text.objects.order_by("-at").first().ko.startswith("<script>")
    page = desk.post("/law/desk/policy/draft/", {"effective_on": str(today()), "reason": ""}, follow=True)
    row = Version.objects.get(state="draft")
    assert row.sha256 in page.content.decode()
    done = desk.post(f"/law/desk/versions/{row.pk}/announce/", {"sha256": row.sha256}, follow=True)
    assert "공지하였습니다" in done.content.decode()
    shown = stranger.get("/law/policy/").content.decode()
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown


def test_an_empty_item_is_named_on_the_page_and_no_button_offered(written, desk):
    services.write_text(written, "policy", "이웃과의 약속", "", "")
    assert "이웃과의 약속" in desk.get("/law/desk/policy/").content.decode()
    row = services.draft(written, "policy", today(), "")
    page = desk.get(f"/law/desk/versions/{row.pk}/").content.decode()
    assert "항목이 비어 있습니다" in page
    assert "이 내용으로 공지" not in page
    answer = desk.post(f"/law/desk/versions/{row.pk}/announce/", {"sha256": row.sha256})
    assert answer.status_code == 403
    told = [body for _, outcome, body in ledger_rows() if outcome == "refused"]
    assert told[-1]["norms"][0] == "policy.complete"


def test_a_bad_day_comes_back_in_the_form(written, desk):
    answer = desk.post("/law/desk/policy/draft/", {"effective_on": "2020-01-01", "reason": "늦은 일"})
    assert answer.status_code == 422
    assert "늦은 일" in answer.content.decode()
    assert desk.post("/law/desk/policy/draft/", {"effective_on": "모레"}).status_code == 422


def test_the_static_site_is_the_same_bytes_again_and_leads_nowhere_else(written):
    first = announce(written)
    services.write_text(written, "policy", "이웃과의 약속", "밤에는 소리를 내지 않습니다.", "")
    announce(written, 9, "이웃의 부탁")
    made = site.archive(first.agency_id)
    assert made == site.archive(first.agency_id)
    with zipfile.ZipFile(io.BytesIO(made)) as files:
        names = files.namelist()
        assert names == sorted(names)
        assert {"index.html", "policy.html", "policy-1.html", "policy-2.html", "en/index.html", "law-gaon.html",
                "data/policy-1.json", "style.css", "checksums.txt"} <= set(names)  # fmt: skip
        sums = dict(reversed(line.split("  ")) for line in files.read("checksums.txt").decode().splitlines())
        assert {n: hashlib.sha256(files.read(n)).hexdigest() for n in names if n != "checksums.txt"} == sums
        assert hashlib.sha256(files.read("data/policy-1.json")).hexdigest() == first.sha256
        pages = {name: files.read(name).decode() for name in names if name.endswith(".html")}
    for name, text in pages.items():
        assert "<script" not in text, name
        assert not re.search(r'(?:href|src)="(?:[a-z]+:|//|/)', text), name
        for link in re.findall(r'href="([^"#]+)', text):
            folder = "en/" if name.startswith("en/") else ""
            target = link.removeprefix("../") if link.startswith("../") else folder + link
            assert target in names, (name, link)
        assert text.count("<h1") == 1, name
        assert "{%" not in text, name
    assert "제2판을" in pages["index.html"]
    assert "이웃의 부탁" in pages["index.html"]
    assert "in force" in pages["en/policy.html"]


def test_the_archive_is_taken_from_the_desk_with_its_row(written, desk):
    announce(written)
    answer = desk.get("/law/desk/homepage.zip")
    assert answer.content[:2] == b"PK"
    told = [body for kind, _, body in ledger_rows() if kind == "publication.site.exported"]
    assert told[0]["detail"]["sha256"] == hashlib.sha256(answer.content).hexdigest()


def test_a_sign_from_camera_to_paper(written, desk, register):
    camera = register("P-9", lat="37.4100")
    page = desk.get(f"/law/desk/signs/new/?camera={camera.pk}").content.decode()
    assert "031-000-1234" in page
    given = {
        "camera": str(camera.pk),
        "title": "가온로 9 <b>",
        "place": "site",
        "size": "A3",
        "put_up_on": str(today()),
    }
    # a place behind the camera is not seen by it
    behind = desk.post("/law/desk/signs/new/", {**given, "lat": "37.4097", "lon": "126.9000"})
    assert behind.status_code == 403
    assert not Sign.objects.exists()
    assert desk.post("/law/desk/signs/new/", {**given, "lat": "37.4103", "lon": "126.9000"}).status_code == 302
    row = Sign.objects.get()
    assert row.in_view
    pdf = desk.get(f"/law/desk/signs/{row.pk}/pdf/")
    assert remarks(pdf.content) == []
    with pikepdf.open(io.BytesIO(pdf.content)) as paper:
        assert len(paper.pages) == 1
        assert [round(float(x)) for x in paper.pages[0].mediabox[2:]] == [842, 1191]
        with paper.open_metadata() as about:
            assert (about["pdfaid:part"], about["pdfaid:conformance"]) == ("2", "B")
    assert "&lt;b&gt;" in desk.get(f"/law/desk/signs/{row.pk}/").content.decode()


def test_bad_places_days_and_photos_are_refused_and_stay_in_the_form(written, desk, register):
    camera = register("P-9")
    given = {"camera": str(camera.pk), "place": "site", "size": "A4", "put_up_on": str(today()), "spot": "기둥 왼쪽"}
    photo = io.BytesIO(b"GIF89a not a photo")
    photo.name = "a.jpg"
    for change in ({"put_up_on": str(today() + timedelta(2))}, {"size": "A5"}, {"photo": photo}, {"lat": "91"}):
        answer = desk.post("/law/desk/signs/new/", {**given, **change})
        assert answer.status_code == 422, change
        assert "기둥 왼쪽" in answer.content.decode()
    assert not Sign.objects.exists()


def test_the_command_writes_the_same_archive_or_says_why_not(system, tmp_path, capsys, request):
    args = argparse.Namespace(data=str(home().root), out=tmp_path / "home.zip")
    assert publish.run(args) == 1
    assert "no city" in capsys.readouterr().err
    assert not args.out.exists()
    row = announce(request.getfixturevalue("written"))
    assert publish.run(args) == 0
    assert args.out.read_bytes() == site.archive(row.agency_id)
    assert hashlib.sha256(args.out.read_bytes()).hexdigest() in capsys.readouterr().out
    args.out = tmp_path / "nowhere" / "home.zip"
    assert publish.run(args) == 2

"""A place whose sign is left out is in nothing that is made public from then on; signs that speak for nothing end."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.conf import settings

from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Problem
from gwanje.centre.publication import bodies, gathering, reading_versions, services, signs, site
from gwanje.centre.publication.models import Sign
from support.centre import ledger_rows

pytestmark = pytest.mark.django_db
LEFT_OUT = {"place": "none", "exemption": "생략/국가보안시설"}
HOMEPAGE = {"place": "homepage", "exemption": "홈페이지/설치 곤란"}


def today():
    return clock().local().date()


def put(actor, *cameras, **more):
    fields = {"title": "안내판", "place": "site", "put_up_on": today(), **more}
    return signs.record(actor, signs.NewSign(cameras=tuple(c.pk for c in cameras), **fields))


def announce(actor, days=0, reason="처음 정함"):
    row = services.draft(actor, "policy", today() + timedelta(days), reason)
    return services.announce(actor, row.pk, row.sha256)


def standing():
    return set(Sign.objects.filter(ended_at__isnull=True).values_list("pk", flat=True))


def content(actor):
    return bodies.content("policy", reading_versions.rows(actor.agency))


@pytest.fixture
def first():
    return Camera.objects.get(number="P-1")


@pytest.fixture
def bank(written, register):
    """A camera of its own place, which may have to be left out."""
    return register("P-9", place="국가보안시설 앞길", lat="37.4001")


@pytest.mark.norm("sign.placement", "deny")
def test_no_sign_is_left_out_while_another_one_says_the_place(written, first, bank):
    both = put(written, first, bank, title="가온로", **HOMEPAGE)
    with pytest.raises(Problem, match="left_out") as no:
        put(written, bank, **LEFT_OUT)
    assert no.value.status == 409
    for said in (no.value.ko, no.value.en):
        assert "'가온로'" in said
        assert "P-9" in said
    assert "나머지 기기만으로" in no.value.next
    assert "other cameras only" in no.value.next_en
    assert "제1조" in no.value.rule
    assert standing() == {both.pk}
    # what the message says to do is a way out: the other cameras' sign alone, then the one left out
    alone = put(written, first, **HOMEPAGE)
    assert standing() == {both.pk, alone.pk}
    left = put(written, bank, **LEFT_OUT)
    assert standing() == {alone.pk, left.pk}
    assert "국가보안시설" not in bodies.canonical(content(written))


def test_a_sign_left_out_for_all_cameras_replaces_the_one_that_said_them(written, first, bank):
    put(written, first, bank, **HOMEPAGE)
    left = put(written, first, bank, **LEFT_OUT)
    assert standing() == {left.pk}
    assert content(written)["annexes"]["signs"] == []


def test_no_other_sign_says_a_place_that_stays_left_out(written, first, bank):
    left = put(written, first, bank, title="비움", **LEFT_OUT)
    for more in ({}, HOMEPAGE):
        with pytest.raises(Problem, match="left_out"):
            put(written, first, **more)
    assert standing() == {left.pk}
    still = put(written, bank, **LEFT_OUT)
    shown = put(written, first)
    assert standing() == {still.pk, shown.pk}
    assert gathering.hidden(written.agency) == {str(bank.pk)}


def test_the_form_says_which_sign_is_in_the_way(written, first, bank, sign_in, officers):
    put(written, first, bank, title="가온로", **HOMEPAGE)
    desk = sign_in(officers["chief_officer"], duty=True)
    given = {"camera": str(bank.pk), "size": "A4", "put_up_on": str(today()), "spot": "정문 옆", **LEFT_OUT}
    answer = desk.post("/law/desk/signs/new/", given)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "나머지 기기만으로" in page
    assert "정문 옆" in page


def test_a_posting_of_a_place_left_out_is_published_nowhere(written, first, bank):
    posting = put(written, first, bank, **HOMEPAGE)
    # as it stood in databases of before: both stand
    left = put(written, Camera.objects.get(number="P-2"), **LEFT_OUT)
    Sign.objects.filter(pk=left.pk).update(cameras=[str(bank.pk)])
    assert standing() == {posting.pk, left.pk}
    rows = reading_versions.rows(written.agency)
    assert rows.postings == ()
    assert (rows.signs["homepage"], rows.signs["none"]) == (0, 1)
    announce(written)
    with zipfile.ZipFile(io.BytesIO(site.archive(written.agency))) as files:
        for name in files.namelist():
            assert "국가보안시설 앞길" not in files.read(name).decode(), name
    # either half recorded anew ends the posting
    put(written, first)
    assert posting.pk not in standing()
    assert left.pk in standing()


def test_what_was_left_out_before_stays_so_until_somebody_speaks_of_it(written, first, bank):
    left = put(written, first, bank, **LEFT_OUT)
    # as it stood in databases of before: a later sign of one of them
    later = put(written, Camera.objects.get(number="P-2"))
    Sign.objects.filter(pk=later.pk).update(cameras=[str(first.pk)])
    with pytest.raises(Problem, match="left_out"):
        put(written, bank)
    assert standing() == {left.pk, later.pk}


def test_the_table_of_departments_counts_a_place_and_does_not_name_it(written, bank, stranger):
    put(written, bank, **LEFT_OUT)
    announce(written)
    body = content(written)
    department = body["annexes"]["departments"][0]
    assert [place[0] for place in department["places"]] == ["P-1", "P-2"]
    said = dict(map(tuple, department["items"]))
    assert said["설치대수"]["ko"] == "3대"
    assert said["위치 및 촬영범위"] == {"ko": "목록 2건, 비공개 1건", "en": "list of 2, 1 not published"}
    assert sum(n for _, _, n in body["annexes"]["status"]) == 3
    for page in ("departments", "policy", "status", "signs"):
        assert "국가보안시설 앞길" not in stranger.get(f"/law/{page}/").content.decode(), page


def test_the_public_comparison_counts_places_that_left_and_does_not_name_them(written, bank, stranger, desk):
    old = announce(written)
    put(written, bank, **LEFT_OUT)
    new = announce(written, 8, "보안")
    for lang, said in (("ko", "목록에서 빠진 위치 1건"), ("en", "Places that left the list: 1.")):
        stranger.cookies[settings.LANGUAGE_COOKIE_NAME] = desk.cookies[settings.LANGUAGE_COOKIE_NAME] = lang
        page = stranger.get("/law/policy/2/").content.decode()
        assert "국가보안시설 앞길" not in page
        assert said in page
        # the officer who announces sees every line
        assert "국가보안시설 앞길" in desk.get(f"/law/desk/versions/{new.pk}/").content.decode()
    with zipfile.ZipFile(io.BytesIO(site.archive(written.agency))) as files:
        saying = {n for n in files.namelist() if "국가보안시설 앞길" in files.read(n).decode()}
    # what was announced is a document: until the new version is in force the old one says what it said
    assert saying == {"departments.html", "en/departments.html", "data/policy-1.json"}
    with zipfile.ZipFile(io.BytesIO(site.archive(written.agency, new.effective_on))) as files:
        saying = {n for n in files.namelist() if "국가보안시설 앞길" in files.read(n).decode()}
    assert saying == {"data/policy-1.json"}
    assert bodies.places(reading_versions.body(old))["정보통신과"][-1].startswith("P-9")


@pytest.fixture
def desk(sign_in, officers):
    """The chief officer's browser."""
    return sign_in(officers["chief_officer"], duty=True)


def test_a_neighbour_that_is_left_out_is_not_on_the_map(written, first, bank):
    row = put(written, first)

    def dots():
        tree = ElementTree.fromstring(signs.svg(row, reading_versions.rows(written.agency)))
        return sum(e.tag.endswith("circle") for e in tree.iter())

    before = dots()
    put(written, bank, **LEFT_OUT)
    assert dots() == before - 1


def replaced():
    return [body["detail"]["replaced"] for kind, _, body in ledger_rows() if kind == "publication.sign.recorded"]


def test_a_sign_whose_cameras_left_counts_nowhere_and_the_next_one_ends_it(written, first, bank, police):
    gone, moved, resting = bank, Camera.objects.get(number="P-2"), first
    rows = [put(written, camera, **HOMEPAGE) for camera in (gone, moved, resting)]
    assert reading_versions.rows(written.agency).signs["homepage"] == 3
    Camera.objects.filter(pk=gone.pk).update(state="removed")
    Camera.objects.filter(pk=moved.pk).update(agency_id=police.pk)
    now = reading_versions.rows(written.agency)
    assert now.signs["homepage"] == 1
    assert [p.text["설치 장소"]["ko"] for p in now.postings] == ["가온로 1"]
    assert len(now.standing) == 3
    Camera.objects.filter(pk=resting.pk).update(state="suspended")
    assert reading_versions.rows(written.agency).signs["homepage"] == 0
    # the one that is suspended keeps its sign; the two that left lose theirs
    Camera.objects.filter(pk=gone.pk).update(state="active")
    again = put(written, gone, **HOMEPAGE)
    assert standing() == {rows[2].pk, again.pk}
    assert replaced()[-1] == [str(rows[0].pk), str(rows[1].pk)]


def test_one_act_ends_so_many_signs_and_its_own_first(written, first, bank, monkeypatch):
    assert signs.ENDED_MAX == 256
    monkeypatch.setattr(signs, "ENDED_MAX", 1)
    second = Camera.objects.get(number="P-2")
    dead, old = put(written, bank), put(written, first)
    Camera.objects.filter(pk=bank.pk).update(state="removed")
    new = put(written, first)
    assert standing() == {dead.pk, new.pk}
    other = put(written, second)
    assert standing() == {new.pk, other.pk}
    assert replaced()[-2:] == [[str(old.pk)], [str(dead.pk)]]

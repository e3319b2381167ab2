"""Public pages: every article answers to anyone, with evidence and without a person."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from gwanje.centre.common import clock, cursor, law
from gwanje.centre.publication import evidence, reading, views
from gwanje.kernel import ledger
from gwanje.kernel.rls import set_scope
from gwanje.law import load

pytestmark = pytest.mark.django_db


def page(address: str, lang: str = "ko") -> str:
    browser = Client()
    browser.cookies[settings.LANGUAGE_COOKIE_NAME] = lang
    answer = browser.get(address)
    assert answer.status_code == 200, answer.content[:300]
    return answer.content.decode()


def test_the_list_shows_every_article_of_every_pack() -> None:
    html = page("/law/")
    for pack in law().law.packs:
        for article in pack.articles:
            assert f'href="{reverse("publication:article", args=[pack.id, article.id])}"' in html
    assert "집행 중" in html
    assert "예정" in html
    assert "법령 충돌" in html


@pytest.mark.parametrize("city", ["kr_osan", "kr_incheon"])
def test_another_citys_conflicts_show_both_texts(monkeypatch: pytest.MonkeyPatch, city: str) -> None:
    other = load(("kr_national", city)).on(law().on)
    for module in (views, reading):
        monkeypatch.setattr(module, "law", lambda: other)
    html = page("/law/")
    found = other.conflicts()
    assert html.count('class="two-texts"') == len(found) >= 2
    if city == "kr_osan":
        audio = next(c for c in found if c.name == "audio.never" and c.higher.pack == "kr_national")
        assert (audio.higher.id, audio.lower.id) == ("25(5)", "29(2)")
        assert "녹음기능은 사용할 수 없다" in html
        assert "통신비밀보호법" in html
        assert "더 엄격한 조문이 섭니다." in html


def test_an_enforced_article_names_its_code_cases_and_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    # a reader waits a while and sees the page without evidence then; the test waits for the evidence
    monkeypatch.setattr(evidence, "WAIT_SECONDS_MAX", 240)
    html = page("/law/kr_anyang/20/")
    assert "운영업무 전체는 위탁할 수 없다" in html
    assert "gwanje.centre.staff.rules:contractor_limits" in html
    assert "수탁업체 직원은 관리책임자가 될 수 없다" in html
    assert "기록 없음" in html


def test_a_planned_article_is_shown_as_planned() -> None:
    article = next(a for a in law().law.pack("kr_anyang").articles if a.status == "planned")
    html = page(reverse("publication:article", args=["kr_anyang", article.id]))
    assert "예정" in html
    assert article.heading in html
    assert "지키는 코드" not in html


@pytest.mark.parametrize(
    ("city", "article", "word"),
    [
        ("kr_anyang", "9-p", "어떤 거리도 값으로 두지 않습니다"),
        ("kr_osan", "8(1)", "어떤 거리도 값으로 두지 않습니다"),
        ("kr_osan", "35(2)", "밀행은 예외로 적혀 있지 않습니다"),
    ],
)
def test_a_rule_that_waits_is_told_on_its_page(
    monkeypatch: pytest.MonkeyPatch, city: str, article: str, word: str
) -> None:
    """T24, T29: the exemption without a distance and the notice to the subject have no rule yet, and say why."""
    other = load(("kr_national", city)).on(law().on)
    for module in (views, reading):
        monkeypatch.setattr(module, "law", lambda: other)
    address = reverse("publication:article", args=[city, article])
    html = page(address)
    assert re.search("<dt>지키는 규칙</dt><dd>아직 없습니다.</dd>", html)
    assert word in html
    assert re.search("<dt>Rule that keeps it</dt><dd>None yet.</dd>", page(address, "en"))
    assert "지키는 규칙" not in page(reverse("publication:article", args=["kr_national", "25(5)"]))


def test_values_grounds_and_conflicts_of_an_article() -> None:
    assert re.search("<strong>30</strong>일", page("/law/kr_anyang/31(1)/"))
    html = page("/law/kr_anyang/30(1)5/")
    assert "고를 수 없음" in html
    assert "법령 충돌" in html
    # both texts side by side: the repealed item of the Act that stands above, and the ordinance's own
    both = html[html.index('class="two-texts"') : html.index("</section>")]
    assert both.index("삭제&lt;2020.2.4&gt;") < both.index("특정 개인을 알아볼 수 없는 형태로")
    assert "서는 조문" in both
    assert "Gives way" in page("/law/kr_anyang/30(1)5/", "en")
    assert "원문 미확인" in page("/law/kr_national/지침41(2)/")
    assert "효력 없음" in page("/law/kr_national/18(2)4/")


def test_english_second() -> None:
    html = page("/law/kr_anyang/28(2)/", "en")
    assert "Playing stored video is forbidden" in html
    assert "엄격히 금지" in html


@pytest.mark.parametrize("address", ["/law/kr_anyang/999/", "/law/kr_nowhere/1/", "/api/publication/law/kr_anyang/999"])
def test_what_is_not_there(address: str) -> None:
    assert Client().get(address).status_code == 404


def test_nobody_writes() -> None:
    assert Client().post("/law/").status_code in (403, 405)


def test_the_api_says_the_same() -> None:
    packs = Client().get("/api/publication/law").json()
    city = next(p for p in packs if p["id"] == "kr_anyang")
    assert len(city["articles"]) == 103
    one = Client().get("/api/publication/law/kr_anyang/20").json()
    assert one["evidence"][0]["norm"] == "outsourcing.not_whole"
    assert one["state"] == "enforced"


@pytest.mark.usefixtures("system")
def test_counts_come_from_the_ledger_and_no_row_of_it(hire) -> None:
    person = hire("operator", name="김가온비밀")
    before = evidence.counts_of(["live.on_duty"])["live.on_duty"]
    for outcome in ("granted", "granted", "refused"):
        entry = ledger.Entry(
            kind="watching.live.opened", outcome=outcome, norms=("live.on_duty",), actor=person.pk, dies="access"
        )
        ledger.append(cursor(), clock(), entry)
    after = evidence.counts_of(["live.on_duty"])["live.on_duty"]
    assert after["granted"] - before["granted"] == 2
    assert after["refused"] - before["refused"] == 1
    html = page("/law/kr_anyang/22(1)/")
    assert "김가온비밀" not in html
    assert str(person.pk) not in html
    set_scope(connection.cursor(), "system")


def test_every_article_has_a_page_state() -> None:
    today = law()
    for pack in today.law.packs:
        for article in pack.articles:
            assert reading.state_of(article, today.on) in reading.STATES
            assert not article.area or article.area in reading.AREAS

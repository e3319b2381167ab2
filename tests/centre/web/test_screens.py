"""What every page shares: dates in the house's forms, the rail, refusals as pages, colours that can be read."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.utils import translation

import gwanje
from gwanje.apps.web.rail import rail
from gwanje.centre.common import clock
from gwanje.centre.common.dates import letters, span
from gwanje.centre.common.refusal import Problem, josa, say
from gwanje.kernel.actor import ROLES, Actor
from gwanje.kernel.ids import uuid7
from support.centre import Browser

CSS = Path(gwanje.__file__).parent / "apps/web/static/css"
PAIRS = [
    *[(word, ground) for word in ("text", "muted", "accent") for ground in ("bg", "surface", "field", "raised")],
    *[(f"{kind}", f"{kind}-bg") for kind in ("ok", "warn", "bad", "info")],
    *[("text", f"{kind}-bg") for kind in ("ok", "warn", "bad", "info")],
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("bad", "surface"),
]


def test_dates_stand_in_the_forms_of_official_papers():
    night = datetime(2026, 11, 19, 18, 12, 45, tzinfo=UTC)
    assert letters(night) == "2026. 11. 20.(금) 03:12"
    assert letters(date(2026, 11, 1)) == "2026. 11. 1.(일)"
    with translation.override("en"):
        assert letters(date(2026, 11, 20)) == "2026. 11. 20.(Fri)"
    assert span(night, night.replace(second=59)) == "2026-11-20 03:12:45 ~ 03:12:59"
    assert span(night, datetime(2026, 11, 20, 15, 0, tzinfo=UTC)) == "2026-11-20 03:12:45 ~ 2026-11-21 00:00:00"


def test_a_word_takes_its_particle_and_a_problem_speaks_one_language():
    assert [josa(w, "을", "를") for w in ("계정", "기기", "CSV")] == ["계정을", "기기를", "CSV를"]
    problem = Problem("x", "열이 없습니다.", "No columns.", next_="CSV를 올리십시오. / Upload a CSV.")
    assert say(problem) == "열이 없습니다. CSV를 올리십시오."
    with translation.override("en"):
        assert say(problem) == "No columns. Upload a CSV."


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_the_rail_keeps_what_only_the_shift_is_missing_for(role):
    off, on = (Actor(uuid7(), "김", frozenset({role}), uuid7(), "관제석-1", on_duty=duty) for duty in (False, True))
    shown = [[link["href"] for link in rail(actor, "/")] for actor in (off, on)]
    assert shown[0] == shown[1]
    assert ("/watch/" in shown[0]) == (role in ("operator", "seconded_police", "manager", "chief_officer"))
    assert ("/playback/" in shown[0]) == (role not in ("administrator", "maintenance"))


def test_a_refusal_links_its_articles_and_the_page_shows_the_centres_clock(sign_in, officers):
    page = sign_in(officers["operator"]).get("/staff/", HTTP_REFERER="http://evil.example/x")
    text = page.content.decode()
    assert page.status_code == 403
    assert '<a href="/law/kr_anyang/28(1)/">' in text
    assert "evil.example" not in text
    said = re.search(r'data-now="(\d+)"', text)
    assert said
    assert abs(int(said[1]) - clock().now_s()) < 10


def test_strangers_get_pages_too(city):
    browser = Browser()
    posted = browser.post("/staff/shift/start/")
    assert posted.status_code == 401
    assert "<h1>로그인이 필요합니다</h1>" in posted.content.decode()
    for _ in range(121):
        answer = browser.get("/staff/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "<h1>잠시 뒤 다시 하십시오</h1>" in answer.content.decode()


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb (WCAG 2.2)."""
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sheet", ["control.css", "public.css"])
def test_every_word_can_be_read(sheet):
    known = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", (CSS / sheet).read_text()))
    weak = {pair: contrast(known[pair[0]], known[pair[1]]) for pair in PAIRS}
    assert not {pair: round(ratio, 2) for pair, ratio in weak.items() if ratio < 4.5}
    assert contrast(known["focus"], known["bg"]) >= 3, "the ring of the focus"

"""What was typed comes back with whatever refuses it, to its own sender only, and goes through when sent again."""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from django.urls import get_resolver

import gwanje
from gwanje.centre.common import clock
from gwanje.centre.common.typed import ROOMS
from gwanje.centre.playback import services as playback
from gwanje.centre.playback.models import Request
from gwanje.centre.staff import services as staff
from support.centre import Browser, enter
from support.playback import approve, ask

pytestmark = pytest.mark.django_db
CASE, PURPOSE = "2026-형제-0123", "절도 사건의\n동선 확인 <b>"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture
def form(camera, now_s):
    """The request form, filled."""
    local = [f"{datetime.fromtimestamp(at, clock().zone):%Y-%m-%d %H:%M:%S}" for at in (now_s - 600, now_s - 540)]
    return {
        "step": "ask", "cameras": [str(camera.pk)], "first": local[0], "until": local[1], "ground": "investigation",
        "case": CASE, "purpose": PURPOSE, "document": "가온경찰서 형사과-1234",
    }  # fmt: skip


def again(page: str) -> dict[str, list[str]]:
    """What the refusing page's form would send."""
    assert page.count('<form class="form typed"') == 1
    inner = page.split('<form class="form typed"', 1)[1].split("</form>", 1)[0]
    found: dict[str, list[str]] = {}
    for name, value in HIDDEN.findall(inner):
        if name != "csrfmiddlewaretoken":
            found.setdefault(unescape(name), []).append(unescape(value))
    return found


def test_a_refusal_gives_the_form_back_and_takes_it_later(form, hire, sign_in):
    operator = hire("operator")
    browser = sign_in(operator)
    refused = browser.post("/playback/new/", form)
    page = refused.content.decode()
    assert refused.status_code == 403
    assert "2026-형제-0123" in page
    assert "&lt;b&gt;" in page
    assert "동선 확인 <b>" not in page
    assert {name: value for name, value in again(page).items() if name != "purpose"} == {
        name: value if isinstance(value, list) else [value] for name, value in form.items() if name != "purpose"
    }
    assert again(page)["purpose"] == [PURPOSE]
    # the reason is gone: the very same goes through
    staff.start_shift(operator, "관제석-1")
    assert browser.post("/playback/new/", again(page)).status_code == 302
    assert Request.objects.get().purpose == PURPOSE


def test_its_own_page_is_filled_again_and_writes_nothing(form, hire, sign_in):
    browser = sign_in(hire("operator"), duty=True)
    page = browser.post("/playback/new/", {**form, "document": ""}).content.decode()
    assert 'data-code="document_missing"' in page
    assert 'name="typed" value="edit"' in page
    edited = browser.post("/playback/new/", {**again(page), "typed": "edit"})
    assert edited.status_code == 200
    assert f'value="{CASE}"' in edited.content.decode()
    assert "동선 확인 &lt;b&gt;" in edited.content.decode()
    assert not Request.objects.exists()


def test_a_session_that_ended_costs_no_text(form, stranger, hire, seat):
    turned = stranger.post("/playback/new/", form)
    assert turned.status_code == 401
    kept = again(turned.content.decode())
    browser = Browser()
    person = hire("operator")
    staff.start_shift(person, seat.code)
    enter(browser, person, seat)
    assert browser.post("/playback/new/", kept).status_code == 302


def test_a_form_that_is_too_old_comes_back_to_its_own_site_only(form, hire, seat):
    person = hire("operator")
    browser = Browser(enforce_csrf_checks=True)
    enter(browser, person, seat)
    own = browser.post("/playback/new/", form, headers={"origin": "http://testserver"})
    assert (own.status_code, again(own.content.decode())["case"]) == (403, [CASE])
    for origin in ("https://evil.example", "null", ""):
        strange = browser.post("/playback/new/", form, headers={"origin": origin})
        assert strange.status_code == 403
        assert CASE not in strange.content.decode()
    assert not Request.objects.exists()


def test_a_fault_costs_no_text(form, hire, sign_in, monkeypatch):
    browser = sign_in(hire("operator"), duty=True)
    browser.raise_request_exception = False

    def fails(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(playback, "ask", fails)
    failed = browser.post("/playback/new/", form)
    assert failed.status_code == 500
    assert again(failed.content.decode())["purpose"] == [PURPOSE]
    assert "planted" not in failed.content.decode()


def test_a_note_stays_in_its_field(camera, now_s, hire, sign_in):
    asker, manager = sign_in(hire("operator"), duty=True), sign_in(hire("manager"), duty=True)
    id_ = ask(asker, camera, now_s).json()["id"]
    other = sign_in(hire("chief_officer"), duty=True)
    assert approve(manager, id_).status_code == 200
    late = other.post(f"/playback/requests/{id_}/refuse/", {"note": "범위가 넓어 <줄여> 주십시오"})
    assert late.status_code == 409
    assert "이미 처리된 신청입니다" in late.content.decode()
    # nobody decides any more, so there is no field: on the page that refuses a person it stands as text
    mine = sign_in(hire("auditor"), duty=True).post(f"/playback/requests/{id_}/refuse/", {"note": "범위가 넓음"})
    assert mine.status_code == 403
    assert "범위가 넓음" in mine.content.decode()
    waiting = ask(asker, camera, now_s).json()["id"]
    long = manager.post(f"/playback/requests/{waiting}/refuse/", {"note": "가" * 501})
    assert long.status_code == 422
    assert f'value="{"가" * 501}"' in long.content.decode()


def test_what_rooms_with_secrets_were_sent_is_never_shown(hire, sign_in, stranger, city):
    secret = "비밀-번호-9183"
    browser = sign_in(hire("operator"), duty=True)
    for path in ("/cameras/import/", "/staff/people/", "/staff/me/password/", "/login/"):
        for one in (browser, stranger):
            answer = one.post(path, {"password": secret, "note": secret, "case": secret, "old": secret})
            assert secret not in answer.content.decode(), path


def test_rooms_that_give_text_back_take_no_secret():
    folder = Path(gwanje.__file__).parent / "centre"
    spaces = {pattern.namespace for pattern in get_resolver().url_patterns if hasattr(pattern, "namespace")}
    assert not ROOMS - spaces
    for room in ROOMS:
        for file in [*(folder / room).rglob("*.py"), *(folder / room).rglob("*.html")]:
            assert not re.search(r'PasswordInput|type="password"|name="(password|address|secret)"', file.read_text())

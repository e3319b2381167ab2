"""Officers sign on vaultd's own pages in a real browser: keys registered, a request signed by two, a second played;
at night by a spoken code within twelve keystrokes. Signing never goes off again: files after this one in the folder
ask for nothing that accounts approve."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page

from browser.conftest import SHOTS, Desk, poll, sit_down
from gwanje.vault.client import ConsoleClient, VaultClient
from story.centre import PASSWORD, Centre, until

pytestmark = [pytest.mark.browser, pytest.mark.story]
SEATS = {
    "seconded_police": ("police", "열람실-1"),
    "chief_officer": ("chief", "관제석-4"),
    "manager": ("manager", "관제석-1"),
}
WIDTHS = (1920, 1280, 390)


@dataclass
class Officer:
    """One officer at a desk with a security key of their own, which asks for a fingerprint and gets it."""

    id: UUID
    desk: Desk
    key: str
    presses: int = 0

    @property
    def page(self) -> Page:
        return self.desk.page

    def press(self, *keys: str) -> None:
        """Keys as fingers press them, counted."""
        for key in keys:
            self.page.keyboard.press(key)
            self.presses += 1


@dataclass
class Room:
    """The centre's officers and its console."""

    centre: Centre
    console: ConsoleClient
    officers: dict[str, Officer] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.centre.home.port + 3}"

    def confirm(self) -> list[tuple[UUID, str]]:
        return [(self.officers[role].id, PASSWORD) for role in ("chief_officer", "manager")]


def sit(chromium: Browser, centre: Centre, role: str, id_: UUID) -> Officer:
    """Sit down with a key in the browser (CTAP2, built in, with user verification)."""
    desk = sit_down(chromium, centre.base, *SEATS[role], 1280, 900)
    wire = desk.page.context.new_cdp_session(desk.page)
    wire.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return Officer(id_, desk, made["authenticatorId"])


@pytest.fixture(scope="module")
def room(centre: Centre, chromium: Browser) -> Iterator[Room]:
    """Three officers whose keys were made on vaultd's page and taken in by two of them: signing is on."""
    console = ConsoleClient(centre.home)
    known = {o["role"]: UUID(bytes=o["id"]) for o in console.ask("officers")["officers"]}
    made = Room(centre, console)
    for role in SEATS:
        made.officers[role] = sit(chromium, centre, role, known[role])
    chief = made.officers["chief_officer"].id
    # while passwords still count: what a telephone call may approve, and who may give it
    rules = console.ask("officers")["rules"]
    console.ask("approver_rules", made.confirm(), rules={**rules, "urgent": ["investigation"]})
    entry = {"id": chief.bytes, "role": "chief_officer", "agency": bytes(16), "password": PASSWORD}
    console.ask("officer_add", made.confirm(), add=[{**entry, "delegation": "위임전결 규정 제7조(가상)"}])
    for role, officer in made.officers.items():
        ticket = console.ask("key_ticket", person=officer.id.bytes, role=role, label="지문 보안키")["ticket"]
        page = officer.page
        page.goto(f"{made.origin}/register/{ticket.hex()}")
        page.wait_for_selector("#key:focus")
        page.keyboard.press("Enter")
        page.wait_for_selector("#fingerprint")
        if role == "manager":
            shots(page, "sign-registered")
        done = console.ask("key_add", made.confirm(), ticket=ticket)
        assert page.inner_text("#fingerprint").replace(" ", "") == done["key"].hex()
    assert done["signing"]
    yield made
    for officer in made.officers.values():
        officer.page.context.close()


def shots(page: Page, name: str) -> None:
    """The page as a desk, a laptop and a telephone show it; only where GWANJE_SHOTS says."""
    if SHOTS:
        before = page.viewport_size
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 1080 if width > 400 else 844})
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
        page.set_viewport_size(before)


def ask(centre: Centre, case: str) -> str:
    """The police officer's request for six recorded seconds, through the API; its id."""
    officer = centre.sign_in("police", "열람실-1")
    camera = officer.get("/api/cameras/").json["items"][0]["id"]

    def recorded() -> int:
        now = int(time.time())
        seen = officer.post("/api/playback/look", {"cameras": [camera], "first": now - 20, "until": now - 9})
        return now if seen.status == 200 and seen.json["cameras"][0]["seconds"] >= 11 else 0

    now = until("some seconds stored", recorded, 120, 1)
    ground = next(g["code"] for g in officer.get("/api/playback/grounds").json if "수사" in g["ko"])
    body = {
        "cameras": [camera], "first": now - 17, "until": now - 11, "ground": ground, "case": case,
        "document": "○○경찰서 형사과-1234(2026. 11. 20.)", "purpose": "시청 앞 폭행 사건의 증거 확보",
    }  # fmt: skip
    made = officer.post("/api/playback/requests", body)
    assert made.status == 200, made.text
    return made.json["id"]


def at_sign(page: Page, room: Room) -> None:
    poll("vaultd's page", lambda: page.locator("#act[data-page=sign] #key:focus").count() == 1)
    assert page.url.startswith(f"{room.origin}/sign/")


def plays(page: Page) -> None:
    """The picture moves."""
    video = page.locator("gw-player video")
    poll("the picture moves", lambda: video.count() == 1 and video.evaluate("v => v.currentTime") > 0.5, 60)


def test_two_officers_sign_and_a_second_plays(room: Room):
    police, chief = room.officers["seconded_police"], room.officers["chief_officer"]
    path = f"/playback/requests/{ask(room.centre, '2026-형제-0077')}/"
    # who approves before the asker has signed is told so
    page = chief.desk.open(path)
    assert page.locator("button:has-text('서명하여 승인')").is_disabled()
    page = police.desk.open(path)
    police.desk.shot("sign-waits")
    page.click("text=서명하러 가기")
    at_sign(page, room)
    assert page.inner_text("h1").startswith("저장 영상 열람·재생에 서명")
    for words in ("2026-형제-0077", "최파견(가상)", "A-0101", "센터가 말한 이름"):
        assert words in page.inner_text("main")
    shots(page, "sign-open")
    page.keyboard.press("Enter")
    poll("back at the request", lambda: page.locator(".kv >> text=서명함").count() == 1)
    assert urlsplit(page.url).path == path
    assert "signed" not in page.url
    assert page.locator("#state").get_attribute("data-state") == "asked"
    page = chief.desk.open(path)
    page.fill("#note", "범위가 적정함")
    page.click("text=서명하여 승인")
    at_sign(page, room)
    assert "최파견(가상)" in page.inner_text("main")
    page.keyboard.press("Enter")
    poll("approved", lambda: page.locator("#state[data-state=approved]").count() == 1)
    assert "범위가 적정함" in page.inner_text("main")
    page = police.desk.open(path)
    page.locator(".page-head a.primary").click()
    plays(page)
    assert [d.desk.faults for d in (police, chief)] == [[], []]
    assert police.desk.strangers == []


def test_at_night_a_spoken_code_opens_within_twelve_keystrokes(room: Room):
    police, chief = room.officers["seconded_police"], room.officers["chief_officer"]
    pending = room.console.ask("pend_codes", person=chief.id.bytes, count=4)["id"]
    page = chief.page
    page.goto(f"{room.origin}/sign/{pending.hex()}?as={chief.id}")
    page.wait_for_selector("#key:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector("#codes li")
    shots(page, "sign-codes")
    code = page.locator("#codes li").first.inner_text().replace(" ", "")
    path = f"/playback/requests/{ask(room.centre, '2026-실종-0003')}/"
    page = police.desk.open(path)
    police.presses = 0
    began = time.monotonic()
    page.wait_for_selector("button[autofocus]:focus")
    police.press("Enter")
    at_sign(page, room)
    police.press("Enter")
    poll("the code is asked for", lambda: page.locator("#code:focus").count() == 1)
    shots(page, "sign-code")
    police.press(*code, "Enter")
    poll("approved", lambda: page.locator("#state[data-state=approved]").count() == 1)
    page.wait_for_selector("a.primary[autofocus]:focus")
    police.press("Enter")
    plays(page)
    print(f"\nfirst picture after {time.monotonic() - began:.1f} s and {police.presses} keystrokes")
    assert police.presses <= 12
    assert "전화 승인코드" in police.desk.open(path).inner_text("main")
    # the absent approver owes a written confirmation, and gives it by signing the same act
    page = chief.desk.open(path)
    chief.desk.shot("sign-confirm")
    page.click("text=서명하러 가기")
    at_sign(page, room)
    page.keyboard.press("Enter")
    poll("confirmed", lambda: page.locator("#state").count() == 1 and page.locator(".notice.bad").count() == 0)
    assert room.console.ask("status")["officers"] > 2


def test_what_a_signing_page_says_when_it_cannot(room: Room):
    police, manager = room.officers["seconded_police"], room.officers["manager"]
    page = police.page
    page.goto(f"{room.origin}/sign/{os.urandom(16).hex()}?as={police.id}")
    assert "기한(15분)이 지났습니다" in page.inner_text("main")
    shots(page, "sign-gone")
    visitor = room.centre.sign_in("police", "열람실-1")
    made = visitor.post(f"/api/playback/requests/{ask(room.centre, '2026-형제-0078')}/sign").json
    page.goto(made["url"].replace(str(police.id), str(UUID(int=7))))
    assert "등록된 담당공무원이 아닙니다" in page.inner_text("#act")
    shots(page, "sign-nobody")
    # another officer's browser has no key of this one
    other = manager.page
    other.goto(made["url"])
    other.wait_for_selector("#key:focus")
    other.keyboard.press("Enter")
    poll("it says so", lambda: other.locator("#say.bad").count() == 1)
    assert "서명하지 않았습니다" in other.inner_text("#say")
    shots(other, "sign-failed")
    assert room.console.ask("shown", id=bytes.fromhex(made["sign"]))["signatures"] == []


def test_a_hold_is_made_and_prolonged_by_signatures(room: Room):
    chief, manager = room.officers["chief_officer"], room.officers["manager"]
    ask(room.centre, "2026-형제-0079")
    page = chief.desk.open("/preservation/new/")
    camera = page.locator("select[name=cameras] option").first.get_attribute("value")
    now = int(time.time()) - 11
    page.select_option("select[name=cameras]", camera)
    page.select_option("select[name=ground]", "investigation")
    page.fill("input[name=case]", "2026-형제-0079")
    page.fill("[name=reason]", "공판에 쓸 증거로 보존")
    for name, at in (("first", now - 4), ("until", now)):
        page.fill(f"input[name={name}]", time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + 9 * 3600)))
    page.click("button[value=hold]")
    at_sign(page, room)
    assert "영상 보존에 서명" in page.inner_text("h1")
    shots(page, "sign-hold")
    page.keyboard.press("Enter")
    poll("the hold stands", lambda: page.locator("#state[data-state=standing]").count() == 1)
    path = urlsplit(page.url).path
    page.select_option("select[name=ground]", "trial")
    page.fill("[name=reason]", "공판이 열림")
    page.fill("input[name=ends]", time.strftime("%Y-%m-%d", time.gmtime(now + 40 * 86_400)))
    page.click("text=연장 신청하기")
    at_sign(page, room)
    page.keyboard.press("Enter")
    poll("back at the hold", lambda: page.locator("#state[data-state=standing]").count() == 1)
    page = manager.desk.open(path)
    page.click("text=위 기간의 보존을 승인")
    at_sign(page, room)
    assert "보존 연장에 서명" in page.inner_text("h1")
    page.keyboard.press("Enter")
    poll("prolonged", lambda: page.locator(".badge.ok:has-text('승인')").count() > 0)
    (held,) = VaultClient(room.centre.home, "web").holds()
    assert (held.kind, held.case, [act.act for act in held.acts]) == ("trial", "2026-형제-0079", ["made", "prolonged"])
    # the same over the API: a refusal that names the page, and the same request again with what was signed there
    visitor = room.centre.sign_in(*SEATS["chief_officer"])
    body = {
        "cameras": [camera], "first": now - 4, "until": now, "ground": "investigation", "case": "2026-형제-0080",
        "reason": "공판에 쓸 증거로 보존",
    }  # fmt: skip
    led = visitor.post("/api/preservation/holds", body)
    assert (led.status, led.json["error"]) == (409, "signature_needed")
    page = chief.page
    page.goto(led.json["url"])
    at_sign(page, room)
    page.keyboard.press("Enter")
    signed = {**body, "sign": led.json["sign"]}
    poll("held", lambda: visitor.post("/api/preservation/holds", signed).status == 201)
    assert len(VaultClient(room.centre.home, "web").holds()) == 2

"""Every page of the URL conf as every role sees it: one heading, a title, nothing wider than the screen, no fault."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, BrowserContext, Page

import gwanje
from browser.keys import kinds, skips, walk, watch
from story.centre import PASSWORD, Centre, Visitor, environment, until

pytestmark = pytest.mark.browser
SEATS = {
    "operator": "열람실-1",
    "chief": "관제석-1",
    "admin": "관제석-2",
    "auditor": "관제석-3",
    "upkeep": "관제석-4",
    "neighbour2": "이웃석-1",
}
# whose pages are walked by keyboard only: they are made of what the others see
OTHERS = {"manager": "관제석-2", "privacy": "관제석-3", "police": "관제석-4"}
# what answers with something else than a page, or only to a form that was sent
NO_PAGE = {
    "health", "set_language", "logout", "watching:events", "watching:relay", "cameras:import_refused", "cameras:export",
    "retention:certificate-pdf", "retention:certificate-json", "staff:shift-start", "staff:shift-end", "staff:grant",
    "staff:revoke", "watching:emergency_open", "watching:emergency_end", "watching:emergency_review",
    "playback:approve", "playback:refuse", "playback:cancel", "retention:classes", "cameras:import_confirm",
    "cameras:state", "cameras:mandate", "cameras:credentials", "watching:ptz_tell", "watching:ptz_review",
    "watching:glass_end", "watching:glass_review", "watching:glass_restore",
    "inspection:form", "inspection:enter", "inspection:close", "inspection:sign", "inspection:send", "inspection:step",
    "preservation:prolong", "preservation:end", "preservation:agree", "preservation:decline", "preservation:form-pdf",
    "preservation:delete-agree", "preservation:delete-refuse", "preservation:delete-cancel", "retention:countersign",
    "preservation:act-sign", "preservation:delete-sign", "preservation:signed", "playback:sign", "playback:signed",
    "log", "log_cosignature", "staff:codes",
    "papers:file", "papers:filled", "papers:filled-file", "papers:public-file",
    "statistics:csv", "statistics:public-csv", "publication:law_report_file",
    "staff:appoint", "staff:train", "staff:readmit", "staff:engage", "staff:contract-end", "cameras:mandate_end",
    "cameras:hours", "duties:extend", "duties:close", "publication:announce", "publication:withdraw",
    "publication:text", "publication:draft", "publication:write_department", "publication:sign_pdf",
    "publication:sign_photo", "publication:archive", "statistics:print",
}  # fmt: skip
OBJECT = {
    "staff:person": "person",
    "staff:departure": "person",
    "staff:contract": "contract",
    "duties:duty": "duty",
    "publication:version": "version",
    "publication:sign": "sign",
    "cameras:camera": "camera",
    "cameras:zone": "dome",
    "cameras:device": "dome",
    "cameras:import": "batch",
    "retention:certificate": "certificate",
    "inspection:fault": "fault",
    "preservation:hold": "hold",
    "preservation:again": "hold",
    "preservation:deletion": "deletion",
    "playback:request": "asked",
    "playback:play": "approved",
}
LAW = "/law/kr_anyang/28(2)/"
NAMED = {
    "publication:article": LAW,
    "publication:policy": "/law/policy/",
    "publication:plan": "/law/plan/",
    "publication:page": "/law/departments/",
    "publication:items": "/law/desk/policy/",
    "publication:law_report": "/law/desk/report/kr_anyang/",
    "papers:form": "/papers/kr_anyang/ANY-F2/",
    "papers:fill": "/papers/kr_anyang/ANY-F1/fill/",
    "papers:public-form": "/papers/public/kr_anyang/ANY-F3/",
}
WIDTHS = (1280, 1920)
HANGUL = re.compile("[가-힣]")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NEVER = re.compile(
    r"퍼밋|볼트|(?<![가-힣])틱(?![가-힣])|티켓|금고|오전 |오후 |을\(를\)|은\(는\)|이\(가\)|undefined|NaN|%\("
)
READ = """() => {
  const seen = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, text = node.textContent.trim();
    if (text && !node.parentElement.closest('[lang=ko], script, style')) seen.push(text);
  }
  return {
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: [...document.querySelectorAll('h1')].map(h => h.textContent.trim()),
    title: document.title, language: document.documentElement.lang, said: document.body.innerText, seen,
    unnamed: [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href]')].filter(
      // the player names its buttons when it has a picture
      e => !e.closest('gw-player') &&
      !(e.labels && e.labels.length) && !e.ariaLabel && !e.textContent.trim() && !e.title).map(e => e.outerHTML),
  };
}"""
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
SERIOUS = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(
    v => `${v.id} x ${v.nodes.length}: ${v.help} ${v.nodes.slice(0, 3).map(n => n.target.join(' '))}`);
}"""
OPEN = ("login", "nowhere", "publication:", "papers:public", "statistics:public", "staff:me")
PHONE = (
    "login", "publication:index", "publication:article", "publication:policy", "publication:plan", "publication:page",
    "papers:public", "papers:public-form", "statistics:public",
)  # fmt: skip
# parts that a script fetches or draws, and what is there when it has
PARTS = {
    "gw-wall": "#camera-list li, #camera-none:not([hidden])", "gw-map": "gw-map[data-cameras]",
    "#zone-editor": "#zone-editor button", "gw-player": "gw-player .player-bar",
}  # fmt: skip
OVER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
# what makes a walk by Tab fail: each is done to a page that is right
FAULTS = {
    "tabindex 3": "e => e.tabIndex = 3",
    "nothing shows the focus": "e => { e.style.outline = 'none'; e.style.border = '0'; }",
    "the ring has a contrast of": "e => e.style.outlineColor = '#fdfdfd'",
    "the ring is cut off": "e => { const box = document.createElement('div'); e.replaceWith(box); box.append(e);"
    " box.style.cssText = 'overflow:hidden;width:fit-content;line-height:0'; }",
    "Tab never comes here": "e => e.tabIndex = -1",
    "the focus does not come round": "e => e.addEventListener('keydown', k => k.key === 'Tab' && k.preventDefault())",
    "it is out of sight or covered": "e => { const over = document.createElement('div'); document.body.append(over);"
    " over.style.cssText = 'position:fixed;inset:0;background:#fff'; }",
    "only a pointer can use it": "e => { const row = document.createElement('div'); row.textContent = 'x';"
    " e.parentElement.append(row); row.addEventListener('click', () => 0); }",
    "comes before the skip link": "e => document.body.prepend(e)",
}


@dataclass
class Pages:
    """Addresses by URL name, and the words of the catalogues."""

    addresses: dict[str, str]
    korean: set[str]


@pytest.fixture(scope="module")
def pages(centre: Centre) -> Iterator[Pages]:
    """One address for every page of the URL conf, with something behind it that can be seen."""
    script = Path(__file__).with_name("things.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(centre.home),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout.splitlines()[-1])
    operator, chief = centre.sign_in("operator", "열람실-1"), centre.sign_in("chief", "관제석-1")
    made["things"] |= requests(operator, chief)
    yield Pages(
        {name: address(name, route, made["things"]) for name, route in made["routes"].items() if name not in NO_PAGE},
        korean(),
    )
    # the centre is shared: other tests start these shifts at other seats
    for person in (operator, chief):
        assert person.post("/api/staff/shift/end").status == 200


def address(name: str, route: str, things: dict[str, str]) -> str:
    """The page's address; a URL with an id needs its object named above."""
    if name in NAMED:
        return NAMED[name]
    if "<" not in route:
        return route
    assert name in OBJECT, f"{name}: a new page needs an object to show, or a place in NO_PAGE"
    return re.sub(r"<[^>]+>", things[OBJECT[name]], route)


def requests(operator: Visitor, chief: Visitor) -> dict[str, str]:
    """One request that waits and one that is approved, of the operator, and their camera."""
    known = {item["number"]: item["id"] for item in operator.get("/api/cameras?limit=100").json["items"]}
    camera, dome = known["A-0101"], known["A-0104"]
    made = [until("recorded footage can be asked for", lambda: ask(operator, camera), 60, 1) for _ in range(2)]
    assert chief.post(f"/api/playback/requests/{made[1]}/approve").status == 200
    return {"asked": made[0], "approved": made[1], "camera": camera, "dome": dome}


def ask(operator: Visitor, camera: str) -> str | None:
    now = int(time.time())
    said = {"cameras": [camera], "first": now - 12, "until": now - 6, "ground": "investigation", "case": "2026-0001"}
    done = operator.post("/api/playback/requests", {**said, "document": "형사과-1234", "purpose": "이동 경로 확인"})
    return str(done.json["id"]) if done.status == 200 else None


def korean() -> set[str]:
    """Every Korean source string of the catalogues that the English pages replace."""
    found: set[str] = set()
    for file in Path(gwanje.__file__).parent.rglob("locale/en/LC_MESSAGES/django.po"):
        with file.open("rb") as handle:
            for message in read_po(handle):
                ids = [message.id] if isinstance(message.id, str) else message.id
                found |= {one for one in ids if HANGUL.search(one)}
    return found


def seat(account: str) -> str:
    """The station at which a person works in these tests."""
    return (SEATS | OTHERS)[account]


def enter(
    chromium: Browser, base: str, account: str, language: str = "ko", *, bypass_csp: bool = False
) -> tuple[BrowserContext, list[str]]:
    """A browser in which the person has signed in, 390 px wide, and the list of its faults."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, bypass_csp=bypass_csp)
    context.add_cookies([{"name": "gwanje_language", "value": language, "url": base}])
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    # the answer of a refused page itself is no fault of the page
    context.on(
        "console",
        lambda said: (
            faults.append(f"{said.page.url if said.page else ''}: {said.text}")
            if said.type == "error" and said.location.get("url") != (said.page.url if said.page else "")
            else None
        ),
    )
    if account:
        page = context.new_page()
        page.goto(base + "/login/?next=/staff/me/")
        page.fill("input[name=account]", account)
        page.fill("input[name=password]", PASSWORD)
        page.select_option("select[name=station]", seat(account))
        page.click("main button.primary")
        assert "/login/" not in page.url, account
    return context, faults


def faults_of(page: Page, name: str, status: int, pages: Pages, english: bool) -> list[str]:
    """What is wrong with the page that stands there."""
    found: dict[str, Any] = page.evaluate(READ)
    wrong = []
    if found["over"] > 0:
        wrong.append(f"{found['over']} px wider than 390")
    if len(found["headings"]) != 1 or not found["headings"][0]:
        wrong.append(f"headings: {found['headings']}")
    if " · " not in found["title"] or found["title"].startswith(" ·"):
        wrong.append(f"title: {found['title']!r}")
    if found["language"] != ("en" if english else "ko"):
        wrong.append(f"language: {found['language']}")
    if UUID.search(found["said"]) or NEVER.search(found["said"]):
        wrong.append(f"said: {(UUID.search(found['said']) or NEVER.search(found['said']))!r}")
    if not english and "None" in found["said"]:
        wrong.append("said: None")
    if english:
        wrong += [f"not English: {text}" for text in found["seen"] if text in pages.korean]
    if found["unnamed"]:
        wrong.append(f"without a name: {found['unnamed']}")
    if status not in (200, 403, 404):
        wrong.append(f"status {status}")
    for width in WIDTHS if status == 200 else ():
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate(OVER)
        if over > 0:
            wrong.append(f"{over} px wider than {width}")
    if status == 200:
        page.set_viewport_size({"width": 390, "height": 844})
    return [f"{name} ({page.url}): {text}" for text in wrong]


@pytest.mark.parametrize(
    ("account", "language"),
    [("", "ko"), *((account, "ko") for account in SEATS if account != "chief"), ("chief", "en"), ("", "en")],
)
def test_every_page(centre: Centre, chromium: Browser, pages: Pages, account: str, language: str) -> None:
    context, faults = enter(chromium, centre.base, account, language)
    page = context.new_page()
    wrong: list[str] = []
    addresses = {**pages.addresses, "nowhere": "/no/such/page/"}
    if not account:
        addresses = {
            n: a
            for n, a in addresses.items()
            if n in ("login", "nowhere") or n.startswith(("publication:", "papers:public", "statistics:public"))
        }
    for name, path in addresses.items():
        answer = page.goto(centre.base + path, wait_until="domcontentloaded")
        assert answer is not None
        wrong += faults_of(page, name, answer.status, pages, language == "en")
    assert not wrong, "\n".join(wrong)
    assert not faults
    context.close()


@pytest.mark.parametrize("account", SEATS)
def test_the_rail_leads_only_where_the_person_may_go(centre: Centre, account: str) -> None:
    person = centre.sign_in(account, SEATS[account], shift=False)
    rail = person.get("/staff/me/").text.partition('<aside class="rail">')[2].partition("</aside>")[0]
    shown = re.findall(r'<a href="([^"]+)"', rail)
    assert "/law/" in shown
    for path in shown:
        assert person.get(path).status == 200, path
    # what is not shown is refused, or has nothing to show to this person
    assert ("/staff/" in shown) == (person.get("/staff/").status == 200)
    assert ("/retention/" in shown) == (person.get("/retention/").status == 200)
    assert ("/playback/" in shown) == (account not in ("admin", "upkeep"))
    assert ("/watch/" in shown) == (account in ("operator", "chief", "neighbour2"))
    assert ("/watch/emergencies/" in shown) == (account in ("chief", "auditor")), "who reviews, and who audits reviews"
    tabs = person.get("/cameras/").text
    assert ('href="/cameras/recorders/"' in tabs) == (person.get("/cameras/recorders/").status == 200)
    assert ('href="/cameras/discover/"' in tabs) == (person.get("/cameras/discover/").status == 200)


@pytest.fixture(scope="module")
def walked() -> set[str]:
    """What the pages that were walked by keyboard are made of: a page that another person sees the same is not new."""
    return set()


@pytest.mark.parametrize("account", ["", "chief", *(a for a in SEATS if a not in ("chief", "neighbour2")), *OTHERS])
def test_every_page_by_keyboard_and_axe(
    centre: Centre, chromium: Browser, pages: Pages, walked: set[str], account: str
) -> None:
    # axe-core is no script of ours: the pages' own policy would refuse it
    context, _faults = enter(chromium, centre.base, account, bypass_csp=True)
    watch(context)
    page = context.new_page()
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    asked = Visitor(centre.base)
    if account:
        asked = centre.sign_in(account, seat(account))
    wrong: list[str] = []
    stops = 0
    for name, path in {**pages.addresses, "nowhere": "/no/such/page/"}.items():
        # a stranger who asks too much is answered 429
        if not account and not name.startswith(OPEN):
            continue
        said = asked.get(path)
        if "<main" not in said.text:
            continue
        # a page of the same parts as one before is not walked again; labels and texts are read on every page
        new = (made := kinds(said.text)) not in walked
        if not new and account not in ("", "chief"):
            continue
        walked.add(made)
        page.goto(centre.base + path, wait_until="domcontentloaded")
        ready(page)
        found, here = walk(page, frame=not stops) if new else ([], 0)
        stops += here
        page.evaluate(AXE.read_text(encoding="utf-8"))
        wrong += [f"{name} ({path}): {text}" for text in (*found, *page.evaluate(SERIOUS))]
    page.goto(centre.base + ("/staff/me/" if account else LAW))
    wrong += skips(page)
    if not account:
        wrong += small(page, centre.base, pages)
    context.close()
    if account not in ("", "operator", "chief"):
        asked.post("/api/staff/shift/end")
    assert not wrong, "\n".join(wrong)
    assert stops or account not in ("", "chief"), "whoever is walked first has seen nothing before"


def ready(page: Page) -> None:
    """What a script fetches or draws is there: the walk asks only of what it sees."""
    for part, there in PARTS.items():
        if page.locator(part).count():
            page.locator(there).first.wait_for(state="attached")


def small(page: Page, base: str, pages: Pages) -> list[str]:
    """The public pages once more, as wide as a telephone: parts scroll there, and a ring may be cut off."""
    page.set_viewport_size({"width": 390, "height": 844})
    wrong = []
    for name in (n for n in pages.addresses if n in PHONE):
        page.goto(base + pages.addresses[name], wait_until="domcontentloaded")
        wrong += [f"{name} at 390: {text}" for text in walk(page)[0]]
    return wrong


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_the_keyboard_cannot_use_fails_the_walk(tabbed: Page, fault: str) -> None:
    tabbed.reload()
    tabbed.locator("main button.primary").evaluate(FAULTS[fault])
    assert fault in "\n".join(walk(tabbed)[0])


@pytest.fixture(scope="module")
def tabbed(centre: Centre, chromium: Browser) -> Iterator[Page]:
    """The log-in page, in which the walk finds nothing wrong."""
    context, _faults = enter(chromium, centre.base, "")
    watch(context)
    page = context.new_page()
    page.goto(centre.base + "/login/")
    assert walk(page)[0] == []
    yield page
    context.close()

"""Accessibility (접근성): axe-core finds nothing serious on any page that officers or citizens see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from browser.test_pages import PASSWORD, SEATS, Pages, pages  # noqa: F401 - the fixture
from story.centre import Centre

pytestmark = pytest.mark.browser
AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
LOOK = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical').map(v => ({
    id: v.id, help: v.help, count: v.nodes.length, first: v.nodes.slice(0, 3).map(n => n.target.join(' '))}));
}"""
# the control room's own pages carry video and a map that have tests of their own
LIVE = ("watching:wall", "watching:map", "playback:play")


def violations(page: Page, name: str) -> list[str]:
    """Serious and critical findings of axe-core on the page that stands there."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(LOOK)
    return [f"{name}: {one['id']} x {one['count']}: {one['help']} {one['first']}" for one in found]


@pytest.mark.parametrize("account", ["", "chief"])
def test_nothing_serious_is_found_on_any_page(
    centre: Centre,
    chromium: Browser,
    pages: Pages,
    account: str,  # noqa: F811
) -> None:
    # axe-core is no script of ours: the pages' own policy would refuse it
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page, wrong = context.new_page(), []
    if account:
        page.goto(centre.base + "/login/?next=/staff/me/")
        page.fill("input[name=account]", account)
        page.fill("input[name=password]", PASSWORD)
        page.select_option("select[name=station]", SEATS[account])
        page.click("main button.primary")
    public = ("login", "publication:", "papers:public", "statistics:public")
    for name, path in pages.addresses.items():
        if name in LIVE or (not account and not name.startswith(public)):
            continue
        answer = page.goto(centre.base + path, wait_until="domcontentloaded")
        if answer is not None and answer.status == 200 and "html" in answer.headers.get("content-type", ""):
            wrong += violations(page, name)
    context.close()
    assert not wrong, "\n".join(wrong)

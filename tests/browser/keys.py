"""A walk through a page with the Tab key alone (키보드 사용): what it reaches, how it shows, where it would stay."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

WATCH = Path(__file__).with_name("keys.js").read_text(encoding="utf-8")
MORE = 20
PART = re.compile(r"<(\w[\w-]*)\b([^>]*)>")
TOLD = re.compile(r'\b(class|name|type|role)="([^"]*)"')


def watch(context: BrowserContext) -> None:
    """Before any page of this browser is opened: remember who listens to pointers, and every stop of the focus."""
    context.add_init_script(WATCH)


def walk(page: Page, *, frame: bool = True) -> tuple[list[str], int]:
    """Tab through the page that stands there until the focus comes round: what is wrong, and how many stops it has.

    ``frame``: with the bar and the rail, which are the same around every page of a person.
    """
    stops = page.evaluate("frame => gwKeys.prepare(frame)", frame)
    pressed = 0
    while not page.evaluate("() => gwKeys.round()"):
        if pressed > 3 * stops + 3 * MORE:
            return [f"the focus does not come round; it is at {page.evaluate('() => gwKeys.last()')}"], pressed
        for _ in range(MORE if pressed else stops + 2):
            page.keyboard.press("Tab")
            pressed += 1
    said = page.evaluate("() => gwKeys.report()")
    return said["wrong"], said["stops"]


def skips(page: Page) -> list[str]:
    """The skip link's way: Tab, Enter, and the focus stands in the page's own part."""
    page.evaluate("() => gwKeys.prepare()")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    at = page.evaluate("() => document.activeElement?.id ?? ''")
    return [] if at == "main" else [f"the skip link leads to {at!r}"]


def kinds(html: str) -> str:
    """What a page's own part is made of: the same for two people who see the same page, whatever stands in its rows."""
    main = html.partition("<main")[2].partition("</main>")[0]
    parts = {f"{name} {sorted(TOLD.findall(more))}" for name, more in PART.findall(main)}
    return "\n".join(sorted(parts))

"""Public pages as template and context (공개 화면의 내용): the same for the web and for the static site.

Only what was announced is read: the database shows announced versions to anybody, and their bodies hold the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from gwanje.centre.common import law
from gwanje.centre.common.kept import Kept
from gwanje.centre.publication import bodies, items, reading_versions, showing
from gwanje.centre.publication.models import DRAFT, Version

Context = dict[str, Any]
# what is kept: so many comparisons, each of so many lines and letters at most (about 30 MB in all)
CHANGES_MAX, LINES_MAX, LETTERS_MAX = 64, 2000, 200_000
_changes: Kept[tuple[str, str, str], list[bodies.Change] | None] = Kept(CHANGES_MAX)


@dataclass(frozen=True)
class Site:
    """Whose pages, on which day, in which language, and how one page leads to another: ``link("policy", 3)``."""

    agency: Any
    on: date
    lang: str
    link: Callable[..., str]

    @property
    def common(self) -> Context:
        """What every page's template has."""
        shown = ("policy", "plan", "departments", "status", "contractors", "signs", "uses", "law")
        return {"links": {name: self.link(name) for name in shown}, "today": self.on, "on": self.on}

    def current(self, document: str) -> Version | None:
        """The version in force."""
        return reading_versions.current(self.agency, document, self.on) if self.agency else None


def document(site: Site, name: str, number: int | None = None) -> Context | None:
    """A policy or plan: the version in force, or any announced one; None when there is no such version."""
    history = reading_versions.history(site.agency, name) if site.agency else []
    now = site.current(name)
    row = now if number is None else next((v for v in history if v.number == number), None)
    if number is not None and row is None:
        return None
    versions = [
        {"row": v, "state": reading_versions.state_of(v, now, site.on), "href": site.link(name, v.number)}
        for v in history
    ]
    title = items.TITLES[name][1 if site.lang == "en" else 0]
    context = {**site.common, "name": name, "title": title, "row": row, "versions": versions, "changes": []}
    if row is not None:
        context |= whole(row, site.lang)
        context["state"] = reading_versions.state_of(row, now, site.on)
    return context


def whole(row: Version, lang: str) -> Context:
    """What a version says and what it changed, as the public reads it."""
    body, before = reading_versions.body(row), reading_versions.before(row)
    return {
        "body": body,
        "before": before,
        "changes": public_changes(row, before, lang),
        "sections": showing.sections(body, lang),
    }


def changes(row: Version, before: Version | None, lang: str, public: bool = False) -> list[bodies.Change]:
    """What a version changes; ``public``: places that left the list are counted only."""
    if before is None:
        return []
    return bodies.diff(reading_versions.body(before), reading_versions.body(row), lang, public)


def public_changes(row: Version, before: Version | None, lang: str) -> list[bodies.Change]:
    """The same for the public; found once for two that were announced, because neither changes any more.

    A long list is not kept: it is found again whenever it is asked for.
    """
    if before is None or row.state == DRAFT:
        return changes(row, before, lang, public=True)
    made: list[list[bodies.Change]] = []

    def found() -> list[bodies.Change] | None:
        made.append(changes(row, before, lang, public=True))
        return made[0] if _small(made[0]) else None

    kept = _changes.get((before.sha256, row.sha256, lang), found)
    if kept is not None:
        return kept
    return made[0] if made else changes(row, before, lang, public=True)


def _small(found: list[bodies.Change]) -> bool:
    lines = [line for change in found for line in (change.title, *change.removed, *change.added)]
    return len(lines) <= LINES_MAX and sum(map(len, lines)) <= LETTERS_MAX


def _policy(site: Site) -> tuple[Version | None, Context | None]:
    row = site.current(items.POLICY)
    return row, reading_versions.body(row) if row else None


def departments(site: Site) -> Context:
    """The table of departments (부서별 운영현황)."""
    row, body = _policy(site)
    return {**site.common, "row": row, "departments": showing.departments(body, site.lang) if body else []}


def status(site: Site) -> Context:
    """Installation status (설치현황)."""
    row, body = _policy(site)
    lines, total = showing.status(body, site.lang) if body else ([], 0)
    return {**site.common, "row": row, "lines": lines, "total": total}


def contractors(site: Site) -> Context:
    """Contractors (수탁자)."""
    row, body = _policy(site)
    return {**site.common, "row": row, "lines": body["annexes"]["contractors"] if body else []}


def signs(site: Site) -> Context:
    """Signs that stand on the home page instead of at their place (안내판 홈페이지 게재)."""
    row, body = _policy(site)
    return {**site.common, "row": row, "signs": showing.postings(body, site.lang) if body else []}


def uses(site: Site) -> Context:
    """Published uses beyond the purpose (목적 외 이용·제공 공개): the table and its law; no row is made here yet."""
    today = law(site.on)
    refs = today.articles("disclosure.publish") if today.has("disclosure.publish") else ()
    return {**site.common, "row": None, "articles": [today.article(ref.pack, ref.id) for ref in refs]}


MAKERS = {
    "departments": departments,
    "status": status,
    "contractors": contractors,
    "signs": signs,
    "uses": uses,
}

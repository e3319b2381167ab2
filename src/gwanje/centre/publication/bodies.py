"""Bodies (방침 본문): what one version says, as canonical JSON with its digest; its lines; what differs from another.

A body is ``{"v", "document", "title", "agency", "centre", "packs", "sections", "annexes"}`` and, once announced,
``number``, ``announced_on``, ``effective_on``, ``reason``, ``before`` (SHA-256 of the version it replaces).
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gwanje.centre.cameras.api import CameraView
from gwanje.centre.publication import items, sections
from gwanje.centre.publication.gathering import Rows
from gwanje.centre.publication.rules import LISTS
from gwanje.kernel.canonical import nfc
from gwanje.law import NotInForce

MATCHED_MAX = 2000
BODY_BYTES_MAX = 16 * 1024 * 1024
META = ("number", "announced_on", "effective_on", "reason", "before")


def content(document: str, rows: Rows) -> dict[str, Any]:
    """What a document says today; NotInForce where no rule of this city lists its items."""
    needed = rows.today.parameter(LISTS[document]).value
    ko, en = items.TITLES[document]
    return {
        "v": 1,
        "document": document,
        "title": {"ko": ko, "en": en},
        "agency": rows.agency,
        "centre": rows.centre,
        "packs": [[name, version] for name, version in rows.today.versions],
        "sections": [sections.section(document, item, rows) for item in needed],
        "annexes": {
            "departments": departments(rows),
            "status": status(rows),
            "contractors": [
                {"name": c.name, "scope": c.scope, "contact": c.contact, "from": c.starts_on, "until": c.ends_on}
                for c in rows.contractors
            ],
            "signs": [{"title": p.title, "exemption": p.exemption, "text": dict(p.text)} for p in rows.postings],
        },
    }


def filled(body: dict[str, Any]) -> list[str]:
    """Items that have a text."""
    return [section["item"] for section in body["sections"] if section["parts"]]


def departments(rows: Rows) -> list[dict[str, Any]]:
    """The table of departments (부서별 운영현황): item → words, and each camera's place and range.

    A camera whose sign is left out is counted and not listed.
    """
    try:
        needed = list(rows.today.parameter(LISTS[items.DEPARTMENT]).value)
    except NotInForce:
        needed = []
    found = []
    for name, cameras in rows.by_department().items():
        values = _department(name, cameras, rows)
        found.append(
            {
                "name": name,
                "items": [[item, values.get(item, "")] for item in needed or values],
                "places": [_place(camera) for camera in cameras if str(camera.id) not in rows.hidden],
            }
        )
    return found


def _department(name: str, cameras: Sequence[CameraView], rows: Rows) -> dict[str, Any]:
    own = rows.departments.get(name)
    uses = sorted({word for camera in cameras for word in camera.purposes})
    english = ", ".join(sections.NATIONAL_EN.get(word, word) for word in uses)
    listed = sum(str(camera.id) not in rows.hidden for camera in cameras)
    officer = " · ".join(part for part in (own.officer, own.operator, own.phone) if part) if own else ""
    return {
        "용도": {"ko": ", ".join(uses), "en": english} if uses else "",
        "담당부서": name,
        "관리책임자 및 운영자": officer,
        "촬영시간": own.hours if own else "",
        "보관기간": sections.kept(rows, cameras),
        "보관장소": own.place if own else "",
        "설치대수": {"ko": f"{len(cameras)}대", "en": str(len(cameras))},
        "위치 및 촬영범위": _listed(listed, len(cameras) - listed),
    }


def _listed(shown: int, hidden: int) -> dict[str, str]:
    """How many places stand in the list, and how many do not because their sign is left out."""
    more = (f", 비공개 {hidden}건", f", {hidden} not published") if hidden else ("", "")
    return {"ko": f"목록 {shown}건{more[0]}", "en": f"list of {shown}{more[1]}"}


def _place(camera: CameraView) -> list[Any]:
    return [camera.number, camera.address or camera.place, sections.range_of(camera)]


def status(rows: Rows) -> list[list[Any]]:
    """Installation status (설치현황): department, purposes, how many; a camera of two purposes is counted once."""
    counted: Counter[tuple[str, str]] = Counter()
    for name, cameras in rows.by_department().items():
        for camera in cameras:
            counted[name, ", ".join(camera.purposes)] += 1
    return [
        [name, {"ko": words, "en": ", ".join(sections.NATIONAL_EN.get(w, w) for w in words.split(", "))}, n]
        for (name, words), n in counted.items()
    ]


def announced(body: dict[str, Any], number: int, days: tuple[date, date], reason: str, before: str) -> dict[str, Any]:
    """The body of a version that is announced; ``days``: of the announcement, and the first in force."""
    meta = (number, days[0].isoformat(), days[1].isoformat(), reason, before)
    return {**body, **dict(zip(META, meta, strict=True))}


def canonical(body: dict[str, Any]) -> str:
    """Canonical JSON: keys sorted, no white space, NFC, so that equal bodies are equal bytes."""
    return nfc(json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def digest(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, in hex."""
    return digest_of(text.encode())


def digest_of(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def words(value: Any, lang: str = "ko") -> str:
    """A ``said`` or a text in one language, Korean where the other is missing."""
    if isinstance(value, dict):
        return str(value.get(lang) or value.get("ko") or "")
    return str(value)


@dataclass(frozen=True)
class Change:
    """What a section or annex lost and got, line by line; ``unsaid``: places that it lost and that are only counted."""

    title: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    unsaid: int = 0


def lines(body: dict[str, Any], lang: str = "ko") -> dict[str, list[str]]:
    """Every line that a body says, by the title of its section or annex."""
    found, listed = _said(body, lang), places(body, lang)
    return {title: [*own, *listed.get(title, [])] for title, own in found.items()}


def places(body: dict[str, Any], lang: str = "ko") -> dict[str, list[str]]:
    """The lines of places alone, by department."""
    return {
        department["name"]: [" · ".join(words(part, lang) for part in place) for place in department["places"]]
        for department in body["annexes"]["departments"]
    }


def _said(body: dict[str, Any], lang: str) -> dict[str, list[str]]:
    found = {words(s["title"], lang): list(_section_lines(s, lang)) for s in body["sections"]}
    for department in body["annexes"]["departments"]:
        found[department["name"]] = [
            f"{items.english(k) if lang == 'en' else k}: {words(v, lang)}" for k, v in department["items"]
        ]
    return found


def _section_lines(section: dict[str, Any], lang: str) -> Iterator[str]:
    for part in section["parts"]:
        if "text" in part:
            yield from (line for line in words(part["text"], lang).splitlines() if line.strip())
        else:
            yield from (" · ".join(words(cell, lang) for cell in row) for row in part["rows"])


def diff(before: dict[str, Any] | None, after: dict[str, Any], lang: str = "ko", public: bool = False) -> list[Change]:
    """What a version changes (신구 대비): removed and added lines by section, in the order of the new version.

    ``public``: a place that left the table of departments is counted and not said again; it may have left for
    security's sake.
    """
    old, new = _said(before, lang) if before else {}, _said(after, lang)
    old_places, new_places = places(before, lang) if before else {}, places(after, lang)
    found = []
    for title in [*new, *(t for t in old if t not in new)]:
        removed, added = _changed(old.get(title, []), new.get(title, []))
        gone, come = _changed(old_places.get(title, []), new_places.get(title, []))
        if removed or added or gone or come:
            told = removed if public else [*removed, *gone]
            found.append(Change(title, tuple(told), (*added, *come), len(gone) if public else 0))
    return found


def _changed(old: Iterable[str], new: Iterable[str]) -> tuple[list[str], list[str]]:
    before, after = list(old), list(new)
    if len(before) + len(after) > MATCHED_MAX:
        # comparing every line with every other one would take minutes; which lines came and went is told all the same
        gone, come = Counter(before), Counter(after)
        return list((gone - come).elements()), list((come - gone).elements())
    removed, added = [], []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            removed += before[i:j]
            added += after[k:m]
    return removed, added

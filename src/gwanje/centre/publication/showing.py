"""Bodies for templates (본문 표시): one language chosen, each piece of text with the language it is really in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gwanje.centre.publication import items


@dataclass(frozen=True)
class Words:
    """A text and its language."""

    text: str
    lang: str

    def __str__(self) -> str:
        return self.text


def shown(value: Any, lang: str) -> Words:
    """A ``said`` or a plain text in a language; what has no English stays Korean and says so."""
    if isinstance(value, dict):
        if lang == "en" and value.get("en"):
            return Words(str(value["en"]), "en")
        return Words(str(value.get("ko", "")), "ko")
    return Words(str(value), "ko")


def sections(body: dict[str, Any], lang: str) -> list[dict[str, Any]]:
    """Numbered sections: ``number``, ``title``, ``parts`` of ``text`` or ``columns`` and ``rows``."""
    return [
        {"number": number, "title": shown(section["title"], lang), "parts": [_part(p, lang) for p in section["parts"]]}
        for number, section in enumerate(body["sections"], 1)
    ]


def _part(part: dict[str, Any], lang: str) -> dict[str, Any]:
    if "text" in part:
        return {"text": shown(part["text"], lang)}
    return {
        "columns": [shown(column, lang) for column in part["columns"]],
        "rows": [[shown(cell, lang) for cell in row] for row in part["rows"]],
    }


def departments(body: dict[str, Any], lang: str) -> list[dict[str, Any]]:
    """The table of departments: ``name``, ``items`` (word, value), ``places`` (number, place, range)."""
    return [
        {
            "name": department["name"],
            "items": [
                (shown({"ko": item, "en": items.english(item)}, lang), shown(value, lang))
                for item, value in department["items"]
            ],
            "places": [[shown(part, lang) for part in place] for place in department["places"]],
        }
        for department in body["annexes"]["departments"]
    ]


def status(body: dict[str, Any], lang: str) -> tuple[list[tuple[Words, Words, int]], int]:
    """Installation status: (department, purposes, cameras), and all cameras."""
    rows = [(shown(name, lang), shown(uses, lang), int(n)) for name, uses, n in body["annexes"]["status"]]
    return rows, sum(n for _, _, n in rows)


def postings(body: dict[str, Any], lang: str) -> list[dict[str, Any]]:
    """Signs that stand on the home page: ``title``, ``exemption``, ``items`` (word, value)."""
    return [
        {
            "title": sign["title"],
            "exemption": sign["exemption"].partition("/")[2] or sign["exemption"],
            "items": sign_items(sign["text"], lang),
        }
        for sign in body["annexes"]["signs"]
    ]


def sign_items(text: dict[str, Any], lang: str) -> list[tuple[Words, Words]]:
    """What a sign says, item by item."""
    return [(shown({"ko": i, "en": items.english(i)}, lang), shown(v, lang)) for i, v in items.in_order(text)]

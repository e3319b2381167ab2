"""Classifications of purposes (설치목적 분류): ``purposes.yaml`` of a pack, with its mapping to the four.

The four: ``national`` (the ten words of the standard data), ``ordinance`` (class/item, two levels), ``survey`` (nine
uses), ``act`` (items 1 to 6 of 법 제25조제1항). A source names its own ``scheme`` and says where each of its words
stands in the others; a word that has no counterpart says so by an empty list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gwanje.law.schema import PackError, Row, read, rows

SCHEMES = ("national", "ordinance", "survey", "act", "policy")
ACT_ITEMS = range(1, 7)


@dataclass(frozen=True)
class PurposeRow:
    """One purpose (설치목적) of a source: ``code`` as stored, and its places in the four classifications."""

    pack: str
    scheme: str
    code: str
    ko: str
    en: str
    national: tuple[str, ...]
    ordinance: tuple[str, ...]
    survey: tuple[str, ...]
    act: tuple[int, ...]
    article: Any
    note: str


def load_purposes(place: Path, articles: Mapping[str, Any]) -> tuple[PurposeRow, ...]:
    """The classification of ``purposes.yaml`` (none without the file); PackError names the row and what is wrong."""
    file = place / "purposes.yaml"
    if not file.exists():
        return ()
    name = f"{place.name}/purposes.yaml"
    head = Row(read(file) or {}, name)
    scheme, key = head.text("scheme"), head.text("article")
    if scheme not in SCHEMES:
        raise head.fail("scheme", f"{', '.join(SCHEMES)} 가운데 하나", f"must be one of {', '.join(SCHEMES)}")
    if key not in articles:
        raise head.fail("article", f"근거 조문이 없습니다: {key!r}", f"no such article: {key!r}")
    found = tuple(_row(row, place.name, scheme, articles, key) for row in rows(head.get("rows", list), name, "code"))
    head.done()
    twice = {r.code for r in found if sum(o.code == r.code for o in found) > 1}
    if twice:
        raise PackError(name, f"두 번 나옵니다: {twice}", f"stands twice: {twice}")
    return found


def _row(row: Row, pack: str, scheme: str, articles: Mapping[str, Any], key: str) -> PurposeRow:
    act = row.get("act", list, [])
    if any(isinstance(n, bool) or n not in ACT_ITEMS for n in act):
        raise row.fail("act", "법 제25조제1항의 호(1~6)입니다", "is an item (1 to 6) of the Act's Article 25(1)")
    own = row.text("article", key)
    if own not in articles:
        raise row.fail("article", f"근거 조문이 없습니다: {own!r}", f"no such article: {own!r}")
    code = row.text("code")
    made = PurposeRow(
        pack=pack,
        scheme=scheme,
        code=code,
        ko=row.text("ko", code),
        en=row.text("en"),
        national=row.texts("national", []),
        ordinance=row.texts("ordinance", []),
        survey=row.texts("survey", []),
        act=tuple(act),
        article=articles[own],
        note=row.text("note", ""),
    )
    row.done()
    return made

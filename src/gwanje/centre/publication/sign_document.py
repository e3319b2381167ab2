"""A sign as a document (안내판 인쇄): A4 or A3, both languages, map from coordinates, PDF/A by Typst."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gwanje.centre.common import documents
from gwanje.centre.publication import items
from gwanje.centre.publication.models import Sign


def data(row: Sign, agency: str, svg: str) -> dict[str, Any]:
    """What the document shows, all of it text."""
    return {
        "paper": row.size.lower(),
        "title": "CCTV 설치 안내",
        "subtitle": "고정형 영상정보처리기기가 작동하고 있습니다",
        "title_en": "CCTV in operation",
        "agency": agency,
        "items": [
            [item, items.english(item), said["ko"], said["en"] if said["en"] != said["ko"] else ""]
            for item, said in items.in_order(row.text)
        ],
        "law": "개인정보 보호법 제25조제4항",
        "law_en": "Personal Information Protection Act, Article 25(4)",
        "map": svg,
        "hash": row.text_sha256[:16],
        "date": [row.put_up_on.year, row.put_up_on.month, row.put_up_on.day],
        "no_sound": "음성은 녹음하지 않습니다 · No sound is recorded",
    }


def render(row: Sign, agency: str, svg: str, fonts_folder: Path | None) -> bytes:
    """PDF/A-2b; every text is data of the template, never its source."""
    return documents.render("gwanje.centre.publication", "sign.typ", data(row, agency, svg), fonts_folder)

"""The journal as a document (점검일지): the city's own form 1 where its pack has one, else nine columns of ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gwanje.centre.common import clock, documents
from gwanje.centre.inspection.models import Fault

ROWS_MAX = 5000
COLUMNS = ("순번", "명칭", "관리번호", "장애발생일자", "장애처리일자", "장애내용", "점검내역", "처리결과", "기타사항")


def _when(at: datetime | None) -> str:
    return f"{at.astimezone(clock().zone):%Y-%m-%d %H:%M}" if at else ""


def values(centre: str, year: int, month: int, rows: Sequence[Fault]) -> dict[str, Any]:
    """What the city's form of the journal (``inspection.journal``) takes: its nine columns, oldest fault first."""
    zone = clock().zone
    return {
        "centre": centre,
        "month": f"{year}년 {month}월",
        "entries": [
            {
                "no": place,
                "name": row.name,
                "number": row.number,
                "occurred": row.occurred_at.astimezone(zone),
                "handled": row.handled_at.astimezone(zone) if row.handled_at else None,
                "fault": row.said,
                "inspected": row.inspected,
                "result": row.result,
                "note": " ".join(part for part in (row.note, f"({row.signer})" if row.signer else "") if part),
            }
            for place, row in enumerate(rows, 1)
        ],
    }


def form_one(centre: str, year: int, month: int, rows: Sequence[Fault], now: datetime) -> dict[str, Any]:
    """What the document of a city without a form of its own shows, all of it text."""
    listed = [
        [str(place), row.name, row.number, _when(row.occurred_at), _when(row.handled_at), row.said, row.inspected,
         row.result, " ".join(part for part in (row.note, f"({row.signer})" if row.signer else "") if part)]
        for place, row in enumerate(rows, 1)
    ]  # fmt: skip
    return {
        "form": "",
        "title": "영상정보처리기기 점검일지",
        "centre": centre,
        "period": f"{year}년 {month}월",
        "date": [now.year, now.month, now.day],
        "printed": f"출력 {now:%Y-%m-%d %H:%M}",
        "boxes": ["담당", "팀장", "과장"],
        "columns": list(COLUMNS),
        "rows": listed,
        "nothing": "" if listed else "이 달에 기록된 장애가 없습니다.",
    }


def render(data: dict[str, Any], fonts_folder: Path | None) -> bytes:
    """PDF/A-2b; every text is data of the template, never its source."""
    return documents.render("gwanje.centre.inspection", "journal.typ", data, fonts_folder)

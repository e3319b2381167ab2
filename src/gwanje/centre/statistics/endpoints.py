"""API of statistics: the public numbers for machines; anyone may read them."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from gwanje.centre.statistics import counting, reading

router = Router(tags=["statistics"])


class TableOut(Schema):
    """Agency by purpose of one day: ``columns`` end with the sum, ``totals`` is the last line."""

    day: date | None
    scheme: str
    columns: list[str]
    rows: dict[str, list[int]]
    totals: list[int]
    sha256: str


@router.get("/public", response=TableOut, auth=None, operation_id="statistics_public", url_name="statistics-public")
def public(
    request: HttpRequest, scheme: Literal["national", "ordinance", "survey", "act"] = "national"
) -> dict[str, Any]:
    """The newest published table; no day and no rows before the first one."""
    row = reading.published()
    if row is None:
        return {"day": None, "scheme": scheme, "columns": [], "rows": {}, "totals": [], "sha256": ""}
    table = counting.by_purpose(reading.groups_of(row), scheme, "agency")
    return {
        "day": row.day,
        "scheme": scheme,
        "columns": list(table.columns),
        "rows": {label: [n or 0 for n in cells] for label, cells in table.rows.items()},
        "totals": [n or 0 for n in table.totals],
        "sha256": row.sha256,
    }

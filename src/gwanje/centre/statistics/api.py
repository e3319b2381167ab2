"""What other rooms may ask statistics (통계 조회): the newest public numbers."""

from __future__ import annotations

from datetime import date

from gwanje.centre.statistics import counting, reading
from gwanje.centre.statistics.tables import Table


def latest(scheme: str) -> tuple[date, Table] | None:
    """Day and table (agency by purpose) of what was last published, in one of the four classifications."""
    row = reading.published()
    return (row.day, counting.by_purpose(reading.groups_of(row), scheme, "agency")) if row else None

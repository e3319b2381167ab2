"""Due dates counted apart from the product: its own arithmetic, and only the holidays' names from the same library.

What the year looks for is a duty that the product forgot or counted wrongly; so nothing here imports `gwanje.law`.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import cache

import holidays


@cache
def _off(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("KR", years=year))


def off(day: date) -> bool:
    """Saturday, Sunday or a public holiday."""
    return day.weekday() > 4 or day in _off(day.year)


def term(received: date, days: int) -> date:
    """``days`` after the day of receipt, on to the next working day when it ends on one off."""
    last = received + timedelta(days=days)
    while off(last):
        last += timedelta(days=1)
    return last


def month_end(day: date) -> date:
    """The last day of that month, holiday or not."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def quarter_end(day: date) -> date:
    """The last day of that quarter."""
    return month_end(date(day.year, (day.month - 1) // 3 * 3 + 3, 1))

"""Legal calendar (법정 기한 계산): the one due-date service. Days, working days, calendar months, hours.

The first day is not counted; a deadline ends with its last day; when that is a Saturday or public holiday it may roll
to the next working day, as the parameter ``deadline.rolls_on_holiday`` says. Public holidays, substitute ones too,
come from the ``holidays`` library: a year it cannot know (a special holiday declared later) is counted anew each time.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

DAYS_MAX = 3660
MONTHS_MAX = 120
HOURS_MAX = 24 * 366
ROLL_MAX = 30
_WEEKEND = {5: ("토요일", "Saturday"), 6: ("일요일", "Sunday")}


@dataclass(frozen=True)
class Deadline:
    """A counted deadline: the last day in time, the day it would have been without rolling, and why."""

    due_on: date
    nominal_on: date
    rolled_over: tuple[tuple[date, str, str], ...]
    basis_ko: str
    basis_en: str

    @property
    def basis(self) -> tuple[str, str]:
        """Korean and English, as ``InForce.duty`` takes them."""
        return self.basis_ko, self.basis_en


class LegalCalendar:
    """Working days of one country in one zone."""

    def __init__(self, zone: str = "Asia/Seoul", country: str = "KR") -> None:
        self.zone = ZoneInfo(zone)
        self._names = lru_cache(maxsize=64)(lambda year, lang: _year(country, year, lang))

    def day_of(self, moment: datetime) -> date:
        """The calendar day of an aware moment in the centre's zone; TypeError for a naive one."""
        if moment.tzinfo is None:
            raise TypeError("a moment needs its zone")
        return moment.astimezone(self.zone).date()

    def holiday(self, day: date, lang: str = "ko") -> str | None:
        """Name of the Saturday, Sunday or public holiday on ``day``; None on a working day."""
        named: str | None = self._names(day.year, "ko" if lang == "ko" else "en_US").get(day)
        if named:
            return named
        weekend = _WEEKEND.get(day.weekday())
        return weekend[0 if lang == "ko" else 1] if weekend else None

    def working(self, day: date) -> bool:
        """True unless Saturday, Sunday or public holiday (근무일)."""
        return self.holiday(day) is None

    def days(self, starts_on: date, count: int, *, rolls: bool) -> Deadline:
        """``count`` calendar days after ``starts_on``, which is not counted (초일 불산입)."""
        _limit(count, DAYS_MAX, "days")
        return self._rolled(starts_on, starts_on + timedelta(days=count), rolls, f"{count}일", f"{count} days")

    def months(self, starts_on: date, count: int, *, rolls: bool) -> Deadline:
        """``count`` calendar months (역에 의한 계산), from the next day on, to the day before it comes again.

        The month's end where the last month has no such day.
        """
        _limit(count, MONTHS_MAX, "months")
        first = starts_on + timedelta(days=1)
        year, month = divmod(first.year * 12 + first.month - 1 + count, 12)
        last = monthrange(year, month + 1)[1]
        same = (
            date(year, month + 1, first.day) - timedelta(days=1) if first.day <= last else date(year, month + 1, last)
        )
        return self._rolled(starts_on, same, rolls, f"{count}개월", f"{count} calendar months")

    def working_days(self, starts_on: date, count: int) -> Deadline:
        """``count`` working days after ``starts_on``; it ends on a working day by itself."""
        _limit(count, DAYS_MAX, "working days")
        day, left = starts_on, count
        while left:
            day += timedelta(days=1)
            left -= self.working(day)
        return self._rolled(starts_on, day, False, f"근무일 {count}일", f"{count} working days")

    def hours(self, moment: datetime, count: int) -> datetime:
        """``count`` hours after an aware moment, in the centre's zone: counted from the moment, holidays too."""
        _limit(count, HOURS_MAX, "hours")
        if moment.tzinfo is None:
            raise TypeError("a moment needs its zone")
        # on the UTC line, so that a zone with summer time neither gains nor loses an hour
        return datetime.fromtimestamp(moment.timestamp() + count * 3600, self.zone)

    def _rolled(self, starts_on: date, nominal: date, rolls: bool, ko: str, en: str) -> Deadline:
        day = nominal
        passed: list[tuple[date, str, str]] = []
        while rolls and not self.working(day):
            passed.append((day, self.holiday(day) or "", self.holiday(day, "en") or ""))
            day += timedelta(days=1)
            if len(passed) > ROLL_MAX:
                raise RuntimeError(f"no working day within {ROLL_MAX} days after {nominal}")
        text_ko = f"{starts_on}의 다음 날부터 {ko}, 만료일 {nominal}"
        text_en = f"{en} from the day after {starts_on}, ending on {nominal}"
        if passed:
            text_ko += f", 휴일({', '.join(f'{d} {name}' for d, name, _ in passed)})이므로 {day}"
            text_en += f", rolled over {', '.join(f'{d} {name}' for d, _, name in passed)} to {day}"
        return Deadline(day, nominal, tuple(passed), text_ko, text_en)


def _limit(count: int, most: int, what: str) -> None:
    if not 1 <= count <= most:
        raise ValueError(f"1 to {most} {what}, not {count} (기한의 범위를 벗어났습니다)")


def _year(country: str, year: int, lang: str) -> dict[date, str]:
    found = holidays.country_holidays(country, years=year, language=lang)
    return {day: name for day, name in found.items() if day.year == year}

"""Retention by department, purpose and camera group (부서별 보관기간): ``retention.yaml`` of a pack, read strictly.

One row is one table of the printed source: who answers for it, what it watches and when, where and how long its
pictures are kept. ``kind`` days, months (calendar months), none (not kept: live only) or permanent; a permanent keeping
needs another statute's article, in the row or cited by the centre (법 제21조제1항).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from gwanje.law.schema import PackError, Row, read, rows

KINDS = ("none", "days", "months", "permanent")
DAYS = ("weekday", "weekend", "daily")
DAYS_MAX = 36_500
# only to compare a month with days: the longest one, so that the comparison never calls a longer keeping shorter
MONTH_DAYS = 31
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


class Cited(Protocol):
    """What a row needs of an article: its dates."""

    def in_force(self, on: date) -> bool:
        """In force on that day."""
        ...


@dataclass(frozen=True)
class Filming:
    """Hours in which a group films (촬영시간): ``days`` weekday, weekend or daily; ``since``/``until`` HH:MM, local."""

    days: str
    since: str
    until: str
    part: str


@dataclass(frozen=True)
class Site:
    """One printed line of locations (위치) with the number of cameras that stand there."""

    name: str
    cameras: int


@dataclass(frozen=True)
class RetentionRow:
    """One row of a department (부서별 운영현황): every text as printed; ``cameras`` 0 = the source gives none.

    ``article`` is the article that the row stands on, an ``Article`` of the same pack.
    """

    pack: str
    id: str
    department: str
    purposes: tuple[str, ...]
    group: str
    cameras: int
    hours: str
    filming: tuple[Filming, ...]
    place: str
    officers: tuple[str, ...]
    joint: str
    sites: tuple[Site, ...]
    kind: str
    value: int
    printed: str
    statute: str
    article: Any
    note: str

    @property
    def live_only(self) -> bool:
        """Nothing is kept (미보유): the recorder refuses."""
        return self.kind == "none"

    @property
    def length(self) -> tuple[int, int]:
        """For comparing: a bigger pair is a longer keeping."""
        days = {"days": self.value, "months": self.value * MONTH_DAYS}.get(self.kind, 0)
        return KINDS.index("permanent") if self.kind == "permanent" else 0, days


def load_retention(place: Path, articles: Mapping[str, Any]) -> tuple[RetentionRow, ...]:
    """The rows of ``retention.yaml`` (none without the file); PackError names row, place and remedy."""
    file = place / "retention.yaml"
    if not file.exists():
        return ()
    name = f"{place.name}/retention.yaml"
    found = tuple(_row(row, place.name, articles) for row in rows(read(file) or [], name, "id"))
    twice = {r.id for r in found if sum(o.id == r.id for o in found) > 1}
    if twice:
        raise PackError(name, f"두 번 나옵니다: {twice}", f"stands twice: {twice}")
    return found


def _row(row: Row, pack: str, articles: Mapping[str, Any]) -> RetentionRow:
    key, kind, value = row.text("article"), row.text("kind"), row.get("value", int, 0)
    if key not in articles:
        raise row.fail("article", f"근거 조문이 없는 행은 읽지 않습니다: {key!r}", f"no such article: {key!r}")
    if kind not in KINDS:
        raise row.fail("kind", f"{', '.join(KINDS)} 가운데 하나", f"must be one of {', '.join(KINDS)}")
    counted = kind in ("days", "months")
    if counted != (0 < value <= DAYS_MAX) or (not counted and value):
        raise row.fail("value", "일과 월에만 1 이상의 수를 적습니다", "days and months have a number from 1 on")
    made = RetentionRow(
        pack=pack,
        id=row.text("id"),
        department=row.text("department", ""),
        purposes=row.texts("purposes", []),
        group=row.text("group", ""),
        cameras=row.get("cameras", int, 0),
        hours=row.text("hours", ""),
        filming=tuple(_filming(Row(f, f"{row.place}, filming")) for f in row.get("filming", list, [])),
        place=row.text("place", ""),
        officers=row.texts("officers", []),
        joint=row.text("joint", ""),
        sites=tuple(_site(s, row) for s in row.get("sites", list, [])),
        kind=kind,
        value=value,
        printed=row.text("printed", ""),
        statute=row.text("statute", ""),
        article=articles[key],
        note=row.text("note", ""),
    )
    row.done()
    if made.sites and made.cameras and sum(s.cameras for s in made.sites) != made.cameras:
        raise row.fail("sites", "위치별 대수의 합이 설치대수와 다릅니다", "the sites do not add up to the cameras")
    return made


def _filming(row: Row) -> Filming:
    made = Filming(row.text("days"), row.text("since"), row.text("until"), row.text("part", ""))
    if made.days not in DAYS or not (_CLOCK.fullmatch(made.since) and _CLOCK.fullmatch(made.until)):
        raise row.fail("days", f"{', '.join(DAYS)}와 HH:MM", f"is one of {', '.join(DAYS)}, from and to as HH:MM")
    if made.since >= made.until:
        raise row.fail("until", "끝은 시작보다 늦습니다", "ends after it begins")
    row.done()
    return made


def _site(value: Any, row: Row) -> Site:
    if isinstance(value, str) and value.strip():
        return Site(value.strip(), 1)
    inner = Row(value, f"{row.place}, sites")
    made = Site(inner.text("name"), inner.get("cameras", int))
    inner.done()
    return made


def _bare(text: str) -> str:
    return "".join(text.split())


def chosen(found: Iterable[RetentionRow], department: str, purposes: Sequence[str], group: str) -> RetentionRow | None:
    """The row that stands for a camera: what a row names must fit; the one that names most, then the shortest.

    A row without a department, purposes or group speaks for all of them. Texts are compared without white space.
    """
    wanted = {_bare(p) for p in purposes}
    fits = []
    for row in found:
        if row.department and _bare(row.department) != _bare(department):
            continue
        if row.group and group and _bare(row.group) != _bare(group):
            continue
        if row.purposes and wanted and not wanted & {_bare(p) for p in row.purposes}:
            continue
        named = bool(row.department) + bool(row.purposes and wanted) + bool(row.group and group)
        fits.append((-named, row.length, row))
    return min(fits, key=lambda f: f[:2])[2] if fits else None

"""A whole file read (파일 읽기): what is accepted, what was repaired, what is refused, each with its reason."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import cos, hypot, radians

from gwanje.centre.cameras.national.columns import FIELD_OF, Place
from gwanje.centre.cameras.national.normalise import RowRefused, normalise
from gwanje.centre.cameras.national.recognise import Table, recognise

FAR_KM = 25.0
FAR_ROWS = 20
KM_PER_DEGREE = 111.0


@dataclass(frozen=True)
class Accepted:
    """A row that is taken: ``line`` counts rows from 2 (the header is 1), ``identity`` is 64 hex digits."""

    line: int
    place: Place
    identity: str
    repairs: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """A row that is not taken, with its cells as they stood in the file."""

    line: int
    code: str
    column: str
    cells: tuple[str, ...]


@dataclass
class Report:
    """What reading a file gave (판독 보고); nothing has been written."""

    encoding: str
    width: int
    header: tuple[str, ...]
    sha256: str
    accepted: list[Accepted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows of the file but its header."""
        return len(self.accepted) + len(self.refused)

    @property
    def repaired(self) -> int:
        """Accepted rows with at least one repair."""
        return sum(1 for row in self.accepted if row.repairs)

    def counts(self) -> dict[str, dict[str, int]]:
        """{refused, repaired, remarked} -> {code: rows}, most frequent first."""
        return {
            "refused": _ranked(Counter(row.code for row in self.refused)),
            "repaired": _ranked(Counter(code for row in self.accepted for code in row.repairs)),
            "remarked": _ranked(Counter(code for row in self.accepted for code in row.remarks)),
        }


def read(data: bytes) -> Report:
    """Read a national standard camera list (13, 14 or 18 columns, cp949 or utf-8).

    Raises NotACameraList for any other file. Every row is either accepted or refused with one reason.
    """
    table = recognise(data)
    report = Report(table.encoding, table.width, table.header, hashlib.sha256(data).hexdigest())
    drafts: list[tuple[int, list[str], Place, list[str], list[str]]] = []
    for line, cells in enumerate(table.rows, start=2):
        try:
            drafts.append((line, cells, *normalise(_named(table, cells))))
        except RowRefused as refusal:
            report.refused.append(Refused(line, refusal.code, refusal.column, tuple(cells)))
    centres = _centres([place for _, _, place, _, _ in drafts])
    seen: Counter[str] = Counter()
    for line, cells, place, repairs, remarks in drafts:
        if _far(place, centres):
            report.refused.append(Refused(line, "coordinate_far", "lat", tuple(cells)))
            continue
        once = place.identity(1)
        seen[once] += 1
        if seen[once] > 1:
            remarks.append("duplicate")
        identity = once if seen[once] == 1 else place.identity(seen[once])
        report.accepted.append(Accepted(line, place, identity, tuple(repairs), tuple(remarks)))
    report.refused.sort(key=lambda row: row.line)
    return report


def _named(table: Table, cells: list[str]) -> dict[str, str]:
    if len(cells) != len(table.header):
        raise RowRefused("columns", "")
    return {name: cell for name, cell in zip(table.columns, cells, strict=True) if name in _FIELDS}


_FIELDS = frozenset(FIELD_OF.values())


def _centres(places: list[Place]) -> Mapping[str, tuple[float, float, float]]:
    """Agency -> (median lat, median lon, km beyond which a place of it is not believed)."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for place in places:
        found[place.agency].append((float(place.lat), float(place.lon)))
    out: dict[str, tuple[float, float, float]] = {}
    for agency, points in found.items():
        # a handful of places says nothing; an agency whose places are spread over the country has a wide 95 %
        if len(points) >= FAR_ROWS:
            lat, lon = (statistics.median(axis) for axis in zip(*points, strict=True))
            spread = sorted(_km(lat, lon, point) for point in points)
            out[agency] = (lat, lon, max(FAR_KM, 4 * spread[int(len(spread) * 0.95)]))
    return out


def _km(lat: float, lon: float, point: tuple[float, float]) -> float:
    return hypot((point[0] - lat) * KM_PER_DEGREE, (point[1] - lon) * KM_PER_DEGREE * cos(radians(lat)))


def _far(place: Place, centres: Mapping[str, tuple[float, float, float]]) -> bool:
    centre = centres.get(place.agency)
    return centre is not None and _km(centre[0], centre[1], (float(place.lat), float(place.lon))) > centre[2]


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(counts.most_common())

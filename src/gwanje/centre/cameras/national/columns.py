"""Columns of the national standard (표준데이터 항목) in their three published widths, and one normalised row.

A row is an installation point (설치지점) with N cameras, never one camera.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

# our field name -> the header in 18 columns, then what older exports call it
HEADERS: dict[str, tuple[str, ...]] = {
    "opening_code": ("개방자치단체코드",),
    "management_no": ("관리번호",),
    "agency": ("관리기관명",),
    "road_address": ("소재지도로명주소",),
    "lot_address": ("소재지지번주소",),
    "purpose": ("설치목적구분",),
    "cameras": ("카메라대수",),
    "pixels": ("카메라화소수",),
    "direction": ("촬영방면정보",),
    "retention_days": ("보관일수",),
    "installed": ("설치연월", "설치년월"),
    "phone": ("관리기관전화번호",),
    "lat": ("WGS84위도", "위도"),
    "lon": ("WGS84경도", "경도"),
    "data_date": ("데이터기준일자",),
    "update_kind": ("데이터갱신구분",),
    "update_time": ("데이터갱신시점",),
    "modified_time": ("최종수정시점",),
}
NUMBER = "번호"
CORE = (
    "agency", "road_address", "lot_address", "purpose", "cameras", "pixels", "direction",
    "retention_days", "installed", "phone", "lat", "lon", "data_date",
)  # fmt: skip
EXTRA = ("opening_code", "management_no", "update_kind", "update_time", "modified_time")
WIDTH_13 = ("관리기관명", "소재지도로명주소", "소재지지번주소", "설치목적구분", "카메라대수", "카메라화소수",
            "촬영방면정보", "보관일수", "설치년월", "관리기관전화번호", "위도", "경도", "데이터기준일자")  # fmt: skip
WIDTH_14 = (NUMBER, *WIDTH_13[:8], "설치연월", WIDTH_13[9], "WGS84위도", "WGS84경도", WIDTH_13[12])
WIDTH_18 = tuple(names[0] for names in HEADERS.values())
WIDTHS = {13: WIDTH_13, 14: WIDTH_14, 18: WIDTH_18}
FIELD_OF = {name: field for field, names in HEADERS.items() for name in names}

PURPOSES = ("생활방범", "다목적", "어린이보호", "차량방범", "교통단속", "교통정보수집", "쓰레기단속",
            "시설물관리", "재난재해", "기타")  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One installation point (설치지점), normalised.

    ``pixels``: 만화소, None = not stated. ``retention_days`` None = not stated. ``installed``: YYYY-MM or empty.
    ``lat``/``lon``: WGS84 degrees with at most 8 decimals, as text, so that a float never changes an identity.
    """

    agency: str
    road_address: str
    lot_address: str
    purpose: str
    cameras: int
    pixels: int | None
    direction: str
    retention_days: int | None
    installed: str
    phone: str
    lat: str
    lon: str
    data_date: str
    opening_code: str = ""
    management_no: str = ""
    update_kind: str = ""
    update_time: str = ""
    modified_time: str = ""

    def identity(self, occurrence: int) -> str:
        """SHA-256 over the 13 fields that every width has, and which of several equal rows this is (from 1).

        The running number (번호) and the five fields of the widest form stay out, so that the same place is the
        same row whatever the width of the file.
        """
        parts = [str(getattr(self, name) if getattr(self, name) is not None else "") for name in CORE]
        return hashlib.sha256("\x1f".join([*parts, str(occurrence)]).encode()).hexdigest()

    def cell(self, field: str) -> str:
        """The field as it stands in a file; not stated = empty."""
        value = getattr(self, field)
        return "" if value is None else str(value)


PLACE_FIELDS = tuple(f.name for f in fields(Place))

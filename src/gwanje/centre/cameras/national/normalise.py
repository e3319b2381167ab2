"""One row made uniform (정규화). Normalising what is normal changes nothing, so an export reads back the same."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation

from gwanje.centre.cameras.national.columns import PURPOSES, Place
from gwanje.centre.common.guard import restored

LAT = (Decimal("33.0"), Decimal("38.7"))
LON = (Decimal("124.5"), Decimal("132.0"))
CAMERAS_MAX = 500
TEXT_MAX = 300
PURPOSE_SPELLINGS = {
    "방범": "생활방범", "생활방범용": "생활방범", "방범용": "생활방범", "범죄예방": "생활방범", 
    "쓰레기투기": "쓰레기단속", "쓰레기투기단속": "쓰레기단속", "시설물": "시설물관리", "시설관리": "시설물관리",
    "교통정보": "교통정보수집", "재난": "재난재해", "재난감시": "재난재해", "어린이안전": "어린이보호",
    "차번인식": "차량방범",
}  # fmt: skip
_PLACEHOLDER = re.compile(r"(도로명\s*주소|지번\s*주소|주소|지번)?\s*(해당\s*없음|없음|부재|미부여)$")
_PHONE = re.compile(r"[0-9]{2,4}(-[0-9]{3,4}){1,2}")


class RowRefused(ValueError):
    """The row cannot be taken; ``code`` names the reason, ``column`` the field."""

    def __init__(self, code: str, column: str) -> None:
        super().__init__(code)
        self.code, self.column = code, column


def normalise(cells: dict[str, str]) -> tuple[Place, list[str], list[str]]:
    """(place, repairs, remarks) of a row's cells by field name; RowRefused when it cannot be taken."""
    repairs: list[str] = []
    remarks: list[str] = []
    text = {name: _clean(name, value, repairs) for name, value in cells.items()}
    road, lot = (_address(text.get(name, ""), repairs) for name in ("road_address", "lot_address"))
    data_date = _data_date(text.get("data_date", ""), repairs)
    lat, lon = _coordinate(text["lat"], text["lon"], repairs)
    if not road and not lot:
        raise RowRefused("address_blank", "road_address")
    place = Place(
        agency=_agency(text["agency"], repairs),
        road_address=road,
        lot_address=lot,
        purpose=_purpose(text["purpose"], repairs),
        cameras=_cameras(text["cameras"], remarks),
        pixels=_count(text.get("pixels", ""), "pixels", repairs),
        direction=text.get("direction", ""),
        retention_days=_count(text.get("retention_days", ""), "retention", repairs),
        installed=_installed(text.get("installed", ""), data_date, repairs, remarks),
        phone=_phone(text.get("phone", ""), repairs),
        lat=lat,
        lon=lon,
        data_date=data_date,
        **{name: text.get(name, "") for name in _EXTRA},
    )
    if place.retention_days is not None and place.retention_days > 30:
        remarks.append("retention_long")
    return place, list(dict.fromkeys(repairs)), remarks


_EXTRA = ("opening_code", "management_no", "update_kind", "update_time", "modified_time")


def _clean(name: str, value: str, repairs: list[str]) -> str:
    kept = restored(value)
    tidy = " ".join(unicodedata.normalize("NFC", kept).split())
    if len(tidy) > TEXT_MAX:
        raise RowRefused("text_long", name)
    # a formula is no text of a list; one that came guarded is text, and goes out guarded again
    formula = kept is value and tidy[:1] in ("=", "@")
    if formula or any(unicodedata.category(c) in ("Cc", "Cf") for c in tidy):
        raise RowRefused("text_control", name)
    if tidy != kept:
        repairs.append("spaces")
    return tidy


def _agency(text: str, repairs: list[str]) -> str:
    if not text:
        raise RowRefused("agency_blank", "agency")
    name = " ".join(re.sub(r"\([^)]*\)", " ", text).split()) or text
    if re.fullmatch(r".*[가-힣](구|군|시)", name):
        name += "청"
    if name != text:
        repairs.append("agency_spelling")
    return name


def _address(text: str, repairs: list[str]) -> str:
    if text and _PLACEHOLDER.search(text):
        # "○○구 도로명주소 부재" still names the district: that much is kept
        repairs.append("address_placeholder")
        return _PLACEHOLDER.sub("", text).strip()
    return "" if text in ("-", ".", "0") else text


def _purpose(text: str, repairs: list[str]) -> str:
    name = text.replace(" ", "")
    if name in PURPOSE_SPELLINGS:
        name = PURPOSE_SPELLINGS[name]
    if name not in PURPOSES:
        raise RowRefused("purpose_unknown", "purpose")
    if name != text:
        repairs.append("purpose_spelling")
    return name


def _cameras(text: str, remarks: list[str]) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= CAMERAS_MAX:
        raise RowRefused("cameras_bad", "cameras")
    if int(text) > 50:
        remarks.append("many_cameras")
    return int(text)


def _count(text: str, name: str, repairs: list[str]) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text):
        repairs.append(f"{name}_bad")
        return None
    if int(text) == 0:
        repairs.append(f"{name}_zero")
        return None
    return int(text)


def _installed(text: str, data_date: str, repairs: list[str], remarks: list[str]) -> str:
    if not text:
        remarks.append("installed_blank")
        return ""
    found = re.fullmatch(r"(\d{4})[-./ ]?(\d{1,2})(?:[-./ ]?\d{1,2})?\.?", text)
    year, month = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= month <= 12 or not 1900 <= year <= 2200:
        repairs.append("installed_bad")
        return ""
    if year < 1960:
        # a spreadsheet that is given 2009..2039 as a date shows 1905-07: the year typed is not recoverable
        repairs.append("installed_excel")
        return ""
    made = f"{year:04d}-{month:02d}"
    # measured against the file's own date, never today: the same file must give the same rows in every year
    if data_date and made > f"{int(data_date[:4]) + 1:04d}{data_date[4:7]}":
        repairs.append("installed_future")
        return ""
    if made != text:
        repairs.append("installed_form")
    return made


def _data_date(text: str, repairs: list[str]) -> str:
    if not text:
        return ""
    found = re.fullmatch(r"(\d{4})[-./]?(\d{1,2})[-./]?(\d{1,2})\.?", text)
    try:
        made = date(int(found[1]), int(found[2]), int(found[3])).isoformat() if found else ""
    except ValueError:
        made = ""
    if not made:
        repairs.append("date_bad")
    elif made != text:
        repairs.append("date_form")
    return made


def _phone(text: str, repairs: list[str]) -> str:
    if not text or _PHONE.fullmatch(text):
        return text
    repairs.append("phone_bad")
    return ""


def _coordinate(lat_text: str, lon_text: str, repairs: list[str]) -> tuple[str, str]:
    if not lat_text or not lon_text:
        raise RowRefused("coordinate_zero", "lat")
    try:
        lat, lon = Decimal(lat_text), Decimal(lon_text)
    except InvalidOperation as error:
        raise RowRefused("coordinate_bad", "lat") from error
    if not lat.is_finite() or not lon.is_finite():
        raise RowRefused("coordinate_bad", "lat")
    if lat == 0 or lon == 0:
        raise RowRefused("coordinate_zero", "lat")
    if _in(lon, LAT) and _in(lat, LON):
        lat, lon = lon, lat
        repairs.append("coordinate_swapped")
    if not _in(lat, LAT) or not _in(lon, LON):
        raise RowRefused("coordinate_outside", "lat")
    return degrees(lat), degrees(lon)


def _in(value: Decimal, span: tuple[Decimal, Decimal]) -> bool:
    return span[0] <= value <= span[1]


def degrees(value: Decimal) -> str:
    """Decimal degrees as the list writes them: at most 8 places, no exponent, no trailing zeros."""
    return format(round(value, 8).normalize(), "f")

"""Sections (방침 항목의 내용): what the rows say about each item of a document; what no row says, an officer types.

A part is ``{"text": said}`` or ``{"columns": [said …], "rows": [[said | text …] …]}``; ``said`` is ``{"ko", "en"}``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from gwanje.centre.cameras.api import CameraView
from gwanje.centre.publication import items
from gwanje.centre.publication.gathering import NO_DEPARTMENT, Rows

Part = dict[str, Any]
Said = dict[str, str]
DIRECTIONS = ("북", "북동", "동", "남동", "남", "남서", "서", "북서")
COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
NATIONAL_EN = {
    "생활방범": "neighbourhood safety", "다목적": "several purposes", "어린이보호": "child safety",
    "차량방범": "vehicle crime", "교통단속": "traffic enforcement", "교통정보수집": "traffic information",
    "쓰레기단속": "waste dumping", "시설물관리": "facilities", "재난재해": "disasters", "기타": "other",
}  # fmt: skip


def said(ko: str, en: str) -> Said:
    """Words in both languages."""
    return {"ko": ko, "en": en}


@cache
def _sentences() -> dict[str, Said]:
    found = (files("gwanje.centre.publication") / "sentences.yaml").read_text(encoding="utf-8")
    table: dict[str, Said] = yaml.safe_load(found)
    return table


def line(name: str, **slots: object) -> Part:
    """A paragraph: a sentence of ``sentences.yaml`` with its slots filled."""
    ko, en = (_sentences()[name][lang].format(**slots) for lang in ("ko", "en"))
    return {"text": said(ko, en)}


def table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> list[Part]:
    """A table, or nothing where it would have no row."""
    return [{"columns": [said(*c) for c in columns], "rows": [list(row) for row in rows]}] if rows else []


def purpose(word: str) -> Said:
    """A national purpose in both languages."""
    return said(word, NATIONAL_EN.get(word, word))


def range_of(camera: CameraView) -> Said:
    """What a camera films (촬영범위): direction, angle and metres, or the whole circle of a dome."""
    if camera.ptz or camera.angle_deg >= 360:
        return said(f"회전형, 반경 약 {camera.range_m} m", f"dome, about {camera.range_m} m around")
    at = round(camera.direction_deg / 45) % 8
    return said(
        f"{DIRECTIONS[at]}쪽 {camera.angle_deg}°, 약 {camera.range_m} m",
        f"to the {COMPASS[at]}, {camera.angle_deg}°, about {camera.range_m} m",
    )


def kept(rows: Rows, cameras: Sequence[CameraView]) -> str:
    """The retention of some cameras, in the words of their classes; empty when one of them has no class."""
    labels = [rows.retention.get(number, "") for number in sorted({c.retention_class for c in cameras})]
    return " · ".join(labels) if all(labels) else ""


def basis(rows: Rows) -> list[Part]:
    """Legal basis and purposes (설치 근거 및 목적)."""
    grounds = [[said(g.ko, g.en), g.statute] for g in rows.today.grounds("installation")]
    counted = Counter(word for camera in rows.cameras for word in camera.purposes)
    purposes = [[purpose(word), said(f"{n}대", str(n))] for word, n in sorted(counted.items())]
    return [
        *table((("설치 근거", "Legal basis"), ("조문", "Article")), grounds),
        *table((("설치 목적", "Purpose"), ("기기", "Cameras")), purposes),
    ]


def counts(rows: Rows) -> list[Part]:
    """How many cameras of what kind (설치 대수·성능): by department; where they stand is the annex."""
    lines: list[list[Any]] = []
    for name, cameras in rows.by_department().items():
        domes = sum(c.ptz for c in cameras)
        pixels = sorted({c.pixels for c in cameras if c.pixels})
        shown = f"{pixels[0]}~{pixels[-1]}만 화소" if len(pixels) > 1 else f"{pixels[0]}만 화소" if pixels else "–"
        lines.append([name, str(len(cameras)), str(domes), shown])
    if not lines:
        return []
    total = len(rows.cameras)
    return [
        line("total", total=total),
        *table((("담당부서", "Department"), ("기기", "Cameras"), ("회전형", "Domes"), ("성능", "Pixels")), lines),
    ]  # fmt: skip


def officers(rows: Rows) -> list[Part]:
    """Officer in charge, department, who has access (관리책임자·담당부서·접근권한자): offices, never a roster."""
    lines = []
    for name in rows.by_department():
        own = rows.departments.get(name)
        if own is not None and (own.officer or own.phone):
            lines.append([name, own.officer or "–", own.operator or "–", own.phone or "–"])
    return [
        *table((("담당부서", "Department"), ("관리책임자", "Officer in charge"), ("운영자", "Operator"),
                ("연락처", "Contact")), lines),
        *access(rows),
    ]  # fmt: skip


def access(rows: Rows) -> list[Part]:
    """Who has access (접근권한자): how many people hold which office."""
    held = [[said(ko, en), said(f"{n}명", str(n))] for ko, en, n in rows.roles]
    return table((("접근 권한", "Access right"), ("인원", "People")), held)


def hours(rows: Rows) -> list[Part]:
    """Hours, retention, storage, processing (촬영시간·보관기간·보관장소·처리방법)."""
    lines = []
    for name, cameras in rows.by_department().items():
        own = rows.departments.get(name)
        place = own.place if own else ""
        lines.append([name, (own.hours if own else "") or "–", kept(rows, cameras) or "–", place or "–"])
    if not lines:
        return []
    return [
        *table((("담당부서", "Department"), ("촬영시간", "Hours"), ("보관기간", "Retention"),
                ("보관장소", "Place of storage")), lines),
        line("processing"),
    ]  # fmt: skip


def checking(rows: Rows) -> list[Part]:
    """How and where video may be checked (영상정보 확인 방법·장소)."""
    if not rows.viewing:
        return []
    places = ", ".join(rows.viewing)
    phones = [
        f"{name} {own.phone}" for name, own in sorted(rows.departments.items()) if own.phone and name != NO_DEPARTMENT
    ]
    found = [line("checking", places=places)]
    if phones:
        found.append(line("contacts", phones=" · ".join(phones)))
    return found


def requests(rows: Rows) -> list[Part]:
    """Requests of data subjects (열람 등 요구 조치)."""
    days = rows.value("request.days")
    if days is None:
        return []
    found = [line("requests", days=days), line("requests_how")]
    refusals = rows.value("refusal.grounds")
    if refusals:
        found += table((("거부할 수 있는 사유", "Grounds of refusal"),), [[word] for word in refusals])
    return found


def safeguards(rows: Rows) -> list[Part]:
    """Safeguards (안전성 확보 조치): what this installation does; an officer adds what stands outside of it."""
    return [line("encrypted"), line("rights"), line("stations")]


def outsourcing(rows: Rows) -> list[Part]:
    """Outsourcing (위탁): who works for the centre, on what, and how to reach it."""
    if not rows.contractors:
        return [line("nothing_outsourced")]
    lines = [[c.name, c.scope, c.contact, f"{c.starts_on} ~ {c.ends_on}".strip(" ~")] for c in rows.contractors]
    return table((("수탁자", "Contractor"), ("위탁 업무", "Work"), ("연락처", "Contact"), ("기간", "Term")), lines)


def beyond(rows: Rows) -> list[Part]:
    """No use or provision beyond the purpose (목적 외 이용·제공 제한): the grounds that may be chosen today."""
    grounds = [[said(g.ko, g.en), g.statute] for g in rows.today.grounds("disclosure")]
    if not grounds:
        return []
    return [
        line("beyond"),
        *table((("근거", "Ground"), ("조문", "Article")), grounds),
    ]  # fmt: skip


def signs(rows: Rows) -> list[Part]:
    """Signs (안내판): what they say and where they stand."""
    needed = rows.value("sign.items")
    if not needed:
        return []
    return [
        line("sign_items", ko=", ".join(needed), en=", ".join(map(items.english, needed))),
        line("sign_places", **{place: rows.signs[place] for place in items.PLACES}),
    ]


def changes(rows: Rows) -> list[Part]:
    """Changes of the policy (방침 변경)."""
    days = rows.value("policy.notice_days")
    if days is None:
        return []
    return [line("changes", days=days)]


def shifts(rows: Rows) -> list[Part]:
    """Organisation, duties, shifts (조직·업무·근무체계)."""
    held, number = access(rows), rows.value("operation.shifts")
    if not held:
        return []
    return [*held, *([line("shifts", number=number)] if number else [])]


def watching(rows: Rows) -> list[Part]:
    """Hours and scope of watching (운영시간·관제범위)."""
    length, found = rows.value("operation.hours_per_day"), []
    if length:
        found.append(line("operation", hours=length))
    counted = sorted({word for camera in rows.cameras for word in camera.purposes})
    if counted:
        english = ", ".join(NATIONAL_EN.get(word, word) for word in counted)
        found.append(line("by_purpose", ko=", ".join(counted), en=english))
    return found


def maintenance(rows: Rows) -> list[Part]:
    """Maintenance (유지관리)."""
    times = rows.value("inspection.per_month")
    if not times:
        return []
    return [line("maintenance", times=times)]


MAKERS: dict[str, tuple[Callable[[Rows], list[Part]], ...]] = {
    "설치 근거 및 목적": (basis,),
    "설치 대수·위치·촬영범위": (counts,),
    "관리책임자·담당부서·접근권한자": (officers,),
    "촬영시간·보관기간·보관장소·처리방법": (hours,),
    "영상정보 확인 방법·장소": (checking,),
    "열람 등 요구 조치": (requests,),
    "안전성 확보 조치": (safeguards,),
    "운영·관리 현황": (counts,),
    "위탁": (outsourcing,),
    "목적 외 이용·제공 제한": (beyond,),
    "안내판": (signs,),
    "방침 변경": (changes,),
    "기기와 장비 현황": (counts,),
    "조직·업무·근무체계": (shifts,),
    "운영시간·관제범위": (watching, hours),
    "출입통제·접근권한": (access,),
    "유지관리": (maintenance,),
    "설치 목적": (basis,),
    "담당부서·책임관·연락처": (officers,),
    "대수·위치·성능·촬영범위": (counts,),
    "안내판 규격·부착장소": (signs,),
    "권리행사·불복 절차": (requests,),
    "촬영시간·보유기간·보관·삭제": (hours,),
    "열람·재생 장소와 출입통제": (checking,),
    "제3자 제공·열람 사유와 절차": (beyond,),
}


def section(document: str, item: str, rows: Rows) -> dict[str, Any]:
    """One item of a document: its words, what the rows say of it, then what an officer typed."""
    parts = [part for maker in MAKERS.get(item, ()) for part in maker(rows)]
    ko, en = rows.texts.get((document, item), ("", ""))
    if ko.strip():
        parts.append({"text": said(ko.strip(), en.strip())})
    return {"item": item, "title": said(item, items.english(item)), "parts": parts}

"""Form 3 as a document (별지 제3호서식 보존기간 연장 신청서): the ordinance's fields in its order, PDF/A by Typst."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders

from gwanje.centre.common import clock, documents
from gwanje.centre.preservation.models import Application
from gwanje.centre.staff import api as staff

CONSENT = (
    "정보주체 본인은 개인영상자료 보존기간을 연장신청하면서 연장 신청 만료일 이후에도 자료가 필요할 것으로 판단되는 "
    "경우 만료일 이전에 재신청을 해야하며, 재신청이 없는 경우 보존기간 연장 만료일 이후 영상자료가 "
    "삭제되며 이에 동의합니다."
)
REMARK = "※ 요구내용을 구체적으로 요청하지 않으면 처리가 곤란할 수 있음"


def fonts() -> Path | None:
    """Folder of the document fonts, or None for the system's."""
    found = finders.find("vendor/fonts/Pretendard-Regular.otf")
    return Path(found).parent if isinstance(found, str) else None


def _day(day: date) -> str:
    return f"{day.year}년 {day.month}월 {day.day}일"


def _recorded(row: Application) -> list[str]:
    zone = clock().zone
    return [
        f"{c.label}: {c.first_at.astimezone(zone):%Y-%m-%d %H:%M:%S} ~ {c.until_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        for c in row.hold.cameras.all()[:100]
    ]


def form_three(row: Application, centre: str, now: datetime) -> dict[str, Any]:
    """What the document shows, all of it text."""
    city = staff.agency(row.agency_id)
    return {
        "form": "[별지 제3호서식]",
        "title": "영상정보 보존기간 연장 신청서",
        "centre": centre,
        "date": [now.year, now.month, now.day],
        "printed": f"출력 {now:%Y-%m-%d %H:%M}",
        "receipt": ["접수번호", row.number, "접수일", _day(row.received_on)],
        "subject": _person(row, "subject"),
        "agent": _person(row, "agent") if row.agent_name else [],
        "content": [
            ["영상정보기록시간", "\n".join(_recorded(row))],
            ["영상정보처리기기 설치 장소(CCTV번호)", row.place],
            ["청구 목적 및 사유", row.purpose],
            ["보존 연장기간", f"{_day(row.keep_from)} ~ {_day(row.keep_until)}"],
        ],
        "consent": CONSENT,
        "signed": f"신청인  {row.agent_name or row.subject_name}  (서명 또는 인)",
        "on": _day(row.received_on),
        "to": f"{city.name}장 귀하" if city else "",
        "words": {
            "subject": "정보주체",
            "agent": "대리인",
            "content": "요구내용",
            "none": "해당 없음",
            "sign": "(서명 또는 인)",
        },
        "attached": "※ 첨부서류: 신분증 및 자동차등록증(교통사고)",
        "remark": REMARK,
    }


def _person(row: Application, side: str) -> list[list[str]]:
    def of(name: str) -> str:
        return str(getattr(row, f"{side}_{name}"))

    second = ["정보주체와의 관계", of("relation")] if side == "agent" else ["", ""]
    return [
        ["성명", of("name"), "전화번호", of("phone")],
        ["생년월일", of("birth"), *second],
        ["주소", of("address"), "", ""],
    ]


def render(data: dict[str, Any]) -> bytes:
    """PDF/A-2b; every text is data of the template, never its source."""
    return documents.render("gwanje.centre.preservation", "extension.typ", data, fonts())

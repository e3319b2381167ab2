"""Every other document that is printed (파기 확인서, 점검일지, 안내판) with what people, devices and files may say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from gwanje.centre.common.documents import fonts
from gwanje.centre.inspection import document
from gwanje.centre.publication import sign_document, sign_map
from gwanje.centre.retention import certificate, trying

HOSTILE = (
    '가온시 시민대로 235 金澤㐀 뷁쀍 😀 ①㊞ ├┤ ᄒᆞᆫ글 #panic("x") *b* $x$ @ref <a> =HYPERLINK("http://x") '
    + "A0123456789" * 9
)
AT = datetime(2026, 11, 20, 18, 12, tzinfo=UTC)


def _certificate(hours: int, name: str) -> bytes:
    destroyed = [
        SimpleNamespace(
            class_number=7, epoch=495_000 + n, series=0, generation=41 + n // 40, cause="hour", reference="",
            held=[("보존-2026-0003", name, 4, 12, 99)] if n == 3 else [], due_at=AT, key_died_at=AT, erased_at=AT,
            segments=40, parts=4_000, root=bytes([n]) * 32,
            detail=[{"camera": name, "slot": s, "seconds": 3600, "parts": 100, "root": "ab" * 32} for s in range(40)],
            exceptions=[{"file": name, "why": "읽지 못함"}] if n == 5 else [],
        )
        for n in range(hours)
    ]  # fmt: skip
    status = SimpleNamespace(level="L1", replicas=1, single_replica=True, peers=[], retired=[])
    found = trying.Attempt(9, 0, True, 2, 4, 9)
    draft = certificate.Draft(
        "파기-2026-0001", AT, b"c" * 16, name, (), destroyed, found, status, {}, (9_000, b"r" * 32, ""),  # type: ignore[arg-type]
    )  # fmt: skip
    return certificate.issue(draft, UTC, fonts()).pdf


def _journal(rows: int, text: str) -> bytes:
    at = f"{AT:%Y-%m-%d %H:%M}"
    data = {
        "form": "[별지 제1호서식]", "title": "영상정보처리기기 점검일지", "centre": text[:60], "period": "2026년 11월",
        "date": [2026, 11, 21], "printed": at, "boxes": ["담당", "팀장", "과장"], "columns": list(document.COLUMNS),
        "rows": [[str(n), text, f"A-{n:04}", at, at, text, text, text, text] for n in range(1, rows + 1)],
        "nothing": "" if rows else "이 달에 기록된 장애가 없습니다.",
    }  # fmt: skip
    return document.render(data, fonts())


def _sign(size: str, text: str) -> bytes:
    camera = SimpleNamespace(
        number=text[:40], lat=37.41, lon=126.9, direction_deg=40, angle_deg=90, range_m=60, ptz=False
    )
    near = [SimpleNamespace(**{**vars(camera), "number": "B-1", "lon": 126.9004})]
    said = {
        "설치 목적": {"ko": text, "en": "Crime prevention and traffic"}, "설치 장소": {"ko": text, "en": ""},
        "촬영 범위": {"ko": "반경 60 m", "en": "60 m around"}, "촬영 시간": {"ko": "24시간 연속", "en": "24 hours"},
        "관리책임자 연락처": {"ko": "스마트도시과 031-000-1234", "en": "Smart City 031-000-1234"},
        "수탁자 명칭·연락처": {"ko": text[:60], "en": text[:60]},
    }  # fmt: skip
    row: Any = SimpleNamespace(size=size, text=said, text_sha256="ab" * 32, put_up_on=AT.date() + timedelta(days=1))
    svg = sign_map.draw((37.4103, 126.9001), [camera], near)
    return sign_document.render(row, "가온시", svg, fonts())


DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "certificate": lambda: _certificate(60, "가온시 통합관제센터"),
    "certificate-hostile": lambda: _certificate(8, HOSTILE),
    "journal": lambda: _journal(0, "가온시 통합관제센터"),
    "journal-hostile": lambda: _journal(4, HOSTILE),
    "sign-a4": lambda: _sign("A4", "방범, 교통단속 및 시설안전"),
    "sign-a4-hostile": lambda: _sign("A4", HOSTILE),
    "sign-a3": lambda: _sign("A3", "방범, 교통단속 및 시설안전"),
}

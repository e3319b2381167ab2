"""Words of the certificate (파기 확인서 문구), Korean; the numbers come from the draft."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gwanje.centre.retention.certificate import Draft

WEEKDAYS = "월화수목금토일"
CAUSES = {"hour": "보관기간 경과", "puncture": "삭제 청구의 처리", "hold": "보존의 종료"}
STAYS = "살아 있는 구간이 함께 든 파일은 파기된 조각만 제자리에서 덮어썼으며, 조각의 해시는 남습니다."
OBJECTS = "객체 저장소(S3)의 암호문 객체는 모든 판을 삭제하였으며 덮어쓰지는 못하였습니다."


def letter_date(at: datetime) -> str:
    """2026. 11. 20.(금) 03:12"""
    return f"{at.year}. {at.month}. {at.day}.({WEEKDAYS[at.weekday()]}) {at:%H:%M}"


def certificate_words(draft: Draft, span: tuple[str, str], issued: datetime) -> dict[str, Any]:
    """Every text of the first page; ``span``: first and last moment of what was destroyed."""
    from gwanje.centre.retention.certificate import COUNTERSIGN, LEVELS, behind, partial

    hours = list(draft.hours)
    cameras = {c["slot"] for hour in hours for c in hour.detail}
    found, level = draft.found, draft.status.level
    generations = sorted({hour.generation for hour in hours})
    dead = 1 + sum(peer["acknowledged"] > generations[-1] for peer in draft.status.peers)
    replicas = f"{dead}/{draft.status.replicas}"
    single = " (단일 복제본)" if draft.status.replicas < 2 else ""
    if draft.status.retired:
        single += f" · 담당공무원 2명이 해제한 복제본 {len(draft.status.retired)}개"
    return {
        "form": "[서식] 영상정보 파기 확인서",
        "title": "영상정보 파기 확인서",
        "number": draft.number,
        "centre_name": draft.centre_name,
        "date": [issued.year, issued.month, issued.day],
        "issued": letter_date(issued),
        "approval_boxes": ["담당", "팀장", "과장"],
        "facts": [
            ["문서번호", draft.number],
            ["파기 대상", f"{span[0]} ~ {span[1]} 사이에 녹화된 개인영상정보"],
            ["수량", f"시간 단위 {len(hours)}건 · 영상정보처리기기 {len(cameras)}대 · "
                     f"기기·시간 {sum(len(h.detail) for h in hours)}건 · 영상 조각 {sum(h.parts for h in hours):,}개"],
            ["파기 사유", ", ".join(dict.fromkeys(CAUSES[hour.cause] for hour in hours))],
            ["키 세대", f"{generations[0]} ~ {generations[-1]} (모두 삭제)" if len(generations) > 1
                        else f"{generations[0]} (삭제)"],
            ["키 복제본", f"{replicas} 파기{single}"],
            ["확인 수준", f"{level}: {LEVELS.get(level, ('', ''))[0]}"],
        ],
        "method": [
            "영상은 기록하기 전에 1초 단위 키로 암호화되며, 해당 시간의 키를 먼저 지워 복원할 수 없게 하였습니다.",
            "키 저장소의 새 세대를 기록한 뒤 이전 세대 키를 삭제하고 남아 있지 않음을 확인하였습니다.",
            "이어서 암호문 파일을 0으로 덮어쓰고 삭제하였습니다.",
            *([STAYS] if partial(hours) else []),
            *([OBJECTS] if behind(hours) else []),
        ],
        "attempt": [
            f"별도 과정이 이 장비의 키 저장소 {found.keystores}개와 키 파일 {found.keys}개로 표본 {found.tried}건을 "
            f"열려고 시도하였고, 열린 것은 {found.opened}건입니다.",
            f"이전 세대 키: {'없음' if found.generation_key_absent else '남아 있음'}",
            *([f"다른 서비스의 사용자만 읽는 자료 위치({', '.join(found.unread)})는 검증에서 읽지 않았습니다."]
              if found.unread else []),
        ],
        "articles": [str(article) for article in draft.articles],
        "officers": [[draft.titles.get(role, role), "", "", "서명 전"] for role in COUNTERSIGN],
        "closing": "위와 같이 개인영상정보를 복원이 불가능한 방법으로 파기하였음을 확인합니다.",
        "words": {
            "method": "파기 방법",
            "attempt": "파기 검증",
            "articles": "근거",
            "exceptions": "예외",
            "officers": "확인자",
            "officer_head": ["직위", "성명", "확인 일시", "서명"],
            "proof": "대조값",
            "list": "파기 목록",
            "list_note": "시각은 녹화된 시간의 시작(1시간 단위). 기기별 내역과 대조값은 전자 확인서(JSON)에 있습니다.",
            "list_head": ["번호", "구분", "녹화 시각", "파기 기한", "키 파기", "기기", "초", "세대"],
        },
    }  # fmt: skip

"""Kinds of duties (기한의 종류): names, what to do next, which numbers a clock needs, and what begins one by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gwanje.centre.duties.rules_committee import term_ends
from gwanje.law import clocks, clocks_events, clocks_missing, clocks_requests

Text = str | Promise
DATE, MOMENT = "date", "moment"


@dataclass(frozen=True)
class Clock:
    """One norm that runs by a clock: its name, and the parameters without which it cannot be counted."""

    norm: str
    name: Text
    parameters: tuple[str, ...] = ()


CLOCKS = (
    Clock("request.decide", _("열람 여부 결정"), ("request.decide_days",)),
    Clock("request.due", _("열람 등 청구 처리"), ("request.days",)),
    Clock("correction.due", _("정정·삭제 조치"), ("correction.days",)),
    Clock("extension.expiry", _("보존기간 연장의 만료"), ("extension.warn_days",)),
    Clock("hold.review", _("보존의 검토"), ("hold.review_days",)),
    Clock("policy.announce", _("방침 변경 예고"), ("policy.notice_days",)),
    Clock("notice.period", _("행정예고 등 의견수렴"), ("notice.days",)),
    Clock("inspection.monthly", _("월 자체 점검"), ("inspection.per_month",)),
    Clock("training.quarterly", _("분기 교육"), ("training.per_quarter",)),
    Clock("contractor.check", _("수탁자 점검"), ("contractor.check_months",)),
    Clock("log.review", _("접속기록 점검"), ("log.review_months",)),
    Clock("files.register", _("개인정보파일 등록"), ("files.register_days",)),
    Clock("search.shift_end", _("교대 시 보안검색"), ("search.at_shift_end",)),
    Clock("committee.term", _("위원의 임기"), ("committee.term_years",)),
    Clock("access.transfer", _("전보·퇴직자의 접근권한 말소")),
    Clock("breach.notify", _("유출 통지·신고"), ("breach.notice_hours",)),
    Clock("disclosure.publish", _("목적 외 이용·제공의 공개"), ("disclosure.publish_days",)),
    Clock("disclosure.missing", _("실종아동등을 찾기 위한 요청"), ("disclosure.missing_hours",)),
    Clock("live.glass_review", _("비상 열람 검토"), ("live.glass_review_hours",)),
)
NAMES: dict[str, Text] = {clock.norm: clock.name for clock in CLOCKS} | {
    "retention.irrecoverable": _("파기 확인서 확인"),
    "playback.approval": _("전화 승인의 서면 확인"),
}

# what the owner does next, by kind of duty
NEXT: dict[str, Text] = {
    "request.decide": _("열람 여부를 정하고 청구인에게 통지하십시오."),
    "request.answer": _("열람하게 하거나, 거부·연기를 통지하십시오."),
    "request.refusal_notice": _("거부 또는 연기의 사유와 이의제기 방법을 알리십시오."),
    "correction.due": _("조사하여 정정·삭제하고 결과를 알리십시오. 부득이하면 끝나기 전에 연장하십시오."),
    "extension.expiry": _("신청인에게 만료를 알리십시오. 재신청이 없으면 그날 삭제됩니다."),
    "hold.review": _("계속 필요한지 검토하여 연장·종료를 신청하거나, 검토한 내용을 적으십시오."),
    "policy.announce": _("변경의 사유와 내용을 그날까지 공지하십시오."),
    "notice.period": _("그날까지 의견을 받고 결과를 정리하십시오."),
    "inspection": _("점검일지의 처리결과를 모두 적고 그 달을 마감하십시오."),
    "training.quarterly": _("교육을 하고 참석자와 내용을 적으십시오."),
    "contractor.check": _("수탁자의 처리 현황을 점검하고 결과를 적으십시오."),
    "log.review": _("접속기록과 내려받은 사유를 점검하고 결과를 적으십시오."),
    "files.register": _("개인정보파일을 등록하고 등록번호를 적으십시오."),
    "search.shift_end": _("근무자와 방문자의 보안검색 결과를 적으십시오."),
    "committee.term": _("임기가 끝나기 전에 다시 위촉하거나 새 위원을 정하십시오."),
    "access.transfer": _("남은 접근권한과 접속을 바로 끊으십시오."),
    "breach.subject": _("정보주체에게 알리고, 알린 방법과 때를 적으십시오."),
    "breach.authority": _("보호위원회 또는 전문기관에 신고하고 접수번호를 적으십시오."),
    "disclosure.publish": _("관보나 홈페이지에 근거·목적·범위를 올리고 주소를 적으십시오."),
    "disclosure.missing": _("요청한 경찰관과 기간을 확인하고 바로 제공하거나, 할 수 없는 사유를 알리십시오."),
    "live.glass_review": _("연 사람이 아닌 책임자가 검토하십시오."),
    "retention.countersign": _("관리책임자와 개인정보 보호책임자가 확인하십시오."),
    "playback.confirm": _("전화로 승인한 사람이 서명 화면에서 서명하십시오."),
}
OTHERWISE = _("이행하고 내용을 적으십시오.")


@dataclass(frozen=True)
class Beginning:
    """A fact that an officer enters because no room has it yet: the clocks that it starts.

    ``asks``: a ``date`` or a ``moment``; ``clocks``: rules with the facts made of what was entered.
    """

    id: str
    name: Text
    asks: str
    label: Text
    hint: Text
    clocks: tuple[tuple[Callable[..., Any], Callable[[Any], Mapping[str, Any]]], ...]
    title_ko: str
    title_en: str


def _fact(name: str, **more: Any) -> Callable[[Any], Mapping[str, Any]]:
    return lambda when: {name: when, **more}


BEGINNINGS = {
    one.id: one
    for one in (
        Beginning(
            "request", _("열람 등 청구를 접수함"), DATE, _("접수일"), _("청구서의 접수번호"),
            ((clocks_requests.decide_request, _fact("received_on")),
             (clocks.answer_request, _fact("received_on", refused=False))),
            "열람 등 청구", "Request of a data subject",
        ),
        Beginning(
            "refusal", _("열람을 거부하거나 미루기로 함"), DATE, _("접수일"), _("청구서의 접수번호"),
            ((clocks.answer_request, _fact("received_on", refused=True)),), "거부·연기 통지", "Notice of refusal",
        ),
        Beginning(
            "correction", _("정정·삭제 청구를 접수함"), DATE, _("접수일"), _("청구서의 접수번호"),
            ((clocks_requests.correct, _fact("received_on", extended=0)),), "정정·삭제 청구", "Request to correct",
        ),
        Beginning(
            "breach", _("유출되었거나 유출되었을 수 있음을 앎"), MOMENT, _("안 때"), _("사고 관리번호"),
            ((clocks_events.notify_leak, _fact("known_at", to=clocks_events.SUBJECT)),
             (clocks_events.notify_leak, _fact("known_at", to=clocks_events.AUTHORITY))),
            "유출 사고", "Leak",
        ),
        Beginning(
            "file", _("개인정보파일을 쓰기 시작함"), DATE, _("운용을 시작한 날"), _("개인정보파일의 이름"),
            ((clocks_requests.register_file, _fact("started_on")),), "개인정보파일", "Personal-data file",
        ),
        Beginning(
            "disclosure", _("목적 외로 이용하거나 제공함"), DATE, _("이용·제공한 날"),
            _("관리대장 번호. 동의를 받았거나 수사·공소를 위한 것은 공개하지 않으므로 적지 않습니다."),
            ((clocks_requests.publish_use, _fact("provided_on")),), "목적 외 이용·제공", "Use beyond the purpose",
        ),
        Beginning(
            "missing", _("실종아동등을 찾기 위한 요청을 받음"), MOMENT, _("요청받은 때"), _("요청 공문 또는 사건번호"),
            ((clocks_missing.answer_police, _fact("asked_at")),),
            "실종아동등을 찾기 위한 요청", "Request to find a missing person",
        ),
        Beginning(
            "notice", _("행정예고 등 의견수렴을 시작함"), DATE, _("공고한 날"), _("사업명 또는 공고번호"),
            ((clocks_requests.notice, _fact("published_on")),), "의견수렴", "Public notice",
        ),
        Beginning(
            "committee", _("위원을 위촉함"), DATE, _("위촉일"), _("위원의 자리"),
            ((term_ends, _fact("appointed_on")),), "위원 임기", "Committee member",
        ),
    )
}  # fmt: skip


def name_of(norm: str) -> Text:
    """A norm's short name on the board; the norm itself where it has none."""
    return NAMES.get(norm, norm)


def next_of(kind: str) -> Text:
    """What the owner of such a duty does next."""
    return NEXT.get(kind, OTHERWISE)

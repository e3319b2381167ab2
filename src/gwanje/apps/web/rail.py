"""The rail (주 메뉴): the links that the policy object would open for this person, and no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gwanje.centre.common import decide
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

OFF_DUTY = "off_duty"
Question = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Link:
    """One entry: its word, its address, and the questions of which one must be answered with yes."""

    word: str | Promise
    long: str | Promise
    href: str
    questions: tuple[Question, ...] = ()
    apart: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def at(self, path: str) -> bool:
        """Is this address inside? What stands in ``apart`` has an entry of its own, or none; ``also`` is inside."""
        return path.startswith((self.href, *self.also)) and not path.startswith(self.apart)


EMERGENCIES = ("/watch/emergencies/", "/watch/ptz/", "/watch/glass/")
LINKS = (
    Link(_("관제"), _("실시간 관제"), "/watch/", (("watching.live.watch", {}),), ("/watch/map/", *EMERGENCIES)),
    Link(_("지도"), _("지도에서 기기 찾기"), "/watch/map/", (("cameras.registry.read", {}),)),
    Link(
        _("재생"),
        _("저장 영상 열람 신청과 승인"),
        "/playback/",
        (("playback.read", {"own": False}), ("playback.ask", {})),
    ),
    Link(_("영상정보처리기기"), _("기기와 설치지점"), "/cameras/", (("cameras.registry.read", {}),)),
    Link(
        _("긴급 검토"),
        _("긴급 관제와 구역 밖 조작의 사후 검토"),
        EMERGENCIES[0],
        (("watching.emergency.review", {}), ("playback.read", {"own": False})),
        also=EMERGENCIES,
    ),
    Link(_("할 일"), _("할 일과 기한"), "/duties/", (("duties.read", {}),)),
    Link(
        _("점검"), _("점검일지와 장애"), "/inspection/", (("inspection.journal.read", {}),), ("/inspection/tickets/",)
    ),
    Link(_("의뢰"), _("유지관리 의뢰"), "/inspection/tickets/", (("inspection.ticket.read", {}),)),
    Link(_("보관·파기"), _("보관과 파기"), "/retention/", (("retention.read", {}),)),
    Link(
        _("보존·삭제"),
        _("보존과 삭제 청구"),
        "/preservation/",
        (("preservation.read", {"own": False}), ("preservation.hold", {})),
    ),
    Link(_("서식·출력"), _("서식과 출력"), "/papers/", (("papers.form.read", {}),), ("/papers/public/",)),
    Link(
        _("통계"),
        _("용도·기관·연도별 통계"),
        "/statistics/",
        (("statistics.table.read", {}),),
        ("/statistics/public/",),
    ),
    Link(_("인력"), _("인력과 권한"), "/staff/", (("staff.read", {}),), ("/staff/me/",)),
    Link(_("방침·안내판"), _("방침, 계획, 안내판, 홈페이지 자료"), "/law/desk/", (("publication.desk.read", {}),)),
    Link(_("공개"), _("조문별 이행"), "/law/", apart=("/law/desk/",)),
)


def may_ever(actor: Actor, question: Question) -> bool:
    """Would the policy say yes once the shift has begun? Who is only off shift keeps the link."""
    action, context = question
    decision = decide(actor, action, Resource("agency", agency=actor.agency), **context)
    return decision.allow or {reason.code for reason in decision.reasons} == {OFF_DUTY}


def rail(actor: Actor, path: str) -> list[dict[str, Any]]:
    """The entries to show, the one that the page belongs to marked."""
    return [
        {"word": link.word, "long": link.long, "href": link.href, "current": link.at(path)}
        for link in LINKS
        if not link.questions or any(may_ever(actor, question) for question in link.questions)
    ]

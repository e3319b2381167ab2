"""Rules of publication (공개 규칙): what a policy, a plan and a sign have to say, when a change is announced. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import ModuleType
from typing import Any

from gwanje.centre.publication import items
from gwanje.kernel import offices
from gwanje.kernel.actor import AUDITOR, CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER
from gwanje.law import Decision, Duty, InForce, NotInForce, Reason, enforces

READ = "publication.desk.read"
WRITE = "publication.text.write"
ANNOUNCE = "publication.version.announce"
SIGN = "publication.sign.write"
NEEDED = {
    READ: (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR),
    WRITE: (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER),
    ANNOUNCE: (CHIEF_OFFICER, PRIVACY_OFFICER),
    SIGN: (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER),
}
LISTS = {items.POLICY: "policy.items", items.PLAN: "plan.items", items.DEPARTMENT: "department.items"}


def _missing(needed: tuple[str, ...], given: list[str], norm: str) -> list[Reason]:
    return [
        Reason(
            "item_missing",
            f"'{item}' 항목이 비어 있습니다.",
            f"The item '{items.english(item)}' is empty.",
            "그 항목의 내용을 적은 뒤 다시 하십시오.",
            "Write the text of that item and try again.",
            norm,
        )
        for item in needed
        if item not in given
    ]


@enforces("policy.complete")
def complete(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only a whole document is published (방침의 항목). Facts: ``document``, ``items`` = those with a text."""
    needed = tuple(law.parameter(LISTS[facts["document"]]).value)
    reasons = _missing(needed, list(facts["items"]), "policy.complete")
    return law.judge(ANNOUNCE, "policy.complete", reasons=reasons, facts=facts)


@enforces("policy.announce")
def announced(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A change is announced in time and with its reason (방침 변경 공지).

    Facts: ``announced_on``, ``effective_on`` (dates), ``reason``. The day of the announcement is not counted.
    """
    days = int(law.parameter("policy.notice_days").value)
    first: date = facts["announced_on"] + timedelta(days=days)
    reasons = []
    if facts["effective_on"] < first:
        reasons.append(
            Reason(
                "too_soon",
                f"변경 방침은 시행 최소 {days}일 전에 공지하여야 합니다. 가장 이른 시행일은 {first}입니다.",
                f"A change is announced at least {days} days before; the earliest day in force is {first}.",
                "시행일을 늦추십시오.",
                "Choose a later day.",
                "policy.announce",
            )
        )
    if not str(facts["reason"]).strip():
        reasons.append(
            Reason(
                "reason_missing",
                "변경 사유가 없습니다.",
                "The change has no reason.",
                "변경 사유를 적으십시오.",
                "Write why it is changed.",
                "policy.announce",
            )
        )
    return law.judge(ANNOUNCE, "policy.announce", reasons=reasons, facts=facts)


@enforces("policy.announce")
def announce_by(facts: Mapping[str, Any], law: InForce) -> Duty:
    """The last day to announce a change (방침 변경 공지). Facts: ``effective_on``, ``planned_on`` (date or None)."""
    days = int(law.parameter("policy.notice_days").value)
    effective: date = facts["effective_on"]
    due = effective - timedelta(days=days)
    ko = f"시행일 {effective}의 {days}일 전(공지일 불산입)"
    en = f"{days} days before {effective}, the day of the announcement not counted"
    return law.duty(
        "policy.announce", "policy.announce", starts_on=facts.get("planned_on") or due, due_on=due,
        owner_role=PRIVACY_OFFICER, basis=(ko, en),
    )  # fmt: skip


@enforces("sign.items")
def sign_items(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A sign says all that it has to (안내판 기재사항). Facts: ``items`` = those that have a text."""
    needed = tuple(law.parameter("sign.items").value)
    return law.judge(SIGN, "sign.items", reasons=_missing(needed, list(facts["items"]), "sign.items"), facts=facts)


@enforces("sign.placement")
def sign_placement(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A sign stands where it is seen, or a reason lets it not (안내판 설치장소와 생략).

    Facts: ``place`` (site, entrance, homepage, none), ``exemption`` (a word of ``sign.exemptions`` or ""), ``in_view``.
    """
    place, exemption = facts["place"], facts["exemption"]
    reasons = []
    if place == items.SITE and not facts["in_view"]:
        reasons.append(
            Reason(
                "not_seen",
                "안내판이 촬영범위 안의 알아보기 쉬운 곳에 있지 않습니다.",
                "The sign does not stand within the range that is filmed.",
                "안내판을 촬영범위 안으로 옮기거나 생략·대체 사유를 고르십시오.",
                "Move it into the range, or choose the reason that lets it stand elsewhere.",
                "sign.placement",
            )
        )
    if place != items.SITE and (exemption not in _exemptions(law) or items.instead(exemption) != place):
        reasons.append(
            Reason(
                "no_exemption",
                "안내판을 생략하거나 대신할 수 있는 사유가 아닙니다.",
                "This is no reason to leave the sign out or to replace it.",
                "규정이 정한 사유를 고르거나 촬영범위 안에 안내판을 설치하십시오.",
                "Choose a reason that the rule names, or put the sign up within the range.",
                "sign.placement",
            )
        )
    return law.judge(SIGN, "sign.placement", reasons=reasons, facts=facts)


def _exemptions(law: InForce) -> tuple[str, ...]:
    try:
        return tuple(law.parameter("sign.exemptions").value)
    except NotInForce:
        # where no rule names a reason there is none
        return ()


RULES = offices.rules(
    NEEDED,
    Reason(
        "role_missing",
        "방침·안내판 업무의 권한이 없습니다",
        "your office has no right to this work of publication",
        "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오",
        "ask the administrator for the right if your work needs it",
    ),
)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of publication."""
    offices.register(policy, RULES)

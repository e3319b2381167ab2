"""Rules of retention (보관·파기 규칙): pure; facts and the law of the day in, a Decision or a Duty out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import ModuleType
from typing import Any

from gwanje.centre.retention.rules_class import ARTICLE
from gwanje.kernel.actor import AUDITOR, CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER, Actor
from gwanje.kernel.policy import NOTHING, Resource, Scope, agencies
from gwanje.law import Decision, Duty, InForce, NotInForce, Reason, enforces

# a class in calendar months or for ever is longer than any number of days the packs name
LONGEST_MONTH_DAYS = 31
NEEDED = {
    "retention.read": (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR, OPERATOR),
    "retention.certificate": (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR),
    "retention.set_class": (CHIEF_OFFICER, MANAGER),
    "retention.countersign": (MANAGER, PRIVACY_OFFICER),
}


@enforces("retention.max")
def class_allowed(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A class is no longer than the pack allows, unless another statute is cited (보관기간 상한).

    Facts: ``kind`` (days, months, none, permanent), ``value`` (int), ``statute`` (the other statute's article, or "").
    Where the packs have no one maximum but a table of departments, its own periods are the only ones.
    """
    limit = longest(law)
    kind, value, reasons = facts["kind"], facts["value"], []
    days = {"days": value, "months": value * LONGEST_MONTH_DAYS, "none": 0}.get(kind)
    if kind not in ("days", "months", "none", "permanent") or (kind in ("days", "months") and value < 1):
        reasons.append(
            Reason(
                "value_missing",
                "보관기간은 1 이상의 일 또는 월로 적어야 합니다",
                "a retention is one day or month at least",
                "기간을 다시 적으십시오",
                "enter the period again",
            )
        )
    elif (days is None or days > limit) and (kind, value) not in _table(law) and not ARTICLE.search(facts["statute"]):
        reasons.append(
            Reason(
                "too_long",
                f"보관기간이 최대 {limit}일을 넘습니다" if limit else "규정의 부서별 표에 없는 보관기간입니다",
                f"the retention passes the maximum of {limit} days" if limit else "no department's row has this period",
                "다른 법령에 특별한 규정이 있으면 그 조문을 적으십시오(예: ○○법 제12조)",
                "if another statute provides for it, cite its article",
            )
        )
    return law.judge("retention.set_class", "retention.max", reasons=reasons, facts=facts)


def longest(law: InForce) -> int:
    """The packs' one maximum in days (최대 보관기간); 0 where only a table of departments says how long."""
    try:
        return int(law.parameter("retention.days_max").value)
    except NotInForce:
        if not law.retention_rows():
            raise
        return 0


def _table(law: InForce) -> set[tuple[str, int]]:
    """Where there is no one maximum: the table's periods that end, as (kind, value). One without an end is none."""
    return {(r.kind, r.value) for r in law.retention_rows() if r.kind in ("days", "months") and not longest(law)}


@enforces("retention.max")
def destruction_due(facts: Mapping[str, Any], law: InForce) -> Duty:
    """When an hour of footage must be dead (파기 기한): the hour's start plus the class's retention.

    Facts: ``started_at`` and ``dies_at`` (aware datetimes of the hour's start and of its death), ``reference``.
    """
    started: datetime = facts["started_at"]
    dies: datetime = facts["dies_at"]
    zone = law.law.zone
    days = (dies - started).days
    return law.duty(
        "retention.destroy",
        "retention.max",
        starts_on=started.astimezone(zone).date(),
        due_on=dies.astimezone(zone).date(),
        owner_role=MANAGER,
        basis=(
            f"녹화 시각 {started.astimezone(zone):%Y-%m-%d %H:%M}부터 {days}일 ({facts['reference']})",
            f"{days} days from the recording at {started.astimezone(zone):%Y-%m-%d %H:%M} ({facts['reference']})",
        ),
        due_at=dies,
    )


@enforces("access.least")
def role_needed(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Only those whose office needs it. Facts: ``roles``, ``needed`` (lists of role ids), ``action``."""
    reasons = []
    if not set(facts["roles"]) & set(facts["needed"]):
        reasons.append(
            Reason(
                "role_missing",
                "보관·파기 업무의 권한이 없습니다",
                "your office has no right to retention",
                "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오",
                "ask the administrator for the right if your work needs it",
            )
        )
    return law.judge(facts["action"], "access.least", reasons=reasons, facts=facts)


def _needs(action: str, actor: Actor, law: InForce) -> Decision:
    return role_needed({"roles": sorted(actor.roles), "needed": list(NEEDED[action]), "action": action}, law)


def read(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``retention.read``: what dies when and why."""
    return _needs("retention.read", actor, context["law"])


def certificate(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``retention.certificate``: certificates of destruction and their documents."""
    return _needs("retention.certificate", actor, context["law"])


def countersign(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``retention.countersign``: the officers whose names stand below a certificate."""
    return _needs("retention.countersign", actor, context["law"])


def set_class(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
    """``retention.set_class``: the office first, then the law; context ``class`` has the facts of ``class_allowed``."""
    needed = _needs("retention.set_class", actor, context["law"])
    return class_allowed(context["class"], context["law"]) if needed.allow else needed


def own_agency(actor: Actor) -> Scope:
    """Footage of the actor's agency."""
    return NOTHING if actor.agency is None else agencies(actor.agency)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of retention."""
    for action, rule in (
        ("retention.read", read),
        ("retention.certificate", certificate),
        ("retention.set_class", set_class),
        ("retention.countersign", countersign),
    ):
        policy.register(action, rule, own_agency)

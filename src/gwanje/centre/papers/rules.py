"""Rules of papers (서식 규칙): who sees the forms, who types into them, who prints them from rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gwanje.kernel.actor import (
    ADMINISTRATOR,
    AUDITOR,
    CHIEF_OFFICER,
    MANAGER,
    OPERATOR,
    PRIVACY_OFFICER,
    SECONDED_POLICE,
    Actor,
)
from gwanje.kernel.policy import NOTHING, Resource, Scope, agencies
from gwanje.law import Decision, InForce, Reason

READ = "papers.form.read"
TYPE = "papers.form.type"
ROWS = "papers.form.fill"
NEEDED = {
    READ: (CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER, AUDITOR, ADMINISTRATOR, SECONDED_POLICE),
    TYPE: (CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER),
    ROWS: (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR),
}


def _judged(action: str, actor: Actor, law: InForce) -> Decision:
    reasons = []
    if not actor.has(*NEEDED[action]) or actor.contractor:
        reasons.append(
            Reason(
                "role_missing",
                "서식 업무의 권한이 없습니다",
                "your office has no right to this work with forms",
                "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오",
                "ask the administrator for the right if your work needs it",
            )
        )
    return law.judge(action, "access.least", reasons=reasons)


def _rule(action: str) -> Any:
    def rule(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
        return _judged(action, actor, context["law"])

    return rule


RULES = {action: _rule(action) for action in NEEDED}


def own_agency(actor: Actor) -> Scope:
    """What the actor's own agency runs."""
    return NOTHING if actor.agency is None or actor.anonymous else agencies(actor.agency)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of papers."""
    for action, rule in RULES.items():
        policy.register(action, rule, own_agency)

"""Rules of inspection (점검 규칙): who reads the journal, signs, hands out tickets, closes a month. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gwanje.kernel import offices
from gwanje.kernel.actor import AUDITOR, CHIEF_OFFICER, MAINTENANCE, MANAGER, OPERATOR, PRIVACY_OFFICER, Actor
from gwanje.kernel.policy import Resource
from gwanje.law import Decision, InForce, Reason

READ = "inspection.journal.read"
SIGN = "inspection.fault.sign"
ENTER = "inspection.fault.enter"
SEND = "inspection.ticket.send"
CLOSE = "inspection.month.close"
TICKETS = "inspection.ticket.read"
PROGRESS = "inspection.ticket.progress"
NEEDED = {
    READ: (CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER, AUDITOR),
    SIGN: (CHIEF_OFFICER, MANAGER, OPERATOR),
    ENTER: (CHIEF_OFFICER, MANAGER, OPERATOR),
    SEND: (CHIEF_OFFICER, MANAGER),
    CLOSE: (CHIEF_OFFICER, MANAGER),
    TICKETS: (MAINTENANCE,),
    PROGRESS: (MAINTENANCE,),
}


def _judged(action: str, actor: Actor, resource: Resource | None, law: InForce) -> Decision:
    reasons = []
    if not actor.has(*NEEDED[action]) or (actor.contractor and action not in (TICKETS, PROGRESS)):
        reasons.append(
            Reason(
                "role_missing",
                "점검 업무의 권한이 없습니다",
                "your office has no right to this work of inspection",
                "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오",
                "ask the administrator for the right if your work needs it",
            )
        )
    elif action == PROGRESS and resource is not None and resource.facts.get("contractor") != actor.person:
        reasons.append(
            Reason(
                "not_yours",
                "의뢰받은 사람만 처리 시각을 적습니다",
                "only the person the ticket was sent to records its steps",
                "의뢰한 관리책임자에게 문의하십시오",
                "ask the manager who sent it",
            )
        )
    return law.judge(action, "access.least", reasons=reasons)


def _rule(action: str) -> Any:
    def rule(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
        return _judged(action, actor, resource, context["law"])

    return rule


RULES = {action: _rule(action) for action in NEEDED}


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of inspection."""
    offices.register(policy, RULES)

"""Rules of the board (기한 관리 규칙): who reads the duties, closes them, begins one by hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gwanje.kernel import offices
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
from gwanje.kernel.policy import Resource
from gwanje.law import Decision, InForce, Reason

READ = "duties.read"
CLOSE = "duties.close"
BEGIN = "duties.begin"
# these read the whole board of their agency; the others what is theirs
READERS = (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR, ADMINISTRATOR)
OFFICERS = (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER)
NEEDED = {
    READ: (*READERS, OPERATOR, SECONDED_POLICE),
    CLOSE: (*OFFICERS, ADMINISTRATOR, OPERATOR, SECONDED_POLICE),
    BEGIN: OFFICERS,
}
# fmt: off
ROLE = Reason(
    "role_missing", "기한 관리의 권한이 없습니다", "your office has no right to the duties of the centre",
    "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오", "ask the administrator for the right",
)
OWNER = Reason(
    "not_the_owner", "이 할 일의 담당자가 아닙니다", "this duty is another office's",
    "담당자나 관리책임자가 처리하여야 합니다", "its owner, a manager or the chief officer closes it",
)
# fmt: on


def _judged(action: str, actor: Actor, resource: Resource | None, law: InForce) -> Decision:
    facts: Mapping[str, Any] = resource.facts if resource is not None else {}
    mine = actor.person is not None and facts.get("person") == actor.person
    reasons = []
    if not actor.has(*NEEDED[action]):
        reasons.append(ROLE)
    elif "owner_role" in facts:
        over = READERS if action == READ else (CHIEF_OFFICER, MANAGER)
        if not (mine or actor.has(facts["owner_role"], *over)):
            reasons.append(OWNER)
    return law.judge(action, "access.least", reasons=reasons)


def _rule(action: str) -> Any:
    def rule(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
        return _judged(action, actor, resource, context["law"])

    return rule


RULES = {action: _rule(action) for action in NEEDED}


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of the board."""
    offices.register(policy, RULES)

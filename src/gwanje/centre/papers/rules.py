"""Rules of papers (서식 규칙): who sees the forms, who types into them, who prints them from rows. Pure."""

from __future__ import annotations

from types import ModuleType

from gwanje.kernel import offices
from gwanje.kernel.actor import (
    ADMINISTRATOR,
    AUDITOR,
    CHIEF_OFFICER,
    MANAGER,
    OPERATOR,
    PRIVACY_OFFICER,
    SECONDED_POLICE,
)
from gwanje.law import Reason

READ = "papers.form.read"
TYPE = "papers.form.type"
ROWS = "papers.form.fill"
NEEDED = {
    READ: (CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER, AUDITOR, ADMINISTRATOR, SECONDED_POLICE),
    TYPE: (CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER),
    ROWS: (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR),
}


RULES = offices.rules(
    NEEDED,
    Reason(
        "role_missing",
        "서식 업무의 권한이 없습니다",
        "your office has no right to this work with forms",
        "업무에 필요하면 시스템관리자에게 권한 부여를 요청하십시오",
        "ask the administrator for the right if your work needs it",
    ),
)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of papers."""
    offices.register(policy, RULES)

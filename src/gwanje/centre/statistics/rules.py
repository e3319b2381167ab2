"""Rules of statistics (통계 규칙): who reads them, and that a wrong total or a misread word is not taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gwanje.kernel import offices
from gwanje.kernel.actor import AUDITOR, CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER
from gwanje.law import Decision, InForce, Reason, enforces

READ = "statistics.table.read"
CHECK = "statistics.table.check"
NEEDED = {
    READ: (CHIEF_OFFICER, MANAGER, OPERATOR, PRIVACY_OFFICER, AUDITOR),
    CHECK: (CHIEF_OFFICER, MANAGER, PRIVACY_OFFICER, AUDITOR),
}
NORM = "statistics.checked"
TOLD = 20


def _total(fact: Mapping[str, Any]) -> Reason:
    where, printed, counted = fact["where"], fact["printed"], fact["counted"]
    return Reason(
        "total_wrong",
        f"{where}: 적힌 값 {printed}, 줄에서 다시 센 값 {counted}",
        f"{where}: printed {printed}, counted again {counted}",
        "원본의 줄과 합계를 확인하여 고친 뒤 다시 하십시오",
        "compare the rows and the total with the original, mend one of them and try again",
        NORM,
    )


def _word(fact: Mapping[str, Any]) -> Reason:
    word, proposed = fact["word"], fact["proposed"]
    if proposed:
        return Reason(
            "word_misread",
            f"‘{word}’은(는) 분류에 없는 말입니다. ‘{proposed}’을(를) 잘못 읽은 글자로 보입니다",
            f"'{word}' is no word of the classification; it looks like a misreading of '{proposed}'",
            f"원본에서 확인하고 ‘{proposed}’(으)로 고치십시오",
            f"look it up in the original and write '{proposed}'",
            NORM,
        )
    return Reason(
        "word_unknown",
        f"‘{word}’은(는) 분류에 없는 말입니다",
        f"'{word}' is no word of the classification",
        "분류의 말 가운데 하나로 적으십시오",
        "write one of the words of the classification",
        NORM,
    )


@enforces(NORM)
def checked(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A table is taken or published only when it agrees with its own rows (통계표의 합계와 분류).

    Facts: ``wrong``: list of {``where``, ``printed``, ``counted``}; ``words``: list of {``word``, ``proposed`` or ""}.
    The first 20 of each are told.
    """
    reasons = [_total(f) for f in list(facts["wrong"])[:TOLD]] + [_word(f) for f in list(facts["words"])[:TOLD]]
    return law.judge(CHECK, NORM, reasons=reasons, facts=facts)


RULES = offices.rules(
    NEEDED,
    Reason(
        "role_missing",
        "통계를 볼 권한이 없습니다",
        "your office has no right to these statistics",
        "공개 통계는 누구나 볼 수 있습니다",
        "the public statistics are open to everybody",
    ),
)


def register(policy: ModuleType) -> None:
    """Give the policy object the rules of statistics."""
    offices.register(policy, RULES)

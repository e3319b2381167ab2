"""Rules of the two-level purposes (설치목적 분류 규칙): only what the city's own table lists is installed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.law import Decision, InForce, Reason, enforces

REGISTER = "cameras.camera.register"
NORM = "camera.purpose_class"
LEVELS = 2


@enforces(NORM)
def purpose_class(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A purpose stands at both levels of the table (1차·2차 분류). Facts: ``purposes`` = words as 사회안정/방범용.

    The words are compared letter by letter: a misprint of the source is no purpose.
    """
    tree = set(law.parameter("camera.purpose_tree").value)
    given = [str(word) for word in facts["purposes"]]
    halved = [word for word in given if sum(bool(part.strip()) for part in word.split("/")) != LEVELS]
    foreign = [word for word in given if word not in halved and word not in tree]
    reasons = []
    if halved or not given:
        said = f": {', '.join(halved)}" if halved else ""
        reasons.append(
            Reason(
                "level_missing",
                f"설치목적을 1차 분류와 2차 분류로 모두 적어야 합니다{said}.",
                f"A purpose is stated at both levels of the classification{said}.",
                "분류 기준표에서 고르십시오(예: 사회안정/방범용).",
                "Choose from the table, such as 사회안정/방범용.",
                NORM,
            )
        )
    if foreign:
        reasons.append(
            Reason(
                "not_in_classification",
                f"분류 기준표에 없는 설치목적입니다: {', '.join(foreign)}.",
                f"Not a purpose of the classification: {', '.join(foreign)}.",
                "분류 기준표에 있는 목적으로만 설치합니다.",
                "A camera is installed only for a purpose that the table lists.",
                NORM,
            )
        )
    return law.judge(REGISTER, NORM, reasons=reasons, facts=facts)


def tree(law: InForce) -> tuple[str, ...]:
    """The words of today's table; empty in a city that has none."""
    return tuple(law.parameter("camera.purpose_tree").value) if law.has(NORM) else ()


def in_force(facts: Mapping[str, Any], law: InForce) -> list[Decision]:
    """What the packs in force say of the two levels; nothing where no article does, nor for what leaves service.

    Facts: ``classification`` = the two-level words, None for a camera that is taken out of service.
    """
    if not law.has(NORM) or facts["classification"] is None:
        return []
    return [purpose_class({"purposes": facts["classification"]}, law)]

"""Rule of devices (기기 비밀번호 규칙): a device under its factory account is not taken into service. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.law import Decision, InForce, NotInForce, Reason, enforces

ADOPT = "cameras.device.adopt"
NORM = "camera.default_password"


@enforces(NORM)
def default_password(facts: Mapping[str, Any], law: InForce) -> Decision:
    """No factory account (공장 출하 계정). Facts: ``factory`` True, False, or None when it was not asked."""
    reasons = []
    if facts["factory"] is None:
        reasons.append(
            Reason(
                "factory_unknown",
                "공장 출하 계정이 남아 있는지 확인하지 않은 기기입니다.",
                "It is not known whether the device is still under its factory account.",
                "‘공장 출하 계정도 확인’을 골라 기기를 다시 조회하십시오.",
                "Ask the device again, with its factory account checked.",
            )
        )
    elif facts["factory"]:
        reasons.append(
            Reason(
                "factory_account",
                "비밀번호가 없거나 공장 출하 계정을 그대로 쓰는 기기입니다.",
                "The device has no password or is still under its factory account.",
                "기기에서 비밀번호를 바꾸고 새 계정을 봉인한 뒤 다시 조회하십시오.",
                "Change the password on the device, seal the new account, and ask the device again.",
            )
        )
    return law.judge(ADOPT, NORM, reasons=reasons, facts=facts)


def in_force(facts: Mapping[str, Any], law: InForce) -> list[Decision]:
    """What the packs in force say; nothing where no article of theirs names the norm."""
    try:
        law.articles(NORM)
    except NotInForce:
        return []
    return [default_password(facts, law)]

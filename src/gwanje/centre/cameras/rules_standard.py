"""Rules of a camera's picture (화소 기준): below the standard's pixels it is not taken into service. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.law import Decision, InForce, NotInForce, Reason, enforces

REGISTER = "cameras.camera.register"


@enforces("camera.standard")
def resolution(facts: Mapping[str, Any], law: InForce) -> Decision:
    """At least the standard's pixels (최저 화소수). Facts: ``active``, ``pixels`` (number, None = not stated)."""
    least = int(law.parameter("camera.pixels_min").value)
    pixels, reasons = facts["pixels"], []
    if facts["active"] and pixels is None:
        reasons.append(
            Reason(
                "pixels_unstated",
                f"화소수가 적혀 있지 않아 기준({least // 10_000}만 화소 이상)을 확인할 수 없습니다.",
                f"The pixels are not stated, so the standard of {least:,} cannot be checked.",
                "기기 사양의 화소수를 만 화소 단위로 입력하십시오.",
                "Enter the pixels of the device's data sheet, in units of 10,000.",
            )
        )
    elif facts["active"] and pixels < least:
        reasons.append(
            Reason(
                "pixels_below",
                f"화소수 {pixels // 10_000}만은 기준 {least // 10_000}만 화소에 못 미칩니다.",
                f"{pixels:,} pixels are below the standard of {least:,}.",
                "기준을 넘는 기기로 바꾸거나 ‘예정’으로 두십시오.",
                "Replace the device by one that meets the standard, or leave it planned.",
            )
        )
    return law.judge(REGISTER, "camera.standard", reasons=reasons, facts=facts)


def in_force(facts: Mapping[str, Any], law: InForce) -> list[Decision]:
    """What the packs in force say of the picture; nothing where no article names it."""
    try:
        law.articles("camera.standard")
    except NotInForce:
        return []
    return [resolution(facts, law)]

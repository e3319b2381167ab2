"""Words of the journal (점검일지 문구): kinds of fault in both languages."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KIND_NAMES: dict[str, str | Promise] = {
    "frozen": _("영상 정지"),
    "black": _("화면 어두움(무영상)"),
    "white": _("화면 하얗게 뜸"),
    "blurred": _("초점 흐림"),
    "covered": _("렌즈 가림"),
    "moved": _("촬영방향 틀어짐"),
    "clock": _("기기 시각 틀림"),
    "standard": _("저장 품질 기준 미달"),
    "no signal": _("신호 없음"),
    "by hand": _("기타 장애"),
}
HEALED = "자동 복구"


def said(kind: str, detail: dict[str, Any]) -> str:
    """장애내용 as the form prints it, with the figure that says it; Korean, as the city's form is."""
    if kind == "standard":
        least = detail.get("least") or {}
        rate, least_rate = float(detail.get("rate", 0)), float(least.get("rate", 0))
        return (
            f"저장 품질 기준 미달({detail.get('width')}x{detail.get('height')}, 초당 {rate:g}장; 기준 "
            f"{least.get('width', 0):g}x{least.get('height', 0):g}, 초당 {least_rate:g}장)"
        )
    if kind == "clock":
        return f"기기 시각 틀림({float(detail.get('offset_s', 0)):+.0f}초)"
    if kind == "no signal":
        return f"신호 없음({detail.get('reason', '')})".replace("()", "")
    plain = {
        "frozen": "영상 정지", "black": "화면 어두움(무영상)", "white": "화면 하얗게 뜸", "blurred": "초점 흐림",
        "covered": "렌즈 가림", "moved": "촬영방향 틀어짐",
    }  # fmt: skip
    return plain.get(kind, "장애")

"""The four classifications (설치목적 분류): their codes and where a camera's word stands in each; data of the packs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from gwanje.law.packs import available, folder, load_pack
from gwanje.law.purposes import PurposeRow

SCHEMES = ("national", "ordinance", "survey", "act")
NAMES = {
    "national": ("전국 표준 10개 용도", "The ten national purposes"),
    "ordinance": ("2단계 16개 목적", "Sixteen purposes in two levels"),
    "survey": ("9개 용도", "Nine uses"),
    "act": ("개인정보 보호법 제25조제1항의 6개 호", "The six items of the Act's Article 25(1)"),
}
ACT = {
    "1": ("제1호 법령에서 구체적으로 허용", "1 expressly allowed by law"),
    "2": ("제2호 범죄의 예방 및 수사", "2 prevention and investigation of crime"),
    "3": ("제3호 시설의 안전·관리, 화재 예방", "3 safety of facilities, fire prevention"),
    "4": ("제4호 교통단속", "4 traffic enforcement"),
    "5": ("제5호 교통정보의 수집·분석·제공", "5 traffic information"),
    "6": ("제6호 촬영된 영상정보를 저장하지 아니함", "6 nothing is stored"),
}
OPEN = "세부 미정"
OPEN_EN = "not decided further"


@dataclass(frozen=True)
class Code:
    """One code of a classification with its words."""

    code: str
    ko: str
    en: str


@cache
def sources() -> dict[str, tuple[PurposeRow, ...]]:
    """Scheme → its rows, from whichever pack writes it; the first by name where two do."""
    found: dict[str, tuple[PurposeRow, ...]] = {}
    for name in available():
        rows = load_pack(folder() / name).purposes
        if rows:
            found.setdefault(rows[0].scheme, rows)
    return found


@cache
def codes(scheme: str) -> tuple[Code, ...]:
    """The codes of a classification in its own order; ValueError for none of the four."""
    if scheme not in SCHEMES:
        raise ValueError(f"no such classification (없는 분류): {scheme}")
    if scheme == "act":
        return tuple(Code(number, *words) for number, words in ACT.items())
    return tuple(Code(row.code, row.ko, row.en) for row in sources().get(scheme, ()))


@cache
def _by_word() -> dict[str, PurposeRow]:
    """Every word that a camera may carry: the national ones, and those of the two-level table."""
    found = sources()
    return {row.code: row for scheme in ("ordinance", "national") for row in found.get(scheme, ())}


def place(word: str, scheme: str) -> str:
    """Where a camera's purpose stands in a classification: a code, or ``OPEN`` when it has none, or several.

    Nothing is guessed: a word that fits two codes is in neither column, so every camera is counted once.
    """
    row = _by_word().get(word)
    if row is None:
        return OPEN
    fits = tuple(map(str, getattr(row, scheme)))
    return fits[0] if len(fits) == 1 and fits[0] in {c.code for c in codes(scheme)} else OPEN

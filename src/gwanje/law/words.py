"""Shared words (공통어): norms and parameter names that every city's pack uses; read once from this folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gwanje.law.schema import Row, read

Kind = Literal["decision", "duty", "invariant"]
STRICTER = ("lower", "higher", "subset", "superset", "same")
# a unit after its number in Korean; a list has none
UNITS_KO = {
    "day": "일", "hour": "시간", "month": "개월", "year": "년", "minute": "분", "time": "회", "time/month": "회(월)",
    "time/quarter": "회(분기)", "shift": "교대", "officer": "명", "person": "명", "camera": "대", "pixel": "화소",
    "frame/second": "장(초)",
}  # fmt: skip
TYPES: dict[str, type] = {"int": int, "text": str, "list": list, "bool": bool}


@dataclass(frozen=True)
class NormWord:
    """One norm (규범): its kinds and one sentence in each language."""

    id: str
    kinds: tuple[Kind, ...]
    ko: str
    en: str


@dataclass(frozen=True)
class ParameterWord:
    """One parameter's meaning: its type, unit, and which way is stricter for the operator."""

    name: str
    kind: type
    unit: str
    stricter: str
    ko: str
    en: str


def _norms() -> dict[str, NormWord]:
    out: dict[str, NormWord] = {}
    for name, value in Row(read(Path(__file__).with_name("norms.yaml")), "norms.yaml").value.items():
        row = Row(value, f"norms.yaml, {name}")
        kinds = row.texts("kinds")
        if not kinds or not set(kinds) <= {"decision", "duty", "invariant"}:
            raise row.fail("kinds", "decision, duty, invariant 가운데 하나 이상", "is decision, duty or invariant")
        out[name] = NormWord(name, kinds, row.text("ko"), row.text("en"))  # type: ignore[arg-type]
        row.done()
    return out


def _parameters() -> dict[str, ParameterWord]:
    out: dict[str, ParameterWord] = {}
    for name, value in Row(read(Path(__file__).with_name("parameters.yaml")), "parameters.yaml").value.items():
        row = Row(value, f"parameters.yaml, {name}")
        kind, stricter = row.text("type"), row.text("stricter")
        if kind not in TYPES or stricter not in STRICTER:
            raise row.fail("stricter", f"{', '.join(STRICTER)} 가운데 하나", f"is one of {', '.join(STRICTER)}")
        word = ParameterWord(name, TYPES[kind], row.text("unit"), stricter, row.text("ko"), row.text("en"))
        out[name] = word
        row.done()
    return out


NORMS = _norms()
PARAMETERS = _parameters()

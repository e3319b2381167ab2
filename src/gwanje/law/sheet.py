"""The law of a day on one sheet (그날의 법): values, grounds, duties, officers, forms, retention, in plain Korean.

Two sheets of the same day are compared line by line (``differences``); ``lacks`` says what nobody can answer under
these packs, and what that stops. Pure: an ``InForce`` in, text out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gwanje.law.force import Ground, InForce, NotInForce, Parameter
from gwanje.law.forms import load_forms
from gwanje.law.retention_rows import RetentionRow
from gwanje.law.words import NORMS, PARAMETERS, UNITS_KO

HELD = "있음"
SECTIONS = ("기준값", "근거", "직명", "규범", "기한", "서식", "보관기간")
GATES = {"playback": "재생", "disclosure": "제공", "hold": "보존", "installation": "설치"}
# what stops where no rule of the centre's packs answers
STOPS = {
    "playback.approver_roles": "저장 영상의 재생을 승인할 사람이 없어 재생할 수 없습니다",
    "playback.default_deny": "재생의 규정이 없어 저장 영상을 열 수 없습니다",
    "disclosure.approver_roles": "외부 열람·제공을 승인할 사람이 없습니다",
    "live.on_duty": "관제하는 사람을 정한 규정이 없어 실시간 영상을 볼 수 없습니다",
    "camera.purposes": "설치목적의 목록이 없어 기기를 등록할 수 없습니다",
    "camera.integrated": "통합·연계의 규정이 없어 기기를 등록할 수 없습니다",
    "retention.days_max": "하나의 최대 보관기간이 없습니다. 부서별 표가 있으면 그 표가 정합니다",
    "live.emergency": "긴급 관제를 열 수 없습니다",
    "inspection.monthly": "점검의 기한을 세지 않습니다",
    "live.glass": "비상 열람이 꺼져 있습니다",
}


@dataclass(frozen=True)
class Sheet:
    """One day: section → name → (what stands there, who says so); two sheets are compared by what stands there."""

    on: date
    name: str
    lines: Mapping[str, Mapping[str, tuple[str, str]]]


def sheet(law: InForce) -> Sheet:
    """Everything that is in force that day (그날의 기준값·근거·직명·규범·기한·서식·보관기간)."""
    held = [n for n in NORMS if law.has(n)]
    forms = [f for p in law.packs for f in load_forms(p) if f.article.in_force(law.on)]
    lines = {
        "기준값": {PARAMETERS[p.name].ko: (_value(p, law), str(p.article)) for p in _said(law)},
        "근거": {g.ko: (", ".join(GATES.get(gate, gate) for gate in g.gates), g.statute) for g in _grounds(law)},
        "직명": {role: (law.title(role), "") for role in dict.fromkeys(r for p in law.packs for r in p.titles)},
        "규범": {NORMS[n].ko: (HELD, _cited(law, n)) for n in held if "duty" not in NORMS[n].kinds},
        "기한": {NORMS[n].ko: (HELD, _cited(law, n)) for n in held if "duty" in NORMS[n].kinds},
        "서식": {f"{f.label} {f.title}".strip(): (HELD, str(f.article.ref)) for f in forms},
        "보관기간": {_whose(r): (_kept(r), str(r.article.ref)) for r in law.retention_rows()},
    }
    return Sheet(law.on, law.packs[-1].short if law.packs else "-", lines)


def told(line: tuple[str, str]) -> str:
    """One line in words: what stands there, and its article in brackets."""
    value, source = line
    return f"{value} ({source})" if source else value


def _said(law: InForce) -> list[Parameter]:
    found = []
    for name in PARAMETERS:
        try:
            found.append(law.parameter(name))
        except NotInForce:
            continue
    return found


def _value(found: Parameter, law: InForce) -> str:
    if isinstance(found.value, bool):
        return "그렇다" if found.value else "아니다"
    if found.unit == "role":
        return ", ".join(_title(law, role) for role in found.value) or "없음"
    if isinstance(found.value, tuple):
        return ", ".join(map(str, found.value)) or "없음"
    return f"{found.value}{UNITS_KO.get(found.unit, '')}"


def _title(law: InForce, role: str) -> str:
    try:
        return law.title(role)
    except KeyError:
        return role


def _grounds(law: InForce) -> list[Ground]:
    found = {g.code: g for gate in GATES for g in law.grounds(gate)}
    return list(found.values())


def _cited(law: InForce, norm: str) -> str:
    return ", ".join(str(a) for a in law.articles(norm))


def _whose(row: RetentionRow) -> str:
    return " · ".join(filter(None, (row.department or "모든 부서", row.group or ", ".join(row.purposes))))


def _kept(row: RetentionRow) -> str:
    said = {"days": f"{row.value}일", "months": f"달력의 {row.value}개월", "none": "미보유(실시간만)"}.get(row.kind)
    return said or f"기간 없음({row.statute or '근거 법률이 적혀 있지 않음'})"


def differences(one: Sheet, other: Sheet) -> list[str]:
    """What differs (차이), one plain Korean sentence each; empty when nothing does."""
    found: list[str] = []
    for section in SECTIONS:
        mine, theirs = one.lines[section], other.lines[section]
        for name in dict.fromkeys((*mine, *theirs)):
            left, right = mine.get(name), theirs.get(name)
            if left is not None and right is not None:
                if left[0] != right[0]:
                    both = f"{_topic(one.name)} {told(left)}, {_topic(other.name)} {told(right)}"
                    found.append(f"[{section}] {name} — {both}.")
                continue
            has, without, line = (one, other, left) if left is not None else (other, one, right)
            assert line is not None
            found.append(f"[{section}] {has.name}에만 있고 {without.name}에는 없습니다: {name} — {told(line)}.")
    return found


def _topic(name: str) -> str:
    """A name with its topic particle: 은 after a final consonant, 는 after a vowel."""
    last = ord(name[-1]) - ord("가") if name else -1
    if not 0 <= last <= ord("힣") - ord("가"):
        return f"{name}은(는)"
    return name + ("은" if last % 28 else "는")


def lacks(law: InForce) -> list[tuple[str, str]]:
    """(name, sentence) of each value and norm that no rule in force answers, and what that stops (답할 수 없는 것)."""
    said = {p.name for p in _said(law)}
    silent = [(n, f"{word.ko}: 정한 규정이 없습니다") for n, word in PARAMETERS.items() if n not in said]
    silent += [(n, f"{word.ko} — 이 규범을 담은 조문이 없습니다") for n, word in NORMS.items() if not law.has(n)]
    return [(n, f"{text}. {STOPS[n]}." if n in STOPS else f"{text}.") for n, text in silent]

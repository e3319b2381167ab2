"""What stands in a form (서식의 값): cleaned, limited, checked, and written as Korean papers write it.

``values`` is a flat map of field name to text, number, date, moment, pair of them (a period), list of option ids
(boxes) or list of maps (a register). A typed text is data for every output; nothing here or later evaluates it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from gwanje.centre.common.refusal import Problem, josa
from gwanje.kernel.canonical import nfc
from gwanje.law.forms import Checks, Field, FormSchema, Register

# of one filled form, registers included: what a person can read and a printer can print
CHARS_MAX = 2_000_000
FAULTS_SHOWN = 5
OFF, ON = "□", "■"
BLANK_DATE = "        년      월      일"
# signs that turn the direction of what is read: 3,000 won must not be printed as 000,3
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ENDS = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")
_PHONE = re.compile(r"[0-9+*#()/~, .-]{3,}")
_RESIDENT = re.compile(r"\d{6}\s*-?\s*[1-8]\d{6}")
_DAY = re.compile(r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_NONE = re.compile(
    "[\ufdd0-\ufdef" + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17)) + "]"
)
_LINES = ("longtext", "address")


class Faults(Problem):
    """A form that cannot be taken (서식 입력 오류): one message a field, in both languages; nothing was written."""

    def __init__(self, schema: FormSchema, by_name: dict[str, tuple[str, str]]) -> None:
        self.by_name = by_name
        said = list(by_name.values())[:FAULTS_SHOWN]
        more = len(by_name) - len(said)
        ko, en = " ".join(k for k, _ in said), " ".join(e for _, e in said)
        super().__init__(
            "form_invalid",
            ko + (f" 외 {more}건" if more else ""),
            en + (f" And {more} more." if more else ""),
            rule=f"{schema.label} {schema.title}".strip(),
            next_="적은 내용은 그대로 있습니다. 고쳐서 다시 보내십시오.",
            next_en="What you typed is still there; mend it and send it again.",
        )


def tidy(text: str, *, lines: bool = True) -> str:
    """Text as it was typed, NFC, without control characters and signs that turn the reading direction."""
    value = _TURNS.sub("", _ENDS.sub("\n", nfc(text)))
    # a noncharacter or a lone surrogate is no letter of any script; what is only unknown to this Unicode table stays
    kept = (c for c in value if c == "\n" or not (unicodedata.category(c) in ("Cc", "Cs") or _NONE.match(c)))
    value = "".join(" " if c == "\n" and not lines else c for c in kept)
    return "\n".join(line.rstrip() for line in value.split("\n")).strip()


def day_of(text: str) -> date | None:
    """A date in any of the ways people type it (2026-11-20, 2026. 11. 20., 2026년 11월 20일); None when it is none."""
    found = _DAY.fullmatch(text.strip())
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def moment_of(text: str) -> datetime | None:
    """A day and a time of day on the centre's clock, without a zone; None when it is none."""
    day, _, clock = text.strip().rpartition(" ")
    on, at = day_of(day), _clock_of(clock)
    return datetime.combine(on, at) if on and at else None


def _clock_of(text: str) -> time | None:
    found = _CLOCK.fullmatch(text.strip())
    try:
        hour, minute, second = (int(part or 0) for part in found.groups()) if found else (99, 0, 0)
        return time(hour, minute, second)
    except ValueError:
        return None


def period_of(text: str) -> tuple[date, date] | None:
    """First and last moment (or day) of ``2019.01.01 18:30 ~ 19:00``; None when it is none or ends before it begins."""
    first_text, parted, last_text = text.partition("~")
    first: date | None = moment_of(first_text) or day_of(first_text)
    last: date | None = moment_of(last_text) or day_of(last_text)
    clock = _clock_of(last_text)
    if last is None and clock is not None and isinstance(first, datetime):
        last = datetime.combine(first.date(), clock)
    if not parted or first is None or last is None or isinstance(first, datetime) != isinstance(last, datetime):
        return None
    return (first, last) if first <= last else None


def clean(schema: FormSchema, given: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """The values that a form may have; ``Faults`` names every field that cannot be taken.

    ``strict``: as a person typed them (needed fields stand there, telephone, dates and periods can be read); else as
    rows give them, where only kinds and limits are asked.
    """
    faults: dict[str, tuple[str, str]] = {}
    out: dict[str, Any] = {}
    for name in given:
        if name not in schema.declared:
            faults[str(name)[:80]] = (f"서식에 없는 항목입니다: {str(name)[:80]}.", "The form has no such field.")
    for name, one in schema.declared.items():
        value = given.get(name)
        if isinstance(one, Register):
            out[name] = _entries(one, value, strict, faults)
        elif isinstance(one, Checks):
            out[name] = _boxes(one, value, strict, faults)
        else:
            out[name] = _one(one, value, strict, faults, (name, 0))
    size = sum(len(v) if isinstance(v, str) else 0 for v in out.values())
    size += sum(len(str(c)) for v in out.values() if isinstance(v, list) for e in v for c in e.values())
    if size > CHARS_MAX:
        faults[""] = (f"서식 하나는 {CHARS_MAX:,}자까지입니다.", f"One form may have {CHARS_MAX:,} characters.")
    if faults:
        raise Faults(schema, faults)
    return out


def _entries(one: Register, value: Any, strict: bool, faults: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    ko = one.heading or one.name
    if not value:
        return []
    if one.fixed:
        faults[one.name] = ("원문에 인쇄된 표에는 줄을 더하지 않습니다.", "The printed table takes no more lines.")
        return []
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(e, Mapping) for e in value):
        faults[one.name] = (f"{ko}: 목록이어야 합니다.", f"{one.name}: must be a list.")
        return []
    if len(value) > one.most:
        faults[one.name] = (
            f"{josa(ko, '은', '는')} {one.most:,}줄까지입니다. 기간을 나누어 뽑으십시오.",
            f"{one.heading_en or one.name} may have {one.most:,} lines; print a shorter period.",
        )
        return []
    known = {c.name for c in one.columns}
    out = []
    for number, entry in enumerate(value, 1):
        for name in set(entry) - known:
            faults[f"{one.name}.{number}.{str(name)[:80]}"] = (f"{ko}에 없는 열입니다.", "There is no such column.")
        out.append(
            {
                c.name: _one(c, entry.get(c.name), strict, faults, (f"{one.name}.{number}.{c.name}", number))
                for c in one.columns
            }
        )
    return out


def _boxes(one: Checks, value: Any, strict: bool, faults: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    ticked = (value,) if isinstance(value, str) else tuple(map(str, value or ()))
    known = {o.id for o in one.options}
    if not set(ticked) <= known:
        faults[one.name] = ("서식에 없는 선택입니다.", "The form has no such box.")
        return ()
    if strict and one.required and not ticked:
        words = ", ".join(o.ko for o in one.options)
        faults[one.name] = (
            f"하나 이상 고르십시오: {words}.",
            f"Tick at least one: {', '.join(o.en for o in one.options)}.",
        )
    return tuple(o.id for o in one.options if o.id in ticked)


def _one(field: Field, value: Any, strict: bool, faults: dict[str, tuple[str, str]], at: tuple[str, int]) -> Any:
    name, line = at
    fault = None
    if isinstance(value, str):
        value = tidy(value, lines=field.type in _LINES)
    if value is None or value == "":
        value = False if field.type == "check" else ""
        if strict and field.required and not value:
            fault = (f"{josa(field.ko, '을', '를')} 적으십시오.", f"{field.en} is missing.")
    else:
        value, fault = _typed(field, value, strict)
    if fault:
        where = f"{line}번째 줄, " if line else ""
        faults[name] = (where + fault[0], (f"Line {line}: " if line else "") + fault[1])
        return ""
    return value


def _typed(field: Field, value: Any, strict: bool) -> tuple[Any, tuple[str, str] | None]:
    if isinstance(value, str) and len(value) > field.max:
        return "", (
            f"{josa(field.ko, '은', '는')} {field.max:,}자까지입니다 (지금 {len(value):,}자).",
            f"{field.en} may have {field.max:,} characters (it has {len(value):,}).",
        )
    wrong = _kind(field, value)
    if wrong is not None:
        return wrong
    return value, _asked(field, value) if strict and isinstance(value, str) else None


def _kind(field: Field, value: Any) -> tuple[Any, tuple[str, str] | None] | None:
    """The value of a type that is not text, or its fault; None where text is meant."""
    if field.type == "check":
        return value in (True, "1", "on", "true"), None
    if field.type == "choice":
        known = value in {o.id for o in field.options}
        return (
            (value, None) if known else ("", (f"{field.ko}: 서식에 없는 선택입니다.", f"{field.en}: no such choice."))
        )
    if field.type == "int":
        text = str(value).replace(",", "").strip()
        if isinstance(value, bool) or not re.fullmatch(rf"-?[0-9]{{1,{field.max}}}", text):
            return "", (f"{field.ko}: 숫자로 적으십시오.", f"{field.en}: give a number.")
        return int(text), None
    if isinstance(value, datetime | date | time | int) or _is_pair(value):
        return value, None
    if not isinstance(value, str):
        return "", (f"{field.ko}: 글자로 적으십시오.", f"{field.en}: give a text.")
    day = day_of(value) if field.type == "date" else None
    return (day, None) if day else None


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, date) for v in value)


def _asked(field: Field, value: str) -> tuple[str, str] | None:
    """What a person typed where a form wants something that can be read."""
    if field.type in ("birth", "person", "phone") and _RESIDENT.search(value):
        return (
            f"{field.ko}: 주민등록번호는 적지 않습니다. 생년월일까지만 적으십시오.",
            f"{field.en}: leave out the resident number; the date of birth is enough.",
        )
    if field.type == "date" or (field.type == "birth" and not re.fullmatch(r"\d{6}|\d{8}", value)):
        if day_of(value) is None:
            return f"{field.ko}: 2026-11-20처럼 적으십시오.", f"{field.en}: write it like 2026-11-20."
    elif field.type == "datetime" and moment_of(value) is None:
        return f"{field.ko}: 2026-11-20 14:30처럼 적으십시오.", f"{field.en}: write it like 2026-11-20 14:30."
    elif field.type == "time" and _clock_of(value) is None:
        return f"{field.ko}: 14:30처럼 적으십시오.", f"{field.en}: write it like 14:30."
    elif field.type == "period" and period_of(value) is None:
        return (
            f"{field.ko}: 2026.11.20 18:30 ~ 2026.11.20 19:00처럼, 시작이 끝보다 앞서게 적으십시오.",
            f"{field.en}: write it like 2026.11.20 18:30 ~ 2026.11.20 19:00, the beginning first.",
        )
    elif field.type == "phone" and not _PHONE.fullmatch(value):
        return f"{field.ko}: 숫자와 - 로 적으십시오.", f"{field.en}: use digits and hyphens."
    return None


def printed(field: Field, value: Any) -> str:
    """A cleaned value as the papers of the house print it; empty for nothing."""
    if field.type == "choice":
        # a long choice has a line of its own
        between = "\n" if any(len(o.ko) > 12 for o in field.options) else "  "
        return between.join(f"{ON if o.id == value else OFF} {o.ko}" for o in field.options)
    if field.type == "check":
        return ON if value is True else OFF
    if value is None or value == "":
        return ""
    if _is_pair(value):
        first, last = value
        if not isinstance(first, datetime) or not isinstance(last, datetime):
            return f"{_day(first)} ~ {_day(last)}"
        return f"{first:%Y-%m-%d %H:%M:%S} ~ {last:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return _day(value)
    return f"{value:%H:%M}" if isinstance(value, time) else str(value)


def blank(field: Field) -> str:
    """What the empty place of a blank form has: 년 월 일, boxes, nothing."""
    if field.type in ("choice", "check"):
        return printed(field, None)
    if field.type == "date":
        return BLANK_DATE
    if field.type == "datetime":
        return f"{BLANK_DATE}      :"
    if field.type == "period":
        return f"{BLANK_DATE}   ~ {BLANK_DATE}"
    return ""


def _day(day: date) -> str:
    return f"{day.year}년 {day.month}월 {day.day}일"

"""Forms of every pack, and values for each of their fields, for the tests of what is printed of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from functools import cache
from typing import Any

from gwanje.law.forms import Checks, Field, FormSchema, Register, load_forms
from gwanje.law.packs import available, folder, load_pack

PERIOD = datetime(2026, 2, 28, 23, 59, 0), datetime(2026, 3, 1, 0, 1, 0)  # noqa: DTZ001 - papers print the centre's clock


MARKUP = (
    '#read("/etc/passwd") #panic("x") *b* $x^2$ @ref <a> // "]} =HYPERLINK("http://x") +1 -1 @SUM(A1) <script>alert(1)'
)
LONG = "A0123456789" * 18 + "끝."
ADDRESS = (
    "가온시 가온구 시민대로 235 (가온동)\n가온시청 제2별관 지하1층 통합관제센터\n○○아파트 101동 1203호\n(우 14054)"
)
LETTERS = "남궁뷁쀍 金澤㐀 😀👮🏽 ①㊞├┤ ᄒᆞᆫ글 =1+1"
HOSTILE = {"longtext": MARKUP, "text": LONG, "camera": LONG, "address": ADDRESS, "person": LETTERS}


@cache
def forms() -> dict[str, FormSchema]:
    """Every form of every pack in the repository, by its id."""
    found = {f.id: f for name in available() for f in load_forms(load_pack(folder() / name))}
    assert found
    return found


def value_of(field: Field, text: str) -> Any:
    """A value that the field's type takes; ``text`` (cut to its limit) where the type is text."""
    kinds: dict[str, Any] = {
        "date": date(2026, 2, 28),
        "time": time(3, 7),
        "datetime": PERIOD[1],
        "period": PERIOD,
        "int": 10 ** min(field.max, 4) - 1,
        "choice": field.options[-1].id if field.options else "",
        "check": True,
    }
    return kinds.get(field.type, text[: field.max])


def filled(
    schema: FormSchema, said: Callable[[str], str] = lambda name: f"값 {name}", lines: int = 3
) -> dict[str, Any]:
    """Values for everything that the form has; a text names the field that it stands in."""
    values: dict[str, Any] = {}
    for name, one in schema.declared.items():
        if isinstance(one, Checks):
            values[name] = [one.options[0].id, one.options[-1].id]
        elif isinstance(one, Register):
            values[name] = [
                {c.name: value_of(c, said(f"{name}.{number}.{c.name}")) for c in one.columns}
                for number in range(1, 1 + (0 if one.fixed else lines))
            ]
        else:
            values[name] = value_of(one, said(name))
    return values


def hostile(schema: FormSchema, lines: int = 1) -> dict[str, Any]:
    """200 letters without a space, markup of four languages, four lines of an address, letters that few fonts have."""
    values = filled(schema, lines=lines)
    for key, one in schema.declared.items():
        if isinstance(one, Register):
            for entry in values[key]:
                entry |= {c.name: value_of(c, HOSTILE[c.type]) for c in one.columns if c.type in HOSTILE}
        elif not isinstance(one, Checks) and one.type in HOSTILE:
            values[key] = value_of(one, HOSTILE[one.type])
    return values

"""A form to be filled in on a page (서식 입력): a Django form made of the same schema as the paper.

The form takes text only; ``values.clean`` judges it, so that a page and a paper never disagree. What was typed stays
in the form, whatever is wrong with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from gwanje.centre.common.papers.values import Faults, clean
from gwanje.law.forms import Checks, Field, FormSchema, Register

# lines of a register that a page offers; more come from rows, not from typing
LINES_MAX = 20
_HINTS = {
    "date": "2026-11-20",
    "datetime": "2026-11-20 14:30",
    "time": "14:30",
    "period": "2026.11.20 18:30 ~ 2026.11.20 19:00",
    "birth": "1990-01-02",
    "phone": "010-0000-0000",
}
_DIGITS = ("date", "datetime", "time", "int", "birth", "phone")


def _says(ko: str, en: str) -> str:
    return en if get_language() == "en" else ko


def _input(field: Field) -> forms.Field:
    attrs: dict[str, Any] = {"autocomplete": "off"}
    label = _says(field.ko, field.en)
    if field.type in _HINTS:
        attrs["placeholder"] = _HINTS[field.type]
    if field.type in _DIGITS:
        attrs["inputmode"] = "text" if field.type in ("date", "datetime", "birth") else "numeric"
    made: forms.Field
    if field.type == "choice":
        options = [("", _("고르십시오")), *((o.id, _says(o.ko, o.en)) for o in field.options)]
        made = forms.CharField(label=label, required=False, widget=forms.Select(choices=options))
    elif field.type == "check":
        made = forms.BooleanField(label=label, required=False)
    elif field.type in ("longtext", "address"):
        rows = 3 if field.type == "longtext" else 2
        made = forms.CharField(label=label, required=False, widget=forms.Textarea({"rows": rows, **attrs}))
    else:
        made = forms.CharField(label=label, required=False, widget=forms.TextInput(attrs))
    # the limit is the schema's own and is judged there: a browser would cut what is pasted without a word
    made.widget.attrs["data-most"] = str(field.max)
    if field.example:
        made.help_text = field.example
    return made


class PaperForm(forms.Form):
    """A schema's form. After ``is_valid`` the cleaned values stand in ``values``, as ``sheet`` and ``pdf`` take them.

    ``lines``: how many lines of each register are offered. Names are the schema's; a register's cell is
    ``register.line.column``.
    """

    def __init__(self, schema: FormSchema, data: Mapping[str, Any] | None = None, *, lines: int = 3) -> None:
        super().__init__(data)
        self.schema = schema
        self.values: dict[str, Any] = {}
        self.lines = max(1, min(lines, LINES_MAX))
        self.fault: Faults | None = None
        self.needed: set[str] = set()
        for name, one in schema.declared.items():
            if isinstance(one, Register):
                for line in range(1, self.lines + 1) if not one.fixed else ():
                    for column in one.columns:
                        self.fields[f"{name}.{line}.{column.name}"] = _input(column)
            elif isinstance(one, Checks):
                choices = [(o.id, _says(o.ko, o.en)) for o in one.options]
                self.fields[name] = forms.MultipleChoiceField(
                    label=_("해당하는 것을 모두 고르십시오"),
                    required=False,
                    choices=choices,
                    widget=forms.CheckboxSelectMultiple,
                )
                self.needed |= {name} if one.required else set()
            else:
                self.fields[name] = _input(one)
                self.needed |= {name} if one.required else set()

    def _given(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, one in self.schema.declared.items():
            if isinstance(one, Register):
                entries = [] if one.fixed else [self._line(one, line) for line in range(1, self.lines + 1)]
                # an empty line between two is a line; those behind the last are none
                while entries and not any(entries[-1].values()):
                    entries.pop()
                given[name] = entries
            else:
                given[name] = self.cleaned_data.get(name)
        return given

    def _line(self, one: Register, line: int) -> dict[str, Any]:
        return {c.name: self.cleaned_data.get(f"{one.name}.{line}.{c.name}") for c in one.columns}

    def clean(self) -> dict[str, Any]:
        """Judge what was typed by the schema; each fault stands at its own field, in the page's language."""
        super().clean()
        try:
            self.values = clean(self.schema, self._given(), strict=True)
        except Faults as fault:
            self.fault = fault
            for name, (ko, en) in fault.by_name.items():
                self.add_error(name if name in self.fields else None, _says(ko, en))
        return self.cleaned_data

    def parts(self) -> list[dict[str, Any]]:
        """The form in the paper's order: headings with their fields, registers with their lines."""
        out: list[dict[str, Any]] = []
        plain: list[str] = []
        for block in self.schema.blocks:
            if isinstance(block, Checks):
                out.append(self._part("", [block.name], boxes=True))
            elif isinstance(block, Register):
                out += self._register(block)
            elif block.kind == "fields":
                names = [f.name for row in block.rows for f in row]
                out.append(self._part(_says(block.heading, block.heading_en or block.heading), names))
            elif block.kind == "sign":
                plain += [f.name for f in block.lines]
        plain = [*(f.name for f in self.schema.fields), *plain]
        return [*out, self._part(_("날짜와 그 밖의 항목"), plain)] if plain else out

    def _part(self, title: Any, names: list[str], *, boxes: bool = False) -> dict[str, Any]:
        fields = [{"field": self[name], "needed": name in self.needed} for name in names]
        return {"title": title, "fields": fields, "boxes": boxes, "lines": []}

    def _register(self, one: Register) -> list[dict[str, Any]]:
        if one.fixed:
            return []
        lines = [
            {"number": line, "fields": [self[f"{one.name}.{line}.{c.name}"] for c in one.columns]}
            for line in range(1, self.lines + 1)
        ]
        heading = _says(one.heading or self.schema.title, one.heading_en or self.schema.title_en)
        return [{"title": heading, "fields": [], "boxes": False, "lines": lines}]

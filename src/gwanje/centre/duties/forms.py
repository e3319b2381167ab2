"""Forms of the board (기한 입력): a fact that starts clocks."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gwanje.centre.common import clock
from gwanje.centre.duties.kinds import MOMENT, Beginning

LABEL_MAX = 80
# a browser's own picker shows its own language's order; an official page shows one form
DAY = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "10", "placeholder": "2026-11-20"}
HOUR = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "5", "placeholder": "03:12", "size": "6"}


class BeginForm(forms.Form):
    """What began, which one, when; ``at`` is a date or an aware moment in ``cleaned_data``."""

    label = forms.CharField(label=_("이름 또는 번호"), min_length=2, max_length=LABEL_MAX)
    day = forms.DateField(label=_("날짜"), input_formats=["%Y-%m-%d"], widget=forms.DateInput(DAY, "%Y-%m-%d"))
    hour = forms.TimeField(label=_("시각"), input_formats=["%H:%M"], widget=forms.TimeInput(HOUR, "%H:%M"))

    def __init__(self, *args: Any, beginning: Beginning, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["label"].help_text = beginning.hint
        self.fields["day"].label = beginning.label
        if beginning.asks != MOMENT:
            del self.fields["hour"]

    def clean(self) -> dict[str, Any]:
        """The day or moment, not in the future."""
        said = super().clean() or {}
        day: date | None = said.get("day")
        if day is None or ("hour" in self.fields and "hour" not in said):
            return said
        hour: time | None = said.get("hour")
        at = datetime.combine(day, hour, tzinfo=clock().zone) if hour else day
        if (at if isinstance(at, datetime) else datetime.combine(at, time(), tzinfo=clock().zone)) > clock().now():
            self.add_error("day", _("앞날의 일은 등록할 수 없습니다."))
        said["at"] = at
        return said

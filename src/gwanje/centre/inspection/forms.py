"""Forms of inspection (점검 입력)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from gwanje.centre.inspection.services import TEXT_MAX

# a browser's own picker shows its own language's order; an official page shows one form
MOMENT = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "16", "placeholder": "2026-11-20 14:30"}


def _area(label: Any, *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=TEXT_MAX, min_length=2 if required else None, required=required,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


class SignForm(forms.Form):
    """What was inspected and how it ended."""

    inspected = _area(_("점검내역"))
    result = _area(_("처리결과"))
    note = _area(_("기타사항"), required=False)


class EnterForm(forms.Form):
    """A fault that a person saw; ``occurred_at`` in the centre's zone."""

    camera = forms.UUIDField(label=_("해당 기기"), widget=forms.Select)
    occurred_at = forms.DateTimeField(label=_("장애발생일자"), widget=forms.DateTimeInput(MOMENT, "%Y-%m-%d %H:%M"))
    said = _area(_("장애내용"))

    def __init__(self, *args: Any, cameras: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["camera"].widget.choices = cameras


class SendForm(forms.Form):
    """To whom a fault goes."""

    contractor = forms.UUIDField(label=_("유지관리 담당자"), widget=forms.Select)
    asked = _area(_("의뢰 내용"), required=False)

    def __init__(self, *args: Any, people: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contractor"].widget.choices = people

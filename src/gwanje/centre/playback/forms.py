"""The request form (열람 신청서)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import cursor, law
from gwanje.centre.playback.footage import connected
from gwanje.centre.playback.rules import GATE
from gwanje.centre.playback.services import Asked

FORMATS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


def _moment(label: Any) -> forms.DateTimeField:
    # a plain field: a browser's own date picker shows its language's order and half days, never whole seconds alike
    attrs = {"inputmode": "numeric", "autocomplete": "off", "placeholder": "2026-11-20 03:12:45", "maxlength": "19"}
    widget = forms.DateTimeInput(attrs=attrs, format=FORMATS[0])
    return forms.DateTimeField(
        label=label, widget=widget, input_formats=FORMATS, help_text=_("예: 2026-11-20 03:12:45")
    )


def recorded() -> list[cameras.CameraView]:
    """Cameras in the transaction's scope that a recorder was ever told of, by number."""
    return cameras.cameras(connected(cursor()))


class RequestForm(forms.Form):
    """Ground, case, cameras and range; only grounds in force today can be chosen."""

    ground = forms.ChoiceField(label=_("법적 근거"))
    document = forms.CharField(
        label=_("근거 문서"), max_length=200, required=False, help_text=_("공문번호·접수번호 등 근거가 요구하는 문서")
    )
    case = forms.CharField(label=_("사건·접수번호"), max_length=100)
    purpose = forms.CharField(label=_("열람 목적"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    cameras = forms.MultipleChoiceField(label=_("영상정보처리기기"), widget=forms.SelectMultiple(attrs={"size": 10}))
    first = _moment(_("시작"))
    until = _moment(_("끝"))
    hold = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        english = get_language() == "en"
        self.fields["ground"].choices = [("", _("고르십시오"))] + [  # type: ignore[attr-defined]
            (g.code, f"{g.en if english else g.ko} · {g.statute}") for g in law().grounds(GATE)
        ]
        self.fields["cameras"].choices = [(str(c.id), c.label) for c in recorded()]  # type: ignore[attr-defined]

    def asked(self) -> Asked:
        """The request as typed; seconds widened outwards to whole ones. Only after ``is_valid``."""
        data = self.cleaned_data
        first, until = data["first"].timestamp(), data["until"].timestamp()
        return Asked(
            cameras=tuple(UUID(c) for c in data["cameras"]),
            first=int(first),
            until=-int(-until // 1),
            ground=data["ground"],
            case=data["case"],
            purpose=data["purpose"],
            document=data["document"],
            hold=data["hold"],
        )

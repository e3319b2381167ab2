"""The request form (열람 신청서)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import law
from gwanje.centre.playback.rules import GATE
from gwanje.centre.playback.services import Asked


def _moment(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
        input_formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"],
    )


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        english = get_language() == "en"
        self.fields["ground"].choices = [("", _("고르십시오"))] + [  # type: ignore[attr-defined]
            (g.code, f"{g.en if english else g.ko} · {g.statute}") for g in law().grounds(GATE)
        ]
        self.fields["cameras"].choices = [(str(c.id), c.label) for c in cameras.cameras()]  # type: ignore[attr-defined]

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
        )

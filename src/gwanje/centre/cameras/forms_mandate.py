"""Forms of mandates and hours (권한 수임·운영시간 양식)."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gwanje.centre.common import law

DAY = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "10", "placeholder": "2026-11-20"}
DAYS = (
    (0, _("월요일")), (1, _("화요일")), (2, _("수요일")), (3, _("목요일")), (4, _("금요일")), (5, _("토요일")),
    (6, _("일요일")),
)  # fmt: skip
SPANS = re.compile(r"\s*[,\n]\s*")


def spans_of(text: str) -> list[list[str]]:
    """``07:00~09:00, 17:00~20:00`` as pairs; what cannot be read stays a pair that the service refuses."""
    return [re.split(r"\s*[~-]\s*", part.strip())[:3] for part in SPANS.split(text.strip()) if part.strip()]


class _Hours(forms.Form):
    days = forms.TypedMultipleChoiceField(
        label=_("요일"), choices=DAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("고르지 않으면 매일입니다."),
    )  # fmt: skip
    spans = forms.CharField(
        label=_("시간대"),
        required=False,
        max_length=120,
        help_text=_("예: 07:00~09:00, 17:00~20:00. 비우면 고른 요일에 종일입니다."),
    )

    def hours(self) -> dict[str, Any]:
        """Days and spans as the services take them."""
        return {"days": self.cleaned_data.pop("days"), "spans": spans_of(self.cleaned_data.pop("spans"))}


def _purposes() -> list[tuple[str, str]]:
    return [(word, word) for word in law().parameter("camera.purposes").value]


class NewMandateForm(_Hours):
    """A mandate of another agency for many cameras."""

    field_order = ["owner", "document", "starts_on", "ends_on", "purposes", "cameras", "days", "spans"]
    owner = forms.ChoiceField(label=_("소유 기관"))
    document = forms.CharField(label=_("권한 수임 문서"), max_length=200)
    starts_on = forms.DateField(label=_("수임 시작"), widget=forms.DateInput(DAY, "%Y-%m-%d"))
    ends_on = forms.DateField(label=_("수임 끝"), required=False, widget=forms.DateInput(DAY, "%Y-%m-%d"))
    purposes = forms.MultipleChoiceField(label=_("목적"), widget=forms.CheckboxSelectMultiple)
    cameras = forms.MultipleChoiceField(
        label=_("영상정보처리기기"), required=False, widget=forms.SelectMultiple({"size": 8})
    )

    def __init__(self, owners: list[tuple[str, str]], cameras: list[tuple[str, str]], *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.fields["owner"].choices = [("", _("고르십시오")), *owners]  # type: ignore[attr-defined]
        self.fields["cameras"].choices = cameras  # type: ignore[attr-defined]
        self.fields["purposes"].choices = _purposes()  # type: ignore[attr-defined]


class HoursForm(_Hours):
    """Hours of one camera's purpose."""

    field_order = ["days", "spans", "secondary", "approval", "on_sign"]
    secondary = forms.MultipleChoiceField(
        label=_("시간대 밖의 다른 공익 목적"), required=False, widget=forms.CheckboxSelectMultiple
    )
    approval = forms.CharField(label=_("승인 문서"), required=False, max_length=200)
    on_sign = forms.BooleanField(label=_("안내판에 적혀 있음"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secondary"].choices = _purposes()  # type: ignore[attr-defined]


def hours_initial(kept: dict[str, Any]) -> dict[str, Any]:
    """A camera's stored hours as the form shows them."""
    spans = ", ".join("~".join(span) for span in kept.get("spans") or [])
    return {"days": kept.get("days") or [], "spans": spans, "secondary": kept.get("secondary") or [],
            "approval": kept.get("approval", ""), "on_sign": bool(kept.get("on_sign"))}  # fmt: skip

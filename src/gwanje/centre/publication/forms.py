"""Forms of publication (방침·안내판 입력)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gwanje.centre.publication.services import LINE_MAX, REASON_MAX, TEXT_MAX

DAY = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "10", "placeholder": "2026-12-01"}
PLACE_WORDS = (
    ("site", _("현장")),
    ("entrance", _("출입구")),
    ("homepage", _("홈페이지 게재")),
    ("none", _("안내판 없음")),
)


def _day(label: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(DAY, "%Y-%m-%d"))


class TextForm(forms.Form):
    """An item's text."""

    item = forms.CharField(max_length=100, widget=forms.HiddenInput)
    ko = forms.CharField(label=_("본문"), max_length=TEXT_MAX, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    en = forms.CharField(
        label=_("영어 본문"), max_length=TEXT_MAX, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class DraftForm(forms.Form):
    """A planned version: its day and reason."""

    effective_on = _day(_("시행일"))
    reason = forms.CharField(label=_("변경 사유"), max_length=REASON_MAX, required=False)


class DepartmentForm(forms.Form):
    """A department's line."""

    name = forms.CharField(label=_("담당부서"), max_length=100)
    officer = forms.CharField(label=_("관리책임자(직위)"), max_length=100, required=False)
    operator = forms.CharField(label=_("운영자(팀)"), max_length=100, required=False)
    phone = forms.CharField(label=_("전화번호"), max_length=40, required=False)
    hours = forms.CharField(label=_("촬영시간"), max_length=LINE_MAX, required=False)
    place = forms.CharField(label=_("보관장소"), max_length=LINE_MAX, required=False)


class SignForm(forms.Form):
    """A sign's record; no coordinates means the pole of its first camera."""

    title = forms.CharField(label=_("안내판 이름"), max_length=200, required=False)
    place = forms.ChoiceField(label=_("위치"), choices=PLACE_WORDS)
    exemption = forms.ChoiceField(label=_("생략·대체 사유"), required=False)
    spot = forms.CharField(label=_("붙인 곳"), max_length=200, required=False)
    size = forms.ChoiceField(label=_("규격"), choices=(("A4", "A4"), ("A3", "A3")))
    lat = forms.FloatField(label=_("위도"), required=False, min_value=32, max_value=40)
    lon = forms.FloatField(label=_("경도"), required=False, min_value=123, max_value=133)
    put_up_on = _day(_("설치일"))
    photo = forms.FileField(label=_("사진(선택)"), required=False, max_length=200)

    def __init__(self, *args: Any, exemptions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["exemption"].choices = [("", "–"), *((word, word) for word in exemptions)]

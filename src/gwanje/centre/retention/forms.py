"""Form of retention (보관 구분 등록)."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from gwanje.centre.retention.services import KINDS, NUMBER_MAX

KIND_NAMES = {"days": _("일"), "months": _("월"), "none": _("저장 안 함"), "permanent": _("영구")}


class ClassForm(forms.Form):
    """A new class; whether it is lawful is the rule's to say."""

    number = forms.IntegerField(label=_("번호"), min_value=1, max_value=NUMBER_MAX)
    label = forms.CharField(label=_("이름"), max_length=60)
    kind = forms.ChoiceField(label=_("단위"), choices=[(kind, KIND_NAMES[kind]) for kind in KINDS])
    value = forms.IntegerField(label=_("기간"), min_value=0, max_value=36_500)
    reference = forms.CharField(label=_("근거 조문"), max_length=200)
    statute = forms.CharField(label=_("다른 법령의 조문"), max_length=200, required=False)

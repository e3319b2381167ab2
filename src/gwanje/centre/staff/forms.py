"""Forms of staff (인력 양식)."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from gwanje.centre.staff import api

# a browser's own date picker shows its own language's order; an official page shows one form
MOMENTS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


class GrantForm(forms.Form):
    """One role for one person."""

    role = forms.ChoiceField(label=_("권한"))
    ground = forms.CharField(label=_("부여 근거"), max_length=300, help_text=_("인사발령 문서번호 등"))
    ends_at = forms.DateTimeField(
        label=_("종료 일시"),
        required=False,
        input_formats=MOMENTS,
        widget=forms.DateTimeInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": "19"}),
        help_text=_("예: 2026-11-20 18:00. 비우면 회수할 때까지입니다."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        # nothing is chosen beforehand: a right is never granted because it stood first in a list
        self.fields["role"].choices = [("", _("고르십시오")), *api.role_choices()]  # type: ignore[attr-defined]


class PersonForm(forms.Form):
    """A new account."""

    account = forms.CharField(label=_("계정"), max_length=40)
    name = forms.CharField(label=_("이름"), max_length=60)
    password = forms.CharField(
        label=_("첫 비밀번호"),
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("10자 이상"),
    )
    contractor = forms.BooleanField(label=_("수탁업체 소속"), required=False)


class PasswordForm(forms.Form):
    """One's own password."""

    old = forms.CharField(
        label=_("현재 비밀번호"), max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new = forms.CharField(
        label=_("새 비밀번호"), max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

"""Forms of posts (보직·전보·위탁·교육 양식)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from gwanje.centre.staff import api, contracts, rules
from gwanje.centre.staff.rules_posts import EVENTS

DAY = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "10", "placeholder": "2026-11-20"}
# the words of the norm, so that a page can say them in its language
EVENT_WORDS = (_("전보"), _("퇴직"), _("휴직"), _("계약종료"))
SCOPE_WORDS = (_("관제"), _("유지보수"), _("설치공사"), _("영상정보자원 관리"))


def day(label: Any, *, required: bool = True) -> forms.DateField:
    """A day as every official page writes it."""
    return forms.DateField(
        label=label, required=required, input_formats=["%Y-%m-%d"], widget=forms.DateInput(DAY, "%Y-%m-%d")
    )


class AppointForm(forms.Form):
    """One appointment."""

    prefix = "post"
    role = forms.ChoiceField(label=_("직책"))
    post = forms.CharField(label=_("보직명"), max_length=60, required=False)
    department = forms.CharField(label=_("부서"), max_length=100)
    reference = forms.CharField(label=_("발령 문서"), max_length=200)
    starts_on = day(_("시작일"))
    ends_on = day(_("종료일"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["role"].choices = [("", _("고르십시오")), *api.role_choices()]  # type: ignore[attr-defined]


class TrainingForm(forms.Form):
    """One completed training."""

    prefix = "course"
    course = forms.CharField(label=_("과정명"), max_length=100)
    provider = forms.CharField(label=_("교육기관"), max_length=100)
    held_on = day(_("교육일"))
    reference = forms.CharField(label=_("이수 문서"), max_length=200, required=False)


class DepartureForm(forms.Form):
    """A departure."""

    event = forms.ChoiceField(label=_("사유"), choices=[("", _("고르십시오")), *zip(EVENTS, EVENT_WORDS, strict=True)])
    event_on = day(_("날짜"))
    reference = forms.CharField(label=_("발령 문서"), max_length=200)


class ContractForm(forms.Form):
    """A contract with every item of the decree."""

    company = forms.CharField(label=_("수탁자"), max_length=100)
    contact = forms.CharField(label=_("연락처"), max_length=60, help_text=_("안내판에 적는 전화번호"))
    reference = forms.CharField(label=_("계약 문서"), max_length=200)
    starts_on = day(_("시작일"))
    ends_on = day(_("종료일"))
    subcontracting = forms.CharField(label=_("재위탁"), max_length=200, required=False)
    scope = forms.MultipleChoiceField(
        label=_("위탁업무"), choices=list(zip(rules.SCOPES, SCOPE_WORDS, strict=True)),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for word, (ko, en) in contracts.ITEMS.items():
            self.fields[f"item_{word}"] = forms.CharField(
                label=en if get_language() == "en" else ko,
                max_length=contracts.ITEM_MAX,
                widget=forms.Textarea({"rows": 2}),
            )

    def items(self) -> dict[str, str]:
        """Word of the decree's item → what the contract says."""
        return {word: self.cleaned_data.pop(f"item_{word}") for word in contracts.ITEMS}


class ReferenceForm(forms.Form):
    """A document that ends or opens something."""

    reference = forms.CharField(label=_("문서"), max_length=200)


class EngageForm(forms.Form):
    """Whom a contract puts to work."""

    person = forms.UUIDField(label=_("직원"), widget=forms.Select)

    def __init__(self, people: list[tuple[str, str]], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["person"].widget.choices = [("", _("고르십시오")), *people]  # type: ignore[attr-defined]

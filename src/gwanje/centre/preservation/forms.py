"""Forms of preservation (보존·연장·삭제 입력)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import cursor, law
from gwanje.centre.preservation.applications import AGENT, LENGTHS, SUBJECT, Form, last_moment
from gwanje.centre.preservation.deletion import Unwanted
from gwanje.centre.preservation.rules import GATE, KIND_OF, OFFICERS
from gwanje.centre.preservation.services import Wanted
from gwanje.centre.staff import api as staff
from gwanje.kernel.actor import Actor

FORMATS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
FIELD_NAMES = {
    "name": _("성명"),
    "phone": _("전화번호"),
    "birth": _("생년월일"),
    "address": _("주소"),
    "relation": _("정보주체와의 관계"),
}


def _moment(label: Any) -> forms.DateTimeField:
    attrs = {"inputmode": "numeric", "autocomplete": "off", "placeholder": "2026-11-20 03:12:45", "maxlength": "19"}
    return forms.DateTimeField(
        label=label, widget=forms.DateTimeInput(attrs=attrs, format=FORMATS[0]), input_formats=FORMATS,
        help_text=_("예: 2026-11-20 03:12:45"),
    )  # fmt: skip


def _day(label: Any, help_text: Any = "") -> forms.DateField:
    attrs = {"inputmode": "numeric", "autocomplete": "off", "placeholder": "2026-11-20", "maxlength": "10"}
    return forms.DateField(
        label=label, widget=forms.DateInput(attrs=attrs, format="%Y-%m-%d"), input_formats=["%Y-%m-%d"],
        help_text=help_text,
    )  # fmt: skip


def _area(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


def recorded() -> list[tuple[str, str]]:
    """Cameras in the transaction's scope that have footage keys, by number."""
    rows = cursor()
    rows.execute("select camera from footage_source order by slot limit 20000")
    return [(str(c.id), c.label) for c in cameras.cameras([row[0] for row in rows.fetchall()])]


def grounds() -> list[tuple[str, str]]:
    """Grounds in force today that allow a hold."""
    english = get_language() == "en"
    return [(g.code, f"{g.en if english else g.ko} · {g.statute}") for g in law().grounds(GATE) if g.code in KIND_OF]


def reviewers(actor: Actor) -> list[tuple[str, str]]:
    """Officers of the agency who may review, by name."""
    people = {person.pk: person for role in OFFICERS for person in staff.holders(role, agency=actor.agency)[:200]}
    return sorted(((str(p.pk), p.name) for p in people.values() if p.pk != actor.person), key=lambda one: one[1])


def seconds(first: datetime, until: datetime) -> tuple[int, int]:
    """Unix s, widened outwards to whole seconds."""
    return int(first.timestamp()), -int(-until.timestamp() // 1)


class HoldForm(forms.Form):
    """What is held at once for ten days."""

    ground = forms.ChoiceField(label=_("법적 근거"))
    case = forms.CharField(label=_("사건·접수번호"), max_length=100)
    reason = _area(_("보존 사유"))
    reviewer = forms.ChoiceField(
        label=_("검토자"), required=False, help_text=_("보존이 아직 필요한지 검토할 책임자. 비우면 개인정보 보호책임자")
    )
    cameras = forms.MultipleChoiceField(label=_("영상정보처리기기"), widget=forms.SelectMultiple(attrs={"size": 8}))
    first = _moment(_("시작"))
    until = _moment(_("끝"))

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ground"].choices = [("", _("고르십시오")), *grounds()]  # type: ignore[attr-defined]
        self.fields["cameras"].choices = recorded()  # type: ignore[attr-defined]
        self.fields["reviewer"].choices = [("", _("고르십시오")), *reviewers(actor)]  # type: ignore[attr-defined]

    def wanted(self) -> Wanted:
        """As typed; only after ``is_valid``."""
        data = self.cleaned_data
        first, until = seconds(data["first"], data["until"])
        reviewer = UUID(data["reviewer"]) if data["reviewer"] else None
        ids = tuple(UUID(c) for c in data["cameras"])
        return Wanted(ids, first, until, data["ground"], data["case"], data["reason"], reviewer)


class ProlongForm(forms.Form):
    """Until when a hold lasts on a decision."""

    ground = forms.ChoiceField(label=_("법적 근거"))
    case = forms.CharField(label=_("사건·접수번호"), max_length=100)
    ends = _day(_("보존의 끝"), _("이 날까지 보존하고 그 밤에 파기합니다"))
    reason = _area(_("연장 사유"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ground"].choices = grounds()  # type: ignore[attr-defined]

    def ends_at(self) -> datetime:
        """The end of the day that was typed."""
        day: date = self.cleaned_data["ends"]
        return last_moment(day)


class DeletionForm(forms.Form):
    """Seconds of one camera that are deleted on request."""

    case = forms.CharField(label=_("청구서 접수번호"), max_length=100)
    applicant = forms.CharField(label=_("청구인"), max_length=100)
    reason = _area(_("삭제 사유"))
    camera = forms.ChoiceField(label=_("영상정보처리기기"))
    first = _moment(_("시작"))
    until = _moment(_("끝"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["camera"].choices = [("", _("고르십시오")), *recorded()]  # type: ignore[attr-defined]

    def unwanted(self) -> Unwanted:
        """As typed; only after ``is_valid``."""
        data = self.cleaned_data
        first, until = seconds(data["first"], data["until"])
        return Unwanted((UUID(data["camera"]),), first, until, data["case"], data["applicant"], data["reason"])


class ApplicationForm(forms.Form):
    """Form 3 (별지 제3호서식) in its own order; without ``again`` the cameras and the range are asked, too."""

    received_on = _day(_("접수일"))
    place = forms.CharField(label=_("설치 장소(CCTV번호)"), max_length=300)
    purpose = _area(_("청구 목적 및 사유"))
    keep_from = _day(_("연장기간 시작"))
    keep_until = _day(_("연장기간 끝"))
    consent = forms.BooleanField(
        label=_("동의 서명"), required=False,
        help_text=_("만료일 이전에 재신청이 없으면 삭제된다는 데 정보주체가 서명하였습니다"),
    )  # fmt: skip
    cameras = forms.MultipleChoiceField(label=_("영상정보처리기기"), widget=forms.SelectMultiple(attrs={"size": 6}))
    first = _moment(_("영상 기록 시작"))
    until = _moment(_("영상 기록 끝"))

    def __init__(self, *args: Any, again: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = {}
        for side, names in (("subject", SUBJECT), ("agent", AGENT)):
            for name in names:
                own[f"{side}_{name}"] = forms.CharField(
                    label=FIELD_NAMES[name], max_length=LENGTHS[name], required=side == "subject"
                )
        self.fields = {**own, **self.fields}
        if again:
            for name in ("cameras", "first", "until"):
                del self.fields[name]
        else:
            self.fields["cameras"].choices = recorded()  # type: ignore[attr-defined]

    def people(self) -> list[tuple[Any, list[Any]]]:
        """The two boxes of the form: the subject's and the agent's fields."""
        return [
            (_("정보주체"), [self[f"subject_{name}"] for name in SUBJECT]),
            (_("대리인(있는 경우)"), [self[f"agent_{name}"] for name in AGENT]),
        ]

    def rest(self) -> list[list[Any]]:
        """The other fields, in rows as they stand side by side."""
        rows = (("received_on", "place"), ("cameras",), ("first", "until"), ("purpose",), ("keep_from", "keep_until"),
                ("consent",))  # fmt: skip
        return [[self[name] for name in row if name in self.fields] for row in rows if row[0] in self.fields]

    def form(self, hold: UUID | None = None) -> Form:
        """As typed; only after ``is_valid``."""
        data = self.cleaned_data
        first, until = (0, 0) if hold else seconds(data["first"], data["until"])
        return Form(
            subject={name: data[f"subject_{name}"] for name in SUBJECT},
            agent={name: data[f"agent_{name}"] for name in AGENT},
            place=data["place"], purpose=data["purpose"], keep_from=data["keep_from"], keep_until=data["keep_until"],
            consent=data["consent"], received_on=data["received_on"], hold=hold, first=first, until=until,
            cameras=() if hold else tuple(UUID(c) for c in data["cameras"]),
        )  # fmt: skip

"""Forms of cameras (영상정보처리기기 양식)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gwanje.centre.cameras.importing import WEB_BYTES_MAX
from gwanje.centre.cameras.models import DEVICES, MODES, Camera
from gwanje.centre.cameras.purposes import purposes
from gwanje.centre.cameras.rules_purpose import tree
from gwanje.centre.common import law

MODE_WORDS = {"integrated": _("통합"), "linked": _("연계")}
STATE_WORDS = {"planned": _("예정"), "active": _("운영"), "suspended": _("중지"), "removed": _("철거")}


# the first of each is what most cameras are, so an empty field means it
DRIVER_WORDS = {
    "rtsp": _("RTSP·RTSPS"), "pyav": _("HTTP 동영상·HLS·RTMP"), "snapshot": _("HTTP 정지영상(최후 수단)"),
}  # fmt: skip
TRANSPORT_WORDS = {
    "": _("TCP"), "udp": _("UDP"), "tls": _("TLS(rtsps://)"), "auto": _("자동(TCP, 안 되면 UDP)"),
}  # fmt: skip
NETWORK_WORDS = {"dedicated": _("전용망"), "public": _("공중망")}

# a browser's own date picker shows its own language's order; an official page shows one form
DAY = {"inputmode": "numeric", "autocomplete": "off", "maxlength": "10", "placeholder": "2026-11-20"}


def by_class(words: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Two-level words as a form groups them (1차 분류별): each class once, its items below it, in the table's order."""
    found: dict[str, list[tuple[str, str]]] = {}
    for word in words:
        above, _slash, below = word.partition("/")
        found.setdefault(above, []).append((word, below))
    return list(found.items())


class UploadForm(forms.Form):
    """One CSV, 32 MB at most."""

    file = forms.FileField(label=_("CSV 파일"), max_length=200)

    def clean_file(self) -> Any:
        """Size before content: a larger file goes through the command line."""
        file = self.cleaned_data["file"]
        if file.size > WEB_BYTES_MAX:
            raise forms.ValidationError(_("32MB가 넘는 파일은 명령줄(gwanje cameras import)로 가져오십시오."))
        return file


class ReachForm(forms.Form):
    """How a camera is reached (전송망과 수신 방식): what an empty field leaves is the default."""

    network = forms.ChoiceField(label=_("전송망"), required=False)
    reason = forms.CharField(label=_("공중망을 쓰는 사유"), max_length=200, required=False)
    vpn = forms.CharField(label=_("VPN(카메라–센터 구간)"), max_length=200, required=False)
    driver = forms.ChoiceField(label=_("수신 방식"), required=False)
    transport = forms.ChoiceField(label=_("전송 방식"), required=False)
    fingerprint = forms.CharField(label=_("기기 인증서 지문(SHA-256)"), max_length=95, required=False)

    REACH = ("network", "reason", "vpn", "driver", "transport", "fingerprint")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, words in (("driver", DRIVER_WORDS), ("transport", TRANSPORT_WORDS), ("network", NETWORK_WORDS)):
            self.fields[name].choices = list(words.items())  # type: ignore[attr-defined]

    @classmethod
    def of(cls, row: Camera) -> ReachForm:
        """As the registry has it; a certificate is no secret."""
        said = {name: row.connection.get(name, "") for name in ("network", "reason", "vpn", "transport")}
        tls = row.connection.get("tls") or {}
        form = cls(initial={**said, "driver": row.driver, "fingerprint": tls.get("fingerprint", "")})
        if row.driver not in DRIVER_WORDS:
            # a vendor's driver is kept, not taken for the first of ours
            form.fields["driver"].choices = [(row.driver, row.driver), *DRIVER_WORDS.items()]  # type: ignore[attr-defined]
        return form

    def filled(self, said: Mapping[str, Any]) -> ReachForm:
        """The same form with what was sent; a driver that is not named stays."""
        form = ReachForm({**said.dict(), "driver": said.get("driver") or self.initial["driver"]})  # type: ignore[attr-defined]
        form.fields["driver"].choices = self.fields["driver"].choices  # type: ignore[attr-defined]
        return form

    def clean(self) -> dict[str, Any]:
        """The fields become ``connection`` (contract 0010); defaults are not written."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        connection = {name: said.pop(name, "") for name in ("transport", "network", "reason", "vpn")}
        pinned = said.pop("fingerprint", "").strip().lower()
        if pinned:
            connection["tls"] = {"fingerprint": pinned}
        said["connection"] = {name: value for name, value in connection.items() if value}
        return said


class CameraForm(ReachForm):
    """A new camera; the device's account is sealed when the form is sent and never shown again."""

    number = forms.CharField(label=_("관리번호"), max_length=40)
    place = forms.CharField(label=_("설치 장소"), max_length=200)
    lat = forms.DecimalField(label=_("위도(WGS84)"), min_value=33, max_value=39, max_digits=11, decimal_places=8)
    lon = forms.DecimalField(label=_("경도(WGS84)"), min_value=124, max_value=132, max_digits=11, decimal_places=8)
    purposes = forms.MultipleChoiceField(label=_("설치목적"), widget=forms.CheckboxSelectMultiple)
    classification = forms.MultipleChoiceField(
        label=_("설치목적의 분류(1차/2차)"), required=False, widget=forms.CheckboxSelectMultiple
    )
    device = forms.ChoiceField(label=_("기기 종류"), choices=[(d, d) for d in DEVICES], initial=DEVICES[1])
    mode = forms.ChoiceField(label=_("관리 방식"), choices=[(m, MODE_WORDS[m]) for m in MODES])
    exemption = forms.ChoiceField(label=_("통합·연계 예외 사유"), required=False)
    state = forms.ChoiceField(label=_("상태"), choices=[(s, STATE_WORDS[s]) for s in ("active", "planned")])
    department = forms.CharField(label=_("담당부서"), max_length=100, required=False)
    ptz = forms.BooleanField(label=_("회전형"), required=False)
    direction_deg = forms.IntegerField(label=_("촬영 방향(북=0, 시계방향)"), min_value=0, max_value=359, initial=0)
    angle_deg = forms.IntegerField(label=_("화각(도)"), min_value=1, max_value=360, initial=60)
    range_m = forms.IntegerField(label=_("촬영 거리(m)"), min_value=1, max_value=1000, initial=50)
    pixels = forms.IntegerField(label=_("화소수(만 화소)"), min_value=1, max_value=20_000, required=False)
    main_url = forms.CharField(label=_("주 영상 주소"), max_length=300, required=False)
    sub_url = forms.CharField(label=_("보조 영상 주소"), max_length=300, required=False)
    user = forms.CharField(label=_("기기 계정"), max_length=100, required=False)
    password = forms.CharField(
        label=_("기기 비밀번호"), max_length=100, required=False, widget=forms.PasswordInput(render_value=False)
    )
    owner = forms.ChoiceField(label=_("소유 기관"), required=False)
    mandate = forms.CharField(label=_("권한 수임 문서"), max_length=200, required=False)
    mandate_from = forms.DateField(label=_("수임 시작"), required=False, widget=forms.DateInput(DAY, "%Y-%m-%d"))
    mandate_until = forms.DateField(label=_("수임 끝"), required=False, widget=forms.DateInput(DAY, "%Y-%m-%d"))

    GROUPS = (
        (_("기기와 장소"), ("number", "place", "lat", "lon", "device", "department")),
        (_("설치목적"), ("purposes", "classification")),
        (_("촬영 범위"), ("direction_deg", "angle_deg", "range_m", "pixels", "ptz")),
        (_("통합·연계"), ("mode", "state", "exemption", "main_url", "sub_url", "user", "password")),
        (_("전송망과 수신 방식"), ReachForm.REACH),
        (_("다른 기관의 기기일 때"), ("owner", "mandate", "mandate_from", "mandate_until")),
    )

    def __init__(self, agencies: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["purposes"].choices = [(name, name) for name in purposes()]  # type: ignore[attr-defined]
        self.fields["owner"].choices = [("", _("우리 기관")), *agencies]  # type: ignore[attr-defined]
        own = tree(law())
        if own:
            self.fields["classification"].choices = by_class(own)  # type: ignore[attr-defined]
        else:
            del self.fields["classification"]
        words = law().parameter("camera.exemptions").value
        self.fields["exemption"].choices = [("", "—"), *((w, w) for w in words)]  # type: ignore[attr-defined]

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Fields by group, in the order of the page."""
        return [(str(title), [self[name] for name in names if name in self.fields]) for title, names in self.GROUPS]


class MandateForm(forms.Form):
    """Another agency's mandate for one camera."""

    mandate = forms.CharField(label=_("권한 수임 문서"), max_length=200)
    mandate_from = forms.DateField(label=_("수임 시작"), widget=forms.DateInput(DAY, "%Y-%m-%d"))
    mandate_until = forms.DateField(label=_("수임 끝"), required=False, widget=forms.DateInput(DAY, "%Y-%m-%d"))

"""What changes cameras (영상정보처리기기 등록·변경): the only writer; act, source for the recorders and ledger row
are one transaction."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from gwanje.centre.cameras import rules, rules_device, rules_purpose
from gwanje.centre.cameras.models import ACTIVE, PLANNED, STATES, Camera
from gwanje.centre.cameras.places import check_place
from gwanje.centre.cameras.purposes import classified, public_words, purposes
from gwanje.centre.cameras.sealing import sealed_account
from gwanje.centre.common import absent, clock, cursor, demand, home, law
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.retention import api as retention
from gwanje.kernel import accounts, ledger, policy
from gwanje.kernel.actor import Actor
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.kernel.sources import Source, put_source
from gwanje.law import Decision, combine
from gwanje.vault.client import VaultClient

_NUMBER = re.compile(r"[0-9A-Za-z가-힣][0-9A-Za-z가-힣 ._-]{0,39}")
_DRIVER = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# a file is no camera: what is recorded here was seen by a device in the city
SCHEMES = {
    "rtsp": ("rtsp", "rtsps"),
    "pyav": ("http", "https", "rtmp", "rtmps"),
    "snapshot": ("http", "https"),
}


@dataclass(frozen=True)
class NewCamera:
    """What is registered. ``purposes``: words of the national standard. ``user``/``password`` are sealed and forgotten.

    ``classification``: words of the city's own two-level table (사회안정/방범용), empty = as ``purposes`` map to it.
    ``agency`` runs the camera here; ``owner`` owns it (None = the same). Degrees clockwise
    from north, metres; ``pixels`` in units of 10,000 (만 화소).
    """

    number: str
    place: str
    lat: float | Decimal | str
    lon: float | Decimal | str
    purposes: tuple[str, ...]
    agency: UUID
    owner: UUID | None = None
    ptz: bool = False
    department: str = ""
    mode: str = "integrated"
    exemption: str = ""
    mandate: str = ""
    mandate_from: date | None = None
    mandate_until: date | None = None
    direction_deg: int = 0
    angle_deg: int = 60
    range_m: int = 50
    pixels: int | None = None
    retention_class: int = 1
    device: str = "네트워크 카메라"
    state: str = ACTIVE
    main_url: str = ""
    sub_url: str = ""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    maker: str = ""
    model_name: str = ""
    firmware: str = ""
    cert_type: str = ""
    cert_number: str = ""
    cert_expires: date | None = None
    driver: str = "rtsp"
    connection: dict[str, Any] = field(default_factory=dict)
    classification: tuple[str, ...] = ()


def require(actor: Actor, action: str, resource: Resource | None = None) -> None:
    """Refused unless the policy allows; without a resource the actor's own agency is meant."""
    meant = resource or Resource("registry", agency=actor.agency)
    demand(actor, action, meant, facts={"cameras": [meant.camera] if meant.camera else []})


def visible(actor: Actor) -> QuerySet[Camera]:
    """All cameras that the actor may see in the registry."""
    scope = policy.scope(actor, rules.READ)
    return Camera.objects.filter(agency_id__in=scope.ids) if scope.kind == "agencies" else Camera.objects.none()


def find(actor: Actor, id_: UUID) -> Camera:
    """One camera that the actor may see; another agency's is not there (404)."""
    row = visible(actor).filter(pk=id_).first()
    if row is None:
        require(actor, rules.READ)
        raise absent(actor, rules.READ, "camera", id_)
    return row


def facts_of(new: NewCamera) -> dict[str, Any]:
    """What the rules judge."""
    return {
        "purposes": public_words(list(new.purposes)),
        "classification": list(new.classification) or classified(list(new.purposes))["ordinance"],
        "device": new.device,
        "angle_deg": new.angle_deg,
        "range_m": new.range_m,
        "ptz": new.ptz,
        "pixels": None if new.pixels is None else new.pixels * 10_000,
        "active": new.state == ACTIVE,
        "connected": bool(new.main_url),
        "exemption": new.exemption,
        "foreign": new.owner is not None and new.owner != new.agency,
        "mandate": new.mandate,
        "mandate_from": new.mandate_from,
        "mandate_until": new.mandate_until,
        "network": new.connection.get("network", "dedicated"),
        "reason": new.connection.get("reason", ""),
        "vpn": new.connection.get("vpn", ""),
        "schemes": sorted(_schemes(new)),
    }


def _schemes(new: NewCamera) -> set[str]:
    """How the pictures come and the commands go: the schemes of all addresses."""
    said = (new.main_url, new.sub_url, str(new.connection.get("onvif") or ""))
    return {urlsplit(url).scheme.lower() for url in said if url}


@transaction.atomic
def register_camera(actor: Actor, new: NewCamera) -> Camera:
    """Register a camera (등록): rules, slot from the key store, source for the recorders, ledger row.

    Problem for input that cannot be taken, Refused when a rule says no, VaultAway when no slot can be had.
    """
    require(actor, rules.WRITE, Resource("camera", agency=new.agency))
    _check(actor, new)
    decision = combine(rules.REGISTER, [rules.may_register(facts_of(new), law()), *_kept(new)])
    if not decision.allow:
        raise Refused(decision, rules.REGISTER, actor, detail={"number": new.number})
    if Camera.objects.filter(agency_id=new.agency, number=new.number).exists():
        raise Problem(
            "number_taken", f"관리번호가 이미 있습니다: {new.number}", "The management number exists already."
        )
    camera_id = uuid7()
    now = clock().now()
    said = asdict(new)
    owner = said.pop("owner") or new.agency
    agency, user, password = said.pop("agency"), said.pop("user"), said.pop("password")
    said["purposes"] = list(new.purposes)
    own = said.pop("classification")
    classes = {**classified(list(new.purposes)), **({"ordinance": sorted(own)} if own else {})}
    row = Camera(
        id=camera_id, agency_id=agency, owner_id=owner, classes=classes,
        sealed=sealed_account(camera_id, user, password, *_addresses(new)), created_at=now, changed_at=now, **said,
    )  # fmt: skip
    _connect(row)
    row.save(force_insert=True)
    detail = {"number": row.number, "state": row.state, "class": row.retention_class}
    _note(actor, "cameras.camera.registered", decision, row, detail)
    row.refresh_from_db()
    return row


@transaction.atomic
def change_state(actor: Actor, id_: UUID, state: str) -> Camera:
    """Suspend, resume or remove (운영 상태 변경); a removed camera stays in the registry and never runs again."""
    row = find(actor, id_)
    require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    if state not in STATES or row.state == "removed" or state == PLANNED:
        raise Problem("state", "바꿀 수 없는 상태입니다.", "The state cannot be changed like that.")
    facts = {**facts_of(_as_new(row)), "active": state == ACTIVE}
    # a camera whose purpose the table of today does not list can still be taken out of service
    decision = rules.may_register(facts if state == ACTIVE else {**facts, "classification": None}, law())
    # a device that was found under its factory account does not come back into service; one never asked is no proof
    found = state == ACTIVE and row.probed.get("factory") is not None
    judged = rules_device.in_force({"factory": row.probed["factory"]}, law()) if found else []
    judged += _kept(_as_new(row)) if state == ACTIVE else []
    for one in (decision, *judged):
        if not one.allow:
            raise Refused(one, rules.REGISTER, actor, cameras=[row.id])
    decision = combine(rules.REGISTER, [decision, *judged]) if judged else decision
    before, row.state, row.changed_at = row.state, state, clock().now()
    _connect(row)
    row.save()
    _note(actor, "cameras.camera.changed", decision, row, {"number": row.number, "from": before, "to": state})
    return row


def _kept(new: NewCamera) -> list[Decision]:
    """What the rules of retention say of its class (보관 구분)."""
    # registering records nothing: that a class which is not kept is never sealed is what the recorder upholds, by the
    # word of ``_connect`` (``media.fleet.live_only``), and vaultd, which lends no key for such a class
    return retention.judge_class(new.retention_class, new.department, new.purposes, law(), recording=False)


def _live_only(number: int) -> dict[str, bool]:
    """What the recorders are told of a class that is not kept (미보유); nothing of the others."""
    return {"live_only": True} if retention.live_only(number) else {}


@transaction.atomic
def set_address(actor: Actor, id_: UUID, main_url: str, sub_url: str) -> None:
    """Where a camera's streams are now (영상 주소 변경); the recorders follow, the slot stays.

    The account stays on the same host only: a device elsewhere may ask for the password in the clear.
    """
    row = find(actor, id_)
    require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    for url in (main_url, sub_url):
        _check_url(url, row.driver, actor, row.id)
    moved = replace(_as_new(row), main_url=main_url, sub_url=sub_url)
    decision = rules.may_register(facts_of(moved), law())
    if not decision.allow:
        raise Refused(decision, rules.REGISTER, actor, cameras=[row.id])
    kept = _hosts(main_url, sub_url) <= _hosts(row.main_url, row.sub_url)
    if not kept:
        row.sealed = {}
    row.main_url, row.sub_url, row.changed_at = main_url, sub_url, clock().now()
    _connect(row)
    row.save()
    _note(actor, "cameras.camera.readdressed", decision, row, {"number": row.number, "account_kept": kept})


def _addresses(one: NewCamera | Camera) -> tuple[str, str, str]:
    return one.main_url, one.sub_url, str(one.connection.get("onvif") or "")


def _hosts(*urls: str) -> set[str]:
    return {urlsplit(url).hostname or "" for url in urls if url}


@transaction.atomic
def set_mandate(actor: Actor, id_: UUID, document: str, start: date | None, until: date | None) -> Camera:
    """Record another agency's mandate (권한 수임 기록); the camera runs only while it is valid."""
    row = find(actor, id_)
    require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    if row.owner_id == row.agency_id:
        raise Problem(
            "own_camera", "자기 기관의 기기에는 수임이 필요 없습니다.", "The agency's own camera needs no mandate."
        )
    if not document.strip() or start is None or (until is not None and until < start):
        raise Problem(
            "mandate", "수임 문서와 시작일(끝날보다 앞)을 적으십시오.", "Give the document and a start before the end."
        )
    not_darkened(Camera.objects.filter(pk=row.pk), start)
    row.mandate, row.mandate_from, row.mandate_until = document.strip()[:200], start, until
    # a mandate of one camera alone: what an earlier document said of purposes and hours went with it
    row.mandated, row.mandate_purposes, row.mandate_hours = None, [], {}
    row.changed_at = clock().now()
    row.save()
    detail = {"number": row.number, "mandate": row.mandate, "from": str(start), "until": str(until or "")}
    _note(actor, "cameras.mandate.recorded", None, row, detail)
    return row


def not_darkened(rows: QuerySet[Camera], start: date) -> None:
    """Problem where a mandate of a later day would put out one that runs (수임 갱신): a camera carries one only."""
    today = clock().local().date()
    running = rows.filter(mandate_from__lte=today).exclude(mandate="").exclude(mandate_until__lt=today)
    if start > today and (camera := running.order_by("number").first()):
        raise Problem(
            "mandate_runs",
            f"지금 유효한 수임이 있는 기기입니다: {camera.number}({camera.mandate})",
            f"A mandate of this camera still runs: {camera.number} ({camera.mandate})",
            # tomorrow is too late: the duty suspends a camera as soon as its day is over
            next_="갱신 문서를 받는 대로, 지금 수임이 끝나기 전에 시작일을 오늘로 하여 기록하십시오.",
            next_en="Record the renewed one before this one ends, with today as its first day.",
            status=409,
        )


def suspend_lapsed(limit: int = 500) -> int:
    """Suspend cameras of other agencies whose mandate is over (수임 종료); how many. For the duty, system scope."""
    today = clock().local().date()
    lapsed = Camera.objects.select_for_update().filter(state=ACTIVE, mandate_until__lt=today)
    count = 0
    for row in lapsed.exclude(owner_id=F("agency_id"))[:limit]:
        decision = rules.mandate(facts_of(_as_new(row)), law())
        if decision.allow:
            continue
        row.state, row.changed_at = "suspended", clock().now()
        _connect(row)
        row.save()
        entry = Entry(
            "cameras.mandate.lapsed", "done", agency=row.agency_id, norms=decision.norms, cameras=[row.id],
            articles=[str(a) for a in decision.articles], detail={"number": row.number}, dies="registry",
        )  # fmt: skip
        ledger.append(cursor(), clock(), entry)
        count += 1
    return count


@transaction.atomic
def set_credentials(actor: Actor, id_: UUID, user: str, password: str) -> None:
    """Seal a new account of the device to every admitted recorder (접속 계정 봉인); it cannot be read back."""
    row = find(actor, id_)
    require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    row.sealed, row.changed_at = sealed_account(row.id, user, password, *_addresses(row)), clock().now()
    _connect(row)
    row.save()
    _note(actor, "cameras.credentials.sealed", None, row, {"number": row.number, "recorders": len(row.sealed)})


def slots(row: Camera) -> tuple[int, int]:
    """How many recorders can open a camera's account, and how many registered ones cannot (접속 계정 봉인 현황)."""
    if not row.sealed:
        return 0, 0
    able, registered = accounts.slots(cursor(), row.id)
    return (able, registered - able) if able else (len(row.sealed), 0)


_NOT_COLUMNS = frozenset({"agency", "owner", "user", "password", "purposes", "classification"})


def _as_new(row: Camera) -> NewCamera:
    names = [f for f in NewCamera.__dataclass_fields__ if f not in _NOT_COLUMNS]
    return NewCamera(
        **{name: getattr(row, name) for name in names}, classification=tuple(row.classes.get("ordinance", ())),
        purposes=tuple(row.purposes), agency=row.agency_id, owner=row.owner_id,
    )  # fmt: skip


def _connect(row: Camera) -> None:
    """Give a connected camera its slot and tell the recorders."""
    from gwanje.centre.cameras.connection import standard

    if not row.main_url:
        return
    if row.slot is None:
        # the slot is asked for first: the same camera gets the same slot, so a roll-back after this loses nothing
        row.slot = VaultClient(home(), "web").slot(row.id)
    put_source(
        cursor(),
        Source(row.id, row.agency_id, row.slot, row.retention_class, row.number, row.main_url, row.sub_url,
               row.sealed, row.state == ACTIVE, driver=row.driver,
               device={**standard(law()), **row.connection, **_live_only(row.retention_class)}),
    )  # fmt: skip


def _check(actor: Actor, new: NewCamera) -> None:
    if not _NUMBER.fullmatch(new.number):
        raise Problem(
            "number",
            "관리번호는 글자·숫자로 시작하는 40자 이내입니다.",
            "The management number has at most 40 letters and digits.",
        )
    if not new.place.strip() or len(new.place) > 200:
        raise Problem("place", "설치 장소를 200자 이내로 적으십시오.", "Give the place in at most 200 letters.")
    if not (33 <= float(new.lat) <= 38.7 and 124.5 <= float(new.lon) <= 132):
        raise Problem("coordinate", "좌표가 대한민국 밖입니다.", "The coordinate lies outside Korea.")
    unknown = [name for name in new.purposes if name not in purposes()]
    if unknown:
        raise Problem(
            "purpose", f"표준에 없는 설치목적입니다: {', '.join(unknown)}", "A purpose is none of the standard's ten."
        )
    if new.classification and not rules_purpose.tree(law()):
        raise Problem(
            "classification",
            "이 도시의 규정에는 설치목적의 분류 기준표가 없습니다.",
            "The city's rules have no table of purposes to choose from.",
        )
    if new.state not in STATES or not 0 <= new.direction_deg < 360:
        raise Problem(
            "view", "상태나 촬영 방향(0~359도)이 맞지 않습니다.", "State or direction (0-359 degrees) is off."
        )
    from gwanje.centre.cameras.connection import checked

    checked(new.connection, actor)
    if not _DRIVER.fullmatch(new.driver):
        raise Problem("driver", "드라이버 이름이 맞지 않습니다.", "The driver's name is not taken.")
    for url in (new.main_url, new.sub_url):
        _check_url(url, new.driver, actor)


def _check_url(url: str, driver: str = "rtsp", actor: Actor | None = None, camera: UUID | None = None) -> None:
    """Problem unless the address is one of the driver's kind; a vendor's driver knows its own schemes, files none.

    And unless a recorder may connect there (``places``): ``actor`` is who is told of in the ledger.
    """
    if not url:
        return
    schemes = SCHEMES.get(driver, ())
    try:
        parts = urlsplit(url)
        known = parts.scheme in schemes if schemes else parts.scheme not in ("", "file")
        fine = known and parts.hostname and parts.port != 0 and len(url) <= 300 and url.isprintable()
    except ValueError:
        fine, parts = False, urlsplit("")
    if not fine:
        words = ", ".join(f"{scheme}://" for scheme in schemes) or "…://"
        raise Problem(
            "url",
            f"영상 주소는 {words} 로 시작하는 300자 이내의 주소입니다.",
            f"The stream address begins with {words} and has at most 300 letters.",
            next_="다른 방식의 기기이면 수신 방식(드라이버)을 바꾸십시오. / For another kind choose another driver.",
        )
    if parts.username is not None or parts.password is not None:
        raise Problem(
            "url_secret",
            "영상 주소에 계정·비밀번호를 넣을 수 없습니다.",
            "A stream address holds no account or password.",
            next_="계정과 비밀번호는 따로 입력하면 봉인됩니다. / Enter them in their own fields; they are sealed.",
        )
    check_place(url, actor, camera)


def _note(actor: Actor, kind: str, decision: Any, row: Camera, detail: dict[str, Any]) -> None:
    entry = Entry.by(actor, kind, "done", decision, cameras=[row.id], detail=detail, dies="registry")
    ledger.append(cursor(), clock(), entry)

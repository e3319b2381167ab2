"""Devices of cameras (장치 조회·적용): what a registrar asks of a device, and what the registry takes from its answer.

The web holds no account: it writes a task with the sealed one, a recorder does it, and the answer has no secret.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import connection, devices_daily, rules, rules_device, services
from gwanje.centre.cameras.models import ACTIVE, Camera
from gwanje.centre.cameras.places import forbidden, reach
from gwanje.centre.common import clock, cursor, law
from gwanje.centre.common.refusal import Problem, Refused, missing
from gwanje.kernel import devices, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.devices import BadTask, Task
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.kernel.reach import Unreachable
from gwanje.law import combine

KEPT_DAYS = 90
CERTIFICATE = ("cert_type", "cert_number", "cert_expires")


def _writable(actor: Actor, id_: UUID) -> Camera:
    row = services.find(actor, id_)
    services.require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    return row


def _ask(actor: Actor, task: Task, detail: Mapping[str, Any], cameras: list[UUID]) -> UUID:
    try:
        devices.ask(cursor(), task, clock().now())
    except BadTask as error:
        ko, _, en = str(error).partition(" / ")
        raise Problem("device_task", ko, en, status=429) from error
    entry = Entry.by(
        actor, "cameras.device.asked", "done", None, cameras=cameras, dies="registry",
        detail={"task": str(task.id), "kind": task.kind, **detail},
    )  # fmt: skip
    ledger.append(cursor(), clock(), entry)
    return task.id


def _address(row: Camera) -> dict[str, Any]:
    onvif = row.connection.get("onvif", "")
    if not onvif:
        raise Problem(
            "no_onvif", "ONVIF 주소가 없어 장치에 물을 수 없습니다.", "The camera has no ONVIF address.", status=409,
            next_="ONVIF 주소를 먼저 저장하십시오. / Save its ONVIF address first.",
        )  # fmt: skip
    tls = row.connection.get("tls")
    return {"onvif": onvif, **({"tls": tls} if tls else {})}


@transaction.atomic
def ask_probe(actor: Actor, id_: UUID, *, factory: bool = False) -> UUID:
    """Ask a device what it is and offers (장치 조회); ``factory``: also try the maker's factory account."""
    row = _writable(actor, id_)
    task = Task("probe", row.agency_id, row.id, {**_address(row), "factory": factory}, row.sealed, actor.person)
    return _ask(actor, task, {"number": row.number, "factory": factory}, [row.id])


@transaction.atomic
def ask_configure(actor: Actor, id_: UUID, wishes: Mapping[str, Any]) -> UUID:
    """Have a device set (장치 설정). ``wishes``: profile, key_seconds 1-2, silent, clock; Problem for others."""
    row = _writable(actor, id_)
    known = {"profile", "key_seconds", "silent", "clock"}
    seconds = wishes.get("key_seconds")
    if set(wishes) - known or not wishes.get("profile") or seconds not in (None, 1, 2):
        raise Problem("wishes", "장치 설정 항목이 맞지 않습니다.", "What the device should be set to is out of form.")
    task = Task("configure", row.agency_id, row.id, {**_address(row), **wishes}, row.sealed, actor.person)
    return _ask(actor, task, {"number": row.number, **{k: v for k, v in wishes.items() if v is not None}}, [row.id])


@transaction.atomic
def ask_discover(actor: Actor, interface: str, host: str = "", *, port: int = 0) -> UUID:
    """Look for devices on one network of the recorder (장치 탐색); only where a recorder may connect."""
    services.require(actor, rules.WRITE)
    services.require(actor, rules.ADDRESSES)
    plain = True
    try:
        ipaddress.IPv4Address(interface)
        reach().check_interface(interface)
        if host:
            ipaddress.IPv4Address(host)
            reach().check_host(host, port)
    except ValueError:
        plain = False
    except Unreachable as why:
        raise forbidden(why, actor) from why
    if not plain or actor.agency is None:
        raise Problem(
            "interface", "녹화기의 사설 IPv4 주소를 적으십시오.", "Give a private IPv4 address of the recorder.",
            next_="예: 192.168.10.5. 공인 주소로는 탐색하지 않습니다. / Public addresses are not searched.",
        )  # fmt: skip
    asks: dict[str, Any] = {
        "interface": interface,
        **({"host": host} if host else {}),
        **({"port": port} if port else {}),
    }
    return _ask(actor, Task("discover", actor.agency, None, asks, {}, actor.person), {}, [])


def tasks(actor: Actor, id_: UUID | None, limit: int = 5) -> list[Task]:
    """The newest tasks of a camera that the actor may change, or the agency's own searches."""
    if id_ is not None:
        row = _writable(actor, id_)
        return devices.latest(cursor(), row.id, limit)
    services.require(actor, rules.ADDRESSES)
    return devices.latest(cursor(), None, limit, agency=actor.agency)


@transaction.atomic
def cancel(actor: Actor, id_: UUID | None, task_id: UUID) -> bool:
    """End a task of a camera, or a search (``id_`` None), that nobody has finished (작업 취소); False: too late."""
    if id_ is None:
        services.require(actor, rules.ADDRESSES)
        found = devices.find(cursor(), task_id)
        fits = found is not None and found.camera is None and found.agency == actor.agency
    else:
        row = _writable(actor, id_)
        found = devices.find(cursor(), task_id)
        fits = found is not None and found.camera == row.id
    if found is None or not fits:
        raise missing("작업", "task")
    if not devices.cancel(cursor(), found.id, clock().now()):
        return False
    entry = Entry.by(
        actor, "cameras.device.cancelled", "done", None, cameras=[id_] if id_ else [], dies="registry",
        detail={"task": str(found.id), "kind": found.kind},
    )  # fmt: skip
    ledger.append(cursor(), clock(), entry)
    return True


def factory_of(answer: Mapping[str, Any]) -> bool | None:
    """Is the device under its factory account, as far as the answer says? None: nobody asked it."""
    said = answer.get("factory") or {}
    if said.get("open") or said.get("recorded"):
        return True
    return False if said.get("tried") else None


@transaction.atomic
def adopt(actor: Actor, id_: UUID, task_id: UUID, main: str, sub: str = "") -> Camera:
    """Take profiles of a probe into service (프로필 적용): addresses, key-frame distance, model and firmware.

    Refused when the device is under its factory account and the city's packs say so.
    """
    row = _writable(actor, id_)
    task = devices.find(cursor(), task_id)
    if task is None or task.camera != row.id or task.kind != "probe" or task.outcome != devices.DONE:
        raise missing("조회 결과", "answer of the device")
    judged = rules_device.in_force({"factory": factory_of(task.answer)}, law())
    for decision in judged:
        if not decision.allow:
            raise Refused(decision, rules_device.ADOPT, actor, cameras=[row.id])
    found = {p["token"]: p for p in task.answer.get("profiles", []) if p.get("address")}
    if main not in found or (sub and sub not in found):
        raise Problem("profile", "주소를 알 수 있는 프로필을 고르십시오.", "Choose a profile whose address is known.")
    take_note(row.id)
    row.refresh_from_db()
    addresses = [found[main]["address"], found[sub]["address"] if sub else ""]
    for url in addresses:
        services._check_url(url, actor=actor, camera=row.id)
    kept = services._hosts(*addresses) <= services._hosts(row.main_url, row.sub_url, row.connection.get("onvif", ""))
    if not kept:
        row.sealed = {}
    row.main_url, row.sub_url = addresses
    coarse = bool(found[main].get("coarse"))
    seen = int(found[main].get("width") or 0) * int(found[main].get("height") or 0) // 10_000
    # a device sends what it is set to: that shows at least so many pixels, never fewer than its data sheet says
    row.pixels = max(row.pixels or 0, seen) or None
    connection.apply_connection(row, {"profile": main, "coarse": coarse or None})
    decision = rules.may_register({**services.facts_of(services._as_new(row)), "active": row.state == ACTIVE}, law())
    if not decision.allow:
        raise Refused(decision, rules.REGISTER, actor, cameras=[row.id])
    row.changed_at = clock().now()
    services._connect(row)
    row.save()
    detail = {
        "number": row.number,
        "task": str(task.id),
        "profile": main,
        "coarse": coarse,
        "sound": found[main]["sound"],
    }
    services._note(actor, "cameras.device.adopted", combine(rules_device.ADOPT, [decision, *judged]), row, detail)
    return row


def take_note(camera: UUID | None = None, limit: int = 100) -> int:
    """Take from finished probes what the registry keeps (조회 결과 반영); how many. Inside a transaction.

    A firmware or a device other than the recorded one voids the recorded security certificate (보안인증 무효).
    """
    found = devices.unnoted(cursor(), limit, camera=camera)
    quiet: dict[UUID, list[UUID]] = {}
    told: list[tuple[Camera, list[str], list[str]]] = []
    for task in found:
        row = Camera.objects.select_for_update().filter(pk=task.camera).first()
        if row is not None:
            before = list(row.probed.get("concerns", []))
            concerns, unchanged = _keep(row, task)
            told.append((row, concerns, before))
            if unchanged:
                quiet.setdefault(row.agency_id, []).append(row.id)
        devices.note(cursor(), task.id)
    for agency, cameras in quiet.items():
        # one row for all that said the same as yesterday, or a city's devices would fill the ledger
        ledger.append(cursor(), clock(), Entry("cameras.device.checked", "done", agency=agency, cameras=cameras,
                                               dies="registry"))  # fmt: skip
    for row, concerns, before in told:
        devices_daily.tell(row, concerns, before)
    return len(found)


def forget(limit: int = 500) -> int:
    """Remove answers older than 90 days (장치 작업 정리); how many. For the duty, system scope."""
    return devices.forget(cursor(), clock().now() - timedelta(days=KEPT_DAYS), limit)


def changed(row: Camera, said: Mapping[str, Any]) -> str:
    """What differs from the record: ``device`` (another serial number), ``firmware``, or nothing."""
    before = row.probed.get("serial", "")
    if before and said.get("serial") and before != said["serial"]:
        return "device"
    return "firmware" if row.firmware and said.get("firmware") and row.firmware != said["firmware"] else ""


def _keep(row: Camera, task: Task) -> tuple[list[str], bool]:
    """Take over one answer: what somebody should see, and whether a daily one said nothing new (no row of its own)."""
    said = dict(task.answer.get("device") or {})
    answered = task.outcome == devices.DONE
    what = changed(row, said)
    before = dict(row.probed)
    factory = factory_of(task.answer)
    if factory is None and what != "device":
        # who did not try does not know better than who did
        factory = before.get("factory")
    concerns = devices_daily.concerns(task.answer, what, factory)
    if not answered and "account" not in concerns:
        # silence changes nothing that was known: that a camera is away is the recorder's to say
        concerns = list(before.get("concerns", []))
    at = clock().now().isoformat()
    kept = {name: value for name, value in before.items() if name == "voided" or not answered}
    if answered:
        kept |= {"task": str(task.id), "at": at, "serial": said.get("serial") or before.get("serial", "")}
        kept |= {"clock_s": task.answer.get("clock_s"), "factory": factory}
    kept |= {"asked": at, "answered": answered, "concerns": concerns}
    if what and any(getattr(row, name) for name in CERTIFICATE):
        void = {"at": at, "what": what, "from": row.firmware, "to": said.get("firmware", ""),
                "type": row.cert_type, "number": row.cert_number}  # fmt: skip
        kept["voided"] = void
        row.cert_type, row.cert_number, row.cert_expires = "", "", None
        _system_row(row, "cameras.certificate.voided", {"number": row.number, **void})
    row.maker = said.get("maker", "")[:60] or row.maker
    row.model_name = said.get("model", "")[:60] or row.model_name
    row.firmware = said.get("firmware", "")[:60] or row.firmware
    quiet = task.person is None and not what and concerns == before.get("concerns", [])
    row.probed, row.changed_at = kept, row.changed_at if quiet else clock().now()
    row.save()
    if quiet:
        return concerns, True
    faults = len(task.answer.get("faults", []))
    _system_row(row, "cameras.device.answered", {"number": row.number, "task": str(task.id), "faults": faults,
                                                 "changed": what, "firmware": row.firmware,
                                                 "concerns": concerns})  # fmt: skip
    return concerns, False


def _system_row(row: Camera, kind: str, detail: dict[str, Any]) -> None:
    entry = Entry(kind, "done", agency=row.agency_id, cameras=[row.id], detail=detail, dies="registry")
    ledger.append(cursor(), clock(), entry)

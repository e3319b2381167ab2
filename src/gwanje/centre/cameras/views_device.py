"""Pages of devices (장치 화면): ask a device, read what it answered, take a profile into service; search a network."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from gwanje.centre.cameras import connection, devices, rules, rules_device, services
from gwanje.centre.cameras.forms import ReachForm
from gwanje.centre.cameras.models import Camera
from gwanje.centre.cameras.views import rooms_of
from gwanje.centre.common import clock, decide, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, missing, say, uuid_of
from gwanje.kernel.actor import Actor
from gwanje.kernel.devices import Task
from gwanje.kernel.policy import Resource

CHOICES_MAX = 500


def _act(request: HttpRequest, row: Camera) -> None:
    """Do what the form asks; Problem when it cannot be taken."""
    actor: Actor = acting(request)
    said = request.POST
    act = said.get("act", "")
    if act == "address":
        connection.set_connection(actor, row.id, {"onvif": said.get("onvif", "").strip() or None})
    elif act == "reach":
        form = ReachForm.of(row).filled(said)
        if not form.is_valid():
            raise Problem("reach", "전송망이나 수신 방식이 맞지 않습니다.", "Network or driver is not taken.")
        wanted = form.cleaned_data["connection"]
        kept = {name: wanted.get(name) for name in ("network", "reason", "vpn", "transport")}
        if "tls" in wanted or "fingerprint" in (row.connection.get("tls") or {}):
            kept["tls"] = wanted.get("tls")
        connection.set_connection(actor, row.id, kept, form.cleaned_data["driver"])
    elif act == "events":
        connection.set_connection(actor, row.id, {"events": True if said.get("events") else None})
    elif act == "signing":
        connection.set_signing(actor, row.id, said.get("signing", ""))
    elif act == "cancel":
        devices.cancel(actor, row.id, uuid_of(said.get("task", ""), "작업", "task"))
    elif act == "probe":
        devices.ask_probe(actor, row.id, factory=bool(said.get("factory")))
    elif act == "configure":
        seconds = said.get("key_seconds", "")
        wishes: dict[str, Any] = {"profile": said.get("profile", "")[:64], "silent": bool(said.get("silent")),
                                  "clock": bool(said.get("clock")),
                                  "key_seconds": int(seconds) if seconds in ("1", "2") else None}  # fmt: skip
        devices.ask_configure(actor, row.id, wishes)
    elif act == "adopt":
        task = uuid_of(said.get("task", ""), "조회 결과", "answer of the device")
        devices.adopt(actor, row.id, task, said.get("main", "")[:64], said.get("sub", "")[:64])
    else:
        raise Problem("act", "할 일이 맞지 않습니다.", "It is not known what to do.")


def _waiting(history: list[Task]) -> dict[str, Any]:
    """The task that a recorder has not finished, and since how many seconds; the page follows it."""
    if not history or history[0].done_at is not None or history[0].asked_at is None:
        return {"waiting": None}
    return {"waiting": history[0], "waited": max(0, int((clock().now() - history[0].asked_at).total_seconds()))}


def _shown(row: Camera, task: Task | None) -> dict[str, Any]:
    """What the page says of the newest finished probe."""
    if task is None:
        return {}
    answer = task.answer
    factory = devices.factory_of(answer)
    judged = rules_device.in_force({"factory": factory}, law())
    offset, profiles = answer.get("clock_s"), answer.get("profiles", [])
    return {
        "answer": answer, "factory": factory,
        "refused": [reason for decision in judged for reason in decision.reasons],
        "articles": [article for decision in judged for article in decision.articles],
        "changed": devices.changed(row, answer.get("device") or {}),
        "clock_off": offset is not None and abs(offset) > 2,
        "sub_token": next((p["token"] for p in profiles if p.get("address") == row.sub_url != ""), ""),
        "usable": [p for p in profiles if p.get("address")],
    }  # fmt: skip


@require_http_methods(["GET", "POST"])
@signed_in
def camera_device(request: HttpRequest, id: UUID) -> HttpResponse:
    """One device: its address, what was asked, what it answered, what can be taken into service."""
    actor: Actor = acting(request)
    row = services.find(actor, id)
    services.require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    problem, status, reach, typed = "", 200, None, None
    if request.method == "POST":
        try:
            _act(request, row)
            return redirect("cameras:device", id=row.id)
        except Problem as refused:
            problem, status = say(refused), refused.status
            row.refresh_from_db()
            # nothing is lost: the page keeps what was typed
            if request.POST.get("act") == "reach":
                reach = ReachForm.of(row).filled(request.POST)
            elif request.POST.get("act") == "address":
                typed = request.POST.get("onvif", "")[:200]
    history = devices.tasks(actor, row.id, 8)
    probe = next((t for t in history if t.kind == "probe" and t.done_at and t.outcome == "done"), None)
    newest = history[0] if history else None
    context = {
        "camera": row, "history": history, "probe": probe, **_waiting(history),
        "newest": newest, "problem": problem,
        "addresses": bool(decide(actor, rules.ADDRESSES, Resource("registry", agency=actor.agency))),
        "may_write": True, "reach": reach or ReachForm.of(row), "typed": typed, **_shown(row, probe),
        "signing": connection.signing_ids(row), "pasted": request.POST.get("signing", "")[:70_000] if problem else "",
    }  # fmt: skip
    context |= rooms_of(actor)
    context["sealed"], context["unsealed"] = services.slots(row)
    return render(request, "cameras/device.html", context, status=status)


def _assign(actor: Actor, address: str, number: str) -> Camera:
    known = {row["onvif"] for task in devices.tasks(actor, None, 20) for row in task.answer.get("found", [])}
    if address not in known:
        raise Problem("address", "탐색에서 찾은 기기가 아닙니다.", "The device was not found by a search.")
    row = services.visible(actor).filter(number=number).first()
    if row is None:
        raise missing("기기", "camera")
    return connection.set_connection(actor, row.id, {"onvif": address})


@require_http_methods(["GET", "POST"])
@signed_in
def discover(request: HttpRequest) -> HttpResponse:
    """Search one network of the recorder, and give what was found to a registered camera."""
    actor: Actor = acting(request)
    services.require(actor, rules.WRITE)
    services.require(actor, rules.ADDRESSES)
    problem, status = "", 200
    if request.method == "POST":
        try:
            if request.POST.get("act") == "assign":
                row = _assign(actor, request.POST.get("onvif", "")[:300], request.POST.get("number", "")[:40])
                return redirect("cameras:device", id=row.id)
            if request.POST.get("act") == "cancel":
                devices.cancel(actor, None, uuid_of(request.POST.get("task", ""), "작업", "task"))
                return redirect("cameras:discover")
            devices.ask_discover(actor, request.POST.get("interface", "").strip(), request.POST.get("host", "").strip())
            return redirect("cameras:discover")
        except Problem as refused:
            problem, status = say(refused), refused.status
    history = devices.tasks(actor, None, 5)
    taken = {address for row in services.visible(actor) if (address := row.connection.get("onvif"))}
    numbers = services.visible(actor).exclude(state="removed").values_list("number", flat=True)[:CHOICES_MAX]
    newest = history[0] if history else None
    context = {
        "history": history, "newest": newest, **_waiting(history),
        "found": newest.answer.get("found", []) if newest else [], "taken": taken, "numbers": list(numbers),
        "problem": problem, "may_write": True, **rooms_of(actor),
    }  # fmt: skip
    return render(request, "cameras/discover.html", context, status=status)

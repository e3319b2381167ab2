"""Pages of retention (보관·파기 화면)."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_GET, require_POST

from gwanje.centre.common import clock, cursor, decide, demand, home, law
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, missing, say, uuid_of
from gwanje.centre.retention import api, countersign, reading, rules, services
from gwanje.centre.retention.certificate import COUNTERSIGN
from gwanje.centre.retention.forms import ClassForm
from gwanje.centre.retention.models import Certificate, Countersignature
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused

PAGE = 48
CERTIFICATES = 50
HOURS_SHOWN = 200
# whether somebody may set a class at all is asked with one that the law allows
LAWFUL = {"class": {"kind": "days", "value": 1, "statute": ""}}


class _Hours:
    """Class-hours as a sequence that a paginator can slice."""

    def __init__(self, class_number: int | None) -> None:
        self._class = class_number

    def count(self) -> int:
        return reading.hours(class_number=self._class)

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, part: slice) -> list[reading.DueHour]:
        return reading.due(class_number=self._class, offset=part.start, limit=part.stop - part.start)


def _own(actor: Actor) -> Resource:
    return Resource("agency", agency=actor.agency)


def _vault() -> dict[str, Any]:
    """What vaultd says for the page's head; a vaultd that is away is said, not raised."""
    client = VaultClient(home(), "web")
    try:
        status = client.status()
    except (VaultAway, VaultRefused, OSError):
        return {"away": True}
    finally:
        client.close()
    return {
        "alarm": status.alarm, "level": status.level, "roots": status.roots,
        "replicas": status.replicas, "copies": status.copies,
    }  # fmt: skip


@signed_in
@require_GET
def hours(request: HttpRequest) -> HttpResponse:
    """What dies when and why (보관 현황): per class and hour, the soonest first."""
    actor = acting(request)
    demand(actor, "retention.read", _own(actor))
    return _hours_page(request, ClassForm())


def _hours_page(request: HttpRequest, form: ClassForm, status: int = 200) -> HttpResponse:
    chosen = request.GET.get("class", "")
    number = int(chosen) if chosen.isdecimal() and len(chosen) < 4 else None
    today = law()
    context = {
        "page_obj": Paginator(_Hours(number), PAGE).get_page(request.GET.get("page")),
        "classes": api.classes(),
        "chosen": number,
        "limit": rules.longest(today),
        "articles": today.articles("retention.max"),
        "vault": _vault(),
        "last": Certificate.objects.defer("pdf", "body", "readable").first(),
        "form": form,
        "may_certificate": decide(acting(request), "retention.certificate", api.centre()).allow,
        "may_set": decide(acting(request), "retention.set_class", api.centre(), **LAWFUL).allow,
        "now": clock().now(),
    }
    return render(request, "retention/hours.html", context, status=status)


@signed_in
@require_POST
def classes(request: HttpRequest) -> HttpResponse:
    """Register a class (보관 구분 등록); a longer one than the law allows is refused with its article."""
    actor = acting(request)
    form = ClassForm(request.POST)
    if not form.is_valid():
        demand(actor, "retention.read", _own(actor))
        return _hours_page(request, form, 422)
    said = form.cleaned_data
    try:
        services.set_class(
            said["number"],
            said["kind"],
            said["value"],
            said["reference"],
            said["label"],
            statute=said["statute"],
            by=actor,
        )
    except Problem as problem:
        form.add_error(None, say(problem))
        return _hours_page(request, form, problem.status)
    return redirect("retention:hours")


@signed_in
@require_GET
def certificates(request: HttpRequest) -> HttpResponse:
    """Every certificate of destruction, the newest first."""
    demand(acting(request), "retention.certificate", api.centre())
    return _certificates_page(request)


def _certificates_page(request: HttpRequest, status: int = 200, problem: str = "") -> HttpResponse:
    found = Certificate.objects.defer("pdf", "body", "readable").prefetch_related("countersignatures")
    page = Paginator(found, CERTIFICATES).get_page(request.GET.get("page"))
    today = clock().local().date()
    rows = [(c, [s.role for s in c.countersignatures.all()], countersign.due_on(c.issued_at) < today) for c in page]
    context = {
        "page_obj": page, "rows": rows, "open": countersign.open_for(acting(request)), "needed": len(COUNTERSIGN),
        "late": len(countersign.overdue(clock().now())), "problem": problem,
    }  # fmt: skip
    return render(request, "retention/certificates.html", context, status=status)


@signed_in
@require_POST
def countersigned(request: HttpRequest) -> HttpResponse:
    """Countersign the named certificates (확인)."""
    actor = acting(request)
    demand(actor, "retention.countersign", api.centre())
    ids = [uuid_of(text, "확인서", "certificate") for text in request.POST.getlist("certificate")[:1000]]
    try:
        count = countersign.countersign(ids, actor)
    except Problem as problem:
        if problem.status == 404:
            raise
        return _certificates_page(request, problem.status, say(problem))
    messages.success(request, gettext("확인서 %(n)s건을 확인하였습니다.") % {"n": count})
    return redirect("retention:certificates")


def _certificate(request: HttpRequest, id_: UUID) -> Certificate:
    demand(acting(request), "retention.certificate", api.centre())
    found = Certificate.objects.filter(pk=id_).first()
    if found is None:
        raise missing("확인서", "certificate")
    return found


@signed_in
@require_GET
def certificate(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One certificate: what was destroyed, how it was tried, the hours."""
    found = _certificate(request, id_)
    language = "en" if get_language() == "en" else "ko"
    return render(
        request,
        "retention/certificate.html",
        {
            "certificate": found,
            "said": found.readable,
            "articles": _citations(found.readable["articles"]),
            "officers": _officers(found, language),
            "due": countersign.due_on(found.issued_at),
            "may_sign": found.pk in {c.pk for c in countersign.open_for(acting(request))},
            "destroyed": found.destroyed.all()[:HOURS_SHOWN],
            "more": max(0, found.hours - HOURS_SHOWN),
        },
    )


def _officers(found: Certificate, language: str) -> list[tuple[str, Countersignature | None]]:
    """The titles below a certificate, each with its countersignature or None."""
    given = {one.role: one for one in found.countersignatures.all()}
    return [(law().title(role, language), given.get(role)) for role in COUNTERSIGN]


def _citations(keys: list[str]) -> list[str]:
    """Articles by their keys in words, of today's law; a key that today's law does not know stays as it is."""
    known = {a.key: str(a) for norm in ("retention.max", "retention.irrecoverable") for a in law().articles(norm)}
    return [known.get(key, key) for key in keys]


def _download(request: HttpRequest, found: Certificate, data: bytes, kind: str, ending: str) -> HttpResponse:
    entry = Entry.by(
        acting(request),
        "retention.certificate.exported",
        "done",
        detail={"number": found.number, "form": ending},
        dies="access",
    )
    ledger.append(cursor(), clock(), entry)
    response = HttpResponse(data, content_type=kind)
    response.headers["Content-Disposition"] = content_disposition_header(True, f"{found.number}.{ending}") or ""
    return response


@signed_in
@require_GET
def certificate_pdf(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The document (PDF/A) as issued."""
    found = _certificate(request, id_)
    return _download(request, found, bytes(found.pdf), "application/pdf", "pdf")


@signed_in
@require_GET
def certificate_json(request: HttpRequest, id_: UUID) -> HttpResponse:
    """The certificate for machines: readable JSON, its canonical bytes and their SHA-256."""
    found = _certificate(request, id_)
    said = {"certificate": found.readable, "canonical": bytes(found.body).hex(), "sha256": found.sha256}
    data = json.dumps(said, ensure_ascii=False, indent=1).encode()
    return _download(request, found, data, "application/json", "json")

"""API of retention: classes, hours that stand, certificates."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from gwanje.centre.common import OFFSET_MAX, demand
from gwanje.centre.common.doors import acting
from gwanje.centre.common.refusal import missing
from gwanje.centre.retention import api, reading, services
from gwanje.centre.retention.models import Certificate
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

router = Router(tags=["retention"])
PAGE_MAX = 500


class ClassOut(Schema):
    """One retention class."""

    number: int
    kind: str
    value: int
    reference: str
    label: str


class ClassIn(Schema):
    """A class to register."""

    number: int = Field(ge=1, le=services.NUMBER_MAX)
    kind: str = Field(max_length=20)
    value: int = Field(ge=0, le=36_500)
    reference: str = Field(min_length=1, max_length=200)
    label: str = Field(min_length=1, max_length=60)
    statute: str = Field("", max_length=200)


class HourOut(Schema):
    """One class and hour that stands; ``due`` null: permanent."""

    class_number: int
    label: str
    reference: str
    started: datetime
    due: datetime | None
    overdue: bool
    cameras: int
    segments: int
    seconds: int
    bytes: int
    held: int


class CertificateOut(Schema):
    """One certificate of destruction."""

    id: UUID
    number: str
    issued_at: datetime
    sha256: str
    level: str
    hours: int
    camera_hours: int
    parts: int


def _own(request: HttpRequest, action: str) -> None:
    actor: Actor = acting(request)
    demand(actor, action, Resource("agency", agency=actor.agency))


@router.get("/classes", response=list[ClassOut], operation_id="retention_classes", url_name="retention-classes")
def classes(request: HttpRequest) -> list[Any]:
    """Registered classes."""
    _own(request, "retention.read")
    return api.classes()


@router.post("/classes", response=ClassOut, operation_id="retention_class_add", url_name="retention-class-add")
def class_add(request: HttpRequest, said: ClassIn) -> Any:
    """Register a class; 403 with the article when it is longer than the law allows."""
    actor: Actor = acting(request)
    return services.set_class(
        said.number, said.kind, said.value, said.reference, said.label, statute=said.statute, by=actor
    )


@router.get("/hours", response=list[HourOut], operation_id="retention_hours", url_name="retention-hours")
def hours(
    request: HttpRequest, offset: int = Query(0, ge=0, le=OFFSET_MAX), limit: int = Query(48, ge=1, le=PAGE_MAX)
) -> list[Any]:
    """What dies when, the soonest first; at most 500 a page."""
    _own(request, "retention.read")
    return reading.due(offset=offset, limit=limit)


@router.get(
    "/certificates",
    response=list[CertificateOut],
    operation_id="retention_certificates",
    url_name="retention-certificates",
)
def certificates(
    request: HttpRequest, offset: int = Query(0, ge=0, le=OFFSET_MAX), limit: int = Query(50, ge=1, le=PAGE_MAX)
) -> list[Any]:
    """Certificates, the newest first; at most 500 a page."""
    actor: Actor = acting(request)
    demand(actor, "retention.certificate", api.centre())
    return list(Certificate.objects.defer("pdf", "body", "readable")[offset : offset + limit])


@router.get(
    "/certificates/{id_}",
    response=dict[str, Any],
    operation_id="retention_certificate",
    url_name="retention-certificate",
)
def certificate(request: HttpRequest, id_: UUID) -> dict[str, Any]:
    """One certificate as it was issued, with its canonical bytes (hex) and their SHA-256."""
    actor: Actor = acting(request)
    demand(actor, "retention.certificate", api.centre())
    found = Certificate.objects.filter(pk=id_).first()
    if found is None:
        raise missing("확인서", "certificate")
    return {"certificate": found.readable, "canonical": bytes(found.body).hex(), "sha256": found.sha256}

"""API of playback: look, ask, decide, and the two tokens that the player script carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, Query, Router, Schema

from gwanje.centre.common import OFFSET_MAX, demand, law
from gwanje.centre.common.doors import acting
from gwanje.centre.playback import permits, services, signing
from gwanje.centre.playback.models import Request
from gwanje.centre.playback.rules import GATE, READERS
from gwanje.centre.playback.views import state_now
from gwanje.kernel import base64url
from gwanje.kernel.policy import Resource

router = Router(tags=["playback"])
PAGE_MAX = 100


class GroundOut(Schema):
    """A ground that may be chosen today."""

    code: str
    ko: str
    en: str
    statute: str
    document: str
    document_ko: str
    document_en: str


class LookIn(Schema):
    """Cameras and range, Unix seconds, half open."""

    cameras: list[UUID] = Field(min_length=1, max_length=services.CAMERAS_MAX)
    first: int
    until: int


class AskIn(LookIn):
    """A request."""

    ground: str = Field(max_length=60)
    case: str = Field(max_length=100)
    purpose: str = Field(max_length=1000)
    document: str = Field("", max_length=200)
    hold: UUID | None = None


class HoleOut(Schema):
    """A range without footage."""

    first: int
    until: int
    reason: str


class CameraLook(Schema):
    """One camera's footage of the range."""

    camera: UUID
    label: str
    first: int
    seconds: int
    holes: list[HoleOut]


class LookOut(Schema):
    """The widened range and what is recorded."""

    first: int
    until: int
    cameras: list[CameraLook]


class RequestOut(Schema):
    """A request."""

    id: UUID
    state: str
    requester: UUID
    ground: str
    case: str
    first: int
    until: int
    cameras: list[UUID]
    asked_at: datetime
    valid_until: datetime
    signed: bool


class DecideIn(Schema):
    """A yes or no with its note."""

    note: str = Field("", max_length=500)


class SignOut(Schema):
    """Where the actor signs on vaultd's own page; both empty while there is nothing to sign."""

    sign: str
    url: str


class SignedIn(DecideIn):
    """What was signed: the id that ``sign`` gave, 32 hex digits."""

    sign: str = Field(pattern="^[0-9a-f]{32}$")


class PermitOut(Schema):
    """What the browser carries to the player."""

    permit: str
    viewer: str
    expires: int
    url: str


class ViewerOut(Schema):
    """Who sits where, for 60 s."""

    viewer: str
    expires: int


def _out(row: Request) -> dict[str, Any]:
    return {
        "id": row.pk,
        "state": state_now(row),
        "requester": row.requester_id,
        "ground": row.ground,
        "case": row.case,
        "first": row.first,
        "until": row.until,
        "cameras": [c.camera for c in row.cameras.all()],
        "asked_at": row.asked_at,
        "valid_until": row.valid_until,
        "signed": bool(row.consent),
    }


@router.get("/grounds", response=list[GroundOut], operation_id="playback_grounds", url_name="playback-grounds")
def grounds(request: HttpRequest) -> list[Any]:
    """Grounds in force today that allow playback."""
    return list(law().grounds(GATE))


@router.post("/look", response=LookOut, operation_id="playback_look", url_name="playback-look")
def look(request: HttpRequest, body: LookIn) -> dict[str, Any]:
    """What is recorded of a range, and how far it is widened; writes nothing."""
    actor = acting(request)
    asked = services.Asked(tuple(body.cameras), body.first, body.until, "", "", "")
    seen, first, until = services.look(asked, actor)
    return {
        "first": first,
        "until": until,
        "cameras": [
            {
                "camera": p.camera.id,
                "label": p.camera.label,
                "first": p.first,
                "seconds": p.seconds,
                "holes": [{"first": h.first, "until": h.until, "reason": h.reason} for h in p.holes[:1000]],
            }
            for p in seen
        ],
    }


@router.get("/requests", response=list[RequestOut], operation_id="playback_requests", url_name="playback-requests")
def requests(
    request: HttpRequest, offset: int = Query(0, ge=0, le=OFFSET_MAX), limit: int = Query(50, ge=1, le=PAGE_MAX)
) -> list[dict[str, Any]]:
    """My requests; those of the agency for approvers and auditors. At most 100 a page."""
    actor = acting(request)
    demand(actor, "playback.read", Resource("request", agency=actor.agency), own=True)
    found = Request.objects.all() if actor.has(*READERS) else Request.objects.filter(requester_id=actor.person)
    return [_out(row) for row in found.prefetch_related("cameras")[offset : offset + limit]]


@router.post("/requests", response=RequestOut, operation_id="playback_ask", url_name="playback-ask")
def ask(request: HttpRequest, body: AskIn) -> dict[str, Any]:
    """Ask to open stored video."""
    actor = acting(request)
    asked = services.Asked(
        tuple(body.cameras), body.first, body.until, body.ground, body.case, body.purpose, body.document,
        body.hold,
    )  # fmt: skip
    return _out(services.ask(asked, actor))


@router.get("/requests/{id_}", response=RequestOut, operation_id="playback_request", url_name="playback-request")
def one(request: HttpRequest, id_: UUID) -> dict[str, Any]:
    """One request."""
    actor = acting(request)
    row = services.readable(id_, actor)
    return _out(row)


@router.post(
    "/requests/{id_}/approve", response=RequestOut, operation_id="playback_approve", url_name="playback-approve"
)
def approve(request: HttpRequest, id_: UUID, body: DecideIn) -> dict[str, Any]:
    """승인."""
    return _out(services.approve(id_, acting(request), body.note))


@router.post("/requests/{id_}/refuse", response=RequestOut, operation_id="playback_refuse", url_name="playback-refuse")
def refuse(request: HttpRequest, id_: UUID, body: DecideIn) -> dict[str, Any]:
    """반려."""
    return _out(services.refuse(id_, acting(request), body.note))


@router.post("/requests/{id_}/cancel", response=RequestOut, operation_id="playback_cancel", url_name="playback-cancel")
def cancel(request: HttpRequest, id_: UUID) -> dict[str, Any]:
    """취소."""
    return _out(services.cancel(id_, acting(request)))


@router.post("/requests/{id_}/sign", response=SignOut, operation_id="playback_sign", url_name="playback-sign")
def sign(request: HttpRequest, id_: UUID) -> dict[str, str]:
    """Bring the request to vaultd's page for the actor's own signature."""
    back = request.build_absolute_uri(reverse("playback:request", args=[id_]))
    lead = signing.begin(id_, acting(request), back)
    return {"sign": lead.id.hex(), "url": lead.url} if lead else {"sign": "", "url": ""}


@router.post("/requests/{id_}/signed", response=RequestOut, operation_id="playback_signed", url_name="playback-signed")
def signed(request: HttpRequest, id_: UUID, body: SignedIn) -> dict[str, Any]:
    """Take the actor's signature from vaultd; an approver's approves."""
    return _out(signing.signed(id_, acting(request), bytes.fromhex(body.sign), body.note))


@router.post("/requests/{id_}/permit", response=PermitOut, operation_id="playback_permit", url_name="playback-permit")
def permit(request: HttpRequest, id_: UUID) -> dict[str, Any]:
    """One Permit for one viewing, with the first viewer token."""
    actor = acting(request)
    made, message = permits.issue(id_, actor)
    viewer, _ = permits.viewer_token(actor)
    return {
        "permit": base64url.to_text(message),
        "viewer": base64url.to_text(viewer),
        "expires": int(made.expires_at.timestamp()),
        "url": permits.player_url(request.get_host()),
    }


@router.post("/viewer-token", response=ViewerOut, operation_id="playback_viewer", url_name="playback-viewer")
def viewer(request: HttpRequest) -> dict[str, Any]:
    """Who sits where, for 60 s; renews a running session."""
    token, expires = permits.viewer_token(acting(request))
    return {"viewer": base64url.to_text(token), "expires": expires}

"""API of preservation: holds, what they would reach, what is asked of them; deletions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, Query, Router, Schema, Status

from gwanje.centre.common import OFFSET_MAX, absent, demand
from gwanje.centre.common.doors import acting
from gwanje.centre.preservation import deletion, reading, services, signing
from gwanje.centre.preservation.api_signing import (
    SIGN,
    SignedIn,
    SignNeeded,
    SignOut,
    forget,
    lead,
    page_of,
    take,
    through,
)
from gwanje.centre.preservation.models import ASKED, Deletion, Hold, HoldAct
from gwanje.centre.preservation.rules import READERS, REQUESTERS
from gwanje.centre.preservation.signing import SignFirst
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource

router = Router(tags=["preservation"])
PAGE_MAX = 200


class Range(Schema):
    """Cameras and Unix seconds, half open."""

    cameras: list[UUID] = Field(min_length=1, max_length=services.CAMERAS_MAX)
    first: int = Field(ge=0, le=1 << 40)
    until: int = Field(ge=0, le=1 << 40)


class HoldIn(Range):
    """What is to be held at once."""

    ground: str = Field(max_length=60)
    case: str = Field(max_length=100)
    reason: str = Field(max_length=1000)
    reviewer: UUID | None = None
    sign: str = Field("", pattern=SIGN, description="after a 409: the id that was signed")


class HoldOut(Schema):
    """One hold; ``state``: standing, ended, died."""

    id: UUID
    kind: str
    ground: str
    case: str
    reason: str
    state: str
    made_at: datetime
    ends_at: datetime
    seconds: int
    bytes: int
    adopted: bool

    @staticmethod
    def resolve_state(row: Hold) -> str:
        """As of now."""
        return reading.state_now(row)


class ActOut(Schema):
    """What was asked of a hold."""

    id: UUID
    act: str
    kind: str
    ends_at: datetime | None
    reason: str
    state: str
    asked_at: datetime
    decided_at: datetime | None


class ProlongIn(Schema):
    """Until when, on which ground."""

    ends: datetime
    ground: str = Field(max_length=60)
    case: str = Field("", max_length=100)
    reason: str = Field(max_length=1000)


class ReasonIn(Schema):
    """A reason or a note."""

    reason: str = Field("", max_length=1000)


class AgreeIn(ReasonIn):
    """A yes, with a note."""

    sign: str = Field("", pattern=SIGN, description="after a 409: the id that was signed")


class DeletionOut(Schema):
    """One deletion; ``kept``: holds that keep some of it until they end."""

    id: UUID
    camera: UUID
    first: int
    until: int
    case: str
    state: str
    seconds: int
    asked_at: datetime
    decided_at: datetime | None
    kept: list[str]


def _own(actor: Actor) -> Resource:
    return Resource("hold", agency=actor.agency)


@router.get("/holds", response=list[HoldOut], operation_id="preservation_holds", url_name="preservation-holds")
def holds(
    request: HttpRequest,
    state: str = Query("", max_length=20),
    q: str = Query("", max_length=100),
    offset: int = Query(0, ge=0, le=OFFSET_MAX),
    limit: int = Query(50, ge=1, le=PAGE_MAX),
) -> list[Any]:
    """Holds, the soonest to end first; officers see the agency's, others what they asked for."""
    actor = acting(request)
    demand(actor, "preservation.read", _own(actor), own=actor.has(*REQUESTERS))
    mine = None if actor.has(*READERS) else actor.person
    return list(reading.found(state=state, query=q, own=mine)[offset : offset + limit])


@router.post("/look", response=list[dict[str, Any]], operation_id="preservation_look", url_name="preservation-look")
def look(request: HttpRequest, said: Range) -> list[dict[str, Any]]:
    """What a hold would reach, camera by camera; nothing is written."""
    actor = acting(request)
    demand(actor, "preservation.hold", _own(actor))
    return [item.body() for item in services.look(said.cameras, said.first, said.until, actor)]


@router.post(
    "/holds",
    response={201: HoldOut, 409: SignNeeded},
    operation_id="preservation_hold_add",
    url_name="preservation-hold-add",
)
def hold_add(request: HttpRequest, said: HoldIn) -> Any:
    """Hold at once for ten days; once officers sign, 409 first, and again with ``sign`` after signing."""
    actor = acting(request)
    demand(actor, "preservation.hold", _own(actor))
    wanted = services.Wanted(
        tuple(said.cameras), said.first, said.until, said.ground, said.case, said.reason, said.reviewer
    )
    back = reverse("preservation:holds")
    made = through(request, said.sign, None, back, lambda fixed: services.provisional(wanted, actor, fixed))
    return Status(201, made)


@router.get("/holds/{id_}", response=HoldOut, operation_id="preservation_hold", url_name="preservation-hold")
def hold(request: HttpRequest, id_: UUID) -> Any:
    """One hold."""
    return services.readable(id_, acting(request))


@router.get("/holds/{id_}/acts", response=list[ActOut], operation_id="preservation_acts", url_name="preservation-acts")
def acts(request: HttpRequest, id_: UUID) -> Any:
    """What was asked of a hold and decided, the newest first."""
    return list(services.readable(id_, acting(request)).acts.all()[:PAGE_MAX])


@router.post(
    "/holds/{id_}/prolong", response={201: ActOut}, operation_id="preservation_prolong", url_name="preservation-prolong"
)
def prolong(request: HttpRequest, id_: UUID, said: ProlongIn) -> Any:
    """Ask that it lasts longer; who asked signs it with ``…/sign``, another officer decides."""
    return Status(
        201,
        services.ask_prolong(
            id_, acting(request), ends=said.ends, ground=said.ground, case=said.case, reason=said.reason
        ),
    )


@router.post("/holds/{id_}/end", response={201: ActOut}, operation_id="preservation_end", url_name="preservation-end")
def end(request: HttpRequest, id_: UUID, said: ReasonIn) -> Any:
    """Ask that it ends now; who asked signs it with ``…/sign``, another officer decides."""
    return Status(201, services.ask_end(id_, acting(request), said.reason))


def _act(request: HttpRequest, id_: UUID, act: UUID) -> HoldAct:
    hold = services.readable(id_, acting(request))
    found = HoldAct.objects.select_related("hold", "asked_by").filter(pk=act, hold=hold).first()
    if found is None:
        raise absent(acting(request), "preservation.read", "act", act)
    return found


@router.post(
    "/holds/{id_}/acts/{act}/sign",
    response=SignOut,
    operation_id="preservation_act_sign",
    url_name="preservation-act-sign",
)
def act_sign(request: HttpRequest, id_: UUID, act: UUID) -> dict[str, str]:
    """Bring what the actor asked of a hold to vaultd's page for the actor's own signature."""
    found = _act(request, id_, act)
    whole = signing.act_of(found)
    if found.state != ASKED or not signing.mine(found.pk, whole, acting(request)):
        return {"sign": "", "url": ""}
    first = SignFirst(whole, signing.names_of(found.hold, found.asked_by))
    made = lead(request, first, found.pk, page_of(id_))
    return {"sign": made.id.hex(), "url": made.url}


@router.post(
    "/holds/{id_}/acts/{act}/signed",
    response={200: ActOut, 409: SignNeeded},
    operation_id="preservation_act_signed",
    url_name="preservation-act-signed",
)
def act_signed(request: HttpRequest, id_: UUID, act: UUID, said: SignedIn) -> Any:
    """Take what the actor signed; then another officer decides."""
    found = _act(request, id_, act)
    take(request, said.sign, found.pk)
    forget(request, said.sign)
    return found


@router.post(
    "/holds/{id_}/acts/{act}/agree",
    response={200: HoldOut, 409: SignNeeded},
    operation_id="preservation_agree",
    url_name="preservation-agree",
)
def agree(request: HttpRequest, id_: UUID, act: UUID, said: AgreeIn) -> Any:
    """Agree; once officers sign, 409 first, and again with ``sign`` after signing."""
    actor = acting(request)
    return through(
        request, said.sign, act, page_of(id_), lambda _: services.agree(id_, act, actor, said.reason)
    )  # fmt: skip


@router.post(
    "/holds/{id_}/acts/{act}/decline",
    response=ActOut,
    operation_id="preservation_decline",
    url_name="preservation-decline",
)
def decline(request: HttpRequest, id_: UUID, act: UUID, said: ReasonIn) -> Any:
    """Decline, with the reason."""
    return services.decline(id_, act, acting(request), said.reason)


@router.get(
    "/deletions", response=list[DeletionOut], operation_id="preservation_deletions", url_name="preservation-deletions"
)
def deletions(
    request: HttpRequest, offset: int = Query(0, ge=0, le=OFFSET_MAX), limit: int = Query(50, ge=1, le=PAGE_MAX)
) -> list[Any]:
    """Deletions, the newest first."""
    actor = acting(request)
    demand(actor, "preservation.read", _own(actor))
    return list(Deletion.objects.all()[offset : offset + limit])


@router.post(
    "/deletions/{id_}/agree",
    response={200: DeletionOut, 409: SignNeeded},
    operation_id="preservation_delete_agree",
    url_name="preservation-delete-agree",
)
def delete_agree(request: HttpRequest, id_: UUID, said: AgreeIn) -> Any:
    """Delete: the second officer's decision; once officers sign, 409 first, and again with ``sign`` after signing."""
    actor, back = acting(request), reverse("preservation:deletion", args=[id_])
    return through(request, said.sign, id_, back, lambda _: deletion.agree(id_, actor, said.reason))

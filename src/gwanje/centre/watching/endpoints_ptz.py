"""API of steering (회전·확대 조작 API): tokens, named emergencies, their words."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from gwanje.centre.common.doors import acting
from gwanje.centre.watching import steering

router = Router(tags=["watching"])


class CameraIn(Schema):
    """Which camera."""

    camera: UUID


class ArticleOut(Schema):
    """An article in force: how it is cited, and its text."""

    ref: str
    text: str


class PtzOut(Schema):
    """What a page needs to steer; ``until`` in Unix seconds, 0 without an emergency."""

    token: str
    url: str
    expires: int
    rank: int
    masks: bool
    articles: list[ArticleOut]
    emergency: UUID | None
    until: float
    extended: int


class PtzEmergencyIn(Schema):
    """Which camera, and the key of a preset reason (112, bell, fire, rescue, other)."""

    camera: UUID
    reason: str


class PtzEmergencyOut(Schema):
    """An emergency; ``until`` in Unix seconds."""

    id: UUID
    reason: str
    until: float
    extended: int


class WordsIn(Schema):
    """What happened, in words."""

    words: str


def _out(row: Any) -> dict[str, Any]:
    return {"id": row.id, "reason": row.reason, "until": row.until.timestamp(), "extended": row.extended}


@router.post("/token", response=PtzOut, operation_id="watching_ptz_token", url_name="watching-ptz-token",
             summary="Right to steer one camera for 60 s (회전·확대 조작)")  # fmt: skip
def ptz_token(request: HttpRequest, body: CameraIn) -> Any:
    """On shift, within the seat's purposes, and only a camera whose zone is drawn; the recorder keeps the zone."""
    return steering.ptz_token(acting(request), body.camera).__dict__


@router.post("/emergencies", response=PtzEmergencyOut, operation_id="watching_ptz_emergency_open",
             url_name="watching-ptz-emergency-open", summary="Leave the zone in an emergency (긴급 조작)")  # fmt: skip
def emergency_open(request: HttpRequest, body: PtzEmergencyIn) -> Any:
    """Ten minutes; the head returns by itself."""
    return _out(steering.open_emergency(acting(request), body.camera, body.reason))


@router.post("/emergencies/{id}/extend", response=PtzEmergencyOut, operation_id="watching_ptz_emergency_extend",
             url_name="watching-ptz-emergency-extend", summary="Ten minutes more, once (연장)")  # fmt: skip
def emergency_extend(request: HttpRequest, id: UUID) -> Any:
    """By who opened it."""
    return _out(steering.extend(acting(request), id))


@router.post("/emergencies/{id}/end", response=PtzEmergencyOut, operation_id="watching_ptz_emergency_end",
             url_name="watching-ptz-emergency-end", summary="End it before its time (종료)")  # fmt: skip
def emergency_end(request: HttpRequest, id: UUID) -> Any:
    """By who opened it."""
    return _out(steering.end(acting(request), id))


@router.post("/emergencies/{id}/words", response=PtzEmergencyOut, operation_id="watching_ptz_emergency_tell",
             url_name="watching-ptz-emergency-tell", summary="Words that follow (사유 덧붙임)")  # fmt: skip
def emergency_tell(request: HttpRequest, id: UUID, body: WordsIn) -> Any:
    """Until the shift's end, by who opened it."""
    return _out(steering.tell(acting(request), id, body.words))

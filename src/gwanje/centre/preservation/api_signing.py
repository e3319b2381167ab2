"""Signatures asked for over the API (서명 후 재요청): a 409 names the page to sign on, and the same request goes on.

What waits is kept in the session, made here and never taken from the client: it only gives back the id it was given.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from ninja import Field, Schema

from gwanje.centre.common import signing as common
from gwanje.centre.common.doors import acting
from gwanje.centre.common.refusal import Problem
from gwanje.centre.common.signing import Lead
from gwanje.centre.preservation import signing
from gwanje.centre.preservation.signing import EPOCH, Fixed, SignFirst
from gwanje.kernel.canonical import encode

T = TypeVar("T")
KEPT, KEPT_MAX = "preserving-api", 8
# an id on vaultd's page, 32 hex digits; empty before anything was signed
SIGN = "^([0-9a-f]{32})?$"


class SignNeeded(Schema):
    """409 once officers sign: nothing was written.

    ``signature_needed``: a person opens ``url`` in a browser and signs on the key service's own page within 15
    minutes; then the same request is sent again, as it was, with ``sign``. Other codes (``asker_first``, ``decided``)
    have neither: ``next`` says what helps.
    """

    error: str
    ko: str
    en: str
    rule: str
    next: str
    next_en: str = ""
    sign: str = Field("", description="id on the signing page, 32 hex digits; sent back with the same request")
    url: str = Field("", description="the signing page, for the person who asks")


class SignOut(Schema):
    """Where the actor signs on vaultd's own page; both empty while there is nothing to sign."""

    sign: str
    url: str


class SignedIn(Schema):
    """What was signed: the id that was given, 32 hex digits."""

    sign: str = Field(pattern="^[0-9a-f]{32}$")


def through(
    request: HttpRequest, sign: str, target: UUID | None, back: str, do: Callable[[Fixed | None], T]
) -> T:  # fmt: skip
    """``do`` it; SignFirst with its page when a signature lacks, and with ``sign`` the signature is taken in first.

    ``target``: the row, none of a new hold; ``back``: the page that the signing page leads to. Problem.
    """
    kept = request.session.get(KEPT, {}).get(sign)
    if kept is not None:
        take(request, sign, target)
    try:
        done = do(_fixed(kept))
    except SignFirst as first:
        made = lead(request, first, target, back)
        first.more = {"sign": made.id.hex(), "url": made.url}
        raise
    forget(request, sign)
    return done


def lead(request: HttpRequest, first: SignFirst, target: UUID | None, back: str) -> Lead:
    """Bring what waits to vaultd's page and remember it; 8 at most a session, the newest."""
    body, at = dict(first.act.body), request.build_absolute_uri(back)
    made = common.lead(acting(request), first.act.kind, body, first.said, at)
    fixed = first.fixed
    kept = {
        "target": str(fixed.id if fixed else target),
        "kind": first.act.kind,
        "body": encode(body).hex(),
        "url": made.url,
        "fixed": [str(fixed.id), (fixed.at - EPOCH) // timedelta(microseconds=1)] if fixed else None,
    }
    before = list(request.session.get(KEPT, {}).items())[-KEPT_MAX + 1 :]
    request.session[KEPT] = {**dict(before), made.id.hex(): kept}
    return made


def take(request: HttpRequest, sign: str, target: UUID | None) -> None:
    """Take the actor's signature into the row it is of; Problem 409 with the same page when nobody signed there.

    ``target``: the row, none of a new hold.
    """
    kept: dict[str, Any] | None = request.session.get(KEPT, {}).get(sign)
    if kept is None or (kept["fixed"] is None and kept["target"] != str(target)):
        raise common.unsigned()
    body = bytes.fromhex(kept["body"])
    try:
        signing.keep(UUID(kept["target"]), acting(request), bytes.fromhex(sign), kept["kind"], body)
    except Problem as problem:
        if problem.code == common.unsigned().code:
            problem.more = {"sign": sign, "url": kept["url"]}
        raise


def forget(request: HttpRequest, sign: str) -> None:
    """It is done: the id is good for nothing more."""
    kept = dict(request.session.get(KEPT, {}))
    if kept.pop(sign, None) is not None:
        request.session[KEPT] = kept


def _fixed(kept: dict[str, Any] | None) -> Fixed | None:
    if kept is None or not kept["fixed"]:
        return None
    id_, at_us = kept["fixed"]
    return Fixed(UUID(id_), EPOCH + timedelta(microseconds=at_us))


def page_of(hold: UUID) -> str:
    """A hold's page."""
    return reverse("preservation:hold", args=[hold])

"""Addresses of cameras (카메라 주소 제한): what the registry takes; the recorder judges again when it connects.

A name is judged by the recorder, on the address that it has there; numbers and this machine's names are judged here.
"""

from __future__ import annotations

import logging
from functools import cache
from uuid import UUID

from gwanje.centre.common import home
from gwanje.centre.common.refusal import Problem
from gwanje.kernel import refusals
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger.entry import BadEntry
from gwanje.kernel.reach import NEXT_EN, NEXT_KO, RULE, Reach, Unreachable

TOLD_A_MINUTE = 30
log = logging.getLogger("gwanje.web")
_told: list[int] = []


@cache
def reach() -> Reach:
    """Where this centre's recorders may connect."""
    return Reach.of(home())


def forbidden(why: Unreachable, actor: Actor | None, camera: UUID | None = None) -> Problem:
    """The answer to an address that is not taken; the refusal is told to the ledger, 30 a minute at most."""
    if actor is not None:
        _tell(why, actor, camera)
    return Problem(
        "address_forbidden",
        f"이 주소는 등록하지 않습니다: {why.ko}.",
        f"This address is not taken: {why.en}.",
        rule=RULE, next_=NEXT_KO, next_en=NEXT_EN,
    )  # fmt: skip


def check_place(url: str, actor: Actor | None = None, camera: UUID | None = None) -> None:
    """Problem unless a recorder may connect to this address; empty is fine."""
    if not url:
        return
    try:
        reach().check_url(url)
    except Unreachable as why:
        raise forbidden(why, actor, camera) from why


def _tell(why: Unreachable, actor: Actor, camera: UUID | None) -> None:
    """Through the spool: the act's own transaction is rolled back, and a row of it with it."""
    now = home().clock.now_s()
    _told[:] = [at for at in _told if now - at < 60]
    if len(_told) >= TOLD_A_MINUTE:
        return
    _told.append(now)
    detail = {
        "outcome": "refused", "actor": actor.person, "agency": actor.agency, "reason": why.code,
        "norms": ["security.internal_control"], "cameras": [camera] if camera else [], "dies": "registry",
    }  # fmt: skip
    try:
        refusals.report(home(), "cameras.address.refused", detail, service="web")
    except (refusals.SpoolFull, BadEntry, OSError) as error:
        log.error("a refused address could not be told: %s", type(error).__name__)

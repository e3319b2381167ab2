"""Issuing (허가 발급): vaultd mints a Permit for an approved request; the web only carries it to the browser."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.common import clock, cursor, demand, home, law
from gwanje.centre.common.refusal import Problem, Refused, vault_away
from gwanje.centre.playback import act
from gwanje.centre.playback.models import APPROVED, VIEWED, Issue, Request
from gwanje.centre.playback.services import locked, noted, resource
from gwanje.centre.staff import api as staff
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import decode
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.ledger import Entry
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.kernel.policy import Resource
from gwanje.law import Decision, Reason
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused

PERMIT_S = 30 * 60
VIEWER_S = 60
ISSUES_MAX = 10


@cache
def _client() -> VaultClient:
    return VaultClient(home(), "web")


def player_url(host: str) -> str:
    """The player's WebSocket as this browser reaches it; ``host`` as in the request, with or without a port."""
    named = home().config.get("play_url")
    return str(named) if named else f"ws://{host.rsplit(':', 1)[0]}:{home().port + 2}/play"


def view_facts(request: Request, actor: Actor) -> dict[str, Any]:
    """Facts of ``rules.may_view`` beside the actor's own."""
    return {
        "station_playback": staff.is_playback_station(actor.station),
        "requester": request.requester_id == actor.person,
        "approved": request.state in (APPROVED, VIEWED),
        "expired": request.valid_until <= clock().now(),
    }


def _approval_facts(request: Request) -> dict[str, Any]:
    given = request.approvals.filter(agreed=True).select_related("person")
    return {
        "requester": str(request.requester_id),
        "approvers": [
            {"person": str(a.person_id), "roles": [a.role], "contractor": a.person.contractor} for a in given
        ],
    }


def may_open(request: Request, actor: Actor) -> Decision:
    """Refused unless the actor may open this request here and now."""
    return demand(
        actor,
        "playback.view",
        resource(request),
        view=view_facts(request, actor),
        approval=_approval_facts(request),
        facts={**noted(request), "cameras": [c.camera for c in request.cameras.all()]},
    )


@transaction.atomic
def issue(id_: UUID, actor: Actor) -> tuple[Issue, bytes]:
    """One Permit for one viewing (열람·재생 허가): ledger row first, then vaultd; both or neither.

    Refused when a rule or vaultd says no, Problem 503 when vaultd is away. Locks the request.
    """
    request = locked(id_, actor, "playback.view")
    decision = may_open(request, actor)
    if request.issues.count() >= ISSUES_MAX:
        raise Problem(
            "issues", f"한 번의 승인으로 {ISSUES_MAX}번까지 열람할 수 있습니다.",
            f"one approval is good for {ISSUES_MAX} viewings.", next_="다시 신청하십시오.", status=409,
        )  # fmt: skip
    now = clock().now()
    permit_id = uuid7()
    made = Issue.objects.create(
        id=permit_id,
        agency_id=request.agency_id,
        request=request,
        person_id=actor.person,
        station=actor.station,
        issued_at=now,
        expires_at=now + timedelta(seconds=PERMIT_S),
    )
    entry = Entry.by(
        actor,
        "playback.permit.issued",
        "granted",
        decision,
        permit=permit_id,
        cameras=[c.camera for c in request.cameras.all()],
        first=request.first,
        until=request.until,
        ground=request.ground,
        case=request.case,
        situation=request.situation,
        detail={"request": request.pk, "agreed": bytes(request.decision).hex()},
        dies="access",
    )
    ledger.append(cursor(), clock(), entry)
    if request.state == APPROVED:
        request.state = VIEWED
        request.save(update_fields=["state"])
    return made, _mint(request, actor, permit_id, decision)


def _mint(request: Request, actor: Actor, permit_id: UUID, decision: Decision) -> bytes:
    agreed = decode(act.of(request))
    # a request of before this version was agreed to by accounts, over the norms of the viewing's own Decision
    norms = agreed["norms"] if request.act else list(dict.fromkeys([*agreed["norms"], *decision.norms]))
    try:
        return _client().mint(
            id=permit_id,
            decision=bytes(request.decision),
            norms=norms,
            cameras=[Lens(UUID(bytes=camera), slot, stream) for camera, slot, stream in agreed["cameras"]],
            first=request.first,
            until=request.until,
            person=request.requester_id,
            station=actor.station,
            ground=request.ground,
            case=request.case,
            approvals=_consents(request),
            expires=clock().now_s() + PERMIT_S - 5,
            situation=request.situation,
            hold=request.hold,
        )
    except VaultRefused as no:
        raise Refused(_vault_says_no(no), "playback.permit", actor, **noted(request)) from no
    except VaultAway as away:
        raise vault_away() from away


def _consents(request: Request) -> list[Approval]:
    """The requester's consent and the approvers', signed ones as vaultd gave them."""
    digest, asked_us = bytes(request.decision), int(request.asked_at.timestamp() * 1_000_000)
    own = Approval(request.requester_id, request.requester_role, digest, asked_us)
    found = [Approval.of(decode(bytes(request.consent))) if request.consent else own]
    for a in request.approvals.filter(agreed=True):
        signed = Approval.of(decode(bytes(a.consent))) if a.consent else None
        found.append(signed or Approval(a.person_id, a.role, bytes(a.decision), a.at_us, a.method))
    return found


def _vault_says_no(no: VaultRefused) -> Decision:
    ko, _, en = no.message.partition(" / ")
    code = "".join(c if c.isalnum() or c == "_" else "_" for c in f"vault_{no.code}")
    reason = Reason(
        code, ko, en or ko, "관리책임자에게 담당자 등록을 확인하십시오", "ask the manager about the officers' registry"
    )
    return law().deny("playback.permit", "playback.default_deny", reasons=[reason], facts={"code": no.code})


def viewer_token(actor: Actor) -> tuple[bytes, int]:
    """Who sits where, for 60 s, signed by the web; (token, expiry in Unix seconds). Refused away from the room."""
    facts = {"station_playback": staff.is_playback_station(actor.station), "requester": True, "approved": True}
    demand(
        actor,
        "playback.seat",
        Resource("station", agency=actor.agency),
        view={**facts, "expired": False},
    )
    expires = clock().now_s() + VIEWER_S
    assert actor.person is not None
    token = ViewerToken(actor.person, actor.station, expires)
    return token.sign(signing_key(home(), "web")), expires

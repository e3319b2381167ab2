"""Signatures of a request (신청·승인 서명): what is signed, who is led to sign, what comes back; off until officers
have keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.common import clock, demand, law, signing
from gwanje.centre.common.refusal import Refused
from gwanje.centre.common.signing import Lead
from gwanje.centre.playback import act, rules, services
from gwanje.centre.playback.models import APPROVED, ASKED, VIEWED, Request
from gwanje.centre.staff import api as staff
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import decode, encode
from gwanje.kernel.permit import Approval
from gwanje.vault.client_consent import Signing

NAMED_MAX = 100


def waits_for(request: Request, actor: Actor, standing: Signing | None) -> str:
    """What the actor's signature would be: ``asker``, ``approver``, ``confirm`` (a spoken code's), or empty."""
    if standing is None or not standing.on:
        return ""
    # a confirmation is owed on the next working day: the viewing itself has ended by then
    if any(d.person == actor.person and d.digest == act.digest(request) for d in standing.duties):
        return "confirm"
    if request.valid_until <= clock().now():
        return ""
    if request.requester_id == actor.person:
        return "asker" if not request.consent and request.state in (ASKED, APPROVED, VIEWED) else ""
    return "approver" if request.state == ASKED and request.consent else ""


def begin(id_: UUID, actor: Actor, back: str) -> Lead | None:
    """Lead the actor to sign this request, None while signing is off; Refused, Problem. Writes nothing here."""
    request = services.readable(id_, actor)
    standing = signing.standing()
    what = waits_for(request, actor, standing)
    if not what:
        if standing is not None and standing.on and request.state == ASKED and not request.consent:
            raise signing.asker_first()
        return None
    if what == "approver":
        services.may_approve(request, actor)
    return signing.lead(actor, act.KIND, decode(act.of(request)), _said(request), back)


def _said(request: Request) -> dict[str, str]:
    """The centre's names for what stands in the act, and for those who may approve it."""
    named = law().parameter("playback.approver_roles").value
    people = {p.pk: p.name for role in named for p in staff.holders(role, agency=request.agency_id)[:NAMED_MAX]}
    people[request.requester_id] = request.requester.name
    asked = [_local(second) for second in (request.asked_first, request.asked_until)]
    return {
        **{str(id_): name for id_, name in list(people.items())[-NAMED_MAX:]},
        **{str(c.camera): c.label for c in request.cameras.all()},
        "ground": request.ground_title,
        "asked": " ~ ".join(asked),
    }


def _local(second: int) -> str:
    return f"{datetime.fromtimestamp(second, clock().zone):%Y-%m-%d %H:%M:%S}"


@transaction.atomic
def signed(id_: UUID, actor: Actor, sign: bytes, note: str = "") -> Request:
    """Take the actor's signature from vaultd into the request (서명 반영). Locks the request.

    The requester's consent, with a spoken code also the absent approver's; or the approver's, which approves.
    """
    request = services.locked(id_, actor, "playback.read")
    own = request.requester_id == actor.person
    demand(actor, "playback.read", services.resource(request), own=own, facts=services.noted(request))
    found = signing.given(sign, act.KIND, act.of(request))
    mine = next((a for a in found if a.person == actor.person), None)
    if mine is None:
        raise signing.unsigned()
    if not own:
        if request.approvals.filter(person_id=actor.person).exists():
            services.row(request, "playback.request.confirmed", "done", actor, None, method=mine.method)
            return request
        return services.approve(id_, actor, note, consent=mine)
    if not request.consent:
        request.consent = encode(mine.body())
        request.save(update_fields=["consent"])
        services.row(request, "playback.request.signed", "done", actor, None, method=mine.method)
    spoken = next((a for a in found if a.method == "spoken"), None)
    if spoken is not None and request.state == ASKED:
        _spoken(request, actor, spoken)
    return request


def _spoken(request: Request, actor: Actor, given: Approval) -> None:
    """An absent approver agreed by a spoken code (전화 승인): the same rule, but nobody is on shift at home."""
    person = staff.person(given.person)
    roles = staff.roles_of(given.person)
    one: dict[str, Any] = {
        "person": str(given.person), "roles": sorted(roles), "contractor": person is None or person.contractor,
    }  # fmt: skip
    decision = rules.approval_counts({"requester": str(request.requester_id), "approvers": [one]}, law())
    if not decision.allow or given.role not in roles:
        raise Refused(decision, "playback.approve", actor, **services.noted(request))
    services.agree(request, given.person, given.role, "전화 승인코드", given)
    services.row(request, "playback.request.approved", "granted", actor, decision, method="spoken",
                 approver=str(given.person))  # fmt: skip

"""Deletion on request (삭제 청구의 처리): exactly the seconds granted, of one camera; two officers, then vaultd.

Seconds that a hold keeps are closed at once all the same: no ordinary Permit opens them any more, and they die with
the hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras
from gwanje.centre.common import absent, clock, cursor, demand
from gwanje.centre.common.refusal import Problem, clean
from gwanje.centre.preservation import signing, vaulted
from gwanje.centre.preservation.models import (
    CANCELLED,
    DELETED,
    REFUSED,
    STANDING,
    WAITING,
    Consent,
    Deletion,
    Hold,
    HoldCamera,
)
from gwanje.centre.preservation.reach import Reach, reach, slots_of
from gwanje.centre.preservation.rules import OFFICERS
from gwanje.centre.preservation.services import approvals, resource, role_of
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import encode
from gwanje.kernel.ledger import Entry
from gwanje.law import Decision
from gwanje.vault.approvals import Act

WAITING_MAX = 200


@dataclass(frozen=True)
class Unwanted:
    """What is to be deleted. ``first``, ``until``: Unix s, half open; widened outwards to whole seconds already."""

    cameras: tuple[UUID, ...]
    first: int
    until: int
    case: str
    applicant: str
    reason: str


def look(id_: UUID, first: int, until: int, actor: Actor) -> tuple[Reach, list[Hold]]:
    """What would die now, and the holds that keep some of it; nothing is written."""
    view = cameras.camera(id_)
    if view is None:
        raise absent(actor, "preservation.delete", "camera", id_)
    demand(actor, "preservation.delete", view.resource)
    slot = slots_of(cursor(), [id_]).get(id_)
    seen = Reach(view, 0, (), 0) if slot is None else reach(cursor(), view, slot, first, until, widen=False)
    if not seen.spans:
        raise Problem(
            "no_footage",
            "이 구간에 삭제할 영상이 없습니다.",
            "nothing of this range is left to delete.",
            rule="보관기간이 지났거나 이미 삭제되었습니다.",
        )
    return seen, keeping(id_, first, until)


def keeping(camera: UUID, first: int, until: int) -> list[Hold]:
    """Standing holds that cover some of the seconds of a camera."""
    own = HoldCamera.objects.filter(camera=camera, first__lt=until, until__gt=first).values("hold")
    return list(Hold.objects.filter(pk__in=own, state=STANDING, ends_at__gt=clock().now()))


@transaction.atomic
def ask(unwanted: Unwanted, actor: Actor) -> Deletion:
    """Ask that seconds be deleted (삭제 신청); Refused by hold.apart, deletion.exact."""
    case = clean(unwanted.case, 100, "접수번호", "the number")
    applicant = clean(unwanted.applicant, 100, "청구인", "the applicant")
    reason = clean(unwanted.reason, 1000, "사유", "the reason")
    facts: dict[str, Any] = {
        "cameras": len(set(unwanted.cameras)),
        "first": unwanted.first,
        "until": unwanted.until,
        "case": case,
        "applicant": applicant,
        "reason": reason,
    }
    first = unwanted.cameras[0] if unwanted.cameras else None
    view = cameras.camera(first) if first else None
    if first is not None and view is None:
        raise absent(actor, "preservation.delete", "camera", first)
    noted = {"cameras": list(unwanted.cameras[:1]), "first": unwanted.first, "until": unwanted.until, "case": case}
    of = view.resource if view else None
    decision = demand(actor, "preservation.delete", of, deletion={**facts, "camera": str(first)}, facts=noted)
    assert view is not None
    seen, _ = look(view.id, unwanted.first, unwanted.until, actor)
    if Deletion.objects.filter(state=WAITING).count() >= WAITING_MAX:
        raise Problem(
            "too_many", f"결정을 기다리는 삭제가 {WAITING_MAX}건입니다.", f"{WAITING_MAX} deletions wait already."
        )
    made = Deletion.objects.create(
        agency_id=actor.agency,
        camera=view.id,
        label=view.label,
        slot=seen.slot,
        first=unwanted.first,
        until=unwanted.until,
        case=case,
        applicant=applicant,
        reason=reason,
        seconds=seen.seconds,
        decision=ledger.decision_digest(decision),
        decision_body=encode(decision.body()),
        asked_by_id=actor.person,
        asked_role=role_of(actor, OFFICERS),
        asked_at=clock().now(),
    )
    _row(made, "preservation.deletion.asked", "done", actor, decision)
    return made


def _row(of: Deletion, kind: str, outcome: str, actor: Actor, decision: Decision | None, **detail: Any) -> None:
    entry = Entry.by(
        actor,
        kind,
        outcome,
        decision,
        cameras=[of.camera],
        first=of.first,
        until=of.until,
        case=of.case,
        detail={"deletion": of.pk, **detail},
        dies="destruction",
    )
    ledger.append(cursor(), clock(), entry)


def _waiting(id_: UUID, actor: Actor) -> tuple[Deletion, Decision]:
    found = Deletion.objects.select_for_update().filter(pk=id_).first()
    if found is None:
        raise absent(actor, "preservation.decide", "deletion", id_)
    noted = {"cameras": [found.camera], "first": found.first, "until": found.until, "case": found.case}
    decision = demand(actor, "preservation.decide", resource(found), asked_by=str(found.asked_by_id), facts=noted)
    if found.state != WAITING:
        raise Problem("decided", "이미 처리된 신청입니다.", "it is decided already.", status=409)
    return found, decision


def _settle(found: Deletion, actor: Actor, state: str, role: str, note: str) -> None:
    found.state, found.decided_by_id, found.decided_role = state, actor.person, role
    found.decided_at, found.note = clock().now(), clean(note, 500, "의견", "the note")
    found.save()


@transaction.atomic
def agree(id_: UUID, actor: Actor, note: str = "") -> Deletion:
    """Delete (삭제 결정): the keys of exactly these seconds die now, the files follow by the duty. Locks the row."""
    found, decision = _waiting(id_, actor)
    seen, _ = look(found.camera, found.first, found.until, actor)
    act = signing.closing_of(found, [(span.class_, span.first, span.until) for span in seen.spans])
    given = signing.approvals(found.pk, act, approvals(found, actor), named(found))
    spans = [tuple(span) for span in act.body["spans"]]
    done = vaulted.said(
        lambda: vaulted.client().puncture(
            camera=found.camera, slot=found.slot, spans=spans, decision=given[0].decision, approvals=given
        )
    )
    found.generation, found.kept, found.seconds = done.generation, [str(h) for h in done.holds], seen.seconds
    _settle(found, actor, DELETED, given[1].role, note)
    _row(
        found,
        "preservation.deletion.done",
        "granted",
        actor,
        decision,
        seconds=found.seconds,
        generation=done.generation,
        kept=found.kept,
    )
    return found


def readable(id_: UUID, actor: Actor) -> Deletion:
    """A deletion that the actor may read; Refused otherwise (404 when it is not there)."""
    row = Deletion.objects.select_related("asked_by", "decided_by").filter(pk=id_).first()
    if row is None:
        raise absent(actor, "preservation.read", "deletion", id_)
    demand(actor, "preservation.read", resource(row), own=row.asked_by_id == actor.person)
    return row


def named(of: Deletion) -> dict[str, str]:
    """The centre's names for what is signed of a deletion."""
    return signing.names([of.asked_by], {of.camera: of.label}, case=of.case)


def act_of(of: Deletion, actor: Actor) -> Act:
    """What who asked signs: the seconds that are left of the range now."""
    seen, _ = look(of.camera, of.first, of.until, actor)
    return signing.closing_of(of, [(span.class_, span.first, span.until) for span in seen.spans])


def unsigned(of: Deletion) -> bool:
    """Does who asked have to sign it still?"""
    own = Consent.objects.filter(target=of.pk, kind="puncture", person_id=of.asked_by_id)
    return signing.on() and not own.exists()


@transaction.atomic
def refuse(id_: UUID, actor: Actor, note: str) -> Deletion:
    """Say no with a reason (반려)."""
    found, decision = _waiting(id_, actor)
    if len(note.strip()) < 2:
        raise Problem("reason", "반려 사유를 적어야 합니다.", "a refusal needs its reason.")
    _settle(found, actor, REFUSED, role_of(actor, OFFICERS), note)
    _row(found, "preservation.deletion.declined", "refused", actor, decision, note=found.note)
    return found


@transaction.atomic
def cancel(id_: UUID, actor: Actor) -> Deletion:
    """Take one's own request back (취소)."""
    found = Deletion.objects.select_for_update().filter(pk=id_).first()
    if found is None:
        raise absent(actor, "preservation.delete", "deletion", id_)
    demand(actor, "preservation.delete", resource(found))
    if found.asked_by_id != actor.person or found.state != WAITING:
        raise Problem(
            "not_own",
            "신청한 사람이 결정 전에만 취소할 수 있습니다.",
            "only who asked may cancel, before the decision.",
            status=409,
        )
    found.state = CANCELLED
    found.save(update_fields=["state"])
    _row(found, "preservation.deletion.cancelled", "done", actor, None)
    return found

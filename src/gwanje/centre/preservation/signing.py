"""Signatures of holds, acts and deletions (보존·삭제 서명): asked for, kept, given to vaultd; off until there are keys.

An act of a row that stands is signed by who asked and then by who decides. A new hold is signed before it stands: the
service says ``SignFirst``, nothing is written, and the same form is sent again with the same id and moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.common import clock, cursor, signing
from gwanje.centre.common.refusal import Problem
from gwanje.centre.preservation.models import END, Consent, Deletion, Hold, HoldAct
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import decode, encode
from gwanje.kernel.ledger import Entry
from gwanje.kernel.permit import Approval
from gwanje.vault.approvals import Act
from gwanje.vault.holds import Closing, Longer, ending

# a moment is kept as whole microseconds: what is signed twice has to be the same bytes
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Fixed:
    """What a new hold keeps from its first sending to the one after the signature: its id and its moment."""

    id: UUID
    at: datetime


class SignFirst(Problem):
    """409: the act waits for a person's own signature on vaultd's page; nothing was written.

    ``said``: the centre's names for what stands in the act; ``fixed``: of a new hold.
    """

    def __init__(self, act: Act, said: Mapping[str, str], fixed: Fixed | None = None) -> None:
        first = signing.unsigned()
        super().__init__(
            first.code, first.ko, first.en, rule=first.rule, next_=first.next, next_en=first.next_en, status=409
        )
        self.act, self.said, self.fixed = act, dict(said), fixed


def on() -> bool:
    """Are officers' own signatures asked for? While vaultd is away nothing is: it refuses what lacks them."""
    standing = signing.standing()
    return standing is not None and standing.on


def act_of(row: HoldAct) -> Act:
    """What is signed of a prolongation or an end: all of it stands in the row."""
    decision, person = bytes(row.decision), row.asked_by_id
    if row.act == END:
        return ending(row.hold_id, decision, person)
    assert row.ends_at is not None
    return Longer(row.hold_id, row.kind, int(row.ends_at.timestamp()), row.ground, row.case, decision).act(person)


def closing_of(row: Deletion, spans: Sequence[tuple[int, int, int]]) -> Act:
    """What is signed of a deletion. Who asked fixes the seconds: what died since is no error."""
    own = Consent.objects.filter(target=row.pk, kind="puncture", person_id=row.asked_by_id).last()
    fixed = decode(bytes(own.body))["spans"] if own else spans
    return Closing(row.camera, row.slot, tuple(tuple(span) for span in fixed), bytes(row.decision)).act(row.asked_by_id)


def names(people: Sequence[Any], labels: Mapping[UUID, str], **words: str) -> dict[str, str]:
    """The centre's names for people and cameras, and its words for fields."""
    said = {str(person.pk): person.name for person in people if person is not None}
    return {**said, **{str(id_): label for id_, label in labels.items()}, **words}


def names_of(hold: Hold, *people: Any, **words: str) -> dict[str, str]:
    """The same of a hold that stands."""
    return names([hold.requester, hold.reviewer, *people], {c.camera: c.label for c in hold.cameras.all()}, **words)


def kept(target: UUID, act: Act, person: UUID) -> Approval | None:
    """The consent of a person to exactly this act, None without one."""
    found = Consent.objects.filter(target=target, kind=act.kind, person_id=person, digest=act.digest).last()
    return Approval.of(decode(bytes(found.consent))) if found else None


def approvals(
    target: UUID, act: Act, unsigned: Sequence[Approval], said: Mapping[str, str], fixed: Fixed | None = None
) -> list[Approval]:
    """What vaultd is given: accounts' words as before, or everybody's own signature once officers sign.

    Problem ``asker_first`` when the first one's lacks and is not the last; SignFirst when the last one's lacks.
    """
    if not on():
        return list(unsigned)
    given = [kept(target, act, approval.person) for approval in unsigned]
    if len(given) > 1 and given[0] is None:
        raise signing.asker_first()
    if None in given:
        raise SignFirst(act, said, fixed)
    return [approval for approval in given if approval is not None]


def mine(target: UUID, act: Act, actor: Actor) -> bool:
    """Does this act wait for the actor's own signature as who asked?"""
    return on() and actor.person == act.person and kept(target, act, act.person) is None


@transaction.atomic
def keep(target: UUID, actor: Actor, sign: bytes, kind: str, body: bytes) -> Approval:
    """Store the actor's consent that vaultd gives for ``sign`` (서명 반영); Problem 409 when nobody signed there."""
    found = next((a for a in signing.given(sign, kind, body) if a.person == actor.person), None)
    if found is None:
        raise signing.unsigned()
    Consent.objects.create(
        agency_id=actor.agency, target=target, kind=kind, person_id=actor.person, body=body,
        digest=hashlib.sha256(body).digest(), consent=encode(found.body()), at=clock().now(),
    )  # fmt: skip
    detail = {"target": target, "act": kind, "method": found.method}
    ledger.append(cursor(), clock(), Entry.by(actor, "preservation.act.signed", "done", detail=detail, dies="access"))
    return found

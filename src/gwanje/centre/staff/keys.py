"""Officers' signing keys as the centre shows them (서명 키): who has one, and the way to new spoken codes.

The keys are vaultd's: they come and go on its console by two officers' signatures, never here.
"""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from gwanje.centre.common import demand, signing
from gwanje.centre.common.refusal import Problem
from gwanje.centre.common.signing import Lead
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import encode
from gwanje.kernel.policy import Resource

CODES = 20
KIND = "codes"


def state_of(person: UUID) -> dict[str, Any]:
    """For a page: ``asked`` (do officers sign; None while vaultd is away), ``key``, ``owed`` confirmations."""
    standing = signing.standing()
    if standing is None:
        return {"asked": None, "key": False, "owed": 0}
    owed = sum(duty.person == person for duty in standing.duties)
    return {"asked": standing.on, "key": person in standing.people, "owed": owed}


def new_codes(actor: Actor, name: str, back: str) -> Lead:
    """Lead an approver to vaultd's page, which shows the codes once after the signature; Refused, Problem."""
    demand(actor, "staff.codes", Resource("person", actor.person, actor.agency))
    assert actor.person is not None
    standing = signing.standing()
    if standing is not None and not standing.on:
        raise Problem(
            "signing_off", "아직 담당공무원 서명을 쓰지 않는 센터입니다.", "Officers of this centre have no keys yet.",
            rule="담당공무원 서명", next_="보안키 3개를 먼저 등록하십시오.",
            next_en="Have three officers' keys registered first.", status=409,
        )  # fmt: skip
    asked = {"person": actor.person.bytes, "count": CODES}
    body = {**asked, "decision": hashlib.sha256(encode(asked)).digest()}
    return signing.lead(actor, KIND, body, {str(actor.person): name}, back)

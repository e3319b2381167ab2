"""Writing retention (보관 구분 등록): the only place that writes classes. vaultd learns a class first."""

from __future__ import annotations

from typing import Any

from gwanje.centre.common import clock, cursor, demand, home, law
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.retention import rules
from gwanje.centre.retention.models import RetentionClass
from gwanje.centre.retention.operator import centre
from gwanje.kernel import ledger
from gwanje.kernel.actor import ANONYMOUS, Actor
from gwanje.kernel.canonical import nfc
from gwanje.kernel.ledger import Entry
from gwanje.vault.client import VaultClient, VaultRefused

KINDS = ("days", "months", "none", "permanent")
NUMBER_MAX = 999


def set_class(
    number: int, kind: str, value: int, reference: str, label: str, *, statute: str = "", by: Actor | None = None
) -> RetentionClass:
    """Register a retention class (보관 구분); a number has one value for ever, the same again changes nothing.

    ``kind``: days, months, none or permanent; ``reference``: the article the value rests on; ``statute``: another
    statute's article where the value passes the pack's maximum. ``by`` None: the centre's set-up; the law is asked
    all the same. Raises Refused (too long, no right), Problem (bad input, vaultd refuses); VaultAway goes up.
    """
    facts: dict[str, Any] = {"kind": kind, "value": value, "statute": nfc(statute), "number": number}
    if by is not None:
        decision = demand(by, "retention.set_class", centre(), **{"class": facts})
    else:
        decision = rules.class_allowed(facts, law())
        if not decision.allow:
            raise Refused(decision, "retention.set_class", ANONYMOUS)
    if not 1 <= number <= NUMBER_MAX or not reference.strip() or not label.strip():
        raise Problem(
            "class_fields",
            f"보관 구분의 번호는 1부터 {NUMBER_MAX}까지이며 근거와 이름이 있어야 합니다.",
            f"A class has a number from 1 to {NUMBER_MAX}, a legal reference and a name.",
            rule="; ".join(str(a) for a in decision.articles),
        )
    known = RetentionClass.objects.filter(pk=number).first()
    if known is not None:
        if (known.kind, known.value) == (kind, value):
            return known
        raise Problem(
            "class_fixed",
            f"보관 구분 {number}번은 기간이 이미 정해져 바꿀 수 없습니다.",
            f"The period of class {number} is fixed.",
            next_="새 번호를 쓰십시오.",
            next_en="Use a new number.",
            status=409,
        )
    try:
        VaultClient(home(), "web").set_class(number, kind, value, nfc(reference))
    except VaultRefused as refused:
        ko, _, en = refused.message.partition(" / ")
        raise Problem("vault_refused", ko, en or ko, status=409) from refused
    made = RetentionClass.objects.create(
        number=number, kind=kind, value=value, reference=nfc(reference), label=nfc(label)
    )
    detail = {"class": number, "kind": kind, "value": value, "reference": reference, "statute": statute}
    entry = Entry.by(
        by or ANONYMOUS, "retention.class.registered", "granted", decision, detail=detail, dies="destruction"
    )
    ledger.append(cursor(), clock(), entry)
    return made

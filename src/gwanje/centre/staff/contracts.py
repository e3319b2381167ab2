"""Contracts (위탁계약): parts of the work for a time, by trained people; its end ends all their rights."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from gwanje.centre.common import absent, clock, cursor, demand, law, signing, system_scope
from gwanje.centre.common.refusal import Problem, Refused, clean
from gwanje.centre.staff import departures, rules, services
from gwanje.centre.staff.models import Contract, Engagement, Person
from gwanje.centre.staff.posts import near, required_text
from gwanje.kernel import events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.vault.client_consent import Registry

# what a contract has to say (개인정보 보호법 시행령 제26조제1항)
ITEMS = {
    "purpose": ("위탁업무의 목적과 범위", "Purpose and scope"),
    "subcontract": ("재위탁 제한", "Limits of sub-contracting"),
    "safeguards": ("접근 제한 등 안전성 확보 조치", "Limits of access and other safeguards"),
    "supervision": ("관리 현황 점검", "Supervision of the processing"),
    "liability": ("손해배상 등 책임", "Liability"),
}
ITEM_MAX = 500
PEOPLE_MAX = 500


@dataclass(frozen=True)
class Terms:
    """What is agreed: ``scope`` words of ``rules.SCOPES``, ``items`` word of ``ITEMS`` → the contract's text."""

    company: str
    contact: str
    reference: str
    starts_on: date
    ends_on: date
    scope: tuple[str, ...] = ()
    items: dict[str, str] = field(default_factory=dict)
    subcontracting: str = ""


def _row(by: Actor, kind: str, contract: Contract, decision: Any = None, **detail: Any) -> None:
    said = {"contract": contract.pk, "company": contract.company, **detail}
    ledger.append(cursor(), clock(), Entry.by(by, kind, "done", decision, detail=said, dies="rights"))


def find(actor: Actor, id_: UUID) -> Contract:
    """One contract of the actor's agency (404 otherwise)."""
    row = Contract.objects.filter(pk=id_).first()
    if row is None:
        raise absent(actor, "staff.read", "contract", id_)
    return row


@transaction.atomic
def conclude(terms: Terms, by: Actor) -> Contract:
    """Record a contract (위탁계약 등록): never the whole operation, every item of the decree, a time that ends."""
    demand(by, "staff.manage", Resource("contract", agency=by.agency))
    today, scope = law(), tuple(dict.fromkeys(terms.scope))
    decision = None
    if today.has("outsourcing.not_whole"):
        decision = rules.contractor_limits({"role": "", "contractor": True, "scope": list(scope)}, today)
        if not decision.allow:
            raise Refused(decision, "staff.contract", by, detail={"company": terms.company[:60], "scope": list(scope)})
    if not scope or not set(scope) <= {*rules.SCOPES, rules.WHOLE}:
        raise Problem("scope", "위탁업무를 하나 이상 고르십시오.", "Choose what is handed over.")
    if rules.WHOLE in scope:
        raise Problem("scope", "운영업무 전체는 위탁할 수 없습니다.", "The whole operation is never handed over.")
    items = {word: clean(terms.items.get(word, ""), ITEM_MAX, ITEMS[word][0], ITEMS[word][1]) for word in ITEMS}
    missing = [ITEMS[word] for word, text in items.items() if not text]
    if missing:
        raise Problem(
            "items", "계약에 빠진 항목: " + ", ".join(ko for ko, _ in missing),
            "The contract does not say: " + ", ".join(en for _, en in missing),
            rule="개인정보 보호법 시행령 제26조제1항",
        )  # fmt: skip
    near(terms.starts_on, "시작일")
    near(terms.ends_on, "종료일")
    if terms.ends_on < terms.starts_on:
        raise Problem("bad_range", "종료일이 시작일보다 빠릅니다.", "The last day is before the first.")
    row = Contract.objects.create(
        agency_id=by.agency, scope=list(scope), items=items, starts_on=terms.starts_on, ends_on=terms.ends_on,
        company=required_text(terms.company, 100, "수탁자", "The contractor"),
        contact=required_text(terms.contact, 60, "연락처", "The contact"),
        reference=required_text(terms.reference, 200, "계약 문서", "The document"),
        subcontracting=clean(terms.subcontracting, 200, "재위탁", "sub-contracting"),
        recorded_by_id=by.person, recorded_at=clock().now(),
    )  # fmt: skip
    _row(by, "staff.contract.concluded", row, decision, scope=row.scope, until=str(row.ends_on))
    return row


@transaction.atomic
def engage(contract: Contract, person: Person, by: Actor) -> Engagement:
    """Put a contractor's employee under a contract (투입); Problem when it is over or the person works for another."""
    demand(by, "staff.manage", Resource("person", person.pk, person.agency_id))
    contract = Contract.objects.select_for_update().get(pk=contract.pk)
    if contract.ended_at is not None or contract.ends_on < clock().local().date():
        raise Problem("ended", "끝난 계약입니다.", "The contract is over.", status=409)
    person = services.opened(person)
    if not person.contractor or not person.active:
        raise Problem("not_contractor", "수탁업체 소속으로 열린 계정이 아닙니다.", "Not an open contractor's account.")
    if contract.people.filter(ended_at__isnull=True).count() >= PEOPLE_MAX:
        raise Problem("full", f"한 계약에 {PEOPLE_MAX}명까지입니다.", f"At most {PEOPLE_MAX} people a contract.")
    try:
        with transaction.atomic():
            row = Engagement.objects.create(
                agency_id=contract.agency_id, contract=contract, person=person, starts_at=clock().now()
            )
    except IntegrityError:
        raise Problem(
            "engaged", "이미 다른 계약에 투입되어 있습니다.", "The person is engaged already.", status=409
        ) from None
    _row(by, "staff.contract.engaged", contract, person=person.pk)
    return row


def end(contract: Contract, reference: str, by: Actor) -> Contract:
    """End a contract now (계약 종료): every one of its people leaves with it, in the same transaction."""
    # vaultd may take its time: asked once for all, while no row is locked
    return _end(contract, reference, by, signing.registry())


@transaction.atomic
def _end(contract: Contract, reference: str, by: Actor, known: Registry | None) -> Contract:
    demand(by, "staff.manage", Resource("contract", contract.pk, contract.agency_id))
    text = required_text(reference, 200, "종료 문서", "The document")
    contract = Contract.objects.select_for_update().get(pk=contract.pk)
    if contract.ended_at is not None:
        raise Problem("ended", "끝난 계약입니다.", "The contract is over.", status=409)
    gone = [one.person for one in contract.people.filter(ended_at__isnull=True).select_related("person__agency")]
    today = clock().local().date()
    for person in gone:
        departures.leave(person, "계약종료", today, text, by, known)
    contract.ended_at, contract.ended_reference = clock().now(), text
    contract.save(update_fields=["ended_at", "ended_reference"])
    _row(by, "staff.contract.ended", contract, people=[person.pk for person in gone], reference=text)
    return contract


def expire(limit: int = 200) -> int:
    """End what ran out yesterday or before (계약기간 만료): for the worker; safe to kill at any line and to repeat.

    Each contract in a transaction of its own, so that a kill in the middle leaves whole contracts.
    """
    today, count = clock().local().date(), 0
    with system_scope():
        due = list(
            Contract.objects.filter(ended_at__isnull=True, ends_on__lt=today).values_list("pk", flat=True)[:limit]
        )
    known = signing.registry("worker") if due else None
    for id_ in due:
        with system_scope():
            count += _expired(id_, known)
    return count


def _expired(id_: UUID, known: Registry | None) -> int:
    contract = Contract.objects.select_for_update(skip_locked=True).filter(pk=id_, ended_at__isnull=True).first()
    if contract is None:
        return 0
    for one in contract.people.filter(ended_at__isnull=True).select_related("person__agency"):
        departures.lapse(one.person, "계약종료", contract.ends_on, f"계약기간 만료: {contract.reference}"[:200], known)
    contract.ended_at, contract.ended_reference = clock().now(), "계약기간 만료"
    contract.save(update_fields=["ended_at", "ended_reference"])
    said = {"contract": contract.pk, "company": contract.company, "until": str(contract.ends_on)}
    entry = Entry("staff.contract.expired", "done", agency=contract.agency_id, detail=said, dies="rights")
    ledger.append(cursor(), clock(), entry)
    body = {"ko": f"위탁계약이 끝났습니다: {contract.company}", "en": f"A contract is over: {contract.company}"}
    events.emit(cursor(), clock(), Event("staff.contract.expired", "staff", 2, body=body, agency=contract.agency_id))
    return 1

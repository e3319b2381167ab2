"""Departures (전보·퇴직·휴직·계약종료): one act ends everything that a person could do here, or nothing of it.

What only officers can end, the entry in vaultd's registry, stays on the row as its remainder until vaultd no longer
knows the person; ``remain`` asks it again and raises the alarm when the day is over.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F

from gwanje.centre.common import clock, cursor, demand, law, signing
from gwanje.centre.common.refusal import Problem, Refused, clean
from gwanje.centre.duties import api as owing
from gwanje.centre.staff import api, rules, rules_posts, services
from gwanje.centre.staff.models import Appointment, Departure, Engagement, Person, RoleGrant, Shift
from gwanje.kernel import events, ledger
from gwanje.kernel.actor import ANONYMOUS, Actor
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.law import Decision
from gwanje.vault.client_consent import Registry

SESSIONS_MAX = 5_000
REFERENCE_MAX = 200
BACK_DAYS_MAX = 366
KIND, SUBJECT = "access.transfer", "departure"
OFFICER, AWAY = "vault_officer", "vault_away"
ALARM_EVERY = timedelta(days=1)


@dataclass
class Ending:
    """What a departure ends, counted: ``rights`` with the city's titles, and what vaultd would still know."""

    rights: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    remainder: list[str] = field(default_factory=list)
    vacant: list[str] = field(default_factory=list)


def sessions_of(person: UUID) -> list[str]:
    """Keys of the live sessions of a person."""
    live = Session.objects.filter(expire_date__gt=clock().now()).order_by("-expire_date")[:SESSIONS_MAX]
    return [one.session_key for one in live if str(one.get_decoded().get("_auth_user_id", "")) == str(person)]


def _future(person: UUID) -> Any:
    """Rights in force or yet to begin; one that ends when it begins is none."""
    rows = RoleGrant.objects.filter(person_id=person)
    return rows.exclude(ends_at__lte=clock().now()).exclude(ends_at__lte=F("starts_at"))


def look(person: Person) -> Ending:
    """What would end (미리보기); nothing is changed."""
    rights = sorted({grant.role for grant in _future(person.pk)})
    counts = {
        "rights": _future(person.pk).count(),
        "sessions": len(sessions_of(person.pk)),
        "shifts": Shift.objects.filter(person=person, ended_at__isnull=True).count(),
        "appointments": _open_posts(person).count(),
        "engagements": Engagement.objects.filter(person=person, ended_at__isnull=True).count(),
    }
    for ender in api.enders().values():
        counts |= ender(person.pk, None)
    known = signing.registry()
    return Ending(api.titles(rights), counts, remainder_of(person.pk, known), _vacant(person))


def _open_posts(person: Person) -> Any:
    return Appointment.objects.filter(person=person).exclude(ends_on__lt=clock().local().date())


def _vacant(person: Person) -> list[str]:
    """Offices that nobody else would hold, by title."""
    roles = [
        role for role in rules.officers_required(law())
        if role in api.roles_of(person.pk)
        and not api.holders(role, agency=person.agency_id).exclude(pk=person.pk).exists()
    ]  # fmt: skip
    return [title for role in roles for title in api.titles([role])]


def remainder_of(person: UUID, known: Registry | None) -> list[str]:
    """What vaultd still knows of a person; ``vault_away`` when it cannot be asked."""
    if known is None:
        return [AWAY]
    return [OFFICER] if any(entry.person == person for entry in known.officers) or person in known.codes else []


def depart(person: Person, event: str, event_on: date, reference: str, by: Actor) -> Departure:
    """``leave``, with vaultd's registry asked before any row is locked."""
    return leave(person, event, event_on, reference, by, signing.registry())


@transaction.atomic
def leave(  # noqa: PLR0917 - the order of the order's own words
    person: Person, event: str, event_on: date, reference: str, by: Actor, known: Registry | None
) -> Departure:
    """End every right, session, shift, post and open act of a person and close the account (권한 말소).

    Refused when anything would go on (``access.transfer``); Problem for a day that is not yet or no document.
    Locks the person. An office that falls vacant is an alarm, never a reason to let a right live on.
    """
    text = clean(reference, REFERENCE_MAX, "발령 문서", "the order")
    today = clock().local().date()
    if len(text) < 2:
        raise Problem("reference", "발령·계약 문서를 적으십시오.", "Name the order or the contract.")
    if not today - timedelta(days=BACK_DAYS_MAX) <= event_on <= today:
        raise Problem(
            "event_on", "날짜는 오늘이거나 지난 날이어야 합니다.", "The day is today or a past one.",
            next_="앞날의 인사발령은 그날 처리하십시오.", next_en="Do it on the day itself.",
        )  # fmt: skip
    resource = Resource("person", person.pk, person.agency_id)
    demand(by, "staff.transfer", resource, facts={"detail": {"person": person.pk, "event": event}})
    if by.person == person.pk:
        raise Problem("self_close", "본인의 전보·퇴직은 다른 권한자가 처리합니다.", "Another officer does one's own.")
    return _leave(Departure(person=person, event=event, event_on=event_on, reference=text), by, known)


@transaction.atomic
def lapse(person: Person, event: str, event_on: date, reference: str, known: Registry | None) -> Departure:
    """The same by the clock itself (기간 만료), without anybody's decision: for the worker, in the system's scope.

    ``known``: what vaultd told the worker before the transaction began, None when it was away.
    """
    return _leave(Departure(person=person, event=event, event_on=event_on, reference=reference), ANONYMOUS, known)


def _leave(row: Departure, by: Actor, known: Registry | None) -> Departure:
    # two departures at once are judged one after the other
    row.person = person = Person.objects.select_for_update(of=("self",)).select_related("agency").get(pk=row.person_id)
    vacant = _vacant(person)
    row.ended = _end_all(person, f"{row.event}: {row.reference}", by, row.event_on)
    left = {"rights_left": _future(person.pk).count(), "sessions_left": len(sessions_of(person.pk))}
    judged = _judge({"event": row.event, **left}, by, person)
    _write(row, by, known)
    _told(row, by, judged, vacant)
    return row


def _judge(facts: dict[str, Any], by: Actor, person: Person) -> Decision | None:
    """The rule looks at what stands after the act; where no article carries it, ``access.least`` has done the work."""
    today = law()
    if facts["event"] not in rules_posts.EVENTS:
        raise Problem("event", "전보·퇴직·휴직·계약종료 가운데 고르십시오.", "Choose one of the four events.")
    if not today.has("access.transfer"):
        return None
    decision = rules_posts.rights_end(facts, today)
    if not decision.allow:
        raise Refused(decision, "staff.transfer", by, detail={"person": person.pk})
    return decision


def _entry(person: Person, by: Actor, kind: str, decision: Decision | None, detail: dict[str, Any]) -> Entry:
    if by.anonymous:
        return Entry(kind, "done", agency=person.agency_id, detail=detail, dies="rights")
    return Entry.by(by, kind, "done", decision, detail=detail, dies="rights")


def _end_all(person: Person, ground: str, by: Actor, event_on: date) -> dict[str, int]:
    now = clock().now()
    ended: Counter[str] = Counter()
    for grant in _future(person.pk).select_for_update():
        grant.ends_at, grant.revoked_by_id, grant.revoked_ground = max(now, grant.starts_at), by.person, ground[:300]
        grant.save(update_fields=["ends_at", "revoked_by", "revoked_ground"])
        detail = {"person": person.pk, "role": grant.role, "grant": grant.pk, "ground": ground[:300]}
        ledger.append(cursor(), clock(), _entry(person, by, "staff.right.revoked", None, detail))
        ended["rights"] += 1
    if services.end_shift(person, by=by) is not None:
        ended["shifts"] += 1
    for post in _open_posts(person).select_for_update():
        post.ends_on, post.ended_reference = max(event_on, post.starts_on), ground[:200]
        post.save(update_fields=["ends_on", "ended_reference"])
        ended["appointments"] += 1
    ended["engagements"] = Engagement.objects.filter(person=person, ended_at__isnull=True).update(ended_at=now)
    for ender in api.enders().values():
        ended.update(ender(person.pk, by))
    ended["sessions"] = Session.objects.filter(session_key__in=sessions_of(person.pk)).delete()[0]
    person.active = False
    person.save(update_fields=["active"])
    return {word: count for word, count in ended.items() if count}


def _write(row: Departure, by: Actor, known: Registry | None) -> None:
    today = law()
    if today.has("access.transfer"):
        due = rules_posts.removal_due({"event_on": row.event_on}, today)
        row.due_on, row.basis_ko, row.basis_en = due.due_on, due.basis_ko, due.basis_en
    row.agency_id, row.decided_by_id, row.decided_at = row.person.agency_id, by.person, clock().now()
    row.remainder = remainder_of(row.person_id, known)
    row.save(force_insert=True)
    if row.remainder:
        name = row.person.name
        owing.owe_by(
            rules_posts.removal_due, {"event_on": row.event_on}, agency=row.agency_id, subject_kind=SUBJECT,
            subject=str(row.pk), title_ko=f"{name}({row.event}): 서명 담당자 등록 말소",
            title_en=f"{name}: end the officer's registration", hand=False,
            href=f"/staff/people/{row.person_id}/", by=by,
        )  # fmt: skip


def _told(row: Departure, by: Actor, decision: Decision | None, vacant: list[str]) -> None:
    detail = {
        "person": row.person_id, "departure": row.pk, "event": row.event, "on": str(row.event_on),
        "reference": row.reference, "ended": row.ended, "remainder": row.remainder, "vacant": vacant,
    }  # fmt: skip
    entry = _entry(row.person, by, "staff.departure.done", decision, detail)
    ledger.append(cursor(), clock(), entry)
    if vacant:
        who = ", ".join(vacant)
        body = {"ko": f"책임자가 비었습니다: {who}", "en": f"An office is vacant: {who}", "titles": vacant}
        events.emit(cursor(), clock(), Event("staff.office.vacant", "staff", 3, body=body, agency=row.agency_id))
    if row.remainder:
        _alarm(row)


def _alarm(row: Departure) -> None:
    name = row.person.name
    body = {
        "departure": str(row.pk),
        "ko": f"{name}: 서명 담당자 등록을 말소하여야 합니다(기한 {row.due_on or row.event_on}).",
        "en": f"{name}: the officer's registration has to be ended (due {row.due_on or row.event_on}).",
    }
    events.emit(cursor(), clock(), Event("staff.departure.remains", "staff", 3, body=body, agency=row.agency_id))


def waiting() -> Any:
    """Departures of which vaultd still knows something, or could not be asked (남은 말소)."""
    return Departure.objects.filter(remainder_done_at__isnull=True).exclude(remainder=[])


def remain(known: Registry | None, limit: int = 200) -> tuple[int, int]:
    """Ask again what vaultd still knows of those who left (남은 말소): (done, late and alarmed).

    For the worker, in the system's scope; idempotent. Nothing is marked done while vaultd is away.
    """
    done = late = 0
    for row in waiting().select_for_update(skip_locked=True).order_by("decided_at")[:limit]:
        left = remainder_of(row.person_id, known)
        if not left or row.returned_at is not None:
            row.remainder_done_at = clock().now()
            row.save(update_fields=["remainder_done_at"])
            owing.done(KIND, SUBJECT, str(row.pk))
            detail = {"person": row.person_id, "departure": row.pk, "returned": row.returned_at is not None}
            entry = Entry("staff.departure.completed", "done", agency=row.agency_id, detail=detail, dies="rights")
            ledger.append(cursor(), clock(), entry)
            done += 1
        elif clock().local().date() > (row.due_on or row.event_on) and not _told_today(row):
            _alarm(row)
            late += 1
    return done, late


def _told_today(row: Departure) -> bool:
    rows = cursor()
    rows.execute(
        "select 1 from event where kind = 'staff.departure.remains' and agency = %s and at > %s "
        "and body->>'departure' = %s limit 1",
        [row.agency_id, clock().now() - ALARM_EVERY, str(row.pk)],
    )
    return rows.fetchone() is not None


@transaction.atomic
def readmit(person: Person, reference: str, by: Actor) -> Person:
    """Open the account of somebody who comes back (복직·재발령); every right has to be granted anew."""
    text = clean(reference, REFERENCE_MAX, "발령 문서", "the order")
    demand(by, "staff.manage", Resource("person", person.pk, person.agency_id))
    person = Person.objects.select_for_update().get(pk=person.pk)
    if person.active or len(text) < 2:
        raise Problem(
            "readmit", "닫힌 계정과 발령 문서가 있어야 합니다.", "A closed account and an order are needed.", status=409
        )
    person.active = True
    person.save(update_fields=["active"])
    last = Departure.objects.filter(person=person, returned_at__isnull=True).first()
    if last is not None:
        last.returned_at, last.returned_reference = clock().now(), text
        last.save(update_fields=["returned_at", "returned_reference"])
    detail = {"person": person.pk, "reference": text, "departure": last.pk if last else None}
    ledger.append(
        cursor(), clock(), Entry.by(by, "staff.person.readmitted", "done", None, detail=detail, dies="rights")
    )
    return person

"""Countersignature of certificates (파기 확인서의 확인): manager and privacy officer, afterwards, two people, in time.

A certificate is true when it is issued; the officers' names come later and never change it. Five working days by the
legal calendar (``retention.countersign_days`` of config.json), then it is an alarm once a day until it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from gwanje.centre.common import clock, cursor, demand, home, system_scope
from gwanje.centre.common.refusal import Problem
from gwanje.centre.retention.certificate import COUNTERSIGN
from gwanje.centre.retention.models import Certificate, Countersignature
from gwanje.centre.retention.operator import centre
from gwanje.kernel import events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry
from gwanje.law.calendar import Deadline
from gwanje.law.clocks import calendar_of

DAYS = 5
AT_ONCE = 200
OVERDUE = "retention.countersignature.overdue"


def deadline(day: date) -> Deadline:
    """Working days after the day of issue, which is not counted, and how they were counted."""
    count = int(home().config.get("retention", {}).get("countersign_days", DAYS))
    return calendar_of(clock().zone.key).working_days(day, count)


def due_on(issued: datetime) -> date:
    """The last day in time."""
    return deadline(issued.astimezone(clock().zone).date()).due_on


def open_for(actor: Actor) -> list[Certificate]:
    """Certificates that this officer can still countersign, the oldest first; 200 at most."""
    roles = [role for role in COUNTERSIGN if role in actor.roles]
    if not roles:
        return []
    mine = Countersignature.objects.filter(person_id=actor.person).values("certificate")
    found = Certificate.objects.defer("pdf", "body", "readable").exclude(pk__in=mine).order_by("issued_at", "number")
    waiting = found.annotate(signed=Count("countersignatures")).filter(signed__lt=len(COUNTERSIGN))
    next_ = list(waiting[: 2 * AT_ONCE])
    taken = _taken(next_)
    return [c for c in next_ if set(roles) - taken.get(c.pk, set())][:AT_ONCE]


def _taken(found: Iterable[Certificate]) -> dict[UUID, set[str]]:
    made: dict[UUID, set[str]] = {}
    rows = Countersignature.objects.filter(certificate__in=[c.pk for c in found])
    for certificate, role in rows.values_list("certificate_id", "role"):
        made.setdefault(certificate, set()).add(role)
    return made


@transaction.atomic
def countersign(ids: Sequence[UUID], actor: Actor) -> int:
    """Countersign certificates (확인), 200 at once, all or none; Refused by access.least, Problem."""
    decision = demand(actor, "retention.countersign", centre())
    if not 1 <= len(set(ids)) <= AT_ONCE:
        raise Problem("certificates", f"확인서를 1~{AT_ONCE}건 고르십시오.", f"choose 1 to {AT_ONCE} certificates.")
    found = list(Certificate.objects.defer("pdf", "body", "readable").filter(pk__in=set(ids)).order_by("number"))
    if len(found) != len(set(ids)):
        raise Problem("not_found", "확인서를 찾을 수 없습니다.", "certificate not found.", status=404)
    # one officer after the other: two people in one role must not both find it free
    cursor().execute("select pg_advisory_xact_lock(hashtext('retention countersign'))")
    taken = _taken(found)
    for certificate in found:
        free = [role for role in COUNTERSIGN if role in actor.roles and role not in taken.get(certificate.pk, set())]
        if not free or certificate.countersignatures.filter(person_id=actor.person).exists():
            raise Problem("countersigned", f"{certificate.number}은 이미 확인되었습니다.",
                          f"{certificate.number} is countersigned already.", status=409)  # fmt: skip
        Countersignature.objects.create(
            certificate=certificate, role=free[0], person_id=actor.person, name=actor.name, at=clock().now(),
            sha256=certificate.sha256,
        )  # fmt: skip
        entry = Entry.by(
            actor, "retention.certificate.countersigned", "done", decision, dies="destruction",
            detail={"number": certificate.number, "sha256": certificate.sha256, "role": free[0], "method": "unsigned"},
        )  # fmt: skip
        ledger.append(cursor(), clock(), entry)
    return len(found)


def overdue(now: datetime) -> list[Certificate]:
    """Certificates whose countersignatures are late, the oldest first; 1000 at most."""
    found = Certificate.objects.defer("pdf", "body", "readable").annotate(signed=Count("countersignatures"))
    # the day of issue is not counted: nothing younger can be late, whatever the city's number of days
    old = found.filter(signed__lt=len(COUNTERSIGN), issued_at__lt=now - timedelta(days=1)).order_by("issued_at")[:1000]
    today = now.astimezone(clock().zone).date()
    return [certificate for certificate in old if due_on(certificate.issued_at) < today]


def escalate() -> int:
    """Alarm once a day while countersignatures are overdue (확인 지연); returns how many are. For the worker."""
    now = clock().now()
    with system_scope() as rows:
        late = overdue(now)
        if not late:
            return 0
        rows.execute("select 1 from event where kind = %s and at > %s limit 1", [OVERDUE, now - timedelta(days=1)])
        if rows.fetchone() is None:
            body = {
                "certificates": len(late), "first": late[0].number,
                "ko": f"파기 확인서 {len(late)}건의 확인이 늦었습니다({late[0].number}부터). "
                      "관리책임자와 개인정보 보호책임자가 확인하여야 합니다.",
                "en": f"{len(late)} certificates of destruction wait for their countersignature too long "
                      f"(from {late[0].number}); the manager and the privacy officer must countersign.",
            }  # fmt: skip
            events.emit(rows, clock(), Event(OVERDUE, "worker", severity=3, body=body))
            ledger.append(rows, clock(), Entry(OVERDUE, "refused", norms=("retention.irrecoverable",),
                                               detail={"certificates": len(late), "first": late[0].number},
                                               dies="destruction"))  # fmt: skip
        return len(late)

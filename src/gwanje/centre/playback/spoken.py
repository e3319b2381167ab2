"""Spoken approvals that wait for their written confirmation (전화 승인의 서면 확인): what is open, until when.

vaultd has the duty and suspends by itself; it knows no holidays. The centre's legal calendar asks for it on the next
working day, and before vaultd's own date where days off are long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from gwanje.centre.common import clock, cursor, signing, system_scope
from gwanje.centre.playback import act
from gwanje.centre.playback.models import Approval, Request
from gwanje.centre.playback.rules import READERS
from gwanje.kernel import events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry
from gwanje.law.clocks import calendar_of
from gwanje.vault.records import Duty

REMINDED = "playback.confirmation.reminded"
# duties end within days; more approvals by telephone than this do not fit into them
APPROVALS_MAX = 2000
EARLY = timedelta(days=1)


@dataclass(frozen=True)
class Unconfirmed:
    """One use of a spoken code: its approval; asked for from ``since`` to ``by``; at ``ends`` vaultd suspends."""

    approval: Approval
    used: datetime
    since: datetime
    by: datetime
    ends: datetime

    @property
    def request(self) -> Request:
        """What was opened."""
        return self.approval.request

    @property
    def state(self) -> str:
        """``open``, ``due`` from the working day on at which it is asked for, ``late`` after it, ``suspended``."""
        now = clock().now()
        if now >= self.ends:
            return "suspended"
        return "late" if now > self.by else "due" if now >= self.since else "open"


def asked_for(used: datetime, ends: datetime) -> tuple[datetime, datetime]:
    """The next working day in the centre's zone, first and last second; a day before vaultd's date at the latest."""
    calendar = calendar_of(clock().zone.key)
    day = calendar.working_days(calendar.day_of(used), 1).due_on
    first = datetime.combine(day, time(), tzinfo=clock().zone)
    return min(first, ends - EARLY), min(first + timedelta(days=1) - timedelta(seconds=1), ends)


def open_of(duties: Sequence[Duty]) -> list[Unconfirmed]:
    """The requests behind vaultd's duties, as far as the transaction's scope goes; the first due first."""
    if not duties:
        return []
    since = datetime.fromtimestamp(min(duty.used for duty in duties), UTC) - timedelta(days=1)
    spoken = Approval.objects.filter(method="spoken", agreed=True, at__gte=since)
    found = spoken.select_related("request__requester", "person").order_by("at")[:APPROVALS_MAX]
    known = {(a.person_id, a.request.requester_id, act.digest(a.request)): a for a in found}
    made = []
    for duty in duties:
        approval = known.get((duty.person, duty.requester, duty.digest))
        if approval is not None:
            used, ends = (datetime.fromtimestamp(at, UTC) for at in (duty.used, duty.due))
            made.append(Unconfirmed(approval, used, *asked_for(used, ends), ends))
    return sorted(made, key=lambda one: (one.ends, one.used))


def seen_by(actor: Actor, duties: Sequence[Duty]) -> list[Unconfirmed]:
    """Those that the actor may read: officers the agency's, others what they asked for or approved themselves."""
    found = open_of(duties)
    if actor.has(*READERS):
        return found
    return [one for one in found if actor.person in (one.approval.person_id, one.request.requester_id)]


def waiting(actor: Actor) -> dict[str, int]:
    """For the start page: ``confirm`` for this officer to sign, ``unconfirmed`` of this person's own requests."""
    standing = signing.standing()
    found = open_of([d for d in standing.duties if actor.person in (d.person, d.requester)]) if standing else []
    mine = [one for one in found if one.approval.person_id == actor.person]
    return {"confirm": len(mine), "unconfirmed": len(found) - len(mine)}


def remind(client: Any) -> int:
    """Remind who asked and who approved, once a day from the next working day on until vaultd suspends; how many.

    VaultAway goes up. ``client``: a VaultClient. Idempotent: the row of today says that today is done.
    """
    done = 0
    duties = client.signing().duties
    with system_scope() as rows:
        for one in open_of(duties):
            if one.state in ("due", "late") and not _reminded_today(rows, one):
                _remind(one)
                done += 1
    return done


def _reminded_today(rows: Any, one: Unconfirmed) -> bool:
    midnight = datetime.combine(clock().local().date(), time(), tzinfo=clock().zone)
    rows.execute(
        "select 1 from event where kind = %s and at >= %s and body->>'request' = %s limit 1",
        [REMINDED, midnight, str(one.request.pk)],
    )
    return rows.fetchone() is not None


def _remind(one: Unconfirmed) -> None:
    row, approver, requester = one.request, one.approval.person.name, one.request.requester.name
    last, ends = (f"{at.astimezone(clock().zone):%Y-%m-%d %H:%M}" for at in (one.by, one.ends))
    body = {
        "request": str(row.pk), "case": row.case, "by": one.by.isoformat(), "ends": one.ends.isoformat(),
        "ko": f"전화로 승인한 열람({row.case})의 서면 확인이 남았습니다. {approver}: {last}까지 서명, "
              f"신청자 {requester}: 서명을 요청. {ends}부터 승인코드가 정지됩니다.",
        "en": f"The viewing {row.case} was approved by telephone and is not confirmed in writing. {approver} signs "
              f"by {last}; {requester}, who asked, sees to it. From {ends} on the codes are suspended.",
    }  # fmt: skip
    cameras = [c.camera for c in row.cameras.all()]
    entry = Entry(
        REMINDED, "done", agency=row.agency_id, norms=("playback.approval",), ground=row.ground, case=row.case,
        cameras=cameras, first=row.first, until=row.until, dies="access",
        detail={"request": row.pk, "approver": one.approval.person_id, "requester": row.requester_id,
                "by": one.by.isoformat()},
    )  # fmt: skip
    ledger.append(cursor(), clock(), entry)
    severity = 2 if one.state == "due" else 3
    events.emit(cursor(), clock(), Event(REMINDED, "playback", severity, cameras=cameras, body=body,
                                         agency=row.agency_id))  # fmt: skip

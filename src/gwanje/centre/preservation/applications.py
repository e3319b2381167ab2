"""A citizen's application to prolong the keeping (보존기간 연장 신청, 별지 제3호서식), entered by staff.

A first application holds the seconds at once (ten days) and asks that the hold last as long as was applied for; a
re-application before the end asks the same of the hold that stands. The decision is another officer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.common import clock, cursor, demand
from gwanje.centre.common.refusal import Problem, clean
from gwanje.centre.preservation.models import STANDING, Application, Hold
from gwanje.centre.preservation.services import Wanted, ask_prolong, locked, provisional, resource
from gwanje.centre.preservation.signing import Fixed
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource

GROUND = "subject_request"
SUBJECT = ("name", "phone", "birth", "address")
AGENT = ("name", "phone", "birth", "relation", "address")
LENGTHS = {"name": 100, "phone": 40, "birth": 20, "address": 300, "relation": 60}


@dataclass(frozen=True)
class Form:
    """Form 3 as it was handed in; ``keep_from``..``keep_until`` inclusive days; ``hold``: of a re-application.

    ``cameras``, ``first``, ``until`` (Unix s, half open) are read only without ``hold``.
    """

    subject: dict[str, str]
    agent: dict[str, str]
    place: str
    purpose: str
    keep_from: date
    keep_until: date
    consent: bool
    received_on: date
    cameras: tuple[UUID, ...] = ()
    first: int = 0
    until: int = 0
    hold: UUID | None = None


def _facts(form: Form, ended: bool) -> dict[str, Any]:
    return {
        "subject": {key: form.subject.get(key, "") for key in SUBJECT},
        "agent": {key: form.agent.get(key, "") for key in AGENT},
        "purpose": form.purpose,
        "keep_from": form.keep_from.isoformat(),
        "keep_until": form.keep_until.isoformat(),
        "today": clock().local().date().isoformat(),
        "consent": form.consent,
        "ended": ended,
    }


def last_moment(day: date) -> datetime:
    """The end of a day in the centre's zone."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=clock().zone)


@transaction.atomic
def enter(form: Form, actor: Actor, fixed: Fixed | None = None) -> Application:
    """Take one application (신청서 접수); Refused by hold.apart, extension.form, hold.basis."""
    hold = locked(form.hold, actor, "preservation.apply") if form.hold else None
    ended = hold is not None and (hold.state != STANDING or hold.ends_at <= clock().now())
    of = resource(hold) if hold is not None else Resource("hold", agency=actor.agency)
    decision = demand(actor, "preservation.apply", of, form=_facts(form, ended))
    if form.received_on > clock().local().date():
        raise Problem("received", "접수일이 오늘보다 뒤입니다.", "the day of receipt is in the future.")
    number = _number(actor, form.received_on.year)
    if hold is None:
        wanted = Wanted(form.cameras, form.first, form.until, GROUND, number, form.purpose)
        hold = provisional(wanted, actor, fixed)
    ends = last_moment(form.keep_until)
    if ends > hold.ends_at:
        ask_prolong(hold.pk, actor, ends=ends, ground=GROUND, case=number, reason=form.purpose)
    made = _write(form, actor, hold, number)
    entry = Entry.by(
        actor,
        "preservation.application.entered",
        "done",
        decision,
        case=number,
        cameras=list(dict.fromkeys(c.camera for c in hold.cameras.all())),
        detail={
            "application": made.pk,
            "hold": hold.pk,
            "until": form.keep_until.isoformat(),
            "again": form.hold is not None,
        },
        dies="destruction",
    )
    ledger.append(cursor(), clock(), entry)
    return made


def _number(actor: Actor, year: int) -> str:
    # one at a time in an agency: two counters must not give out one number
    cursor().execute("select pg_advisory_xact_lock(hashtext(%s))", [f"application {actor.agency}"])
    count = Application.objects.filter(agency_id=actor.agency, number__startswith=f"연장-{year}-").count()
    return f"연장-{year}-{count + 1:04d}"


def _write(form: Form, actor: Actor, hold: Hold, number: str) -> Application:
    people = {
        **{
            f"subject_{key}": clean(form.subject.get(key, ""), LENGTHS[key], "정보주체 항목", "a field")
            for key in SUBJECT
        },
        **{f"agent_{key}": clean(form.agent.get(key, ""), LENGTHS[key], "대리인 항목", "a field") for key in AGENT},
    }
    return Application.objects.create(
        agency_id=actor.agency,
        number=number,
        received_on=form.received_on,
        place=clean(form.place, 300, "설치 장소", "the place"),
        purpose=clean(form.purpose, 1000, "목적", "the purpose"),
        keep_from=form.keep_from,
        keep_until=form.keep_until,
        consent=form.consent,
        hold=hold,
        entered_by_id=actor.person,
        entered_at=clock().now(),
        **people,
    )

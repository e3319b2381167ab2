"""Posts and trainings (보직·교육 업무): an appointment names an office and gives its right; a training is a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.db import transaction

from gwanje.centre.common import clock, cursor, demand, law
from gwanje.centre.common.refusal import Problem, clean
from gwanje.centre.staff import api, rules, services
from gwanje.centre.staff.models import Appointment, Person, Training
from gwanje.kernel import ledger
from gwanje.kernel.actor import ROLES, Actor
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource

DAYS_BACK_MAX = 20 * 366
DAYS_AHEAD_MAX = 5 * 366


@dataclass(frozen=True)
class Post:
    """What an order says: the office (role id), the post's name in the city's chart, department, first and last day."""

    role: str
    department: str
    reference: str
    starts_on: date
    post: str = ""
    ends_on: date | None = None


@dataclass(frozen=True)
class Course:
    """A completed training: what, by whom, when, its certificate."""

    course: str
    provider: str
    held_on: date
    reference: str = ""


def required_text(value: str, most: int, ko: str, en: str) -> str:
    """A text that has to be there; Problem ``missing_text``, or ``too_long``."""
    text = clean(value, most, ko, en)
    if not text:
        raise Problem("missing_text", f"{ko}: 적어야 합니다.", f"{en} is missing.")
    return text


def midnight(day: date) -> datetime:
    """The first moment of a day in the centre's zone, aware."""
    return datetime.combine(day, time(), clock().zone)


def near(day: date, ko: str) -> None:
    """Problem for a day that no order of a living person names."""
    away = (day - clock().local().date()).days
    if not -DAYS_BACK_MAX <= away <= DAYS_AHEAD_MAX:
        raise Problem("day", f"{ko}: 날짜를 확인하십시오.", "The day is too far away.")


def _row(by: Actor | None, kind: str, person: Person, decision: Any = None, **detail: Any) -> None:
    said = {"person": person.pk, **detail}
    fields: dict[str, Any] = {"detail": said, "dies": "rights"}
    entry = (
        Entry.by(by, kind, "done", decision, **fields) if by else Entry(kind, "done", agency=person.agency_id, **fields)
    )
    ledger.append(cursor(), clock(), entry)


@transaction.atomic
def appoint(person: Person, new: Post, by: Actor) -> Appointment:
    """Appoint somebody to an office (보직·임명) and give its right from that day on, both or neither.

    Refused by the rules of a grant; Problem for an office that this city's rules do not know, or bad days. Who holds
    the right already keeps it, and the appointment is recorded beside it.
    """
    if new.role not in ROLES or new.role not in dict(api.role_choices()):
        raise Problem("bad_role", "이 센터의 규정에 없는 직책입니다.", "The rules of this centre have no such office.")
    if new.ends_on is not None and new.ends_on < new.starts_on:
        raise Problem("bad_range", "종료일이 시작일보다 빠릅니다.", "The last day is before the first.")
    near(new.starts_on, "시작일")
    demand(by, "staff.manage", Resource("person", person.pk, person.agency_id))
    services.opened(person)
    row = Appointment.objects.create(
        agency_id=person.agency_id, person=person, role=new.role, title=law().title(new.role),
        post=clean(new.post, 60, "보직명", "the post"),
        department=required_text(new.department, 100, "부서", "The department"),
        starts_on=new.starts_on, ends_on=new.ends_on,
        reference=required_text(new.reference, 200, "발령 문서", "The order"),
        recorded_by_id=by.person, recorded_at=clock().now(),
    )  # fmt: skip
    if new.role not in api.roles_of(person.pk):
        last = midnight(date.fromordinal(new.ends_on.toordinal() + 1)) if new.ends_on else None
        starts = max(midnight(new.starts_on), clock().now())
        services.grant_role(person, new.role, row.reference, by=by, starts_at=starts, ends_at=last)
    detail = {"appointment": row.pk, "role": row.role, "title": row.title, "post": row.post, "from": str(row.starts_on),
              "reference": row.reference}  # fmt: skip
    _row(by, "staff.appointment.made", person, **detail)
    return row


@transaction.atomic
def record_training(person: Person, done: Course, by: Actor | None = None) -> Training:
    """Record that a person completed a training (교육 이수); Problem for a day to come or a missing name."""
    if by is not None:
        demand(by, "staff.manage", Resource("person", person.pk, person.agency_id))
    near(done.held_on, "교육일")
    if done.held_on > clock().local().date():
        raise Problem("held_on", "아직 하지 않은 교육은 이수로 남길 수 없습니다.", "The training is still to come.")
    row = Training.objects.create(
        agency_id=person.agency_id, person=person, held_on=done.held_on,
        course=required_text(done.course, 100, "과정명", "The course"),
        provider=required_text(done.provider, 100, "교육기관", "The provider"),
        reference=clean(done.reference, 200, "이수 문서", "the certificate"),
        recorded_by_id=by.person if by else None, recorded_at=clock().now(),
    )  # fmt: skip
    _row(by, "staff.training.recorded", person, training=row.pk, course=row.course, on=str(row.held_on))
    return row


def vacancies(agency: Any) -> list[str]:
    """Titles of the offices that the rule wants filled and nobody holds (지정되지 않은 책임자)."""
    empty = [role for role in rules.officers_required(law()) if not api.holders(role, agency=agency).exists()]
    return api.titles(empty)

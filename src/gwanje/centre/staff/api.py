"""What other rooms may ask staff (인력 조회): who acts, who is on duty, who holds a role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import get_language

from gwanje.centre.common import clock, law
from gwanje.centre.staff.models import Agency, Appointment, Contract, Person, RoleGrant, Shift, Station
from gwanje.kernel.actor import ANONYMOUS, ROLES, Actor
from gwanje.kernel.footage import Cursor
from gwanje.kernel.rls import set_scope

STATION_AGE_S = 400 * 86400
POSTS_MAX = 5_000
# what a room ends when a person leaves: the person and who decides it → word: how many; with None it only counts
Ender = Callable[[UUID, "Actor | None"], Mapping[str, int]]
_enders: dict[str, Ender] = {}


def on_departure(room: str, ender: Ender) -> None:
    """A room says what it ends when a person leaves (전보·퇴직 시 종료); inside the transaction of the departure."""
    _enders[room] = ender


def enders() -> Mapping[str, Ender]:
    """What the rooms said, by room."""
    return dict(sorted(_enders.items()))


def _valid(at: datetime) -> Q:
    return Q(starts_at__lte=at) & (Q(ends_at__isnull=True) | Q(ends_at__gt=at))


def grants_of(person: UUID, at: datetime | None = None) -> QuerySet[RoleGrant]:
    """Role grants of a person that are in force at a moment, now by default."""
    return RoleGrant.objects.filter(_valid(at or clock().now()), person_id=person)


def roles_of(person: UUID, at: datetime | None = None) -> frozenset[str]:
    """Role ids that a person holds at a moment, now by default."""
    return frozenset(grants_of(person, at).values_list("role", flat=True))


def holders(role: str, on: datetime | None = None, agency: UUID | None = None) -> QuerySet[Person]:
    """Active people who hold a role at a moment, of one agency when given."""
    granted = RoleGrant.objects.filter(_valid(on or clock().now()), role=role).values("person")
    found = Person.objects.filter(active=True, pk__in=granted)
    return found if agency is None else found.filter(agency_id=agency)


def shift_of(person: UUID, at: datetime | None = None) -> Shift | None:
    """The shift that a person works at a moment, now by default."""
    when = at or clock().now()
    running = Q(ended_at__isnull=True) | Q(ended_at__gt=when)
    return Shift.objects.filter(running, person_id=person, started_at__lte=when).select_related("station").first()


def on_duty(person: UUID, at: datetime | None = None) -> bool:
    """Is the person on shift (근무 중) at a moment, now by default?"""
    return shift_of(person, at) is not None


def station(code: str) -> Station | None:
    """The active registered station of that code."""
    return Station.objects.filter(code=code, active=True).first()


def is_playback_station(code: str) -> bool:
    """May stored video be viewed at this station (열람실)?"""
    return Station.objects.filter(code=code, active=True, playback=True).exists()


def viewing_places(agency: UUID) -> list[str]:
    """Where stored video is viewed (열람 장소): the rooms of an agency's viewing stations, 200 at most."""
    found = Station.objects.filter(agency_id=agency, active=True, playback=True)
    return list(dict.fromkeys(found.values_list("place", flat=True)[:200]))


def running_contracts(agency: UUID, on: date) -> QuerySet[Contract]:
    """Contracts of an agency that run on a day (위탁), the longest-running first."""
    running = Contract.objects.filter(agency_id=agency, starts_on__lte=on, ends_on__gte=on, ended_at__isnull=True)
    return running.order_by("starts_on", "company", "id")


@dataclass(frozen=True)
class PostView:
    """An appointment that stands (보직): whose, to which office (role id, the city's title), post and department."""

    name: str
    role: str
    title: str
    post: str
    department: str
    contractor: bool


def posts(agency: UUID, on: date) -> list[PostView]:
    """Appointments of an agency that stand on a day, the newest first; 5,000 at most.

    Who left or moved that very day holds the post no more: rights end at once.
    """
    standing = Q(ends_on__isnull=True) | Q(ends_on__gt=on) | Q(ends_on=on, ended_reference="")
    found = Appointment.objects.filter(standing, agency_id=agency, starts_on__lte=on, person__active=True)
    return [
        PostView(a.person.name, a.role, a.title, a.post, a.department, a.person.contractor)
        for a in found.select_related("person")[:POSTS_MAX]
    ]


def person(id_: UUID) -> Person | None:
    """One person by id, as far as the transaction's scope goes."""
    return Person.objects.filter(pk=id_).select_related("agency").first()


def agency(id_: UUID) -> Agency | None:
    """One agency by id."""
    return Agency.objects.filter(pk=id_).first()


def agencies() -> QuerySet[Agency]:
    """All active agencies."""
    return Agency.objects.filter(active=True)


def titles(roles: Iterable[str]) -> list[str]:
    """The city's titles of roles, in the pack's words; the id where the pack has no title."""
    today, language = law(), "en" if get_language() == "en" else "ko"
    return [today.title(role, language) for role in sorted(roles)]


def role_choices() -> list[tuple[str, str]]:
    """(role id, the city's title) of every role."""
    return list(zip(sorted(ROLES), titles(ROLES), strict=True))


def actor_for(who: Person, station_code: str) -> Actor:
    """The actor that a person is at a station now; on duty only at the station where the shift was started."""
    shift = shift_of(who.pk)
    return Actor(
        person=who.pk,
        name=who.name,
        roles=roles_of(who.pk),
        agency=who.agency_id,
        station=station_code,
        on_duty=shift is not None and shift.station.code == station_code,
        contractor=who.contractor,
    )


def seated_at(request: HttpRequest) -> Station | None:
    """The active station in this browser's signed cookie; None when there is none or it was altered."""
    try:
        id_ = request.get_signed_cookie(settings.STATION_COOKIE, default="", salt="station", max_age=STATION_AGE_S)
        return Station.objects.filter(pk=UUID(id_), active=True).first()
    except (BadSignature, ValueError):
        return None


def actor_of(request: HttpRequest) -> Actor:
    """Who asks: the session's person, if the session was begun at the station that the browser's cookie names."""
    user = request.user
    if not user.is_authenticated or not isinstance(user, Person):
        return ANONYMOUS
    seat = seated_at(request)
    if seat is None or request.session.get("station") != str(seat.pk):
        # the session was carried to another seat, or the seat was closed
        request.session.flush()
        return ANONYMOUS
    return actor_for(user, seat.code)


def scope_of(actor: Actor) -> tuple[UUID, ...]:
    """Agencies whose rows the actor's transactions may touch."""
    return () if actor.agency is None else (actor.agency,)


def enter_scope(request: HttpRequest) -> None:
    """Narrow the open transaction to the actor's agencies; nobody's transaction sees no agency's rows."""
    actor = cast(Actor, request.actor)  # type: ignore[attr-defined]
    narrow(actor)


def narrow(actor: Actor) -> None:
    """Set the transaction's scope for an actor."""
    cursor = cast(Cursor, connection.cursor())
    if actor.anonymous:
        set_scope(cursor, "none")
    else:
        set_scope(cursor, "agency", scope_of(actor))

"""Acts of staff (인력·권한 업무): each is one transaction of act and ledger row. ``by`` None = the system itself."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.text import normalize_newlines

from gwanje.centre.common import clock, cursor, demand, home, law
from gwanje.centre.common.refusal import Problem, Refused, josa, missing
from gwanje.centre.staff import api, rules
from gwanje.centre.staff.models import KINDS, Agency, Delegation, Person, RoleGrant, Shift, Station, Training
from gwanje.kernel import ledger
from gwanje.kernel.actor import ANONYMOUS, CHIEF_OFFICER, MANAGER, ROLES, Actor
from gwanje.kernel.canonical import nfc
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource

NAME_MAX = 60
ACCOUNT_MAX = 40
GROUND_MAX = 300
# most people who may hold a role at once; a centre's config may say otherwise under ``role_limits``
LIMITS = {CHIEF_OFFICER: 2, MANAGER: 10, "privacy_officer": 2, "auditor": 5, "administrator": 3, "maintenance": 20}
LIMIT_OTHERS = 500


def _text(value: str, most: int, field_ko: str, field_en: str) -> str:
    text = nfc(normalize_newlines(value or "").strip())
    if not text or len(text) > most:
        raise Problem(
            "bad_text",
            f"{josa(field_ko, '은', '는')} 1~{most}자여야 합니다.",
            f"{field_en} must have 1 to {most} characters.",
            next_=f"{josa(field_ko, '을', '를')} 고쳐 다시 저장하십시오.",
        )
    return text


def _row(by: Actor | None, kind: str, *, dies: str = "rights", **fields: Any) -> None:
    entry = Entry.by(by or ANONYMOUS, kind, "done", dies=dies, **fields)
    ledger.append(cursor(), clock(), entry)


@transaction.atomic
def create_agency(name: str, kind: str = "agency", *, by: Actor | None = None, id_: UUID | None = None) -> Agency:
    """Add an agency (기관); Problem when the name is taken or the kind unknown."""
    if by is not None:
        demand(by, "staff.manage", Resource("agency", agency=by.agency))
    if kind not in KINDS:
        raise Problem("bad_kind", "기관 종류가 올바르지 않습니다.", f"kind is one of {', '.join(KINDS)}.")
    fields = {"id": id_} if id_ else {}
    agency = Agency(name=_text(name, 100, "기관 이름", "the agency's name"), kind=kind, **fields)
    _insert(agency, "같은 이름의 기관이 있습니다.", "an agency of that name exists.")
    _row(by, "staff.agency.created", agency=agency.pk, detail={"name": agency.name, "kind": kind}, dies="registry")
    return agency


def _insert(row: Any, ko: str, en: str) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Problem("taken", ko, en, next_="다른 이름을 쓰거나 기존 항목을 고치십시오.") from None


@transaction.atomic
def create_person(
    account: str,
    name: str,
    agency: Agency,
    password: str,
    *,
    contractor: bool = False,
    seconded_from: Agency | None = None,
    by: Actor | None = None,
    id_: UUID | None = None,
) -> Person:
    """Open an account (1인 1계정); Problem for a taken name or a weak password."""
    if by is not None:
        demand(by, "staff.manage", Resource("person", agency=agency.pk))
    person = Person(
        account=_text(account, ACCOUNT_MAX, "계정", "the account").lower(),
        name=_text(name, NAME_MAX, "이름", "the name"),
        agency=agency,
        contractor=contractor,
        seconded_from=seconded_from,
        created_at=clock().now(),
        **({"id": id_} if id_ else {}),
    )
    _set_password(person, password)
    _insert(person, "이미 쓰는 계정입니다.", "the account name is taken.")
    _row(by, "staff.person.created", agency=agency.pk, detail={"person": person.pk, "contractor": contractor})
    return person


def _set_password(person: Person, password: str) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Problem(
            "weak_password",
            "비밀번호가 기준에 맞지 않습니다: " + " ".join(error.messages),
            "the password does not meet the rules: " + " ".join(error.messages),
            rule="10자 이상, 흔한 말과 계정 이름 제외",
        ) from None
    person.set_password(password)


@transaction.atomic
def change_password(person: Person, old: str, new: str, by: Actor) -> None:
    """One's own password; Problem when the old one is wrong or the new one weak."""
    if by.person != person.pk or not person.check_password(old):
        raise Problem("wrong_password", "현재 비밀번호가 다릅니다.", "the present password is wrong.")
    _set_password(person, new)
    person.save(update_fields=["password"])
    _row(by, "staff.password.changed", detail={"person": person.pk})


def opened(person: Person) -> Person:
    """The person, locked and read anew, so that a departure at the same time is seen; Problem 409 when closed."""
    fresh = Person.objects.select_for_update(of=("self",)).get(pk=person.pk)
    if not fresh.active:
        raise Problem(
            "closed", "닫힌 계정입니다.", "The account is closed.", status=409,
            next_="먼저 복직·재발령 처리를 하십시오.", next_en="Have the person readmitted first.",
        )  # fmt: skip
    return fresh


@transaction.atomic
def grant_role(
    person: Person,
    role: str,
    ground: str,
    *,
    by: Actor | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> RoleGrant:
    """Grant a role (권한 부여); Refused by access.least or outsourcing.not_whole, Problem for bad dates.

    Locks the person, so that two grants at once are judged one after the other, and none follows a departure.
    """
    if role not in ROLES:
        raise Problem("bad_role", "없는 권한입니다.", f"role is one of {', '.join(ROLES)}.")
    opened(person)
    facts = grant_facts(person, role, ground, by)
    resource = Resource("person", person.pk, person.agency_id)
    noted = {"detail": {"person": person.pk, "role": role}}
    if by is not None:
        decision = demand(by, "staff.grant", resource, grant=facts, facts=noted)
    else:
        decision = _system_grant(facts, noted)
    now = clock().now()
    starts = starts_at or now
    if ends_at is not None and ends_at <= starts:
        raise Problem("bad_range", "종료가 시작보다 빠릅니다.", "the end is not after the start.")
    grant = RoleGrant.objects.create(
        person=person,
        agency_id=person.agency_id,
        role=role,
        starts_at=starts,
        ends_at=ends_at,
        ground=_text(ground, GROUND_MAX, "부여 근거", "the ground"),
        granted_by_id=by.person if by else None,
    )
    detail = {**noted["detail"], "grant": grant.pk, "ground": grant.ground}
    entry = Entry.by(by or ANONYMOUS, "staff.right.granted", "granted", decision, detail=detail, dies="rights")
    ledger.append(cursor(), clock(), entry)
    return grant


def _system_grant(facts: dict[str, Any], noted: dict[str, Any]) -> Any:
    """The same two rules when the system itself grants (first set-up): only whose office it is falls away."""
    today = law()
    for decision in rules.of_grant(facts, today):
        if not decision.allow:
            raise Refused(decision, "staff.grant", ANONYMOUS, **noted)
    return rules.grant_least(facts, today)


def grant_facts(person: Person, role: str, ground: str, by: Actor | None) -> dict[str, Any]:
    """Facts of ``rules.of_grant`` for one grant."""
    limits = {**LIMITS, **home().config.get("role_limits", {})}
    return {
        "role": role,
        "held": sorted(api.roles_of(person.pk)),
        "ground": nfc(ground),
        "self": by is not None and by.person == person.pk,
        "holders": api.holders(role, agency=person.agency_id).count(),
        "limit": int(limits.get(role, LIMIT_OTHERS)),
        "contractor": person.contractor,
        "trained_on": trained_on(person.pk),
        "valid_months": int(home().config.get("training_valid_months", 0)),
    }


def trained_on(person: UUID) -> date | None:
    """The day of a person's newest training on record (교육 이수일)."""
    found: date | None = Training.objects.filter(person_id=person).aggregate(day=Max("held_on"))["day"]
    return found


@transaction.atomic
def revoke_role(grant: RoleGrant, ground: str, by: Actor) -> RoleGrant:
    """End a role now (권한 회수); Refused when no chief officer or manager would be left."""
    grant = RoleGrant.objects.select_for_update().select_related("person").get(pk=grant.pk)
    now = clock().now()
    if grant.ends_at is not None and grant.ends_at <= now:
        raise Problem("ended", "이미 끝난 권한입니다.", "the right has ended already.")
    # only the office that loses somebody is counted: one that is vacant already keeps no other right alive
    left = api.holders(grant.role, agency=grant.agency_id).exclude(pk=grant.person_id).count()
    officers = {"standing": {grant.role: left}, "act": f"revoke {grant.role}"}
    noted = {"person": grant.person_id, "role": grant.role, "grant": grant.pk}
    resource = Resource("person", grant.person_id, grant.agency_id)
    decision = demand(by, "staff.revoke", resource, officers=officers, facts={"detail": noted})
    grant.ends_at, grant.revoked_by_id = max(now, grant.starts_at), by.person
    grant.revoked_ground = _text(ground, GROUND_MAX, "회수 사유", "the ground")
    grant.save(update_fields=["ends_at", "revoked_by", "revoked_ground"])
    detail = {**noted, "ground": grant.revoked_ground}
    ledger.append(
        cursor(), clock(), Entry.by(by, "staff.right.revoked", "done", decision, detail=detail, dies="rights")
    )
    return grant


@transaction.atomic
def add_station(code: str, place: str, agency: Agency, *, playback: bool = False, by: Actor | None = None) -> Station:
    """Register a workstation (단말 등록); ``playback`` = stored video may be viewed there."""
    if by is not None:
        demand(by, "staff.manage", Resource("station", agency=agency.pk))
    station = Station(
        code=_text(code, 40, "단말 이름", "the station's code"),
        place=_text(place, 100, "장소", "the place"),
        agency=agency,
        playback=playback,
    )
    _insert(station, "같은 이름의 단말이 있습니다.", "a station of that code exists.")
    detail = {"code": station.code, "playback": playback}
    _row(by, "staff.station.added", agency=agency.pk, detail=detail, dies="registry")
    return station


@transaction.atomic
def delegate(
    agency: Agency,
    matter: str,
    principal_title: str,
    role: str,
    reference: str,
    *,
    starts_on: date,
    ends_on: date | None = None,
    by: Actor | None = None,
) -> Delegation:
    """Add a line of the delegation table (위임전결); lines are dated and stay."""
    if by is not None:
        demand(by, "staff.manage", Resource("delegation", agency=agency.pk))
    if role not in ROLES or (ends_on is not None and ends_on < starts_on):
        raise Problem("bad_delegation", "권한이나 기간이 올바르지 않습니다.", "the role or the dates are wrong.")
    line = Delegation.objects.create(
        agency=agency,
        matter=_text(matter, 60, "사무", "the matter"),
        principal_title=_text(principal_title, 60, "위임자", "the principal"),
        role=role,
        starts_on=starts_on,
        ends_on=ends_on,
        reference=_text(reference, 200, "근거", "the reference"),
    )
    _row(by, "staff.delegation.added", agency=agency.pk, detail={"matter": line.matter, "role": role})
    return line


@transaction.atomic
def start_shift(person: Person, station_code: str, *, by: Actor | None = None) -> Shift:
    """Begin a shift (근무 시작) at a registered station; Problem when one is open or the account closed."""
    station = api.station(station_code)
    if station is None:
        raise missing("등록된 단말", "registered station")
    who = by or api.actor_for(person, station_code)
    demand(who, "staff.shift", Resource("shift", agency=person.agency_id))
    opened(person)
    if Shift.objects.filter(person=person, ended_at__isnull=True).exists():
        raise Problem(
            "shift_open",
            "이미 근무 중입니다.",
            "a shift is open already.",
            next_="다른 단말에서 시작한 근무를 먼저 종료하십시오.",
        )
    shift = Shift.objects.create(person=person, agency_id=person.agency_id, station=station, started_at=clock().now())
    _row(who, "staff.shift.started", detail={"shift": shift.pk, "station": station.code}, dies="access")
    return shift


@transaction.atomic
def end_shift(person: Person, *, by: Actor | None = None) -> Shift | None:
    """End the open shift (근무 종료); None when there is none."""
    shift = Shift.objects.select_for_update().filter(person=person, ended_at__isnull=True).first()
    if shift is None:
        return None
    shift.ended_at = max(clock().now(), shift.started_at)
    shift.save(update_fields=["ended_at"])
    who, detail = by or api.actor_for(person, ""), {"shift": shift.pk}
    _row(who, "staff.shift.ended", agency=shift.agency_id, detail=detail, dies="access")
    return shift

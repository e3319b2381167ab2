"""Who decides what today (오늘의 결정권자): the rule's offices, the people who hold them, who signs in their place.

vaultd's registry is the truth of signatures; the centre's rows are the truth of accounts. Where the two differ the page
says so: a finding, never a silent choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from gwanje.centre.common import clock, law, signing
from gwanje.centre.staff import api
from gwanje.centre.staff.models import Delegation, Person
from gwanje.kernel.actor import ROLES
from gwanje.law import InForce, NotInForce
from gwanje.vault.client_consent import Registry

# parameter of the packs → the matter it decides
MATTERS: dict[str, str | Promise] = {
    "playback.approver_roles": gettext_lazy("저장 영상의 열람·재생 승인"),
    "disclosure.approver_roles": gettext_lazy("영상정보의 열람·제공 승인"),
    "disclosure.urgent_approver_roles": gettext_lazy("긴급한 때의 제공 승인"),
    "visitors.approver_roles": gettext_lazy("통합관제센터 출입 승인"),
}
PEOPLE_MAX = 20


@dataclass(frozen=True)
class Decider:
    """One office in one matter: ``own`` who holds it, ``instead`` who signs in its place, ``lines`` of the table."""

    title: str
    own: tuple[str, ...]
    instead: tuple[str, ...]
    lines: tuple[Delegation, ...]


@dataclass(frozen=True)
class Matter:
    """A matter of the rules with its article; ``deciders`` empty = this city's rules do not name anybody."""

    name: str
    article: str
    href: str
    deciders: tuple[Decider, ...]

    @property
    def vacant(self) -> bool:
        """Nobody at all can decide it today."""
        return not any(d.own or d.instead or d.lines for d in self.deciders)


def _title(today: InForce, role: str, language: str = "") -> str:
    """The city's title of an office in the page's language, or in one that is asked for."""
    try:
        return today.title(role, language or ("en" if get_language() == "en" else "ko"))
    except KeyError:
        return role


def matters(agency: UUID, known: Registry | None) -> list[Matter]:
    """Every matter whose officers a rule in force names, with the people of today."""
    today, out = law(), []
    for parameter, name in MATTERS.items():
        try:
            said = today.parameter(parameter)
        except NotInForce:
            continue
        deciders = tuple(_decider(today, role, agency, known) for role in said.value)
        out.append(Matter(str(name), str(said.article), f"/law/{said.article.pack}/{said.article.id}/", deciders))
    return out


def _decider(today: InForce, role: str, agency: UUID, known: Registry | None) -> Decider:
    own = [p.name for p in api.holders(role, agency=agency)[:PEOPLE_MAX]] if role in ROLES else []
    title = _title(today, role)
    day = clock().local().date()
    # the table is kept in Korean, whatever language it is read in
    lines = Delegation.objects.filter(agency_id=agency, principal_title=_title(today, role, "ko"), starts_on__lte=day)
    current = lines.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day))[:PEOPLE_MAX]
    return Decider(title, tuple(own), tuple(_instead(role, known)), tuple(current))


def _instead(role: str, known: Registry | None) -> Iterable[str]:
    now = clock().now_s()
    for entry in known.officers if known else ():
        for line in entry.delegates if entry.role == role else ():
            if line.since <= now < line.until:
                yield _("%(name)s (%(until)s까지)") % {"name": name_of(line.person), "until": _day(line.until)}


def name_of(person: UUID) -> str:
    """A person's name, or the beginning of the id of somebody whom the centre does not know."""
    found = api.person(person)
    return found.name if found else str(person)[:8]


def _day(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, clock().zone).strftime("%Y-%m-%d")


def registered(known: Registry | None) -> list[dict[str, object]]:
    """vaultd's entries in force as a page shows them."""
    today = law()
    return [
        {
            "name": name_of(entry.person), "person": entry.person,
            "known": api.person(entry.person) is not None, "title": _title(today, entry.role),
            "delegation": entry.delegation, "keys": entry.keys,
            "since": _day(entry.since) if entry.since else "", "until": _day(entry.until) if entry.until else "",
            "delegates": [
                {"name": name_of(d.person), "since": _day(d.since), "until": _day(d.until), "scope": ", ".join(d.scope)}
                for d in entry.delegates
            ],
        }
        for entry in (known.officers if known else ())
    ]  # fmt: skip


def differences(agency: UUID, known: Registry | None) -> list[str]:
    """Where the centre's accounts and vaultd's registry say different things (불일치), in the page's language."""
    if known is None or not known.officers:
        return []
    today, out = law(), []
    people = {p.pk: p for p in Person.objects.filter(agency_id=agency)}
    for entry in known.officers:
        who, title = people.get(entry.person), _title(today, entry.role)
        said = {"name": name_of(entry.person), "title": title}
        if who is None or not who.active:
            out.append(_("%(name)s(%(title)s): 서명 등록은 살아 있으나 센터의 계정이 없거나 닫혔습니다.") % said)
        elif entry.role not in api.roles_of(entry.person):
            out.append(_("%(name)s(%(title)s): 서명 등록은 살아 있으나 센터의 권한이 없습니다.") % said)
        for line in entry.delegates:
            other = people.get(line.person)
            if line.until > clock().now_s() and (other is None or not other.active):
                out.append(
                    _("%(name)s(%(title)s): 대신 서명할 사람의 계정이 없거나 닫혔습니다.") % said
                )  # fmt: skip
    have = {(entry.person, entry.role) for entry in known.officers}
    for role in _approvers(today):
        for person in api.holders(role, agency=agency)[:PEOPLE_MAX]:
            if (person.pk, role) not in have:
                said = {"name": person.name, "title": _title(today, role)}
                out.append(
                    _("%(name)s(%(title)s): 센터의 권한은 있으나 서명 등록이 없어 승인이 열리지 않습니다.") % said
                )
    return out


def _approvers(today: InForce) -> list[str]:
    try:
        return [role for role in today.parameter("playback.approver_roles").value if role in ROLES]
    except NotInForce:
        return []


def registry() -> Registry | None:
    """vaultd's registry of today, None while it is away."""
    return signing.registry()

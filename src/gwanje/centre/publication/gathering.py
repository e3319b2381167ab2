"""Rows that a document is made of (방침의 자료): register, classes, officers, grounds, values; read once, then pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gwanje.centre.cameras import api as cameras
from gwanje.centre.cameras.api import CameraView
from gwanje.centre.common import home, law
from gwanje.centre.publication import items
from gwanje.centre.publication.models import Department, Sign, Text
from gwanje.centre.retention import api as retention
from gwanje.centre.staff import api as staff
from gwanje.kernel.actor import ROLES
from gwanje.law import InForce, NotInForce

STATIONS_MAX = 200
NO_DEPARTMENT = "담당부서 미지정"


@dataclass(frozen=True)
class Contractor:
    """A contractor as the public sees it (수탁자): who, for what, until when, and how to reach it."""

    name: str
    scope: str
    contact: str
    starts_on: str = ""
    ends_on: str = ""


@dataclass(frozen=True)
class Posting:
    """A sign that stands on the home page instead of at its place (홈페이지 게재): why, and what it says."""

    title: str
    exemption: str
    text: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Rows:
    """All that the documents of one agency are made of. ``texts``: item → (Korean, English) as typed.

    ``standing``: every sign that was not ended; ``postings`` and ``signs`` count those with a camera that runs.
    ``hidden``: ids of cameras whose sign is left out (안내판 생략): no document made of these rows names their places.
    """

    agency: str
    centre: str
    today: InForce
    cameras: tuple[CameraView, ...]
    departments: Mapping[str, Department]
    retention: Mapping[int, str]
    roles: tuple[tuple[str, str, int], ...]
    viewing: tuple[str, ...]
    contractors: tuple[Contractor, ...] = ()
    postings: tuple[Posting, ...] = ()
    signs: Counter[str] = field(default_factory=Counter)
    standing: tuple[Sign, ...] = ()
    hidden: frozenset[str] = frozenset()
    texts: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """A parameter in force, or None where no rule of this city says one."""
        try:
            return self.today.parameter(name).value
        except NotInForce:
            return None

    def by_department(self) -> dict[str, list[CameraView]]:
        """Running cameras by department, in the order of its name; those without one last."""
        found: dict[str, list[CameraView]] = {}
        for camera in self.cameras:
            found.setdefault(camera.department or NO_DEPARTMENT, []).append(camera)
        return dict(sorted(found.items(), key=lambda pair: (pair[0] == NO_DEPARTMENT, pair[0])))


def departments(agency: UUID) -> dict[str, Department]:
    """The newest line of each department of an agency."""
    rows = Department.objects.filter(agency_id=agency).order_by("name", "-at", "-id").distinct("name")
    return {row.name: row for row in rows}


def texts(agency: UUID) -> dict[tuple[str, str], tuple[str, str]]:
    """(document, item) → the newest text an officer typed, Korean and English."""
    rows = Text.objects.filter(agency_id=agency).order_by("document", "item", "-at", "-id").distinct("document", "item")
    return {(row.document, row.item): (row.ko, row.en) for row in rows}


def hidden(agency: UUID) -> frozenset[str]:
    """Ids of an agency's cameras whose sign is left out (안내판 생략): security is why, so their places stay unsaid."""
    found = Sign.objects.filter(agency_id=agency, ended_at__isnull=True, place=items.NONE)
    return frozenset(id_ for named in found.values_list("cameras", flat=True) for id_ in named)


def running(agency: UUID) -> tuple[CameraView, ...]:
    """An agency's cameras that run, by number."""
    return tuple(c for c in cameras.cameras(active_only=True) if c.agency == agency)


def _roles(agency: UUID, today: InForce) -> tuple[tuple[str, str, int], ...]:
    """(Korean title, English title, how many hold it) of every role; never a name."""
    found = []
    for role in sorted(ROLES):
        count = staff.holders(role, agency=agency).count()
        if count:
            found.append((today.title(role), today.title(role, "en"), count))
    return tuple(found)


def gather(agency: UUID, contractors: Sequence[Contractor] = (), signs: Sequence[Sign] = ()) -> Rows:
    """Read everything; ``signs``: those that were not ended."""
    owner = staff.agency(agency)
    today = law()
    found = running(agency)
    ids = {str(camera.id) for camera in found}
    # a sign whose cameras all left speaks for nothing: it is published nowhere and counted nowhere
    live = [s for s in signs if ids.intersection(s.cameras)]
    unsaid = hidden(agency)
    # nor does one on the home page that says the place of a camera whose own sign is left out
    live = [s for s in live if s.place != items.HOMEPAGE or not unsaid.intersection(s.cameras)]
    return Rows(
        agency=owner.name if owner else "",
        centre=str(home().config.get("name") or ""),
        today=today,
        cameras=found,
        departments=departments(agency),
        retention={row.number: row.label for row in retention.classes()},
        roles=_roles(agency, today),
        viewing=tuple(dict.fromkeys(staff.viewing_places(agency)[:STATIONS_MAX])),
        contractors=tuple(contractors),
        postings=tuple(Posting(s.title, s.exemption, s.text) for s in live if s.place == items.HOMEPAGE),
        signs=Counter(s.place for s in live),
        standing=tuple(signs),
        hidden=unsaid,
        texts=texts(agency),
    )

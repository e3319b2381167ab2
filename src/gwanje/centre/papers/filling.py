"""Forms filled from rows (서식 자동 작성): cameras by department, with officers, periods and places.

``SOURCES``: what a form serves → its values for an actor's agency. ``ELSEWHERE``: forms that another room prints,
where their rows are. What no row says stays empty: nothing is made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gwanje.centre.cameras import api as cameras
from gwanje.centre.cameras.api import CameraView
from gwanje.centre.common import clock, law
from gwanje.centre.publication import api as publication
from gwanje.centre.publication.api import DepartmentView
from gwanje.centre.retention import api as retention
from gwanje.centre.staff import api as staff
from gwanje.centre.staff.api import PostView
from gwanje.kernel.actor import CHIEF_OFFICER, MANAGER, Actor
from gwanje.law.retention_rows import RetentionRow

ELSEWHERE: dict[str, tuple[str, str | Promise]] = {
    "inspection.journal": ("inspection:journal", _("점검일지에서 달마다 인쇄합니다")),
    "extension.application": ("preservation:applications", _("접수한 신청마다 인쇄합니다")),
}
# letters of one list of places; beyond it the paper says how many more there are
PLACES_MAX = 9_000
UNNAMED = "담당부서 미지정"
# whose office a department's answering officer holds, the department's own head first
ANSWERING = (MANAGER, CHIEF_OFFICER)
STATUS = "camera.status"


def _installed(actor: Actor) -> list[CameraView]:
    """The agency's cameras that stand (설치된 기기), by number; planned and removed ones do not."""
    return [c for c in cameras.cameras() if c.agency == actor.agency and c.state in ("active", "suspended")]


def status(actor: Actor) -> dict[str, Any]:
    """설치현황(총괄): one line for each department and purpose; the counts add up to the register.

    책임관 is whom an appointment of today names in that department, 담당자 whom the department's own line names.
    """
    assert actor.agency is not None
    known = publication.departments(actor.agency)
    posts: dict[str, list[PostView]] = {}
    for post in staff.posts(actor.agency, clock().local().date()):
        posts.setdefault(_bare(post.department), []).append(post)
    counted = Counter((c.department or UNNAMED, c.classification) for c in _installed(actor))
    entries = []
    # those without a department stand last
    for number, ((name, words), count) in enumerate(
        sorted(counted.items(), key=lambda one: (one[0][0] == UNNAMED, one[0])), 1
    ):
        entries.append(
            {
                "no": number,
                "department": name,
                **_officers(known.get(name), posts.get(_bare(name), [])),
                "count": count,
                "first": ", ".join(dict.fromkeys(word.partition("/")[0] for word in words))[:60],
                "second": ", ".join(word.partition("/")[2] for word in words)[:100],
            }
        )
    return {"entries": entries}


def _bare(name: str) -> str:
    return "".join(name.split())


def _officers(line: DepartmentView | None, posts: list[PostView]) -> dict[str, str]:
    """Who answers for a department and who does its work; a rank only where one person of that name is appointed."""
    answers = next((p for role in ANSWERING for p in posts if p.role == role and not p.contractor), None)
    said = line.officer if line else ""
    worker = line.operator if line else ""
    ranks = {p.post for p in posts if p.name == worker}
    return {
        "chief_post": ((answers.post or said or answers.title) if answers else said)[:60],
        "chief_name": answers.name if answers else "",
        "officer_rank": ranks.pop() if len(ranks) == 1 else "",
        "officer_name": worker,
        "phone": line.phone if line else "",
    }


def nobody(serves: str, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Departments of a filled 설치현황 that lack a name: of who ``answers`` (책임관), who ``works`` (담당자)."""
    if serves != STATUS:
        return {}
    empty = {
        key: list(dict.fromkeys(line["department"] for line in values["entries"] if not line[name]))
        for key, name in (("answers", "chief_name"), ("works", "officer_name"))
    }
    return empty if any(empty.values()) else {}


def places(found: Iterable[CameraView]) -> str:
    """Places of some cameras, a line each, with the number where one place has several."""
    counted = Counter(c.place for c in found)
    lines, size = [], 0
    for place, count in counted.items():
        line = place + (f"({count}대)" if count > 1 else "")
        size += len(line) + 1
        if size > PLACES_MAX:
            lines.append(f"외 {len(counted) - len(lines)}곳")
            break
        lines.append(line)
    return "\n".join(lines)


def departments(actor: Actor) -> dict[str, Any]:
    """부서별 운영현황: the packs' rows in their order with today's counts of the register, then the other departments.

    A row of the source that leaves its places empty keeps them empty: which places a city publishes is its decision.
    A camera whose sign is left out is counted, and its place is not named.
    """
    assert actor.agency is not None
    known, left = publication.departments(actor.agency), _installed(actor)
    hidden = publication.hidden(actor.agency)
    entries = []
    for row in _rows():
        own = [c for c in left if c.department == row.department and _covers(row, c)]
        taken = {c.id for c in own}
        left = [c for c in left if c.id not in taken]
        entries.append(_entry(row, own, hidden))
    kept = {c.number: c.label for c in retention.classes()}
    rest: dict[tuple[str, int], list[CameraView]] = {}
    for camera in left:
        rest.setdefault((camera.department or UNNAMED, camera.retention_class), []).append(camera)
    for (name, number), own in sorted(rest.items()):
        line = known.get(name)
        entries.append(
            {
                "use": ", ".join(dict.fromkeys(p for c in own for p in c.purposes))[:100],
                "department": name,
                "officers": ", ".join(part for part in (line.officer, line.operator, line.phone) if part)
                if line
                else "",
                "hours": line.hours if line else "",
                "kept": kept.get(number, ""),
                "place": line.place if line else "",
                "count": f"{len(own)}대",
                "where": places(_named(own, hidden)),
            }
        )
    return {"entries": entries}


def _rows() -> list[RetentionRow]:
    return [row for row in law().retention_rows() if row.department]


def _covers(row: RetentionRow, camera: CameraView) -> bool:
    return not row.purposes or bool(set(row.purposes) & set(camera.purposes))


def _named(found: Iterable[CameraView], hidden: Collection[str]) -> list[CameraView]:
    return [c for c in found if str(c.id) not in hidden]


def _entry(row: RetentionRow, own: list[CameraView], hidden: Collection[str]) -> dict[str, Any]:
    return {
        "use": row.group,
        "department": row.department,
        "officers": ", ".join(row.officers),
        "hours": row.hours,
        "kept": row.printed,
        "place": row.place,
        "count": f"{len(own)}대",
        "where": places(_named(own, hidden)) if row.sites else "",
    }


SOURCES: dict[str, Callable[[Actor], dict[str, Any]]] = {STATUS: status, "policy.departments": departments}

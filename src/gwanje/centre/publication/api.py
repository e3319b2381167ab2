"""What other rooms may ask publication (공개 조회): what an officer wrote of a department that no register knows."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from gwanje.centre.publication import gathering

hidden = gathering.hidden


@dataclass(frozen=True)
class DepartmentView:
    """A department's newest line (부서별 운영현황): who answers, who operates, when it films and where pictures lie."""

    name: str
    officer: str
    operator: str
    phone: str
    hours: str
    place: str


def departments(agency: UUID) -> dict[str, DepartmentView]:
    """The departments of an agency by name, as far as the transaction's scope goes."""
    found = gathering.departments(agency).values()
    return {d.name: DepartmentView(d.name, d.officer, d.operator, d.phone, d.hours, d.place) for d in found}

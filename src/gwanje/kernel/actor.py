"""Actor (행위자): who asks, in which roles, for which agency, at which station, on shift or not.

Role ids are shared words; the city's officer titles come from its pack.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

CHIEF_OFFICER = "chief_officer"
MANAGER = "manager"
OPERATOR = "operator"
SECONDED_POLICE = "seconded_police"
PRIVACY_OFFICER = "privacy_officer"
AUDITOR = "auditor"
MAINTENANCE = "maintenance"
ADMINISTRATOR = "administrator"
ROLES = (
    CHIEF_OFFICER,
    MANAGER,
    OPERATOR,
    SECONDED_POLICE,
    PRIVACY_OFFICER,
    AUDITOR,
    MAINTENANCE,
    ADMINISTRATOR,
)
# watching and upkeep may be handed to a contractor; what is left of running a centre may not (운영업무 전체 위탁 금지)
OFFICES = frozenset(ROLES) - {OPERATOR, MAINTENANCE}


@dataclass(frozen=True)
class Actor:
    """One person at one station at the moment of asking; ``person`` None is somebody who has not signed in.

    ``agency``: the person's own agency. ``station``: the registered workstation's id, empty when unknown.
    Whatever the rows say, a contractor's employee holds no office, and a stranger no role and no agency: they come off.
    """

    person: UUID | None
    name: str
    roles: frozenset[str]
    agency: UUID | None
    station: str = ""
    on_duty: bool = False
    contractor: bool = False

    def __post_init__(self) -> None:
        unknown = self.roles - set(ROLES)
        if unknown:
            raise ValueError(f"unknown roles: {sorted(unknown)}")
        if self.anonymous:
            object.__setattr__(self, "roles", frozenset())
            object.__setattr__(self, "agency", None)
        elif self.contractor:
            object.__setattr__(self, "roles", self.roles - OFFICES)

    @property
    def anonymous(self) -> bool:
        """Nobody has signed in."""
        return self.person is None

    def has(self, *roles: str) -> bool:
        """Does the actor hold one of these roles today?"""
        return not self.roles.isdisjoint(roles)


ANONYMOUS = Actor(None, "", frozenset(), None)

"""The city of the year: 60 people with offices, 300 cameras in departments, a contractor, a first policy."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from gwanje.centre import common
from gwanje.centre.cameras.services import NewCamera, register_camera
from gwanje.centre.common.refusal import Refused
from gwanje.centre.publication import services as publication
from gwanje.centre.retention.services import set_class
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import contracts, posts, services
from gwanje.kernel.actor import Actor
from gwanje.law import NotInForce

PASSWORD = "한해-모의운영-2026-길다"
SURNAMES, GIVEN = (
    "김이박최정강조윤장임한오서신권",
    ("가온", "나래", "다온", "라온", "마루", "보람", "새롬", "아름", "하늘"),
)
OFFICES = (
    ("chief_officer", 1), ("manager", 2), ("privacy_officer", 1), ("auditor", 1), ("administrator", 1),
    ("seconded_police", 6), ("operator", 42), ("maintenance", 6),
)  # fmt: skip
DEPARTMENTS = ("스마트도시과", "교통정책과", "안전총괄과", "공원녹지과")
PURPOSES = ("생활방범", "교통단속", "재난재해", "시설물관리")
ITEMS = {word: f"{ko}: 계약서 제{n}조" for n, (word, (ko, _)) in enumerate(contracts.ITEMS.items(), 1)}


@dataclass
class City:
    """Who and what there is; ``people`` by role, as they stand now."""

    agency: Any
    seed: random.Random
    people: dict[str, list[Any]] = field(default_factory=dict)
    contract: Any = None
    hired: int = 0

    def actor(self, role: str) -> Actor:
        """The first person of an office, acting now."""
        return staff.actor_for(self.people[role][0], "")

    def hire(self, role: str) -> Any:
        """Open an account with that office, trained first where a contractor's is."""
        self.hired += 1
        outside = role == "maintenance"
        name = self.seed.choice(SURNAMES) + self.seed.choice(GIVEN)
        person = services.create_person(f"year{self.hired}", name, self.agency, PASSWORD, contractor=outside)
        today = common.clock().local().date()
        posts.record_training(person, posts.Course("영상정보 보호 기본", "시 인재개발원", today, f"교육-{self.hired}"))
        services.grant_role(person, role, f"인사발령 {today.year}-{self.hired}")
        self.people.setdefault(role, []).append(person)
        return person


def found(agency_id: UUID, seed: random.Random, cameras: int) -> City:
    """Everything that stands on the first morning."""
    with common.system_scope():
        agency = services.create_agency("한해시", "city", id_=agency_id)
        city = City(agency, seed)
        for role, count in OFFICES:
            for _ in range(count):
                city.hire(role)
        for number in range(1, 10):
            services.add_station(f"관제석-{number}", "관제실", agency)
        services.add_station("열람실-1", "열람실", agency, playback=True)
        conclude(city, "한해정보통신(주)")
    with common.system_scope():
        limit = common.law().parameter("retention.days_max")
        set_class(1, "days", int(limit.value), str(limit.article), f"{limit.value}일")
        for number in range(cameras):
            register_camera(city.actor("manager"), _camera(city, number))
    with common.system_scope():
        publish(city, "최초 수립", common.clock().local().date())
    return city


def _camera(city: City, number: int) -> NewCamera:
    place = f"한해대로 {number + 1} 앞"
    return NewCamera(
        f"Y-{number:04d}", place, f"37.{390000 + number * 37:06d}", f"126.{920000 + number * 53:06d}",
        (PURPOSES[number % len(PURPOSES)],), city.agency.pk, department=DEPARTMENTS[number % len(DEPARTMENTS)],
        direction_deg=number * 37 % 360, pixels=200, main_url=f"rtsp://10.{number // 250}.{number % 250}.10:554/main",
    )  # fmt: skip


def conclude(city: City, company: str) -> None:
    """A contract of maintenance, with everybody of the contractor in it."""
    today = common.clock().local().date()
    scope = (next(iter(contracts.rules.SCOPES)),)
    terms = contracts.Terms(
        company, "031-000-0000", f"계약-{today}", today, today + timedelta(days=700), scope, dict(ITEMS), "재위탁 금지"
    )
    city.contract = contracts.conclude(terms, city.actor("administrator"))
    for person in city.people.get("maintenance", []):
        contracts.engage(city.contract, person, city.actor("administrator"))


def publish(city: City, reason: str, effective_on: date) -> str:
    """Write what a person has to write, draft and announce; the version's id, "" where the city has no such rule."""
    actor = city.actor("chief_officer")
    for name in DEPARTMENTS:
        values = {
            "officer": f"{name}장", "operator": "운영팀", "phone": "031-000-0000", "hours": "24시간", "place": "관제실",
        }  # fmt: skip
        publication.write_department(actor, name, values)
    try:
        row = publication.draft(actor, "policy", effective_on, reason)
    except Exception as error:
        if isinstance(error, NotInForce) or getattr(error, "code", "") == "no_rule":
            return ""
        raise
    try:
        publication.announce(actor, row.pk, row.sha256)
    except Refused as refused:
        for item in _missing(refused):
            publication.write_text(actor, "policy", item, f"{item}: 별첨과 같습니다.", "As annexed.")
        row = publication.draft(actor, "policy", effective_on, reason)
        publication.announce(actor, row.pk, row.sha256)
    return str(row.pk)


def _missing(refused: Refused) -> list[str]:
    body = refused.decision.facts
    have = set(body.get("items", ()))
    return [item for item in common.law().parameter("policy.items").value if item not in have]

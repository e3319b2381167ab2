"""Loading the demo's city (시연 도시 적재): every step asks first what stands, so that it may run again.

Rows are written by the rooms' own services, in one transaction; vaultd learns classes, slots and officers.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from gwanje.apps import approver_rules
from gwanje.apps.demo import City, CityCamera, city_file
from gwanje.centre import common
from gwanje.centre.cameras import connection
from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras.models import Camera
from gwanje.centre.inspection import services as inspection
from gwanje.centre.inspection.models import Fault
from gwanje.centre.retention.services import set_class
from gwanje.centre.staff import api as staff_api
from gwanje.centre.staff import posts
from gwanje.centre.staff import services as staff
from gwanje.centre.staff.models import Agency, Person
from gwanje.kernel.actor import Actor
from gwanje.kernel.home import Home
from gwanje.media import registration
from gwanje.vault import ceremony
from gwanje.vault.client import ConsoleClient, VaultClient

# who may ask for, approve or confirm something at the vault
OFFICERS = ("chief_officer", "manager", "privacy_officer", "operator", "seconded_police", "auditor")


@dataclass
class Loaded:
    """How much of each kind stands now, and how much of it is new."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    def line(self) -> str:
        """One line for the terminal."""
        return ", ".join(f"{name} {total} (+{new})" for name, (total, new) in self.counts.items())


def _agencies(wanted: City, done: Loaded) -> dict[str, Agency]:
    out, new = {}, 0
    for key, said in wanted.agencies.items():
        row = Agency.objects.filter(name=said["name"]).first()
        if row is None:
            row, new = staff.create_agency(said["name"], said["kind"]), new + 1
        out[key] = row
    done.counts["agencies"] = (len(out), new)
    return out


def _stations(wanted: City, agencies: dict[str, Agency], done: Loaded) -> None:
    new = 0
    for said in wanted.stations:
        if staff_api.station(said["code"]) is None:
            playback = bool(said.get("playback"))
            staff.add_station(said["code"], said["place"], agencies[said["agency"]], playback=playback)
            new += 1
    done.counts["stations"] = (len(wanted.stations), new)


def _people(wanted: City, agencies: dict[str, Agency], done: Loaded) -> dict[str, Person]:
    out, new = {}, 0
    for said in wanted.people:
        row = Person.objects.filter(account=said["account"]).first()
        if row is None:
            sender = said.get("seconded_from")
            row = staff.create_person(
                said["account"], said["name"], agencies[said["agency"]], wanted.password,
                contractor=bool(said.get("contractor")), seconded_from=agencies[sender] if sender else None,
            )  # fmt: skip
            new += 1
        wanted_roles = set(said["roles"]) - staff_api.roles_of(row.pk)
        if wanted_roles and row.contractor and staff.trained_on(row.pk) is None:
            # a city may want a training before access: the demo's contractors have had theirs
            day = common.clock().local().date()
            posts.record_training(row, posts.Course("개인영상정보 보호 교육", "자체 교육", day, wanted.ground))
        for role in wanted_roles:
            staff.grant_role(row, role, wanted.ground)
        out[said["account"]] = row
    done.counts["people"] = (len(out), new)
    return out


def _classes(wanted: City, done: Loaded) -> None:
    ceiling = common.law().parameter("retention.days_max")
    for said in wanted.classes:
        set_class(said["number"], "days", int(ceiling.value), str(ceiling.article), said["label"])
    done.counts["classes"] = (len(wanted.classes), 0)


def _new_camera(said: CityCamera, agency: Agency) -> cameras.NewCamera:
    return cameras.NewCamera(
        number=said.number, place=said.place, lat=said.lat, lon=said.lon, purposes=said.purposes, agency=agency.pk,
        ptz=said.ptz, direction_deg=said.direction, angle_deg=said.angle, range_m=said.range,
        state="active" if said.main_url else "planned", main_url=said.main_url, sub_url=said.sub_url,
        user=said.user, password=said.password, maker="모의 기기" if "127.0.0.1" in said.main_url else "",
    )  # fmt: skip


def _reach(actor: Actor, row: Camera, said: CityCamera) -> None:
    wanted: dict[str, Any] = {"onvif": None, "profile": None}
    if said.onvif:
        wanted = {"onvif": said.onvif, "profile": "main"}
    if said.onvif and said.zone and not row.connection.get("ptz"):
        # a zone that somebody drew stays as it was drawn
        wanted["ptz"] = said.zone
    if any(row.connection.get(key) != value for key, value in wanted.items()):
        connection.set_connection(actor, row.pk, wanted)


def _cameras(
    wanted: Sequence[CityCamera], agencies: dict[str, Agency], people: dict[str, Person], done: Loaded, name: str
) -> None:
    new = 0
    for said in wanted:
        agency = agencies[said.agency]
        actor = staff_api.actor_for(people[said.manager], "")
        row = Camera.objects.filter(agency_id=agency.pk, number=said.number).first()
        if row is None:
            row = cameras.register_camera(actor, _new_camera(said, agency))
            _reach(actor, row, said)
            new += 1
            continue
        _reach(actor, row, said)
        if (row.main_url, row.sub_url) != (said.main_url, said.sub_url):
            cameras.set_address(actor, row.pk, said.main_url, said.sub_url)
            row.refresh_from_db()
        if said.user and not row.sealed:
            # at another host the account is sealed anew; an older folder's camera had none
            cameras.set_credentials(actor, row.pk, said.user, said.password)
        if said.main_url and row.state == "suspended":
            cameras.change_state(actor, row.pk, "active")
    done.counts[name] = (len(wanted), new)


def _rest(wanted: Sequence[CityCamera], agencies: dict[str, Agency], people: dict[str, Person], done: Loaded) -> None:
    """Cameras of an earlier run with other sources rest, so that no recorder knocks where nobody is."""
    numbers = {camera.number for camera in wanted}
    rows = Camera.objects.filter(agency_id=agencies["city"].pk, state="active").exclude(main_url="")
    others = [row.pk for row in rows if row.number not in numbers]
    actor = staff_api.actor_for(people["admin"], "")
    for id_ in others:
        cameras.change_state(actor, id_, "suspended")
    done.counts["suspended"] = (len(others), len(others))


def _fault(wanted: City, people: dict[str, Person], done: Loaded) -> None:
    """One fault that a person saw, so that the journal (점검일지) of a new centre shows what a row is."""
    said, row = wanted.fault, None
    if said:
        agency = people[said["by"]].agency_id
        row = Camera.objects.filter(agency_id=agency, number=said["number"]).first()
    new = row is not None and not Fault.objects.filter(agency_id=row.agency_id, said=said["said"]).exists()
    if new and row is not None:
        inspection.enter(staff_api.actor_for(people[said["by"]], ""), row.pk, said["said"], common.clock().now())
    done.counts["faults"] = (int(row is not None), int(new))


def _officers(home: Home, wanted: City, people: dict[str, Person], done: Loaded) -> None:
    officers = [
        ceremony.NewOfficer(people[said["account"]].pk, role, people[said["account"]].agency_id, wanted.password)
        for said in wanted.people
        for role in said["roles"]
        if role in OFFICERS and said["agency"] == "city"
    ]
    with closing(VaultClient(home, "web")) as vault:
        known = vault.status().officers
    new = ceremony.add_officers(home, officers) if known == 0 else 0
    if new:
        _rules(home, officers)
    done.counts["vault officers"] = (len(officers), new)


def _rules(home: Home, officers: Sequence[ceremony.NewOfficer]) -> None:
    """What the packs say of officers, put into vaultd by two of them."""
    console = ConsoleClient(home)
    now = console.ask("officers")["rules"]
    people = {officer.id: officer.password for officer in officers if officer.role in now["console"]}
    rules = approver_rules.of_home(home, now)
    if len(people) > 1 and rules != now:
        console.ask("approver_rules", list(people.items())[:2], rules=rules)


def load(home: Home, wanted: City, chosen: Sequence[CityCamera]) -> Loaded:
    """Bring the folder to what the city says; ``chosen``: the cameras of this run, with their addresses."""
    done = Loaded()
    with common.system_scope() as cursor:
        agencies = _agencies(wanted, done)
        _stations(wanted, agencies, done)
        people = _people(wanted, agencies, done)
        registration.register(home, cursor)
        _classes(wanted, done)
        _rest(chosen, agencies, people, done)
        _cameras(chosen, agencies, people, done, "cameras")
        _cameras(wanted.neighbours, agencies, people, done, "neighbours")
        _fault(wanted, people, done)
    _officers(home, wanted, people, done)
    outline = city_file().with_name("boundary.geojson")
    if outline.is_file():
        shutil.copyfile(outline, home.root / "boundary.geojson")
    return done


def problem_text(error: Any) -> str:
    """What is wrong, why and what next, for a terminal."""
    if hasattr(error, "ko"):
        return " ".join(text for text in (f"{error.ko} / {error.en}", error.rule, error.next) if text)
    if hasattr(error, "decision"):
        return "; ".join(f"{r.ko} / {r.en}" for r in error.decision.reasons)
    return str(error)

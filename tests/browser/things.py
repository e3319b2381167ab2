"""Run inside a centre's data folder: make what its pages can show, print the URL conf and the ids as JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gwanje.apps.web.settings")
LONG = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토"  # 40 syllables
HEADER = (
    "관리기관명,소재지도로명주소,소재지지번주소,설치목적구분,카메라대수,카메라화소수,촬영방면정보,보관일수,설치연월,"
    "관리기관전화번호,WGS84위도,WGS84경도,데이터기준일자"
)
LINE = f"{LONG},가온로 12,,생활방범,2,200,전방,30,2020-05,031-123-4567,37.39,126.95,2024-07-01"


def routes() -> dict[str, str]:
    """URL name → route, of everything but the API."""
    from django.urls import URLPattern, get_resolver

    found: dict[str, str] = {}

    def walk(patterns: list[Any], space: str, prefix: str) -> None:
        for item in patterns:
            route = prefix + str(item.pattern)
            if isinstance(item, URLPattern):
                found[space + str(item.name)] = "/" + route
            elif item.namespace != "api":
                walk(item.url_patterns, f"{space}{item.namespace}:" if item.namespace else space, route)

    walk(get_resolver().url_patterns, "", "")
    return {name: route for name, route in found.items() if not route.startswith("/api/")}


def certificate() -> str:
    """A certificate as it stands in the table: a real one needs thirty days."""
    from gwanje.centre.common import clock
    from gwanje.centre.retention.models import Certificate
    from gwanje.kernel.canonical import encode
    from gwanje.kernel.ids import uuid7

    said = {
        "articles": ["kr_anyang:31(1)"],
        "attempt": {"tried": 4, "opened": 0, "keystores": 1, "keys": 1, "generation_key_absent": True},
        "exceptions": [],
        "officers": [{"role": "manager", "state": "unsigned"}, {"role": "privacy_officer", "state": "unsigned"}],
        "ledger": {"size": 7},
        "level_text": ["키를 삭제함", "key deleted"],
        "replicas": 1,
        "single_replica_accepted": False,
    }
    number = f"파기-{clock().local():%Y}-9001"
    found = Certificate.objects.filter(number=number).first() or Certificate.objects.create(
        number=number,
        issued_at=clock().now(),
        body=encode(said),
        sha256="ab" * 32,
        readable=said,
        pdf=b"%PDF-1.7",
        level="L1",
        hours=1,
        camera_hours=12,
        parts=8191,
        ledger_row=uuid7(),
    )
    return str(found.pk)


def fault(agency: Any) -> str:
    """A fault with a sealed thumbnail, at a place with a long name."""
    from gwanje.centre.common import clock
    from gwanje.centre.inspection.models import Fault
    from gwanje.kernel.ids import uuid7

    row = Fault.objects.create(
        agency_id=agency, camera_id=uuid7(), name=LONG, number="A-9999", kind="covered", said="렌즈 가림",
        occurred_at=clock().now(), segment="ab" * 32, picture_at=clock().now(),
    )  # fmt: skip
    return str(row.pk)


def held(agency: Any, person: Any) -> dict[str, str]:
    """A hold with an application and a deletion, with long names; as they stand in the tables."""
    from datetime import timedelta

    from gwanje.centre.common import clock
    from gwanje.centre.preservation.models import Application, Deletion, Hold, HoldCamera
    from gwanje.kernel.ids import uuid7

    now = clock().now()
    first = int(now.timestamp()) - 7200
    hold = Hold.objects.create(
        agency_id=agency, kind="extension", ground="subject_request", ground_title="정보주체의 청구", case=LONG * 2,
        reason=LONG * 5, requester=person, requester_role="manager", reviewer=person, made_at=now,
        ends_at=now + timedelta(days=5), seconds=12_345, bytes=9_876_543_210,
    )  # fmt: skip
    for number in range(5):
        HoldCamera.objects.create(
            agency_id=agency, hold=hold, camera=uuid7(), label=f"{LONG} {number}", slot=9000 + number, class_number=1,
            first=first, until=first + 600, seconds=600,
        )  # fmt: skip
    Application.objects.create(
        agency_id=agency, number="연장-1999-0001", received_on=now.date(), subject_name=LONG, subject_phone="010",
        subject_birth="1980-01-01", subject_address=LONG, agent_name=LONG, place=LONG, purpose=LONG, hold=hold,
        keep_from=now.date(), keep_until=now.date(), consent=True, entered_by=person, entered_at=now,
    )  # fmt: skip
    deletion = Deletion.objects.create(
        agency_id=agency, camera=uuid7(), label=LONG, slot=9000, first=first, until=first + 60, case=LONG,
        applicant=LONG, reason=LONG * 3, seconds=60, decision=b"d" * 32, decision_body=b"x", asked_by=person,
        asked_role="manager", asked_at=now, kept=[str(hold.pk)],
    )  # fmt: skip
    return {"hold": str(hold.pk), "deletion": str(deletion.pk)}


def broken(agency: Any, person: Any) -> None:
    """Two break-glasses of long words: one overdue for its review, one found a misuse."""
    from datetime import timedelta

    from gwanje.centre.common import clock
    from gwanje.centre.watching.models import Glass
    from gwanje.kernel.ids import uuid7

    now = clock().now()
    misuse = {"reviewed_at": now, "reviewed_by": uuid7(), "verdict": "misuse", "review_note": LONG * 5}
    # told already: the worker's alarm would stand in the feeds of the tests beside this one
    overdue: dict[str, Any] = {"escalated_at": now}
    for more in (overdue, misuse):
        Glass.objects.create(
            agency_id=agency, station=LONG[:40], person_id=person, ground="urgent_relief", words=LONG * 7,
            cameras=[str(uuid7()) for _ in range(5)], started_at=now - timedelta(days=2),
            until=now - timedelta(days=2) + timedelta(minutes=15), review_by=now - timedelta(days=1), **more,
        )  # fmt: skip


def lawful(admin: Any) -> dict[str, str]:
    """A contract, a duty that is late, a drafted policy, a sign: all of long words."""
    from datetime import timedelta

    from gwanje.centre.common import clock
    from gwanje.centre.duties import api as duties
    from gwanje.centre.publication import services as publication
    from gwanje.centre.publication.models import Sign
    from gwanje.centre.staff import api as staff
    from gwanje.centre.staff import contracts
    from gwanje.centre.staff.models import Person
    from gwanje.law.clocks import answer_request

    today = clock().local().date()
    chief = staff.actor_for(Person.objects.get(account="chief"), "관제석-1")
    scope = (next(iter(contracts.rules.SCOPES)),)
    terms = contracts.Terms(
        LONG, "031-123-4567", LONG, today, today + timedelta(days=30), scope, dict.fromkeys(contracts.ITEMS, LONG * 3)
    )
    facts = {"received_on": today - timedelta(days=30), "refused": False}
    owed = duties.owe_by(
        answer_request, facts, agency=admin.agency, subject_kind="request", subject=LONG, title_ko=LONG * 2,
        title_en=LONG * 2,
    )  # fmt: skip
    assert owed is not None
    sign = Sign.objects.create(
        agency_id=admin.agency, title=LONG, cameras=[], place="site", spot=LONG, put_up_on=today, lat="37.39",
        lon="126.95", text={"설치 목적": {"ko": LONG * 3, "en": LONG}}, text_sha256="ab" * 32, at=clock().now(),
        by=chief.person,
    )  # fmt: skip
    return {
        "contract": str(contracts.conclude(terms, admin).pk),
        "duty": str(owed.pk),
        "version": str(publication.draft(chief, "policy", today + timedelta(days=20), LONG * 3).pk),
        "sign": str(sign.pk),
    }


def things() -> dict[str, str]:
    """A person and a waiting national list with a 40-syllable name, a certificate; no camera: maps count them."""
    from gwanje.centre.cameras import importing
    from gwanje.centre.staff import api as staff
    from gwanje.centre.staff import services
    from gwanje.centre.staff.models import Person

    admin = Person.objects.select_related("agency").get(account="admin")
    actor = staff.actor_for(admin, "관제석-4")
    person = services.create_person("long", LONG, admin.agency, "긴-비밀번호-2026-가온")
    broken(admin.agency_id, person.pk)
    batch = importing.preview(actor, f"{LONG}.csv", f"{HEADER}\n{LINE}\n{LINE}\n,,,,,,,,,,,,\n".encode())
    return {
        "person": str(person.pk),
        "batch": str(batch.pk),
        "certificate": certificate(),
        "fault": fault(admin.agency_id),
        **held(admin.agency_id, person),
        **lawful(actor),
    }


if __name__ == "__main__":
    django.setup()
    from gwanje.centre.common import system_scope

    with system_scope():
        print(json.dumps({"routes": routes(), "things": things()}))

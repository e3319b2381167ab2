"""Forms filled from rows name no place whose sign is left out; a blank form is made once a day, a few are kept."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest

from gwanje.centre import common
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock
from gwanje.centre.common.kept import Kept
from gwanje.centre.papers import filling, printing
from gwanje.centre.publication.models import Sign
from gwanje.centre.staff import api as staff
from gwanje.kernel.ids import uuid7
from gwanje.law import load

pytestmark = pytest.mark.django_db(transaction=False)


@pytest.fixture
def city_of(monkeypatch):
    """``city_of("kr_osan")``: the same centre under another city's pack."""
    return lambda name: monkeypatch.setattr(common, "packs", lambda: load(("kr_national", name)))


@pytest.fixture
def camera(city):
    """``camera("I-1", place, …)``: a running camera of the city."""

    def made(number, place, **said):
        base = {"lat": "37.4", "lon": "126.9", "state": "active", "created_at": clock().now()}
        own = {"agency_id": city.pk, "owner_id": city.pk, "number": number, "place": place, **base}
        return Camera.objects.create(id=uuid7(), changed_at=clock().now(), **{**own, **said})

    return made


@pytest.fixture
def leave_out(city):
    """``leave_out(camera)``: the sign of some cameras is left out for security's sake."""

    def recorded(*cameras, **said):
        base = {"agency_id": city.pk, "title": "비움", "place": "none", "exemption": "생략/국가보안시설", "lat": "37.4"}
        own = {"lon": "126.9", "put_up_on": clock().local().date(), "at": clock().now(), "by": uuid4()}
        return Sign.objects.create(cameras=[str(c.pk) for c in cameras], **{**base, **own, **said})

    return recorded


@pytest.fixture
def manager(sign_in, officers):
    """The manager's browser."""
    return sign_in(officers["manager"])


@pytest.mark.parametrize("ended", [False, True])
def test_the_policys_table_names_no_place_that_is_left_out(manager, city, city_of, camera, leave_out, ended):
    city_of("kr_incheon")
    row = next(row for row in common.law().retention_rows() if row.department and row.sites)
    own = {"department": row.department, "purposes": list(row.purposes)}
    # a department of the source's rows, and one that only the register has
    shown = [camera("I-1", "열린 사거리", **own), camera("I-2", "열린 공원", department="달빛과")]
    unsaid = [camera("I-3", "닫힌 사거리", **own), camera("I-4", "닫힌 공원", department="달빛과")]
    leave_out(*unsaid, ended_at=clock().now() if ended else None)
    actor = staff.actor_for(staff.holders("manager", agency=city.pk).get(), "관제석-1")
    entries = {e["department"]: e for e in filling.departments(actor)["entries"] if e["count"] == "2대"}
    assert entries.keys() == {row.department, "달빛과"}
    places = {place for e in entries.values() for place in e["where"].splitlines()}
    assert places == {c.place for c in (shown + unsaid if ended else shown)}
    for kind in ("rows/", "fill/"):
        page = manager.get(f"/papers/kr_incheon/INC-POLICY/{kind}").content.decode()
        assert ("닫힌 사거리" in page) == (ended and kind == "rows/")


def test_the_installed_devices_count_what_is_left_out_and_name_no_place(manager, city_of, camera, leave_out):
    city_of("kr_osan")
    crime = {"classes": {"ordinance": ["사회안정/방범용"]}, "department": "회계과"}
    camera("O-1", "열린 사거리", **crime)
    leave_out(camera("O-2", "닫힌 사거리", **crime))
    page = manager.get("/papers/kr_osan/OSA-F1/rows/").content.decode()
    lines = [re.findall(r"<td>(.*?)</td>", line) for line in re.findall("<tr>(<td>.*?)</tr>", page)]
    assert [(line[1], line[8]) for line in lines] == [("회계과", "2")]
    assert "사거리" not in page


@pytest.fixture
def made(monkeypatch):
    """Blank files that were really made: (form, kind)."""
    found, own = [], printing.files.response

    def response(schema, values, kind):
        found.append((schema.id, kind))
        return own(schema, values, kind)

    monkeypatch.setattr(printing.files, "response", response)
    monkeypatch.setattr(printing, "_blank", Kept(printing.BLANK_MAX))
    return found


def test_a_citizens_blank_form_is_made_once_a_day(stranger, made, monkeypatch):
    address = "/papers/public/kr_anyang/ANY-F2/"
    one, two = stranger.get(f"{address}hwpx"), stranger.get(f"{address}hwpx")
    assert one.content == two.content
    assert one["Content-Type"] == two["Content-Type"] == "application/hwp+zip"
    assert one["Content-Disposition"] == two["Content-Disposition"]
    assert made == [("ANY-F2", "hwpx")]
    stranger.get(f"{address}pdf")
    assert len(made) == 2
    for _ in range(3):
        assert stranger.get(f"{address}docx").status_code == 404
    assert len(printing._blank) == 2


def test_so_many_blank_forms_are_kept_and_one_day_each(made, advance):
    schema = printing.find("kr_anyang", "ANY-F2")
    printing.blank(schema, "hwpx")
    advance(timedelta(days=1).total_seconds())
    printing.blank(schema, "hwpx")
    assert len(made) == 2
    assert printing.BLANK_MAX == 32
    for _ in range(printing.BLANK_MAX + 2):
        advance(timedelta(days=1).total_seconds())
        printing.blank(schema, "hwpx")
    assert len(printing._blank) == printing.BLANK_MAX

"""The door itself: a right password at a wrong address stays outside, and the default locks nobody out."""

from __future__ import annotations

import pytest

from gwanje.centre import common
from gwanje.centre.staff import login
from support.centre import PASSWORD, ledger_rows
from support.staff import law

pytestmark = pytest.mark.django_db


@pytest.fixture
def ruled(monkeypatch):
    """The city has a rule of allowed addresses."""
    monkeypatch.setattr(common, "packs", law)


def knock(stranger, person, seat, address, password=PASSWORD):
    data = {"account": person.account, "password": password, "station": seat.code}
    return stranger.post("/login/", data, REMOTE_ADDR=address)


@pytest.mark.norm("access.allow_list", "deny")
def test_an_address_outside_the_list_stays_outside(ruled, stranger, hire, seat, monkeypatch):
    monkeypatch.setitem(common.home().config, "allowed_networks", ["10.20.0.0/16"])
    person = hire("operator")
    answer = knock(stranger, person, seat, "192.0.2.9")
    assert answer.status_code == 403
    assert "허용된 주소가 아닙니다" in answer.content.decode()
    assert stranger.get("/staff/me/").status_code == 302
    kind, outcome, row = ledger_rows()[-1]
    assert (kind, outcome, row["norms"]) == ("staff.login.refused", "refused", ["access.allow_list"])
    # who does not know the password does not learn of the list
    assert knock(stranger, person, seat, "192.0.2.9", "다른 비밀번호 아무거나").status_code == 401


@pytest.mark.norm("access.allow_list", "allow")
def test_an_address_of_the_list_enters(ruled, stranger, hire, seat, monkeypatch):
    monkeypatch.setitem(common.home().config, "allowed_networks", ["10.20.0.0/16"])
    assert knock(stranger, hire("operator"), seat, "10.20.3.4").status_code == 302
    assert stranger.get("/staff/me/").status_code == 200


@pytest.mark.norm("access.allow_list", "allow")
def test_without_a_setting_every_registered_station_enters(ruled, stranger, hire, seat):
    assert login.allowed_networks() == list(login.ANYWHERE)
    assert knock(stranger, hire("operator"), seat, "2001:db8::5").status_code == 302


def test_a_city_without_the_rule_does_not_ask(stranger, hire, seat, monkeypatch):
    monkeypatch.setitem(common.home().config, "allowed_networks", ["10.20.0.0/16"])
    monkeypatch.setattr(common, "packs", plain)
    assert knock(stranger, hire("operator"), seat, "192.0.2.9").status_code == 302


def plain():
    from gwanje.law import load

    return load(["kr_national", "kr_anyang"])

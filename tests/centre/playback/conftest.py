"""A camera with footage of the last half hour, and officers whom vaultd knows."""

from __future__ import annotations

import pytest

from gwanje.centre import common
from gwanje.centre.staff import services as staff
from support import vault
from support.centre import PASSWORD
from support.playback import place, record


@pytest.fixture(scope="module")
def vaultd():
    """A real vaultd; it ends with the module, because other tests ask what happens while it is away."""
    with vault.running() as process:
        yield process


@pytest.fixture
def officer(city):
    """``officer("manager")`` → the account of the officer whom vaultd has registered in that role."""

    def make(role):
        person = staff.create_person(f"officer-{role}", f"담당 {role}", city, PASSWORD, id_=vault.OFFICERS[role])
        staff.grant_role(person, role, "인사발령 가온-9")
        return person

    return make


@pytest.fixture
def now_s():
    """The present, Unix seconds, odd."""
    return common.clock().now_s() // 2 * 2 - 1


@pytest.fixture
def camera(city, now_s):
    """A camera in slot 7 that recorded the last half hour."""
    made = place(city, "A-0101", 7)
    record(made, 7, now_s - 1800, now_s)
    return made

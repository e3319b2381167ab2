"""A real vaultd whose officers are the tests' accounts, and a camera whose present hour vaultd has lent."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from gwanje.centre import common
from gwanje.centre.staff import services as staff
from gwanje.vault.client import VaultClient
from support import home, vault
from support.centre import PASSWORD
from support.playback import place, record


@pytest.fixture(scope="module")
def vaultd():
    """A real vaultd with class 1; it ends with the module, because other tests ask what happens while it is away."""
    with vault.running() as process:
        client = VaultClient(home(), "web")
        client.set_class(1, "days", 30, "제31조")
        client.close()
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
def span(vaultd):
    """(first, until) of twenty seconds that are past and whose hour's key vaultd has made."""
    while common.clock().now_s() % 3600 < 40:
        time.sleep(1)
    now = common.clock().now_s()
    return now - 30, now - 10


@pytest.fixture
def camera(city, span):
    """A camera in the slot that vaultd gave it, with footage of the span and a minute before it."""
    made = place(city, "A-0201", 0)
    slot = VaultClient(home(), "web").slot(made.pk)
    connection.cursor().execute("update footage_source set slot = %s where camera = %s", [slot, made.pk])
    VaultClient(home(), "recorder").lend(1, slot, span[0] // 3600)
    hour = span[0] // 3600 * 3600
    record(made, slot, max(hour, span[0] - 60), span[1])
    return made


@pytest.fixture
def wanted(camera, span):
    """``wanted(case="…")`` → the body of a hold of the span."""

    def make(**changes):
        said = {
            "cameras": [str(camera.pk)], "first": span[0], "until": span[1], "ground": "investigation",
            "case": "형사과-1234", "reason": "절도 사건의 동선 확인", **changes,
        }  # fmt: skip
        return said

    return make

"""Limits of lists: no page and no list of the API is longer than it says, and no number asked for is an incident."""

from __future__ import annotations

import re

import pytest

from gwanje.apps.web.api import api

pytestmark = pytest.mark.django_db

HUGE = 10**30
LONGEST = 2000
PAGES = ("/cameras/", "/cameras/points/", "/staff/", "/playback/", "/retention/", "/retention/certificates/",
         "/watch/emergencies/")  # fmt: skip


def lists() -> list[tuple[str, str]]:
    """(path, parameter) of every offset or limit in the OpenAPI document."""
    return [
        (path, parameter["name"])
        for path, methods in api.get_openapi_schema()["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if parameter["name"] in ("offset", "limit")
    ]


@pytest.fixture
def browser(hire, sign_in):
    """Somebody who may read every list."""
    return sign_in(hire("chief_officer", "manager", "privacy_officer"), duty=True)


def test_every_list_of_the_api_has_its_limit(browser):
    found = lists()
    assert len({path for path, _ in found}) >= 5
    for path, name in found:
        for number in (0, -1, 1000, 2**31, 2**63, HUGE, -HUGE):
            answer = browser.get(path, query_params={name: number})
            assert answer.status_code in (200, 422), f"{path}?{name}={number}: {answer.status_code}"


def test_every_list_says_in_the_document_how_long_it_gets():
    document = api.get_openapi_schema()["paths"]
    for path, name in lists():
        schema = next(p for p in document[path]["get"]["parameters"] if p["name"] == name)["schema"]
        if name == "limit":
            assert 1 <= schema.get("maximum", 0) <= LONGEST, f"{path}: {schema}"
        assert schema.get("maximum"), f"{path}: {name} has no end"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_number_is_no_incident(browser, path):
    for number in ("0", "-1", "x", str(HUGE), "²", "1" * 5000):
        answer = browser.get(path, query_params={"page": number})
        assert answer.status_code in (200, 404, 422), f"{path}?page={number[:40]}: {answer.status_code}"
        assert not re.search("Traceback|incident", answer.content.decode())

"""Reading and running the access matrix; the form of a row is in tests/matrix/README.md."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.core.signals import request_finished
from django.db import close_old_connections, connection, transaction
from django.urls import URLPattern, get_resolver, reverse

from gwanje.centre import common
from gwanje.centre.staff import api as staff
from gwanje.centre.staff import services
from gwanje.centre.staff.models import Shift
from gwanje.kernel.actor import ROLES
from gwanje.kernel.rls import set_scope
from support.centre import Browser, enter

FOLDER = Path(__file__).parents[1] / "matrix"
OUTCOMES = ("ok", "bad", "refused", "hidden", "login", "away")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXTRAS = ("other_agency", "anonymous")


def rows() -> dict[str, dict[str, Any]]:
    """All rows by URL name or operation id; a name in two files is a fault."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        for name, row in (yaml.safe_load(file.read_text()) or {}).items():
            assert name not in found, f"{file.name}: {name} stands twice"
            found[name] = {**row, "file": file.stem}
    return found


def pages() -> dict[str, str]:
    """Every URL name of the URL conf but the API's operations, with its pattern; an unnamed URL is a fault."""
    found: dict[str, str] = {}

    def walk(patterns: list[Any], space: str, prefix: str) -> None:
        for item in patterns:
            route = prefix + str(item.pattern)
            if isinstance(item, URLPattern):
                if space == "api:":
                    continue
                assert item.name, f"the URL {route} has no name"
                found[space + item.name] = route
            else:
                inner = f"{space}{item.namespace}:" if item.namespace else space
                walk(item.url_patterns, inner, route)

    walk(get_resolver().url_patterns, "", "")
    return found


@cache
def operations() -> dict[str, tuple[str, str]]:
    """Every API operation: operation id → (method, path)."""
    from gwanje.apps.web.api import api

    schema = api.get_openapi_schema()
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


@dataclass
class World:
    """The people and things that the matrix is asked with."""

    city: Any
    other: Any
    seat: Any
    room: Any
    officers: dict[str, Any]
    stranger_officer: Any
    other_seat: Any
    made: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    refusals: int = 0
    cookies: dict[tuple[str, bool], dict[str, str]] = field(default_factory=dict)

    def thing(self, word: Any) -> Any:
        """An object by its word, made once; what is no word stays as it is."""
        if not isinstance(word, str) or word not in self.makers():
            return word
        if word not in self.made:
            self.made[word] = self.makers()[word](self)
        thing = self.made[word]
        return getattr(thing, "pk", thing)

    def makers(self) -> dict[str, Any]:
        """Built-in objects and those of the rooms."""
        if not self.known:
            self.known |= {
                "person": lambda w: w.officers["operator"],
                "grant": lambda w: w.officers["operator"].grants.first(),
                "station": lambda w: w.seat,
                "agency": lambda w: w.city,
            }
            for file in sorted(FOLDER.glob("objects_*.py")):
                spec = importlib.util.spec_from_file_location(file.stem, file)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                self.known |= module.OBJECTS
        return self.known

    def seat_of(self, actor: str, *, room: bool) -> Any:
        """The station at which an actor sits."""
        return self.other_seat if actor == "other_agency" else (self.room if room else self.seat)

    def ready(self, actor: str, *, room: bool) -> None:
        """Log the actor in there and start a shift, once a run; outside any savepoint, so that both stay."""
        if actor == "anonymous" or (actor, room) in self.cookies:
            return
        own, seat = self.person(actor), self.seat_of(actor, room=room)
        if staff.shift_of(own.pk) is None:
            services.start_shift(own, seat.code)
        self.cookies[actor, room] = {key: morsel.value for key, morsel in enter(Browser(), own, seat).cookies.items()}

    def person(self, actor: str) -> Any:
        """The account of an actor."""
        return self.stranger_officer if actor == "other_agency" else self.officers[actor]

    def browser(self, actor: str, *, room: bool, duty: bool) -> Browser:
        """A browser of an actor of the matrix, on duty at its seat or not at all."""
        browser = Browser()
        if actor != "anonymous":
            browser.cookies.load(self.cookies[actor, room])
            shift = Shift.objects.filter(person=self.person(actor), ended_at__isnull=True)
            shift.update(
                **({"station": self.seat_of(actor, room=room)} if duty else {"ended_at": common.clock().now()})
            )
        return browser


def expected(line: dict[str, Any]) -> dict[str, str]:
    """Actor → outcome of one method's line; every role has one."""
    said: dict[str, str] = {"anonymous": "login"}
    rest = ""
    for word, who in line.items():
        if word in OUTCOMES and who == "rest":
            rest = word
        elif word in OUTCOMES:
            for actor in who:
                assert actor in (*ROLES, *EXTRAS), f"unknown actor {actor}"
                said[actor] = word
        elif word in EXTRAS:
            assert who in OUTCOMES, f"unknown outcome {who}"
            said[word] = who
        else:
            assert word in ("data", "query", "room", "off_duty"), f"unknown word {word}"
    for role in ROLES:
        if role not in said:
            assert rest, f"nothing said about {role}"
            said[role] = rest
    assert "other_agency" in said, "nothing said about other_agency"
    return said


def outcome(response: Any) -> str:
    """The matrix's word for an answer."""
    status = response.status_code
    if status == 401 or (status == 302 and response["Location"].startswith("/login/")):
        return "login"
    if 200 <= status < 400:
        return "ok"
    return {400: "bad", 409: "bad", 422: "bad", 403: "refused", 404: "hidden", 503: "away"}.get(status, str(status))


def address(name: str, row: dict[str, Any], world: World) -> str:
    """The URL of a row."""
    args = {key: world.thing(word) for key, word in (row.get("args") or {}).items()}
    known = operations()
    if name in known:
        return re.sub(r"\{(\w+)\}", lambda match: str(args[match.group(1)]), known[name][1])
    return reverse(name, kwargs=args)


def _filled(world: World, value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(world, item) for item in value]
    return str(world.thing(value)) if isinstance(value, str) and value in world.makers() else value


def _refusals(world: World) -> int:
    """Ledger rows of what the other agency was refused."""
    cursor = connection.cursor()
    cursor.execute("select count(*) from ledger_opening where outcome = 'refused' and agency = %s", [world.other.pk])
    return int(cursor.fetchone()[0])


def ask(world: World, name: str, row: dict[str, Any], method: str, actor: str, *, duty: bool = True) -> str:
    """Ask once inside a savepoint that is rolled back, so that no answer changes the next."""
    line = row.get(method) or {}
    url = address(name, row, world)
    data = {key: _filled(world, value) for key, value in (line.get("data") or {}).items()}
    room = bool(line.get("room"))
    world.ready(actor, room=room)
    point = transaction.savepoint()
    before = _refusals(world)
    try:
        browser = world.browser(actor, room=room, duty=duty)
        options: dict[str, Any] = {"query_params": line.get("query")} if line.get("query") else {}
        if method == "GET":
            response = browser.get(url, **options)
        elif name in operations():
            response = browser.generic(method, url, json.dumps(data), content_type="application/json", **options)
        else:
            response = browser.post(url, data, **options)
        if getattr(response, "streaming", False):
            # an answer that streams is left unread; its end must not close the test's own connection
            request_finished.disconnect(close_old_connections)
            response.close()
            request_finished.connect(close_old_connections)
        world.refusals = _refusals(world) - before
        return outcome(response)
    finally:
        transaction.savepoint_rollback(point)
        set_scope(connection.cursor(), "system")

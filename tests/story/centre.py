"""The whole centre for story tests: started as a person starts it, driven over HTTP, WebSocket and pids."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gwanje.kernel.home import Home
from support import free_port

GWANJE = [sys.executable, "-m", "gwanje.apps.cli"]
READY_S = 240
SLOWER = 3
PASSWORD = "gwanje-demo-2026"


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    url: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Visitor:
    """One person's browser without a browser: cookies, CSRF token, forms and API calls."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def _token(self) -> str:
        return next((c.value or "" for c in self.jar if "csrf" in c.name), "")

    def send(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> Answer:
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Referer", self.base + "/")
        request.add_header("X-CSRFToken", self._token())
        if kind:
            request.add_header("Content-Type", kind)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.read(), answer.url)
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), error.url or path)

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def form(self, path: str, **fields: Any) -> Answer:
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": self._token(), **fields}, doseq=True).encode()
        return self.send("POST", path, data, "application/x-www-form-urlencoded")

    def post(self, path: str, body: Any = None) -> Answer:
        return self.send("POST", path, json.dumps(body or {}).encode(), "application/json")


@dataclass
class Centre:
    """A running centre of one data folder."""

    home: Home
    process: subprocess.Popen[bytes]
    log: Path
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://localhost:{self.home.port}"

    def status(self) -> dict[str, Any]:
        return json.loads((self.home.run / "status.json").read_text())

    def pid(self, service: str) -> int:
        return int(self.status()["services"][service]["pid"] or 0)

    def command(self, *words: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*GWANJE, "--data", str(self.home.root), *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=check,
            env=environment(self.home),
            **more,
        )

    def sign_in(self, account: str, station: str, *, shift: bool = True) -> Visitor:
        """A visitor who has logged in at a station, on shift unless told otherwise."""
        visitor = Visitor(self.base)
        visitor.get("/login/")
        done = visitor.form("/login/", account=account, password=PASSWORD, station=station)
        assert done.status == 200, done.text[:500]
        assert "/login/" not in done.url, f"{account} could not log in: {done.text[:500]}"
        if shift:
            started = visitor.post("/api/staff/shift/start")
            if started.status != 200 and started.json["error"] == "shift_open":
                # a test before left this person on shift at another station
                visitor.post("/api/staff/shift/end")
                started = visitor.post("/api/staff/shift/start")
            assert started.status == 200, started.text
        return visitor

    def sign_in_all(self) -> dict[str, Visitor]:
        """One person a role at the viewing room's station, and a stranger of another agency at his own."""
        people = {
            "operator": ("operator", "열람실-1"),
            "chief_officer": ("chief", "열람실-1"),
            "manager": ("manager", "관제석-1"),
            "auditor": ("auditor", "관제석-2"),
            "stranger": ("neighbour2", "이웃석-1"),
        }
        return {role: self.sign_in(*who) for role, who in people.items()}

    def stop(self, limit_s: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(limit_s)


def temporary(home: Home) -> Path:
    """The centre's own temporary folder: whatever a process of it would leave behind lies there."""
    return home.root.with_name(f"{home.root.name}.tmp")


def environment(home: Home) -> dict[str, str]:
    place = {"GWANJE_DATA": str(home.root), "GWANJE_PORT": str(home.port), "TMPDIR": str(temporary(home))}
    return {**os.environ, **place}


def until(what: str, condition: Callable[[], Any], limit_s: float = 30, pause_s: float = 0.1) -> Any:
    """Ask until the answer is true; the answer. AssertionError naming ``what`` after the limit.

    ``limit_s``: on a machine of two idle cores; a slower one has three times that.
    """
    end = time.monotonic() + SLOWER * limit_s
    last: Any = None
    while time.monotonic() < end:
        with contextlib.suppress(OSError, KeyError, ValueError):
            last = condition()
            if last:
                return last
        time.sleep(pause_s)
    raise AssertionError(f"not within {SLOWER * limit_s:.0f} s: {what} (last answer: {str(last)[:300]})")


@contextlib.contextmanager
def running(root: Path, *words: str, settable_clock: bool = False) -> Iterator[Centre]:
    """Start ``gwanje supervise --demo`` on a folder, wait for its ready line, end it and everything it started."""
    port = free_port()
    home = Home.create(root, settable_clock=settable_clock, port=port, demo=True)
    home = Home(root.resolve())
    temporary(home).mkdir(mode=0o700, exist_ok=True)
    log = root.parent / f"{root.name}.supervisor.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*GWANJE, "--data", str(home.root), "supervise", "--demo", "--port", str(home.port), *words],
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            env=environment(home),
            start_new_session=True,
        )
    centre = Centre(home, process, log)
    try:
        until("ready", lambda: _ready(centre), READY_S, 0.25)
        yield centre
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            centre.stop()
        if process.poll() is None:
            process.kill()
            process.wait(10)


def _ready(centre: Centre) -> bool:
    if centre.process.poll() is not None:
        raise AssertionError(f"the supervisor ended: {centre.log.read_text()[-3000:]}")
    return b"ready http://" in centre.log.read_bytes()

"""A person at a terminal (명령줄 이용자): the pages' API over HTTP with the same log-in, rights and ledger rows."""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Origin

from gwanje.kernel.home import Home

ANSWER_MAX = 16 << 20
TIMEOUT_S = 30
PIECES_MAX = 100_000


@dataclass(frozen=True)
class Answer:
    """Status and body of one answer; ``body`` is what JSON gave, or text."""

    status: int
    body: Any


class Visitor:
    """One log-in at one station; cookies live as long as the object."""

    def __init__(self, home: Home) -> None:
        self.base = f"http://localhost:{home.port}"
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    def _token(self) -> str:
        return next((c.value or "" for c in self._jar if "csrf" in c.name), "")

    def _send(self, method: str, path: str, data: bytes | None, kind: str) -> tuple[Answer, str]:
        # the base is always http://localhost, so no other scheme can come in
        request = urllib.request.Request(self.base + path, data=data, method=method)  # noqa: S310
        for name, value in (("Referer", self.base + "/"), ("X-CSRFToken", self._token()), ("Content-Type", kind)):
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                raw, status, url = answer.read(ANSWER_MAX), answer.status, answer.url
        except urllib.error.HTTPError as error:
            raw, status, url = error.read(ANSWER_MAX), error.code, error.url or path
        text = raw.decode("utf-8", "replace")
        try:
            return Answer(status, json.loads(text)), url
        except ValueError:
            return Answer(status, text), url

    def sign_in(self, account: str, station: str, password: str) -> None:
        """Log in; PermissionError with the page's status when refused."""
        self._send("GET", "/login/", None, "text/html")
        fields = {"csrfmiddlewaretoken": self._token(), "account": account, "password": password, "station": station}
        data = urllib.parse.urlencode(fields).encode()
        answer, url = self._send("POST", "/login/", data, "application/x-www-form-urlencoded")
        if answer.status != 200 or "/login/" in url:
            raise PermissionError(f"{account}: 로그인이 거부되었습니다 / log-in refused (HTTP {answer.status})")

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """One API call; unsafe methods carry the CSRF token."""
        data = None if method == "GET" else json.dumps(body or {}).encode()
        return self._send(method, path, data, "application/json")[0]


@dataclass(frozen=True)
class Viewed:
    """What a viewing gave: seconds with a picture, bytes, messages of refusal or gaps. No picture is kept."""

    seconds: list[int]
    size: int
    messages: list[dict[str, Any]]


def view(visitor: Visitor, given: dict[str, Any], camera: str, first: int) -> Viewed:
    """Spend a Permit and count what the player sends; the pictures are dropped as they come."""
    return asyncio.run(_view(visitor.base, given, camera, first))


async def _view(base: str, given: dict[str, Any], camera: str, first: int) -> Viewed:
    seconds: set[int] = set()
    size, messages = 0, []
    async with connect(given["url"], origin=Origin(base), max_size=ANSWER_MAX) as socket:
        await socket.send(json.dumps({"permit": given["permit"], "viewer": given["viewer"]}))
        for _ in range(PIECES_MAX):
            message = await asyncio.wait_for(socket.recv(), TIMEOUT_S)
            if isinstance(message, bytes):
                size += len(message) - 9
                if message[0] == 2:
                    seconds.add(int.from_bytes(message[1:9], "big") // 1_000_000)
                    await socket.send(json.dumps({"type": "more", "n": 1}))
                continue
            said = json.loads(message)
            if said["type"] == "session":
                await socket.send(json.dumps({"type": "play", "camera": camera, "at": first, "speed": 4}))
            else:
                messages.append(said)
            if said["type"] in ("end", "error"):
                break
    return Viewed(sorted(seconds), size, messages)

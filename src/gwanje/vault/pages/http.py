"""A strict reader of HTTP/1.1 (RFC 9112) for vaultd's pages: one small request a connection, and then it closes.

It takes less than the RFC allows, on purpose: no pipelining, no transfer coding, no folded line, no absolute target,
so that nothing in front of it can read a request in another way than it does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

HEAD_MAX: Final = 16 * 1024
BODY_MAX: Final = 64 * 1024
HEADERS_MAX: Final = 64
TARGET_MAX: Final = 2048
HEAD_S: Final = 10.0
BODY_S: Final = 10.0
QUERY_MAX: Final = 4
_LINE = re.compile(rb"(GET|POST) (/[A-Za-z0-9/._~-]*)(?:\?([\x21-\x22\x24-\x7e]*))? HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z0-9-]{1,64}):[ \t]*([\x20-\x7e\x80-\xff\t]*)")
_LENGTH = re.compile(r"[0-9]{1,7}")
# what is read of a request; another one of these would be read by one side and not by the other
_ONCE: Final = frozenset(("host", "origin", "content-type", "content-length", "sec-fetch-site"))
WORDS: Final = {
    200: "OK", 303: "See Other", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 409: "Conflict", 413: "Content Too Large", 415: "Unsupported Media Type",
    421: "Misdirected Request", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class BadRequest(ValueError):
    """The bytes are no request that this reader takes; ``status`` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(WORDS[status])
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request. ``path`` as sent (no escapes are taken in it); ``headers`` lower case, those that are read."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """One answer; ``kind`` the media type."""

    status: int
    body: bytes
    kind: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()

    def packed(self, every: tuple[tuple[str, str], ...]) -> bytes:
        """The bytes on the wire; ``every``: header fields of all answers."""
        lines = [f"HTTP/1.1 {self.status} {WORDS[self.status]}", f"Content-Type: {self.kind}"]
        lines += [f"{name}: {value}" for name, value in (*every, *self.headers)]
        lines += [f"Content-Length: {len(self.body)}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode("ascii") + self.body


def head(raw: bytes) -> tuple[Request, int]:
    """A request without its body, and the body's length; ``raw`` ends with the empty line. BadRequest."""
    line, *fields = raw[:-4].split(b"\r\n")
    if len(line) > TARGET_MAX or len(fields) > HEADERS_MAX:
        raise BadRequest(431)
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadRequest(400)
    headers: dict[str, str] = {}
    for each in fields:
        pair = _FIELD.fullmatch(each)
        if pair is None:
            raise BadRequest(400)
        name = pair[1].decode().lower()
        if name in ("transfer-encoding", "upgrade", "expect"):
            raise BadRequest(400)
        if name in _ONCE:
            if name in headers:
                raise BadRequest(400)
            headers[name] = pair[2].decode("latin-1").strip(" \t")
    method = found[1].decode()
    return Request(method, found[2].decode(), _query(found[3] or b""), headers), _length(method, headers)


def _query(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), errors="strict", max_num_fields=QUERY_MAX)
    except ValueError:
        raise BadRequest(400) from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise BadRequest(400)
    return dict(pairs)


def _length(method: str, headers: Mapping[str, str]) -> int:
    said = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(said) or (method == "GET" and int(said)):
        raise BadRequest(400)
    if int(said) > BODY_MAX:
        raise BadRequest(413)
    return int(said)


async def receive(reader: asyncio.StreamReader) -> Request | None:
    """The request of a connection, None when the peer says nothing whole in time; BadRequest.

    ``reader`` is made with ``limit=HEAD_MAX``.
    """
    try:
        async with asyncio.timeout(HEAD_S):
            raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequest(431) from None
    except (asyncio.IncompleteReadError, TimeoutError):
        return None
    request, length = head(raw)
    if not length:
        return request
    try:
        async with asyncio.timeout(BODY_S):
            body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, TimeoutError):
        return None
    return Request(request.method, request.path, request.query, request.headers, body)

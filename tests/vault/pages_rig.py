"""The signing pages of one in-process vault, listening on a real socket; a browser as bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gwanje.vault.pages.app import Pages

SCRIPT = "(() => {})();\n"


@dataclass
class Reply:
    """What came back: status, fields in lower case, body."""

    status: int
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def talk(port: int, raw: bytes, limit_s: float = 30.0) -> bytes:
    """Send bytes, read until the peer closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=limit_s) as peer:
        peer.sendall(raw)
        got = b""
        while piece := peer.recv(65536):
            got += piece
    return got


@dataclass
class Browser:
    """Requests as a browser of the right origin sends them; ``fields`` replaces or, with None, drops one."""

    port: int
    origin: str

    def ask(self, method: str, path: str, body: bytes = b"", **fields: str | None) -> Reply:
        said: dict[str, str | None] = {"Host": self.origin.partition("://")[2]}
        if method == "POST":
            said |= {"Origin": self.origin, "Content-Type": "application/json", "Content-Length": str(len(body))}
        said |= {name.replace("_", "-"): value for name, value in fields.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in said.items() if v is not None), "", ""]
        return read(talk(self.port, "\r\n".join(lines).encode() + body))

    def get(self, path: str, **fields: str | None) -> Reply:
        return self.ask("GET", path, **fields)

    def post(self, path: str, body: Any, **fields: str | None) -> Reply:
        return self.ask("POST", path, json.dumps(body).encode(), **fields)


def read(raw: bytes) -> Reply:
    """One answer's bytes; status 0 when the connection was closed without any."""
    if not raw:
        return Reply(0)
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *rest = head.decode("ascii").split("\r\n")
    fields = dict(each.split(": ", 1) for each in rest)
    assert int(fields["Content-Length"]) == len(body)
    return Reply(int(line.split()[1]), {name.lower(): value for name, value in fields.items()}, body)


@contextmanager
def serving(pages: Pages) -> Iterator[int]:
    """The pages in a loop of their own, as in vaultd; the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(pages.step(), loop).result(30)
    try:
        yield pages.port
    finally:
        asyncio.run_coroutine_threadsafe(pages.close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def script(folder: Path) -> Path:
    """A script in the built one's place: what the bytes of a page are does not hang on it."""
    path = folder / "sign.js"
    path.write_text(SCRIPT)
    return path

"""The witness's HTTP side (외부 증인 서버): ``POST /add-checkpoint`` of C2SP tlog-witness, and nothing else.

Loopback only; what others reach is a web server with TLS in front of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from gwanje.apps.witness import Witness
from gwanje.kernel.ledger.cosign import REQUEST_MAX

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
PATH = "/add-checkpoint"


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None when it is too large."""
    data = b""
    while True:
        message = await receive()
        data += bytes(message.get("body", b""))
        if len(data) > REQUEST_MAX:
            return None
        if not message.get("more_body"):
            return data


def application(witness: Witness) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """An ASGI application over a witness."""

    async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, kind, text = 404, "text/plain; charset=utf-8", "not found\n"
        if scope["path"] == PATH and scope["method"] == "POST":
            body = await _body(receive)
            if body is None:
                status, text = 413, "the request is too large\n"
            else:
                status, kind, text = await asyncio.to_thread(witness.add_checkpoint, body)
        elif scope["path"] == PATH:
            status, text = 405, "POST is expected\n"
        data = text.encode()
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(data)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    return serve


class Server:
    """The server in a thread; ``port`` 0 takes a free one. Use it as a context."""

    def __init__(self, witness: Witness, port: int) -> None:
        config = uvicorn.Config(
            application(witness), host="127.0.0.1", port=port, lifespan="off", log_level="warning", access_log=False,
            limit_concurrency=64, timeout_keep_alive=15, timeout_graceful_shutdown=2, server_header=False,
            proxy_headers=False, h11_max_incomplete_event_size=64 * 1024,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="witness", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    def __enter__(self) -> Server:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError("포트를 열 수 없습니다 / the port cannot be opened")
            self._thread.join(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

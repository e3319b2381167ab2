"""Body limit (요청 크기 한도): no request, chunked or not, is read beyond it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class TooLarge(Exception):
    """The body passed the limit while it was read."""


class BodyLimit:
    """ASGI wrapper: 413 before the project sees a body of more than ``most`` bytes."""

    def __init__(self, app: App, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.most:
            await self._refuse(send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most:
                raise TooLarge
            return message

        try:
            await self.app(scope, counted, send)
        except TooLarge:
            # the body is read whole before any answer begins, so nothing was sent yet
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        limit = f"{self.most // 1024 // 1024} MB"
        body = {
            "error": "too_large",
            "ko": f"요청이 너무 큽니다. {limit}까지 받습니다.",
            "en": f"The request is too large; the limit is {limit}.",
            "rule": limit,
            "next": "파일을 나누어 올리십시오.",
        }
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": content})

"""A viewer of the player: Permit in, messages out, pictures decoded; what a browser's script does, in Python."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import av
from websockets.sync.client import connect

from gwanje.media.sim import counter

INIT, MEDIA = 1, 2


@dataclass
class Shown:
    """What one viewing gave: text messages, and per binary message (kind, µs, bytes)."""

    texts: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[tuple[int, int, bytes]] = field(default_factory=list)

    @property
    def seconds(self) -> list[int]:
        """Unix seconds of the media pieces."""
        return sorted({us // 1_000_000 for kind, us, _ in self.pieces if kind == MEDIA})

    @property
    def refused(self) -> str:
        """The refusal's code, or an empty text."""
        return next((t["code"] for t in self.texts if t["type"] == "error"), "")

    @property
    def session(self) -> str:
        """The session's token."""
        return next((t["session"] for t in self.texts if t["type"] == "session"), "")

    def counters(self) -> list[int | None]:
        """The burnt-in counter of every picture, as decoded from what was sent."""
        data = b"".join(body for _, _, body in self.pieces)
        with av.open(io.BytesIO(data), format="mp4") as box:
            return [counter.read(frame.to_ndarray(format="rgb24")) for frame in box.decode(video=0)]

    def tracks(self) -> list[str]:
        """Track types of what was sent."""
        data = b"".join(body for _, _, body in self.pieces)
        with av.open(io.BytesIO(data), format="mp4") as box:
            return [stream.type for stream in box.streams]


def play(url: str, origin: str, hello: dict[str, Any], camera: str, at: int, *, limit: int = 2000) -> Shown:
    """Open a viewing with ``hello`` (permit or session, and viewer), play one camera from ``at`` to its end."""
    shown = Shown()
    with connect(url, origin=origin, open_timeout=10, close_timeout=2, max_size=1 << 24) as socket:  # type: ignore[arg-type]
        socket.send(json.dumps(hello))
        for _ in range(limit):
            message = socket.recv(timeout=15)
            if isinstance(message, bytes):
                shown.pieces.append((message[0], int.from_bytes(message[1:9], "big"), message[9:]))
                if message[0] == MEDIA:
                    socket.send(json.dumps({"type": "more", "n": 1}))
                continue
            text = json.loads(message)
            shown.texts.append(text)
            if text["type"] == "session":
                socket.send(json.dumps({"type": "play", "camera": camera, "at": at, "speed": 4}))
            if text["type"] in ("end", "error"):
                break
    return shown

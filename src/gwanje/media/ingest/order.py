"""What the recorder asks of a child (수신 지시): one message over the control socket, with the stream's socket."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass, field
from typing import Any

ORDER_MAX = 48 * 1024
PYAV, SNAPSHOT = "pyav", "snapshot"


@dataclass(frozen=True)
class Order:
    """One stream to read. ``url`` names no account; ``device`` is the source's; ``reach``: kernel.reach as JSON."""

    id: int
    kind: str
    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    device: dict[str, Any] = field(default_factory=dict)
    reach: dict[str, Any] = field(default_factory=dict)

    def send(self, control: socket.socket, stream: socket.socket) -> None:
        """Hand it over with the child's end of the stream's socket pair; OSError when the child takes nothing."""
        socket.send_fds(control, [json.dumps(asdict(self)).encode()], [stream.fileno()])


def receive(control: socket.socket) -> tuple[Order, socket.socket] | None:
    """The next order, None when the recorder has gone; TimeoutError when none came."""
    data, handles, _, _ = socket.recv_fds(control, ORDER_MAX, 1)
    if not data or not handles:
        return None
    return Order(**json.loads(data)), socket.socket(fileno=handles[0])

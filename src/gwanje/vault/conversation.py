"""A replica as its vaultd knows it, and a conversation with it (복제본 연결): its key is pinned, it speaks first."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from gwanje.kernel import wire
from gwanje.kernel.home import Home
from gwanje.vault import tls
from gwanje.vault.door import keep
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Peer
from gwanje.vault.replica import Held, address_of, send_content

CONNECT_S: Final = 3.0
ANSWER_S: Final = 15.0
# a promoted place counts on from here: what the lost primary may still have written stays below
TERM: Final = 1 << 24


def above(generation: int) -> int:
    """The first generation of the next term: whatever another place still wrote stays below it."""
    return (generation // TERM + 1) * TERM


@dataclass
class Link:
    """One place as this process knows it. ``known``: contents it may truthfully hold, generation → digest."""

    peer: Peer
    known: dict[int, bytes]
    acknowledged: int = 0
    digest: bytes = b""
    signature: bytes = b""
    answered: bool = False
    trouble: str = "away"
    behind_us: int | None = None
    told: bool = False
    held: Held | None = None
    drill_after: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Conversation:
    """A connection to one place: what it says of itself, then questions in turn."""

    def __init__(self, home: Home, centre: UUID, peer: Peer, answer_s: float = ANSWER_S) -> None:
        host, port = address_of(peer.address)
        context = tls.client_context(home, tls.SERVICE, peer.certificate)
        plain = socket.create_connection((host, port), CONNECT_S)
        try:
            keep(plain)
            self.sock = context.wrap_socket(plain)
            self.sock.settimeout(answer_s)
            self.held = Held.of(wire.receive(self.sock), centre, peer.key)
            if self.held.number != peer.number:
                raise VaultError("replica_false", f"{self.held.number}")
        except BaseException:
            plain.close()
            raise

    def ask(self, request: dict[str, Any], after: bytes = b"") -> dict[str, Any]:
        """One question; VaultError with the place's code when it refuses."""
        wire.send(self.sock, request)
        if after:
            send_content(self.sock, after)
        answer = wire.receive(self.sock)
        if answer.get("ok") is not True:
            raise VaultError(str(answer.get("error", "internal")), str(answer.get("detail", ""))[:200])
        return answer

    def close(self) -> None:
        """Leave."""
        with suppress(OSError):
            self.sock.close()

"""vaultd's door for a fleet (녹화기 접속구): TCP with TLS 1.3, opened by config, for recorders and players.

``vault_listen`` of config.json: ``{"host": address, "port": number}``. Behind it are the same frames, the same hello
and the same table as on the Unix socket; who may come in is the list of certificates that two officers admitted.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gwanje.kernel.cose import key_id
from gwanje.kernel.home import Home
from gwanje.vault import tls
from gwanje.vault.errors import VaultError
from gwanje.vault.state import State

ROLES: Final = ("recorder", "player")
ADMITTED_MAX: Final = 1000
CONNECTIONS_MAX: Final = 512
CONNECTIONS_A_SERVICE: Final = 32
HANDSHAKE_S: Final = 5.0
GONE_MS: Final = 5000
log = logging.getLogger(__name__)
Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def admitted(state: State) -> dict[bytes, str]:
    """Key → role of every service that may come in by this door."""
    return {tls.public_key(der): name.partition("/")[0] for name, der in state.services.items() if "/" in name}


def admit(state: State, role: str, der: bytes) -> str:
    """Put a certificate into a draft; returns its key id (hex). VaultError ``certificate`` or ``limit``."""
    if role not in ROLES:
        raise VaultError("certificate", role[:20])
    key = tls.public_key(der)
    if key in state.services.values():
        # a local service's key must not open the door from afar
        raise VaultError("certificate", "the key of a service of this machine")
    if len(admitted(state)) >= ADMITTED_MAX:
        raise VaultError("limit", f"{ADMITTED_MAX} services")
    name = key_id(key).hex()
    state.services[f"{role}/{name}"] = bytes(der)
    return name


def dismiss(state: State, name: str) -> int:
    """Take a certificate out of a draft; returns how many entries went."""
    gone = [entry for entry in state.services if entry.partition("/")[2] == name and name]
    for entry in gone:
        del state.services[entry]
    return len(gone)


class Door:
    """The listener; ``step`` once a second keeps its trusted certificates those of the keystore."""

    def __init__(self, home: Home, state: Callable[[], State], accept: Accept) -> None:
        self._home, self._state, self._accept = home, state, accept
        self._server: asyncio.Server | None = None
        self._trusted: frozenset[bytes] | None = None
        self._place: dict[str, Any] | None = home.config.get("vault_listen")

    @property
    def port(self) -> int:
        """The port in use, 0 while closed."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server and self._server.sockets else 0

    async def step(self) -> None:
        """Open, or open anew with other certificates; an address that cannot be had is said and tried again."""
        if self._place is None:
            return
        trusted = frozenset(der for name, der in self._state().services.items() if "/" in name)
        if trusted == self._trusted and self._server is not None:
            return
        host, port = str(self._place["host"]), self.port or int(self._place["port"])
        await self.close()
        try:
            self._server = await asyncio.start_server(
                self._tuned, host, port, ssl=tls.server_context(self._home, trusted), backlog=CONNECTIONS_MAX,
                ssl_handshake_timeout=HANDSHAKE_S, reuse_address=True,
            )  # fmt: skip
        except OSError as error:
            log.error("the fleet's door cannot be opened: %s", error.strerror)
            return
        self._trusted = trusted
        log.info("the fleet's door is open for %d services", len(trusted))

    async def _tuned(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep(writer.get_extra_info("socket"))
        await self._accept(reader, writer)

    async def close(self) -> None:
        """No new connections; those that stand are asked at each request whether they still may."""
        if self._server is not None:
            self._server.close()
            self._server = None


def keep(sock: socket.socket) -> None:
    """A peer that is cut off is noticed within seconds, with or without requests."""
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MS),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ):
        sock.setsockopt(level, option, value)

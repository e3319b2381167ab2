"""vaultd's door for a fleet (녹화기 접속구): TCP with TLS 1.3, opened by config, for recorders and players.

``vault_listen`` of config.json: ``{"host": address, "port": number}``. Behind it are the same frames, the same hello
and the same table as on the Unix socket; who may come in is the list of certificates that two officers admitted.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
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
STRANGERS_MAX: Final = 64
STRANGERS_AN_ADDRESS: Final = 8
ACCEPT_PAUSE_S: Final = 0.5
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
    """The listener; ``step`` once a second keeps its trusted certificates those of the keystore.

    Who has not proved a key costs a place for 5 s at most: 64 at a time, 8 of one address; further ones are closed.
    """

    def __init__(self, home: Home, state: Callable[[], State], accept: Accept) -> None:
        self._home, self._state, self._accept = home, state, accept
        self._listener: socket.socket | None = None
        self._context: ssl.SSLContext | None = None
        self._trusted: frozenset[bytes] | None = None
        self._place: dict[str, Any] | None = home.config.get("vault_listen")
        self._strangers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.shut_out = 0

    @property
    def port(self) -> int:
        """The port in use, 0 while closed."""
        return int(self._listener.getsockname()[1]) if self._listener else 0

    async def step(self) -> None:
        """Open, and trust whom the keystore trusts now; an address that cannot be had is said and tried again."""
        if self._place is None:
            return
        trusted = frozenset(der for name, der in self._state().services.items() if "/" in name)
        if trusted != self._trusted:
            self._context = tls.server_context(self._home, trusted)
            self._trusted = trusted
            log.info("the fleet's door lets in %d services", len(trusted))
        if self._listener is not None:
            return
        host = str(self._place["host"])
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server(
                (host, int(self._place["port"])), family=family, backlog=CONNECTIONS_MAX
            )
        except OSError as error:
            log.error("the fleet's door cannot be opened: %s", error.strerror)
            return
        self._listener.setblocking(False)
        self._begin(self._run(self._listener))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, address = await loop.sock_accept(listener)
            except OSError as error:
                # out of descriptors: those that stand go on, new ones wait
                log.error("the fleet's door cannot take a connection: %s", error.strerror)
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            host = str(address[0])
            if self._strangers[host] >= STRANGERS_AN_ADDRESS or self._strangers.total() >= STRANGERS_MAX:
                self.shut_out += 1
                if self.shut_out.bit_count() == 1:
                    log.warning("too many strangers at the fleet's door: %d were shut out", self.shut_out)
                sock.close()
                continue
            self._strangers[host] += 1
            self._begin(self._greet(sock, host))

    async def _greet(self, sock: socket.socket, host: str) -> None:
        """The handshake; behind it the connection is counted by its key."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader, self._accept)
        try:
            keep(sock)
            async with asyncio.timeout(HANDSHAKE_S):
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: protocol, sock, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S
                )
        except OSError as error:
            log.debug("a stranger left the fleet's door: %s", type(error).__name__)
            sock.close()
        finally:
            self._strangers[host] -= 1
            if not self._strangers[host]:
                del self._strangers[host]

    async def close(self) -> None:
        """No new connections; those that stand are asked at each request whether they still may."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
            self._listener = None


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

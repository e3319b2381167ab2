"""vaultd's doors (금고 서비스): Unix sockets and the fleet's TLS, hello by key and user, who may ask what, limits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections import Counter
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gwanje.kernel import wire
from gwanje.kernel.canonical import encode
from gwanje.kernel.cose import key_id
from gwanje.vault import door, ops_replica, tls
from gwanje.vault.chain import Chain, Offer
from gwanje.vault.consent import Consents
from gwanje.vault.console import Console
from gwanje.vault.core import Vault
from gwanje.vault.desk import Desk
from gwanje.vault.errors import VaultError
from gwanje.vault.ops import ALL, Answer, Ops, Request, Syncer
from gwanje.vault.ops_attempt import AttemptOps
from gwanje.vault.ops_bundle import BundleOps
from gwanje.vault.ops_consent import ConsentOps
from gwanje.vault.ops_hold import HoldOps
from gwanje.vault.pages.app import Pages
from gwanje.vault.shares import Shares

log = logging.getLogger(__name__)
HELLO: Final = b"gwanje/v1/hello\0"
CONNECTIONS_MAX: Final = 128
CONSOLE_MAX: Final = 4
HELLO_S: Final = 5.0
CONSOLE_S: Final = 60.0
RATE: Final = 2000
BURST: Final = 4000
PART_BYTES_MAX: Final = 16 << 20
FOLLOW_S: Final = 10.0


def peer_uid(sock: socket.socket) -> int:
    """The user at the other end of a Unix socket (SO_PEERCRED)."""
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("iII", raw)[1])


class Bucket:
    """Requests per second of one connection: ``RATE`` a second, ``BURST`` at once."""

    def __init__(self, now: float) -> None:
        self._left, self._at = float(BURST), now

    def take(self, now: float) -> bool:
        """May one more pass at loop time ``now``?"""
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class VaultServer:
    """Serves one Vault on its two sockets until ``stop`` is set; ``failed`` = the keystore must be opened anew."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.desk = Desk(vault)
        self.consents = Consents(vault)
        self.console = Console(vault, self.consents)
        self.pages = Pages(vault.home, self.consents, self.console.tickets)
        self.stop = asyncio.Event()
        self.failed = False
        self._open = {"vaultd": 0, "console": 0, "fleet": 0}
        self._far: Counter[bytes] = Counter()
        self.shares = Shares(lambda: len(vault.state.slots))
        self.door = door.Door(vault.home, lambda: vault.state, self._accept_fleet)
        self._tasks: set[asyncio.Task[None]] = set()
        uids = vault.home.config.get("service_uids", {})
        self._uids = {role: int(uids.get(role, os.getuid())) for role in (*ALL, "console")}
        syncer = Syncer(vault.open_log.sync)
        bundles = BundleOps(vault, self.desk)
        self.ops = {**Ops(vault, self.desk, self.shares, syncer).table(), **HoldOps(vault).table(), **bundles.table()}
        self.ops |= ConsentOps(self.consents).table() | AttemptOps(vault.home).table()

    # --- life -----------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Listen, erase on time, and end cleanly."""
        home = self.vault.home
        os.umask(home.umask("vaultd"))
        # whoever finds the local socket finds the door, too
        await self.door.step()
        await self.pages.step()
        servers = [
            await asyncio.start_unix_server(self._accept, str(home.socket("vaultd")), backlog=2 * CONNECTIONS_MAX),
            await asyncio.start_unix_server(self._accept_console, str(home.socket("console"))),
        ]
        for service, mode in (("vaultd", 0o660 if home.separate else 0o600), ("console", 0o600)):
            home.socket(service).chmod(mode)
        self.vault.peers.start()
        place = ops_replica.beside(home, self.vault)
        timer = asyncio.create_task(self._timer())
        log.info("vaultd ready, generation %d", self.vault.keystore.generation)
        try:
            await self.stop.wait()
        finally:
            timer.cancel()
            await self.door.close()
            if place is not None:
                place.stop()
            await self.pages.close()
            for server in servers:
                server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(timer, *self._tasks, return_exceptions=True)
            for service in ("vaultd", "console"):
                home.socket(service).unlink(missing_ok=True)

    async def _timer(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.vault.destroy_due)
                await asyncio.to_thread(self.consents.lapse)
            except (VaultError, OSError) as error:
                log.error("the timer could not do its work: %s", error)
                self._look()
            await self.door.step()
            await self.pages.step()
            self.shares.tell(asyncio.get_running_loop().time(), self._tell)
            await asyncio.sleep(1)

    def _tell(self, kind: str, detail: dict[str, Any]) -> None:
        # the spool is fsynced: not in the loop
        task = asyncio.get_running_loop().create_task(asyncio.to_thread(self.vault.fact, kind, detail))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _look(self) -> None:
        if not self.vault.whole:
            log.critical("a keystore write failed half way; starting again decides from the disk")
            self.failed = True
            self.stop.set()

    # --- connections ----------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._guarded("vaultd", CONNECTIONS_MAX, self._session(reader, writer), writer)

    async def _accept_fleet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = tls.peer_key(writer.get_extra_info("ssl_object"))
        if self._far[key] >= door.CONNECTIONS_A_SERVICE:
            # one stolen or mistaken key must not keep the others out
            log.warning("too many connections of one service from afar")
            writer.close()
            return
        self._far[key] += 1
        try:
            await self._guarded("fleet", door.CONNECTIONS_MAX, self._session(reader, writer, far=True), writer)
        finally:
            self._far[key] -= 1
            self._far += Counter()

    async def _accept_console(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._guarded("console", CONSOLE_MAX, self._console(reader, writer), writer)

    async def _guarded(self, door: str, limit: int, session: Any, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._open[door] += 1
        try:
            if self._open[door] > limit:
                session.close()
                log.warning("too many connections on %s", door)
            else:
                await session
        except (wire.WireError, ConnectionError, TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self._open[door] -= 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _known(self, role: str, writer: asyncio.StreamWriter) -> bool:
        uid = peer_uid(writer.get_extra_info("socket"))
        # root, who set such a centre up and starts its processes, may become any of them: its commands come in
        return uid == self._uids[role] or (uid == 0 and self.vault.home.separate)

    def _key_for(self, role: str, writer: asyncio.StreamWriter, far: bool) -> bytes:
        """The key that a peer of this role must have signed with; VaultError or KeyError when it may not come in."""
        if not far:
            if not self._known(role, writer):
                raise VaultError("hello")
            return self.vault.state.services[role]
        key = tls.peer_key(writer.get_extra_info("ssl_object"))
        if door.admitted(self.vault.state)[key] != role:
            raise VaultError("hello")
        return key

    async def _hello(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: bool
    ) -> tuple[str, bytes, Chain | None] | None:
        """Role and key of who comes in, and what seals the answers to one from afar; None when refused."""
        nonce = os.urandom(32)
        await self._send(writer, {"nonce": nonce})
        said = await asyncio.wait_for(wire.receive_async(reader), HELLO_S)
        role, kid, signature = str(said.get("role")), said.get("kid"), said.get("sig")
        try:
            public = self._key_for(role, writer, far)
            if kid != key_id(public) or not isinstance(signature, bytes):
                raise VaultError("hello")
            Ed25519PublicKey.from_public_bytes(public).verify(signature, HELLO + nonce + role.encode())
            offer = Offer() if far else None
            chain = offer.chain(said.get("offer"), nonce) if offer is not None else None
        except (KeyError, InvalidSignature, VaultError, wire.WireError):
            log.warning("a hello was refused for role %r%s", role[:20], " from afar" if far else "")
            await self._send(writer, _refusal(VaultError("hello")))
            return None
        await self._send(writer, {"ok": True} if offer is None else {"ok": True, "offer": offer.public})
        return role, public, chain

    @staticmethod
    async def _send(writer: asyncio.StreamWriter, message: Answer, chain: Chain | None = None) -> None:
        writer.write(wire.pack(message) if chain is None else wire.framed(chain.seal(encode(message))))
        await writer.drain()

    async def _session(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, far: bool = False
    ) -> None:  # fmt: skip
        known = await self._hello(reader, writer, far)
        if known is None:
            return
        role, by, chain = known
        loop = asyncio.get_running_loop()
        bucket = Bucket(loop.time())
        while True:
            request = await wire.receive_async(reader)
            if role in self.ops["verify"].may and request.get("op") == "verify" and "size" in request:
                request["part"] = await self._follow(reader, request["size"])
            if far and not self._still(role, writer):
                return
            request["by"] = by
            if not bucket.take(loop.time()):
                answer = _refusal(VaultError("rate"))
                await asyncio.sleep(0.1)
            else:
                answer = await self._answer(role, request)
            await self._send(writer, answer, chain)

    def _still(self, role: str, writer: asyncio.StreamWriter) -> bool:
        # officers may have dismissed it since the hello
        try:
            return bool(self._key_for(role, writer, True))
        except (KeyError, VaultError):
            log.warning("a dismissed service was shut out")
            return False

    @staticmethod
    async def _follow(reader: asyncio.StreamReader, size: Any) -> bytes:
        # a second of a 4K camera is larger than a frame may be: its bytes follow the frame
        if not isinstance(size, int) or not 0 < size <= PART_BYTES_MAX:
            raise wire.WireError("the part that follows passes the limit")
        try:
            return await asyncio.wait_for(reader.readexactly(size), FOLLOW_S)
        except asyncio.IncompleteReadError as error:
            raise wire.WireError("the peer closed the connection") from error

    async def _answer(self, role: str, request: Request) -> Answer:
        op = request.get("op")
        try:
            known = self.ops.get(op) if isinstance(op, str) else None
            if known is None:
                raise VaultError("op_unknown")
            if role not in known.may:
                log.warning("%s asked %s: denied", role, op)
                raise VaultError("op_denied", f"{role} {op}")
            return {"ok": True, **await known.run(request)}
        except VaultError as error:
            self._look()
            return _refusal(error)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return _refusal(VaultError("request"))
        except OSError as error:
            log.error("%s failed: %s", op, error)
            self._look()
            return _refusal(VaultError("internal"))

    async def _console(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._known("console", writer):
            log.warning("the console was refused to another user")
            return
        while True:
            # four silent callers must not keep the officers out
            request = await asyncio.wait_for(wire.receive_async(reader), CONSOLE_S)
            try:
                done = await asyncio.to_thread(self.console.run, str(request.get("op")), request)
                answer = {"ok": True, **done}
            except VaultError as error:
                answer = _refusal(error)
            except (KeyError, TypeError, ValueError, AttributeError):
                answer = _refusal(VaultError("request"))
            except OSError as error:
                log.error("the console failed: %s", error)
                answer = _refusal(VaultError("internal"))
            self._look()
            await self._send(writer, answer)


def _refusal(error: VaultError) -> Answer:
    return {"ok": False, "error": error.code, "message": str(error), "detail": error.detail}

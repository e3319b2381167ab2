"""Clients of vaultd (금고 접속): ``VaultClient`` blocks (web, worker, checker), ``AsyncVaultClient`` awaits
(recorder, player); one method per request, typed answers, both reconnect by themselves. With ``vaultd`` in the
folder's config (host, port, certificate in hex) the awaiting one goes over TLS to another machine.

A refusal is ``VaultRefused(code, message)``; a vaultd that is away, or goes away within a request, is ``VaultAway``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from gwanje.kernel import inbox, wire
from gwanje.kernel.cose import key_id
from gwanje.kernel.home import Home
from gwanje.kernel.keys import raw_public, signing_key
from gwanje.kernel.permit import Approval, Lens, Permit
from gwanje.vault import tls
from gwanje.vault.chain import Offer
from gwanje.vault.client_answers import Lent, checked, lent, opened, plain
from gwanje.vault.client_attempt import AttemptCalls
from gwanje.vault.client_consent import ConsentCalls
from gwanje.vault.client_hold import HeldHold, HoldCalls, HoldMade, Punctured, Released, Standing
from gwanje.vault.client_line import Line
from gwanje.vault.door import keep
from gwanje.vault.errors import VaultAway, VaultRefused
from gwanje.vault.openlog import OpenRow
from gwanje.vault.records import Destroyed

CONNECT_S: Final = 3.0
ANSWER_S: Final = 15.0
FAR_ANSWER_S: Final = 5.0
INLINE_MAX: Final = 256 * 1024
HELLO: Final = b"gwanje/v1/hello\0"
T = TypeVar("T")
__all__ = [
    "AsyncVaultClient",
    "ConsoleClient",
    "HeldHold",
    "HoldMade",
    "Lent",
    "Punctured",
    "Released",
    "Session",
    "Standing",
    "Status",
    "VaultAway",
    "VaultClient",
    "VaultRefused",
    "Verified",
    "mint_fields",
]


@dataclass(frozen=True)
class Status:
    """What vaultd says of itself; ``alarm`` None or why destruction stopped; ``clock_us`` the highest clock seen."""

    generation: int
    replicas: int
    single_replica: bool
    may_record: bool
    level: str
    alarm: str | None
    permit_key: bytes
    checkpoint_key: bytes
    clock_us: int
    roots: int
    holds: int
    classes: int
    slots: int
    officers: int
    outstanding: int
    opened: int
    verified: int
    head: int
    rules: bytes
    # why this vaultd opens nothing: a replica holds what is newer, or None
    rolled_back: str | None = None
    # each replica: number, address, acknowledged generation with digest and signature, trouble, missing
    peers: Sequence[Mapping[str, Any]] = ()
    # places that two officers gave up: number, Unix s
    retired: Sequence[Sequence[int]] = ()

    @property
    def copies(self) -> int:
        """Places that hold the keystore and answer: of ``replicas`` (키 복제 n/m)."""
        return 1 + sum(not peer["trouble"] for peer in self.peers)


@dataclass(frozen=True)
class Session:
    """A viewing session: the token (secret), the Unix second of its end, the Permit that was spent for it."""

    session: bytes
    until: int
    permit: Permit


@dataclass(frozen=True)
class Verified:
    """``authentic``: the part opens and is unchanged; ``tracks``: kinds it holds; ``why``: a code when it is not."""

    authentic: bool
    tracks: tuple[str, ...]
    why: str


def mint_fields(
    *,
    id: UUID,
    decision: bytes,
    norms: Iterable[str],
    cameras: Iterable[Lens],
    first: int,
    until: int,
    person: UUID,
    station: str,
    ground: str,
    case: str,
    approvals: Iterable[Approval],
    expires: int,
    action: str = "view",
    situation: UUID | None = None,
    hold: UUID | None = None,
) -> dict[str, Any]:
    """The Permit's fields as ``mint`` asks for them; ``approvals[0]`` is the requester's."""
    return {
        "id": id.bytes,
        "decision": decision,
        "norms": list(norms),
        "cameras": [[c.camera.bytes, c.slot, c.stream] for c in cameras],
        "first": first,
        "until": until,
        "person": person.bytes,
        "station": station,
        "action": action,
        "ground": ground,
        "case": case,
        "approvals": [a.body() for a in approvals],
        "expires": expires,
        "situation": situation.bytes if situation else None,
        "hold": hold.bytes if hold else None,
    }


def _hello(home: Home, role: str, greeting: dict[str, Any]) -> dict[str, Any]:
    key = signing_key(home, role)
    signature = key.sign(HELLO + greeting["nonce"] + role.encode())
    return {"role": role, "kid": key_id(raw_public(key)), "sig": signature}


def _verify(header: bytes, init: bytes, part: bytes) -> tuple[dict[str, Any], bytes]:
    request: dict[str, Any] = {"op": "verify", "header": header, "init": init}
    return ({**request, "part": part}, b"") if len(part) <= INLINE_MAX else ({**request, "size": len(part)}, part)


def _status(a: dict[str, Any]) -> Status:
    fields = {name: a[name] for name in Status.__dataclass_fields__ if name != "clock_us"}
    return Status(**fields, clock_us=a["clock"])


def _session(session: bytes, a: dict[str, Any]) -> Session:
    return Session(session, a["until"], Permit.of(a["permit"]))


def _destroyed(a: dict[str, Any]) -> list[Destroyed]:
    return [Destroyed(d["class"], d["epoch"], d["generation"], d["at"]) for d in a["destroyed"]]


def _ack(items: Iterable[Destroyed]) -> dict[str, Any]:
    return {"op": "destroyed_ack", "destroyed": [[d.class_, d.epoch, d.generation] for d in items]}


class VaultClient(ConsentCalls, HoldCalls, AttemptCalls):
    """Blocking and thread-safe: one connection, one request at a time, made anew after a fork or a fault."""

    def __init__(self, home: Home, role: str) -> None:
        self._home, self._role = home, role
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._inbox = inbox.Inbox()
        self._pid = 0

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.close()
            self._sock = None

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(CONNECT_S)
            sock.connect(str(self._home.socket("vaultd")))
            wire.send(sock, _hello(self._home, self._role, wire.receive(sock)))
            checked(wire.receive(sock))
            sock.settimeout(ANSWER_S)
        except BaseException:
            sock.close()
            raise
        return sock

    def _call(self, request: dict[str, Any], *, once: bool = False, tail: bytes = b"") -> dict[str, Any]:
        """Send one request. ``once``: never sent twice, because doing it twice is not the same as once.

        ``tail``: bytes that follow the frame.
        """
        return self._read(request, plain, once=once, tail=tail)

    def _read(
        self, request: dict[str, Any], read: Callable[[memoryview], T], *, once: bool = False, tail: bytes = b""
    ) -> T:
        """Send one request; what ``read`` makes of the answer, which is overwritten before this returns."""
        with self._lock:
            if self._pid != os.getpid():
                self._sock, self._pid, self._inbox = None, os.getpid(), inbox.Inbox()
            stale = self._sock is not None
            if once and stale:
                self._drop()
            for attempt in (0, 1):
                try:
                    if self._sock is None:
                        self._sock = self._connect()
                    wire.send(self._sock, request)
                    self._sock.sendall(tail)
                    while True:
                        count = self._sock.recv_into(self._inbox.room())
                        if not count:
                            raise wire.WireError("the peer closed the connection")
                        if self._inbox.filled(count):
                            return read(self._inbox.frame())
                except (OSError, wire.WireError) as error:
                    self._drop()
                    # a kept connection may be of a vaultd that has gone since: only then a second try makes sense
                    if attempt or once or not stale:
                        raise VaultAway(f"금고 서비스가 응답하지 않습니다 / vaultd is away ({error})") from error
                finally:
                    self._inbox.clear()
            raise AssertionError("two tries end in an answer or in VaultAway")

    def status(self) -> Status:
        """What vaultd says of itself."""
        return _status(self._call({"op": "status"}))

    def set_class(self, number: int, kind: str, value: int, reference: str) -> None:
        """Register a retention class (kinds days, months, none, permanent); another value is ``class_fixed``."""
        self._call({"op": "set_class", "number": number, "kind": kind, "value": value, "reference": reference})

    def slot(self, camera: UUID) -> int:
        """The camera's slot in the key tree, the same one for ever."""
        return int(self._call({"op": "slot", "camera": camera.bytes})["slot"])

    def slots(self, cameras: Sequence[UUID]) -> list[int]:
        """Slots of many cameras in one write (at most 20,000)."""
        return list(self._call({"op": "slots", "cameras": [c.bytes for c in cameras]})["slots"])

    def recorders(self) -> list[bytes]:
        """32-byte Ed25519 keys of the admitted recorders (roles web, recorder)."""
        return [bytes(key) for key in self._call({"op": "recorders"})["keys"]]

    def lend(self, class_: int, slot: int, epoch: int) -> Lent:
        """The spine from now on (role recorder)."""
        return self._read({"op": "lend", "class": class_, "slot": slot, "epoch": epoch}, lent(epoch))

    def mint(self, **fields: Any) -> bytes:
        """A signed Permit; keywords of ``mint_fields``."""
        return bytes(self._call({"op": "mint", "permit": mint_fields(**fields)})["permit"])

    def redeem(self, permit: bytes, viewer: bytes) -> Session:
        """Spend a Permit (role player); never sent twice."""
        a = self._call({"op": "redeem", "permit": permit, "viewer": viewer}, once=True)
        return _session(a["session"], a)

    def resume(self, session: bytes, viewer: bytes) -> Session:
        """The same session for the same person and station (role player)."""
        return _session(session, self._call({"op": "resume", "session": session, "viewer": viewer}))

    def open_tick(  # noqa: PLR0917 - the wire's own order
        self, session: bytes, class_: int, slot: int, epoch: int, tick: int, segments: Sequence[bytes]
    ) -> dict[bytes, bytearray]:
        """Segment id → 64 bytes of key material for one second (role player)."""
        return self._read(_open_ticks(session, class_, slot, epoch, [(tick, segments)]), opened)[0]

    def verify(self, header: bytes, init: bytes, part: bytes) -> Verified:
        """Is a sealed part authentic, and which tracks does it hold? ``init``: the sealed init part, or empty."""
        request, tail = _verify(header, init, part)
        a = self._call(request, tail=tail)
        return Verified(a["authentic"], tuple(a["tracks"]), a["why"])

    def verify_signed(self, header: bytes, init: bytes, part: bytes) -> tuple[Verified, int, bytes, list[bytes]]:
        """The same with codec, digests of the part's pictures and signature messages (``nals.told``); no picture."""
        request, tail = _verify(header, init, part)
        a = self._call({**request, "signed": True}, tail=tail)
        said = Verified(a["authentic"], tuple(a["tracks"]), a["why"])
        return said, int(a.get("codec", 0)), bytes(a.get("nals", b"")), [bytes(one) for one in a.get("messages", [])]

    def checkpoint(self, origin: str, size: int, root: bytes, old_size: int, proof: Sequence[bytes]) -> str:
        """A signed note; ``checkpoint_head`` (detail = size) when ``old_size`` is not the last signed one."""
        request = {"op": "checkpoint", "origin": origin, "size": size, "root": root, "old_size": old_size}
        return str(self._call({**request, "proof": list(proof)})["note"])

    def destroy_due(self) -> list[Destroyed]:
        """Erase what is due now; everything destroyed and not yet acknowledged (10,000 a call)."""
        return _destroyed(self._call({"op": "destroy_due"}))

    def destroyed_ack(self, items: Iterable[Destroyed]) -> int:
        """These stand on a certificate: vaultd need not tell again."""
        return int(self._call(_ack(items))["count"])

    def open_log(self, after: int = 0, limit: int = 1000) -> list[OpenRow]:
        """Opened ticks with number ≥ ``after``."""
        rows = self._call({"op": "open_log", "after": after, "limit": limit})["rows"]
        return [OpenRow.of(row) for row in rows]


def _open_ticks(
    session: bytes, class_: int, slot: int, epoch: int, seconds: Sequence[tuple[int, Sequence[bytes]]]
) -> dict[str, Any]:
    return {
        "op": "open_ticks",
        "session": session,
        "class": class_,
        "slot": slot,
        "epoch": epoch,
        "seconds": [[tick, list(segments)] for tick, segments in seconds],
    }


class AsyncVaultClient:
    """The same on an event loop: one connection, requests in turn. Belongs to the loop that first used it."""

    def __init__(self, home: Home, role: str) -> None:
        self._home, self._role = home, role
        self._lock = asyncio.Lock()
        self._line: Line | None = None

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        async with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    async def _connect(self) -> Line:
        line = await self._open()
        try:
            greeting = await line.answer(inbox.message)
            hello = _hello(self._home, self._role, greeting)
            if self._home.config.get("vaultd") is None:
                line.send(wire.pack(hello))
                await line.answer(plain)
                return line
            offer = Offer()
            line.send(wire.pack({**hello, "offer": offer.public}))
            line.chain = offer.chain((await line.answer(plain)).get("offer"), greeting["nonce"])
        except BaseException:
            line.close()
            raise
        return line

    async def _open(self) -> Line:
        far = self._home.config.get("vaultd")
        if far is None:
            return await Line.local(self._home.socket("vaultd"))
        context = tls.client_context(self._home, self._role, bytes.fromhex(far["certificate"]))
        try:
            line = await Line.far(str(far["host"]), int(far["port"]), context)
        except ssl.SSLError as error:
            raise ConnectionError(f"TLS: {error.reason}") from error
        keep(line.about("socket"))
        return line

    async def _exchange(self, request: dict[str, Any], read: Callable[[memoryview], T], tail: bytes) -> T:
        if self._line is None:
            self._line = await asyncio.wait_for(self._connect(), CONNECT_S)
        self._line.send(wire.pack(request) + tail)
        limit = ANSWER_S if self._home.config.get("vaultd") is None else FAR_ANSWER_S
        return await asyncio.wait_for(self._line.answer(read), limit)

    async def _call(self, request: dict[str, Any], *, once: bool = False, tail: bytes = b"") -> dict[str, Any]:
        return await self._read(request, plain, once=once, tail=tail)

    async def _read(
        self, request: dict[str, Any], read: Callable[[memoryview], T], *, once: bool = False, tail: bytes = b""
    ) -> T:
        """Send one request; what ``read`` makes of the answer, which is overwritten before this returns."""
        async with self._lock:
            stale = self._line is not None
            if once and stale:
                self._drop()
            for attempt in (0, 1):
                try:
                    return await self._exchange(request, read, tail)
                except VaultRefused:
                    raise
                except (OSError, TimeoutError, wire.WireError) as error:
                    self._drop()
                    if attempt or once or not stale:
                        raise VaultAway(f"금고 서비스가 응답하지 않습니다 / vaultd is away ({error})") from error
                except BaseException:
                    # cancelled in the middle: the answer that is still to come must not meet the next request
                    self._drop()
                    raise
        raise AssertionError("two tries end in an answer or in VaultAway")

    async def status(self) -> Status:
        """What vaultd says of itself."""
        return _status(await self._call({"op": "status"}))

    async def lend(self, class_: int, slot: int, epoch: int) -> Lent:
        """The spine from now on (role recorder)."""
        return await self._read({"op": "lend", "class": class_, "slot": slot, "epoch": epoch}, lent(epoch))

    async def recorders(self) -> list[bytes]:
        """32-byte Ed25519 keys of the admitted recorders (role recorder)."""
        return [bytes(key) for key in (await self._call({"op": "recorders"}))["keys"]]

    async def redeem(self, permit: bytes, viewer: bytes) -> Session:
        """Spend a Permit (role player); never sent twice."""
        a = await self._call({"op": "redeem", "permit": permit, "viewer": viewer}, once=True)
        return _session(a["session"], a)

    async def resume(self, session: bytes, viewer: bytes) -> Session:
        """The same session for the same person and station (role player)."""
        return _session(session, await self._call({"op": "resume", "session": session, "viewer": viewer}))

    async def open_ticks(
        self, session: bytes, class_: int, slot: int, epoch: int, seconds: Sequence[tuple[int, Sequence[bytes]]]
    ) -> list[dict[bytes, bytearray]]:
        """Segment id → 64 bytes of key material for seconds of one hour, (tick, segments) each, at most 12.

        One request and one wait for vaultd's disk, a row of its open-log for each second (role player). Who asked
        overwrites the material when the parts are open.
        """
        return await self._read(_open_ticks(session, class_, slot, epoch, seconds), opened)

    async def bundle_sign(self, session: bytes, manifest: Mapping[str, Any], salt: bytes, note: str) -> bytes:
        """The signed manifest of an evidence bundle, within a running release session (role player)."""
        request = {"op": "bundle_sign", "session": session, "manifest": dict(manifest), "salt": salt, "note": note}
        return bytes((await self._call(request))["signed"])

    async def verify(self, header: bytes, init: bytes, part: bytes) -> Verified:
        """Is a sealed part authentic, and which tracks does it hold? ``init``: the sealed init part, or empty."""
        request, tail = _verify(header, init, part)
        a = await self._call(request, tail=tail)
        return Verified(a["authentic"], tuple(a["tracks"]), a["why"])


class ConsoleClient:
    """The console socket: acts of two officers (``officers``: two pairs of person id and password)."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def ask(self, op: str, officers: Sequence[tuple[UUID, str]] = (), **fields: Any) -> dict[str, Any]:
        """One act; VaultRefused or VaultAway."""
        claims = [{"id": person.bytes, "password": password} for person, password in officers]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(ANSWER_S)
                sock.connect(str(self._home.socket("console")))
                wire.send(sock, {"op": op, "officers": claims, **fields})
                answer = wire.receive(sock)
        except (OSError, wire.WireError) as error:
            raise VaultAway(f"금고 서비스가 응답하지 않습니다 / vaultd is away ({error})") from error
        return checked(answer)

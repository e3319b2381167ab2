"""ONVIF server of the simulator (모의 ONVIF 서버): SOAP over HTTP, WS-UsernameToken and HTTP Digest, and its faults.

Addresses: ``http://host:port/<camera>/onvif/device_service`` and its neighbours. ``GET /status`` and
``GET /fault?camera=&name=&value=`` answer JSON, as the RTSP simulator's do.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from gwanje.media.onvif.xml import BadXml, Node, envelope, parse, tag
from gwanje.media.sim import onvif_device as dev
from gwanje.media.sim import onvif_discovery
from gwanje.media.sim import onvif_media as med
from gwanje.media.sim.onvif_device import Device, Pull, SoapFault

HEAD_MAX = 16 * 1024
BODY_MAX = 256 * 1024
IDLE_S = 30.0
SKEW_S = 60.0
PULL_MAX_S = 10.0
PULLS_MAX = 8
OPEN = frozenset(["GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetHostname"])
SWITCHES = (
    "blind", "media2", "masks_known", "audio_stays", "locked", "torn", "bomb", "huge", "hang", "error500",
    "stuck", "deaf",
)  # fmt: skip
NUMBERS = ("slow_s", "clock_s")
PTZ = frozenset(
    ["ContinuousMove", "AbsoluteMove", "Stop", "GotoPreset", "SetPreset", "RemovePreset", "GotoHomePosition",
     "SetHomePosition"]
)  # fmt: skip
MASKS = frozenset(["GetMaskOptions", "GetMasks", "CreateMask", "SetMask", "DeleteMask"])
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    "]><s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body>&b;</s:Body></s:Envelope>"
)


class OnvifSim:
    """Serves devices at one port; an async context manager. ``port`` 0 picks a free one.

    ``discovery``: the UDP port at which they answer WS-Discovery on the loopback, 0 for not at all.
    """

    def __init__(
        self, devices: Sequence[Device], host: str = "127.0.0.1", port: int = 0, *, discovery: int = 0
    ) -> None:
        self.host, self.port = host, port
        self._discovery = discovery
        self._found: asyncio.BaseTransport | None = None
        self.devices = {device.name: device for device in devices}
        self._server: asyncio.Server | None = None
        self._realm_nonce = secrets.token_hex(16)
        self._nonces: deque[str] = deque(maxlen=1000)
        self._tasks: set[asyncio.Task[Any]] = set()

    def url(self, name: str) -> str:
        """The device service's address of a camera."""
        return f"http://{self.host}:{self.port}/{name}/onvif/device_service"

    async def start(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=HEAD_MAX)
        self.port = self._server.sockets[0].getsockname()[1]
        if self._discovery:
            self._found = await onvif_discovery.listen(
                lambda: [(d.name, d.model, self.url(d.name)) for d in self.devices.values()], self._discovery
            )
        return self

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._found is not None:
            self._found.close()
        if self._server is not None:
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            # also when the server stops: nobody waits for this task's end but ``stop``
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)).decode("latin-1")
        method, target, *_ = head.split("\r\n", 1)[0].split(" ")
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        length = int(fields.get("content-length", "0"))
        if not 0 <= length <= BODY_MAX:
            return False
        body = await asyncio.wait_for(reader.readexactly(length), IDLE_S)
        if method == "GET":
            status, answer = self.control(target)
            writer.write(http(status, json.dumps(answer, ensure_ascii=False).encode(), "application/json"))
            await writer.drain()
            return True
        return await self._soap(writer, method, target, fields.get("authorization", ""), body)

    async def _soap(self, writer: asyncio.StreamWriter, method: str, target: str, signed: str, body: bytes) -> bool:
        parts = urlsplit(target).path.strip("/").split("/")
        device = self.devices.get(parts[0])
        if device is None:
            writer.write(http(404, b"", "text/plain"))
            return False
        if device.hang:
            await asyncio.sleep(IDLE_S)
            return False
        await asyncio.sleep(device.slow_s)
        if device.huge:
            await _endless(writer)
            return False
        status, data, extra = await self._answer(device, method, target, signed, body)
        data = BOMB.encode() if device.bomb else data[: len(data) * 2 // 3] if device.torn else data
        writer.write(http(status, data, "application/soap+xml; charset=utf-8", extra))
        await writer.drain()
        return True

    async def _answer(
        self, device: Device, method: str, target: str, signed: str, body: bytes
    ) -> tuple[int, bytes, str]:
        try:
            message = parse(body)
            asked = (message.at("Body") or message).children[0]
        except (BadXml, IndexError):
            return 400, envelope(fault(SoapFault(400, "s:Sender", "ter:WellFormed", "Not well-formed"))), ""
        try:
            if device.error500:
                raise SoapFault(500, "s:Receiver", "ter:Action", "Internal error")
            if not self._known(device, message, asked.name, (method, target, signed)):
                return self._refusal(device)
            if asked.name in device.refuse:
                raise dev.not_supported(asked.name)
            device.log.append((asked.name, " ".join(n.text.strip() for n in asked.walk() if n.text.strip())[:200]))
            return 200, envelope(await self._do(device, asked, target)), ""
        except SoapFault as error:
            return error.status, envelope(fault(error)), ""

    # --- who asks ---------------------------------------------------------------------------------------------------

    def _known(self, device: Device, message: Node, operation: str, line: tuple[str, str, str]) -> bool:
        if device.locked:
            return operation in OPEN
        if not device.user or operation in OPEN:
            return True
        token = message.at("Header", "Security", "UsernameToken")
        if token is not None and device.scheme in ("both", "token"):
            return self._token(device, token)
        return device.scheme in ("both", "digest") and self._digest(device, *line)

    def _token(self, device: Device, token: Node) -> bool:
        created, nonce = token.said("Created"), token.said("Nonce")
        if nonce in self._nonces or token.said("Username") != device.user:
            return False
        try:
            at = datetime.fromisoformat(created.replace("Z", "+00:00"))
            raw = base64.b64decode(nonce, validate=True)
        except ValueError:
            return False
        if abs((at - device.now()).total_seconds()) > SKEW_S:
            return False
        digest = hashlib.sha1(raw + created.encode() + device.password.encode(), usedforsecurity=False).digest()
        self._nonces.append(nonce)
        return hmac.compare_digest(base64.b64encode(digest).decode(), token.said("Password"))

    def _digest(self, device: Device, method: str, target: str, signed: str) -> bool:
        said = {m[1]: m[2] if m[2] is not None else m[3] for m in _FIELD.finditer(signed)}
        if not signed.startswith("Digest") or said.get("nonce") != self._realm_nonce or said.get("uri") != target:
            return False

        def hashed(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        first, second = hashed(f"{device.user}:onvif:{device.password}"), hashed(f"{method}:{target}")
        middle = f"{said['nonce']}:{said.get('nc')}:{said.get('cnonce')}:auth"
        fine = said.get("username") == device.user
        return fine and hmac.compare_digest(hashed(f"{first}:{middle}:{second}"), said.get("response", ""))

    def _refusal(self, device: Device) -> tuple[int, bytes, str]:
        said = envelope(fault(SoapFault(400, "s:Sender", "ter:NotAuthorized", "Sender not Authorized")))
        if device.scheme == "token":
            return 400, said, ""
        challenge = (
            f'WWW-Authenticate: Digest realm="onvif", nonce="{self._realm_nonce}", qop="auth", algorithm=MD5\r\n'
        )
        return 401, said, challenge

    # --- what it does -----------------------------------------------------------------------------------------------

    async def _do(self, device: Device, asked: Node, target: str) -> str:
        name, now = asked.name, asyncio.get_running_loop().time()
        two = "/media2" in target
        base = f"http://{self.host}:{self.port}/{device.name}/onvif"
        if two and not device.media2:
            raise dev.not_supported(name)
        plain: dict[str, Callable[[], str]] = {
            "GetDeviceInformation": lambda: dev.information(device),
            "GetSystemDateAndTime": lambda: dev.date_and_time(device),
            "SetSystemDateAndTime": lambda: dev.set_date_and_time(device, asked),
            "GetServices": lambda: dev.services(device, base),
            "GetScopes": lambda: dev.scopes(device),
            "GetNetworkProtocols": lambda: dev.protocols(device),
            "GetProfiles": lambda: med.profiles(device, two=two),
            "GetStreamUri": lambda: med.stream_uri(device, asked, two=two),
            "GetVideoEncoderConfigurations": lambda: med.encoders(device, two=two),
            "GetVideoEncoderConfigurationOptions": lambda: med.options(device, two=two),
            "SetVideoEncoderConfiguration": lambda: med.set_encoder(device, asked, two=two),
            "GetAudioEncoderConfigurations": lambda: med.audio_encoders(device, two=two),
            "RemoveAudioEncoderConfiguration": lambda: med.remove_audio(device, asked, two=False),
            "RemoveConfiguration": lambda: med.remove_audio(device, asked, two=True),
            "GetNodes": lambda: dev.nodes(device),
            "GetStatus": lambda: dev.status(device, now),
            "GetPresets": lambda: dev.presets(device),
        }
        if name in plain:
            return plain[name]()
        if name in PTZ:
            return dev.steer(device, name, asked, now)
        if name in MASKS and two:
            return med.masks(device, name, asked)
        return await self._events(device, asked, target, base)

    async def _events(self, device: Device, asked: Node, target: str, base: str) -> str:
        loop = asyncio.get_running_loop()
        for token in [t for t, pull in device.pulls.items() if pull.until < loop.time()]:
            del device.pulls[token]
        if asked.name == "CreatePullPointSubscription":
            if len(device.pulls) >= PULLS_MAX:
                raise SoapFault(500, "s:Receiver", "ter:MaxPullPoints", "No more pull points")
            token = device.next_token("pull")
            device.pulls[token] = Pull(loop.time() + dev.seconds(asked.said("InitialTerminationTime"), 60))
            inner = f"<wsa:Address>{base}/{token}</wsa:Address>"
            return (
                f"<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>{inner}"
                "</tev:SubscriptionReference></tev:CreatePullPointSubscriptionResponse>"
            )
        token = urlsplit(target).path.rpartition("/")[2]
        pull = device.pulls.get(token)
        if pull is None:
            raise dev.not_supported(asked.name)
        if asked.name == "PullMessages":
            end = loop.time() + min(PULL_MAX_S, dev.seconds(asked.said("Timeout"), 1))
            while not pull.messages and loop.time() < end:
                await asyncio.sleep(0.05)
            count = min(len(pull.messages), asked.whole("MessageLimit") or 10)
            rows = "".join(pull.messages.popleft() for _ in range(count))
            head = tag("tev:CurrentTime", dev.stamp(device.now()))
            return f"<tev:PullMessagesResponse>{head}{rows}</tev:PullMessagesResponse>"
        if asked.name == "Renew":
            pull.until = loop.time() + dev.seconds(asked.said("TerminationTime"), 60)
            return "<wsnt:RenewResponse/>"
        if asked.name == "Unsubscribe":
            del device.pulls[token]
            return "<wsnt:UnsubscribeResponse/>"
        raise dev.not_supported(asked.name)

    # --- control ----------------------------------------------------------------------------------------------------

    def fault(self, camera: str, name: str, value: float = 1) -> None:
        """Change a fault of a camera; ValueError for an unknown camera or name."""
        device = self.devices.get(camera)
        if device is None:
            raise ValueError(f"no camera is called {camera}")
        if name in ("stuck", "deaf") and device.dome:
            setattr(device.dome, name, bool(value))
        elif name in NUMBERS and -1e7 < value < 1e7:
            setattr(device, name, float(value))
        elif name in SWITCHES:
            setattr(device, name, bool(value))
        else:
            raise ValueError(f"no fault is called {name}; there are {', '.join((*SWITCHES, *NUMBERS))}")

    def position(self, camera: str) -> tuple[float, float, float]:
        """Where a dome looks now, by the device itself; (0, 0, 0) for a fixed camera."""
        dome = self.devices[camera].dome
        return dome.advance(asyncio.get_running_loop().time()) if dome else (0.0, 0.0, 0.0)

    def status(self) -> dict[str, Any]:
        """Positions, masks and encoders of every device."""
        return {
            name: {
                "dome": device.dome is not None,
                "position": [round(v, 4) for v in self.position(name)],
                "moving": bool(device.dome and device.dome.moving),
                "presets": sorted(device.dome.presets) if device.dome else [],
                "masks": len(device.masks),
                "audio": sorted(device.audio),
                "gov": {e.stream: e.gov for e in device.encoders.values()},
                "asked": len(device.log),
            }
            for name, device in self.devices.items()
        }

    def control(self, target: str) -> tuple[int, Any]:
        """Answer a GET: status and JSON."""
        parts = urlsplit(target)
        if parts.path == "/status":
            return 200, self.status()
        if parts.path != "/fault":
            return 404, {"error": "GET /status or GET /fault?camera=&name=&value="}
        query = dict(parse_qsl(parts.query))
        try:
            self.fault(query.get("camera", ""), query.get("name", ""), float(query.get("value", "1")))
        except ValueError as error:
            return 400, {"error": str(error)}
        return 200, {"ok": True}


async def _endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n\r\n<a>")
    with contextlib.suppress(OSError):
        for _ in range(2000):
            writer.write(b"<b>" + b"x" * 65536 + b"</b>")
            await writer.drain()


def http(status: int, data: bytes, kind: str, extra: str = "") -> bytes:
    """An HTTP answer."""
    head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
    return head.encode() + data


def fault(error: SoapFault) -> str:
    """The body of a SOAP 1.2 fault."""
    sub = f"<s:Subcode>{tag('s:Value', error.subcode)}</s:Subcode>" if error.subcode else ""
    code = f"<s:Code>{tag('s:Value', error.code)}{sub}</s:Code>"
    return f'<s:Fault>{code}<s:Reason><s:Text xml:lang="en">{error.reason}</s:Text></s:Reason></s:Fault>'


class OnvifThread:
    """The server in a thread of its own, for tests: ``with OnvifThread([device]) as sim: sim.url("dome")``."""

    def __init__(self, devices: Sequence[Device], **options: Any) -> None:
        self.server = OnvifSim(devices, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="onvif-simulator", daemon=True)
        self._ready = threading.Event()

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.server.start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self.server.stop())

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the ONVIF simulator did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def url(self, name: str) -> str:
        """The device service's address of a camera."""
        return self.server.url(name)

    def position(self, name: str) -> tuple[float, float, float]:
        """Where a dome looks, by the device itself."""

        async def ask() -> tuple[float, float, float]:
            return self.server.position(name)

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(10)

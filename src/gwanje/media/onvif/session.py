"""Talking to one ONVIF device (ONVIF 접속): SOAP calls under WS-UsernameToken and HTTP Digest, by the device's clock.

Addresses inside answers are used by their path only: a device can neither send the account to another host nor be a
bridge into the centre's network.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit
from xml.sax.saxutils import escape

from gwanje.kernel.clock import Clock
from gwanje.media.auth import AuthenticationRefused, Authenticator, Credentials
from gwanje.media.auth import parse as challenge_of
from gwanje.media.onvif import xml
from gwanje.media.onvif.http import PLAIN, SECURE, Channel, Reply
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.xml import BASE64, DIGEST, NAMESPACES, WSSE, WSU, BadXml, Node
from gwanje.media.tls import Trust

LIMIT_S = 6.0
TARGET_MAX = 300
DEVICE = "/onvif/device_service"
_AUTH_WORDS = ("notauthorized", "failedauthentication", "invalidsecurity", "operationprohibited")
_UNKNOWN_WORDS = ("actionnotsupported", "not implemented", "not recognized", "unknownaction", "noservice")


@dataclass(frozen=True)
class Place:
    """Where a device is: scheme, host, port and the path of its device service."""

    scheme: str
    host: str
    port: int
    path: str = DEVICE

    @classmethod
    def of(cls, address: str) -> Place:
        """From an address without an account; ValueError else."""
        parts = urlsplit(address)
        if parts.scheme not in (PLAIN, SECURE) or not parts.hostname or "@" in parts.netloc:
            raise ValueError("an ONVIF address is http(s)://host[:port]/path without an account")
        return cls(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == SECURE else 80),
                   path_of(address) or DEVICE)  # fmt: skip


def path_of(address: str) -> str:
    """Path and query of an address that a device gave; empty when it is none."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    fine = path.startswith("/") and len(path) <= TARGET_MAX and path.isascii() and path.isprintable()
    return path if fine and " " not in path else ""


def stream_address(address: str, host: str) -> str:
    """A stream's address as it is recorded: the host that was reached, no account; empty when it is none.

    Cameras behind another address (NAT, a second network card) name the host that they know of themselves.
    """
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        return ""
    fine = parts.scheme in ("rtsp", "rtsps", "http", "https") and len(address) <= TARGET_MAX
    if not fine or not (address.isascii() and address.isprintable()):
        return ""
    named = f"[{host}]" if ":" in host else host
    netloc = f"{named}:{port}" if port else named
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))


class Session:
    """One device. ``account`` None: nothing is ever sent that authenticates."""

    def __init__(
        self, place: Place, account: Credentials | None, clock: Clock, *, trust: Trust | None = None,
        limit_s: float = LIMIT_S,
    ) -> None:  # fmt: skip
        self.place = place
        self.offset_s = 0.0
        self.clock, self.trust = clock, trust
        self._account, self._limit_s = account, limit_s
        self._channel = Channel(place.host, place.port, place.scheme, trust)
        self._digest = Authenticator(account)
        self._challenged = False

    def close(self) -> None:
        """End the connection."""
        self._channel.drop()

    def hidden(self, text: str) -> str:
        """The text without the password, should a device repeat it."""
        secret = self._account.password if self._account else ""
        return text.replace(secret, "…") if len(secret) > 2 else text

    def now(self) -> datetime:
        """The device's time, as far as it was asked."""
        return self.clock.now() + timedelta(seconds=self.offset_s)

    async def call(
        self, path: str, body: str, *, open_: bool = False, header: str = "", limit_s: float | None = None
    ) -> Node:
        """Post one operation to a service's path; its answer element. DeviceFault for everything else.

        ``open_``: without the account (what ONVIF calls PRE_AUTH).
        """
        data = self._message(body, header, open_)
        reply = await self._post(path, data, limit_s)
        if reply.status == 401 and not open_ and self._account is not None and self._answer(reply):
            reply = await self._post(path, self._message(body, header, open_), limit_s)
        return self._read(reply)

    def _message(self, body: str, header: str, open_: bool) -> bytes:
        signed = "" if open_ or self._account is None else self._token(self._account)
        return xml.envelope(body, signed + header)

    def _token(self, account: Credentials) -> str:
        nonce = secrets.token_bytes(16)
        created = self.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        # SHA-1 is what the token profile prescribes
        digest = hashlib.sha1(nonce + created.encode() + account.password.encode(), usedforsecurity=False).digest()
        return (
            f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}"><wsse:UsernameToken>'
            f"<wsse:Username>{escape(account.user)}</wsse:Username>"
            f'<wsse:Password Type="{DIGEST}">{base64.b64encode(digest).decode()}</wsse:Password>'
            f'<wsse:Nonce EncodingType="{BASE64}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
            f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
        )

    async def _post(self, path: str, data: bytes, limit_s: float | None) -> Reply:
        headers = [("Content-Type", "application/soap+xml; charset=utf-8")]
        signed = self._digest.header("POST", path) if self._challenged else ""
        if signed:
            headers.append(("Authorization", signed.partition(":")[2].strip()))
        return await self._channel.post(path, data, headers, limit_s or self._limit_s)

    def _answer(self, reply: Reply) -> bool:
        """Take a Digest challenge; Basic only inside TLS, because it is the password itself."""
        schemes = ("digest", "basic") if self.place.scheme == SECURE else ("digest",)
        lines = [line for line in reply.all("www-authenticate") if challenge_of(line).scheme in schemes]
        if not lines:
            return False
        try:
            self._digest.challenged(lines)
        except AuthenticationRefused as error:
            raise DeviceFault("account", status=401) from error
        self._challenged = True
        return True

    def _read(self, reply: Reply) -> Node:
        try:
            document = xml.parse(reply.data) if reply.data else None
        except BadXml as error:
            if reply.status in (401, 403):
                raise DeviceFault("account", status=reply.status) from error
            raise DeviceFault("unreadable", str(error), reply.status) from error
        body = (document.at("Body") or document.find("Body")) if document else None
        found = body.children[0] if body and body.children else None
        fault = document.find("Fault") if document else None
        if fault is not None:
            raise self._fault(fault, reply.status)
        if reply.status in (401, 403):
            raise DeviceFault("account", status=reply.status)
        if reply.status >= 400:
            raise DeviceFault("unsupported" if reply.status in (404, 405, 501) else "refused", "", reply.status)
        if found is None:
            raise DeviceFault("unreadable", "no body", reply.status)
        return found

    def _fault(self, fault: Node, status: int) -> DeviceFault:
        words = " ".join(node.text for node in fault.walk() if node.name in ("Value", "Text", "faultstring"))
        said = fault.said("Reason", "Text") or fault.said("faultstring") or xml.clean(words)
        meant = words.lower()
        if status in (401, 403) or any(word in meant.replace(" ", "") for word in _AUTH_WORDS):
            return DeviceFault("account", self.hidden(said), status)
        unknown = any(word in meant for word in _UNKNOWN_WORDS)
        return DeviceFault("unsupported" if unknown else "refused", self.hidden(said), status)

    async def ask_time(self) -> float:
        """Device clock minus ours in seconds (GetSystemDateAndTime, no account), ±0.5 s; kept for the tokens."""
        before = self.clock.now()
        found = await self.call(self.place.path, "<tds:GetSystemDateAndTime/>", open_=True)
        middle = before + (self.clock.now() - before) / 2
        utc = found.find("UTCDateTime")
        time, date = (utc.at("Time"), utc.at("Date")) if utc else (None, None)
        if time is None or date is None:
            raise DeviceFault("unreadable", "no UTC time")
        parts = [date.whole("Year"), date.whole("Month"), date.whole("Day")]
        parts += [time.whole("Hour"), time.whole("Minute"), time.whole("Second")]
        try:
            year, month, day, hour, minute, second = (-1 if p is None else p for p in parts)
            # a leap second is the second before it here
            at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        except ValueError as error:
            raise DeviceFault("unreadable", "no such time") from error
        # the device tells whole seconds: on the average it is half a second later than it says
        self.offset_s = (at - middle).total_seconds() + 0.5
        return self.offset_s


def service(found: dict[str, str], prefix: str) -> str:
    """The path of a service by its prefix; DeviceFault when the device has none."""
    path = found.get(NAMESPACES[prefix], "")
    if not path:
        raise DeviceFault("unsupported", f"no service {prefix}")
    return path

"""WS-Discovery (기기 탐색): one probe on one named network, and the bounded list of who answered.

Multicast goes out on the interface whose address is given, and no other, so that a centre never asks the street's
network and the office's at once. Answers are claims: address and name are shown, nothing is believed until asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import path_of
from gwanje.media.onvif.xml import BadXml, Node, clean, parse

GROUP, PORT = "239.255.255.250", 3702
ANSWERS_MAX = 500
DATAGRAM_MAX = 8192
WAIT_S = 3.0
_PROBE = (
    '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
    "<e:Header><w:MessageID>uuid:{message}</w:MessageID>"
    "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
    "<e:Body><d:Probe>{types}</d:Probe></e:Body></e:Envelope>"
)


@dataclass(frozen=True)
class Found:
    """One device that answered: its ONVIF address on the host it answered from, and what it says of itself."""

    onvif: str
    host: str
    name: str
    hardware: str
    location: str
    endpoint: str

    def as_json(self) -> dict[str, Any]:
        """For an answer."""
        return asdict(self)


class _Ears(asyncio.DatagramProtocol):
    def __init__(self, message: str) -> None:
        self.message = message
        self.found: dict[str, Found] = {}
        self.unread = 0

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if len(data) > DATAGRAM_MAX or len(self.found) >= ANSWERS_MAX:
            self.unread += 1
            return
        try:
            rows = answers(data, str(addr[0]), self.message)
        except BadXml:
            self.unread += 1
            return
        for row in rows:
            self.found.setdefault(row.onvif, row)


def answers(data: bytes, host: str, message: str) -> list[Found]:
    """Devices of one ProbeMatches datagram; empty when it answers another probe. BadXml for what cannot be read."""
    document = parse(data)
    relates = document.find("RelatesTo")
    # the reply names the probe: a datagram that nobody asked for is not listed
    if relates is not None and message not in relates.text:
        return []
    out = []
    for row in [node for node in document.walk() if node.name == "ProbeMatch"][:4]:
        address = _address(row, host)
        if address:
            out.append(Found(address, host, *_scopes(row), clean(row.said("EndpointReference", "Address"), 80)))
    return out


def _address(row: Node, host: str) -> str:
    """The first HTTP address, on the host that answered."""
    named = row.at("XAddrs")
    for word in (named.text if named else "").split()[:8]:
        scheme, _, rest = word.partition("://")
        path = path_of(word)
        if scheme in ("http", "https") and path and "@" not in rest.split("/")[0]:
            port = rest.split("/")[0].rpartition("]")[2].rpartition(":")[2]
            suffix = f":{port}" if port.isdecimal() and 0 < int(port) < 65536 and ":" in rest.split("/")[0] else ""
            return f"{scheme}://{host}{suffix}{path}"
    return ""


def _scopes(row: Node) -> tuple[str, str, str]:
    words = (row.at("Scopes") or Node("Scopes")).text.split()[:40]
    said: dict[str, str] = {}
    for word in words:
        for name in ("name", "hardware", "location"):
            mark = f"onvif://www.onvif.org/{name}/"
            if word.startswith(mark):
                said.setdefault(name, clean(word.removeprefix(mark).replace("%20", " "), 60))
    return said.get("name", ""), said.get("hardware", ""), said.get("location", "")


async def probe(interface: str, *, host: str = GROUP, port: int = PORT, wait_s: float = WAIT_S) -> list[Found]:
    """Send one Probe from the interface with this IPv4 address and listen; DeviceFault when it cannot be sent.

    ``host``: the multicast group, or one device to be asked by itself.
    """
    try:
        own = ipaddress.IPv4Address(interface)
        target = ipaddress.IPv4Address(host)
    except ValueError as error:
        raise DeviceFault("refused", "an IPv4 address is needed") from error
    loop = asyncio.get_running_loop()
    message = str(uuid4())
    ears = _Ears(message)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((str(own), 0))
        if target.is_multicast:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own.packed)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        transport, _ = await loop.create_datagram_endpoint(lambda: ears, sock=sock)
    except OSError as error:
        sock.close()
        raise DeviceFault("network", os.strerror(error.errno) if error.errno else "") from error
    try:
        # cameras answer to one of the two forms; the second asks whoever there is
        for types in ("<d:Types>dn:NetworkVideoTransmitter</d:Types>", ""):
            with contextlib.suppress(OSError):
                transport.sendto(_PROBE.format(message=message, types=types).encode(), (str(target), port))
            await asyncio.sleep(wait_s / 2)
    finally:
        transport.close()
    return sorted(ears.found.values(), key=lambda row: ipaddress.IPv4Address(row.host))

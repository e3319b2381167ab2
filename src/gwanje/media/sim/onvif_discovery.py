"""WS-Discovery of simulated cameras (모의 기기 탐색 응답): on the loopback only, never on a real network."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Callable
from typing import Any, cast

GROUP, PORT = "239.255.255.250", 3702
DATAGRAM_MAX = 8192
_MESSAGE = re.compile(rb"uuid:([0-9a-fA-F-]{36})")
log = logging.getLogger("gwanje.simulator")


class Answers(asyncio.DatagramProtocol):
    """Answers each Probe with one datagram a camera; ``devices`` gives (name, model, address) of each."""

    def __init__(self, devices: Callable[[], list[tuple[str, str, str]]]) -> None:
        self._devices = devices
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is answered with."""
        # asyncio's own class is no DatagramTransport before Python 3.13
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """One ProbeMatches a camera, to whoever asked from this machine."""
        found = _MESSAGE.search(data)
        if self._transport is None or found is None or len(data) > DATAGRAM_MAX or b"Probe" not in data:
            return
        for name, model, address in self._devices():
            self._transport.sendto(_match(found[1].decode(), name, model, address), addr)


def _match(message: str, name: str, model: str, address: str) -> bytes:
    said = (
        '<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header>'
        f"<w:RelatesTo>uuid:{message}</w:RelatesTo></e:Header><e:Body><d:ProbeMatches><d:ProbeMatch>"
        f"<w:EndpointReference><w:Address>urn:gwanje:{name}</w:Address></w:EndpointReference>"
        f"<d:Scopes>onvif://www.onvif.org/name/{name} onvif://www.onvif.org/hardware/{model}</d:Scopes>"
        f"<d:XAddrs>{address}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
    )
    return said.encode()


async def listen(devices: Callable[[], list[tuple[str, str, str]]], port: int = PORT) -> asyncio.BaseTransport | None:
    """Join the group on the loopback; None, and one line in the log, where the machine does not let it."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        # several simulators of one machine each get every probe
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((GROUP, port))
        member = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Answers(devices), sock=sock)
    except OSError as error:
        sock.close()
        log.warning("cameras cannot be discovered on this machine: %s", error.strerror)
        return None
    return transport

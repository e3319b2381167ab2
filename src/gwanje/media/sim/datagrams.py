"""Pictures over UDP from a simulated camera (모의 UDP 송신): a pair of sockets per viewer, and what goes wrong."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
from collections.abc import Sequence

from gwanje.media.sim.faults import Faults

SEND_BUFFER = 4 << 20
TRIES_MAX = 100


class Datagrams:
    """Sends to ``peer`` from an even port and the next; ``reports`` counts what came back on the RTCP socket."""

    def __init__(self, host: str, peer: str, ports: tuple[int, int]) -> None:
        self._rtp, self._rtcp = _pair(host)
        self._stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._peer, self._ports = peer, ports
        self.reports: list[bytes] = []

    @staticmethod
    def asked(transport: str) -> tuple[int, int] | None:
        """The viewer's ports from a Transport header."""
        match = re.search(r"client_port=(\d+)-(\d+)", transport)
        return (int(match[1]), int(match[2])) if match else None

    @property
    def port(self) -> int:
        """The even one of our ports."""
        return int(self._rtp.getsockname()[1])

    def send(self, data: bytearray, starts: Sequence[int], faults: Faults, first: int) -> None:
        """One access unit: ``starts`` are the places of its interleaved frames, ``first`` its first sequence number."""
        edges = [*starts, len(data)]
        packets = [bytes(data[a + 4 : b]) for a, b in itertools.pairwise(edges)]
        numbers = range(first, first + len(packets))
        if faults.loss:
            packets = [packet for number, packet in zip(numbers, packets, strict=True) if number % faults.loss]
        if faults.swap:
            for place in range(0, len(packets) - 1, max(2, faults.swap)):
                packets[place], packets[place + 1] = packets[place + 1], packets[place]
        for place, packet in enumerate(packets):
            self._out(self._rtp, packet)
            if faults.twice and place % faults.twice == 0:
                self._out(self._rtp, packet)
            if faults.elsewhere:
                # the same header with other pixels, from a port that the viewer did not agree on
                self._out(self._stranger, packet[:12] + bytes(len(packet) - 12))

    def _out(self, sock: socket.socket, packet: bytes) -> None:
        with contextlib.suppress(OSError):
            sock.sendto(packet, (self._peer, self._ports[0]))

    def report(self, report: bytes) -> None:
        """Send a sender report and collect what the viewer reported."""
        with contextlib.suppress(OSError):
            self._rtcp.sendto(report, (self._peer, self._ports[1]))
        with contextlib.suppress(OSError):
            while len(self.reports) < 1000:
                self.reports.append(self._rtcp.recv(2048))

    def close(self) -> None:
        """Close all sockets."""
        for sock in (self._rtp, self._rtcp, self._stranger):
            sock.close()


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(TRIES_MAX):
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        try:
            rtp.bind((host, 0))
            port = rtp.getsockname()[1]
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                for sock in (rtp, rtcp):
                    sock.setblocking(False)
                rtp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
                return rtp, rtcp
        except OSError:
            pass
        rtp.close()
        rtcp.close()
    raise OSError("no pair of ports is free")

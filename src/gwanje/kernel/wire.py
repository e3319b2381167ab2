"""Frames between services (내부 통신): u32 length (big-endian), then canonical CBOR; used on Unix sockets."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from gwanje.kernel.canonical import decode, encode

FRAME_MAX = 1 << 20


class WireError(ConnectionError):
    """The peer closed, sent a frame over the limit, or bytes that are not canonical."""


def pack(message: dict[str, Any]) -> bytes:
    """One frame."""
    return framed(encode(message))


def framed(body: bytes) -> bytes:
    """One frame around a body."""
    if len(body) > FRAME_MAX:
        raise WireError(f"a frame of {len(body)} bytes passes the limit of {FRAME_MAX}")
    return len(body).to_bytes(4, "big") + body


def message(body: bytes) -> dict[str, Any]:
    """The map that a frame's body holds; WireError when it holds anything else."""
    try:
        read = decode(body)
    except ValueError as error:
        raise WireError("a frame is not canonical") from error
    if not isinstance(read, dict):
        raise WireError("a frame is not a map")
    return read


def _exactly(sock: socket.socket, count: int) -> bytes:
    out = bytearray()
    while len(out) < count:
        piece = sock.recv(count - len(out))
        if not piece:
            raise WireError("the peer closed the connection")
        out += piece
    return bytes(out)


def send(sock: socket.socket, message: dict[str, Any]) -> None:
    """Send one frame on a blocking socket."""
    sock.sendall(pack(message))


def receive(sock: socket.socket) -> dict[str, Any]:
    """Receive one frame from a blocking socket."""
    size = int.from_bytes(_exactly(sock, 4), "big")
    if size > FRAME_MAX:
        raise WireError(f"a frame of {size} bytes passes the limit")
    return message(_exactly(sock, size))


async def receive_async(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Receive one frame from a stream."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > FRAME_MAX:
            raise WireError(f"a frame of {size} bytes passes the limit")
        return message(await reader.readexactly(size))
    except asyncio.IncompleteReadError as error:
        raise WireError("the peer closed the connection") from error

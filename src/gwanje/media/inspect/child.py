"""The child that looks (점검 프로세스): key frames in, figures out; a decoder that crashes costs no recording.

Started by the recorder as ``python -m gwanje.media.inspect.child FD``. It has one socket, no store, no key, no network
and no name of a camera; pictures live in one buffer that is overwritten after each look.
"""

from __future__ import annotations

import socket
import sys
import time
from collections import OrderedDict
from dataclasses import asdict
from typing import Any

from gwanje.media.inspect.decode import Undecodable, luma, thumbnail
from gwanje.media.inspect.figures import measure
from gwanje.media.inspect.memory import Memory
from gwanje.media.inspect.messages import ASK, ASK_MAX, FORGET, LENGTH, Ended, answer, read_exactly
from gwanje.media.offspring import confine

CAMERAS_MAX = 2000
MEMORY_MAX = 4 << 30
NICE = 10


class Looker:
    """What the child remembers of each camera, the least lately looked at forgotten beyond 2,000."""

    def __init__(self) -> None:
        self._memories: OrderedDict[int, Memory] = OrderedDict()

    def forget(self, camera: int) -> None:
        """The camera shows another view from now on: it is learnt anew."""
        self._memories.pop(camera, None)

    def look(self, camera: int, init: bytes, sample: bytes) -> tuple[dict[str, Any], bytes]:
        """Figures of one key frame, and a thumbnail where something is wrong."""
        memory = self._memories.pop(camera, None) or Memory()
        self._memories[camera] = memory
        if len(self._memories) > CAMERAS_MAX:
            self._memories.popitem(last=False)
        try:
            picture = luma(init, sample)
        except Undecodable as error:
            return {"unseen": str(error)[:80]}, b""
        said = memory.look(measure(picture))
        small = thumbnail(picture) if said.kind else b""
        picture[:] = 0
        plain = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(said).items()}
        return plain, small


def serve(sock: socket.socket) -> None:
    """Answer until the recorder closes; Ended then."""
    looker = Looker()
    buffer = bytearray(ASK_MAX)
    head = bytearray(LENGTH.size)
    while True:
        read_exactly(sock, memoryview(head))
        length = LENGTH.unpack(head)[0]
        if not ASK.size <= length <= ASK_MAX:
            raise Ended("length")
        view = memoryview(buffer)[:length]
        read_exactly(sock, view)
        started = time.process_time()
        kind, camera, cut = ASK.unpack_from(view)
        body = view[ASK.size :]
        if kind == FORGET:
            looker.forget(camera)
            continue
        said, small = looker.look(camera, bytes(body[:cut]), bytes(body[cut:]))
        view[:] = bytes(length)
        sock.sendall(answer({**said, "cpu": round(time.process_time() - started, 6)}, small))


def main() -> None:
    """argv: the socket's number and the parent's process id."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    confine(int(sys.argv[2]), memory=MEMORY_MAX, nice=NICE)
    try:
        serve(sock)
    except (Ended, OSError):
        sys.exit(0)


if __name__ == "__main__":
    main()

"""The floor under a recorder: reads the sockets of many cameras at the recorder's tick and does nothing else.

``python -m bench._drain URL_PATTERN CAMERAS``: until SIGTERM, then prints the bytes it read.
"""

from __future__ import annotations

import asyncio
import select
import signal
import sys
import time

from gwanje.kernel.reach import Reach
from gwanje.media import outward, rtsp
from gwanje.media.engine import TICK_S
from gwanje.media.rtp import RECEIVE_SIZE

running = True


async def play(pattern: str, cameras: int) -> list[rtsp.Playing]:
    """One connection per camera."""
    outward.govern(Reach(loopback=True))
    gate = asyncio.Semaphore(16)

    async def one(number: int) -> rtsp.Playing:
        async with gate:
            return await rtsp.play(pattern.format(number), None)

    return list(await asyncio.gather(*(one(number) for number in range(cameras))))


def drain(playing: list[rtsp.Playing]) -> int:
    """Read at each tick until told to end; returns the bytes."""
    poll, buffer, total = select.epoll(), bytearray(RECEIVE_SIZE), 0
    by_fd = {p.sock.fileno(): p.sock for p in playing}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    following = time.monotonic()
    while running:
        for fd, _ in poll.poll(0, 4096):
            total += by_fd[fd].recv_into(buffer)
        following = max(following + TICK_S, time.monotonic())
        time.sleep(max(0.0, following - time.monotonic()))
    return total


def main() -> int:
    """Drain until SIGTERM."""

    def stop(*_: object) -> None:
        global running  # noqa: PLW0603 - one process, one flag
        running = False

    signal.signal(signal.SIGTERM, stop)
    print(drain(asyncio.run(play(sys.argv[1], int(sys.argv[2])))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

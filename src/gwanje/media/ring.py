"""Live ring (실시간 관제 영상): the newest group of pictures of one stream, and who is watching it.

The same bytes go to every viewer. A viewer who cannot keep up is skipped to the next key frame; the ring never waits.
"""

from __future__ import annotations

from typing import Protocol

from gwanje.media.fmp4 import init_message
from gwanje.media.picture import Picture

GROUP_FRAMES_MAX = 900
GROUP_BYTES_MAX = 8 << 20


class Viewer(Protocol):
    """One who watches; no call blocks."""

    def begin(self, picture: Picture, init: bytes, group: list[bytes]) -> None:
        """A new init segment is in force; ``group``: messages since the last key frame, maybe none."""

    def frame(self, message: bytes, key: bool) -> None:
        """One frame."""

    def gone(self) -> None:
        """This recorder has the stream no more: whoever watches asks where it is now."""


class LiveRing:
    """Frames since the last key frame of one stream, and its viewers."""

    __slots__ = ("_bytes", "_group", "_init", "frames", "picture", "viewers")

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self.picture: Picture | None = None
        self.frames = 0
        self._init = b""
        self._group: list[bytes] = []
        self._bytes = 0

    def started(self, picture: Picture, init: bytes, now_us: int) -> None:
        """The stream begins, or its parameter sets changed."""
        self.picture = picture
        self._init = init_message(now_us, init)
        self._forget()
        for viewer in tuple(self.viewers):
            viewer.begin(picture, self._init, [])

    def push(self, message: bytes, key: bool) -> None:
        """One frame, its message made once for all."""
        self.frames += 1
        if key:
            self._forget()
        if key or self._group:
            self._group.append(message)
            self._bytes += len(message)
            if self._bytes > GROUP_BYTES_MAX or len(self._group) > GROUP_FRAMES_MAX:
                # a group that long is not worth its memory: newcomers wait for the next key frame
                self._forget()
        if self.viewers:
            for viewer in tuple(self.viewers):
                viewer.frame(message, key)

    def join(self, viewer: Viewer) -> None:
        """Begin at the last key frame."""
        self.viewers.add(viewer)
        if self.picture is not None:
            viewer.begin(self.picture, self._init, list(self._group))

    def leave(self, viewer: Viewer) -> None:
        """Stop watching."""
        self.viewers.discard(viewer)

    def stop(self) -> None:
        """The camera went away: nothing old is shown to a newcomer."""
        self._forget()

    def close(self) -> None:
        """The camera is another recorder's now, or nobody's."""
        self._forget()
        for viewer in tuple(self.viewers):
            viewer.gone()

    def _forget(self) -> None:
        self._group = []
        self._bytes = 0

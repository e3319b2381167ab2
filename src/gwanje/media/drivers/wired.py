"""A stream with a connection behind it (접속된 영상): what the camera answers while it plays goes to the feed."""

from __future__ import annotations

from collections.abc import Callable

from gwanje.media.ring import LiveRing
from gwanje.media.rtp import Receiver, StreamBroken
from gwanje.media.rtsp import Answer, parse_head
from gwanje.media.stream import Sink, Stream


class Wired(Stream):
    """``heard``: set by a feed when it begins; None leaves answers to the stream itself."""

    __slots__ = ("heard",)

    def __init__(self, receiver: Receiver, view: memoryview, ring: LiveRing, sink: Sink | None) -> None:
        self.heard: Callable[[Answer], None] | None = None
        super().__init__(receiver, view, ring, sink)

    def answered(self, head: str) -> None:
        if self.heard is None:
            super().answered(head)
            return
        try:
            answer = parse_head(head)
        except ValueError as error:
            raise StreamBroken(str(error)) from error
        self.heard(answer)

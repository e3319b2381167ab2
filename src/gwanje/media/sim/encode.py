"""Encoding of simulated clips (모의 영상 부호화): as a surveillance camera sends it, in an MP4 file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray


@dataclass(frozen=True)
class Form:
    """What one stream looks like: size in pixels, frames per second, target kilobits per second, codec."""

    width: int
    height: int
    rate: Fraction
    kbps: int
    codec: str = "H264"


def options(form: Form) -> tuple[str, dict[str, str]]:
    """Encoder and its options: key frames at every whole second, no B-frames, nothing that a camera would not send."""
    gop = str(max(1, round(form.rate)))
    common = {"bf": "0", "g": gop, "threads": "1", "maxrate": f"{form.kbps}k", "bufsize": f"{form.kbps}k"}
    if form.codec == "H265":
        sets = (
            f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:open-gop=0:repeat-headers=0:pools=none:log-level=none"
        )
        return "libx265", {"preset": "ultrafast", "x265-params": f"{sets}:frame-threads=1"}
    if form.codec == "MP4V-ES":
        return "mpeg4", common
    if form.codec == "JPEG":
        return "mjpeg", {"huffman": "default", "threads": "1"}
    return "libx264", common | {
        "preset": "ultrafast",
        "profile": "main",
        "keyint_min": gop,
        "sc_threshold": "0",
        # however busy the picture, the squares of the counter must stay readable
        "qmax": "45",
    }


def _pixels(form: Form) -> str:
    return "yuvj420p" if form.codec == "JPEG" else "yuv420p"


class Encoder:
    """Writes RGB frames of any size as one stream; the file appears whole under its name or not at all.

    Key frames at every whole second, no B-frames, one slice type order, Main profile.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.path, self.form = path, form
        self._part = path.with_name(f".{path.stem}.{os.getpid()}.tmp.mp4")
        self._container: OutputContainer = av.open(str(self._part), "w")
        encoder, said = options(form)
        stream = self._container.add_stream(encoder, rate=form.rate, options=said)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = form.width, form.height, _pixels(form)
        stream.bit_rate = form.kbps * 1000
        stream.codec_context.time_base = Fraction(1) / form.rate
        self._stream = stream
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def add(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Encode one frame (scaled to the form's size); returns what was encoded, for a smaller stream to scale on."""
        same = (frame.width, frame.height) == (self.form.width, self.form.height)
        how = "POINT" if same else "AREA"
        out = frame.reformat(self.form.width, self.form.height, _pixels(self.form), interpolation=how)
        out.pts, out.time_base = self._count, Fraction(1) / self.form.rate
        self._count += 1
        self._container.mux(self._stream.encode(out))
        return out

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
            if kind is None:
                os.replace(self._part, self.path)
            else:
                self._part.unlink(missing_ok=True)


def write(frames: Iterable[NDArray[np.uint8]], outputs: Iterable[tuple[Path, Form]]) -> int:
    """Encode the same RGB frames into several files at once, the largest first; returns the number of frames."""
    encoders: list[Encoder] = []
    count = 0
    try:
        encoders.extend(Encoder(path, form) for path, form in outputs)
        for picture in frames:
            frame = av.VideoFrame.from_numpy_buffer(picture, format="rgb24")
            for encoder in encoders:
                frame = encoder.add(frame)
            count += 1
    except BaseException as error:
        for encoder in encoders:
            encoder.__exit__(type(error), error, None)
        raise
    for encoder in encoders:
        encoder.__exit__(None, None, None)
    return count

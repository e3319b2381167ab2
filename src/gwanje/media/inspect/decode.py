"""One key frame to luma (점검용 해독): the only code beside recording that decodes, in the child process only."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
from PIL import Image

from gwanje.media.fmp4 import HEAD_MAX, ROW, SYNC, put_head
from gwanje.media.inspect.figures import HEIGHT, WIDTH, Luma
from gwanje.media.inspect.messages import THUMBNAIL

THUMBNAIL_QUALITY = 70
PIXELS_MAX = 8192 * 8192


class Undecodable(ValueError):
    """The key frame gives no picture; the message names no camera."""


def movie(init: bytes, sample: bytes) -> bytes:
    """A file of one picture: the stream's own init segment and one fragment, whatever the codec."""
    row = ROW.pack(3600, len(sample), SYNC)
    head = bytearray(HEAD_MAX + len(row))
    begin = put_head(head, len(head), row, 1, 0, len(sample), False)
    return b"".join((init, memoryview(head)[begin:], sample))


def luma(init: bytes, sample: bytes) -> Luma:
    """360 x 640 luma of one key frame, full range; Undecodable when there is none."""
    # formats are named so that nothing else is probed, and no byte leads to another address
    options = {"probesize": "32", "analyzeduration": "0", "enable_drefs": "0"}
    try:
        with av.open(io.BytesIO(movie(init, sample)), "r", format="mp4", options=options) as container:
            stream = container.streams.video[0]
            context: Any = stream.codec_context
            context.options = {"threads": "1", "skip_loop_filter": "all"}
            for frame in container.decode(stream):
                if frame.width * frame.height > PIXELS_MAX:
                    raise Undecodable("the picture is too large")
                small = frame.reformat(WIDTH, HEIGHT, "gray", interpolation="AREA", dst_color_range="JPEG")
                made: Luma = np.ascontiguousarray(small.to_ndarray())
                return made
    except (av.FFmpegError, IndexError, MemoryError) as error:
        raise Undecodable(type(error).__name__) from error
    raise Undecodable("no picture")


def thumbnail(picture: Luma) -> bytes:
    """A small JPEG (320 x 180, luma) for the journal; it leaves this process only to be sealed."""
    out = io.BytesIO()
    Image.fromarray(picture).resize(THUMBNAIL, Image.Resampling.BOX).save(out, "JPEG", quality=THUMBNAIL_QUALITY)
    return out.getvalue()

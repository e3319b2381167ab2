"""Clips for a benchmark: a synthetic 1080p25 street, key frame every 2 s, no B pictures; made once per codec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".cache" / "bench"
WIDTH, HEIGHT, RATE, SECONDS, GROUP = 1920, 1080, 25, 20, 50
# encoder, ending, bits a second that the encoder must be told, options; H.264 ends at 2.0 Mbit/s
CODECS: dict[str, tuple[str, str, int, dict[str, str]]] = {
    "h264": (
        "libx264", "street-1080p25-2M-2.mp4", 2_170_000,
        {"preset": "veryfast", "profile": "high", "bf": "0", "sc_threshold": "0", "keyint_min": "50"},
    ),
    "h265": (
        "libx265", "street-1080p25-h265.mp4", 1_200_000,
        {"preset": "ultrafast", "x265-params": "keyint=50:min-keyint=50:scenecut=0:bframes=0:log-level=error"},
    ),
    "mpeg4": ("mpeg4", "street-1080p25-mpeg4.mp4", 4_000_000, {"bf": "0"}),
    "mjpeg": ("mjpeg", "street-1080p25-mjpeg.mp4", 24_000_000, {"huffman": "default"}),
}  # fmt: skip


def clip(codec: str = "h264") -> Path:
    """The clip's path; made when it is not there yet (about a minute)."""
    name, ending, bits, options = CODECS[codec]
    path = FOLDER / ending
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        stream: Any = container.add_stream(name, rate=RATE)
        stream.width, stream.height, stream.bit_rate = WIDTH, HEIGHT, bits
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = GROUP
        limits = {} if codec == "mjpeg" else {"maxrate": str(bits), "bufsize": str(bits)}
        stream.codec_context.options = {**options, **limits}
        for planes in _pictures():
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        container.mux(stream.encode(None))
    part.rename(path)
    return path


def _pictures() -> Any:
    """Planes of each picture: a still street under sensor noise, people walking through it."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(60, 190, (HEIGHT // 24 + 1, WIDTH // 24 + 1), dtype=np.uint8)
    still = np.kron(coarse, np.ones((24, 24), np.uint8))[:HEIGHT, :WIDTH].astype(np.int16)
    noise = rng.normal(0, 2, (HEIGHT + 64, WIDTH + 64)).astype(np.int16)
    walkers = rng.integers(40, 220, (14, 160, 60), dtype=np.uint8)
    places = rng.integers((0, 300), (WIDTH - 60, HEIGHT - 170), (14, 2))
    speeds = rng.integers(-7, 8, 14)
    grey = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
    for number in range(RATE * SECONDS):
        x, y = rng.integers(0, 64, 2)
        picture = still + noise[y : y + HEIGHT, x : x + WIDTH]
        for walker, (left, top), speed in zip(walkers, places, speeds, strict=True):
            at = (left + speed * number) % (WIDTH - 60)
            picture[top : top + 160, at : at + 60] = walker
        yield np.vstack([np.clip(picture, 16, 235).astype(np.uint8), grey])

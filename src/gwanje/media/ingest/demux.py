"""Demuxing by PyAV (PyAV 수신): HLS, RTMP, files and progressive HTTP; the video stream of each and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import av
from av.error import FFmpegError
from av.stream import Discard
from av.video.stream import VideoStream

from gwanje.media.drivers.feeds import configuration, end, unit_head
from gwanje.media.ingest.order import Order
from gwanje.media.tls import NotTrusted, trust_of

CODECS = {"h264": "H264", "hevc": "H265", "mpeg4": "MP4V-ES", "mjpeg": "JPEG"}
OPEN_S, READ_S = 5.0, 3.0
PLAYLIST_READ_S = 7.0
AHEAD_MAX_S = 12.0
CLOCK = 90_000
FAST = {"probesize": "65536", "analyzeduration": "1000000", "fpsprobesize": "0"}
# a hostile playlist may name any address: nothing on this machine's disk, and no other protocol
WHITELIST = {
    "file": "file", "http": "http,tcp", "https": "https,http,tls,tcp,crypto", "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
}  # fmt: skip


class NotVideo(ConnectionError):
    """The source cannot be recorded; the text names no address."""


def access_units(order: Order) -> Iterator[bytes]:
    """Messages of a feed (``drivers.feeds``): a configuration, units, an end. Raises ConnectionError or OSError."""
    parts = urlsplit(order.url)
    scheme = parts.scheme.lower()
    if scheme not in WHITELIST:
        raise NotVideo("the address is none of file, http, https, rtmp, rtmps")
    playlist = parts.path.lower().endswith((".m3u8", ".m3u"))
    options = {**FAST, "protocol_whitelist": WHITELIST[scheme] + (",crypto" if playlist else "")}
    if scheme in ("https", "rtmps"):
        options |= _tls(order)
    try:
        with av.open(
            _address(order), options=options, timeout=(OPEN_S, PLAYLIST_READ_S if playlist else READ_S)
        ) as container:
            yield from _units(container, paced=scheme == "file" or playlist or scheme.startswith("http"))
    except FFmpegError as error:
        # FFmpeg's own text holds the address, with its account
        raise NotVideo(f"{type(error).__name__}: {error.strerror}"[:200]) from None
    if scheme == "file":
        yield end("the file ended", over=True)
    else:
        yield end("the source ended")


def _address(order: Order) -> str:
    """The address for FFmpeg, in this process's memory only."""
    parts = urlsplit(order.url)
    if parts.scheme == "file":
        return parts.path
    if not order.user:
        return order.url
    account = f"{quote(order.user, safe='')}:{quote(order.password, safe='')}@"
    return urlunsplit((parts.scheme, account + parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))


def _tls(order: Order) -> dict[str, str]:
    trust = trust_of(order.device)
    if not trust.ca:
        raise NotTrusted("a playlist or RTMP over TLS needs the CA of the camera's certificate recorded")
    handle = os.memfd_create("ca")
    os.write(handle, trust.ca.encode())
    return {"tls_verify": "1", "ca_file": f"/proc/self/fd/{handle}"}


def _units(container: Any, *, paced: bool) -> Iterator[bytes]:
    if not container.streams.video:
        raise NotVideo("the source has no video")
    video: VideoStream = container.streams.video[0]
    for other in container.streams:
        if other.index != video.index:
            other.discard = Discard.all
    name = CODECS.get(video.codec_context.name)
    if name is None:
        raise NotVideo(f"{video.codec_context.name} is not a codec that is recorded")
    form = Form(name, video.codec_context.extradata or b"")
    yield form.configuration
    pace = Pace() if paced else None
    base: Fraction = video.time_base or Fraction(1, CLOCK)
    for packet in container.demux(video):
        if not packet.size:
            continue
        shown = packet.pts if packet.pts is not None else packet.dts
        at = time.monotonic() if shown is None else float(shown * base)
        stamp = int(at * CLOCK) if shown is None else int(shown * base * CLOCK)
        if pace is not None:
            pace.wait(at if packet.dts is None else float(packet.dts * base))
        data = form.unit(bytes(packet))
        yield unit_head(stamp, len(data), key=bool(packet.is_keyframe)) + data


class Pace:
    """Lets pictures through at the speed of their own times, not of the disk's."""

    def __init__(self) -> None:
        self._zero = time.monotonic()
        self._first: float | None = None

    def wait(self, at: float) -> None:
        """Sleep until media second ``at`` is due; a jump of the times begins anew."""
        now = time.monotonic()
        ahead = 0.0 if self._first is None else at - self._first - (now - self._zero)
        if self._first is None or not -AHEAD_MAX_S < ahead < AHEAD_MAX_S:
            self._zero, self._first = now, at
        elif ahead > 0:
            time.sleep(ahead)


class Form:
    """Turns packets into what ``Stream.unit`` takes: NAL units behind four bytes of length, other pictures as they are.

    ``extra``: avcC, hvcC or start-code bytes for H.264 and H.265 (ISO/IEC 14496-15), headers for MPEG-4.
    """

    def __init__(self, codec: str, extra: bytes) -> None:
        self._size = 0
        sets: tuple[bytes, ...] = ()
        if codec in ("H264", "H265"):
            if extra[:1] == b"\1":
                self._size, sets = _avc(extra) if codec == "H264" else _hvc(extra)
            else:
                sets = tuple(_split(extra))
        self._nal = codec in ("H264", "H265")
        self.configuration = configuration(codec, config=extra if codec == "MP4V-ES" else b"", sets=sets)

    def unit(self, data: bytes) -> bytes:
        """One packet."""
        if not self._nal or self._size == 4:
            return data
        nals = _prefixed(data, self._size) if self._size else _split(data)
        return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def _prefixed(data: bytes, size: int) -> Iterator[bytes]:
    at = 0
    while at + size <= len(data):
        length = int.from_bytes(data[at : at + size], "big")
        at += size
        yield data[at : at + length]
        at += length


def _split(data: bytes) -> Iterator[bytes]:
    """NAL units between start codes (ITU-T H.264 annex B)."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        following = data.find(b"\0\0\1", at + 3)
        nal = data[at + 3 : following if following >= 0 else len(data)].rstrip(b"\0")
        if nal:
            yield nal
        at = following


def _avc(extra: bytes) -> tuple[int, tuple[bytes, ...]]:
    sets: list[bytes] = []
    at = 5
    for mask in (31, 255):
        if at >= len(extra):
            break
        count, at = extra[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(extra[at : at + 2], "big")
            sets.append(extra[at + 2 : at + 2 + size])
            at += 2 + size
    return (extra[4] & 3) + 1 if len(extra) > 4 else 4, tuple(nal for nal in sets if nal)


def _hvc(extra: bytes) -> tuple[int, tuple[bytes, ...]]:
    if len(extra) < 23:
        return 4, ()
    sets: list[bytes] = []
    at = 23
    for _ in range(extra[22]):
        count, at = int.from_bytes(extra[at + 1 : at + 3], "big"), at + 3
        for _ in range(min(count, 16)):
            size = int.from_bytes(extra[at : at + 2], "big")
            sets.append(extra[at + 2 : at + 2 + size])
            at += 2 + size
    return (extra[21] & 3) + 1, tuple(nal for nal in sets if nal)

"""Demuxing by PyAV (PyAV 수신): HLS, RTMP, files and progressive HTTP; the video stream of each and nothing else.

FFmpeg opens nothing by itself but an RTMP connection to an address that was judged before: HTTP is read for it by
``opener``, a file is handed to it open.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import av
from av.error import FFmpegError
from av.stream import Discard
from av.video.stream import VideoStream

from gwanje.kernel.reach import PORTS, literal
from gwanje.media import outward
from gwanje.media.drivers.feeds import configuration, end, unit_head
from gwanje.media.ingest.opener import Opener
from gwanje.media.ingest.order import Order
from gwanje.media.tls import NotTrusted, trust_of

CODECS = {"h264": "H264", "hevc": "H265", "mpeg4": "MP4V-ES", "mjpeg": "JPEG"}
OPEN_S, READ_S = 5.0, 3.0
PLAYLIST_READ_S = 7.0
AHEAD_MAX_S = 12.0
CLOCK = 90_000
FAST = {"probesize": "65536", "analyzeduration": "1000000", "fpsprobesize": "0"}
# what reads other addresses by itself (concat, image2, sdp …) is not among them
FORMATS = "hls,mpegts,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,flv,live_flv,avi,mpjpeg,mjpeg,h264,hevc,m4v"
CLOSED = {**FAST, "format_whitelist": FORMATS, "protocol_whitelist": "none"}
PROTOCOLS = {"rtmp": "rtmp,tcp", "rtmps": "rtmps,tls,tcp"}


class NotVideo(ConnectionError):
    """The source cannot be recorded; the text names no address."""


def access_units(order: Order, opener: Opener) -> Iterator[bytes]:
    """Messages of a feed (``drivers.feeds``): a configuration, units, an end. Raises ConnectionError or OSError."""
    parts = urlsplit(order.url)
    scheme = parts.scheme.lower()
    try:
        if scheme == "file":
            yield from _file(parts.path)
        elif scheme in ("http", "https"):
            yield from _http(order.url, opener)
        elif scheme in PROTOCOLS:
            yield from _rtmp(order, parts)
        else:
            raise NotVideo("the address is none of file, http, https, rtmp, rtmps")
    except FFmpegError as error:
        # FFmpeg's own text holds the address, with its account
        raise NotVideo(f"{type(error).__name__}: {error.strerror}"[:200]) from None
    yield end("the file ended", over=True) if scheme == "file" else end("the source ended")


def _nothing(url: str, flags: int, options: Mapping[str, Any]) -> Any:
    raise NotVideo("a file names another address: it is not followed")


def _file(path: str) -> Iterator[bytes]:
    with (
        outward.open_file(path, outward.in_force().files) as source,
        av.open(source, options=CLOSED, io_open=_nothing, timeout=(OPEN_S, READ_S)) as container,
    ):
        yield from _units(container, paced=True)


def _http(url: str, opener: Opener) -> Iterator[bytes]:
    with contextlib.closing(opener), opener.open(url) as body:
        read_s = PLAYLIST_READ_S if body.playlist else READ_S
        # our connections end with their bodies
        options = {**CLOSED, "http_persistent": "0"} if body.playlist else CLOSED
        kind = "hls" if body.playlist else None
        with av.open(body, format=kind, options=options, io_open=opener.io_open, timeout=(OPEN_S, read_s)) as container:
            yield from _units(container, paced=True)


def _rtmp(order: Order, parts: SplitResult) -> Iterator[bytes]:
    port = parts.port or PORTS[parts.scheme.lower()]
    if parts.scheme.lower() == "rtmps" and literal(parts.hostname or "") is None:
        # FFmpeg would resolve the name a second time to compare it with the certificate
        raise NotVideo("RTMP over TLS needs an address in numbers, which the certificate names")
    host = outward.resolved(parts.hostname or "", port).host
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    account = f"{quote(order.user, safe='')}:{quote(order.password, safe='')}@" if order.user else ""
    # the judged address in numbers, in this process's memory only
    url = urlunsplit((parts.scheme, account + place, parts.path, parts.query, ""))
    options = {**FAST, "protocol_whitelist": PROTOCOLS[parts.scheme.lower()]}
    with contextlib.ExitStack() as stack:
        if parts.scheme.lower() == "rtmps":
            options |= stack.enter_context(_tls(order))
        container = stack.enter_context(av.open(url, options=options, timeout=(OPEN_S, READ_S)))
        yield from _units(container, paced=False)


@contextlib.contextmanager
def _tls(order: Order) -> Iterator[dict[str, str]]:
    trust = trust_of(order.device)
    if not trust.ca:
        raise NotTrusted("RTMP over TLS needs the CA of the camera's certificate recorded")
    handle = os.memfd_create("ca", os.MFD_CLOEXEC)
    try:
        os.write(handle, trust.ca.encode())
        yield {"tls_verify": "1", "ca_file": f"/proc/self/fd/{handle}"}
    finally:
        os.close(handle)


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

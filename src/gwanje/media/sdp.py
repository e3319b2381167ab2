"""Session description (SDP), RFC 8866: the video track and nothing else. No type here can name an audio track.

Codecs: H264 (RFC 6184), H265 (RFC 7798), MP4V-ES (RFC 6416), JPEG (RFC 2435). Real cameras write dirt: line ends of
every kind, lower case, spaces, base64 without its padding, start codes before parameter sets. What can be read is read.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from gwanje.law import upholds

DESCRIPTION_MAX = 64 * 1024
CLOCK = 90_000
SETS_MAX = 16
TRACKS_MAX = 32
# what records cheapest and plays in a browser comes first
CODECS = ("H264", "H265", "MP4V-ES", "JPEG")
_OTHER_NAMES = {"HEVC": "H265", "AVC": "H264", "MPEG4-VIDEO": "MP4V-ES"}
_STATIC_JPEG = 26
_SETS = {"H264": ("sprop-parameter-sets",), "H265": ("sprop-vps", "sprop-sps", "sprop-pps")}


class UnsupportedVideo(ValueError):
    """The camera offers no video that can be recorded; the text says what it offers."""


@dataclass(frozen=True)
class VideoTrack:
    """The one video track that will be set up (영상 트랙).

    ``control``: its URL. ``payload``: RTP payload type. ``parameter_sets``: NAL units without start codes (SPS, PPS,
    VPS). ``codec``: one of CODECS. ``clock``: Hz. ``config``: MPEG-4's headers up to the first picture, as sent out of
    band. ``size``: pixels, for JPEG pictures that are larger than their packets can say; (0, 0) = not said.
    """

    control: str
    payload: int
    parameter_sets: tuple[bytes, ...] = ()
    codec: str = "H264"
    clock: int = CLOCK
    config: bytes = b""
    size: tuple[int, int] = (0, 0)


def _resolve(base: str, control: str) -> str:
    try:
        if re.match(r"rtsps?://", control, re.IGNORECASE):
            # a camera behind address translation names an address of its own: host and port stay those we reached
            parts, own = urlsplit(control), urlsplit(base)
            return urlunsplit((own.scheme, own.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    except ValueError as error:
        raise UnsupportedVideo("the description names no valid address") from error
    if control in ("", "*"):
        return base
    return base.rstrip("/") + "/" + control.lstrip("/")


def _attributes(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name.strip().lower(), []).append(value.strip())
    return found


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _of_payload(values: Sequence[str], payload: int) -> str:
    """What a ``rtpmap`` or ``fmtp`` says of a payload type; empty when nothing."""
    for value in values:
        number, _, rest = value.partition(" ")
        if _number(number) == payload:
            return rest.strip()
    return ""


def _parameters(fmtp: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in fmtp.split(";")[:64]:
        name, equals, value = text.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def _parameter_sets(codec: str, parameters: dict[str, str]) -> tuple[bytes, ...]:
    sets: list[bytes] = []
    for name in _SETS.get(codec, ()):
        for text in parameters.get(name, "").split(",")[:SETS_MAX]:
            try:
                bare = text.strip().rstrip("=")
                nal = base64.b64decode(bare + "=" * (-len(bare) % 4))
            except (binascii.Error, ValueError):
                continue
            # some cameras put a start code before each set
            nal = re.sub(rb"^\0{2,3}\x01", b"", nal)
            if len(nal) > 2:
                sets.append(nal)
    return tuple(sets)


def _config(parameters: dict[str, str]) -> bytes:
    try:
        return bytes.fromhex(parameters.get("config", ""))
    except ValueError:
        return b""


def _size(attributes: dict[str, list[str]]) -> tuple[int, int]:
    for name in ("x-dimensions", "framesize"):
        for value in attributes.get(name, []):
            match = re.search(r"(\d{2,5})\s*[-,x]\s*(\d{2,5})$", value, re.ASCII)
            if match:
                return int(match[1]), int(match[2])
    return 0, 0


def _codec(mapped: str, payload: int) -> tuple[str, int]:
    """Codec and clock of a payload type: its ``rtpmap``, or the static assignment of RFC 3551."""
    if not mapped:
        return ("JPEG", CLOCK) if payload == _STATIC_JPEG else ("", 0)
    name, _, rest = mapped.partition("/")
    name = name.strip().upper()
    clock = _number(rest.partition("/")[0].strip())
    return _OTHER_NAMES.get(name, name), CLOCK if clock < 0 else clock


@upholds("recording.codecs", passes="")
def why_not(codec: str, clock: int, parameters: dict[str, str]) -> str:
    """Why a format cannot be recorded (영상압축 방식); empty when it can. Codec as in CODECS, clock in Hz."""
    if codec not in CODECS:
        return "not read"
    if clock != CLOCK:
        return f"a clock of {clock} Hz"
    if codec == "H264" and parameters.get("packetization-mode") == "2":
        return "interleaved packetisation"
    # with this, packets carry decoding order numbers that cameras do not send
    if codec == "H265" and _number(parameters.get("sprop-max-don-diff", "0")) > 0:
        return "decoding order numbers"
    return ""


def _blocks(text: str) -> list[list[str]]:
    lines = [line.strip() for line in re.split(r"\r\n|\n|\r", text.replace("\0", ""))]
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            blocks.append([])
        blocks[-1].append(line)
    return blocks[: TRACKS_MAX + 1]


def video(text: str, base: str, prefer: Sequence[str] = CODECS) -> VideoTrack:
    """The best video track of a description; ``base`` is Content-Base or the request URL.

    ``prefer``: codecs, best first; those not named come after them. Of one codec the first track is taken.
    UnsupportedVideo when there is none: the message names the codecs offered, and why they are refused.
    """
    if len(text) > DESCRIPTION_MAX:
        raise UnsupportedVideo("the description is too long")
    blocks = _blocks(text)
    root = _resolve(base, _attributes(blocks[0]).get("control", ["*"])[0])
    offered: list[str] = []
    found: list[VideoTrack] = []
    for lines in blocks[1:]:
        media = lines[0][2:].split()
        if not media or media[0].lower() != "video":
            continue
        attributes = _attributes(lines)
        for payload in [_number(word) for word in media[3:]][:TRACKS_MAX]:
            mapped = _of_payload(attributes.get("rtpmap", []), payload)
            codec, clock = _codec(mapped, payload)
            parameters = _parameters(_of_payload(attributes.get("fmtp", []), payload))
            why = why_not(codec, clock, parameters)
            if why or not 0 <= payload < 128:
                offered.append((mapped or f"payload type {payload}")[:60] + (f" ({why})" if codec in CODECS else ""))
                continue
            control = _resolve(root, attributes.get("control", ["*"])[0])
            sets = _parameter_sets(codec, parameters)
            found.append(VideoTrack(control, payload, sets, codec, clock, _config(parameters), _size(attributes)))
    if not found:
        raise UnsupportedVideo(
            f"no H.264, H.265, MPEG-4 or JPEG video is offered, only: {', '.join(offered[:8]) or 'nothing'}"
        )
    order = [*prefer, *CODECS]
    return min(found, key=lambda track: order.index(track.codec))

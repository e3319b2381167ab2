"""Session description (SDP), RFC 8866: the video track and nothing else. No type here can name an audio track."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

DESCRIPTION_MAX = 64 * 1024


class UnsupportedVideo(ValueError):
    """The camera offers no video that can be recorded; the text says what it offers."""


@dataclass(frozen=True)
class VideoTrack:
    """The one H.264 track that will be set up: its control URL, payload type and first parameter sets."""

    control: str
    payload: int
    parameter_sets: tuple[bytes, ...]


def _resolve(base: str, control: str) -> str:
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        # a camera behind address translation names an address of its own: host and port stay those we reached
        parts, own = urlsplit(control), urlsplit(base)
        return urlunsplit((own.scheme, own.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    if control in ("", "*"):
        return base
    return base.rstrip("/") + "/" + control.lstrip("/")


def _attributes(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name, []).append(value)
    return found


def _parameter_sets(fmtp: str) -> tuple[bytes, ...]:
    match = re.search(r"sprop-parameter-sets=([^;\s]+)", fmtp)
    sets: list[bytes] = []
    for text in match[1].split(",")[:8] if match else ():
        try:
            sets.append(base64.b64decode(text))
        except binascii.Error:
            continue
    return tuple(s for s in sets if s)


def video(text: str, base: str) -> VideoTrack:
    """The first H.264 video track; ``base`` is Content-Base or the request URL.

    UnsupportedVideo when there is none: the message names the codecs offered.
    """
    if len(text) > DESCRIPTION_MAX:
        raise UnsupportedVideo("the description is too long")
    blocks = re.split(r"^(?=m=)", text.replace("\r", ""), flags=re.MULTILINE)
    session = _attributes(blocks[0].split("\n"))
    root = _resolve(base, session.get("control", ["*"])[0])
    offered: list[str] = []
    for block in blocks[1:]:
        lines = block.split("\n")
        media = lines[0][2:].split()
        if not media or media[0] != "video":
            continue
        attributes = _attributes(lines)
        for mapped in attributes.get("rtpmap", []):
            number, _, encoding = mapped.partition(" ")
            offered.append(encoding.strip())
            if encoding.upper().startswith("H264/90000") and number.isdigit() and number in media[3:]:
                fmtp = next((f for f in attributes.get("fmtp", []) if f.split(" ")[0] == number), "")
                control = _resolve(root, attributes.get("control", ["*"])[0])
                return VideoTrack(control, int(number), _parameter_sets(fmtp))
    raise UnsupportedVideo(f"no H.264 video is offered, only: {', '.join(offered) or 'nothing'}")

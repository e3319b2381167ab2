"""Messages between recorder and inspection (점검 전문): one look asked, one answer; lengths first, every one bounded.

Ask: u32 length ‖ u8 kind ‖ u64 camera ‖ u32 length of init ‖ init ‖ sample. Answer: u32 length ‖ u32 length of JSON ‖
JSON ‖ thumbnail (JPEG, maybe empty).
"""

from __future__ import annotations

import json
import socket
from struct import Struct
from struct import error as StructError
from typing import Any

LOOK, FORGET = 1, 2
ASK = Struct(">BQI")
LENGTH = Struct(">I")
ASK_MAX = 5 << 20
ANSWER_MAX = 512 << 10
# width and height in pixels; it stands here, so that the recorder imports no decoder
THUMBNAIL = (320, 180)


class Ended(EOFError):
    """The other side has gone, or says what no side of ours says."""


def ask(kind: int, camera: int, init: bytes = b"", sample: bytes = b"") -> bytes:
    """One question as bytes; ValueError when it passes 5 MB."""
    length = ASK.size + len(init) + len(sample)
    if length > ASK_MAX:
        raise ValueError("the key frame is too large to be looked at")
    return b"".join((LENGTH.pack(length), ASK.pack(kind, camera, len(init)), init, sample))


def answer(said: dict[str, Any], thumbnail: bytes) -> bytes:
    """One answer as bytes."""
    text = json.dumps(said, separators=(",", ":")).encode()
    return b"".join((LENGTH.pack(4 + len(text) + len(thumbnail)), LENGTH.pack(len(text)), text, thumbnail))


def parse_answer(body: bytes) -> tuple[dict[str, Any], bytes]:
    """(figures, thumbnail) from an answer without its length; Ended when it is none."""
    try:
        length = LENGTH.unpack_from(body)[0]
        said = json.loads(body[4 : 4 + length])
    except (ValueError, StructError) as error:
        raise Ended("the answer cannot be read") from error
    if not isinstance(said, dict):
        raise Ended("the answer is no map")
    return said, body[4 + length :]


def read_exactly(sock: socket.socket, view: memoryview) -> None:
    """Fill the view; Ended when the other side closes first."""
    done = 0
    while done < len(view):
        count = sock.recv_into(view[done:])
        if not count:
            raise Ended("closed")
        done += count

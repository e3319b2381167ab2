"""Messages between the recorder and a transcoding child (변환 메시지): length, kind, key frame or not, bytes.

In: BEGIN with an init segment, FRAME with a live message. Out: BEGIN with SIZE (width, height), the codec's text, a
null byte and an init segment; FRAME with a live message.
"""

from __future__ import annotations

import struct

HEAD = struct.Struct(">IBB")
SIZE = struct.Struct(">HH")
BEGIN, FRAME = 1, 2
MESSAGE_MAX = 16 << 20

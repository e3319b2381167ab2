"""Base64url without padding (RFC 4648 §5, 토큰 표기): how a browser carries tokens; nothing else is let through."""

from __future__ import annotations

import base64
from typing import Any


def to_text(data: bytes) -> str:
    """Signed bytes as a browser carries them."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text: Any, most: int) -> bytes:
    """The bytes of a token; ValueError when it is no text, too long, or holds any sign outside the alphabet."""
    if not isinstance(text, str) or len(text) > most:
        raise ValueError("no text, or too long")
    if "+" in text or "/" in text or "=" in text:
        # the library takes the other alphabet's signs as well: one token would have two spellings
        raise ValueError("not base64url")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ValueError("not base64url") from error

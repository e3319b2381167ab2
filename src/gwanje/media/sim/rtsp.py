"""RTSP requests (RTSP 요청), RFC 2326: parsing, answers, Digest authentication; no sockets here."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

REQUEST_MAX = 16 * 1024
REALM = "gwanje simulator"
_REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
}
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


class BadRequest(ValueError):
    """The bytes are no request, or pass the limit."""


@dataclass(frozen=True)
class Request:
    """One request: method, URI, protocol, headers (names in lower case), body."""

    method: str
    uri: str
    protocol: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> list[str]:
        """The URI's path, without host and query, in pieces."""
        bare = re.sub(r"^\w+://[^/]*", "", self.uri).split("?")[0]
        return [piece for piece in bare.split("/") if piece]


def take(buffer: bytearray) -> Request | None:
    """Cut the first whole request off the buffer (interleaved frames are dropped), or None until more came."""
    while buffer and buffer[0] == 0x24:
        if len(buffer) < 4 or len(buffer) < 4 + int.from_bytes(buffer[2:4], "big"):
            return None
        del buffer[: 4 + int.from_bytes(buffer[2:4], "big")]
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > REQUEST_MAX:
            raise BadRequest("the request is too long")
        return None
    head = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    words = head[0].split(" ")
    if len(words) != 3:
        raise BadRequest("the request line is malformed")
    headers = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:] if ":" in line)}
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > REQUEST_MAX:
        raise BadRequest("the body is too long")
    if len(buffer) < end + 4 + int(length):
        return None
    body = bytes(buffer[end + 4 : end + 4 + int(length)])
    del buffer[: end + 4 + int(length)]
    return Request(words[0], words[1], words[2], headers, body)


def answer(request: Request, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """The bytes of an answer."""
    lines = [f"RTSP/1.0 {status} {_REASONS[status]}", f"CSeq: {request.headers.get('cseq', '0')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def challenge(nonce: str) -> dict[str, str]:
    """The header that asks for Digest credentials."""
    return {"WWW-Authenticate": f'Digest realm="{REALM}", nonce="{nonce}"'}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def authorised(request: Request, nonce: str, user: str, password: str) -> bool:
    """Does the request carry the right Digest answer (RFC 2069) to ``nonce``?"""
    header = request.headers.get("authorization", "")
    if not header.lower().startswith("digest "):
        return False
    fields = {name.lower(): quoted or bare for name, quoted, bare in _PAIR.findall(header[7:])}
    if fields.get("nonce") != nonce or fields.get("username") != user or fields.get("realm") != REALM:
        return False
    first, second = _md5(f"{user}:{REALM}:{password}"), _md5(f"{request.method}:{fields.get('uri', '')}")
    wanted = _md5(f"{first}:{nonce}:{second}")
    return hmac.compare_digest(wanted, fields.get("response", ""))

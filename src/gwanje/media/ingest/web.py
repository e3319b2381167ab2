"""HTTP towards cameras (HTTP 수신): Basic and Digest, TLS with recorded certificates, one redirect, bounded reads.

Motion JPEG over HTTP (multipart/x-mixed-replace, RFC 2046) and snapshots are read here, by ourselves: the demuxer of
FFmpeg cannot check a pinned certificate and takes the time of arrival for nothing.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

from gwanje.media import outward
from gwanje.media.auth import Authenticator, Credentials
from gwanje.media.tls import NotTrusted, Trust, reason

CONNECT_S = 4.0
READ_S = 4.0
PICTURE_S = 8.0
HEAD_MAX = 8 * 1024
PICTURE_MAX = 4 << 20
CHUNK = 65_536
REDIRECTS = (301, 302, 303, 307, 308)
PARTIAL = 206
START, FINISH = b"\xff\xd8", b"\xff\xd9"


class WebRefused(ConnectionError):
    """The camera answered something else than pictures; the text names no address."""


class Connection:
    """One camera's HTTP, one response at a time. ``abort`` may be called from another thread."""

    def __init__(self, url: str, account: Credentials | None, trust: Trust) -> None:
        self.url = url
        self._account = account
        self._authenticator = Authenticator(account)
        self._trust = trust
        self._http: http.client.HTTPConnection | None = None
        self._sock: socket.socket | None = None

    def abort(self) -> None:
        """Wake a read that waits: the stream is not wanted any more."""
        sock = self._sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            self._http.close()
        self._http = self._sock = None

    def get(self, start: int = 0) -> http.client.HTTPResponse:
        """GET the address, from byte ``start``; WebRefused, AuthenticationRefused, NotTrusted, Unreachable, OSError."""
        redirected = False
        for _ in range(4):
            response = self._ask(start)
            if response.status == 401:
                lines = response.headers.get_all("WWW-Authenticate") or []
                self.close()
                self._authenticator.challenged(lines)
            elif response.status in REDIRECTS and not redirected:
                redirected = True
                self._follow(response.headers.get("Location", ""))
            elif response.status == (PARTIAL if start else 200):
                self._authenticator.accepted()
                return response
            else:
                break
        raise WebRefused(f"GET: {response.status} {_printable(response.reason)}")

    def _ask(self, start: int) -> http.client.HTTPResponse:
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        reused = self._http is not None and self._http.sock is not None
        if self._http is None or not reused:
            self._http = self._open(parts.scheme, parts.hostname or "", parts.port)
        name, _, value = self._authenticator.header("GET", path).strip().partition(": ")
        headers = {"User-Agent": "gwanje", "Accept": "multipart/x-mixed-replace, image/jpeg, */*"}
        if name:
            headers[name] = value
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            self._http.request("GET", path, headers=headers)
            return self._http.getresponse()
        except (http.client.HTTPException, ConnectionError) as error:
            self.close()
            if reused:
                # a camera closes a connection that it kept open when it likes
                return self._ask(start)
            raise WebRefused(f"this is no HTTP answer: {type(error).__name__}") from error

    def _open(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme not in ("http", "https") or not host:
            raise WebRefused("the address is neither http:// nor https://")
        number = port or (443 if scheme == "https" else 80)
        sock = outward.connect(host, number, CONNECT_S)
        self._sock = sock
        sock.settimeout(READ_S)
        if scheme == "https":
            try:
                secure = self._trust.context().wrap_socket(sock, server_hostname=host)
                self._sock = secure
                self._trust.check(secure)
                sock = secure
            except ssl.SSLError as error:
                raise NotTrusted(reason(error)) from error
        made = http.client.HTTPConnection(host, number, timeout=READ_S)
        made.sock = sock
        # it must never connect by itself: that would be without our certificate check
        made.auto_open = 0
        return made

    def _follow(self, location: str) -> None:
        before, self.url = urlsplit(self.url), urljoin(self.url, location)
        after = urlsplit(self.url)
        self.close()
        if before.scheme == "https" and after.scheme != "https":
            raise WebRefused("it redirects from TLS to a plain address")
        # an account belongs to the host that it was recorded for
        self._account = self._account if after.hostname == before.hostname else None
        self._authenticator = Authenticator(self._account)


def _printable(text: str) -> str:
    return "".join(letter for letter in text[:60] if letter.isprintable())


def pictures(response: http.client.HTTPResponse, boundary: str) -> Iterator[bytes]:
    """JPEG pictures of a multipart response, each within 8 s and 4 MB; WebRefused when it holds anything else."""
    marker = b"--" + boundary.strip('"').removeprefix("--").encode()
    buffer = bytearray()

    def more(deadline: float) -> None:
        piece = response.read1(65_536)
        if not piece:
            raise WebRefused("the camera ended the stream")
        if time.monotonic() > deadline:
            raise WebRefused("a picture takes longer than 8 seconds")
        buffer.extend(piece)

    while True:
        deadline = time.monotonic() + PICTURE_S
        picture = _part(buffer, marker, more, deadline)
        if picture[:2] != START:
            raise WebRefused("a part of the stream is no JPEG picture")
        yield picture


def _part(buffer: bytearray, marker: bytes, more: Callable[[float], None], deadline: float) -> bytes:
    """Cut the next part off the buffer: its length by its header, or up to the next marker."""
    while (begin := buffer.find(marker)) < 0 or (head := _head_end(buffer, begin)) < 0:
        if len(buffer) > HEAD_MAX + PICTURE_MAX:
            raise WebRefused("the stream has no parts")
        more(deadline)
    length = 0
    for line in bytes(buffer[begin:head]).decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length" and value.strip().isascii() and value.strip().isdigit():
            length = int(value.strip()[:9])
    if length > PICTURE_MAX:
        raise WebRefused("a picture passes the limit of 4 MB")
    if length:
        while len(buffer) < head + length:
            more(deadline)
        end = head + length
    else:
        while (end := buffer.find(marker, head)) < 0:
            if len(buffer) - head > PICTURE_MAX:
                raise WebRefused("a picture passes the limit of 4 MB")
            more(deadline)
    picture = bytes(buffer[head:end])
    del buffer[:end]
    return picture.rstrip(b"\r\n") if not length else picture


def _head_end(buffer: bytearray, begin: int) -> int:
    end, bare = buffer.find(b"\r\n\r\n", begin), buffer.find(b"\n\n", begin)
    if end >= 0 and (bare < 0 or end < bare):
        return end + 4
    return bare + 2 if bare >= 0 else -1


def one_picture(response: http.client.HTTPResponse) -> bytes:
    """The JPEG picture of a snapshot; WebRefused when it is none or too large."""
    deadline = time.monotonic() + PICTURE_S
    data = bytearray()
    while piece := response.read1(65_536):
        data += piece
        if len(data) > PICTURE_MAX or time.monotonic() > deadline:
            raise WebRefused("a picture passes 4 MB or takes longer than 8 seconds")
    response.close()
    if data[:2] != START or FINISH not in data[-64:]:
        raise WebRefused("the answer is no whole JPEG picture")
    return bytes(data)

"""What FFmpeg reads over HTTP (HTTP 수신 통제): opened by us, so that no address of a stranger's is followed unjudged.

Its own HTTP client would follow redirects and playlists to wherever they point. Here each address, each hop and each
segment goes through ``media.outward``; FFmpeg gets bytes and has no protocol of its own left.
"""

from __future__ import annotations

import http.client
import io
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gwanje.media.auth import Credentials
from gwanje.media.ingest import web
from gwanje.media.tls import Trust

PLAYLIST_MAX = 1 << 20
PLAYLIST_S = 8.0
OPEN_MAX = 8
READ_ONLY = 1
PLAYLISTS = (".m3u8", ".m3u")


class Body(io.RawIOBase):
    """One HTTP answer as a file; it can be sought in when the camera knows ranges (RFC 9110 section 14)."""

    def __init__(self, opener: Opener, url: str) -> None:
        super().__init__()
        self._opener = opener
        self._connection = opener.connection(url)
        self._at = 0
        try:
            self._response = self._connection.get()
        except BaseException:
            opener.closed(self._connection)
            raise
        # relative addresses of a playlist count from where it was found
        self.name = self._connection.url
        headers = self._response.headers
        self.kind = headers.get_content_type()
        length = headers.get("Content-Length", "")
        self._size = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else -1
        self._ranges = headers.get("Accept-Ranges", "").strip().lower() == "bytes" and self._size > 0

    @property
    def playlist(self) -> bool:
        """Does it name other addresses?"""
        return "mpegurl" in self.kind or urlsplit(self.name).path.lower().endswith(PLAYLISTS)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._ranges

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        """At most 64 KB of what is there; empty at the end."""
        self._opener.wanted()
        wanted = web.CHUNK if size < 0 else min(size, web.CHUNK)
        try:
            data = self._response.read1(wanted)
        except (http.client.HTTPException, ValueError) as error:
            raise web.WebRefused(f"the answer breaks off: {type(error).__name__}") from error
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Ask anew from there."""
        at = (0, self._at, self._size)[whence] + offset
        if not self._ranges or not 0 <= at <= self._size:
            raise web.WebRefused("the camera gives no ranges")
        if at != self._at:
            self._connection.close()
            self._response = self._connection.get(at)
            self._at = at
        return at

    def close(self) -> None:
        if not self.closed:
            self._opener.closed(self._connection)
        super().close()


class Text(io.BytesIO):
    """A playlist, read whole: at most 1 MB within 8 s, so that an endless one ends here."""

    def __init__(self, body: Body) -> None:
        self.name, self.kind, self.playlist = body.name, body.kind, True
        data, deadline = bytearray(), time.monotonic() + PLAYLIST_S
        with body:
            while piece := body.read():
                data += piece
                if len(data) > PLAYLIST_MAX or time.monotonic() > deadline:
                    raise web.WebRefused("a playlist passes 1 MB or takes longer than 8 seconds")
        super().__init__(data)


class Opener:
    """All HTTP of one stream. ``account`` goes to the host it was recorded for and to no other."""

    def __init__(self, url: str, account: Credentials | None, trust: Trust) -> None:
        self._host = urlsplit(url).hostname
        self._secure = urlsplit(url).scheme.lower() == "https"
        self._account, self._trust = account, trust
        self._lock = threading.Lock()
        self._open: list[web.Connection] = []
        self._stopped = False

    def connection(self, url: str) -> web.Connection:
        """A connection for one address; WebRefused for what is neither HTTP nor as safe as the camera's own."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            raise web.WebRefused("a playlist names an address that is not http:// or https://")
        if self._secure and parts.scheme != "https":
            raise web.WebRefused("a playlist leads from TLS to a plain address")
        if parts.username is not None:
            raise web.WebRefused("a playlist names an address with an account")
        made = web.Connection(url, self._account if parts.hostname == self._host else None, self._trust)
        with self._lock:
            self.wanted()
            if len(self._open) >= OPEN_MAX:
                raise web.WebRefused("a playlist needs more than 8 connections")
            self._open.append(made)
        return made

    def open(self, url: str) -> Body | Text:
        """An address's answer; WebRefused, AuthenticationRefused, NotTrusted, Unreachable or OSError."""
        body = Body(self, url)
        return Text(body) if body.playlist else body

    def io_open(self, url: str, flags: int, options: Mapping[str, Any]) -> Body | Text:
        """What FFmpeg calls for every further address (``av.open``)."""
        if flags & ~READ_ONLY & 3:
            raise web.WebRefused("nothing is written to a camera")
        return self.open(url)

    def closed(self, connection: web.Connection) -> None:
        """A body is done with."""
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
        connection.close()

    def wanted(self) -> None:
        """ConnectionAbortedError once ``abort`` was called."""
        if self._stopped:
            raise ConnectionAbortedError("the stream is not wanted any more")

    def abort(self) -> None:
        """From another thread: wake every read that waits, and let none begin."""
        self._stopped = True
        with self._lock:
            waiting = list(self._open)
        for connection in waiting:
            connection.abort()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            waiting, self._open = self._open, []
        for connection in waiting:
            connection.close()

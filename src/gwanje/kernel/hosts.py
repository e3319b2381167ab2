"""Where a centre's pages are opened (접속 주소): the origins its sockets serve, the hosts its web answers.

``config.json``: ``origins`` (pages, ``https://host`` or ``http://host:port``), ``live_url`` and ``play_url`` (sockets
as a browser reaches them, ``wss://host/live``), ``sign_url`` (where officers sign: vaultd's own pages, a host name of
their own beside the web's; ``http://localhost:port+3`` without it), ``secure_cookies`` (true or false; without it
they are secure where every named origin is https). Without them everything is at localhost.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from gwanje.kernel.home import Home

LOCAL = ("localhost", "127.0.0.1")
ORIGINS_MAX = 16
SIGN_PORT = 3
_NAME = r"(?:[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?|\[[0-9a-f:]{2,39}\])(?::[0-9]{1,5})?"
_PAGE = re.compile(rf"https?://{_NAME}")
_SOCKET = re.compile(rf"wss?://{_NAME}(?=/|$)")


class BadOrigin(ValueError):
    """The config names an address that no browser would send as an origin."""

    def __init__(self, name: str, value: object) -> None:
        super().__init__(
            f"config.json의 {name} 값이 주소가 아닙니다: {str(value)[:80]!r}. "
            f"'https://이름' 또는 'http://이름:포트'로 적으십시오(소문자, 경로 없이, {ORIGINS_MAX}개까지). / "
            f"{name} in config.json is no address; write 'https://host' or 'http://host:port' (lower case, no path)."
        )


def named_origins(home: Home) -> tuple[str, ...]:
    """Origins that the config adds to localhost; BadOrigin."""
    named = home.config.get("origins", [])
    if not isinstance(named, list) or len(named) > ORIGINS_MAX:
        raise BadOrigin("origins", named)
    for origin in named:
        if not isinstance(origin, str) or not _PAGE.fullmatch(origin):
            raise BadOrigin("origins", origin)
    return tuple(named)


def _host(origin: str) -> str:
    """The host as a Host header has it, brackets of an IPv6 address kept."""
    return re.sub(r":[0-9]+$", "", urlsplit(origin).netloc)


def sign_origin(home: Home) -> str:
    """Origin of vaultd's own pages (서명 화면); its host is the rpId of officers' keys (WebAuthn 4). BadOrigin.

    Plain http only at localhost: elsewhere no browser signs without TLS. An IP address is no rpId.
    """
    named = home.config.get("sign_url")
    if named is None:
        return f"http://localhost:{home.port + SIGN_PORT}"
    parts = urlsplit(named) if isinstance(named, str) and _PAGE.fullmatch(named) else None
    host = (parts.hostname or "") if parts else ""
    numeric = ":" in host or re.fullmatch(r"[0-9.]+", host)
    if parts is None or numeric or (parts.scheme == "http" and host != "localhost"):
        raise BadOrigin("sign_url", named)
    return str(named)


def page_origins(home: Home) -> tuple[str, ...]:
    """Origins (RFC 6454) whose pages may open a socket to this centre; any other page is refused."""
    return (*(f"http://{host}:{home.port}" for host in LOCAL), *named_origins(home))


def page_hosts(home: Home) -> tuple[str, ...]:
    """Host names, without port, under which the web answers."""
    return tuple(dict.fromkeys([*LOCAL, *(_host(origin) for origin in named_origins(home))]))


def secure_cookies(home: Home) -> bool:
    """Are cookies for TLS only (RFC 6265 4.1.2.5)? As the config says, else whether all origins are; ValueError."""
    said = home.config.get("secure_cookies")
    if said is None:
        named = named_origins(home)
        return bool(named) and all(origin.startswith("https://") for origin in named)
    if not isinstance(said, bool):
        raise ValueError(
            "config.json의 secure_cookies는 true나 false입니다. / secure_cookies in config.json is true or false."
        )
    return said


def socket_origin(url: str) -> str | None:
    """``wss://host:port`` of a socket's address, None when it is of another form."""
    found = _SOCKET.match(url.lower())
    return found[0] if found else None


def socket_origins(home: Home) -> tuple[str, ...]:
    """Origins of this machine's live and player sockets, for a page's content policy."""
    plain = [*LOCAL, *(_host(o) for o in named_origins(home) if o.startswith("http://"))]
    found = [f"ws://{host}:{home.port + by}" for by in (1, 2) for host in plain]
    for name in ("live_url", "play_url"):
        if url := home.config.get(name):
            origin = socket_origin(str(url))
            if origin is None:
                raise BadOrigin(name, url)
            found.append(origin)
    return tuple(dict.fromkeys(found))

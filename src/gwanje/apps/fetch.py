"""Small fetches over HTTP or from a folder (외부 자료 읽기): bounded in time and size, for witnesses."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

LIMIT_S = 10.0
SIZE_MAX = 256 * 1024


class Unreachable(OSError):
    """The other side does not answer, answers too much, or answers with an error; try again later."""


def _checked(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(
            f"http(s) 주소가 아닙니다 / not an http(s) address: {parts.scheme or '?'}://{parts.hostname or ''}"
        )
    return url


class _Stay(urllib.request.HTTPRedirectHandler):
    """No redirects: who configured an address means this address."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def ask(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """(status, body) of a GET, or of a POST when ``body`` is given; Unreachable when there is no whole answer."""
    # the scheme was checked
    request = urllib.request.Request(_checked(url), data=body, headers=dict(headers or {}))  # noqa: S310 - http(s) only
    try:
        with _OPENER.open(request, timeout=LIMIT_S) as answer:
            status, data = int(answer.status), answer.read(SIZE_MAX + 1)
    except urllib.error.HTTPError as error:
        with error:
            status, data = int(error.code), error.read(SIZE_MAX + 1)
    except (OSError, ValueError) as error:
        raise Unreachable(f"{type(error).__name__}") from error
    if len(data) > SIZE_MAX:
        raise Unreachable("the answer is too large")
    return status, data


def reader(place: str) -> Callable[[str], bytes]:
    """``fetch(path)`` below an address or a folder; FileNotFoundError when it is not there, Unreachable otherwise."""
    if "://" in place:
        prefix = _checked(place).rstrip("/")

        def over_http(path: str) -> bytes:
            status, data = ask(f"{prefix}/{path}")
            if status in {404, 410}:
                raise FileNotFoundError(path)
            if status != 200:
                raise Unreachable(f"status {status}")
            return data

        return over_http
    root = Path(place)

    def from_folder(path: str) -> bytes:
        if not root.is_dir():
            raise Unreachable("no such folder")
        with (root / path).open("rb") as file:
            data = file.read(SIZE_MAX + 1)
        if len(data) > SIZE_MAX:
            raise Unreachable("the file is too large")
        return data

    return from_folder

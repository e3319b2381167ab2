"""RTSP authentication (인증): Digest (MD5, SHA-256, qop=auth) and Basic, RFC 7616 and RFC 7617."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field

_PARAMETER = re.compile(r'([a-zA-Z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_STRENGTH = {"SHA-256": 3, "MD5": 2, "": 2, "BASIC": 1}


class AuthenticationRefused(ConnectionError):
    """The camera asks for credentials that were not given, or refused those that were."""


@dataclass(frozen=True)
class Credentials:
    """A camera's account; the password never shows in a representation or a log."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Challenge:
    """One WWW-Authenticate line: ``scheme`` in lower case and its parameters."""

    scheme: str
    parameters: dict[str, str]

    @property
    def strength(self) -> int:
        """0 for what cannot be answered; a stronger challenge is answered first."""
        if self.scheme == "basic":
            return _STRENGTH["BASIC"]
        return _STRENGTH.get(self.parameters.get("algorithm", "").upper(), 0) if self.scheme == "digest" else 0


def parse(line: str) -> Challenge:
    """A challenge from the value of one WWW-Authenticate header."""
    scheme, _, rest = line.strip().partition(" ")
    found = {m[1].lower(): m[2] if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)}
    return Challenge(scheme.lower(), found)


class Authenticator:
    """Answers one connection's challenges and counts the uses of a nonce."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._challenge: Challenge | None = None
        self._uses = 0
        self._accepted = False

    def challenged(self, lines: list[str]) -> None:
        """Take the strongest challenge of a 401; AuthenticationRefused when there is nothing to answer with."""
        best = max((parse(line) for line in lines), key=lambda c: c.strength, default=None)
        if self._credentials is None:
            raise AuthenticationRefused("the camera asks for a user and a password")
        if best is None or not best.strength:
            raise AuthenticationRefused("the camera asks for an authentication that is not known here")
        renewed = self._accepted and best.parameters.get("nonce") != (self._challenge or best).parameters.get("nonce")
        if self._challenge is not None and not renewed and best.parameters.get("stale", "").lower() != "true":
            raise AuthenticationRefused("the camera refuses the user or the password")
        self._challenge, self._uses, self._accepted = best, 0, False

    def accepted(self) -> None:
        """The camera took a request: a later 401 with another nonce is an old nonce, not a wrong password.

        Not every camera says ``stale=true`` then.
        """
        self._accepted = True

    def header(self, method: str, uri: str) -> str:
        """``Authorization: …`` with line end for a request, empty before the first challenge."""
        if self._challenge is None or self._credentials is None:
            return ""
        if self._challenge.scheme == "basic":
            pair = f"{self._credentials.user}:{self._credentials.password}".encode()
            return f"Authorization: Basic {base64.b64encode(pair).decode()}\r\n"
        self._uses += 1
        return f"Authorization: {self._digest(self._challenge.parameters, self._credentials, method, uri)}\r\n"

    def _digest(self, given: dict[str, str], account: Credentials, method: str, uri: str) -> str:
        algorithm = given.get("algorithm", "")
        name = "sha256" if algorithm.upper() == "SHA-256" else "md5"

        def hashed(text: str) -> str:
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        realm, nonce = given.get("realm", ""), given.get("nonce", "")
        first = hashed(f"{account.user}:{realm}:{account.password}")
        second = hashed(f"{method}:{uri}")
        fields = [f'username="{account.user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"']
        if "auth" in [q.strip() for q in given.get("qop", "").split(",")]:
            count, own = f"{self._uses:08x}", secrets.token_hex(8)
            fields += [
                f'response="{hashed(f"{first}:{nonce}:{count}:{own}:auth:{second}")}"',
                "qop=auth",
                f"nc={count}",
                f'cnonce="{own}"',
            ]
        else:
            fields.append(f'response="{hashed(f"{first}:{nonce}:{second}")}"')
        if algorithm:
            fields.append(f"algorithm={algorithm}")
        if "opaque" in given:
            fields.append(f'opaque="{given["opaque"]}"')
        return "Digest " + ", ".join(fields)

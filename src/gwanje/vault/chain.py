"""Answers from afar, each under a key of its own (원격 응답 봉인): who keeps the network's bytes and takes the recorder
later has the present key only, and it opens nothing that was said before.

TLS 1.3 says who is who; its keys live as long as the connection, in memory that nobody overwrites. Below it lies one
X25519 exchange a connection (RFC 7748) and a chain of HMAC-SHA-256 that both sides follow one way:
``key = HMAC(chain, "…/key")``, ``chain = HMAC(chain, "…/next")``. A sealed answer: AES-256-GCM, nonce of zeros (a key
is used once), the frame's body as plaintext.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Iterator
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje.kernel import wire
from gwanje.kernel.secret import overlay, pages, wipe
from gwanje.vault.ciphers import NONCE_SIZE, TAG_SIZE

ROOM: Final = 32 * 1024
_LABEL: Final = b"gwanje/v1/answers\0"
_KEY: Final = b"gwanje/v1/answers/key"
_NEXT: Final = b"gwanje/v1/answers/next"
_NONCE: Final = bytes(NONCE_SIZE)


class Offer:
    """One side's half: ``public`` goes over the line, ``chain`` ends it. Once only."""

    def __init__(self) -> None:
        self._private: X25519PrivateKey | None = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()

    def chain(self, theirs: Any, said: bytes) -> Chain:
        """Both sides' chain, bound to ``said`` (vaultd's greeting); WireError when ``theirs`` is no such key."""
        private, self._private = self._private, None
        try:
            if private is None or not isinstance(theirs, bytes):
                raise ValueError("no offer")
            shared = private.exchange(X25519PublicKey.from_public_bytes(theirs))
        except ValueError as error:
            raise wire.WireError("the other side offers no key for its answers") from error
        start = hmac.digest(shared, _LABEL + said, "sha256")
        made = Chain(start)
        wipe(shared, start)
        overlay()
        return made


class Chain:
    """One side of it; both sides take one step an answer."""

    __slots__ = ("_key", "_room")

    def __init__(self, start: bytes) -> None:
        self._key = bytearray(start)
        self._room = memoryview(b"")

    @contextlib.contextmanager
    def _step(self) -> Iterator[AESGCM]:
        key = hmac.digest(self._key, _KEY, "sha256")
        following = hmac.digest(self._key, _NEXT, "sha256")
        self._key[:] = following
        try:
            yield AESGCM(key)
        finally:
            wipe(key, following)
            overlay()

    def seal(self, body: bytes) -> bytes:
        """The next answer, sealed (16 bytes more)."""
        out = bytearray(len(body) + TAG_SIZE)
        with self._step() as cipher:
            cipher.encrypt_into(_NONCE, body, None, out)
        return bytes(out)

    def open(self, frame: memoryview) -> memoryview:
        """The next answer's body, in memory of our own until ``clear``; WireError when it is not the next."""
        size = len(frame) - TAG_SIZE
        if size < 0:
            raise wire.WireError("an answer is not sealed")
        if not len(self._room):
            self._room = pages(ROOM)
        # no answer with keys is larger; one that is stands in the heap until it is overwritten
        out = self._room[:size] if size <= len(self._room) else memoryview(bytearray(size))
        try:
            with self._step() as cipher:
                cipher.decrypt_into(_NONCE, frame, None, out)
        except InvalidTag as error:
            wipe(out)
            raise wire.WireError("an answer does not open") from error
        return out

"""Ciphers behind one port (암호 모듈): 1 AES-256-GCM by ``cryptography``, 2 ARIA-256-GCM by the system's libcrypto."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje.vault.errors import CipherAway

AES_256_GCM: Final = 1
ARIA_256_GCM: Final = 2
TAG_SIZE: Final = 16
NONCE_SIZE: Final = 12
Buffer = bytes | bytearray | memoryview


class Aead(Protocol):
    """What the vault needs of an AEAD with 12-byte nonces and 16-byte tags; InvalidTag when it does not open."""

    def encrypt_into(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: Buffer) -> int: ...
    def decrypt(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None) -> bytes: ...


# it copies the key: who gave it overwrites it afterwards
Provider = Callable[[Buffer], Aead]
_CTRL_SET_IVLEN, _CTRL_GET_TAG, _CTRL_SET_TAG = 0x9, 0x10, 0x11


@cache
def _libcrypto() -> Any:
    for name in (ctypes.util.find_library("crypto"), "libcrypto.so.3", "libcrypto.so.1.1"):
        try:
            lib = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if lib is not None and hasattr(lib, "EVP_aria_256_gcm"):
            for function in ("EVP_aria_256_gcm", "EVP_CIPHER_CTX_new"):
                getattr(lib, function).restype = ctypes.c_void_p
            return lib
    raise CipherAway("cipher_away", "ARIA-256-GCM: libcrypto")


class AriaGcm:
    """ARIA-256-GCM (KS X 1213) through the system's OpenSSL; CipherAway where that has none."""

    def __init__(self, key: Buffer) -> None:
        if len(key) != 32:
            raise ValueError("ARIA-256 takes a key of 32 bytes")
        self._lib = _libcrypto()
        self._key = (ctypes.c_ubyte * 32).from_buffer_copy(key)

    def __del__(self) -> None:
        key = getattr(self, "_key", None)
        if key is not None:
            ctypes.memset(key, 0, 32)

    def _context(self, nonce: Buffer, encrypt: bool) -> ctypes.c_void_p:
        lib = self._lib
        context = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new())
        cipher = ctypes.c_void_p(lib.EVP_aria_256_gcm())
        flag = 1 if encrypt else 0
        done = (
            lib.EVP_CipherInit_ex(context, cipher, None, None, None, flag)
            and lib.EVP_CIPHER_CTX_ctrl(context, _CTRL_SET_IVLEN, len(nonce), None)
            and lib.EVP_CipherInit_ex(context, None, None, self._key, bytes(nonce), flag)
        )
        if not done:
            lib.EVP_CIPHER_CTX_free(context)
            raise CipherAway("cipher_away", "ARIA-256-GCM: EVP_CipherInit_ex")
        return context

    def _run(self, context: ctypes.c_void_p, data: Buffer, associated: Buffer | None) -> ctypes.Array[ctypes.c_char]:
        lib, moved = self._lib, ctypes.c_int(0)
        text, extra = bytes(data), bytes(associated or b"")
        out = ctypes.create_string_buffer(len(text) + TAG_SIZE)
        if extra and not lib.EVP_CipherUpdate(context, None, ctypes.byref(moved), extra, len(extra)):
            raise CipherAway("cipher_away", "ARIA-256-GCM: associated data")
        if not lib.EVP_CipherUpdate(context, out, ctypes.byref(moved), text, len(text)):
            raise CipherAway("cipher_away", "ARIA-256-GCM: update")
        return out

    def encrypt_into(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: Buffer) -> int:
        """Write ciphertext ‖ tag into ``buf`` (exactly that long) and return its length."""
        lib, size = self._lib, len(data)
        context = self._context(nonce, True)
        try:
            out = self._run(context, data, associated_data)
            moved, tag = ctypes.c_int(0), ctypes.create_string_buffer(TAG_SIZE)
            rest = ctypes.create_string_buffer(TAG_SIZE)
            if not lib.EVP_CipherFinal_ex(context, rest, ctypes.byref(moved)):
                raise CipherAway("cipher_away", "ARIA-256-GCM: final")
            lib.EVP_CIPHER_CTX_ctrl(context, _CTRL_GET_TAG, TAG_SIZE, tag)
        finally:
            lib.EVP_CIPHER_CTX_free(context)
        memoryview(buf)[: size + TAG_SIZE] = out.raw[:size] + tag.raw
        return size + TAG_SIZE

    def decrypt(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None) -> bytes:
        """The plaintext of ciphertext ‖ tag; InvalidTag when anything differs."""
        lib, size = self._lib, len(data) - TAG_SIZE
        if size < 0:
            raise InvalidTag
        context = self._context(nonce, False)
        try:
            out = self._run(context, memoryview(data)[:size], associated_data)
            tag = ctypes.create_string_buffer(bytes(data[size:]), TAG_SIZE)
            moved, rest = ctypes.c_int(0), ctypes.create_string_buffer(TAG_SIZE)
            lib.EVP_CIPHER_CTX_ctrl(context, _CTRL_SET_TAG, TAG_SIZE, tag)
            if not lib.EVP_CipherFinal_ex(context, rest, ctypes.byref(moved)):
                raise InvalidTag
        finally:
            lib.EVP_CIPHER_CTX_free(context)
        return out.raw[:size]


def _copied(provider: Provider) -> Provider:
    """The provider itself when it copies its key, as it does above OpenSSL 3.2; else one that copies for it.

    One that only pointed at an overwritten key would seal under zeros.
    """
    key, nonce = bytearray(b"k" * 32), bytes(NONCE_SIZE)
    made, first, again = provider(key), bytearray(TAG_SIZE), bytearray(TAG_SIZE)
    made.encrypt_into(nonce, b"", None, first)
    key[:] = bytes(32)
    made.encrypt_into(nonce, b"", None, again)
    return provider if first == again else lambda key: provider(bytes(key))


_PROVIDERS: dict[int, Provider] = {AES_256_GCM: _copied(AESGCM), ARIA_256_GCM: AriaGcm}


def provide(cipher: int, provider: Provider) -> None:
    """Put another module (for example a validated one) behind a cipher number."""
    if cipher not in _PROVIDERS:
        raise CipherAway("cipher_unknown", str(cipher))
    _PROVIDERS[cipher] = provider


def aead(cipher: int, key: Buffer) -> Aead:
    """The AEAD of a cipher number under a 32-byte key; CipherAway when unknown or not on this machine."""
    provider = _PROVIDERS.get(cipher)
    if provider is None:
        raise CipherAway("cipher_unknown", str(cipher))
    return provider(key)

"""Formats of an evidence bundle (증거 묶음의 형식), each read to the letter: CBOR, the box, age, trees, notes.

The first half of the verifier; in a bundle it stands above the second half in one file.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import struct
from collections.abc import Iterator
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

CHUNK = 64 * 1024
LOG_N_MAX = 18


class Bad(Exception):
    """Something does not verify; Korean and English."""

    def __init__(self, ko: str, en: str) -> None:
        super().__init__(en)
        self.ko, self.en = ko, en


# --- canonical CBOR (RFC 8949 section 4.2.1): integers, bytes, text, arrays, maps, booleans, null -------------------


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    size = next(s for s in (1, 2, 4, 8) if value < 1 << 8 * s)
    return bytes([major << 5 | 23 + size.bit_length()]) + value.to_bytes(size, "big")


def cbor(value: Any) -> bytes:
    """Canonical bytes of a value."""
    if value is None or value is True or value is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    pairs = sorted((cbor(key), cbor(inner)) for key, inner in value.items())
    return _head(5, len(pairs)) + b"".join(key + inner for key, inner in pairs)


def _uncbor(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    first, at = data[at], at + 1
    if first in (0xF4, 0xF5, 0xF6):
        return {0xF4: False, 0xF5: True, 0xF6: None}[first], at
    major, number = first >> 5, first & 31
    if depth > 16 or major > 5 or number > 27:
        raise ValueError("outside the subset")
    if number > 23:
        size = 1 << number - 24
        number, at = int.from_bytes(data[at : at + size], "big"), at + size
    if major < 2:
        return (number if major == 0 else -1 - number), at
    if number > len(data) - at:
        raise ValueError("cut off")
    if major < 4:
        raw = bytes(data[at : at + number])
        return (raw if major == 2 else raw.decode()), at + number
    items = []
    for _ in range(number * (major - 3)):
        item, at = _uncbor(data, at, depth + 1)
        items.append(item)
    return (items if major == 4 else dict(zip(items[::2], items[1::2], strict=True))), at


def uncbor(data: bytes) -> Any:
    """The value of canonical bytes; ValueError when they are not."""
    try:
        value, end = _uncbor(data, 0, 0)
    except (IndexError, TypeError, RecursionError) as error:
        raise ValueError("not canonical") from error
    if end != len(data) or cbor(value) != data:
        raise ValueError("not canonical")
    return value


# --- the box: a ZIP with exactly one form ----------------------------------------------------------------------------


def members(data: memoryview) -> dict[str, memoryview]:
    """Name → bytes of each member; Bad when the file is not the one form that a bundle has."""
    found: dict[str, memoryview] = {}
    directory, at = bytearray(), 0
    bad = Bad("파일이 증거 묶음의 형식이 아닙니다", "the file does not have the form of a bundle")
    while bytes(data[at : at + 4]) == b"PK\3\4" and len(data) >= at + 30:
        crc, size, same, length = struct.unpack("<III H", data[at + 14 : at + 28])
        name = bytes(data[at + 30 : at + 30 + length])
        head = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 33, crc, size, size, length, 0)
        start, end = at + 30 + length, at + 30 + length + size
        text = name.decode("latin-1")
        legal = text.isascii() and all(c.isalnum() or c in ".-" for c in text) and text not in found
        if bytes(data[at : at + 30]) != head or same != size or end > len(data) or not legal or len(found) >= 1000:
            raise bad
        entry = (0x02014B50, 20, 20, 0, 0, 0, 33, crc, size, size, length, 0, 0, 0, 0, 0, at)
        directory += struct.pack("<IHHHHHHIIIHHHHHII", *entry) + name
        found[text] = data[start:end]
        at = end
    count = len(found)
    directory += struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), at, 0)
    if not found or bytes(data[at : at + len(directory) + 1]) != directory:
        raise bad
    return found


# --- age v1 ----------------------------------------------------------------------------------------------------------


def _unb64(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    if base64.b64encode(raw).decode().rstrip("=") != text:
        raise ValueError("spare bits")
    return raw


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, info).derive(key)


def read_identity(text: str) -> bytes:
    """32 bytes of an ``AGE-SECRET-KEY-1…`` (Bech32) in a text; ValueError."""
    word = next((w for w in text.split() if w.upper().startswith("AGE-SECRET-KEY-1")), "").lower()
    prefix, _, tail = word.rpartition("1")
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(letter) for letter in tail]
    check = 1
    for value in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    if check != 1 or len(values) != 58:
        raise ValueError("not an age identity")
    number = 0
    for value in values[:-6]:
        number = number << 5 | value
    return (number >> 4).to_bytes(32, "big")


def tidy_passphrase(text: str) -> str:
    """As it was made: capital letters in groups of five; what was read aloud may come in another dress."""
    plain = "".join(c for c in text.upper() if c.isalnum())
    return "-".join(plain[i : i + 5] for i in range(0, len(plain), 5)) if len(plain) == 25 else text.strip()


Secret = tuple[str, bytes]


@functools.lru_cache(maxsize=8)
def _stretched(passphrase: bytes, salt: bytes, log_n: int) -> bytes:
    kdf = Scrypt(salt=b"age-encryption.org/v1/scrypt" + salt, length=32, n=1 << log_n, r=8, p=1)
    return kdf.derive(passphrase)


def _unwrap(stanza: list[str], body: bytes, secret: Secret) -> bytes | None:
    kind, value = secret
    if stanza[0] == "X25519" and kind == "identity" and len(stanza) == 2:
        share, key = _unb64(stanza[1]), X25519PrivateKey.from_private_bytes(value)
        salt = share + key.public_key().public_bytes_raw()
        shared = key.exchange(X25519PublicKey.from_public_bytes(share))
        wrap = _hkdf(shared, salt, b"age-encryption.org/v1/X25519")
    elif stanza[0] == "scrypt" and kind == "passphrase" and len(stanza) == 3:
        salt, log_n = _unb64(stanza[1]), int(stanza[2])
        if not 1 <= log_n <= LOG_N_MAX or str(log_n) != stanza[2] or len(salt) != 16:
            raise ValueError("scrypt")
        wrap = _stretched(value, salt, log_n)
    else:
        return None
    try:
        return ChaCha20Poly1305(wrap).decrypt(bytes(12), body, None)
    except InvalidTag:
        return None


def unlock(data: memoryview, secret: Secret) -> Iterator[bytes]:
    """Plaintext chunks of a locked file; Bad when the secret is another's or a byte differs."""
    at, stanzas, key = 0, 0, None
    lines = bytes(data[: 16 * 1024]).split(b"\n")
    try:
        if lines[0] != b"age-encryption.org/v1":
            raise ValueError("not age")
        row = 1
        while lines[row].startswith(b"-> "):
            words, body, row, stanzas = lines[row][3:].decode().split(" "), "", row + 1, stanzas + 1
            while True:
                body, row = body + lines[row].decode(), row + 1
                if len(lines[row - 1]) < 64:
                    break
            key = key or _unwrap(words, _unb64(body), secret)
        header = b"\n".join([*lines[:row], b"---"])
        if key is None or not lines[row].startswith(b"--- ") or stanzas > 16:
            raise ValueError("no stanza of this secret")
        mac = hmac.digest(_hkdf(key, b"", b"header"), header, "sha256")
        if not hmac.compare_digest(mac, _unb64(lines[row][4:].decode())):
            raise ValueError("header")
        at = len(header) + 1 + len(lines[row][4:]) + 1
    except (ValueError, IndexError) as error:
        raise Bad("이 암호나 열쇠로 열리지 않습니다", "it does not open with this passphrase or identity") from error
    cipher = ChaCha20Poly1305(_hkdf(key, bytes(data[at : at + 16]), b"payload"))
    at, count = at + 16, 0
    while True:
        end = at + CHUNK + 16
        last = end >= len(data)
        try:
            yield cipher.decrypt(count.to_bytes(11, "big") + bytes((last,)), data[at:end], None)
        except InvalidTag as error:
            raise Bad("잠긴 파일이 바뀌었거나 잘렸습니다", "a locked file was changed or cut") from error
        if last:
            return
        at, count = end, count + 1


class Stream:
    """Records out of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._data, self._at = chunks, memoryview(b""), 0

    def take(self, count: int) -> memoryview:
        """Exactly so many bytes; Bad at the end."""
        if len(self._data) - self._at < count:
            pieces: list[bytes | memoryview] = [self._data[self._at :]]
            have = len(pieces[0])
            while have < count:
                piece = next(self._chunks, None)
                if piece is None:
                    raise Bad("봉인 원본이 잘렸습니다", "the sealed originals are cut off")
                pieces.append(piece)
                have += len(piece)
            self._data, self._at = memoryview(b"".join(pieces)), 0
        self._at += count
        return self._data[self._at - count : self._at]

    def ended(self) -> bool:
        """Is nothing left?"""
        return self._at == len(self._data) and not any(self._chunks)


# --- Merkle trees (RFC 9162) -----------------------------------------------------------------------------------------


def sha(*parts: bytes | memoryview) -> bytes:
    """SHA-256 of the parts joined."""
    return hashlib.sha256(parts[0] if len(parts) == 1 else b"".join(parts)).digest()


def climb(value: bytes, index: int, count: int, path: list[bytes]) -> bytes:
    """Root that an audit path leads to; ValueError when its length is wrong."""
    last = count - 1
    for step in path:
        if last == 0:
            raise ValueError("too long")
        if index & 1 or index == last:
            value = sha(b"\1", step, value)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            value = sha(b"\1", value, step)
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("too short")
    return value


def tree_root(hashes: list[bytes]) -> bytes:
    """Root over leaf data."""
    level = [sha(b"\0", value) for value in hashes] or [sha()]
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [sha(b"\1", a, b) for a, b in zip(level[::2], level[1::2], strict=False)] + odd
    return level[0]


def _steps(proof: bytes, start: int, count: int) -> list[bytes]:
    return [proof[i : i + 32] for i in range(start, start + 32 * count, 32)]


class Prover:
    """Part proofs against one checkpoint; what many parts share is looked at once."""

    HEAD = struct.Struct(">4sBIIII16sQ16sQ32sQQBBB")

    def __init__(self, size: int, root: bytes) -> None:
        self.size, self.root, self.latest_us = size, root, 0
        self._known: dict[bytes, bytes] = {}

    def check(self, proof: bytes, segment: bytes, part: bytes) -> None:
        """ValueError unless the proof leads from this part to the checkpoint."""
        magic, version, ordinal, parts, place, count, writer, minute, row, at_us, salt, index, of, a, b, c = (
            self.HEAD.unpack_from(proof)
        )
        start = self.HEAD.size
        if (magic, version) != (b"GWPP", 1) or len(proof) != start + 32 * (a + b + c) or len(proof) > 2048:
            raise ValueError("form")
        if of != self.size or ordinal >= parts or place >= count or index >= of or minute % 60:
            raise ValueError("place")
        inner = climb(sha(b"\0", part), ordinal, parts, _steps(proof, start, a))
        leaf = sha(b"\0gwanje/v1/minute\0", segment, parts.to_bytes(4, "big"), inner)
        shared = proof[:5] + proof[13:start] + proof[start + 32 * a :]
        if self._known.get(shared) == leaf:
            return
        steps = _steps(proof, start, a + b + c)
        top = climb(leaf, place, count, steps[a : a + b])
        opening = {
            "v": 1, "kind": "recorder.minute.sealed", "outcome": "done", "actor": None, "role": "recorder",
            "agency": None, "station": "", "norms": [], "articles": [], "decision": None, "permit": None,
            "cameras": [], "first": None, "until": None, "ground": "", "case": "", "situation": None,
            "detail": {"minute": minute, "recorder": writer.hex(), "root": top.hex(), "segments": count},
            "dies": "registry",
        }  # fmt: skip
        mac = hmac.digest(salt, b"gwanje/v1/leaf\0" + cbor(opening), "sha256")
        entry = b"\1" + row + at_us.to_bytes(8, "big") + mac
        if climb(sha(b"\0", entry), index, of, steps[a + b :]) != self.root:
            raise ValueError("root")
        self._known[shared] = leaf
        self.latest_us = max(self.latest_us, at_us)


def unb64(word: str) -> bytes:
    """Padded base64 without a bit to spare; ValueError."""
    raw = base64.b64decode(word, validate=True)
    if base64.b64encode(raw).decode() != word:
        raise ValueError("spare bits")
    return raw


def note_of(note: str) -> tuple[str, int, bytes, str, list[tuple[str, bytes]]]:
    """(origin, size, root, signed text, [(name, key hash ‖ signature)]) of a C2SP signed note; ValueError."""
    text, _, tail = note.rpartition("\n\n")
    origin, size, root = (text + "\n").split("\n")[:3]
    signatures = []
    for line in filter(None, tail.split("\n")):
        mark, name, encoded = line.split(" ")
        if mark != "\N{EM DASH}":
            raise ValueError("no signature line")
        signatures.append((name, unb64(encoded)))
    if str(int(size)) != size:
        raise ValueError("size")
    return origin, int(size), unb64(root), text + "\n", signatures


def signed_by(key: bytes, signature: bytes, text: bytes) -> bool:
    """Ed25519."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True

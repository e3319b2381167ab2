"""Signature messages in H.264 and H.265 (영상 서명 SEI): ONVIF Media Signing, read to the letter and bounded.

A SEI of type user_data_unregistered (ITU-T H.264 and H.265, D.1.7) with one UUID; its payload is a byte of flags and
TLVs (tag 1, length 2, big endian). Layout: ONVIF Media Signing Specification and its reference implementation
(onvif/media-signing-framework, MIT), general tag versions 1 and 2. Nothing here trusts a byte that it has read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gwanje.vault.nals import NAL_MAX, UUID

CHAINS_MAX: Final = 2
TAGS_MAX: Final = 32
GENERAL, HASHES, SIGNATURE, CRYPTO, VENDOR, CERTIFICATES, ARBITRARY = range(1, 8)
ONCE, PREVENTED = 0x80, 0x40
HASH_SIZES: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
_SHA2 = bytes.fromhex("06096086480165030402")
HASH_OIDS: Final = {_SHA2 + b"\1": "sha256", _SHA2 + b"\2": "sha384", _SHA2 + b"\3": "sha512"}
STOP: Final = b"\x80"


class BadSei(ValueError):
    """A message with the UUID of signed video that does not have its form; the text says where."""


@dataclass(frozen=True)
class General:
    """What one (partial) group of pictures is: its number, how many NAL units, their hash, the group before.

    ``start``/``end``: units of 100 ns since 1601-01-01 UTC by the camera's clock. ``linked``: first hash of the
    group before. ``partial``: the group ended without a key frame.
    """

    counter: int
    count: int
    gop_hash: bytes
    linked: bytes
    start: int
    end: int
    partial: bool


@dataclass(frozen=True)
class Document:
    """One message. ``covered``: the bytes that are signed (all of the NAL unit when ``signature`` is empty).

    ``algorithm``: hash by its name in hashlib, empty when this message does not say. ``chains``: (is it the user's
    own key, certificates in PEM, leaf first). ``scheme``: DER of the signature algorithm's OID, empty: by the key.
    """

    covered: bytes
    once: bool
    general: General | None
    hashes: tuple[bytes, ...]
    signature: bytes
    algorithm: str
    scheme: bytes
    chains: tuple[tuple[bool, bytes], ...]


def _size(data: bytes, at: int) -> tuple[int, int]:
    """(payload size, where the payload begins)."""
    size = 0
    while data[at] == 0xFF:
        size, at = size + 255, at + 1
    return size + data[at], at + 1


def unprevented(nal: bytes) -> bytes:
    """Without emulation prevention bytes (H.264 7.4.1)."""
    return nal.replace(b"\0\0\3", b"\0\0")


def _raw_end(nal: bytes, count: int) -> int:
    """How many bytes of a NAL unit give its first ``count`` bytes without emulation prevention."""
    at = 0
    while True:
        hit = nal.find(b"\0\0\3", at)
        upto = hit + 2 if hit >= 0 else len(nal)
        if hit < 0 or upto - at >= count:
            return at + count
        count, at = count - (upto - at), hit + 3


def parse(nal: bytes, header: int) -> Document:
    """Read one message (``vault.nals.signs`` said that it is one); BadSei."""
    if len(nal) > NAL_MAX:
        raise BadSei("longer than 256 KiB")
    nal = nal.rstrip(b"\0")
    plain = unprevented(nal)
    try:
        size, begin = _size(plain, header + 1)
        flags = plain[begin + 16]
    except IndexError as error:
        raise BadSei("cut off") from error
    if plain[begin + size :] != STOP or size < 17 or plain[begin : begin + 16] != UUID:
        raise BadSei("its length is not the NAL unit's")
    if flags & ~(ONCE | PREVENTED):
        raise BadSei("unknown flags")
    found = _Tags()
    signed_at = found.read(plain, begin + 17, begin + size)
    if signed_at and found.signature == b"":
        raise BadSei("an empty signature")
    if not signed_at:
        covered = nal if flags & PREVENTED else plain
    else:
        covered = nal[: _raw_end(nal, signed_at)] if flags & PREVENTED else plain[:signed_at]
    once = bool(flags & ONCE)
    if (found.general is None) != once or (once and not signed_at):
        raise BadSei("neither a group's message nor certificates sent once")
    return Document(
        covered, once, found.read_general(), found.read_hashes(), found.signature, found.algorithm, found.scheme,
        tuple(found.chains),
    )  # fmt: skip


class _Tags:
    """What the TLVs of one message say."""

    def __init__(self) -> None:
        self.general: bytes | None = None
        self.hashes: bytes | None = None
        self.signature, self.algorithm, self.scheme = b"", "", b""
        self.chains: list[tuple[bool, bytes]] = []
        self._said = False

    def read(self, data: bytes, at: int, end: int) -> int:
        """All TLVs of data[at:end]; where the signature's tag begins, or 0. It has to be the last one."""
        for _ in range(TAGS_MAX):
            if at == end:
                return 0
            if at + 3 > end:
                break
            tag, length = data[at], int.from_bytes(data[at + 1 : at + 3], "big")
            value = data[at + 3 : at + 3 + length]
            if at + 3 + length > end or not length:
                break
            self._take(tag, value)
            if tag == SIGNATURE:
                if at + 3 + length != end:
                    raise BadSei("bytes behind the signature")
                return at
            at += 3 + length
        raise BadSei("tags that do not fit")

    def _take(self, tag: int, value: bytes) -> None:
        # tags that are not known are covered by the signature like all others, and skipped
        if tag == GENERAL:
            self.general = _only(self.general, value)
        elif tag == HASHES:
            self.hashes = _only(self.hashes, value)
        elif tag == SIGNATURE:
            size = int.from_bytes(value[1:3], "big")
            if value[0] != 1 or len(value) < 3 + size:
                raise BadSei("signature")
            self.signature = value[3 : 3 + size]
        elif tag == CRYPTO:
            self._crypto(value)
        elif tag == CERTIFICATES:
            if value[0] != 1 or len(value) < 3 or value[1] > 1 or len(self.chains) >= CHAINS_MAX:
                raise BadSei("certificates")
            self.chains.append((bool(value[1]), value[2:]))

    def _crypto(self, value: bytes) -> None:
        oid = value[2 : 2 + value[1]] if len(value) > 2 else b""
        rest = value[2 + len(oid) :]
        if self._said or value[0] != 1 or not rest or len(oid) != value[1] or len(rest) != 1 + rest[0] + 2:
            raise BadSei("cryptographic information")
        if oid not in HASH_OIDS:
            raise BadSei("an unknown hash")
        self._said = True
        self.algorithm, self.scheme = HASH_OIDS[oid], rest[1 : 1 + rest[0]]

    def read_general(self) -> General | None:
        """The general tag, of version 1 or 2."""
        value = self.general
        if value is None:
            return None
        # version 1, software version 3, partial 1, start 8, in version 2 end 8, counter 4, count 2, two hashes
        head = {1: 19, 2: 27}.get(value[0], 0)
        size = (len(value) - head) // 2
        if not head or (len(value) - head) % 2 or size not in HASH_SIZES.values() or value[4] > 1:
            raise BadSei("general information")
        start = int.from_bytes(value[5:13], "big")
        end = int.from_bytes(value[13:21], "big") if head == 27 else start
        return General(
            int.from_bytes(value[head - 6 : head - 2], "big"), int.from_bytes(value[head - 2 : head], "big"),
            value[head : head + size], value[head + size :], start, end, bool(value[4]),
        )  # fmt: skip

    def read_hashes(self) -> tuple[bytes, ...]:
        """The list of hashes, as long as those of the general tag; may be empty."""
        if self.hashes is None:
            return ()
        general = self.read_general()
        size = len(general.gop_hash) if general else 0
        if general is None or self.hashes[0] != 1 or (len(self.hashes) - 1) != size * general.count:
            raise BadSei("list of hashes")
        return tuple(self.hashes[1 + i * size : 1 + (i + 1) * size] for i in range(general.count))


def _only(before: bytes | None, value: bytes) -> bytes:
    if before is not None:
        raise BadSei("a tag twice")
    return value

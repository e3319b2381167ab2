"""A simulated camera that signs its video (영상에 서명하는 모의 카메라): ONVIF Media Signing, the camera's side.

Written from the specification and the order of acts of its reference implementation; shares no line with the reader
in ``media/signed``. Its keys are made for a test and belong to nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

UUID = b"\x00\x5b\xc9\x3f\x2d\x71\x5e\x95\xad\xa4\x79\x6f\x90\x87\x7a\x6f"
OIDS = {"sha256": 1, "sha384": 2, "sha512": 3}
SINCE_1601_US = 11_644_473_600_000_000
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Identity:
    """A camera's private key and its certificate (PEM)."""

    key: Private
    certificate: bytes

    @classmethod
    def new(cls, name: str = "sim", key: Private | None = None) -> Identity:
        """A fresh one: P-256 unless a key is given; the certificate is signed by the key itself."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begin = datetime(1970, 1, 1, tzinfo=UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=36_500))
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate.public_bytes(serialization.Encoding.PEM))


@dataclass
class Options:
    """How it signs: list of hashes or not, hash, emulation prevention before or after signing, certificates sent once,
    how many pictures late a message comes, groups per signature, pictures per partial group (0: whole groups)."""

    listed: bool = True
    algorithm: str = "sha256"
    prevented: bool = False
    once: bool = False
    late: int = 0
    every: int = 1
    partial: int = 0
    repeat: int = 1
    version: int = 2


@dataclass
class Signer:
    """Signs access units (lists of NAL units without start codes) one after another. ``header``: 1 H.264, 2 H.265."""

    header: int
    identity: Identity
    options: Options = field(default_factory=Options)
    counter: int = 0

    def __post_init__(self) -> None:
        self._hashes: list[bytes] = []
        self._anchor = self._linked = b""
        self._queue = [bytes(self._size)] * 2
        self._frames = self._groups = 0
        self._waiting: list[tuple[int, bytes, bool]] = []
        self._start_us = self._at_us = 0
        self._begun = self._partial_start = False

    @property
    def _size(self) -> int:
        return hashlib.new(self.options.algorithm).digest_size

    def unit(self, nals: Sequence[bytes], at_us: int) -> list[bytes]:
        """One access unit as the camera sends it; ``at_us``: its clock (Unix µs)."""
        out: list[bytes] = []
        shown = False
        if not self._begun and self.options.once:
            out.append(self._close(self._message(None, b""), signed=True))
        for nal in nals:
            kind = self._kind(nal)
            if kind and not shown:
                shown = True
                self._picture(kind, nal, at_us)
                for _, text, signed in [one for one in self._waiting if one[0] <= 0]:
                    out += [text] * self.options.repeat
                    if not signed:
                        plain = text if self.options.prevented else text.replace(b"\0\0\3", b"\0\0")
                        self._hashes.append(hashlib.new(self.options.algorithm, plain).digest())
                self._waiting = [(due - 1, text, signed) for due, text, signed in self._waiting if due > 0]
            if kind:
                self._hash(nal, first=kind == 2 and self._primary(nal))
            out.append(nal)
        self._begun = True
        return out

    def _kind(self, nal: bytes) -> int:
        """2 key picture, 1 other picture, 0 neither."""
        if self.header == 1:
            return {1: 1, 5: 2}.get(nal[0] & 31, 0)
        number = nal[0] >> 1 & 63
        return 2 if 16 <= number <= 21 else 1 if number in (0, 1) else 0

    def _primary(self, nal: bytes) -> bool:
        return bool(nal[self.header] & 0x80)

    def _picture(self, kind: int, nal: bytes, at_us: int) -> None:
        """Before a picture: does it end a group?"""
        new_group = kind == 2 and self._primary(nal)
        full = bool(self.options.partial) and self._frames >= self.options.partial
        if new_group or full:
            self._start_us, self._at_us = self._at_us, at_us
            if self._begun and self._hashes:
                self._groups += new_group
                signed = full or self._groups % self.options.every == 0
                self._emit(signed=signed, partial=full and not new_group)
            self.counter += 1
            self._frames, self._hashes, self._anchor = 0, [], b"" if new_group else self._anchor
            self._partial_start = not new_group
        self._frames += 1

    def _hash(self, nal: bytes, *, first: bool) -> None:
        digest = hashlib.new(self.options.algorithm, nal.rstrip(b"\0")).digest()
        if first:
            self._anchor = digest
            self._queue = [self._queue[1], digest]
        else:
            digest = hashlib.new(self.options.algorithm, self._anchor + digest).digest()
            if self._partial_start:
                self._queue = [self._queue[1], digest]
        self._partial_start = False
        self._hashes.append(digest)

    def _emit(self, *, signed: bool, partial: bool) -> None:
        joined = b"".join(self._hashes)
        general = bytes((self.options.version, 1, 0, 0, partial))
        times = (self._start_us, self._at_us)[: self.options.version]
        general += b"".join(((us + SINCE_1601_US) * 10).to_bytes(8, "big") for us in times)
        general += self.counter.to_bytes(4, "big") + len(self._hashes).to_bytes(2, "big")
        general += hashlib.new(self.options.algorithm, joined).digest() + self._queue[0]
        text = self._close(self._message(general, joined if self.options.listed else b""), signed=signed)
        self._waiting.append((self.options.late, text, signed))

    def _message(self, general: bytes | None, listed: bytes) -> list[tuple[int, bytes]]:
        oid = bytes.fromhex("0609608648016503040200")[:-1] + bytes((OIDS[self.options.algorithm],))
        tags = []
        if general is None or not self.options.once:
            tags.append((4, b"\1" + bytes((len(oid),)) + oid + b"\0\0\0"))
            tags.append((5, b"\1\x031.0\x04S-01\x03sim"))
            tags.append((6, b"\1\0" + self.identity.certificate))
        if general is not None:
            tags.append((1, general))
            if listed:
                tags.append((2, b"\1" + listed))
        return tags

    def _close(self, tags: list[tuple[int, bytes]], *, signed: bool) -> bytes:
        body = b"".join(bytes((tag,)) + len(value).to_bytes(2, "big") + value for tag, value in tags)
        room = self._room() if signed else 0
        size = 17 + len(body) + (6 + room if signed else 0)
        head = b"\x06" if self.header == 1 else b"\x4e\x01"
        head += b"\x05" + b"\xff" * (size // 255) + bytes((size % 255,))
        once = bool(tags) and all(tag != 1 for tag, _ in tags)
        document = head + UUID + bytes((once << 7 | self.options.prevented << 6,)) + body
        covered = prevented(document) if self.options.prevented else document
        if not signed:
            return prevented(document + b"\x80")
        signature = self._sign(covered)
        value = b"\1" + len(signature).to_bytes(2, "big") + signature.ljust(room, b"\1")
        return prevented(document + b"\3" + len(value).to_bytes(2, "big") + value + b"\x80")

    def _room(self) -> int:
        key = self.identity.key
        return key.key_size // 8 if isinstance(key, rsa.RSAPrivateKey) else 2 * ((key.key_size + 7) // 8) + 10

    def _sign(self, covered: bytes) -> bytes:
        key = self.identity.key
        digest = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
        if isinstance(key, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
            return key.sign(covered, pss, hashes.SHA256())
        return key.sign(covered, ec.ECDSA(digest[self.options.algorithm]))


def prevented(nal: bytes) -> bytes:
    """With emulation prevention bytes (H.264 7.4.1)."""
    out, zeros = bytearray(), 0
    for byte in nal:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)

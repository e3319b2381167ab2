"""The camera's own signature in a clip (영상 자체 서명 확인), reckoned once more: whatever is called valid must be.

ONVIF Media Signing in H.264 and H.265. The middle part of the verifier; in a bundle it stands between the other two
in one file. It looks for one thing only: which pictures are covered by a signature of a key that the manifest names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

MARK = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
SHA2 = {b"\1": "sha256", b"\2": "sha384", b"\3": "sha512"}
KEPT_MAX, ANCHORS_MAX = 8192, 64
Run = tuple[int, int, bytes]


def inner(data: memoryview | bytes, *path: bytes) -> Iterator[memoryview]:
    """Bodies of the boxes at a path; ValueError."""
    view, at = memoryview(data), 0
    while at < len(view):
        size = int.from_bytes(view[at : at + 4], "big")
        if size < 8 or at + size > len(view):
            raise ValueError("box")
        if bytes(view[at + 4 : at + 8]) == path[0]:
            body = view[at + 8 : at + size]
            yield from inner(body, *path[1:]) if len(path) > 1 else (body,)
        at += size


def pictures(fragment: bytes) -> Iterator[tuple[int, memoryview]]:
    """(µs from the part's beginning, NAL unit without zeros behind it) of a part; ValueError."""
    view, clock, at = memoryview(fragment), 0, 0
    (mdat,) = inner(view, b"mdat")
    for run in inner(view, b"moof", b"traf", b"trun"):
        flags, count = int.from_bytes(run[1:4], "big"), int.from_bytes(run[4:8], "big")
        width = 4 * (flags >> 8 & 15).bit_count()
        place = 8 + 4 * (flags & 1) + (flags & 4)
        if flags & 0x300 != 0x300 or place + width * count != len(run):
            raise ValueError("trun")
        for row in range(place, len(run), width):
            end = at + int.from_bytes(run[row + 4 : row + 8], "big")
            while at < end:
                size = int.from_bytes(mdat[at : at + 4], "big")
                unit = mdat[at + 4 : at + 4 + size]
                at += 4 + size
                if len(unit) != size or at > end:
                    raise ValueError("NAL unit")
                while unit and not unit[-1]:
                    unit = unit[:-1]
                if unit:
                    yield clock * 100 // 9, unit
            clock += int.from_bytes(run[row : row + 4], "big")


class Message:
    """One signature message; ValueError or IndexError when it has not the form."""

    def __init__(self, unit: bytes, header: int) -> None:
        plain, at, size = unit.replace(b"\0\0\3", b"\0\0"), header + 1, 0
        while plain[at] == 255:
            at, size = at + 1, size + 255
        at, size = at + 1, size + plain[at]
        end = at + size
        if plain[end:] != b"\x80" or plain[at : at + 16] != MARK or plain[at + 16] & 0x3F:
            raise ValueError("message")
        self.tags, signed_at, flags, place = dict[int, bytes](), 0, plain[at + 16], at + 17
        while place < end and not signed_at:
            tag, length = plain[place], int.from_bytes(plain[place + 1 : place + 3], "big")
            signed_at = place if tag == 3 else 0
            if tag in self.tags and tag != 6:
                raise ValueError("tag")
            self.tags.setdefault(tag, plain[place + 3 : place + 3 + length])
            place += 3 + length
        if place != end:
            raise ValueError("tags")
        self.covered = unit if flags & 64 else plain
        if signed_at:
            self.covered = unit[: _raw(unit, signed_at)] if flags & 64 else plain[:signed_at]
        crypto = self.tags.get(4, b"")
        oid, scheme = crypto[2:13], crypto[13 + 1 : 14 + crypto[13]] if crypto else b""
        if crypto and (crypto[:2] != b"\1\x0b" or oid[:10].hex() != "06096086480165030402"):
            raise ValueError("hash")
        self.algorithm = SHA2[oid[10:]] if crypto else ""
        self.scheme = scheme
        value = self.tags.get(3, b"")
        self.signature = value[3 : 3 + int.from_bytes(value[1:3], "big")]


def _raw(unit: bytes, count: int) -> int:
    """Where the first ``count`` bytes without emulation prevention end."""
    zeros = at = 0
    while count:
        skip = zeros > 1 and unit[at] == 3
        zeros = zeros + 1 if unit[at] == 0 else 0
        count, at = count - (not skip), at + 1
    return at


def signs(key: Any, said: Message, algorithm: str, scheme: bytes) -> bool:
    """Did this public key sign this message?"""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            want = {"sha256": 2, "sha384": 3, "sha512": 4}[algorithm]
            if scheme not in (b"", bytes.fromhex("06082a8648ce3d0403") + bytes((want,))):
                return False
            digest = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[algorithm]
            key.verify(said.signature, said.covered, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey) and algorithm == "sha256":
            if scheme not in (b"", bytes.fromhex("06092a864886f70d01010a")):
                return False
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
            key.verify(said.signature, said.covered, pss, hashes.SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


class Camera:
    """One clip's pictures against the keys that the manifest names; ``runs``: what is covered, in order."""

    def __init__(self, init: bytes, keys: list[bytes]) -> None:
        entry = next(
            (bytes(box[12:16]) for box in inner(init, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")), b""
        )
        self.header = {b"avc1": 1, b"avc3": 1, b"hvc1": 2, b"hev1": 2}.get(entry, 0)
        self.keys = [(hashlib.sha256(key).digest(), load_der_public_key(key)) for key in keys]
        self.algorithm, self.scheme, self.anchor, self.counter = "sha256", b"", b"", -1
        self.kept: list[tuple[bytes, int, bool, list[Run]]] = []
        self.runs: list[Run] = []
        self.foreign = False
        self.messages, self.now = 0, 0
        self.last = b""

    def part(self, fragment: bytes, start_us: int) -> None:
        """One part of the clip."""
        if self.header:
            for offset, unit in pictures(fragment):
                self.unit(start_us + offset, unit)

    def unit(self, at: int, unit: memoryview) -> None:
        """One NAL unit."""
        if len(unit) <= self.header:
            return
        head, first = self.header, unit[0]
        kind = first & 31 if head == 1 else first >> 1 & 63
        self.now = at
        if kind == 6 if head == 1 else kind in (39, 40):
            if len(unit) > 18 + head and unit[head] == 5 and MARK in bytes(unit[head + 2 : head + 2 + 1200]):
                self.message(bytes(unit), at)
            return
        key = kind == 5 if head == 1 else 16 <= kind <= 21
        if not (kind in (1, 2, 3, 4, 5, 19, 20, 21) if head == 1 else kind < 32):
            return
        if not (key or (kind == 1 if head == 1 else kind < 2)) or first > 127 or (head == 2 and unit[1] & 7 == 0):
            self.foreign = True
            return
        digest, begins = self.hash(unit), key and unit[head] > 127
        if begins:
            self.anchor = digest
        elif self.anchor:
            digest = self.hash(self.anchor + digest)
        self.keep(digest, at, begins, [])

    def hash(self, data: bytes | memoryview) -> bytes:
        """By the stream's algorithm."""
        return hashlib.new(self.algorithm, data).digest()

    def keep(self, digest: bytes, at: int, begins: bool, runs: list[Run]) -> None:
        """A picture (or unsigned message) that waits for its signature."""
        # an uncounted picture before it: a mark that no signature matches
        self.kept.append((b"" if self.foreign else digest, at, begins, runs))
        self.foreign = False
        del self.kept[: -KEPT_MAX or None]

    def message(self, unit: bytes, at: int) -> None:
        """One signature message: what it covers leaves what is kept, and is written down if a key vouches for it."""
        if unit == self.last:
            return
        self.messages, self.last = self.messages + 1, unit
        try:
            said = Message(unit, self.header)
        except (ValueError, IndexError, KeyError):
            return
        if said.signature and said.algorithm and said.algorithm != self.algorithm:
            self.algorithm, self.anchor, self.kept = said.algorithm, b"", []
        self.scheme = said.scheme if said.signature and said.algorithm else self.scheme
        general = said.tags.get(1)
        if general is None or general[0] not in (1, 2):
            return
        head, size = 11 + 8 * general[0], hashlib.new(self.algorithm).digest_size
        counter, count = int.from_bytes(general[head - 6 : head - 2], "big"), general[head - 2 : head]
        if len(general) != head + 2 * size or not int.from_bytes(count, "big"):
            return
        follows, self.counter = self.counter >= 0 and counter == self.counter + 1, counter
        self.place(said, int.from_bytes(count, "big"), general[head : head + size], follows, at)

    def place(self, said: Message, count: int, wanted: bytes, follows: bool, at: int) -> None:
        """Find the pictures whose hash this is, and write down that they are covered."""
        anchors = [i for i, one in enumerate(self.kept) if one[2] or not i][:ANCHORS_MAX]
        listed = said.tags.get(2, b"")[1 : 1 + len(wanted)]
        anchors += [i for i, one in enumerate(self.kept) if one[0] == listed][:ANCHORS_MAX]
        for start in anchors:
            part = self.kept[start : start + count]
            if len(part) == count and self.hash(b"".join(one[0] for one in part)) == wanted:
                break
        else:
            self.begin(said, len(wanted), follows)
            return
        until = self.kept[start + count][1] if len(self.kept) > start + count else at
        key = next((name for name, key in self.keys if signs(key, said, self.algorithm, self.scheme)), b"")
        found = [run for one in part for run in one[3]]
        found.append((part[0][1], max(until, part[-1][1]), key))
        self.kept = self.kept[start + count :]
        if not said.signature:
            whole = said.covered
            self.keep(self.hash(whole), at, False, found)
        elif key:
            if self.runs and follows and not start:
                # the group before ends where this one begins, whatever the clocks say
                self.runs[-1] = (self.runs[-1][0], max(self.runs[-1][1], found[0][0]), self.runs[-1][2])
            self.runs += [(first, last, key) for first, last, _ in found]

    def begin(self, said: Message, size: int, follows: bool) -> None:
        """A group that is not as signed: its pictures up to the first that differs, if the message lists them all."""
        listed = said.tags.get(2, b"")[1:]
        hashes_ = [listed[i : i + size] for i in range(0, len(listed), size)]
        start = next((i for i, one in enumerate(self.kept) if hashes_ and one[0] == hashes_[0]), -1)
        key = next((name for name, key in self.keys if signs(key, said, self.algorithm, self.scheme)), b"")
        if start < 0 or not key or not said.signature:
            return
        same = 0
        for one, wanted in zip(self.kept[start:], hashes_, strict=False):
            if one[0] != wanted:
                break
            same += 1
        first, until = self.kept[start][1], self.kept[min(start + same, len(self.kept) - 1)][1]
        if self.runs and follows and not start:
            self.runs[-1] = (self.runs[-1][0], max(self.runs[-1][1], first), self.runs[-1][2])
        self.runs.append((first, until, key))
        self.kept = self.kept[start + same :]

    def covers(self, first: int, until: int, key: bytes) -> bool:
        """Is every picture from ``first`` to ``until`` covered by that key's signatures?"""
        at = first
        for begin, end, name in sorted(self.runs):
            if name == key and begin <= at < end:
                at = end
        return at >= until

"""Signature messages from hostile cameras: forms to the letter, and ten thousand mutations that refuse cleanly."""

from __future__ import annotations

import random

import pytest
import signed_rig as rig

from gwanje.media.signed import sei
from gwanje.media.signed.chain import STATES, Chain
from gwanje.media.sim.signing import Options, prevented
from gwanje.vault import camera_keys as keys
from gwanje.vault import nals

HEAD = b"\x06\x05"


def message(codec: str = "H264", options: Options | None = None) -> bytes:
    units = rig.signed(codec, 30, options)
    return next(nal for _, nal in rig.stamped(units) if nals.kind_of(nal, rig.HEADERS[codec]) == nals.SIGNATURE)


def raw(tlvs: bytes, flags: int = 0, stop: bytes = b"\x80") -> bytes:
    size = 17 + len(tlvs)
    return prevented(HEAD + b"\xff" * (size // 255) + bytes((size % 255,)) + nals.UUID + bytes((flags,)) + tlvs + stop)


def general(version: int = 1, size: int = 32, extra: int = 0, partial: int = 0) -> bytes:
    value = bytes((version, 1, 0, 0, partial)) + bytes(8 * version + 6) + bytes(2 * size + extra)
    return b"\1" + len(value).to_bytes(2, "big") + value


def test_a_message_by_hand_is_read_to_the_byte() -> None:
    # tag 1, length 83: version 1, software 2.3.4, not partial, a time, group 7 of 3 units, two hashes
    value = bytes.fromhex("0102030400" + "01dc5a0000000001" + "00000007" + "0003") + b"\xaa" * 32 + b"\xbb" * 32
    list_ = b"\1" + b"".join(bytes((n,)) * 32 for n in (1, 2, 3))
    tlvs = b"\1\0\x53" + value + b"\2" + len(list_).to_bytes(2, "big") + list_
    signed = tlvs + b"\3\0\x09\1\0\4SIGN\1\1"
    got = sei.parse(raw(signed), 1)
    assert got.general == sei.General(7, 3, b"\xaa" * 32, b"\xbb" * 32, 0x01DC5A0000000001, 0x01DC5A0000000001, False)
    assert got.hashes == (b"\1" * 32, b"\2" * 32, b"\3" * 32)
    assert got.signature == b"SIGN"
    # signed are all bytes from the NAL unit's header to the last before the signature's tag
    assert got.covered == sei.unprevented(raw(signed))[: -(len(b"\3\0\x09\1\0\4SIGN\1\1") + 1)]
    # with the flag, as they stand in the stream, emulation prevention included
    kept = sei.parse(raw(signed, 0x40), 1)
    assert kept.covered == raw(signed, 0x40)[: len(kept.covered)]
    assert len(kept.covered) > len(got.covered)


@pytest.mark.parametrize(
    "bad",
    [
        raw(general() + b"\3\0\5\1\0\1xy", stop=b""),
        raw(general() + b"\3\0\5\1\0\1xy", stop=b"\x80\x06"),
        raw(general() + b"\3\0\5\1\0\1xy", flags=0x20),
        raw(general(3)),
        raw(general(extra=1)),
        raw(general(size=20)),
        raw(general(partial=2)),
        raw(general() + general()),
        raw(general() + b"\2\0\x21\1" + bytes(32)),
        raw(general() + b"\3\0\5\1\0\x0axy"),
        raw(general() + b"\3\0\5\2\0\1xy"),
        raw(general() + b"\3\0\5\1\0\1xy" + b"\7\0\1a"),
        raw(general() + b"\3\0\5\1\0\0xy"),
        raw(general() + b"\7\0\0"),
        raw(general() + b"\7\xff\xff"),
        raw(general() + b"\7\0"),
        raw(general() + b"\4\0\x05\1\1\6\0\0"),
        raw(b"\6\0\5\1\0abc"),
        raw(general(), flags=0x80),
        raw(general() + b"\x09\0\1a" * 40),
    ],
    ids=lambda b: b[-12:].hex(),
)
def test_what_does_not_have_the_form_is_refused(bad: bytes) -> None:
    assert nals.signs(bad, 1)
    with pytest.raises(sei.BadSei):
        sei.parse(bad, 1)


@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_ten_thousand_mutations_raise_nothing_but_refusals_and_nothing_becomes_valid(codec: str) -> None:
    header, rng = rig.HEADERS[codec], random.Random(30)
    seeds = [message(codec), message(codec, Options(prevented=True)), message(codec, Options(once=True))]
    refused = 0
    for number in range(5000):
        data = bytearray(seeds[number % len(seeds)])
        original = bytes(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            at, way = rng.randrange(len(data)), rng.randrange(4)
            if way == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif way == 1:
                data[at] = rng.choice((0, 1, 3, 0xFF))
            elif way == 2:
                del data[at : at + rng.randrange(1, 40)]
            else:
                data[at:at] = rng.randbytes(rng.randrange(1, 9))
            if not data:
                data = bytearray(b"\6")
        try:
            got = sei.parse(bytes(data), header)
        except sei.BadSei:
            refused += 1
            continue
        signed = rig.key().verifies(got.covered, got.signature, got.algorithm or "sha256", got.scheme)
        # a change behind the signature's own bytes (its padding) is nobody's
        assert not signed or got.covered == sei.parse(original, header).covered
    assert 1000 < refused < 5000


def test_a_stream_of_noise_ends_in_a_verdict_and_in_bounded_memory() -> None:
    rng, seed = random.Random(31), message()
    chain = Chain(1, [rig.key()])
    for number in range(3000):
        at_us, data = rig.BEGAN_US + number * 1000, bytearray(seed)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        chain.unit(nals.SIGNATURE, at_us, bytes(data))
        chain.unit(nals.FIRST if number % 9 == 0 else nals.PICTURE, at_us, rng.randbytes(30))
    spans = chain.end(rig.BEGAN_US + 3_000_000)
    assert {span.state for span in spans} <= set(STATES) - {"valid"}
    assert len(spans) <= 1000
    many = Chain(1, [])
    for number in range(20_000):
        many.unit(nals.PICTURE if number else nals.FIRST, rig.BEGAN_US + number, b"x")
    assert len(many._pending) <= 8192
    assert {span.state for span in many.end(rig.BEGAN_US + 20_000)} == {"none"}


@pytest.mark.parametrize(
    "text",
    ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN PUBLIC KEY-----\n",
     "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA" + "A" * 43 + "=\n-----END PUBLIC KEY-----\n", "A" * 70_000],
)  # fmt: skip
def test_what_is_no_key_is_refused_in_words(text: str) -> None:
    with pytest.raises(keys.BadKey, match="공개키"):
        keys.read(text)


def test_a_key_is_the_same_whatever_it_is_wrapped_in() -> None:
    of_certificate = rig.key()
    assert keys.of_der(of_certificate.der).id == of_certificate.id
    assert len(of_certificate.id) == 64
    assert keys.registered([rig.identity().certificate.decode()] * 20) == (of_certificate,) * 8

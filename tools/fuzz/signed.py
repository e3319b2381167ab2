"""What cameras' own signatures are read from, fuzzed: messages by both readers, keys, and whole streams."""

from __future__ import annotations

import contextlib
import functools

from gwanje.media.signed import sei
from gwanje.media.signed.chain import Chain
from gwanje.media.sim.signing import Identity, Options, Signer, prevented
from gwanje.vault import camera_keys, nals
from gwanje.vault.errors import VaultError
from gwanje_verify.camera import Camera, Message

DECLARED = (sei.BadSei, VaultError, camera_keys.BadKey)
# the first byte of an input says how it is read: a message of H.264, of H.265, a key, samples behind lengths
_H264, _H265, _KEY, _STREAM = b"12ks"
_BEGAN_US, _STEP_US = 1_795_176_600_000_000, 40_000


class Disagree(AssertionError):
    """The two readers take the same bytes for different documents, or noise for a camera's signature."""


@functools.cache
def _signed() -> tuple[Identity, bytes, bytes]:
    """(key, samples of an H.264 stream that it signed, the message of an H.265 stream): pictures of noise."""
    who = Identity.new("fuzz")
    one, other = Signer(1, who), Signer(2, who, Options(prevented=True))
    samples, message = b"", b""
    for n in range(12):
        key, at_us = n % 4 == 0, _BEGAN_US + n * _STEP_US
        for nal in one.unit([(b"\x65\x88" if key else b"\x41\x9a") + bytes((n + 1,)) * 60], at_us):
            samples += len(nal).to_bytes(4, "big") + nal
        units = other.unit([(b"\x26\x01\xaf" if key else b"\x02\x01\xd0") + bytes((n + 1,)) * 60], at_us)
        message = units[0] if len(units) > 1 else message
    return who, samples, message


def seeds() -> list[bytes]:
    """Real ones under their first bytes."""
    who, samples, message = _signed()
    found = next(bytes(nal) for nal in nals.lengths(memoryview(samples)) if nals.kind_of(nal, 1) == nals.SIGNATURE)
    bare = prevented(b"\x06\x05\x11" + nals.UUID + b"\x00\x80")
    texts = [who.certificate, camera_keys.read(who.certificate).pem.encode()]
    return [
        bytes((_H264,)) + found, bytes((_H265,)) + message, bytes((_H264,)) + bare, bytes((_STREAM,)) + samples,
        *(bytes((_KEY,)) + text for text in texts),
    ]  # fmt: skip


def read(data: bytes) -> None:
    """Refused with one of ``DECLARED``, or read by both readers alike."""
    how, rest = data[0] if data else 0, data[1:]
    if how == _KEY:
        camera_keys.read_all(rest.decode("utf-8", "replace"))
    elif how == _STREAM:
        _stream(rest)
    else:
        _message(rest, 2 if how == _H265 else 1)


def _message(nal: bytes, header: int) -> None:
    if not nals.signs(nal, header):
        return
    theirs = None
    with contextlib.suppress(ValueError, IndexError, KeyError):
        theirs = Message(nal.rstrip(b"\0"), header)
    said = sei.parse(nal, header)
    if theirs is not None and (theirs.covered, theirs.signature) != (said.covered, said.signature):
        raise Disagree("one message, two documents")


def _stream(samples: bytes) -> None:
    key = camera_keys.read(_signed()[0].certificate)
    chain, camera = Chain(1, [key]), Camera(b"", [key.der])
    camera.header = 1
    true = samples == _signed()[1]
    try:
        for n, nal in enumerate(nals.lengths(memoryview(samples))):
            if kind := nals.kind_of(nal, 1):
                chain.unit(kind, _BEGAN_US + n * _STEP_US, nal)
            if len(nal):
                camera.unit(_BEGAN_US + n * _STEP_US, nal)
    finally:
        spans = chain.end(_BEGAN_US + 10_000_000)
    for span in spans:
        if span.state == "valid" and not camera.covers(span.first_us, span.until_us, bytes.fromhex(span.key)):
            raise Disagree(f"valid for one reader only: {span}, untouched: {true}")

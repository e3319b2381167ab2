"""Signed streams of real pictures for tests of the camera's own signature: H.264 and H.265, by a signer of our own."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from codec_rig import encode

from gwanje.media.sdp import CODECS
from gwanje.media.signed.chain import Chain, Span
from gwanje.media.sim.signing import Identity, Options, Signer
from gwanje.vault import camera_keys as keys
from gwanje.vault import nals

GROUP, STEP_US, BEGAN_US = 10, 40_000, 1_795_176_600_000_000
HEADERS = {"H264": nals.H264, "H265": nals.H265}
Units = list[list[bytes]]
assert set(HEADERS) <= set(CODECS)


@functools.cache
def _identity(name: str) -> Identity:
    return Identity.new(name)


def identity(name: str = "camera") -> Identity:
    """A camera's key, the same for the same name."""
    return _identity(name)


@functools.cache
def _pictures(codec: str, count: int) -> tuple[tuple[bytes, ...], ...]:
    return tuple(unit.nals for unit in encode(codec, 3, count, group=GROUP).units)


def unsigned(codec: str = "H264", count: int = 60) -> Units:
    """Real access units without a signature."""
    return [list(unit) for unit in _pictures(codec, count)]


def signed(
    codec: str = "H264", count: int = 60, options: Options | None = None, who: str | Identity = "camera"
) -> Units:
    """The same as a signing camera sends them."""
    signer = Signer(HEADERS[codec], identity(who) if isinstance(who, str) else who, options or Options())
    return [signer.unit(unit, BEGAN_US + n * STEP_US) for n, unit in enumerate(unsigned(codec, count))]


def key(who: str = "camera") -> keys.Key:
    """What an officer recorded of it."""
    return keys.read(identity(who).certificate)


def stamped(units: Units) -> list[tuple[int, bytes]]:
    """(µs, NAL unit) in order."""
    return [(BEGAN_US + n * STEP_US, nal) for n, unit in enumerate(units) for nal in unit]


def judged(units: Sequence[tuple[int, bytes]] | Units, codec: str = "H264", who: Sequence[str] = ("camera",)) -> Chain:
    """A chain that has seen them; ``spans`` ends it."""
    flat = stamped(units) if units and isinstance(units[0], list) else units
    chain = Chain(HEADERS[codec], [key(name) for name in who])
    for at_us, nal in flat:
        if kind := nals.kind_of(nal, HEADERS[codec]):
            chain.unit(kind, at_us, nal)
    return chain


def spans(units: Units, codec: str = "H264", who: Sequence[str] = ("camera",)) -> list[tuple[str, int, int, str]]:
    """(state, first picture, picture behind the last, why)."""
    found: list[Span] = judged(units, codec, who).end(BEGAN_US + len(units) * STEP_US)
    return [((s.state), (s.first_us - BEGAN_US) // STEP_US, (s.until_us - BEGAN_US) // STEP_US, s.why) for s in found]


def pictures(unit: Sequence[bytes], codec: str = "H264") -> list[int]:
    """Where in an access unit its pictures stand."""
    return [i for i, nal in enumerate(unit) if nals.kind_of(nal, HEADERS[codec]) in (nals.FIRST, nals.PICTURE)]


def messages(unit: Sequence[bytes], codec: str = "H264") -> list[int]:
    """Where in an access unit its signatures stand."""
    return [i for i, nal in enumerate(unit) if nals.kind_of(nal, HEADERS[codec]) == nals.SIGNATURE]

"""vaultd's fsck: authentic or not, and which tracks; sealed passwords."""

from __future__ import annotations

import io
import os
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import raw_public, sealing_key
from gwanje.vault import fmp4, parts
from gwanje.vault.errors import VaultError
from gwanje.vault.sealed import seal_to, unseal
from gwanje.vault.segment import SegmentHeader


def fragmented(audio: bool) -> tuple[bytes, bytes]:
    """(init, one fragment) of a tiny real fMP4."""
    sink = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(sink, "w", format="mp4", options=options) as out:
        video = out.add_stream("libx264", rate=5)
        video.width = video.height = 64
        sound = out.add_stream("aac", rate=8000) if audio else None
        for i in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), i * 20, np.uint8))
            frame.pts = i
            out.mux(video.encode(frame))
        if sound is not None:
            for i in range(4):
                tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
                tone.sample_rate, tone.pts, tone.time_base = 8000, i * 1024, Fraction(1, 8000)
                out.mux(sound.encode(tone))
            out.mux(sound.encode(None))
        out.mux(video.encode(None))
    data = sink.getvalue()
    cut, end = data.index(b"moof") - 4, data.rindex(b"mfra") - 4
    return data[:cut], data[cut:end]


@pytest.fixture(scope="module")
def clean():
    return fragmented(False)


@pytest.fixture(scope="module")
def loud():
    return fragmented(True)


@pytest.fixture
def sealed(centre, vault):
    (slot,) = vault.slots([centre.camera])
    epoch = vault.clock.now_s() // 3600
    tick, _ = vault.lend(1, slot, epoch)

    def make(init: bytes, fragment: bytes, named: bytes | None = None, at: int | None = None):
        head = SegmentHeader.fresh(
            class_=1, epoch=epoch, slot=slot, stream=0, fence=1, writer=bytes(16), created_us=0,
            centre=vault.home.centre, init=init if named is None else named,
        )  # fmt: skip
        when = tick if at is None else at
        key = parts.PartKey.of(vault.leaf(1, slot, epoch, when), head.segment_id)
        out, sealed_parts = memoryview(bytearray(200_000)), []
        for ordinal, (kind, data) in enumerate(((parts.INIT, init), (parts.VIDEO, fragment))):
            size = parts.seal_into(out, key, head.segment_id, kind, 1, when, ordinal, 0, 0, data)
            sealed_parts.append(bytes(out[:size]))
        return head.pack(), *sealed_parts

    return make


def test_tracks_are_told_and_sound_is_found(desk, sealed, clean, loud):
    assert desk.verify(*sealed(*clean)) == (True, ["video"], "")
    authentic, tracks, _ = desk.verify(*sealed(*loud))
    assert authentic
    assert "audio" in tracks
    # a fragment that speaks of a track its init does not have
    authentic, tracks, _ = desk.verify(*sealed(clean[0], loud[1]))
    assert tracks == ["unknown:2", "video"]
    header, init, _ = sealed(*loud)
    assert desk.verify(header, b"", init) == (True, ["audio", "video"], "")
    header, _, part = sealed(*clean)
    assert desk.verify(header, b"", part) == (True, ["unknown:1"], "")
    assert desk.vault.verified == 5


def test_what_was_changed_is_not_authentic(desk, sealed, clean):
    header, init, part = sealed(*clean)
    for at in (70, len(part) - 1, 40, 20):
        changed = bytearray(part)
        changed[at] ^= 1
        assert desk.verify(header, init, bytes(changed))[0] is False
    assert desk.verify(header, part, part)[2] == "init_digest"
    assert desk.verify(*sealed(*clean, named=b"another init"))[2] == "init_digest"
    foreign = SegmentHeader.unpack(header)
    other = SegmentHeader(**{**foreign.__dict__, "centre": uuid7()}).pack()
    assert desk.verify(other, init, part)[2] == "centre"
    assert desk.verify(*sealed(clean[0], b"not a box at all"))[1:] == (["malformed"], "fmp4")


def test_no_picture_comes_back(desk, sealed, clean):
    answer = repr(desk.verify(*sealed(*clean))).encode()
    assert len(answer) < 100


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_refused(data):
    for call in (fmp4.tracks_of_init, fmp4.tracks_of_fragment):
        try:
            call(data)
        except VaultError as error:
            assert error.code == "fmp4"  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_cut_and_bent_boxes_are_parsed_or_refused(clean, data):
    init = bytearray(clean[0])
    for _ in range(data.draw(st.integers(1, 4))):
        init[data.draw(st.integers(0, len(init) - 1))] = data.draw(st.integers(0, 255))
    try:
        fmp4.tracks_of_init(bytes(init[: data.draw(st.integers(0, len(init)))]))
    except VaultError as error:
        assert error.code == "fmp4"  # noqa: PT017


def test_camera_passwords_open_for_one_recorder_and_one_camera(centre):
    key = sealing_key(centre.home, "recorder")
    camera = uuid7().bytes
    sealed_ = seal_to(raw_public(key), "admin:비밀번호".encode(), camera)
    assert unseal(key, sealed_, camera).decode() == "admin:비밀번호"
    assert seal_to(raw_public(key), b"x", camera) != seal_to(raw_public(key), b"x", camera)

    def refused(*args) -> str:
        with pytest.raises(VaultError) as error:
            unseal(*args)
        return error.value.code

    assert refused(key, sealed_, uuid7().bytes) == "sealed_refused"
    assert refused(key, sealed_[:-1] + bytes([sealed_[-1] ^ 1]), camera) == "sealed_refused"
    assert refused(key, b"", camera) == "sealed_refused"
    assert refused(key, os.urandom(40), camera) == "sealed_refused"
    assert refused(sealing_key(centre.home, "web", create=True), sealed_, camera) == "sealed_refused"
    with pytest.raises(VaultError):
        seal_to(raw_public(key), b"", camera)

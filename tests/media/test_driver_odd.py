"""Odd cameras over RTSP: bare line ends, no keep-alive request, redirects, nonces that go stale, a byte a second."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from rig import CLIPS, Roots, midhour, recording, rows, source, until
from sim_tools import short_streets
from test_rtsp import ACCOUNT, DIGEST, Server, serving

import support
from gwanje.kernel.footage import Gap
from gwanje.media import fleet, rtsp
from gwanje.media.auth import AuthenticationRefused
from gwanje.media.drivers.feeds import Interleaved
from gwanje.media.rtp import StreamBroken
from gwanje.media.sim.server import SimServer, SimThread


def camera_of(recorder: Any, slot: int) -> Any:
    return next(c for c in recorder.fleet.cameras.values() if c.source.slot == slot)


async def test_odd_cameras_are_recorded_and_a_byte_a_second_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults = {1: "bare", 2: "noparameter", 3: "redirect", 4: "", 5: "drip"}
    lender = Roots(midhour(tmp_path))
    clips = short_streets(CLIPS, 5, 4)
    with SimThread(clips, session_timeout_s=2) as sim, SimThread(clips[:1]) as slow:
        for slot, fault in faults.items():
            if fault:
                sim.fault(f"cam0{slot}", fault)
        slow.fault("cam01", "drip")
        # more cameras that answer a byte a second than there are places for trying
        loris = [source(n, slow.url("cam01")) for n in range(10, 10 + fleet.OPENING_AT_ONCE + 4)]
        wanted = [source(n, sim.url(f"cam0{n}", "main" if n == 3 else "sub")) for n in faults]
        async with recording(tmp_path, lender, [*loris, *wanted]) as recorder:
            await until(lambda: all(camera_of(recorder, n).recorder.parts >= 4 for n in (1, 2, 3, 4)), 40)
            await until(lambda: camera_of(recorder, 5).gaps.open is not None, 20)
            # a healthy camera that falls out comes back while all of those still try
            before = camera_of(recorder, 4).recorder.parts
            sim.fault("cam04", "close")
            began = asyncio.get_running_loop().time()
            await until(lambda: camera_of(recorder, 4).recorder.parts > before + 1, 15)
            took = asyncio.get_running_loop().time() - began
            assert took < 10 or took < 10 * support.slowness()
    gaps = [row for row in rows(tmp_path) if isinstance(row, Gap)]
    told = {n: {g.reason for g in gaps if g.camera == source(n, "").camera} for n in (1, 2, 3, 5)}
    assert told == {1: set(), 2: set(), 3: set(), 5: {"network"}}
    lines = [r.getMessage() for r in caplog.records if "A-0010 " in r.getMessage()]
    assert len(lines) == 1


def described(server: Server) -> int:
    return sum(one.startswith("DESCRIBE") for one in server.asked)


async def test_a_redirect_is_followed_once_and_takes_no_account_to_another_host() -> None:
    class Redirects(Server):
        location = ""

        def answer(self, method: str, url: str, head: str) -> list[bytes]:
            if method == "DESCRIBE" and self.location:
                number = re.search(r"CSeq: (\d+)", head)[1]
                return [f"RTSP/1.0 302 Found\r\nCSeq: {number}\r\nLocation: {self.location}\r\n\r\n".encode()]
            return super().answer(method, url, head)

    async with serving(Server([DIGEST])) as there, serving(Redirects()) as here:
        here.location = f"rtsp://127.0.0.1:{there.port}/live"
        feed = await rtsp.play(f"rtsp://127.0.0.1:{here.port}/live", ACCOUNT)
        feed.close()
        assert there.asked[-1].startswith(("PLAY", "TEARDOWN"))
        here.location = f"rtsp://localhost:{there.port}/live"
        # the TEARDOWN of the feed that was closed may still be on its way
        before = described(there)
        with pytest.raises(AuthenticationRefused):
            await rtsp.play(f"rtsp://127.0.0.1:{here.port}/live", ACCOUNT)
        assert described(there) == before + 1
        here.location = f"rtsp://127.0.0.1:{here.port}/live"
        with pytest.raises(rtsp.RtspRefused, match="more than once"):
            await rtsp.play(f"rtsp://127.0.0.1:{here.port}/live")
        here.location = "http://127.0.0.1/x"
        with pytest.raises(rtsp.RtspRefused, match="no stream address"):
            await rtsp.play(f"rtsp://127.0.0.1:{here.port}/live")


def said(status: int, *headers: str) -> rtsp.Answer:
    return rtsp.parse_head("\n".join([f"RTSP/1.0 {status} x", *headers]))


async def test_keep_alives_change_method_and_nonce_and_a_forgotten_session_ends() -> None:
    async with serving(Server([DIGEST])) as server:
        feed = await rtsp.play(f"rtsp://127.0.0.1:{server.port}/live", ACCOUNT)
    assert isinstance(feed, Interleaved)
    session = feed.session
    assert session.keep_alive().startswith(b"GET_PARAMETER")
    assert session.heard(said(501)) is True
    assert session.keep_alive().startswith(b"OPTIONS")
    assert session.heard(said(501)) is False
    fresh = f"WWW-Authenticate: {DIGEST.replace('abc', 'fresh')}"
    assert session.heard(said(200)) is False
    assert session.heard(said(401, fresh)) is True
    assert b'nonce="fresh"' in session.keep_alive()
    with pytest.raises(AuthenticationRefused):
        # the same nonce again is a wrong password, not an old nonce
        session.heard(said(401, fresh))
    with pytest.raises(StreamBroken, match="forgotten"):
        session.heard(said(454))
    feed.close()


async def test_the_simulated_camera_of_this_file_is_odd_indeed() -> None:
    async with SimServer(short_streets(CLIPS, 1, 4)) as server:
        server.fault("cam01", "bare")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"DESCRIBE {server.url('cam01')} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        answer = await reader.read(4096)
        writer.close()
    head = answer.split(b"\n\n")[0]
    assert b"\r" not in head
    assert b"Content-Base" not in head

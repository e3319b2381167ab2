"""Odd cameras through children: HTTP, playlists, files, snapshots; the stuck are ended, accounts stay in memory."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rig import CLIPS, Roots, decoded, midhour, opened, recording, rows, segment_files, source, until
from sim_tools import short_streets
from web_rig import PASSWORD, USER, WebCamera, frames_of, remuxed, serving

import support
from gwanje.kernel.footage import Gap
from gwanje.kernel.sources import Source
from gwanje.media.auth import Credentials
from gwanje.media.drivers import children
from gwanje.media.recorder import Recorder


def from_url(slot: int, url: str, driver: str = "pyav", **device: Any) -> Source:
    return replace(source(slot, url), driver=driver, device=device)


def camera_of(recorder: Recorder, slot: int) -> Any:
    return next(c for c in recorder.fleet.cameras.values() if c.source.slot == slot)


def files_of(folder: Path, slot: int) -> list[Path]:
    return [path for path in segment_files(folder) if path.parent.name == str(slot)]


def gaps(folder: Path, slot: int) -> list[Gap]:
    return [row for row in rows(folder) if isinstance(row, Gap) and row.camera == source(slot, "").camera]


@pytest.mark.norm("audio.never", "deny")
async def test_pictures_over_http_snapshots_playlists_and_files_are_recorded(tmp_path: Path) -> None:
    lender = Roots(midhour(tmp_path))
    clip = Path(short_streets(CLIPS, 1, 4)[0].sub)
    folder = tmp_path / "web"
    folder.mkdir()
    remuxed(clip, folder / "live.m3u8", hls_time="1", hls_list_size="0", hls_flags="independent_segments")
    with serving(WebCamera(folder)) as plain, serving(WebCamera(folder, digest=True, lengths=False)) as locked:
        wanted = [
            from_url(1, plain.url("moved")),
            from_url(2, plain.url("snap"), "snapshot", interval=0.5),
            from_url(3, plain.url("live.m3u8")),
            from_url(4, f"file://{clip}"),
            from_url(5, locked.url("mjpeg")),
        ]
        async with recording(tmp_path, lender, wanted) as recorder:
            recorder.fleet._unseal = lambda s: Credentials(USER, PASSWORD) if s.slot == 5 else None
            await until(lambda: all(camera_of(recorder, s).recorder.parts >= 3 for s in (1, 2, 3, 4, 5)), 75)
            (child,) = children.pool().children
            shown = Path(f"/proc/{child.process.pid}/cmdline").read_bytes()
            await until(lambda: camera_of(recorder, 4).gaps.open is not None, 45)
            pool = children.pool()
        await until(lambda: not any(c.streams for c in pool.children), 30)
    assert PASSWORD.encode() not in shown
    assert not any(PASSWORD in line for line in locked.asked)
    for slot, codec in ((1, "mjpeg"), (2, "mjpeg"), (5, "mjpeg")):
        name, count = frames_of(opened(files_of(tmp_path, slot)[0], lender).mp4)
        assert (name, count > 2) == (codec, True), slot
    # the file came once, whole, at its own pace, and its end is a row
    found = [opened(path, lender) for path in files_of(tmp_path, 4)]
    counters = [number for one in found for number in decoded(one.mp4)]
    assert counters == list(range(counters[0], counters[0] + len(counters)))
    assert found[-1].parts[-1][0].tick - found[0].parts[0][0].tick >= 2
    (gap,) = {g.id: g for g in gaps(tmp_path, 4)}.values()
    assert (gap.reason, gap.detail) == ("camera", "the file ended")
    counters = [number for path in files_of(tmp_path, 3) for number in decoded(opened(path, lender).mp4)]
    assert len(counters) > 20
    assert None not in counters


async def test_a_child_that_stops_is_ended_and_its_cameras_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "SILENT_S", 3.0)
    monkeypatch.setattr(children, "STREAMS_MAX", 2)
    lender = Roots(midhour(tmp_path))
    with serving(WebCamera(tmp_path)) as camera:
        wanted = [from_url(slot, camera.url("mjpeg")) for slot in (1, 2, 3)]
        async with recording(tmp_path, lender, wanted) as recorder:
            await until(lambda: all(camera_of(recorder, s).recorder.parts >= 2 for s in (1, 2, 3)), 75)
            first = {child.process.pid: len(child.streams) for child in children.pool().children}
            assert sorted(first.values()) == [1, 2]
            stopped = next(pid for pid, count in first.items() if count == 2)
            os.kill(stopped, signal.SIGSTOP)
            killed = children.pool().killed
            await until(lambda: children.pool().killed > killed, 45)
            before = {s: camera_of(recorder, s).recorder.parts for s in (1, 2, 3)}
            await until(lambda: all(camera_of(recorder, s).recorder.parts > n + 1 for s, n in before.items()), 75)
            assert stopped not in {child.process.pid for child in children.pool().children}
    hit = [s for s in (1, 2, 3) if gaps(tmp_path, s)]
    assert len(hit) == 2


async def test_a_byte_a_second_an_odd_answer_and_a_wrong_account_are_told_without_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lender = Roots(midhour(tmp_path))
    (tmp_path / "index.txt").write_text("no pictures")
    (tmp_path / "evil.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{short_streets(CLIPS, 1, 4)[0].sub}\n#EXT-X-ENDLIST\n"
    )
    with (
        serving(WebCamera(tmp_path, drip=True)) as slow,
        serving(WebCamera(tmp_path, digest=True)) as locked,
        serving(WebCamera(tmp_path)) as healthy,
    ):
        wanted = [
            from_url(1, slow.url("mjpeg")), from_url(2, healthy.url("index.txt")), from_url(3, locked.url("mjpeg")),
            from_url(4, healthy.url("evil.m3u8")), from_url(5, "ftp://127.0.0.1/x"), from_url(6, healthy.url("mjpeg")),
        ]  # fmt: skip
        async with recording(tmp_path, lender, wanted) as recorder:
            recorder.fleet._unseal = lambda s: Credentials(USER, "wrong-secret") if s.slot == 3 else None
            began = time.monotonic()
            await until(lambda: all(camera_of(recorder, s).gaps.open is not None for s in (1, 2, 3, 4, 5)), 75)
            took = time.monotonic() - began
            assert took < 20 or took < 20 * support.slowness()
            await until(lambda: camera_of(recorder, 6).recorder.parts >= 5, 75)
            told = {s: camera_of(recorder, s).gaps.open for s in (1, 2, 3, 4, 5)}
    assert "no pictures" in told[1].detail
    assert "something else" in told[2].detail
    assert "refuses the user or the password" in told[3].detail
    assert "none of file" in told[5].detail
    assert not files_of(tmp_path, 4)
    assert gaps(tmp_path, 6) == []
    assert len([line for line in locked.asked if "Digest" in line]) < 12
    for text in (caplog.text, *(gap.detail for gap in told.values())):
        assert "wrong-secret" not in text
        assert "127.0.0.1" not in text


async def test_an_unknown_driver_and_one_that_raises_cost_their_own_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gwanje.media import drivers

    class Raises:
        async def open(self, source: Source, number: int, credentials: Credentials | None) -> Any:
            raise KeyError(f"{source.main_url} {credentials}")

    monkeypatch.setitem(drivers._loaded, "raises", Raises())
    lender = Roots(midhour(tmp_path))
    with serving(WebCamera(tmp_path)) as camera:
        wanted = [
            from_url(1, "rtsp://127.0.0.1:1/x", "nobody"), from_url(2, "x://user:pw@127.0.0.1/", "raises"),
            from_url(3, camera.url("mjpeg")), from_url(4, "rtsp://127.0.0.1:1/x", "../etc"),
        ]  # fmt: skip
        async with recording(tmp_path, lender, wanted) as recorder:
            await until(lambda: camera_of(recorder, 3).recorder.parts >= 2, 20)
            await until(lambda: all(camera_of(recorder, s).gaps.open for s in (1, 2, 4)))
            told = {s: camera_of(recorder, s).gaps.open for s in (1, 2, 4)}
    assert {gap.reason for gap in told.values()} == {"camera"}
    assert told[1].detail == "no driver is called nobody"
    assert told[2].detail == "KeyError"
    assert "name" in told[4].detail
    assert gaps(tmp_path, 3) == []
    await asyncio.sleep(0)


async def test_rtmp_with_a_sound_beside_it_is_recorded_without_it(tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("ffmpeg is not installed: apt-get install -y --no-install-recommends ffmpeg")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"rtmp://127.0.0.1:{port}/live/x"
    clip = short_streets(CLIPS, 1, 4)[0].sub
    loop = ["-re", "-stream_loop", "9", "-i", str(clip), "-f", "lavfi", "-i", "sine=frequency=440"]
    said = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-shortest", "-f", "flv", "-listen", "1", url]
    server = subprocess.Popen([ffmpeg, "-nostdin", "-v", "error", *loop, *said])
    lender = Roots(midhour(tmp_path))
    try:
        async with recording(tmp_path, lender, [from_url(1, url)]) as recorder:
            await until(lambda: camera_of(recorder, 1).recorder.parts >= 5, 75)
    finally:
        server.kill()
        server.wait()
    counters = [number for path in files_of(tmp_path, 1) for number in decoded(opened(path, lender).mp4)]
    assert len(counters) > 20
    assert None not in counters

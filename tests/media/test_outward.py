"""No address of a stranger's is followed: redirects, playlists, answers of devices, names that change, links in files.

A port of this machine stands for what must not be reached (a service of the centre); the camera beside it may be.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import CLIPS
from sim_tools import short_streets
from test_rtsp import Server, serving
from web_rig import WebCamera, remuxed
from web_rig import serving as web_serving

from gwanje.kernel.clock import Clock
from gwanje.kernel.reach import Reach, Unreachable
from gwanje.kernel.sources import Source
from gwanje.media import drivers, outward, rtsp
from gwanje.media.ingest import demux, web
from gwanje.media.ingest.opener import Opener
from gwanje.media.ingest.order import Order
from gwanje.media.onvif import tasks
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import Place, Session
from gwanje.media.tls import Trust


@pytest.fixture
def service() -> Iterator[tuple[int, list[int]]]:
    """A service of the centre: its port, and a list that grows with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reached: list[int] = []

        def accept() -> None:
            while True:
                try:
                    found, _ = listener.accept()
                except OSError:
                    return
                reached.append(1)
                found.close()

        threading.Thread(target=accept, daemon=True).start()
        port = listener.getsockname()[1]
        before = outward.in_force()
        outward.govern(Reach(loopback=True, ports=frozenset({port})))
        yield port, reached
        outward.govern(before)
        listener.shutdown(socket.SHUT_RDWR)


class Redirects(Server):
    location = ""

    def answer(self, method: str, url: str, head: str) -> list[bytes]:
        if method == "DESCRIBE":
            return [f"RTSP/1.0 302 Found\r\nCSeq: 1\r\nLocation: {self.location}\r\n\r\n".encode()]
        return super().answer(method, url, head)


async def test_rtsp_is_not_led_elsewhere_by_its_address_or_a_redirect(service: tuple[int, list[int]]) -> None:
    port, reached = service
    for url in (f"rtsp://127.0.0.1:{port}/x", f"rtsp://localhost:{port}/x", f"rtsp://127.1:{port}/x"):
        with pytest.raises(Unreachable, match="own services"):
            await rtsp.play(url)
    async with serving(Redirects()) as camera:
        for place, why in (
            (f"127.0.0.1:{port}", "own services"), (f"[::ffff:127.0.0.1]:{port}", "own services"),
            ("169.254.169.254:80", "link-local"), ("8.8.8.8", "outside"), ("239.1.2.3", "multicast"),
        ):  # fmt: skip
            camera.location = f"rtsp://{place}/live"
            with pytest.raises(Unreachable, match=why) as refused:
                await rtsp.play(f"rtsp://127.0.0.1:{camera.port}/live")
            assert place.split(":")[0] not in str(refused.value)
    assert reached == []


async def test_a_name_is_resolved_once_and_the_judged_address_is_the_one_connected_to(
    service: tuple[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, reached = service
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: object, *args: object, **named: object) -> object:
        if host != "camera.example":
            return real(host, *args, **named)  # type: ignore[arg-type]
        asked.append(str(host))
        found = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, args[0]))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    async with serving(Server()) as camera:
        feed = await rtsp.play(f"rtsp://camera.example:{camera.port}/live")
        feed.close()
        assert len(asked) == 1
        with pytest.raises(Unreachable, match="link-local"):
            await rtsp.play(f"rtsp://camera.example:{camera.port}/live")
    with pytest.raises(Unreachable):
        outward.connect("camera.example", port, 1)
    assert reached == []


def test_http_is_not_led_elsewhere_by_a_redirect(tmp_path: Path, service: tuple[int, list[int]]) -> None:
    port, reached = service
    with web_serving(WebCamera(tmp_path)) as camera:
        assert web.Connection(camera.url("moved"), None, Trust()).get().status == 200
        for place, why in ((f"127.0.0.1:{port}", "own services"), ("169.254.169.254", "link-local")):
            camera.moved = f"http://{place}/latest/meta-data/"
            with pytest.raises(Unreachable, match=why):
                web.Connection(camera.url("moved"), None, Trust()).get()
    assert reached == []


def units(url: str) -> list[bytes]:
    order = Order(1, "pyav", url)
    return list(demux.access_units(order, Opener(url, None, Trust())))


def test_a_playlist_reaches_nothing_but_cameras_and_its_own_segments_are_read(
    tmp_path: Path, service: tuple[int, list[int]]
) -> None:
    port, reached = service
    clip = Path(short_streets(CLIPS, 1, 4)[0].sub)
    good = remuxed(clip, tmp_path / "live.m3u8", hls_time="1", hls_list_size="0", hls_flags="independent_segments")
    said = good.read_text()
    head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n"
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/key"\n#EXTINF:2,\n'
    bad = {
        "service": f"{head}http://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n",
        "metadata": f"{head}http://169.254.169.254/x.ts\n#EXT-X-ENDLIST\n",
        "file": f"{head}file://{clip}\n#EXT-X-ENDLIST\n",
        "key": f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{key}live0.ts\n#EXT-X-ENDLIST\n",
        "nested": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\nhttp://127.0.0.1:{port}/deep.m3u8\n",
        "endless": said + "#x\n" * (1 << 20),
    }
    for name, text in bad.items():
        (tmp_path / f"{name}.m3u8").write_text(text)
    (tmp_path / "list.ts").write_text(f"ffconcat version 1.0\nfile http://127.0.0.1:{port}/x.ts\n")
    with web_serving(WebCamera(tmp_path)) as camera:
        assert len(units(camera.url("live.m3u8"))) > 20
        for name in (*(f"{name}.m3u8" for name in bad), "list.ts"):
            with pytest.raises((OSError, ValueError)):
                units(camera.url(name))
    assert reached == []


async def test_onvif_and_discovery_ask_only_devices(tmp_path: Path, service: tuple[int, list[int]]) -> None:
    port, reached = service
    clock = Clock(tmp_path / "clock.json")
    for address in (f"http://127.0.0.1:{port}/", f"https://localhost:{port}/", "http://169.254.169.254/"):
        session = Session(Place.of(address), None, clock)
        with pytest.raises(DeviceFault) as fault:
            await session.ask_time()
        assert fault.value.kind == "unreachable"
    for asks in (
        {"interface": "169.254.3.4"}, {"interface": "8.8.8.8"}, {"interface": "x"},
        {"interface": "127.0.0.1", "host": "169.254.169.254"}, {"interface": "127.0.0.1", "host": "8.8.8.8"},
    ):  # fmt: skip
        (found,) = (await tasks.discover(asks))["faults"]
        assert found["fault"] == "unreachable", asks
    outward.govern(Reach())
    (found,) = (await tasks.discover({"interface": "127.0.0.1"}))["faults"]
    assert found["fault"] == "unreachable"
    assert reached == []


async def test_a_vendors_driver_is_not_even_asked_for_an_address_that_is_refused(
    service: tuple[int, list[int]],
) -> None:
    class Vendor:
        opened = 0

        async def open(self, *_: object) -> None:
            self.opened += 1

    vendor = Vendor()
    judged = drivers.Judged(vendor)  # type: ignore[arg-type]

    def of(url: str) -> Source:
        from rig import source

        return source(1, url)

    for url in (f"sdk://127.0.0.1:{service[0]}/", "sdk://169.254.169.254/", "sdk://8.8.8.8:1/"):
        with pytest.raises(Unreachable):
            await judged.open(of(url), 0, None)
    assert vendor.opened == 0
    await judged.open(of("sdk://127.0.0.1:1/"), 0, None)
    await judged.open(of("sdk://serial-0017.invalid/"), 0, None)
    assert vendor.opened == 2


def test_files_are_read_below_the_configured_folder_and_no_link_is_followed(tmp_path: Path) -> None:
    clips, outside = tmp_path / "clips", tmp_path / "secret.mp4"
    (clips / "deep").mkdir(parents=True)
    outside.write_bytes(b"secret")
    (clips / "deep" / "a.mp4").write_bytes(b"a clip")
    (clips / "link.mp4").symlink_to(outside)
    (clips / "inside.mp4").symlink_to(clips / "deep" / "a.mp4")
    (clips / "way").symlink_to(tmp_path)
    os.mkfifo(clips / "pipe.mp4")
    with outward.open_file(f"{clips}/deep/a.mp4", str(clips)) as file:
        assert file.read() == b"a clip"
    for path in (
        str(outside), f"{clips}/../secret.mp4", f"{clips}/deep/../../secret.mp4", f"{clips}/link.mp4",
        f"{clips}/inside.mp4", f"{clips}/way/secret.mp4", f"{clips}/pipe.mp4", f"{clips}/deep", str(clips),
        f"{clips}x/a.mp4", f"{clips}/none.mp4", "/etc/passwd", "clips/deep/a.mp4", "",
    ):  # fmt: skip
        with pytest.raises(outward.FileRefused) as refused:
            outward.open_file(path, str(clips))
        assert "secret" not in str(refused.value)
    with pytest.raises(outward.FileRefused, match="camera_files"):
        outward.open_file(f"{clips}/deep/a.mp4", "")
    before = outward.in_force()
    outward.govern(Reach(files=str(clips)))
    try:
        with pytest.raises(outward.FileRefused):
            units(f"file://{outside}")
    finally:
        outward.govern(before)

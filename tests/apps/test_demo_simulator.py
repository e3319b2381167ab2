"""``gwanje simulator --clips``: the process makes its clips, serves them, and ends when asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import av
import numpy as np

from gwanje.apps import simulator
from gwanje.kernel.home import Home
from gwanje.media.sim import counter
from support import free_port


def _short_file(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"
        for shade in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((144, 176, 3), 20 * shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_the_process_serves_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    _short_file(tmp_path / "files" / "shades.avi")
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / ".left-main.999999999.tmp.mp4").write_bytes(b"half a clip of a process that is gone")
    home = Home.create(tmp_path / "data", port=free_port())
    words = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "simulator", "--clips"]
    log = tmp_path / "log"
    with log.open("wb") as out:
        environment = {**os.environ, "GWANJE_CLIPS": str(cache)}
        process = subprocess.Popen([*words, str(tmp_path / "files")], stdout=out, stderr=out, env=environment)
    port = home.port + simulator.PORT_OFFSET
    try:
        end = time.monotonic() + 120
        while "cameras 1" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5) as reply:
            assert json.load(reply)["cameras"]["cam01"]["frames"] == 200
        with av.open(f"rtsp://127.0.0.1:{port}/cam01/sub", options={"rtsp_transport": "tcp"}, timeout=10) as container:
            frame = next(container.decode(video=0))
            assert counter.read(frame.to_ndarray(format="rgb24")) is not None
        assert len(list(cache.iterdir())) == 2, "only the two streams, nothing half made"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "data", port=free_port())
    words = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "simulator", "--clips", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "0 video files" in done.stdout

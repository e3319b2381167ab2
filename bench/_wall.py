"""The wall as a person sees it: last packet to painted frame, tile opened to first picture. Part of ``bench live``.

A whole centre (web, ledger, vaultd, recorder) with ``CAMERAS`` cameras of two streams; Chromium signs in, starts the
shift and opens the wall. A frame is known by its decode time; the number burnt into the picture proves it now and then.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bench._audience import ROOT, cameras, cpu_s, free_port, line
from bench._cameras import FRAMES, GROUP, RATE
from bench._figures import percentiles
from bench._wall_page import TOKENS, WATCH
from gwanje.apps.demo import city

CHROMIUM = "/usr/bin/chromium"
ARGS = ["--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
READY_S = 180
PAGES_MAX, OPENED = 11, 5
# decode time of a stream's first frame: one second and one frame after its anchor
FIRST_S = 1 + 1 / RATE


@contextlib.contextmanager
def centre(folder: Path, source_port: int, count: int) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """A running centre; its address, its supervisor, its data folder."""
    port, data = free_port(), folder / "wall"
    listed = folder / "cameras.csv"
    lines = [
        f"C-{n:04d},126.9{n:03d},37.39,rtsp://127.0.0.1:{source_port}/cam{n}/main,rtsp://127.0.0.1:{source_port}/cam{n}/sub"
        for n in range(count)
    ]
    listed.write_text("\n".join(lines))
    log = folder / "supervisor.log"
    words = ["--data", str(data), "supervise", "--demo", "--port", str(port), "--cameras", str(listed)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.cli", *words], cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
    try:
        end = time.monotonic() + READY_S
        while b"ready http://" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the centre did not start: {log.read_text()[-2000:]}")
            time.sleep(0.5)
        yield f"http://localhost:{port}", process, data
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
        if process.poll() is None:
            process.kill()


def health(data: Path, base: str) -> dict[str, Any]:
    """The recorder's own figures."""
    import urllib.request

    port = int(base.rsplit(":", 1)[1]) + 1
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return dict(json.load(answer))


def sign_in(browser: Browser, base: str, script: str, account: str = "operator", station: str = "관제석-1") -> Page:
    """A person on shift at a seat."""
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    page.goto(base + "/login/")
    page.fill("input[name=account]", account)
    page.fill("input[name=password]", city().password)
    page.select_option("select[name=station]", station)
    page.click("main button.primary")
    page.goto(base + "/staff/me/")
    start = page.locator('form[action="/staff/shift/start/"] button')
    if start.count():
        start.first.click()
        page.wait_for_load_state()
    page.add_init_script(f"({script})()")
    return page


def strip_number(levels: list[int]) -> int | None:
    """The burnt-in number from the 24 cells' levels; None when it cannot be read."""
    middle = (min(levels[0], levels[23]) + max(levels[1], levels[22])) / 2
    word = 0
    for level in levels[2:18]:
        word = word << 1 | (level > middle)
    return word if levels[0] - levels[1] > 70 else None


def latencies(frames: list[list[Any]], times: memoryview) -> dict[str, Any]:
    """Last byte sent to painted, ms, and how the burnt-in numbers agree."""
    late: list[float] = []
    agree = disagree = unread = 0
    for label, media, painted_ms, _, strip in frames:
        camera = int(label.split(" ")[0].split("-")[1])
        number = round((media - FIRST_S) * RATE)
        sent = times[camera * FRAMES + number % FRAMES]
        late.append(painted_ms - sent * 1000)
        if strip is not None:
            read = strip_number(strip)
            right = (number + camera * GROUP) % FRAMES
            unread += read is None
            agree += read == right
            disagree += read is not None and read != right
    return {**percentiles(late), "numbers_agree": agree, "numbers_disagree": disagree, "numbers_unread": unread}


def painted(page: Page, seconds: float) -> tuple[list[list[Any]], int]:
    """Frames painted in a window, and how many the pages' videos dropped in it."""
    dropped = "vs => vs.reduce((n, v) => n + v.getVideoPlaybackQuality().droppedVideoFrames, 0)"
    videos = page.locator("gw-tile video")
    before = videos.evaluate_all(dropped)
    page.evaluate("() => { window.gwSeen.frames.length = 0; }")
    page.wait_for_timeout(seconds * 1000)
    frames = page.evaluate("() => window.gwSeen.frames.splice(0)")
    return frames, videos.evaluate_all(dropped) - before


def turning(page: Page, pages: int) -> list[dict[str, float]]:
    """Turn the wall's pages; what each tile went through until its first painted frame, and until it was at now."""
    page.evaluate("() => { window.gwSeen.first.length = 0; }")
    for _ in range(pages):
        page.keyboard.press("]")
        page.wait_for_timeout(2500)
    return list(page.evaluate("() => window.gwSeen.first"))


def opening(page: Page, times: int) -> list[dict[str, float]]:
    """Open the wall anew: new page, new connections, nine tiles at once."""
    seen: list[dict[str, float]] = []
    for _ in range(times):
        page.reload()
        page.wait_for_timeout(5000)
        seen += page.evaluate("() => window.gwSeen.first.splice(0)")
    return seen


def spans(first: list[dict[str, float]]) -> dict[str, Any]:
    """From the tile's opening to its paint: first what runs side by side, then one after another."""
    way = ("ready", "bytes", "appended", "painted")
    names = ("to token and socket", "to first picture's bytes", "to appended", "to painted")
    rows = [[0.0, *(row[name] for name in way)] for row in first if all(name in row for name in way)]
    steps = {name: percentiles([row[i + 1] - row[i] for row in rows]) for i, name in enumerate(names)}
    alone = {name: percentiles([row[name] for row in first if name in row]) for name in ("token", "socket")}
    return {"side by side, from the opening": alone, "one after another": steps}


def tools_pid() -> int:
    """The process of the browser tools: Chromium's processes are below it."""
    mine = [int(p) for p in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    return next(pid for pid in mine if b"playwright" in Path(f"/proc/{pid}/cmdline").read_bytes())


def family_s(pid: int) -> float:
    """CPU seconds of a process and all below it that live now."""
    total = 0.0
    with contextlib.suppress(OSError):
        total = cpu_s(pid)
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(family_s(int(child)) for child in (task / "children").read_text().split())
    return total


def need_chromium() -> None:
    """SystemExit with what to do when the browser is missing."""
    if not Path(CHROMIUM).exists():
        raise SystemExit("chromium이 없습니다 / chromium is missing: apt-get install chromium")


def measure(folder: Path, count: int, seconds: float) -> dict[str, Any]:
    """Nine tiles while ``count`` cameras record."""
    need_chromium()
    with cameras(folder, count) as (source_port, times, source), centre(folder, source_port, count) as (base, _, data):
        from bench._cameras import times_file

        end = time.monotonic() + 90
        while health(data, base)["recording"] < count and time.monotonic() < end:
            time.sleep(0.5)
        with sync_playwright() as tools:
            browser = tools.chromium.launch(executable_path=CHROMIUM, args=ARGS)
            page = sign_in(browser, base, WATCH)
            page.goto(base + "/watch/")
            page.wait_for_timeout(6000)
            status = json.loads((data / "run" / "status.json").read_text())
            pids = {name: int(found["pid"]) for name, found in status["services"].items() if found.get("pid")}
            pids["cameras (source)"] = source.pid
            before, chrome, began = {n: cpu_s(pid) for n, pid in pids.items()}, family_s(tools_pid()), time.monotonic()
            frames, dropped = painted(page, seconds)
            length = time.monotonic() - began
            cores = {name: round((cpu_s(pid) - before[name]) / length, 3) for name, pid in pids.items()}
            cores["chromium"] = round((family_s(tools_pid()) - chrome) / length, 3)
            glass = latencies(frames, times_file(times, count))
            tiles = len({label for label, *_ in frames})
            used = {name: cpu_s(pid) for name, pid in pids.items()}
            began = time.monotonic()
            first = turning(page, min(PAGES_MAX, count // 9))
            turned = {n: round((cpu_s(pid) - used[n]) / (time.monotonic() - began), 3) for n, pid in pids.items()}
            token, unpainted = page.evaluate(TOKENS), page.evaluate("() => window.gwSeen.unpainted")
            anew = opening(page, OPENED)
            browser.close()
        said = health(data, base)
        source.terminate()
        dropped_at, plays, late = line(source).split()
    return {
        "cameras": count, "tiles": tiles, "glass_ms": glass, "dropped_by_browser": dropped,
        "first_picture_ms": percentiles([row["painted"] for row in first + anew]),
        "first_at_now_ms": percentiles([row["now"] for row in first + anew if "now" in row]),
        "tiles_turned_away_unpainted": unpainted,
        "page_turned": {"ms": percentiles([row["painted"] for row in first]), "spans_ms": spans(first)},
        "wall_opened": {"ms": percentiles([row["painted"] for row in anew]), "spans_ms": spans(anew)},
        "token_ms": percentiles([row["whole"] for row in token]),
        "token_server_ms": percentiles([row["server"] for row in token]),
        "cores": cores, "cores_while_turning": turned, "gaps": said["gaps"], "late_ms_max": said["late_ms_max"],
        "source": {"dropped": int(dropped_at), "plays": int(plays), "late_ms_max": float(late)},
    }  # fmt: skip

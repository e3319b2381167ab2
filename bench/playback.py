"""``./dev bench playback --json FILE``: a random moment of a 30-day archive of 100 cameras, from order to picture.

Real PostgreSQL with 864,000 index rows, real vaultd with the roots of 720 hours, the real player process and the page's
own player in Chromium. Measured from the play command to the painted frame of the asked second.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.sync_api import sync_playwright

from bench._archive import Archive, Moment, build
from bench._audience import ROOT, free_port
from bench._figures import percentiles
from bench._wall import ARGS, CHROMIUM, need_chromium
from gwanje.apps import postgres, vaultd
from gwanje.kernel import base64url, footage
from gwanje.kernel.database import connect
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient

FIRST_MS, STATION, DAY_S, LENSES = 300, "열람실-1", 86_400, 64
STATIC = ROOT / "src" / "gwanje" / "apps" / "web" / "static"
PEOPLE = (UUID(int=21), UUID(int=22))
WATCH = """() => {
  window.gwShown = [];
  const send = WebSocket.prototype.send;
  let order = null;
  const since = () => performance.now() - order.t;
  WebSocket.prototype.send = function (data) {
    const said = typeof data === "string" ? JSON.parse(data) : {};
    if (said.type === "play") order = { at: said.at, t: performance.now() };
    if (order && !this.gwSeen) {
      this.gwSeen = true;
      this.addEventListener("message", (e) => {
        if (!order || !(e.data instanceof ArrayBuffer)) return;
        order.first ??= since();
        const head = new DataView(e.data);
        if (head.getUint8(0) === 2 && Number(head.getBigUint64(1)) / 1e6 >= order.at) order.bytes ??= since();
      });
    }
    return send.call(this, data);
  };
  const session = () => document.querySelector("gw-player")?.session?.first ?? 0;
  const add = MediaSource.prototype.addSourceBuffer;
  MediaSource.prototype.addSourceBuffer = function (type) {
    const buffer = add.call(this, type);
    buffer.addEventListener("updateend", () => {
      if (!order?.bytes || order.appended) return;
      const at = order.at - session(), ranges = buffer.buffered;
      for (let i = 0; i < ranges.length; i++) {
        if (at >= ranges.start(i) - 0.05 && at < ranges.end(i) - 0.04) order.appended = since();
      }
    });
    return buffer;
  };
  const look = new MutationObserver(() => {
    const video = document.querySelector("gw-player video");
    if (!video || video.gwSeen) return;
    video.gwSeen = true;
    const take = (now, data) => {
      const second = data.mediaTime + session();
      if (order && second >= order.at - 0.05 && second < order.at + 2) {
        const painted = data.expectedDisplayTime - order.t;
        window.gwShown.push({ ...order, painted, second, decoded: (data.processingDuration ?? 0) * 1000 });
        order = null;
      }
      video.requestVideoFrameCallback(take);
    };
    video.requestVideoFrameCallback(take);
  });
  look.observe(document, { childList: true, subtree: true });
}"""
PAGE = """<!doctype html><html lang="ko"><meta charset="utf-8"><link rel="stylesheet" href="/static/css/base.css">
<link rel="stylesheet" href="/static/css/player.css"><script type="application/json" id="play-data">{data}</script>
<gw-player></gw-player><script type="module" src="/static/app/player.js"></script></html>"""


class Desk(http.server.ThreadingHTTPServer):
    """Serves the player's page and mints one Permit a page through vaultd, as the web does after an approval."""

    def __init__(self, archive: Archive, player_port: int) -> None:
        super().__init__(("127.0.0.1", archive.home.port), Clerk)
        self.archive, self.player_port = archive, player_port
        self.moments: list[Moment] = []
        self.vault = VaultClient(archive.home, "web")

    @property
    def range(self) -> tuple[int, int]:
        """A day around this page's moments."""
        first = min(m.second for m in self.moments) - 600
        return first, min(first + DAY_S, max(m.second for m in self.moments) + 600)

    def viewer(self) -> str:
        """Who sits here."""
        token = ViewerToken(PEOPLE[0], STATION, self.archive.home.clock.now_s() + 60)
        return base64url.to_text(token.sign(signing_key(self.archive.home, "web")))

    def permit(self) -> str:
        """A Permit for a day of up to 64 cameras, this page's among them."""
        decision, now = os.urandom(32), self.archive.home.clock.now_us()
        first, until = self.range
        wanted = list(dict.fromkeys((m.camera, m.slot) for m in self.moments))
        others = zip(self.archive.cameras, self.archive.slots, strict=True)
        lenses = list(dict.fromkeys([*wanted, *others]))[:LENSES]
        approvals = [Approval(p, r, decision, now) for p, r in zip(PEOPLE, ("operator", "chief_officer"), strict=True)]
        return base64url.to_text(
            self.vault.mint(
                id=uuid7(),
                decision=decision,
                norms=["playback.default_deny"],
                first=first,
                until=until,
                cameras=[Lens(camera, slot) for camera, slot in lenses],
                person=PEOPLE[0],
                station=STATION,
                ground="수사",
                case="bench",
                approvals=approvals,
                expires=now // 1_000_000 + 600,
            )
        )


class Clerk(http.server.SimpleHTTPRequestHandler):
    """Pages, static files, tokens."""

    server: Desk

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """The page or a static file."""
        path = self.path.partition("?")[0]
        if path.startswith("/static/"):
            file = (STATIC / path[8:]).resolve()
            kinds = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
            if file.is_file() and file.is_relative_to(STATIC):
                self._send(file.read_bytes(), kinds.get(file.suffix, "application/octet-stream"))
                return
            self.send_error(404)
            return
        desk, (first, until) = self.server, self.server.range
        cameras = [{"id": str(c), "label": f"B-{c.int}"} for c in dict.fromkeys(m.camera for m in desk.moments)]
        data = {
            "player_url": f"ws://127.0.0.1:{desk.player_port}/play", "permit_url": "/permit", "viewer_url": "/viewer",
            "cameras": cameras, "first": first, "until": until, "asked_first": desk.moments[0].second,
            "asked_until": desk.moments[0].second + 10, "person": "bench", "station": STATION,
        }  # fmt: skip
        self._send(PAGE.format(data=json.dumps(data)).encode(), "text/html")

    def do_POST(self) -> None:
        """Permit or viewer token."""
        said = {"viewer": self.server.viewer()}
        if self.path == "/permit":
            said["permit"] = self.server.permit()
        self._send(json.dumps(said).encode(), "application/json")


@contextlib.contextmanager
def player(home: Home, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The player as its own process."""
    words = [sys.executable, "-m", "bench._player", str(home.root)]
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=out, cwd=ROOT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def queries(archive: Archive) -> dict[str, Any]:
    """The index as the request's page asks it: times, and whether the plan uses an index."""
    took: list[float] = []
    plan = ""
    with connect(archive.home) as db, db.cursor() as cursor:
        for moment in archive.moments:
            began = time.perf_counter()
            found = footage.segments_of(cursor, moment.camera, 0, moment.second - 5, moment.second + 5)
            footage.widen(cursor, moment.camera, 0, moment.second, moment.second + 5)
            took.append((time.perf_counter() - began) * 1000)
            assert found
        cursor.execute(
            "explain (analyze, format json) select * from footage_segment where camera = %s and stream = 0 "
            "and destroyed_at is null and epoch between %s and %s order by epoch, first_tick, segment_id limit 10000",
            [archive.moments[0].camera, archive.moments[0].second // 3600, archive.moments[0].second // 3600],
        )
        plan = json.dumps(cursor.fetchall())
        cursor.execute("select count(*), pg_total_relation_size('footage_segment') from footage_segment")
        counted = cursor.fetchone()
    assert counted is not None
    return {
        "rows": counted[0], "table_and_indexes_mb": round(counted[1] / 1e6), "ms": percentiles(took),
        "index_used": "footage_segment_camera" in plan and "Seq Scan" not in plan,
    }  # fmt: skip


def pages(moments: list[Moment]) -> Iterator[list[Moment]]:
    """Moments of one Permit each: at most four, within a day."""
    left = sorted(moments, key=lambda m: m.second)
    while left:
        page = [m for m in left[:4] if m.second - left[0].second < DAY_S - 2000]
        left = left[len(page) :]
        # the order of a page is not the order of time: half of the jumps go back
        yield [*page[1::2], *page[::2]]


def show(archive: Archive) -> dict[str, Any]:
    """Order every moment in Chromium; ms to the first byte and to the painted frame."""
    shown: list[dict[str, float]] = []
    missing = 0
    desk = Desk(archive, archive.home.port + 2)
    threading.Thread(target=desk.serve_forever, daemon=True).start()
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.add_init_script(f"({WATCH})()")
        for desk.moments in pages(archive.moments):
            page.goto(f"http://localhost:{archive.home.port}/")
            for number, moment in enumerate(desk.moments):
                if number:
                    page.locator("gw-player").evaluate(
                        "(p, [camera, at]) => { p.camera = camera; p.order(at); }", [str(moment.camera), moment.second]
                    )
                page.wait_for_timeout(1500)
            got = page.evaluate("() => window.gwShown.splice(0)")
            missing += len(desk.moments) - len(got)
            shown += got
        browser.close()
    desk.shutdown()
    return {
        "moments": len(archive.moments), "not_shown": missing,
        "first_picture_ms": percentiles([row["painted"] for row in shown]),
        "first_byte_ms": percentiles([row["first"] for row in shown if "first" in row]),
        "spans_ms": spans(shown),
        "second_off_max": round(max((abs(row["second"] - row["at"]) for row in shown), default=0), 2),
    }  # fmt: skip


def spans(shown: list[dict[str, float]]) -> dict[str, Any]:
    """From the order to the paint, one after another: where the time goes."""
    way = ("first", "bytes", "appended", "painted")
    names = ("order to first byte", "to the asked second's bytes", "to appended", "to painted")
    rows = [[0.0, *(row[name] for name in way)] for row in shown if all(name in row for name in way)]
    return {name: percentiles([row[i + 1] - row[i] for row in rows]) for i, name in enumerate(names)}


def run(cameras: int, days: int, moments: int, seed: int) -> dict[str, Any]:
    """Build, ask, show."""
    need_chromium()
    with tempfile.TemporaryDirectory(prefix="gwanje-bench-") as name:
        home = Home.create(Path(name) / "var", demo=True, port=free_port())
        officers = [
            ceremony.NewOfficer(person, role, UUID(int=5), "console password of a bench")
            for person, role in zip(PEOPLE, ("operator", "chief_officer"), strict=True)
        ]
        ceremony.create(home, officers)
        with postgres.running(home):
            began = time.monotonic()
            archive = build(home, cameras, days, moments, seed)
            built = round(time.monotonic() - began, 1)
            print(f"archive: {archive.rows:,} rows, {len(archive.moments)} sealed moments, {built} s", flush=True)
            asked = queries(archive)
            with vaultd.running(home), player(home, Path(name) / "player.log") as server:
                assert server.stdout is not None
                assert server.stdout.readline()
                seen = show(archive)
                server.terminate()
                within = json.loads(server.stdout.readline())
    return {"cameras": cameras, "days": days, "built_s": built, "index": asked, **seen, "player_ms": within}


def main() -> int:
    """0 when the promise is met."""
    parser = argparse.ArgumentParser(prog="bench playback", description=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--moments", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    began = time.monotonic()
    result = run(args.cameras, args.days, args.moments, args.seed)
    result["met"] = (
        result["first_picture_ms"].get("p95", 1e9) <= FIRST_MS
        and not result["not_shown"]
        and result["index"]["index_used"]
    )
    result["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    result["load_1min"] = os.getloadavg()[0]
    result["took_s"] = round(time.monotonic() - began, 1)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    print(text, flush=True)
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())

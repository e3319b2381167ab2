"""``./dev bench live --json FILE``: the present, measured from a camera's last packet to a painted frame.

Nine tiles of a real wall in Chromium while 100 cameras record: last packet of a frame to painted frame, tile opened to
first picture. Then 500 WebSocket viewers of one 2 Mbit/s camera at a recorder of 100 cameras: is any part late?
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import _audience, _wall

GLASS_MS, FIRST_MS = 150, 500


def verdict(result: dict[str, Any]) -> dict[str, bool]:
    """What was promised, and whether it was met in this run."""
    wall, crowd = result["wall"], result["audience"]
    watched, seen = crowd["watched"], crowd["seen"]
    return {
        "glass_p95": wall["glass_ms"].get("p95", 1e9) <= GLASS_MS and wall["tiles"] == 9,
        "first_picture_p95": wall["first_picture_ms"].get("p95", 1e9) <= FIRST_MS,
        "nothing_late_for_viewers": not (watched["gap_rows"] - crowd["alone"]["gap_rows"])
        and watched["recording"] == crowd["cameras"]
        and watched["viewers"] == crowd["viewers"]
        and not seen["closed"] + seen["holes"] + seen["dropped"],
    }


def main() -> int:
    """0 when all three are met."""
    parser = argparse.ArgumentParser(prog="bench live", description=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each window")
    parser.add_argument("--only", choices=("wall", "audience"), help="one half, while something is being tried")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if not 9 <= args.cameras <= 300 or not 10 <= args.viewers <= 600:
        parser.error("9 to 300 cameras, 10 to 600 viewers")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gwanje-bench-") as name:
        folder = Path(name)
        result: dict[str, Any] = {}
        if args.only != "audience":
            result["wall"] = _wall.measure(folder, args.cameras, args.seconds)
        if args.only != "wall":
            result["audience"] = _audience.measure(folder, args.cameras, args.viewers, args.seconds)
    result["met"] = {} if args.only else verdict(result)
    result["machine"] = {"cores": os.cpu_count(), "python": platform.python_version()}
    result["load_1min"] = os.getloadavg()[0]
    result["took_s"] = round(time.monotonic() - began, 1)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if args.json:
        args.json.write_text(text + "\n")
    print(text, flush=True)
    return 0 if all(result["met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())

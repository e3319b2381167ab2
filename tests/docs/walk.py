"""Walks through ``docs/start.md``: its blocks run as they stand, in order; ``python walk.py FOLDER``.

A process of its own: most of the walk is waiting, so it goes beside the other tests.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from support import free_port

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "start.md"
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = "CAMERA FIRST UNTIL REQUEST NUMBER"


@dataclass
class Block:
    """One fenced block: ``sh``, ``sh terminal``, ``sh stop`` or the ``text`` expected of the block before."""

    kind: str
    how: str
    body: str


def blocks() -> list[Block]:
    return [Block(kind, how.strip(), body) for kind, how, body in FENCE.findall(PAGE.read_text())]


class Terminal:
    """A first terminal that shows ``ready``, and a second one whose variables last from block to block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state.sh"
        self.state.write_text(
            f"export GWANJE_DATA='{folder}/var' GWANJE_PORT={free_port(numbers=range(15_000, 20_000))}\n"
        )
        self.demo: subprocess.Popen[str] | None = None
        self.log = folder / "demo.log"

    def run(self, body: str) -> str:
        """One block in bash; AssertionError with all it printed when a command fails."""
        text = body.replace("$PWD/var-test", f"{self.folder}/var-test")
        script = (
            f"set -euo pipefail\n. {self.state}\n{text}\nexport -p > {self.state}.new\ndeclare -p CAMERA FIRST UNTIL "
        )
        script += f"REQUEST NUMBER 2>/dev/null >> {self.state}.new || true\nmv {self.state}.new {self.state}\n"
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, f"{body}\n--- printed\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, body: str) -> None:
        """A command that stays: wait for its ready line."""
        self.log.write_text("")
        with self.log.open("a") as out:
            self.demo = subprocess.Popen(
                ["bash", "-c", f". {self.state}; exec {body.strip()}"], cwd=ROOT, stdout=out, stderr=out, text=True
            )
        end = time.monotonic() + 300
        while "ready http://" not in self.log.read_text():
            assert self.demo.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.2)

    def stop(self) -> None:
        """Ctrl-C."""
        if self.demo is not None and self.demo.poll() is None:
            self.demo.send_signal(signal.SIGINT)
            assert self.demo.wait(40) == 0, self.log.read_text()[-2000:]
        self.demo = None


def walk(terminal: Terminal) -> int:
    """Run every block and compare what the page promises; how many ran."""
    printed = ""
    count = 0
    for block in blocks():
        if block.kind == "text":
            for line in filter(None, block.body.splitlines()):
                assert line in printed, f"the page promises {line!r}, printed was:\n{printed}"
            continue
        assert block.kind == "sh", block.kind
        count += 1
        if block.how == "terminal":
            terminal.start(block.body)
        elif block.how == "stop":
            terminal.stop()
        else:
            printed = terminal.run(block.body)
    return count


def main() -> None:
    """End with the number of blocks; a block that failed raises."""
    # an end from outside ends the centre as well
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    terminal = Terminal(Path(sys.argv[1]))
    try:
        print(f"blocks {walk(terminal)}")
    finally:
        terminal.stop()


if __name__ == "__main__":
    main()

"""`./dev attack NAME`, `./dev kills NAME`: processes begun with the session; figures when a test asks for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import support

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 600


class Attack:
    """One command, running. ``folder``: attack, or kills."""

    def __init__(self, name: str, *words: str, folder: str = "attack") -> None:
        label = f"{folder}-{name}" + "".join(word for word in words if word.startswith("--u"))
        self._json = support.folder() / f"{label}.json"
        self._log = support.folder() / f"{label}.log"
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"tools.{folder}.{name}", *words, "--json", str(self._json)],
                cwd=ROOT, env={**os.environ, "PYTHONPATH": path, "GWANJE_TESTING": "1"}, stdout=out, stderr=out,
            )  # fmt: skip

    def figures(self) -> dict[str, Any]:
        """Wait for its end; AssertionError with what it said when it failed."""
        code = self._process.wait(LIMIT_S)
        said = self._log.read_text(errors="replace")[-3000:]
        assert code == 0, said
        return json.loads(self._json.read_text(encoding="utf-8"))

    def end(self) -> None:
        """Stop it and everything it started."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)

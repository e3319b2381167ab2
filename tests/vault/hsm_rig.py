"""A SoftHSM2 token for the run: made once a process, because a module is initialised once a process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tools.dev import debian
from tools.dev.shell import Failed

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
PIN = "관제-1234"
# the module sees the tokens that stand when it is loaded: all are made before
TOKENS = ("gwanje-shared", "gwanje-pin", "gwanje-far")


@cache
def _module() -> tuple[str, Path]:
    try:
        debian.need(*debian.SOFTHSM)
    except Failed as error:
        pytest.skip(str(error))
    module = next(str(path) for path in map(Path, MODULES) if path.exists())
    folder = Path(tempfile.mkdtemp(prefix="gwanje-hsm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(conf)
    for label in TOKENS:
        argv = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "so-4321"]
        subprocess.run(argv, capture_output=True, check=True)
    return module, folder


def new_token(home_root: Path, label: str = TOKENS[0]) -> dict[str, Any]:
    """A token with its PIN file in the folder's secrets; the settings that config.json has for it.

    Folders share a token: its keys have names of their centre.
    """
    module, folder = _module()
    (home_root / "secrets").mkdir(parents=True, exist_ok=True)
    pin = home_root / "secrets" / "token.pin"
    pin.touch(mode=0o600)
    pin.write_text(PIN + "\n")
    return {"module": module, "token": label, "folder": str(folder)}

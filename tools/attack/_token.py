"""A SoftHSM2 token of the centre, images of it, and what a thief gets out of one who has its PIN.

`python -m tools.attack._token MODULE LABEL PIN` (SOFTHSM2_CONF names the tokens): hex messages as lines in, for each a
JSON list of what every secret key of the token makes of it by CKM_SHA256_HMAC. It knows no label and no generation.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gwanje.kernel.home import Home
from tools.dev import debian

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
LABEL, PIN = "gwanje", "공격-1234"
OBJECTS_MAX = 10_000
Oracle = Callable[[bytes], list[bytes]]


def configured(tokens: Path) -> Path:
    """A SoftHSM2 configuration for a folder of tokens; its file lies beside it."""
    tokens.mkdir(parents=True, exist_ok=True)
    conf = tokens.with_suffix(".conf")
    conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    return conf


def soft(tokens: Path, home_root: Path) -> dict[str, Any]:
    """A fresh token for a centre, its PIN among the folder's secrets; the settings that ``Home.create`` takes.

    ``tools.dev.shell.Failed`` names the package where SoftHSM2 is missing and cannot be fetched.
    """
    debian.need(*debian.SOFTHSM)
    # every process of the centre that loads the module reads this
    os.environ["SOFTHSM2_CONF"] = str(configured(tokens))
    argv = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "so-4321"]
    subprocess.run(argv, capture_output=True, check=True)
    (home_root / "secrets").mkdir(parents=True, exist_ok=True)
    pin = home_root / "secrets" / "token.pin"
    pin.touch(mode=0o600)
    pin.write_text(PIN + "\n")
    return {"token": "pkcs11", "pkcs11": {"module": module(), "token": LABEL, "folder": str(tokens.parent)}}


def module() -> str:
    """Where the module lies."""
    return next(path for path in MODULES if Path(path).exists())


def image(tokens: Path, to: Path) -> Path:
    """A copy of the token's medium, as whoever holds the machine makes it."""
    shutil.copytree(tokens, to)
    return to


def oracle(tokens: Path, home: Home) -> Oracle:
    """The thief asks a token, with the PIN that lay on the disk."""
    words = [sys.executable, "-m", "tools.attack._token", module(), LABEL, (home.secrets / "token.pin").read_text()]
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])

    def ask(message: bytes) -> list[bytes]:
        done = subprocess.run(
            [*words[:-1], words[-1].strip()], input=message.hex() + "\n", text=True, capture_output=True, check=True,
            timeout=120, env={**os.environ, "SOFTHSM2_CONF": str(configured(tokens)), "PYTHONPATH": path},
        )  # fmt: skip
        return [bytes.fromhex(each) for each in json.loads(done.stdout)]

    return ask


def main() -> int:
    """Ask every secret key of the token."""
    import pkcs11

    path, label, pin = sys.argv[1:]
    with pkcs11.lib(path).get_token(token_label=label).open(user_pin=pin) as session:
        found = session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY})
        keys = [key for _, key in zip(range(OBJECTS_MAX), found, strict=False)]
        for line in sys.stdin:
            message = bytes.fromhex(line)
            said = [key.sign(message, mechanism=pkcs11.Mechanism.SHA256_HMAC).hex() for key in keys]
            sys.stdout.write(json.dumps(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

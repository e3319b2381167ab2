"""Drill (복제본 개봉 훈련): a process of its own opens a place's newest file with its token and says what is in it.

stdout: JSON {"generation", "digest" (SHA-256 of the content, hex), "level", "hours"}; no key leaves the process.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gwanje.kernel.home import Home
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import FILE, content_of, digest_of, read
from gwanje.vault.token import open_token


def main() -> int:
    """``python -m gwanje.vault.drill FOLDER``: 0, or 1 with the reason on stderr."""
    try:
        home = Home(Path(sys.argv[1]).resolve())
        token = open_token(home)
        generation, content = content_of((home.vault / FILE).read_bytes(), token)
        hours = len(read(content).roots)
    except (VaultError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    said = {"generation": generation, "digest": digest_of(content).hex(), "level": token.level, "hours": hours}
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

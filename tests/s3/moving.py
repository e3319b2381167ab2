"""A mover as a process of its own: settings as JSON on standard input; dies by SIGKILL before the act named."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from gwanje.media.uploader import Uploader
from gwanje.vault.s3_bucket import S3Settings
from gwanje.vault.store_s3 import S3Shelf


def main() -> None:
    given = json.load(sys.stdin)
    store = Path(given["store"])

    def when(name: str, path: Path) -> None:
        if name == given["point"]:
            os.kill(os.getpid(), signal.SIGKILL)

    mover = Uploader(store, S3Shelf(S3Settings(**given["settings"]), store, retries=0), lambda *_: None, step=when)
    mover.begin()
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    mover.round()


main()

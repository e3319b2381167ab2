"""``gwanje recorder``: records every active camera and serves live pictures (녹화기)."""

from __future__ import annotations

import argparse
import logging


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("recorder", help="녹화기 / record all active cameras, serve live pictures at port + 1")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Record until SIGTERM; what was received is sealed before the end."""
    from gwanje.apps import recorder
    from gwanje.kernel.home import Home

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.ERROR)
    home = Home.find(args.data)
    if not home.config_file.exists():
        print(f"자료 폴더가 없습니다: {home.root} / no data folder; next: gwanje init")
        return 78
    return recorder.run(home)

"""``gwanje player``: stored video for who holds a Permit (재생)."""

from __future__ import annotations

import argparse
import logging
from typing import Any


def register(sub: Any) -> None:
    """Add the command."""
    command = sub.add_parser("player", help="재생 서비스 / plays stored video against a Permit, at port + 2")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM."""
    from gwanje.apps import player
    from gwanje.kernel.home import Home

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # the library logs every handshake at INFO; what matters is in the ledger
    logging.getLogger("gwanje.player.websockets").setLevel(logging.WARNING)
    return player.run(Home.find(args.data))

"""``gwanje vaultd``: the keystore's process."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from gwanje.kernel.home import Home


def register(sub: Any) -> None:
    """Add the command."""
    command = sub.add_parser("vaultd", help="금고 서비스 / keystore, Permits, checkpoints, destruction on time")
    command.add_argument("--promote", action="store_true", help="복제본 승격 / a replica that two officers promote")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM."""
    from gwanje.apps import vaultd

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return vaultd.run(Home.find(args.data), promote=args.promote)

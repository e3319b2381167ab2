"""``gwanje replica``: a place of its own that keeps the keystore under its own token."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from gwanje.kernel.home import Home
from gwanje.vault.client import VaultAway, VaultRefused
from gwanje.vault.errors import VaultError

EXIT_REFUSED = 78
_Run = Callable[[argparse.Namespace, Home], int]


def register(sub: Any) -> None:
    """Add ``replica`` and its own commands."""
    top = sub.add_parser("replica", help="키 복제본 / another machine's copy of the keystore, under its own token")
    own = top.add_subparsers(dest="replica_command", required=True, metavar="COMMAND")
    made = _add(own, "init", "복제본 폴더 만들기 / make this folder a replica's place", _init)
    made.add_argument("--centre", required=True, type=UUID, help="센터 번호 / the centre's id (gwanje vault status)")
    made.add_argument("--primary", required=True, metavar="CARD", help="gwanje vault card --service vaultd")
    made.add_argument("--number", required=True, type=int, help="1부터 / from 1; a lost primary comes back as 0")
    made.add_argument("--listen", required=True, metavar="HOST:PORT")
    made.add_argument("--primary-number", type=int, default=0)
    _add(own, "serve", "복제본 서비스 / serve until SIGTERM", _serve)
    _add(own, "show", "복제본 상태 / generation and digest of what lies here", _show)


def _add(sub: Any, name: str, text: str, function: _Run) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = sub.add_parser(name, help=text)
    command.set_defaults(run=lambda args: _run(args, function), folder=False)
    return command


def _run(args: argparse.Namespace, function: _Run) -> int:
    try:
        return function(args, Home.find(args.data))
    except (VaultRefused, VaultAway, VaultError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _init(args: argparse.Namespace, home: Home) -> int:
    from gwanje.vault import tls
    from gwanje.vault.keystore import FILE, header_of
    from gwanje.vault.replica import address_of

    address_of(args.listen)
    try:
        primary = bytes.fromhex(args.primary)
    except ValueError:
        raise VaultError("certificate", "hex") from None
    tls.public_key(primary)
    place: dict[str, Any] = {
        "number": args.number, "listen": args.listen, "primary": primary.hex(), "primary_number": args.primary_number,
    }  # fmt: skip
    if (home.vault / FILE).exists():
        place["yields"] = header_of((home.vault / FILE).read_bytes())[0]
    home = Home.create(home.root, centre=str(args.centre), replica=place)
    if home.centre != args.centre:
        raise VaultError("permit_centre")
    _settle(home, place)
    card = tls.certificate_of(home, tls.SERVICE).hex()
    print("센터에서 담당공무원 2명이 / at the centre, two officers:")
    print(f"gwanje vault replica admit --number {args.number} --address {args.listen} --card {card}")
    return 0


def _settle(home: Home, place: dict[str, Any]) -> None:
    """A folder that stands keeps its settings, but for what a replica's place is."""
    if home.config.get("replica") == place:
        return
    part = home.config_file.with_suffix(".tmp")
    part.touch(mode=0o600)
    part.write_text(json.dumps({**home.config, "replica": place}, indent=1, ensure_ascii=False))
    os.replace(part, home.config_file)


def _serve(args: argparse.Namespace, home: Home) -> int:
    from gwanje.apps.hardening import harden
    from gwanje.vault.ceremony import open_keystore
    from gwanje.vault.replica import Place, address_of

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = home.config.get("replica")
    if not settings:
        raise VaultError("replica_field", "gwanje replica init")
    harden(lock=True)
    keystore = open_keystore(home)
    keystore.lock()
    place = Place.of(home, keystore)
    place.start(*address_of(settings["listen"]))
    print(f"복제본 / replica {place.number} ready, generation {keystore.generation}, port {place.port}", flush=True)
    over = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: over.set())
    over.wait()
    place.stop()
    keystore.unlock()
    return 0


def _show(args: argparse.Namespace, home: Home) -> int:
    from gwanje.vault.keystore import FILE, content_of, digest_of
    from gwanje.vault.token import open_token

    token = open_token(home)
    generation, content = content_of((home.vault / FILE).read_bytes(), token)
    print(f"generation {generation}  {digest_of(content).hex()}  {token.level}  {token.generations()}")
    return 0

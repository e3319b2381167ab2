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

from gwanje.apps.commands.init import token_options, token_settings
from gwanje.apps.commands.vault import ask_or_pend
from gwanje.kernel.home import Home
from gwanje.vault.client import ConsoleClient, VaultAway, VaultRefused
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
    token_options(made)
    made.set_defaults(folder=False)
    _add(own, "serve", "복제본 서비스 / serve until SIGTERM", _serve)
    _add(own, "show", "복제본 상태 / generation and digest of what lies here", _show)
    admit = _add(own, "admit", "(센터에서) 복제본 등록 / at the centre: take a replica in", _admit)
    admit.add_argument("--address", required=True, metavar="HOST:PORT")
    admit.add_argument("--card", required=True, help="gwanje replica init가 낸 글자 / what gwanje replica init printed")
    retire = _add(
        own, "retire", "(센터에서) 복제본 해제 / at the centre: give a lost replica up", _act("replica_retire")
    )
    keep = _add(own, "keep", "(센터에서) 이쪽 내용 유지 / end a fork: this content counts", _act("replica_keep"))
    take = _add(own, "take", "(센터에서) 복제본 내용 사용 / end a fork: the replica's counts", _act("replica_take"))
    promote = _add(own, "promote", "승격 / this replica becomes the centre's vaultd (vaultd --promote runs)", _promote)
    drill = _add(own, "drill", "(센터에서) 개봉 훈련 / a replica opens its newest file afresh", _drill)
    for command in (admit, retire, keep, take, drill):
        command.add_argument("--number", required=True, type=int)
    for command in (admit, retire, keep, take, promote):
        command.add_argument("--officer", action="append", type=UUID, default=[], help="confirming officer (twice)")
        command.add_argument("--stdin", action="store_true", help="passwords as lines on stdin")


def _add(sub: Any, name: str, text: str, function: _Run) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = sub.add_parser(name, help=text)
    command.set_defaults(run=lambda args: _run(args, function))
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
    home = Home.create(home.root, centre=str(args.centre), replica=place, **token_settings(args))
    if home.centre != args.centre:
        raise VaultError("permit_centre")
    _settle(home, place)
    card = tls.certificate_of(home, tls.SERVICE).hex()
    print("센터에서 담당공무원 2명이 / at the centre, two officers:")
    print(f"gwanje replica admit --number {args.number} --address {args.listen} --card {card}")
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


def _admit(args: argparse.Namespace, home: Home) -> int:
    try:
        card = bytes.fromhex(args.card)
    except ValueError:
        raise VaultError("certificate", "hex") from None
    fields = {"number": args.number, "address": args.address, "certificate": card}
    if ask_or_pend(args, home, "replica_admit", **fields):
        print(f"복제본 등록됨 / replica {args.number} admitted (unsigned)")
    return 0


def _act(op: str) -> _Run:
    def act(args: argparse.Namespace, home: Home) -> int:
        if ask_or_pend(args, home, op, number=args.number):
            print(f"확인됨 / confirmed: {op} {args.number} (unsigned)")
        return 0

    return act


def _promote(args: argparse.Namespace, home: Home) -> int:
    said = ask_or_pend(args, home, "replica_promote")
    if said:
        print(f"승격됨 / promoted: generation {said['generation']}; now: gwanje vaultd")
    return 0


def _drill(args: argparse.Namespace, home: Home) -> int:
    said = ConsoleClient(home).ask("replica_drill", number=args.number)
    print(f"훈련 성공 / opened afresh: replica {said['number']}, generation {said['generation']}, {said['level']}, "
          f"SHA-256 {said['digest'].hex()}")  # fmt: skip
    return 0

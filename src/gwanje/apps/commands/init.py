"""``gwanje init``: data folder, vault and database of one centre, once."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gwanje.apps import postgres
from gwanje.kernel.home import Home


def register(sub: Any) -> None:
    """Add the command."""
    command = sub.add_parser("init", help="자료 폴더 만들기 / make data folder, vault and database (may run again)")
    command.add_argument("--demo", action="store_true", help="데모 / a demonstration centre, said on every certificate")
    command.add_argument("--port", type=int, default=8800, help="web port of a new folder")
    command.add_argument("--settable-clock", action="store_true", help="시험용 시각 / for tests only")
    command.add_argument(
        "--users", action="store_true", help="root: 서비스별 사용자 / a user of its own for each process"
    )
    token_options(command)
    command.set_defaults(run=run, folder=False)


def token_options(command: argparse.ArgumentParser) -> None:
    """Where a new folder's generation keys are made: files, or a PKCS#11 token."""
    command.add_argument("--token-module", metavar="FILE.so", help="PKCS#11 모듈 / keys in this module's token")
    command.add_argument(
        "--token-label", metavar="LABEL", help="토큰 이름 / the token's label; PIN in secrets/token.pin"
    )


def token_settings(args: argparse.Namespace) -> dict[str, Any]:
    """What config.json says of the token; VaultError ``token_settings`` when only half is given."""
    from gwanje.vault.errors import VaultError

    if not args.token_module and not args.token_label:
        return {}
    if not args.token_module or not args.token_label:
        raise VaultError("token_settings", "--token-module --token-label")
    return {"token": "pkcs11", "pkcs11": {"module": args.token_module, "token": args.token_label}}


def _users(home: Home) -> Home:
    from gwanje.apps import users
    from gwanje.apps.unprivileged import Forbidden

    if why := users.problem(home):
        raise Forbidden(why)
    return users.arrange(home)


def run(args: argparse.Namespace) -> int:
    """Every step may run again on a folder that has it already."""
    from gwanje.vault import ceremony
    from gwanje.vault.errors import VaultError

    try:
        settings = {**({"demo": True} if args.demo else {}), **token_settings(args)}
        root = Home.find(args.data).root
        home = Home.create(root, settable_clock=args.settable_clock, port=args.port, **settings)
        if not home.separate:
            # later, its files are vaultd's own to write
            ceremony.create(home)
            postgres.ensure(home)
        if args.users or home.separate:
            home = _users(home)
    except (VaultError, PermissionError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"자료 폴더 / data folder: {home.root} (centre {home.centre})")
    return 0

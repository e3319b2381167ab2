"""``gwanje demo``: the demo's city (시연 도시)."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("demo", help="시연 도시 / load the demo's city, show its accounts")
    acts = command.add_subparsers(dest="act", required=True, metavar="ACT")
    load = acts.add_parser("load", help="도시 자료 적재 / load; a second run adds nothing")
    source = load.add_mutually_exclusive_group()
    source.add_argument("--cameras", type=Path, help="카메라 목록 / a file of RTSP addresses")
    source.add_argument("--clips", type=Path, help="영상 파일 폴더 / a folder of video files")
    load.set_defaults(run=run_load)
    acts.add_parser("accounts", help="계정 / the accounts").set_defaults(run=run_accounts, folder=False)


def run_load(args: argparse.Namespace) -> int:
    """Load; 1 with the reason when something is refused, and then nothing was written."""
    from gwanje.apps import demo
    from gwanje.apps.commands.migrate import point
    from gwanje.kernel.home import Home
    from gwanje.media.sim.clips import BadClip
    from gwanje.vault.errors import VaultAway, VaultError

    home = Home.find(args.data)
    try:
        wanted = demo.city()
        demo.settle(home, wanted)
        if args.cameras:
            chosen = demo.from_list(wanted, args.cameras)
        elif args.clips:
            chosen = demo.from_clips(home, wanted, args.clips)
        else:
            chosen = demo.simulated(home, wanted)
    except (demo.BadCity, BadClip, OSError) as error:
        print(f"실패 / failed: {error}")
        return 1
    point(args)
    import django

    django.setup()
    from gwanje.apps import demo_load
    from gwanje.centre.common.refusal import Problem, Refused

    try:
        done = demo_load.load(Home.find(args.data), wanted, chosen)
    except (Problem, Refused, VaultAway, VaultError) as error:
        print(f"실패 / failed: {demo_load.problem_text(error)}")
        return 1
    print(f"demo load: {done.line()}")
    return 0


def run_accounts(args: argparse.Namespace) -> int:
    """Print the accounts and the one password."""
    from gwanje.apps import demo

    print(demo.accounts(demo.city()))
    return 0

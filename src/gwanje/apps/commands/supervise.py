"""``gwanje supervise`` and ``gwanje status``: the whole centre of one data folder."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from gwanje.apps.children import gwanje
from gwanje.apps.supervisor import Options, Supervisor, pause_file, read_status
from gwanje.kernel.home import Home


def register(sub: Any) -> None:
    """Add the commands."""
    command = sub.add_parser("supervise", help="전체 시작 / start and watch every process, in the foreground")
    command.add_argument("--demo", action="store_true", help="데모 도시 / load the demo's city and simulated cameras")
    command.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="ready 이후 / stop by itself")
    command.add_argument("--port", type=int, help="web port; +1, +2 and +20 are used, too")
    command.add_argument(
        "--users", action="store_true", help="root: 서비스별 사용자 / a user of its own for each process"
    )
    command.add_argument("--cameras", type=Path, metavar="FILE", help="RTSP URLs instead of simulated cameras")
    command.add_argument("--clips", type=Path, metavar="FOLDER", help="media files served as cameras")
    command.set_defaults(run=run, folder=False)
    status = sub.add_parser("status", help="상태 / what runs, and since when")
    status.add_argument("--json", action="store_true", help="JSON")
    status.set_defaults(run=show, folder=False)
    for name, text in (
        ("pause", "서비스 멈춤 / end one service until resumed"),
        ("resume", "서비스 재개 / start it again"),
    ):
        held = sub.add_parser(name, help=text)
        held.add_argument("service", help="서비스 이름 / name of the service (gwanje status)")
        held.set_defaults(run=hold)


def _progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _wrong(args: argparse.Namespace) -> str:
    if args.port is not None and not 1024 <= args.port <= 65515:
        return f"--port {args.port}: 1024 ~ 65515"
    if args.seconds is not None and args.seconds < 0:
        return f"--for {args.seconds}: 0 이상 / 0 or more"
    if args.cameras and not args.cameras.is_file():
        return f"--cameras: 파일이 없습니다 / no such file: {args.cameras}"
    if args.clips and not args.clips.is_dir():
        return f"--clips: 폴더가 없습니다 / no such folder: {args.clips}"
    if args.cameras and args.clips:
        return "--cameras와 --clips는 함께 쓸 수 없습니다 / choose --cameras or --clips"
    return ""


def _separated(args: argparse.Namespace, home: Home) -> str:
    """Give the processes of this folder their users before any of them starts; why not, or nothing."""
    if os.geteuid() != 0:
        return "서비스별 사용자는 root만 시작할 수 있습니다 / only root starts processes with users of their own"
    if home.separate:
        return ""
    words = ["init", "--users", *(["--demo"] if args.demo else [])]
    done = subprocess.run(gwanje(home, *words), capture_output=True, text=True, timeout=600, check=False)
    return done.stderr.strip() if done.returncode else ""


def run(args: argparse.Namespace) -> int:
    """Start everything; 0 when it ended as asked, 1 when something failed, 2 for a wrong call."""
    if problem := _wrong(args):
        print(problem, file=sys.stderr)
        return 2
    if args.port:
        os.environ["GWANJE_PORT"] = str(args.port)
    settings = {"demo": True} if args.demo else {}
    home = Home.create(Home.find(args.data).root, port=args.port or 8800, **settings)
    if args.users or home.separate:
        if why := _separated(args, home):
            print(why, file=sys.stderr)
            return 1
        home = Home(home.root)
    cameras = args.cameras.resolve() if args.cameras else None
    clips = args.clips.resolve() if args.clips else None
    options = Options(demo=args.demo, seconds=args.seconds, cameras=cameras, clips=clips)
    return Supervisor(home, options, _progress, lambda text: print(text, flush=True)).run()


def hold(args: argparse.Namespace) -> int:
    """Pause or resume one service of the running supervisor; returns when it is so, 1 when it does not happen."""
    home = Home.find(args.data)
    body = read_status(home) if home.config_file.exists() else None
    if body is None or args.service not in body["services"]:
        print(f"그런 서비스가 없습니다 / no such service here: {args.service}", file=sys.stderr)
        return 2
    file = pause_file(home, args.service)
    if args.command == "pause":
        file.touch(mode=0o600)
    else:
        file.unlink(missing_ok=True)
    until = monotonic() + 40
    while monotonic() < until:
        now = (read_status(home) or body)["services"][args.service]
        if (now["state"] == "paused" and now["pid"] is None) == (args.command == "pause"):
            print(f"{args.service}: {now['state']}")
            return 0
        sleep(0.05)
    print(f"{args.service}: 40 s 안에 되지 않음 / not within 40 s (gwanje status)", file=sys.stderr)
    return 1


def show(args: argparse.Namespace) -> int:
    """Print the supervisor's status; 1 when it does not run."""
    home = Home.find(args.data)
    body = read_status(home) if home.config_file.exists() else None
    alive = body is not None and Path(f"/proc/{body['supervisor']}").exists()
    if args.json:
        print(json.dumps({**(body or {}), "alive": alive}, indent=1))
    elif body is None:
        print(f"실행된 적 없음 / never started: {home.root}")
    else:
        print(f"{home.root}  http://localhost:{body['port']}  {'실행 중 / running' if alive else '멈춤 / stopped'}")
        for name, service in body["services"].items():
            print(f"  {name:<10} {service['state']:<12} pid {service['pid'] or '-':<8} restarts {service['restarts']}")
    return 0 if alive else 1

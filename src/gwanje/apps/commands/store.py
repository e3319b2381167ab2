"""``gwanje store``: the object store behind the disk (객체 저장소): set, try, and say what waits."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any


def register(sub: Any) -> None:
    """Add the command and what it can do."""
    command = sub.add_parser("store", help="객체 저장소 / the object store behind the disk")
    acts = command.add_subparsers(dest="act", required=True, metavar="ACT")
    s3 = acts.add_parser(
        "s3", help="정하고 시험하기 / set it and try it; the account comes on standard input, two lines"
    )
    s3.add_argument("--endpoint", required=True, metavar="URL")
    s3.add_argument("--bucket", required=True)
    s3.add_argument("--region", default="us-east-1")
    s3.add_argument("--prefix", default="", help="버킷 안의 자리 / a place within the bucket")
    s3.set_defaults(run=set_s3)
    status = acts.add_parser("status", help="남은 이관량 / what waits on the disk, what lies behind it")
    status.set_defaults(run=show)


def set_s3(args: argparse.Namespace) -> int:
    """Write config and account only after the bucket has answered and keeps no versions."""
    from gwanje.kernel.home import Home
    from gwanje.vault.s3_bucket import S3Settings
    from gwanje.vault.store import StoreAway, StoreRefused
    from gwanje.vault.store_s3 import ACCOUNT_FILE, S3Shelf

    home = Home.find(args.data)
    if sys.stdin.isatty():
        print("접근 키와 비밀 키를 한 줄씩 / access key, then secret key, one a line", file=sys.stderr)
    access, secret = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    if not access or not secret:
        print("계정이 없습니다 / no account was given on standard input", file=sys.stderr)
        return 2
    settings = S3Settings(args.endpoint.rstrip("/"), args.bucket, args.region, args.prefix.strip("/"), access, secret)
    try:
        settings.check()
        S3Shelf(settings, home.store).ready()
    except (StoreRefused, StoreAway) as error:
        print(f"정하지 않았습니다 / not set: {error}", file=sys.stderr)
        return 1
    _write(home.secrets / ACCOUNT_FILE, {"access_key_id": access, "secret_access_key": secret})
    place = {"endpoint": settings.endpoint, "bucket": args.bucket, "region": args.region, "prefix": settings.prefix}
    _write(home.config_file, {**home.config, "store": place})
    print("정했습니다. 서비스를 다시 시작하십시오 / set; start the centre again so that every service sees it")
    return 0


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, 0600."""
    part = path.with_suffix(".tmp")
    handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def show(args: argparse.Namespace) -> int:
    """0 all is well, 1 the object store is away or refused."""
    from gwanje.kernel.home import Home
    from gwanje.vault.store import StoreAway, StoreRefused, shelves

    home = Home.find(args.data)
    try:
        for shelf in shelves(home):
            count = size = 0
            for entry in shelf.files():
                count, size = count + entry.name.endswith(".gws"), size + entry.size
            print(f"{shelf.place}: {count} files, {size / 1e9:.3f} GB")
    except (StoreAway, StoreRefused) as error:
        print(f"객체 저장소 / object store: {error}")
        return 1
    return 0

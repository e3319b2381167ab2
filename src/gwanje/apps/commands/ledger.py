"""``gwanje ledger``: export, verify offline, compare with vaultd (관리대장)."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path

from gwanje.kernel.home import Home


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("ledger", help="관리대장 내보내기·검증 / export and verify the ledger")
    inner = command.add_subparsers(dest="act", required=True, metavar="ACT")
    export = inner.add_parser("export", help="전체 내보내기 / the whole ledger as JSON lines")
    export.add_argument("file", help="file to write; - for standard output")
    export.set_defaults(run=run_export)
    verify = inner.add_parser("verify", help="오프라인 검증 / verify offline; names the first bad row")
    verify.add_argument("file")
    verify.add_argument("--key", default=None, help="checkpoint key: base64, hex or a file; else the file's own")
    verify.add_argument("--seen", default=None, help="a signed checkpoint kept elsewhere, which the file must contain")
    verify.add_argument("--witness", action="append", default=[], metavar="VKEY", help="a witness's verifier key")
    verify.add_argument("--quorum", type=int, default=0, metavar="K", help="so many of them must have signed")
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(run=run_verify, folder=False)
    pairs = inner.add_parser("pair-check", help="접속기록 대조 / vaultd's open-log against the ledger, both ways")
    pairs.add_argument("--json", action="store_true")
    pairs.set_defaults(run=run_pairs)
    vkey = inner.add_parser("key", help="검증 키 / the ledger's verifier key, for witnesses")
    vkey.set_defaults(run=run_key)
    outside = inner.add_parser(
        "witnesses", help="외부 증인 현황 / which outside witnesses signed, up to where and when"
    )
    outside.add_argument("--json", action="store_true")
    outside.set_defaults(run=run_witnesses)


def run_export(args: argparse.Namespace) -> int:
    """Write the export; exit 1 when PostgreSQL or vaultd's public key is missing."""
    import psycopg

    home = Home.find(args.data)
    try:
        key = checkpoint_key(home)
        return _export(home, key, args.file)
    except psycopg.OperationalError as error:
        print(f"데이터베이스에 닿지 않습니다 / the database is away: {error}", file=sys.stderr)
        return 2
    except (FileNotFoundError, KeyError, ValueError) as error:
        print(f"금고의 공개 키가 없습니다 / no public key of vaultd: {error}", file=sys.stderr)
        return 1


def _export(home: Home, key: bytes, file: str) -> int:
    from gwanje.kernel import database
    from gwanje.kernel.ledger import export
    from gwanje.kernel.ledger.sequence import origin

    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(database.connect(home, "auditor"))
        whole = file == "-"
        out = sys.stdout if whole else stack.enter_context(Path(file).open("w", encoding="utf-8"))
        count = 0
        for line in export.lines(connection, home.clock, origin(home.centre), key):
            out.write(line)
            count += line.startswith('{"type":"row"')
    print(f"기록 {count} rows", file=sys.stderr)
    return 0


def checkpoint_key(home: Home) -> bytes:
    """vaultd's published checkpoint key, 32 bytes."""
    said = json.loads((home.vault / "public.json").read_text())["checkpoint_key"]
    from gwanje.kernel.ledger.verify import read_key

    return read_key(said)


def run_verify(args: argparse.Namespace) -> int:
    """Check a file; exit 1 when anything is wrong, 2 when it cannot be read."""
    from gwanje.kernel.ledger import verify

    try:
        key = verify.read_key(args.key) if args.key else None
        seen = Path(args.seen).read_text(encoding="utf-8") if args.seen else None
        with Path(args.file).open(encoding="utf-8") as lines:
            report = verify.verify(lines, key, seen, args.witness, args.quorum)
    except (OSError, ValueError) as error:
        print(f"읽을 수 없습니다 / cannot be read: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        print("\n".join(verify.describe(report)))
        if key is None:
            print("주의: 키를 파일 자체에서 읽었습니다(--key로 따로 확인) / the key came from the file itself")
    return 0 if report.ok else 1


def run_key(args: argparse.Namespace) -> int:
    """Print ``origin+id+base64(01 ‖ key)``; exit 1 when vaultd has not published its key."""
    from gwanje.kernel.ledger.cosign import ED25519, VKey
    from gwanje.kernel.ledger.sequence import origin

    home = Home.find(args.data)
    try:
        print(VKey(origin(home.centre), checkpoint_key(home), ED25519))
    except (FileNotFoundError, KeyError, ValueError) as error:
        print(f"금고의 공개 키가 없습니다 / no public key of vaultd: {error}", file=sys.stderr)
        return 1
    return 0


def run_witnesses(args: argparse.Namespace) -> int:
    """Newest signature of each witness in config.json; exit 1 when fewer than ``witness_quorum`` signed in a minute."""
    from gwanje.apps.outside import LATE_S
    from gwanje.kernel import database
    from gwanje.kernel.ledger.note import BadNote
    from gwanje.kernel.ledger.publish import witnesses

    home = Home.find(args.data)
    try:
        names = [key.name for key, _ in witnesses(home)]
    except (BadNote, KeyError, TypeError) as error:
        print(f"설정의 증인을 읽을 수 없습니다 / the witnesses in config.json cannot be read: {error}", file=sys.stderr)
        return 2
    with database.connect(home, "auditor") as connection:
        rows = connection.execute(
            "select name, max(size), max(signed_at) from ledger_cosignature group by name order by name"
        ).fetchall()
        (size,) = connection.execute("select coalesce(max(size), 0) from ledger_checkpoint").fetchone() or (0,)
    now = home.clock.now()
    fresh = sum(1 for name, _, at in rows if name in names and (now - at).total_seconds() <= LATE_S)
    needed = int(home.config.get("witness_quorum") or 0)
    said = [{"name": name, "size": int(upto), "at": at.isoformat()} for name, upto, at in rows]
    if args.json:
        print(json.dumps({"size": int(size), "fresh": fresh, "needed": needed, "witnesses": said}, ensure_ascii=False))
    else:
        print(f"대장 크기 {size} · 1분 안에 서명한 증인 {fresh}/{len(names)} · 필요 {needed} / fresh witnesses, needed")
        for each in said:
            print(f"- {each['name']}: {each['size']} · {each['at']}")
    return 0 if fresh >= needed else 1


def run_pairs(args: argparse.Namespace) -> int:
    """Compare; exit 1 when the sides differ, 2 when one is away."""
    import psycopg

    from gwanje.apps.pairs import check_and_tell
    from gwanje.vault.client import VaultAway, VaultRefused

    try:
        report = check_and_tell(Home.find(args.data))
    except (psycopg.OperationalError, VaultAway, VaultRefused) as error:
        print(f"대조할 수 없습니다 / cannot be compared: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        verdict = "일치 / agree" if report.ok else "불일치 / DIFFER"
        print(f"열람 {report.ticks} ticks · 허가 {report.permits} permits · 보고 {report.ranges} ranges: {verdict}")
        for line in report.unexplained + report.unopened:
            print(f"- {line}")
    return 0 if report.ok else 1

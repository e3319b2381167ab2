"""``gwanje retention``: destroy what is due, show what is due when (보관·파기)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gwanje.apps.commands.migrate import point

# the worker may be at it; its run is then waited for
WAIT_S = 120.0


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("retention", help="보관·파기 / what dies when, destruction, certificates")
    inner = command.add_subparsers(dest="act", required=True, metavar="ACT")
    for name, run, text in (
        ("run", run_duty, "파기 실행 / destroy what is due and certify it"),
        ("due", run_due, "파기 예정 / what dies when, and why"),
        ("certificates", run_certificates, "파기 확인서 목록 / certificates, newest first"),
        ("certificate", run_certificate, "확인서 내려받기 / write a certificate's PDF and JSON into a folder"),
    ):
        one = inner.add_parser(name, help=text)
        one.add_argument("--json", action="store_true")
        one.set_defaults(run=partial(_reached, run))
        if name == "due":
            one.add_argument("--limit", type=int, default=48)
        if name == "certificate":
            one.add_argument("number", help="for example 파기-2026-0001")
            one.add_argument("--to", default=".", help="folder to write into")


def _setup(args: argparse.Namespace) -> None:
    point(args)
    import logging

    import django

    django.setup()
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def _reached(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command; exit 2 with one clear line when PostgreSQL or vaultd does not answer."""
    _setup(args)
    from django.db import OperationalError

    from gwanje.vault.client import VaultAway, VaultRefused

    try:
        return run(args)
    except (OperationalError, VaultAway, VaultRefused) as error:
        print(f"지금은 할 수 없습니다. 저장된 것은 그대로입니다 / not possible now: {error}", file=sys.stderr)
        return 2


def run_duty(args: argparse.Namespace) -> int:
    """One round; exit 1 on an alarm, a refused certificate or something overdue, 2 when a service is away."""
    from gwanje.apps.jobs import fonts
    from gwanje.centre.common import home
    from gwanje.centre.retention import duties

    report = duties.run(home(), fonts=fonts(), wait_s=WAIT_S)
    if args.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        print(
            f"키 파기 {report.seen} roots · 시간 {report.erased} hours · 파일 {report.files} files · "
            f"조각 {report.parts} parts · {report.bytes} bytes · 확인서 {', '.join(report.certificates) or '-'} "
            f"({report.camera_hours} camera-hours) · 초과 {report.overdue} overdue"
        )
        for word, text in (("경보 / alarm", report.alarm), ("확인서 거부 / refused", report.refused)):
            if text:
                print(f"{word}: {text}")
        if report.busy:
            print("다른 파기 과정이 진행 중입니다 / another run is at work")
    return 0 if report.ok else 1


def run_due(args: argparse.Namespace) -> int:
    """The soonest hours to die: class, hour, cameras, seconds, bytes, due, article."""
    from gwanje.centre.common import system_scope
    from gwanje.centre.retention import reading

    with system_scope():
        hours = reading.due(limit=max(1, min(args.limit, 1000)))
    if args.json:
        print(json.dumps([hour.as_json() for hour in hours], ensure_ascii=False))
    else:
        for hour in hours:
            print(
                f"{hour.started:%Y-%m-%d %H:%M} 구분 {hour.class_number} · {hour.cameras}대 · {hour.seconds}초 · "
                f"{hour.bytes} bytes · 파기 {hour.due_text} · {hour.reference}"
            )
        print(f"{len(hours)} hours")
    return 0


def run_certificates(args: argparse.Namespace) -> int:
    """Number, day and camera-hours of each certificate, newest first (at most 1000)."""
    from gwanje.centre.common import system_scope
    from gwanje.centre.retention.models import Certificate

    with system_scope():
        rows = list(Certificate.objects.order_by("-number").values("number", "sha256", "readable")[:1000])
    if args.json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        for row in rows:
            print(f"{row['number']} · {row['sha256']}")
    return 0 if rows else 1


def run_certificate(args: argparse.Namespace) -> int:
    """Write ``<number>.pdf``, ``.json`` and ``.cbor``; exit 1 when the number is unknown."""
    from gwanje.centre.common import system_scope
    from gwanje.centre.retention.models import Certificate

    with system_scope():
        found = Certificate.objects.filter(number=args.number).first()
    if found is None:
        print(f"확인서가 없습니다 / no such certificate: {args.number}", file=sys.stderr)
        return 1
    base = Path(args.to) / found.number
    base.with_suffix(".pdf").write_bytes(bytes(found.pdf))
    base.with_suffix(".cbor").write_bytes(bytes(found.body))
    base.with_suffix(".json").write_text(json.dumps(found.readable, ensure_ascii=False, indent=1))
    print(f"{base}.pdf .json .cbor · SHA-256 {found.sha256}")
    return 0

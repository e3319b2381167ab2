"""``gwanje vault``: ceremony, status, and the acts of two officers on vaultd's console."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel.home import Home
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.ledger.note import NOTE_MAX
from gwanje.vault.client import ConsoleClient, VaultAway, VaultRefused
from gwanje.vault.errors import VaultError


def register(sub: Any) -> None:
    """Add ``vault`` and its own commands."""
    top = sub.add_parser("vault", help="금고: 생성식·상태·담당공무원 / ceremony, status, officers")
    own = top.add_subparsers(dest="vault_command", required=True, metavar="COMMAND")
    _add(own, "init", "키 생성식 / keystore, token and service keys (may run again)", _init)
    _add(own, "status", "상태 / what vaultd says of itself", _status).add_argument("--json", action="store_true")
    officer = own.add_parser("officer", help="담당공무원 / the officers' registry")
    officers = officer.add_subparsers(dest="officer_command", required=True, metavar="COMMAND")
    add = _add(officers, "add", "등록 / register (two officers confirm, but for the first two)", _officer_add)
    add.add_argument("--id", required=True, type=UUID, help="person id")
    add.add_argument("--role", required=True)
    add.add_argument("--agency", required=True, type=UUID)
    add.add_argument("--delegation", default="", help="전결 근거 / delegation")
    add.add_argument("--title", default="", help="직위 / title")
    add.add_argument("--since", type=datetime.fromisoformat, help="인사이동일 / in force from this day on (2027-01-02)")
    add.add_argument("--until", type=datetime.fromisoformat, help="임기 끝 / until this day")
    end = _add(officers, "end", "해제 / end an entry now", _officer_end)
    end.add_argument("--id", required=True, type=UUID)
    end.add_argument("--role", required=True)
    _add(own, "confirm-clock", "시각 확인 / the present clock is right; destruction goes on", _act("confirm_clock"))
    _add(own, "accept-single-replica", "단일 키 승인 / accept one replica", _act("accept_single_replica"))
    head = _add(own, "take-head", "검증 지점 복구 / the token lost what was signed last: go on from here", _take_head)
    head.add_argument("--note", required=True, type=Path, help="공개된 검증 지점 / the published file log/checkpoint")
    card = _add(own, "card", "서비스 인증서 / this folder's certificate for another machine's vaultd", _card)
    card.add_argument("--service", choices=("recorder", "player", "vaultd"), default="recorder")
    admit = _add(own, "admit", "다른 장비 승인 / let another machine's service in (two officers)", _admit)
    admit.add_argument("--card", required=True, help="gwanje vault card가 낸 글자 / what gwanje vault card printed")
    admit.add_argument("--role", choices=("recorder", "player"), default="recorder")
    dismiss = _add(own, "dismiss", "승인 해제 / shut an admitted service out", _dismiss)
    dismiss.add_argument("--service", required=True, metavar="KEY_ID")
    plain = (own.choices[name] for name in ("confirm-clock", "accept-single-replica"))
    for command in (add, end, admit, dismiss, head, *plain):
        command.add_argument("--officer", action="append", type=UUID, default=[], help="confirming officer (twice)")
        command.add_argument("--stdin", action="store_true", help="passwords as lines on stdin (own first, then two)")


def _add(
    sub: Any, name: str, text: str, function: Callable[[argparse.Namespace, Home], int]
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = sub.add_parser(name, help=text)
    command.set_defaults(run=lambda args: _run(args, function))
    return command


def _run(args: argparse.Namespace, function: Callable[[argparse.Namespace, Home], int]) -> int:
    home = Home.find(args.data)
    if not home.config_file.exists():
        print(
            f"자료 폴더가 아닙니다: {home.root} (먼저 gwanje init) / no data folder; run gwanje init", file=sys.stderr
        )
        return 1
    try:
        return function(args, home)
    except (VaultRefused, VaultAway, VaultError) as error:
        print(error, file=sys.stderr)
        return 1


def _password(args: argparse.Namespace, who: str) -> str:
    # never on the command line: every user of the machine can read those
    return sys.stdin.readline().rstrip("\n") if args.stdin else getpass.getpass(f"비밀번호 / password {who}: ")


def _confirm(args: argparse.Namespace) -> list[tuple[UUID, str]]:
    return [(person, _password(args, str(person))) for person in args.officer]


def seconds_of(at: datetime, home: Home) -> int:
    """Unix seconds of a date or time as it was typed: in the centre's zone unless it says another."""
    return int((at if at.tzinfo else at.replace(tzinfo=home.clock.zone)).timestamp())


def ask_or_pend(args: argparse.Namespace, home: Home, op: str, **fields: Any) -> dict[str, Any] | None:
    """Do an act of two officers now, by their passwords; once they have keys let it wait for their signatures.

    The answer, or None when it waits; then what to do next has been printed.
    """
    console = ConsoleClient(home)
    if not console.ask("officers")["signing"]:
        return console.ask(op, _confirm(args), **fields)
    id_ = console.ask("pend", act=op, fields=fields)["id"].hex()
    print(f"서명 대기 / waits to be signed (15 min): {id_}")
    print(f"  담당공무원 2명 / two officers: {sign_origin(home)}/sign/{id_}  또는 / or  gwanje officer sign {id_}")
    print(f"  그다음 / then: gwanje officer apply {id_}")
    return None


def _init(args: argparse.Namespace, home: Home) -> int:
    from gwanje.vault import ceremony

    facts = ceremony.create(home)
    print(f"금고 준비 / vault ready: centre {facts['centre']}, level {facts['level']}, services 5")
    return 0


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.hex() if isinstance(value, bytes) else value


def _status(args: argparse.Namespace, home: Home) -> int:
    answer = ConsoleClient(home).ask("status")
    answer.pop("ok")
    plain = _plain(answer)
    if args.json:
        print(json.dumps(plain, ensure_ascii=False))
    else:
        for name, value in plain.items():
            if name == "peers":
                continue
            print(f"{name:>16}  {value}")
        copies = 1 + sum(not peer["trouble"] for peer in plain["peers"])
        print(f"키 복제 / key replicas {copies}/{plain['replicas']}")
        if plain["replicas"] < 2:
            print("키 복제 1/1: 이 파일을 잃으면 모든 영상을 잃습니다 / one replica: losing it loses all video")
    return 1 if plain["alarm"] or plain["rolled_back"] else 0


def _officer_add(args: argparse.Namespace, home: Home) -> int:
    from gwanje.vault import ceremony

    signing = ConsoleClient(home).ask("officers")["signing"]
    # once officers have keys nobody has a console password any more
    own = "" if signing else _password(args, f"({args.id})")
    since, until = (None if at is None else seconds_of(at, home) for at in (args.since, args.until))
    officer = ceremony.NewOfficer(
        args.id, args.role, args.agency, own, args.delegation, args.title, since or 0, until
    )  # fmt: skip
    if signing:
        fields = {name: value for name, value in officer.fields().items() if name != "password"}
        ask_or_pend(args, home, "officer_add", add=[fields])
        return 0
    changed = ceremony.add_officers(home, [officer], _confirm(args))
    print(f"담당공무원 등록 / officers registered: {changed} (unsigned)")
    return 0


def _officer_end(args: argparse.Namespace, home: Home) -> int:
    if ask_or_pend(args, home, "officer_end", id=args.id.bytes, role=args.role) is not None:
        print("해제됨 / ended: 1 (unsigned)")
    return 0


def _card(args: argparse.Namespace, home: Home) -> int:
    from gwanje.kernel.keys import signing_key
    from gwanje.vault import tls

    # a service of another machine is admitted before it starts for the first time
    signing_key(home, args.service, create=True)
    print(tls.certificate_of(home, args.service).hex())
    return 0


def _admit(args: argparse.Namespace, home: Home) -> int:
    try:
        der = bytes.fromhex(args.card)
    except ValueError:
        raise VaultError("certificate", "hex") from None
    said = ask_or_pend(args, home, "service_admit", role=args.role, certificate=der)
    if said is not None:
        print(f"승인됨 / admitted: {said['service']} (unsigned)")
    return 0


def _dismiss(args: argparse.Namespace, home: Home) -> int:
    if ask_or_pend(args, home, "service_dismiss", service=args.service) is not None:
        print(f"해제됨 / dismissed: {args.service} (unsigned)")
    return 0


def _take_head(args: argparse.Namespace, home: Home) -> int:
    try:
        with args.note.open("rb") as file:
            # one byte more than a note may have: vaultd refuses it
            note = file.read(NOTE_MAX + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        print(
            f"검증 지점을 읽을 수 없습니다: {args.note} ({error}). 공개된 log/checkpoint 파일을 주십시오. / "
            f"The checkpoint cannot be read; give the published file log/checkpoint.", file=sys.stderr,
        )  # fmt: skip
        return 1
    said = ask_or_pend(args, home, "take_head", note=note)
    if said is not None:
        print(f"확인됨 / confirmed: {said['size']} (unsigned)")
    return 0


def _act(op: str) -> Callable[[argparse.Namespace, Home], int]:
    def act(args: argparse.Namespace, home: Home) -> int:
        if ask_or_pend(args, home, op) is not None:
            print(f"확인됨 / confirmed: {op} (unsigned)")
        return 0

    return act

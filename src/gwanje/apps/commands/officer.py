"""``gwanje officer``: officers' own keys and signatures, on vaultd's console (담당공무원 서명)."""

from __future__ import annotations

import argparse
import getpass
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.apps.commands.vault import _add, ask_or_pend, seconds_of
from gwanje.kernel.home import Home
from gwanje.kernel.hosts import sign_origin
from gwanje.vault import officer_file
from gwanje.vault.client import ConsoleClient
from gwanje.vault.errors import VaultError


def register(sub: Any) -> None:
    """Add ``officer`` and its own commands."""
    top = sub.add_parser("officer", help="담당공무원 서명: 키·서명·명부 변경 / officers' keys and signatures")
    own = top.add_subparsers(dest="officer_command", required=True, metavar="COMMAND")
    new = _add(own, "new-key", "서명키 만들기 / a key of your own in a sealed file", _new_key)
    new.add_argument("--person", required=True, type=UUID)
    new.add_argument("--file", required=True, type=Path)
    show = _add(own, "show", "키 파일 보기 / whose key a file holds, and its fingerprint", _show)
    show.add_argument("--file", required=True, type=Path)
    sign = _add(own, "sign", "서명 / read what waits, and sign it", _sign)
    sign.add_argument("id", metavar="ID")
    sign.add_argument("--file", required=True, type=Path)
    _add(own, "keys", "명부와 키 / the registry, its keys and delegations", _keys)
    ticket = _add(own, "ticket", "보안키 등록 화면 / a page where an officer makes a security key", _ticket)
    _who(ticket)
    ticket.add_argument("--label", default="")
    enrol = _add(own, "register", "키 등록 / put a key into the registry", _register)
    which = enrol.add_mutually_exclusive_group()
    which.add_argument("--file", type=Path, help="gwanje officer new-key의 파일 / a key file")
    which.add_argument("--ticket", help="gwanje officer ticket의 표 / a ticket whose page has made its key")
    enrol.add_argument("--role", help="--file과 함께 / with --file")
    enrol.add_argument("--label", default="")
    enrol.add_argument(
        "--since", type=datetime.fromisoformat, help="인사이동일부터 유효 / counts from this day on (2027-01-02)"
    )
    retire = _add(own, "retire", "분실 키 해제 / retire a lost or copied key", _retire)
    _who(retire)
    retire.add_argument("--key", required=True, help="지문 / its fingerprint (gwanje officer keys)")
    place = _add(own, "delegate", "전결·대결 지정 / who may consent in an officer's place", _delegate)
    _who(place)
    place.add_argument("--to", required=True, type=UUID)
    place.add_argument("--since", required=True, type=datetime.fromisoformat)
    place.add_argument("--until", required=True, type=datetime.fromisoformat)
    place.add_argument("--scope", default="open", help="open,hold,prolong,end,puncture")
    codes = _add(own, "codes", "전화 승인코드 / a list of spoken codes, shown once", _codes)
    codes.add_argument("--file", required=True, type=Path)
    codes.add_argument("--count", type=int, default=10)
    lift = _add(own, "restore-codes", "코드 정지 해제 / lift a suspension of spoken codes", _restore)
    _who(lift)
    void = _add(own, "void-codes", "코드 폐기 / void an officer's unused spoken codes", _void)
    _who(void)
    rules = _add(own, "rules", "승인 규칙 / the pack's rules into vaultd (two officers)", _rules)
    done = _add(own, "apply", "서명된 변경 실행 / do what enough officers signed", _apply)
    done.add_argument("id", metavar="ID")
    for command in (enrol, retire, place, lift, void, rules):
        command.add_argument("--officer", action="append", type=UUID, default=[], help="confirming officer (twice)")
    for command in (new, sign, enrol, retire, place, codes, lift, void, rules):
        command.add_argument("--stdin", action="store_true", help="passphrases and passwords as lines on stdin")


def _who(command: argparse.ArgumentParser) -> None:
    command.add_argument("--person", required=True, type=UUID)
    command.add_argument("--role", required=True)


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace("-", "").replace(" ", ""))
    except ValueError:
        raise VaultError("request", "hex") from None


def fingerprint(key: bytes) -> str:
    """16 bytes in groups of four signs, to be read aloud."""
    text = key.hex()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _secret(args: argparse.Namespace, what: str) -> str:
    return sys.stdin.readline().rstrip("\n") if args.stdin else getpass.getpass(f"{what}: ")


def _new_key(args: argparse.Namespace, home: Home) -> int:
    first = _secret(args, "새 암호문(12자 이상) / new passphrase")
    if not args.stdin and first != getpass.getpass("다시 한 번 / again: "):
        print("두 번 입력한 암호문이 다릅니다 / the two passphrases differ", file=sys.stderr)
        return 1
    try:
        key = officer_file.make(args.file, args.person, first)
    except FileExistsError:
        print(f"이미 있는 파일입니다: {args.file} / the file exists", file=sys.stderr)
        return 1
    print(f"서명키 / key {fingerprint(key.key_id)}  {args.file}")
    return 0


def _show(args: argparse.Namespace, home: Home) -> int:
    key = officer_file.read(args.file)
    print(f"{key.person}  {fingerprint(key.key_id)}")
    return 0


def _sign(args: argparse.Namespace, home: Home) -> int:
    console, key, id_ = ConsoleClient(home), officer_file.read(args.file), _hex(args.id)
    _print_shown(console.ask("shown", id=id_))
    signed = _give(args, console, key, id_)
    print(f"서명했습니다 / signed as {signed['role']}")
    return 0


def _print_shown(shown: dict[str, Any]) -> None:
    """vaultd's own words, before any passphrase is asked for."""
    for ko, en, value in shown["rows"]:
        first, *rest = value.split("\n")
        print(f"{ko} / {en}: {first}")
        for line in rest:
            print(f"    {line}")
    for name, text in shown["said"].items():
        print(f"센터가 말한 이름 / the centre calls {name}: {text}")
    for person, role, method in shown["signatures"]:
        print(f"이미 서명 / signed already: {UUID(bytes=person)} {role} ({method})")


def _give(
    args: argparse.Namespace, console: ConsoleClient, key: officer_file.SealedKey, id_: bytes
) -> dict[str, Any]:  # fmt: skip
    challenge = console.ask("challenge", id=id_, person=key.person.bytes)["challenge"]
    signature = officer_file.sign(key, _secret(args, "암호문 / passphrase"), challenge)
    return console.ask("sign", id=id_, person=key.person.bytes, key=key.key_id, signature=signature)


def _keys(args: argparse.Namespace, home: Home) -> int:
    console = ConsoleClient(home)
    said = console.ask("officers")
    print(
        "본인 서명: 시행 중 / officers sign" if said["signing"] else "본인 서명: 아직 아님 / officers do not sign yet"
    )
    found = page = said["officers"]
    while page:
        page = console.ask("officers", after=len(found))["officers"]
        found = found + page
    for entry in found:
        ended = "" if entry["until"] is None else f"  ~ {_day(entry['until'], home)}"
        print(f"{UUID(bytes=entry['id'])}  {entry['role']}  {entry['title']} {entry['delegation']}{ended}")
        for key in entry["keys"]:
            since = f"  {_day(key['since'], home)} ~" if key["since"] else ""
            print(f"    {fingerprint(key['key'])}  {key['kind']}  {key['label']}{since}")
        for person, since, until, scope in entry["delegates"]:
            days = f"{_day(since, home)} ~ {_day(until, home)}"
            print(f"    대결 / in place: {UUID(bytes=person)}  {days}  {', '.join(scope)}")
    return 0


def _day(second: int, home: Home) -> str:
    return f"{datetime.fromtimestamp(second, home.clock.zone):%Y-%m-%d %H:%M}"


def _ticket(args: argparse.Namespace, home: Home) -> int:
    ticket = ConsoleClient(home).ask("key_ticket", person=args.person.bytes, role=args.role, label=args.label)
    text = ticket["ticket"].hex()
    print(f"보안키 등록(15분) / register a security key (15 min): {sign_origin(home)}/register/{text}")
    print(f"  그다음 / then: gwanje officer register --ticket {text}")
    return 0


def _register(args: argparse.Namespace, home: Home) -> int:
    since = {"since": seconds_of(args.since, home)} if args.since else {}
    if args.ticket:
        found = ConsoleClient(home).ask("key_candidate", ticket=_hex(args.ticket))
        fields = {name: value for name, value in found.items() if name != "ok"} | since
    else:
        if not args.file:
            raise VaultError("key_field", "--file 또는 / or --ticket")
        key = officer_file.read(args.file)
        if not args.role:
            raise VaultError("officer_unknown", "--role")
        proof = officer_file.possession(key, _secret(args, "암호문 / passphrase"))
        fields = {
            "person": key.person.bytes, "role": args.role, "kind": "key", "cose": key.cose, "possession": proof,
            "label": args.label, **since,
        }  # fmt: skip
    done = ask_or_pend(args, home, "key_add", **fields)
    if done is not None:
        print(f"서명키 등록 / key registered: {fingerprint(done['key'])}")
        if done["signing"]:
            print("이제부터 본인 서명이 필요합니다 / from now on officers sign themselves")
    return 0


def _retire(args: argparse.Namespace, home: Home) -> int:
    fields = {"person": args.person.bytes, "role": args.role, "key": _hex(args.key)}
    if ask_or_pend(args, home, "key_retire", **fields) is not None:
        print("해제됨 / retired: 1")
    return 0


def _delegate(args: argparse.Namespace, home: Home) -> int:
    fields = {
        "person": args.person.bytes, "role": args.role, "to": args.to.bytes, "scope": args.scope.split(","),
        "since": seconds_of(args.since, home), "until": seconds_of(args.until, home),
    }  # fmt: skip
    if ask_or_pend(args, home, "delegate", **fields) is not None:
        print("지정됨 / delegated: 1")
    return 0


def _codes(args: argparse.Namespace, home: Home) -> int:
    console, key = ConsoleClient(home), officer_file.read(args.file)
    id_ = console.ask("pend_codes", person=key.person.bytes, count=args.count)["id"]
    _print_shown(console.ask("shown", id=id_))
    _give(args, console, key, id_)
    print("전화 승인코드(한 번만 보입니다) / spoken codes, shown once:")
    for number, code in enumerate(console.ask("make_codes", id=id_)["codes"], 1):
        print(f"  {number:2}  {code[:4]} {code[4:]}")
    return 0


def _restore(args: argparse.Namespace, home: Home) -> int:
    done = ask_or_pend(args, home, "codes_restore", person=args.person.bytes, role=args.role)
    if done is not None:
        print(f"해제됨 / lifted: {done['lifted']}")
    return 0


def _void(args: argparse.Namespace, home: Home) -> int:
    done = ask_or_pend(args, home, "codes_void", person=args.person.bytes, role=args.role)
    if done is not None:
        print(f"폐기됨 / voided: {done['gone']}")
    return 0


def _rules(args: argparse.Namespace, home: Home) -> int:
    from gwanje.apps import approver_rules

    now = ConsoleClient(home).ask("officers")["rules"]
    wanted = approver_rules.of_home(home, now)
    for name, value in wanted.items():
        mark = " " if now.get(name) == value else "*"
        print(f"{mark} {name}: {', '.join(value) if isinstance(value, list) else value}")
    if wanted == now:
        print("규칙이 이미 같습니다 / these rules are in force already")
        return 0
    done = ask_or_pend(args, home, "approver_rules", rules=wanted)
    if done is not None:
        print(f"규칙 변경 / rules changed: {done['rules'].hex()}")
    return 0


def _apply(args: argparse.Namespace, home: Home) -> int:
    done = ConsoleClient(home).ask("apply", id=_hex(args.id))
    more = f": {fingerprint(done['key'])}" if "key" in done else ""
    print(f"실행됨 / done{more}")
    return 0

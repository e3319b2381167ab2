"""``gwanje witness``: watch another centre's ledger and sign what proved itself (외부 증인); needs no data folder."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
from pathlib import Path

EVERY_S = 20.0
EVERY_MAX_S = 50.0


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and what it can do."""
    command = sub.add_parser("witness", help="외부 증인 / witness another centre's ledger, from any machine")
    acts = command.add_subparsers(dest="act", required=True, metavar="ACT")
    init = acts.add_parser("init", help="증인 키 만들기 / make the key and the folder")
    init.add_argument("--name", required=True, help="schema-less address of the witness, for example audit.example/w1")
    init.set_defaults(run=run_init)
    add = acts.add_parser("add", help="대장 추가 / follow a log")
    add.add_argument("--log", required=True, metavar="URL|FOLDER", help="where its checkpoint and tiles lie")
    add.add_argument("--key", required=True, help="the log's verifier key: origin+id+base64")
    add.add_argument("--submit", default="", metavar="URL", help="where cosigned checkpoints are sent")
    add.set_defaults(run=run_add)
    once = acts.add_parser("once", help="한 번 확인·서명 / look at every log once, prove, sign")
    once.set_defaults(run=run_once)
    run = acts.add_parser("run", help="계속 확인·서명 / go on looking; answer add-checkpoint with --port")
    run.add_argument("--port", type=int, default=None, help="listen on this loopback port (C2SP tlog-witness)")
    run.add_argument("--every", type=float, default=EVERY_S, metavar="SECONDS", help=f"at most {EVERY_MAX_S:.0f}")
    run.set_defaults(run=run_run)
    evidence = acts.add_parser("evidence", help="증거 확인 / check an evidence file by itself")
    evidence.add_argument("file", help="evidence-*.json")
    evidence.set_defaults(run=run_evidence, folder=False)
    for each in (init, add, once, run):
        each.add_argument("--state", required=True, type=Path, metavar="FOLDER", help="the witness's own folder")
        each.set_defaults(folder=False)


def _wrong(error: Exception) -> int:
    print(f"할 수 없습니다 / cannot: {error}", file=sys.stderr)
    return 2


def run_init(args: argparse.Namespace) -> int:
    """Make key and folder; prints the verifier key that the log's operator enters."""
    from gwanje.apps.witness import Witness

    try:
        made = Witness.create(args.state, args.name)
    except (ValueError, OSError) as error:
        return _wrong(error)
    print(made.vkey)
    return 0


def run_add(args: argparse.Namespace) -> int:
    """Follow one more log."""
    from gwanje.apps.fetch import reader
    from gwanje.apps.witness import Log, Witness
    from gwanje.kernel.ledger.cosign import VKey

    try:
        reader(args.log)
        Witness(args.state).add(Log(VKey.parse(args.key), args.log, args.submit))
    except (ValueError, OSError, KeyError) as error:
        return _wrong(error)
    return 0


def look(state: Path) -> int:
    """Every log once; 0 well, 1 something is wrong with a log, 2 a log could not be read."""
    from gwanje.apps import fetch
    from gwanje.apps.witness import WORDS, Found, Frozen, Witness

    witness, worst = Witness(state), 0
    for log in witness.logs():
        name = log.key.name
        try:
            done = witness.follow(log)
            if done is not None:
                print(f"{name}: {done[0].size} 확인·서명 / proved and signed", flush=True)
            _submit(log.submit, state / log.folder)
        except Found as found:
            ko, en = WORDS[found.kind]
            print(f"{name}: 이상 / WRONG: {ko} / {en}: {found.said.get('evidence')}", file=sys.stderr, flush=True)
            worst = 1
        except Frozen as frozen:
            print(f"{name}: 멈춤 / frozen: {frozen}", file=sys.stderr, flush=True)
            worst = 1
        except fetch.Unreachable as away:
            print(f"{name}: 닿지 않음 / cannot be read: {away}", file=sys.stderr, flush=True)
            worst = worst or 2
    return worst


def _submit(url: str, place: Path) -> None:
    """Send the newest cosigned checkpoint, until it was taken once."""
    from gwanje.apps import fetch

    signed, taken = place / "cosigned.note", place / "taken.note"
    if not url or (taken.exists() and taken.read_bytes() == signed.read_bytes()):
        return
    body = signed.read_bytes()
    status, _ = fetch.ask(url, body, {"content-type": "text/plain; charset=utf-8"})
    if status != 200:
        raise fetch.Unreachable(f"the cosignature was not taken: status {status}")
    taken.write_bytes(body)


def run_once(args: argparse.Namespace) -> int:
    """Look once; exit 1 when a log is wrong, 2 when it cannot be read."""
    try:
        return look(args.state)
    except (ValueError, OSError, KeyError) as error:
        return _wrong(error)


def run_run(args: argparse.Namespace) -> int:
    """Look again and again; ends with 1 as soon as a log is wrong, 0 when asked to stop."""
    from gwanje.apps.witness import Witness
    from gwanje.apps.witness_server import Server

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        witness = Witness(args.state)
        if args.port is None and not any(log.place for log in witness.logs()):
            return _wrong(ValueError("대장이 없습니다(witness add) / no log to follow and no --port"))
        with contextlib.ExitStack() as stack:
            if args.port is not None:
                server = stack.enter_context(Server(witness, args.port))
                print(f"http://127.0.0.1:{server.port}/add-checkpoint", flush=True)
            while not ended.is_set():
                if any(log.place for log in witness.logs()) and look(args.state) == 1:
                    return 1
                ended.wait(max(0.1, min(args.every, EVERY_MAX_S)))
    except (ValueError, OSError, KeyError) as error:
        return _wrong(error)
    return 0


def run_evidence(args: argparse.Namespace) -> int:
    """Does the file prove by itself that the log contradicted itself? Exit 0 when it does, 1 when it does not."""
    from gwanje.apps.witness import convinces

    try:
        said = json.loads(Path(args.file).read_text(encoding="utf-8"))
        proved = convinces(said)
    except (ValueError, OSError, KeyError, TypeError) as error:
        return _wrong(error)
    if proved:
        print(
            f"증명됨: {said['log']}의 서명 둘이 어긋납니다 / proved: two signatures of this log contradict each other"
        )
        return 0
    print(f"이 파일만으로는 증명되지 않습니다 / this file alone proves no contradiction (kind {said.get('kind')})")
    return 1

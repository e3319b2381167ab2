"""``gwanje call`` and ``gwanje view``: the API and the player from a terminal, as an account at a station."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from gwanje.apps.visitor import Visitor, view
from gwanje.kernel.home import Home


def register(sub: Any) -> None:
    """Add the commands. The password comes from ``$GWANJE_PASSWORD``, never from the command line."""
    call = sub.add_parser("call", help="API 호출 / one API call as ACCOUNT@STATION; exit 1 when refused")
    call.add_argument("who", metavar="ACCOUNT@STATION")
    call.add_argument("method", choices=["GET", "POST", "PUT"])
    call.add_argument("path", help="for example /api/staff/me")
    call.add_argument("body", nargs="?", default="", help="JSON; - reads it from standard input")
    call.add_argument("--pick", metavar="NAME", help="print one field of the answer only")
    call.set_defaults(run=run_call)
    look = sub.add_parser("view", help="열람 / open an approved request at the player, count seconds, keep no picture")
    look.add_argument("who", metavar="ACCOUNT@STATION")
    look.add_argument("request", help="id of an approved playback request")
    look.set_defaults(run=run_view)


def _visitor(args: argparse.Namespace) -> Visitor:
    account, _, station = args.who.partition("@")
    visitor = Visitor(Home.find(args.data))
    visitor.sign_in(account, station, os.environ.get("GWANJE_PASSWORD", ""))
    return visitor


def run_call(args: argparse.Namespace) -> int:
    """Print the answer; 1 for a refusal (HTTP 400 and above), 2 when the centre or the log-in says no."""
    try:
        body = json.loads(sys.stdin.read() if args.body == "-" else args.body or "{}")
        answer = _visitor(args).call(args.method, args.path, body)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    shown = answer.body.get(args.pick) if args.pick and isinstance(answer.body, dict) else answer.body
    print(shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, indent=1))
    return 1 if answer.status >= 400 else 0


def run_view(args: argparse.Namespace) -> int:
    """Fetch a Permit, spend it, count the seconds; 1 for a refusal."""
    try:
        visitor = _visitor(args)
        asked = visitor.call("GET", f"/api/playback/requests/{args.request}")
        given = visitor.call("POST", f"/api/playback/requests/{args.request}/permit")
        refused = next((a for a in (asked, given) if a.status >= 400), None)
        if refused is not None:
            print(json.dumps(refused.body, ensure_ascii=False, indent=1))
            return 1
        seen = view(visitor, given.body, asked.body["cameras"][0], asked.body["first"])
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    shown = asked.body["until"] - asked.body["first"]
    print(f"{len(seen.seconds)} of {shown} seconds, {seen.size} bytes; kept: nothing")
    for message in seen.messages:
        if message["type"] != "end":
            print(json.dumps(message, ensure_ascii=False))
    return 0 if seen.seconds else 1

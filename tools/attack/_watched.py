"""A viewing for `./dev attack memory`: stored seconds of one camera are asked for, approved, shown."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import connect

SECONDS = 20
BEFORE = 60
FRAGMENT = 2
MESSAGES_MAX = 5000
# the player's loop has ended a viewing whose page has gone
SETTLE_S = 3.0


@dataclass
class Watched:
    """What was shown, and the player's memory in the middle of it and after its end."""

    camera: str
    first: int
    until: int
    shown: int
    during: list[bytes]
    after: list[bytes]


def ask(centre: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An approved request of seconds that were recorded, and its Permit with the viewer's token."""
    officer, chief = centre.sign_in("operator", "열람실-1"), centre.sign_in("chief", "열람실-1")
    camera = officer.get("/api/cameras").json["items"][0]
    now = int(time.time())
    ground = next(g["code"] for g in officer.get("/api/playback/grounds").json if "수사" in g["ko"])
    made = officer.post(
        "/api/playback/requests",
        {"cameras": [camera["id"]], "first": now - BEFORE, "until": now - BEFORE + SECONDS, "ground": ground,
         "case": "2026-0001", "document": "○○경찰서 형사과-1234(2026. 11. 20.)", "purpose": "이동 경로 확인"},
    )  # fmt: skip
    agreed = chief.post(f"/api/playback/requests/{made.json['id']}/approve", {"note": "필요 최소한의 구간"})
    given = officer.post(f"/api/playback/requests/{made.json['id']}/permit")
    if (made.status, agreed.status, given.status) != (200, 200, 200):
        raise RuntimeError(f"no Permit: {made.text[:200]} {agreed.text[:200]} {given.text[:200]}")
    return {**made.json, "camera": camera["id"]}, given.json


def watch(centre: Any, dump: Callable[[], list[bytes]]) -> Watched:
    """Show an approved request to its end; ``dump`` is called in the middle and after it."""
    asked, given = ask(centre)
    during: list[bytes] = []
    shown = set[int]()
    url = f"ws://localhost:{centre.home.port + 2}/play"
    with connect(url, origin=centre.base, open_timeout=30, close_timeout=2, max_size=1 << 24) as page:  # type: ignore[arg-type]
        page.send(json.dumps({"permit": given["permit"], "viewer": given["viewer"]}))
        for _ in range(MESSAGES_MAX):
            message = page.recv(timeout=60)
            if isinstance(message, bytes):
                if message[0] == FRAGMENT:
                    shown.add(int.from_bytes(message[1:9], "big") // 1_000_000)
                    page.send(json.dumps({"type": "more", "n": 1}))
                if len(shown) == SECONDS // 2 and not during:
                    during = dump()
                continue
            said = json.loads(message)
            if said["type"] == "session":
                page.send(json.dumps({"type": "play", "camera": asked["camera"], "at": asked["first"], "speed": 4}))
            if said["type"] in ("end", "error"):
                break
    time.sleep(SETTLE_S)
    return Watched(asked["camera"], asked["first"], asked["until"], len(shown), during, dump())


def planted(key: bytes) -> list[bytes]:
    """An image in which a key stands: the control of the search."""
    return [os.urandom(4099) + key + os.urandom(4099)]

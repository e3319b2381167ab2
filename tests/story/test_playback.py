"""A stored second: refused to everybody, then opened by one approved ground, exactly as wide as it was shown."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest

from gwanje.kernel.canonical import decode
from gwanje.kernel.permit import Permit
from gwanje.vault import parts
from gwanje.vault.ceremony import public
from gwanje.vault.client import VaultClient, VaultRefused
from gwanje.vault.errors import VaultError
from gwanje.vault.segment import SegmentReader
from story.centre import Centre, Visitor, until
from story.viewer import Shown, play

pytestmark = pytest.mark.story


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture(scope="module")
def asked(centre: Centre, people: dict[str, Visitor]) -> dict[str, Any]:
    """An approved request for eight recorded seconds of one camera."""
    officer, chief = people["operator"], people["chief_officer"]
    camera = next(c for c in officer.get("/api/cameras").json["items"] if c["number"] == "A-0101")

    seen: list[Any] = []

    def recorded() -> int:
        now = int(time.time())
        answer = officer.post("/api/playback/look", {"cameras": [camera["id"]], "first": now - 40, "until": now - 20})
        seen[:] = [answer.status, answer.json]
        return now if answer.json["cameras"][0]["seconds"] >= 20 else 0

    try:
        now = until("twenty seconds of A-0101 recorded", recorded, 90, 1)
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None
    body = {
        "cameras": [camera["id"]],
        "first": now - 34,
        "until": now - 26,
        "ground": ground_of(officer),
        "case": "2026-0001",
        "document": "○○경찰서 형사과-1234(2026. 11. 20.)",
        "purpose": "절도 사건 용의자의 이동 경로 확인",
    }
    made = officer.post("/api/playback/requests", body)
    assert made.status == 200, made.text
    row = made.json
    assert row["first"] <= body["first"]
    assert row["until"] >= body["until"]
    early = officer.post(f"/api/playback/requests/{row['id']}/permit")
    assert early.status == 403, early.text
    own = officer.post(f"/api/playback/requests/{row['id']}/approve", {"note": ""})
    assert own.status == 403, own.text
    agreed = chief.post(f"/api/playback/requests/{row['id']}/approve", {"note": "필요 최소한의 구간"})
    assert agreed.status == 200, agreed.text
    return {**row, "camera": camera["id"]}


def ground_of(officer: Visitor) -> str:
    """The code of the investigation ground in force today."""
    found = officer.get("/api/playback/grounds").json
    return next(g["code"] for g in found if "수사" in g["ko"])


def fetch(officer: Visitor, asked: dict[str, Any]) -> dict[str, Any]:
    made = officer.post(f"/api/playback/requests/{asked['id']}/permit")
    assert made.status == 200, made.text
    return made.json


def opened_permit(centre: Centre, given: dict[str, Any]) -> Permit:
    return Permit.open(unb64(given["permit"]), bytes.fromhex(public(centre.home)["permit_key"]))


def lost(lies: set[int], first: int, until_s: int) -> list[int]:
    """Seconds without a part that no late picture explains: two in a row, or more than one in ten (rounded up)."""
    missing = [second for second in range(first, until_s) if second not in lies]
    late = len(missing) <= -(-(until_s - first) // 10) and not any(second + 1 in missing for second in missing)
    return [] if late else missing


def view(centre: Centre, hello: dict[str, Any], asked: dict[str, Any], at: int | None = None) -> Shown:
    url = f"ws://localhost:{centre.home.port + 2}/play"
    return play(url, centre.base, hello, asked["camera"], asked["first"] if at is None else at)


def test_exactly_the_range_shown(centre: Centre, people: dict[str, Visitor], asked: dict[str, Any]) -> None:
    officer = people["operator"]
    given = fetch(officer, asked)
    shown = view(centre, {"permit": given["permit"], "viewer": given["viewer"]}, asked)
    assert shown.refused == ""
    slot = opened_permit(centre, given).cameras[0].slot
    lies = {second for second, _, _ in sealed_parts(centre, slot, asked["first"], asked["until"])}
    assert not lost(lies, asked["first"], asked["until"])
    assert shown.seconds == sorted(lies)
    assert shown.tracks() == ["video"]
    counters = shown.counters()
    assert None not in counters
    steps = {(b - a) % 450 for a, b in itertools.pairwise(counters)}
    assert steps == {1}, f"a picture is missing or out of order: {steps}"
    again = view(centre, {"permit": given["permit"], "viewer": given["viewer"]}, asked)
    assert again.refused == "reused"
    assert again.pieces == []


def test_forged_widened_expired_and_borrowed(centre: Centre, people: dict[str, Visitor], asked: dict[str, Any]) -> None:
    officer = people["operator"]
    given = fetch(officer, asked)
    message = bytearray(unb64(given["permit"]))
    message[-1] ^= 1
    forged = view(centre, {"permit": b64(bytes(message)), "viewer": given["viewer"]}, asked)
    wide = bytes(message[:-1]) + bytes([message[-1] ^ 1])
    wide = wide.replace(asked["until"].to_bytes(4, "big"), (asked["until"] + 60).to_bytes(4, "big"), 1)
    widened = view(centre, {"permit": b64(wide), "viewer": given["viewer"]}, asked)
    for shown in (forged, widened):
        assert shown.refused in ("forged", "widened")
        assert shown.pieces == []
    chief = people["chief_officer"].post("/api/playback/viewer-token")
    assert chief.status == 200, chief.text
    borrowed = view(centre, {"permit": given["permit"], "viewer": chief.json["viewer"]}, asked)
    assert borrowed.refused == "person"
    # the borrowed try did not spend it, and a second outside the range stays shut
    outside = view(centre, {"permit": given["permit"], "viewer": given["viewer"]}, asked, at=asked["until"])
    assert outside.refused == "outside"
    assert outside.pieces == []


def test_every_refusal_and_every_act_is_a_row(
    centre: Centre, people: dict[str, Visitor], asked: dict[str, Any]
) -> None:
    file = centre.home.root / "out" / "ledger.jsonl"
    codes = {"reused", "person", "outside"}

    def rows() -> Any:
        file.unlink(missing_ok=True)
        centre.command("ledger", "export", str(file))
        found = openings(file)
        said = {row["detail"].get("code") for row in found}
        kinds = {row["kind"] for row in found}
        return codes <= said and "playback.permit.issued" in kinds and kinds

    kinds = until("refusals and acts in the ledger", rows, 60, 1)
    assert {"playback.session.started", "playback.range.opened", "playback.permit.refused"} <= kinds
    done = centre.command("ledger", "verify", str(file), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # one changed byte of one row is found, and the row is named
    lines = file.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if json.loads(line).get("index") == 40)
    row = json.loads(lines[at])
    opening = bytearray(base64.b64decode(row["opening"]))
    opening[-1] ^= 1
    lines[at] = json.dumps({**row, "opening": base64.b64encode(bytes(opening)).decode()})
    broken = file.with_name("broken.jsonl")
    broken.write_text("\n".join(lines) + "\n")
    bad = centre.command("ledger", "verify", str(broken), check=False)
    assert bad.returncode == 1
    assert "40" in bad.stdout + bad.stderr


def openings(file: Path) -> list[dict[str, Any]]:
    """The openings of an exported ledger."""
    found = [json.loads(line).get("opening") for line in file.read_text().splitlines()]
    return [decode(base64.b64decode(text)) for text in found if text]


def test_another_agency_sees_nothing(centre: Centre, people: dict[str, Visitor], asked: dict[str, Any]) -> None:
    stranger = people["stranger"]
    assert stranger.get(f"/api/playback/requests/{asked['id']}").status == 404
    assert stranger.get(f"/api/cameras/{asked['camera']}").status == 404
    live = stranger.post("/api/watching/live-token", {"camera": asked["camera"], "stream": "sub"})
    assert live.status == 404, live.text
    nobody = Visitor(centre.base)
    for path in (f"/api/playback/requests/{asked['id']}", "/playback/", "/watch/", "/cameras/"):
        answer = nobody.get(path)
        assert answer.status in (401, 403) or "/login/" in answer.url
        # the article is for own staff; a stranger only learns that the door is shut
        assert "28(2)" not in answer.text


def sealed_parts(centre: Centre, slot: int, first: int, until_s: int) -> list[tuple[int, bytes, bytes]]:
    """(second, segment id, part) of a camera's stored seconds, straight from the files."""
    found: list[tuple[int, bytes, bytes]] = []
    for path in sorted(centre.home.store.glob(f"*/*/{slot}/*.gws")):
        with SegmentReader(path) as reader:
            for part in reader.parts:
                second = reader.header.epoch * 3600 + part.header.tick
                if first <= second < until_s and part.header.kind == parts.VIDEO:
                    found.append((second, reader.segment_id, reader.read(part)))
    return found


def test_keys_lent_open_nothing_before_or_after(
    centre: Centre, people: dict[str, Visitor], asked: dict[str, Any]
) -> None:
    """Tried on keys: what the player is lent for the permitted seconds, against the seconds on both sides."""
    given = fetch(people["operator"], asked)
    permit = opened_permit(centre, given)
    slot = permit.cameras[0].slot
    stored = sealed_parts(centre, slot, permit.first - 3, permit.until + 3)
    segments = sorted({segment for _, segment, _ in stored})
    player = VaultClient(centre.home, "player")
    session = player.redeem(unb64(given["permit"]), unb64(given["viewer"])).session
    keys: list[bytes] = []
    for second in range(permit.first, permit.until):
        keys += player.open_tick(session, 1, slot, second // 3600, second % 3600, segments).values()
    for second in (permit.first - 1, permit.until):
        with pytest.raises(VaultRefused):
            player.open_tick(session, 1, slot, second // 3600, second % 3600, segments)
    player.close()
    opened: set[int] = set()
    for second, segment, part in stored:
        for okm in keys:
            with contextlib.suppress(VaultError):
                parts.open_part(okm, segment, part)
                opened.add(second)
    # pictures late on a busy machine leave a second without a part of its own: what counts is what lies there
    lies = {second for second, _, _ in stored}
    assert not lost(lies, permit.first - 3, permit.until + 3), "both sides and the range between have to lie there"
    # the control: the same keys do open every second that they were lent for, and no other
    assert opened == {second for second in lies if permit.first <= second < permit.until}

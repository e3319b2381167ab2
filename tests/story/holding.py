"""A hold in a running centre (보존): made by one, prolonged and ended by two others, played by its own Permit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gwanje.kernel.database import connect
from gwanje.vault.client import VaultClient
from story.centre import Centre, Visitor
from story.viewer import Shown, play

SECONDS = 4


@dataclass
class Held:
    """What is held: the hold's id, camera, slot, and [first, until) in Unix s as vaultd has it."""

    id: str
    camera: str
    slot: int
    first: int
    until: int

    def has(self, sample: dict[str, Any]) -> bool:
        """Is a sealed part one of the held seconds?"""
        return sample["slot"] == self.slot and self.first <= sample["epoch"] * 3600 + sample["tick"] < self.until


def hold(centre: Centre, samples: list[dict[str, Any]]) -> Held:
    """Hold four seconds of one of the cameras, two seconds into its footage, for sixty days by two officers."""
    police = centre.sign_in("police", "열람실-1")
    camera = next(c["id"] for c in police.get("/api/cameras").json["items"] if c["number"] == "A-0101")
    vault = VaultClient(centre.home, "web")
    slot = vault.slot(UUID(camera))
    first = min(s["epoch"] * 3600 + s["tick"] for s in samples if s["slot"] == slot) + 2
    ground = next(g["code"] for g in police.get("/api/playback/grounds").json if "수사" in g["ko"])
    body = {
        "cameras": [camera], "first": first, "until": first + SECONDS, "ground": ground, "case": "형사과-31",
        "reason": "폭행 사건의 증거 보존",
    }  # fmt: skip
    made = police.post("/api/preservation/holds", body)
    assert made.status == 201, made.text
    id_ = made.json["id"]
    ends = datetime.fromtimestamp(centre.home.clock.now_s(), centre.home.clock.zone) + timedelta(days=60)
    said = {"ends": ends.isoformat(), "ground": ground, "case": "형사과-31", "reason": "수사가 이어짐"}
    decide(centre, id_, "prolong", said)
    (found,) = [h for h in vault.holds() if str(h.id) == id_]
    vault.close()
    (lens,) = found.lenses
    assert found.kind == "investigation"
    return Held(id_, camera, slot, lens.first, lens.until)


def decide(centre: Centre, id_: str, what: str, said: dict[str, Any]) -> None:
    """The manager asks, the chief officer agrees."""
    manager, chief = centre.sign_in("manager", "관제석-1"), centre.sign_in("chief", "관제석-4")
    asked = manager.post(f"/api/preservation/holds/{id_}/{what}", said)
    assert asked.status == 201, asked.text
    own = manager.post(f"/api/preservation/holds/{id_}/acts/{asked.json['id']}/agree")
    assert own.status == 403, own.text
    agreed = chief.post(f"/api/preservation/holds/{id_}/acts/{asked.json['id']}/agree")
    assert agreed.status == 200, agreed.text


def ask(centre: Centre, police: Visitor, held: Held, **changes: Any) -> Any:
    """A request for what is held, as the viewing room makes it; its answer."""
    ground = next(g["code"] for g in police.get("/api/playback/grounds").json if "수사" in g["ko"])
    body = {
        "cameras": [held.camera], "first": held.first, "until": held.until, "ground": ground, "case": "형사과-31",
        "document": "○○경찰서 형사과-31", "purpose": "보존한 증거의 확인", "hold": held.id, **changes,
    }  # fmt: skip
    return police.post("/api/playback/requests", body)


def view(centre: Centre, held: Held) -> tuple[Shown, str]:
    """Ask, have it approved, play: what the player gave, and the request's id."""
    police, chief = centre.sign_in("police", "열람실-1"), centre.sign_in("chief", "관제석-4")
    # what the hour's other seconds were is not to be had, with the hold or without it
    assert ask(centre, police, held, hold=None, first=held.until + 1, until=held.until + 3).status == 422
    assert ask(centre, police, held, until=held.until + 1).json["error"] == "outside_hold"
    made = ask(centre, police, held)
    assert made.status == 200, made.text
    agreed = chief.post(f"/api/playback/requests/{made.json['id']}/approve", {"note": ""})
    assert agreed.status == 200, agreed.text
    given = police.post(f"/api/playback/requests/{made.json['id']}/permit").json
    url = f"ws://localhost:{centre.home.port + 2}/play"
    hello = {"permit": given["permit"], "viewer": given["viewer"]}
    return play(url, centre.base, hello, held.camera, made.json["first"]), made.json["id"]


def causes(centre: Centre) -> list[tuple[str, str]]:
    """(cause, reference) of every certified hour."""
    with connect(centre.home, "app") as connection, connection.cursor() as cursor:
        cursor.execute("select cause, reference from retention_destroyedhour where certificate_id is not null")
        return [(str(cause), str(reference)) for cause, reference in cursor.fetchall()]

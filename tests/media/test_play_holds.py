"""Playback of closed and of held seconds, with a real vaultd: what was closed is a hole, what is held plays on."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from play_rig import BEGAN_S, CLASS, RATE, STATION, Centre, Street, centre, page, seal, text
from sim_tools import short_streets

from gwanje.kernel.ids import uuid7
from gwanje.kernel.permit import Approval, Lens
from gwanje.media.play.server import Player
from gwanje.vault.client import AsyncVaultClient, VaultClient, VaultRefused
from gwanje.vault.segment import SegmentReader, blank

FIRST = BEGAN_S + 60
SECONDS = 12


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Street:
    return Street.of(short_streets(tmp_path_factory.mktemp("clips"), 1, seconds=SECONDS)[0].sub)


def said(made: Centre, decision: bytes) -> list[Approval]:
    now = made.home.clock.now_us()
    return [
        Approval(made.requester, "operator", decision, now),
        Approval(made.approver, "chief_officer", decision, now),
    ]


def permit(made: Centre, web: VaultClient, first: int, until: int, hold: Any = None) -> bytes:
    decision = os.urandom(32)
    return web.mint(
        id=uuid7(), decision=decision, norms=["playback.default_deny"], cameras=[Lens(made.camera, made.slot)],
        first=first, until=until, person=made.requester, station=STATION, ground="수사", case="시험-1",
        approvals=said(made, decision), expires=made.home.clock.now_s() + 600, hold=hold,
    )  # fmt: skip


async def played(made: Centre, message: bytes, at: int, kind: str = "gap") -> tuple[list[int], list[dict[str, Any]]]:
    """(frames shown, what was told of a kind)."""
    client = AsyncVaultClient(made.home, "player")
    hello = {"permit": text(message), "viewer": made.viewer()}
    async with Player(made.home, client, port=0) as player, page(player.port, hello) as tab:
        await tab.say(type="play", speed=4, camera=str(made.camera), at=at)
        await tab.until("end")
        shown = [value for _, value in tab.decoded()] if tab.fragments else []
    await client.close()
    return shown, [m for m in tab.told if m["type"] == kind]


def frames(*seconds: int) -> list[int]:
    return [second * RATE + n for second in seconds for n in range(RATE)]


def keep(path: Path, seconds: set[int]) -> None:
    with SegmentReader(path) as reader:
        wanted = {p.header.ordinal for p in reader.parts if p.header.tick - FIRST % 3600 in seconds}
    blank(path, wanted)


async def test_closed_seconds_are_a_hole_and_held_ones_outlive_their_hour(tmp_path: Path, street: Street) -> None:
    with centre(tmp_path) as made, contextlib.closing(VaultClient(made.home, "web")) as web:
        path = seal(made, street, FIRST, SECONDS)
        made.set_time(FIRST + 200)
        shut = web.puncture(
            camera=made.camera, slot=made.slot, spans=[(CLASS, FIRST + 4, FIRST + 6)], decision=bytes(32),
            approvals=said(made, bytes(32)),
        )  # fmt: skip
        assert (shut.seconds, shut.holds) == (2, ())
        standing = web.standing(CLASS, FIRST // 3600)
        tick = FIRST % 3600
        keep(path, {s for s in range(SECONDS) if standing.opens(made.slot, tick + s)})
        everything = permit(made, web, FIRST, FIRST + SECONDS)
        shown, gaps = await played(made, everything, FIRST)
        assert shown == frames(0, 1, 2, 3, 6, 7, 8, 9, 10, 11)
        assert [(g["from"] - FIRST, g["until"] - FIRST, g["reason"]) for g in gaps] == [(4, 6, "closed")]
        shown, errors = await played(made, permit(made, web, FIRST + 4, FIRST + 6), FIRST + 4, "error")
        assert (shown, [e["code"] for e in errors]) == ([], ["closed"])
        assert "폐쇄" in errors[0]["message"]
        assert "Closed" in errors[0]["message"]

        id_ = uuid7()
        web.hold(
            id=id_, kind="trial", ground="trial", case="2026가합1", reviewer=made.approver,
            spans=[(made.camera, made.slot, CLASS, FIRST + 7, FIRST + 10)], ends=FIRST + 60 * 86400,
            decision=bytes(32), approvals=said(made, bytes(32)),
        )  # fmt: skip
        made.set_time(FIRST + 31 * 86400)
        with contextlib.closing(VaultClient(made.home, "worker")) as worker:
            assert [(d.class_, d.epoch) for d in worker.destroy_due()] == [(CLASS, FIRST // 3600)]
        keep(path, {7, 8, 9})
        shown, gaps = await played(made, permit(made, web, FIRST + 7, FIRST + 10), FIRST + 7)
        assert (shown, [g["reason"] for g in gaps]) == ([], ["destroyed"])
        shown, gaps = await played(made, permit(made, web, FIRST + 7, FIRST + 10, id_), FIRST + 7)
        assert (shown, gaps) == (frames(7, 8, 9), [])
        with pytest.raises(VaultRefused):
            permit(made, web, FIRST + 6, FIRST + 10, id_)


async def test_a_closed_second_takes_no_other_with_it_that_is_asked_for_together(
    tmp_path: Path, street: Street
) -> None:
    with centre(tmp_path) as made, contextlib.closing(VaultClient(made.home, "web")) as web:
        seal(made, street, FIRST, SECONDS, group_s=4)
        made.set_time(FIRST + 200)
        web.puncture(
            camera=made.camera, slot=made.slot, spans=[(CLASS, FIRST + 2, FIRST + 3)], decision=bytes(32),
            approvals=said(made, bytes(32)),
        )  # fmt: skip
        # the key frame lies three seconds before what is asked for: all four are opened together
        shown, gaps = await played(made, permit(made, web, FIRST, FIRST + SECONDS), FIRST + 3)
        assert shown == frames(0, 1, 4, 5, 6, 7, 8, 9, 10, 11)
        assert (gaps[0]["from"] - FIRST, gaps[0]["reason"]) == (2, "closed")

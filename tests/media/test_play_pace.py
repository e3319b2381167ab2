"""The pace of playback: never more than three seconds of watching ahead, whatever a page asks for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from play_rig import BEGAN_S, Centre, Page, Street, centre, page, seal, text
from sim_tools import short_streets

from gwanje.media.play.server import Player
from gwanje.media.play.viewing import BURST_S, RATE_MAX, Pace
from gwanje.vault.client import AsyncVaultClient

SECONDS = 40
FIRST = BEGAN_S + 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """A centre with 40 stored seconds of one camera."""
    street = Street.of(short_streets(tmp_path_factory.mktemp("clips"), 1, seconds=SECONDS)[0].sub)
    with centre(tmp_path_factory.mktemp("centre")) as running:
        seal(running, street, FIRST, SECONDS)
        running.set_time(FIRST + 120)
        yield running


@contextlib.asynccontextmanager
async def watching(made: Centre):
    client = AsyncVaultClient(made.home, "player")
    hello = {"permit": text(made.permit(FIRST, FIRST + SECONDS)), "viewer": made.viewer()}
    async with Player(made.home, client, port=0) as player, page(player.port, hello) as tab:
        await tab.until("session")
        yield player, tab
    await client.close()


async def _greedy(tab: Page, seconds: float, speed: int) -> float:
    """Ask for as much as a message can hold, four times a second."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        await tab.say(type="more", n=60, speed=speed)
        await asyncio.sleep(0.25)
    return time.monotonic() - began


@pytest.mark.parametrize("speed", [1, 4])
async def test_a_greedy_page_is_never_more_than_three_seconds_ahead(made: Centre, speed: int) -> None:
    """The keys of a second are lent when it is about to be watched, not when a page would like to have it."""
    async with watching(made) as (player, tab):
        began = time.monotonic()
        await tab.say(type="play", camera=str(made.camera), at=FIRST, speed=speed)
        await _greedy(tab, 2.5, speed)
        with contextlib.suppress(TimeoutError):
            await tab.drain(0.05)
        # nobody watches before the first second is opened, so the clock begins no earlier than the order
        passed = time.monotonic() - began
        most = 3 * speed + passed * speed
        assert 3 * speed + 1 <= len(tab.fragments) <= most
        assert player.opened_seconds <= most


async def test_a_page_that_stands_still_is_given_nothing_more(made: Centre) -> None:
    async with watching(made) as (_, tab):
        began = time.monotonic()
        await tab.say(type="play", camera=str(made.camera), at=FIRST)
        await tab.say(type="more", n=60)
        await tab.until("init", credit=False)
        await tab.say(type="pause")
        watched = time.monotonic() - began
        with pytest.raises(TimeoutError):
            await tab.drain(1.5)
        # what lay ahead before the pause is still ahead after it: no second helping at once
        watched += await _greedy(tab, 1.0, 1)
        with contextlib.suppress(TimeoutError):
            await tab.drain(0.05)
        assert 3 <= len(tab.fragments) <= 3 + watched + 0.1


async def test_seeks_are_smooth_but_no_way_round_the_pace() -> None:
    """Ten seeks bring their first second at once; a page that only seeks gets twelve at once, then six a second."""
    pace, taken, waited, began = Pace(), 0, 0.0, time.monotonic()
    for _ in range(10):
        pace.begin(1)
        asked = time.monotonic()
        assert await pace.take(lambda: False)
        waited += time.monotonic() - asked
        taken += 1
    # at six a second ten take more than 1.5 s
    assert waited < 1
    while time.monotonic() - began < 1.5:
        pace.begin(1)
        taken += await pace.take(lambda: False)
    passed = time.monotonic() - began
    assert taken <= BURST_S + RATE_MAX * passed


async def test_a_slower_speed_takes_back_what_was_promised() -> None:
    pace = Pace()
    pace.begin(4)
    pace.more(60)
    for _ in range(6):
        assert await pace.take(lambda: False)
    pace.set_speed(1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pace.take(lambda: False), 0.5)


def test_the_page_asks_for_no_more_than_the_player_gives() -> None:
    """The page's own figure is the player's."""
    source = (Path(__file__).parents[2] / "frontend" / "src" / "viewing.ts").read_text()
    assert "const AHEAD_S = 3;" in source

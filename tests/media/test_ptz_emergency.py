"""An emergency frees the seat that named it, once: not another seat at the same stick, not again after its end."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from ptz_rig import Rig
from rig import until

EMERGENCY = UUID(int=9)


def run(work) -> None:
    asyncio.run(asyncio.wait_for(work, 40))


@pytest.mark.norm("ptz.purpose", "deny")
def test_somebody_elses_emergency_lifts_no_zone_for_a_seat_without_one(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig:
            told = {"rank": 2, "emergency": EMERGENCY, "until": rig.clock.now_s() + 600}
            async with rig.seat(**told) as named, rig.seat(person=UUID(int=4), station="관제석 2") as other:
                await named.hear("emergency")
                await other.hear("position", inside=True)
                await other.say(to=[0.9, 0.0, 0.0])
                assert (await other.hear("refused", 8))["articles"]
                assert rig.dome.at[0] < 0.5
                await named.say(to=[0.9, 0.0, 0.0])
                await named.hear("position", 10, inside=False)
            # who named it has left; the head is outside, and others bring it home or nowhere
            async with rig.seat(person=UUID(int=4), station="관제석 2") as other:
                await other.hear("position", inside=False, moving=False)
                before = rig.dome.at[0]
                await other.hold([1, 0, 0], 1.0)
                assert rig.dome.at[0] == pytest.approx(before, abs=0.02)
                await other.say(home=True)
                await until(lambda: rig.of("recorder.ptz.returned"), 15)
                assert str(EMERGENCY) in rig.file.read_text()

    run(work())


def test_a_flood_of_false_tokens_is_counted_and_fills_no_queue(tmp_path):
    async def work():
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with Rig(tmp_path) as rig:
            for _ in range(60):
                async with rig.seat(raw="AAAA") as seat:
                    await seat.socket.wait_closed()
        told = rig.of("recorder.ptz.token.refused")
        assert sum(row["count"] for row in told) == 60
        assert len(told) <= loop.time() - began + 2, "one row a second"
        assert {(row["outcome"], row["reason"]) for row in told} == {("refused", "forged")}

    run(work())


@pytest.mark.norm("ptz.purpose", "deny")
def test_a_token_of_an_emergency_that_was_ended_opens_nothing_again(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig:
            raw = rig.token(rank=2, emergency=EMERGENCY, until=rig.clock.now_s() + 600)
            async with rig.seat(raw=raw) as seat:
                await seat.hear("emergency")
                await seat.hear("position", inside=True)
                await seat.say(end=True)
                await until(lambda: rig.of("recorder.ptz.returned"), 15)
            async with rig.seat(raw=raw) as again:
                await again.hear("position", inside=True)
                await again.say(to=[0.9, 0.0, 0.0])
                await again.hear("refused", 8)
                assert rig.dome.at[0] < 0.5
        # nor does it at a recorder that was started again within the token's minute
        restarted = Rig(tmp_path)
        restarted.key = rig.key
        async with restarted, restarted.seat(raw=raw) as later:
            await later.hear("position", inside=True)
            await later.say(to=[0.9, 0.0, 0.0])
            await later.hear("refused", 8)
            assert restarted.dome.at[0] < 0.5

    run(work())

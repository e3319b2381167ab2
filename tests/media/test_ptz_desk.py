"""Steering at the recorder: inside, outside, emergency and return, two seats, a lost page, rows; seen at the device."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from ptz_rig import CAMERA, PERSON, ZONE, Rig
from rig import until
from websockets.exceptions import ConnectionClosed

import support
from gwanje.kernel.clock import Clock
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.permit import PtzToken
from gwanje.kernel.zone import Spot, inside, zone_of
from gwanje.media import ptz_desk
from gwanje.media.auth import Credentials
from gwanje.media.ptz import HeadRefused
from gwanje.media.ptz_heads import onvif_head, same_recording
from gwanje.media.sim.dome import Dome
from gwanje.media.sim.onvif import OnvifSim
from gwanje.media.sim.onvif_device import Device

EMERGENCY = UUID(int=9)


def run(work) -> None:
    asyncio.run(asyncio.wait_for(work, 40))


def test_inside_the_zone_the_head_moves_and_one_row_a_second_says_so(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig:
            async with rig.seat() as seat:
                zone = await seat.hear("zone")
                assert zone["purpose"] == "범죄예방"
                await seat.hear("position", inside=True)
                await seat.hold([-1, 0, 0], 2.4)
                await seat.say(stop=True)
                await seat.hear("position", moving=False)
            assert rig.dome.at[0] < -0.1
            assert set(rig.head.timeouts) == {1.0}
            await until(lambda: sum(row["commands"] for row in rig.of("recorder.ptz.moved")) == 13)
            rows = rig.of("recorder.ptz.moved")
            assert 3 <= len(rows) <= 5
            assert rows[0]["actor"] == PERSON
            assert rows[0]["cameras"] == [CAMERA]
            assert rows[0]["articles"] == ["kr_national:25(5)"]
            assert rows[0]["from"] == "0.0000 0.0000 0.0000"
            assert rows[-1]["to"].startswith("-0.")

    run(work())


@pytest.mark.norm("ptz.purpose", "deny")
def test_outside_a_move_is_refused_with_its_article_and_the_head_stays_inside(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig, rig.seat() as seat:
            await seat.hear("position")
            holding = asyncio.create_task(seat.hold([1, 0, 0], 6))
            said = await seat.hear("refused", 8)
            holding.cancel()
            assert said["code"] == "limits"
            assert said["articles"] == ["개인정보 보호법 제25조제5항"]
            assert "긴급" in said["ko"]
            await seat.say(to=[0.3, 0.3, 0.5])
            assert (await seat.hear("refused", code="forbidden"))["ko"].startswith("비추지 않는 곳입니다: 주택 창문")
            await seat.say(goto="2")
            await asyncio.sleep(1.2)
            assert 0.2 < rig.dome.advance(rig.head.now())[0] <= 0.5
            assert not rig.dome.moving
            codes = {row["code"] for row in rig.of("recorder.ptz.refused")}
            assert codes == {"limits", "주택 창문"}
            assert all(row["outcome"] == "refused" for row in rig.of("recorder.ptz.refused"))

    run(work())


@pytest.mark.norm("ptz.purpose", "allow")
def test_a_preset_and_a_place_inside_are_gone_to(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig, rig.seat() as seat:
            presets = (await seat.hear("presets"))["presets"]
            while not presets:
                presets = (await seat.hear("presets"))["presets"]
            assert [p["inside"] for p in presets] == [True, False, False]
            await seat.say(goto="1")
            await until(lambda: rig.dome.at == (0.1, 0.1, 0.1))
            await seat.say(to=[-0.3, 0.2, 0.0])
            await until(lambda: rig.dome.at == (-0.3, 0.2, 0.0))
            await seat.say(goto="3")
            assert (await seat.hear("refused"))["code"] == "no_place"
            await seat.say(home=True)
            await until(lambda: rig.dome.at == (0.0, 0.0, 0.0))

    run(work())


@pytest.mark.norm("ptz.purpose", "allow")
def test_an_emergency_opens_the_zone_counts_down_and_brings_the_head_home(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig:
            async with rig.seat() as seat:
                await seat.hear("position")
                until_s = rig.clock.now_s() + 4
                await seat.say(token=rig.token(rank=2, emergency=EMERGENCY, until=until_s))
                assert 2 <= (await seat.hear("emergency"))["left"] <= 4
                assert json.loads(rig.file.read_text())[str(CAMERA)]["until"] == until_s
                await seat.say(to=[0.3, 0.3, 0.5])
                await seat.hear("position", inside=False)
                await seat.hear("emergency", 8, left=0)
                await seat.hear("position", 8, inside=True, returning=False, moving=False)
            assert rig.dome.at == pytest.approx((0, 0, 0), abs=0.01)
            await until(lambda: rig.of("recorder.ptz.returned"))
            await until(lambda: json.loads(rig.file.read_text()) == {})
            assert {row["emergency"] for row in rig.of("recorder.ptz.moved")} == {str(EMERGENCY)}
            async with rig.seat() as seat:
                await seat.hear("position")
                await seat.say(to=[0.3, 0.3, 0.5])
                await seat.hear("refused", code="forbidden")

    run(work())


def test_a_recorder_that_died_in_an_emergency_brings_the_head_home_when_it_lives_again(tmp_path):
    async def work():
        rig = Rig(tmp_path)
        rig.dome.at = (0.9, 0.8, 1.0)
        row = {"id": str(EMERGENCY), "until": rig.clock.now_s() + 2}
        rig.file.write_text(json.dumps({str(CAMERA): row}))
        async with rig:
            await asyncio.sleep(1.2)
            assert rig.dome.at == (0.9, 0.8, 1.0)
            await until(lambda: rig.of("recorder.ptz.returned"), 15)
            assert rig.dome.at == pytest.approx((0, 0, 0), abs=0.01)

    run(work())


def test_an_emergency_ended_early_goes_home_now(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig, rig.seat(rank=2, emergency=EMERGENCY, until=rig.clock.now_s() + 600) as seat:
            await seat.hear("emergency")
            await seat.hear("position", inside=True)
            await seat.say(to=[0.9, 0.0, 0.0])
            await seat.hear("position", inside=False)
            await seat.say(end=True)
            await until(lambda: rig.of("recorder.ptz.returned"), 15)
            assert rig.dome.at == pytest.approx((0, 0, 0), abs=0.01)

    run(work())


def test_one_seat_steers_at_a_time_and_rank_decides(tmp_path):
    async def work():
        async with (
            Rig(tmp_path) as rig,
            rig.seat() as first,
            rig.seat(person=UUID(int=4), station="관제석 2") as second,
            rig.seat(person=UUID(int=5), station="관제석 3", rank=1) as manager,
        ):
            await first.say(move=[-0.2, 0, 0])
            await first.hear("seat", state="held")
            await second.say(move=[0.2, 0, 0])
            assert (await second.hear("refused"))["code"] == "busy"
            await manager.say(move=[0, 0.2, 0])
            await manager.hear("seat", state="held")
            assert (await first.hear("seat", state="taken"))["station"] == "관제석 3"
            await first.say(stop=True)
            assert (await first.hear("refused"))["code"] == "busy"
            assert [row["code"] for row in rig.of("recorder.ptz.refused")] == ["busy"] * len(
                rig.of("recorder.ptz.refused")
            )

    run(work())


def test_the_stick_is_free_after_its_holder_was_idle(tmp_path, monkeypatch):
    monkeypatch.setattr("gwanje.media.ptz_stick.HOLD_S", 0.3)

    async def work():
        async with Rig(tmp_path) as rig, rig.seat() as first, rig.seat(person=UUID(int=4)) as second:
            await first.say(move=[-0.2, 0, 0])
            await first.hear("seat", state="held")
            await asyncio.sleep(0.5)
            await second.say(stop=True)
            assert (await second.hear("seat"))["state"] == "held"

    run(work())


def test_a_lost_connection_stops_the_head_at_once(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig:
            async with rig.seat() as seat:
                await seat.hear("position")
                await seat.hold([-1, 0, 0], 0.6)
                await until(lambda: "move" in rig.head.log)
                seat.socket.transport.abort()
            lost = asyncio.get_running_loop().time()
            await until(lambda: rig.head.log[-1] == "stop")
            took = asyncio.get_running_loop().time() - lost
            assert took < 5 or took < 5 * support.slowness()
            # the row of what had been done is not lost with the page
            await until(lambda: rig.of("recorder.ptz.moved"))

    run(work())


def test_a_page_that_hangs_is_a_hand_that_let_go(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig, rig.seat() as seat:
            await seat.hear("position")
            await seat.say(move=[-0.3, 0, 0])
            await until(lambda: "move" in rig.head.log)
            await until(lambda: rig.head.log[-1] == "stop")

    run(work())


def test_a_head_that_does_not_answer_is_said_and_not_moved(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig, rig.seat() as seat:
            await seat.hear("position")
            rig.head.away = True
            told = len(rig.head.log)
            await seat.say(move=[-0.3, 0, 0])
            assert (await seat.hear("refused"))["code"] == "device"
            assert len(rig.head.log) == told
            rig.head.away = False
            await asyncio.sleep(1.2)
            await seat.say(move=[-0.3, 0, 0])
            await until(lambda: len(rig.head.log) > told)

    run(work())


def test_a_head_that_somebody_turned_away_is_brought_home(tmp_path):
    async def work():
        rig = Rig(tmp_path)
        rig.dome.at = (0.9, 0.0, 0.0)
        rig.watched = [CAMERA]
        async with rig:
            await until(lambda: rig.of("recorder.ptz.strayed") and rig.of("recorder.ptz.returned"), 15)
            zone = zone_of(ZONE, rig.clock.local().time())
            assert inside(zone, Spot(*rig.dome.at))

    run(work())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires": 1}, "expired"),
        ({"raw": "AAAA"}, "forged"),
        ({"raw": "%"}, "malformed"),
        ({"camera": UUID(int=77)}, "no head"),
    ],
)
def test_a_token_that_is_none_opens_nothing(tmp_path, change, code):
    async def work():
        async with Rig(tmp_path) as rig:
            async with rig.seat(**change) as seat:
                with pytest.raises(ConnectionClosed) as closed:
                    await seat.hear("never")
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.reason == code
            await until(lambda: rig.of("recorder.ptz.token.refused"))
            assert rig.head.log == []

    run(work())


@pytest.mark.parametrize(
    "message",
    [
        {"move": [2, 0, 0]}, {"move": [0, 0]}, {"move": [True, 0, 0]}, {"to": "x"}, {"goto": 7}, {"colour": "red"}, [1],
        {"token": "AAAA"}, {"goto": "x" * 101},
    ],
)  # fmt: skip
def test_a_malformed_message_ends_the_session_and_moves_nothing(tmp_path, message):
    async def work():
        async with Rig(tmp_path) as rig, rig.seat() as seat:
            await seat.hear("position")
            await seat.socket.send(json.dumps(message))
            with pytest.raises(ConnectionClosed):
                await seat.hear("never")
            assert rig.head.log == []

    run(work())


def test_another_person_cannot_go_on_with_a_session_and_a_flood_ends_it(tmp_path):
    async def work():
        async with Rig(tmp_path) as rig:
            async with rig.seat() as seat:
                await seat.hear("position")
                await seat.say(token=rig.token(person=UUID(int=8)))
                with pytest.raises(ConnectionClosed):
                    await seat.hear("never")
            async with rig.seat() as seat:
                for _ in range(ptz_desk.MESSAGES_A_SECOND + 2):
                    await seat.say(stop=True)
                with pytest.raises(ConnectionClosed):
                    await seat.hear("never")

    run(work())


def test_a_token_says_its_emergency_whole_or_not_at_all(tmp_path):
    rig = Rig(tmp_path)
    for change in ({"emergency": EMERGENCY}, {"until": 5}, {"rank": 3}):
        signed = PtzToken(CAMERA, PERSON, "s", **{"rank": 0, "expires": 9, **change}).sign(rig.key)
        with pytest.raises(ValueError, match="range"):
            PtzToken.open(signed, public_bytes(rig.key))


@pytest.mark.norm("ptz.purpose", "deny")
def test_refusal_emergency_and_return_are_seen_on_an_onvif_devices_own_side(tmp_path):
    """The real client, SOAP with a digest, a dome that keeps its own log."""

    async def work():
        dome = Dome()
        device = Device("a-1", Clock(), lambda stream: "", user="op", password="pw-1!", dome=dome)
        async with OnvifSim([device]) as sim:
            connection = {"onvif": sim.url("a-1"), "ptz": ZONE}
            rig = Rig(tmp_path)
            rig.source = replace(rig.source, device=connection)
            rig._make = lambda: onvif_head(rig.source, lambda source: Credentials("op", "pw-1!"), rig.clock)
            async with rig, rig.seat() as seat:
                await seat.hear("position", inside=True)
                await seat.say(to=[0.3, 0.3, 0.5])
                assert (await seat.hear("refused"))["code"] == "forbidden"
                assert not [what for what, _ in device.log if what in ("AbsoluteMove", "ContinuousMove")]
                await seat.say(move=[-0.5, 0, 0])
                await until(lambda: [1 for what, _ in device.log if what == "ContinuousMove"])
                await until(lambda: device.log[-1][0] == "Stop")
                assert (await seat.hear("position", moving=False))["at"][0] < 0
                until_s = rig.clock.now_s() + 4
                await seat.say(token=rig.token(rank=2, emergency=EMERGENCY, until=until_s))
                await seat.say(to=[0.3, 0.3, 0.5])
                await until(lambda: dome.at == pytest.approx((0.3, 0.3, 0.5), abs=0.02))
                await until(lambda: rig.of("recorder.ptz.returned"))
                assert dome.at == pytest.approx((0, 0, 0), abs=0.02)
            assert "pw-1!" not in str(rig.rows)

    run(work())


def test_commands_over_a_public_network_are_encrypted_or_not_given():
    source = Rig(Path("/nowhere")).source
    public = {"onvif": "http://10.0.0.9/onvif/device_service", "network": "public"}
    with pytest.raises(HeadRefused):
        onvif_head(replace(source, device=public), lambda source: None, Clock())
    assert onvif_head(replace(source, device={**public, "vpn": "tunnel 3"}), lambda source: None, Clock())
    assert onvif_head(replace(source, device={}), lambda source: None, Clock()) is None


def test_a_zone_drawn_anew_costs_no_footage():
    source = Rig(Path("/nowhere")).source
    assert same_recording(source, replace(source, version=9, device={"ptz": {"home": [0, 0, 0.1]}}))
    assert not same_recording(source, replace(source, device={"transport": "udp"}))
    assert not same_recording(source, replace(source, main_url="rtsp://10.0.0.9/"))

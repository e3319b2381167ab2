"""Playback with a real vaultd: exactly the range of the Permit is sent, and nothing is sent without one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from play_rig import BEGAN_S, CLASS, RATE, Centre, Street, centre, page, seal, text
from sim_tools import short_streets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gwanje.kernel import canonical
from gwanje.kernel.ids import uuid7
from gwanje.media.play.server import Player
from gwanje.media.play.store import Store
from gwanje.vault.client import AsyncVaultClient, VaultClient, VaultRefused
from gwanje.vault.errors import PartRefused
from gwanje.vault.parts import open_part
from gwanje.vault.segment import SegmentReader

SECONDS = 30
# keys are lent from now on: the footage lies a minute ahead, and the clock is moved past it
FIRST = BEGAN_S + 60


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Street:
    return Street.of(short_streets(tmp_path_factory.mktemp("clips"), 1, seconds=SECONDS)[0].sub)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, street: Street):
    """A centre with 30 s of footage, then a hole of 10 s, then 20 s with a spoilt second and another track."""
    with centre(tmp_path_factory.mktemp("centre")) as running:
        seal(running, street, FIRST, SECONDS)
        seal(running, street, FIRST + 40, 20, spoil=5, audio_at=8)
        running.set_time(FIRST + 120)
        yield running


@pytest.fixture(autouse=True)
def present(made: Centre) -> None:
    # the clock never goes back: vaultd would alarm, and be right
    made.set_time(max(FIRST + 120, made.home.clock.now_s()))
    (made.home.spool / "refusals" / "player.jsonl").unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def playing(made: Centre):
    client = AsyncVaultClient(made.home, "player")
    async with Player(made.home, client, port=0) as player:
        yield player
    await client.close()


def facts(made: Centre, kind: str) -> list[dict]:
    file = made.home.spool / "refusals" / "player.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [line for line in lines if line["kind"] == kind]


def opened_ticks(made: Centre) -> list[int]:
    with contextlib.closing(VaultClient(made.home, "worker")) as client:
        return [row.tick for row in client.open_log(0, 1000)]


def hello(made: Centre, permit: bytes) -> dict:
    return {"permit": text(permit), "viewer": made.viewer()}


async def test_exactly_the_permitted_seconds_are_played(made: Centre) -> None:
    first, until = FIRST + 4, FIRST + 12
    async with playing(made) as player, page(player.port, hello(made, made.permit(first, until))) as tab:
        greeting = await tab.next()
        assert greeting["cameras"] == [{"camera": str(made.camera), "stream": 0}]
        assert (greeting["first"], greeting["until"]) == (first, until)
        await tab.say(type="play", speed=4, camera=str(made.camera), at=first)
        await tab.until("end")
    frames = tab.decoded()
    assert [value for _, value in frames] == list(range(4 * RATE, 12 * RATE))
    times = [time for time, _ in frames]
    assert times[0] == pytest.approx(0, abs=0.01)
    assert times == pytest.approx([n / RATE for n in range(8 * RATE)], abs=0.001)
    assert [second // 1_000_000 for second, _ in tab.fragments] == list(range(first, until))
    assert {m["type"] for m in tab.told} == {"session", "init", "end"}
    opened = facts(made, "playback.range.opened")
    assert [(o["first"], o["until"], o["cameras"]) for o in opened] == [(first, until, [str(made.camera)])]
    assert sorted(set(opened_ticks(made))) == [s % 3600 for s in range(first, until)]


async def test_a_seek_begins_at_a_key_frame_and_never_before_the_permit(made: Centre, street: Street) -> None:
    first = FIRST + 2
    async with playing(made) as player, page(player.port, hello(made, made.permit(first, FIRST + 20))) as tab:
        await tab.say(type="play", speed=4, camera=str(made.camera), at=FIRST + 15)
        await tab.until("end")
        assert tab.decoded()[0] == (pytest.approx(13, abs=0.01), 15 * RATE)
        tab.fragments.clear()
        await tab.say(type="play", speed=4, camera=str(made.camera), at=first)
        await tab.until("init")
        for _ in range(3):
            await tab.next()
        # an order in the middle of another takes its place
        tab.fragments.clear()
        await tab.say(type="play", speed=4, camera=str(made.camera), at=FIRST + 18)
        await tab.until("end")
        assert tab.decoded()[-1][1] == 20 * RATE - 1
        for outside in (first - 1, FIRST + 20):
            await tab.say(type="play", speed=4, camera=str(made.camera), at=outside)
            assert (await tab.until("error"))["code"] == "outside"
        await tab.say(type="play", speed=4, camera=str(uuid7()), at=first)
        assert (await tab.until("error"))["code"] == "outside"
    assert [f["code"] for f in facts(made, "playback.message.refused")] == ["outside"] * 3


async def test_holes_damage_and_another_track(made: Centre) -> None:
    async with playing(made) as player, page(player.port, hello(made, made.permit(FIRST + 28, FIRST + 52))) as tab:
        await tab.say(type="play", speed=4, camera=str(made.camera), at=FIRST + 28)
        await tab.until("end")
    gaps = [(m["from"] - FIRST, m["until"] - FIRST, m["reason"]) for m in tab.told if m["type"] == "gap"]
    assert gaps == [(30, 40, "no_footage"), (45, 46, "damaged")]
    assert [s // 1_000_000 - FIRST for s, _ in tab.fragments] == [28, 29, *range(40, 45), *range(46, 52)]
    assert all(b"tfhd\x00\x02\x00\x00\x00\x00\x00\x02" not in piece for _, piece in tab.fragments), (
        "another track was sent"
    )
    frames = tab.decoded()
    assert all(value is not None for _, value in frames)
    assert len(frames) == 13 * RATE


async def test_nothing_flows_without_credit_or_while_paused(made: Centre) -> None:
    async with playing(made) as player, page(player.port, hello(made, made.permit(FIRST, FIRST + 20))) as tab:
        await tab.say(type="play", camera=str(made.camera), at=FIRST)
        with pytest.raises(TimeoutError):
            await tab.drain(1.5)
        assert len(tab.fragments) == 3
        await tab.say(type="more", n=2)
        with pytest.raises(TimeoutError):
            await tab.drain(1.5)
        assert len(tab.fragments) == 5
        await tab.say(type="more", n=1)
        await tab.say(type="pause")
        await tab.say(type="more", n=60)
        await asyncio.sleep(1)
    assert player.opened_seconds <= 12


def _altered(permit: bytes, **change: int) -> bytes:
    protected, unprotected, payload, signature = canonical.decode(permit)
    return canonical.encode(
        [protected, unprotected, canonical.encode({**canonical.decode(payload), **change}), signature]
    )


async def test_refusals_have_codes_and_ledger_rows(made: Centre) -> None:
    good = made.permit(FIRST, FIRST + 5)
    other = uuid7()
    cases = [
        ("widened", {"permit": text(_altered(good, until=FIRST + 500)), "viewer": made.viewer()}),
        ("forged", {"permit": text(canonical.encode(["no", "permit"])), "viewer": made.viewer()}),
        ("person", {"permit": text(good), "viewer": made.viewer(other)}),
        ("station", {"permit": text(good), "viewer": made.viewer(station="operator-1")}),
        ("viewer_expired", {"permit": text(good), "viewer": made.viewer(seconds=-5)}),
        ("viewer", {"permit": text(good), "viewer": text(b"nobody")}),
        ("session_unknown", {"session": text(bytes(32)), "viewer": made.viewer()}),
        ("message", {"permit": "no base64!", "viewer": made.viewer()}),
        ("message", {"viewer": made.viewer()}),
    ]
    async with playing(made) as player:
        for code, said in cases:
            async with page(player.port, said) as tab:
                answer = await tab.next()
                assert (answer["type"], answer["code"]) == ("error", code)
                assert " / " in answer["message"]
                with pytest.raises(ConnectionClosed):
                    await tab.next()
        async with page(player.port, hello(made, good)) as tab:
            assert (await tab.next())["type"] == "session"
        async with page(player.port, hello(made, good)) as tab:
            assert (await tab.next())["code"] == "reused"
        late = made.permit(FIRST, FIRST + 5, seconds=5)
        made.set_time(made.home.clock.now_s() + 6)
        async with page(player.port, hello(made, late)) as tab:
            assert (await tab.next())["code"] == "expired"
    refused = facts(made, "playback.permit.refused")
    assert [f["code"] for f in refused] == [c for c, _ in cases] + ["reused", "expired"]
    assert all(f["outcome"] == "refused" for f in refused)
    assert refused[2]["actor"] == str(other)
    assert refused[3]["station"] == "operator-1"
    assert all(text(good) not in json.dumps(f) for f in refused), "a Permit stands in the spool"


async def test_a_session_is_resumed_by_the_same_person_and_station_only(made: Centre) -> None:
    async with playing(made) as player:
        async with page(player.port, hello(made, made.permit(FIRST, FIRST + 5))) as tab:
            session = (await tab.next())["session"]
        for code, viewer in (("person", made.viewer(uuid7())), ("station", made.viewer(station="other"))):
            async with page(player.port, {"session": session, "viewer": viewer}) as tab:
                assert (await tab.next())["code"] == code
        async with page(player.port, {"session": session, "viewer": made.viewer()}) as tab:
            assert (await tab.next())["first"] == FIRST
            await tab.say(type="play", speed=4, camera=str(made.camera), at=FIRST)
            # the same session opened a second time ends the first
            async with page(player.port, {"session": session, "viewer": made.viewer()}) as second:
                assert (await second.next())["type"] == "session"
                with pytest.raises(ConnectionClosed):
                    await tab.drain()
                await second.say(type="play", speed=4, camera=str(made.camera), at=FIRST)
                await second.until("end")
                assert [v for _, v in second.decoded()] == list(range(5 * RATE))


async def test_a_session_ends_after_thirty_minutes(tmp_path: Path) -> None:
    with centre(tmp_path) as other:
        other.set_time(FIRST + 10)
        async with playing(other) as player, page(player.port, hello(other, other.permit(FIRST, FIRST + 5))) as tab:
            greeting = await tab.next()
            assert greeting["expires"] - other.home.clock.now_s() <= 1800
            other.set_time(FIRST + 10 + 1801)
            assert (await tab.until("error"))["code"] == "session_ended"


async def test_nothing_stored_is_said(made: Centre) -> None:
    async with playing(made) as player, page(player.port, hello(made, made.permit(FIRST + 70, FIRST + 80))) as tab:
        await tab.say(type="play", speed=4, camera=str(made.camera), at=FIRST + 70)
        assert (await tab.until("error"))["code"] == "no_footage"
        await tab.until("end")
    assert not tab.fragments


def test_a_file_in_another_hours_folder_is_offered_to_nobody(made: Centre, tmp_path: Path) -> None:
    (path, *_) = sorted(made.home.store.rglob("*.gws"))
    epoch, slot = int(path.parent.parent.name), int(path.parent.name)
    for folder in (epoch, epoch + 1):
        copy = tmp_path / str(CLASS) / str(folder) / str(slot) / path.name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
    store = Store(tmp_path, made.home.clock)
    try:
        assert store.at(slot, 0, FIRST)
        assert not store.at(slot, 0, FIRST + 3600)
    finally:
        store.close()


async def test_strangers_and_other_origins_do_not_get_in(made: Centre) -> None:
    async with playing(made) as player:
        with pytest.raises(InvalidStatus, match="403"):
            async with page(player.port, {}, origin="http://evil.example"):
                pass
        assert facts(made, "playback.connection.refused")[0]["code"] == "origin"
        for _ in range(70):
            with pytest.raises(InvalidStatus):
                async with page(player.port, {}, origin="http://evil.example"):
                    pass
        assert len(facts(made, "playback.connection.refused")) == 60

        def get(path: str) -> tuple[int, dict]:
            with urllib.request.urlopen(f"http://127.0.0.1:{player.port}{path}", timeout=5) as reply:
                return reply.status, json.load(reply)

        assert (await asyncio.to_thread(get, "/health"))[1]["ok"] is True
        with pytest.raises(urllib.error.HTTPError, match="404"):
            await asyncio.to_thread(get, "/store")


async def test_wrong_messages_are_told_and_too_many_end_the_connection(made: Centre) -> None:
    async with playing(made) as player, page(player.port, hello(made, made.permit(FIRST, FIRST + 5))) as tab:
        await tab.next()
        for wrong in (
            {"type": "play", "camera": "x", "at": FIRST}, {"type": "more", "n": 0}, {"type": "sing"}, {},
            {"type": "more", "n": 1, "speed": 3}, {"type": "more", "n": 1, "speed": True},
        ):  # fmt: skip
            await tab.say(**wrong)
            assert (await tab.until("error"))["code"] == "message"
        await tab.socket.send("[" * 5000)
        assert (await tab.until("error"))["code"] == "message"
        with contextlib.suppress(ConnectionClosed):
            for _ in range(300):
                await tab.say(type="pause")
        with pytest.raises(ConnectionClosed):
            await tab.drain()
        assert tab.told[-1]["code"] == "limit"


async def test_a_vaultd_that_is_away_refuses_and_comes_back(made: Centre) -> None:
    async with playing(made) as player:
        permit = made.permit(FIRST, FIRST + 5)
        made.stop()
        async with page(player.port, hello(made, permit)) as tab:
            assert (await tab.next())["code"] == "away"
        made.start()
        async with page(player.port, hello(made, permit)) as tab:
            assert (await tab.next())["type"] == "session"
            await tab.say(type="play", speed=4, camera=str(made.camera), at=FIRST)
            await tab.until("end")
            assert len(tab.decoded()) == 5 * RATE


async def test_a_second_that_begins_inside_a_group_of_pictures_starts_at_its_key_frame(
    tmp_path: Path, street: Street
) -> None:
    with centre(tmp_path) as other:
        seal(other, street, FIRST, 6, late_key=5)
        other.set_time(FIRST + 60)
        async with playing(other) as player, page(player.port, hello(other, other.permit(FIRST + 2, FIRST + 4))) as tab:
            await tab.say(type="play", speed=4, camera=str(other.camera), at=FIRST + 3)
            await tab.until("end")
        shown = [v for _, v in tab.decoded()]
        # the key frame of the second before shows the whole second asked for
        assert shown == list(range(2 * RATE, 4 * RATE - 5))
        async with playing(other) as player, page(player.port, hello(other, other.permit(FIRST + 3, FIRST + 4))) as tab:
            await tab.say(type="play", speed=4, camera=str(other.camera), at=FIRST + 3)
            await tab.until("end")
    assert [v for _, v in tab.decoded()] == list(range(3 * RATE, 4 * RATE - 5)), "before the Permit's first second"


async def test_destroyed_hours_are_said_to_be_destroyed(tmp_path: Path, street: Street) -> None:
    with centre(tmp_path) as other:
        seal(other, street, FIRST, 4)
        other.set_time(FIRST + 60)
        other.set_time(FIRST + 31 * 86400)
        with contextlib.closing(VaultClient(other.home, "worker")) as client:
            gone = client.destroy_due()
        assert [(d.class_, d.epoch) for d in gone] == [(CLASS, FIRST // 3600)]
        async with playing(other) as player, page(player.port, hello(other, other.permit(FIRST, FIRST + 4))) as tab:
            await tab.say(type="play", speed=4, camera=str(other.camera), at=FIRST)
            assert (await tab.until("error"))["code"] == "destroyed"
            await tab.until("end")
        assert not tab.fragments


class Listening(AsyncVaultClient):
    """A vault client that keeps every key it was lent."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.lent: dict[int, dict[bytes, bytes]] = {}

    async def open_ticks(self, session, class_, slot, epoch, seconds):
        keys = await super().open_ticks(session, class_, slot, epoch, seconds)
        # the player overwrites what it has used
        for (tick, _), lent in zip(seconds, keys, strict=True):
            self.lent[tick] = {segment: bytes(okm) for segment, okm in lent.items()}
        return keys


async def test_the_keys_lent_open_no_second_but_their_own(made: Centre) -> None:
    """Tried on the keys, not on the page: every lent key against every part of the file."""
    first, until = FIRST + 6, FIRST + 9
    client = Listening(made.home, "player")
    async with (
        Player(made.home, client, port=0) as player,
        page(player.port, hello(made, made.permit(first, until))) as tab,
    ):
        await tab.say(type="play", speed=4, camera=str(made.camera), at=first)
        await tab.until("end")
    await client.close()
    assert sorted(client.lent) == [s % 3600 for s in range(first, until)]
    path = min((made.home.store / str(CLASS) / str(FIRST // 3600) / str(made.slot)).glob("*.gws"))
    opened = refused = 0
    with SegmentReader(path) as reader:
        for tick, keys in client.lent.items():
            material = keys[reader.segment_id]
            for part in reader.parts:
                try:
                    open_part(material, reader.segment_id, reader.read(part))
                    opened += 1
                    assert part.header.tick == tick
                except PartRefused:
                    refused += 1
                    assert part.header.tick != tick
                # neither does it open when the commitment is forged to fit the key
                if part.header.tick != tick:
                    data = bytearray(reader.read(part))
                    data[32:64] = material[32:64]
                    with pytest.raises(PartRefused, match="tag"):
                        open_part(material, reader.segment_id, bytes(data))
    assert (opened, refused) == (3 * 2, 3 * 2 * (SECONDS - 1))
    with pytest.raises(VaultRefused, match=r"."), contextlib.closing(VaultClient(made.home, "player")) as other:
        other.open_tick(bytes(32), CLASS, made.slot, first // 3600, first % 3600, [reader.segment_id])


async def test_a_session_opens_nothing_outside_at_vaultd_itself(made: Centre) -> None:
    """The player could ask for more than it should: vaultd says no."""
    client = AsyncVaultClient(made.home, "player")
    first, until = FIRST + 6, FIRST + 9
    session = await client.redeem(made.permit(first, until), base64.urlsafe_b64decode(made.viewer() + "=="))
    for second, slot in ((first - 1, made.slot), (until, made.slot), (first, made.slot + 1)):
        with pytest.raises(VaultRefused) as refused:
            await client.open_ticks(session.session, CLASS, slot, second // 3600, [(second % 3600, [bytes(32)])])
        assert refused.value.code == "outside"
    before = len(opened_ticks(made))
    several = [(second % 3600, [bytes(32)]) for second in range(first, until + 1)]
    with pytest.raises(VaultRefused) as refused:
        await client.open_ticks(session.session, CLASS, made.slot, first // 3600, several)
    assert refused.value.code == "outside"
    with pytest.raises(VaultRefused) as refused:
        await client.open_ticks(session.session, CLASS, made.slot, first // 3600, several[:1] * 13)
    assert refused.value.code == "limit"
    assert len(opened_ticks(made)) == before, "one second that may not be opened refuses all, and none is logged"
    lent = await client.open_ticks(session.session, CLASS, made.slot, first // 3600, several[:-1])
    assert opened_ticks(made)[before:] == [tick for tick, _ in several[:-1]], "a row for each second, in order"
    assert len({bytes(okm[bytes(32)]) for okm in lent}) == len(several) - 1
    await client.close()

"""Playback out of a real object store: exactly the permitted seconds, few requests, and an away store is said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time

import pytest

from gwanje.media.play.server import Player
from gwanje.media.play.store import Store
from gwanje.media.uploader import Uploader
from gwanje.vault.client import AsyncVaultClient
from gwanje.vault.store import StoreAway
from gwanje.vault.store_s3 import S3Shelf
from tests.media.play_rig import BEGAN_S, RATE, Street, centre, page, seal, text
from tests.media.sim_tools import short_streets
from tests.vault.sealed_rig import EPOCH, leave_alone
from tests.vault.sealed_rig import seal as plain

pytestmark = pytest.mark.s3
FIRST = BEGAN_S + 60


@pytest.fixture
def made(tmp_path, bucket):
    street = Street.of(short_streets(tmp_path, 1, seconds=20)[0].sub)
    with centre(tmp_path / "centre") as running:
        home = running.home
        config = {**home.config, "store": {n: getattr(bucket, n) for n in ("endpoint", "bucket", "prefix")}}
        home.config_file.write_text(json.dumps(config))
        account = home.secrets / "s3.json"
        account.touch(mode=0o600)
        account.write_text(json.dumps({"access_key_id": bucket.access_key, "secret_access_key": bucket.secret_key}))
        # every process reads the config once
        home.__dict__.pop("config")
        paths = [leave_alone(seal(running, street, FIRST + n, 20)) for n in (0, 20)]
        assert Uploader(home.store, S3Shelf(bucket, home.store), lambda *_: None).round()
        # the newest stays on the disk: playback goes over the seam between the two
        assert [path.exists() for path in paths] == [False, True]
        running.set_time(FIRST + 120)
        yield running


@contextlib.asynccontextmanager
async def playing(made, first, until):
    client = AsyncVaultClient(made.home, "player")
    hello = {"permit": text(made.permit(first, until)), "viewer": made.viewer()}
    async with Player(made.home, client, port=0) as player, page(player.port, hello) as tab:
        await tab.next()
        yield tab
    await client.close()


def test_played_across_the_seam_and_said_when_away(made, node):
    values, told, fragments = asyncio.run(_played_across_the_seam(made, node))
    # each file is its own run of the street: 14-19 of the first, 0-5 of the second
    assert values == [*range(14 * RATE, 20 * RATE), *range(6 * RATE)]
    assert told["code"] == "store_away"
    assert not fragments


async def _played_across_the_seam(made, node):
    first, until = FIRST + 14, FIRST + 26
    async with playing(made, first, until) as tab:
        await tab.say(type="play", speed=4, camera=str(made.camera), at=first)
        await tab.until("end")
    values = [value for _, value in tab.decoded()]
    made.set_time(FIRST + 150)
    with node.hung():
        async with playing(made, FIRST + 2, FIRST + 5) as tab:
            await tab.say(type="play", speed=4, camera=str(made.camera), at=FIRST + 2)
            told = await asyncio.wait_for(tab.until("error"), 30)
    return values, told, tab.fragments


def test_a_second_costs_few_requests(bucket, store, capsys):
    """250 kB a second as 2 Mbit/s have, five minutes; figures are printed, not judged."""
    paths = [leave_alone(plain(store, slot=n, seconds=300, size=250_000)) for n in range(1, 5)]
    newer = [leave_alone(plain(store, slot=n, first=500, seconds=1)) for n in range(1, 5)]
    shelf = S3Shelf(bucket, store)
    began = time.perf_counter()
    assert Uploader(store, shelf, lambda *_: None).round()
    took = time.perf_counter() - began
    assert not any(path.exists() for path in paths)
    assert all(path.exists() for path in newer)
    cold = []
    from gwanje.kernel.clock import Clock

    for n in range(40):
        reader = Store(store, Clock(), [shelf])
        slot, second = n % 4 + 1, EPOCH * 3600 + 100 + (n * 37) % 300
        began = time.perf_counter()
        (sealed,) = reader.at(slot, 0, second)
        data = [sealed.reader.read(part) for part in sealed.parts]
        cold.append((time.perf_counter() - began) * 1000)
        assert [len(one) > 500 for one in data] == [True, True]
        reader.close()
    cold.sort()
    with capsys.disabled():
        print(f"\n4 files of 75 MB put, read back, gone: {took:.1f} s, {4 * 75 * 8 / took:.0f} Mbit/s; "
              f"cold second: median {cold[20]:.0f} ms, p95 {cold[37]:.0f} ms")  # fmt: skip


def test_an_away_store_is_not_an_empty_one(bucket, store, node):
    from gwanje.kernel.clock import Clock

    leave_alone(plain(store, slot=1))
    near = leave_alone(plain(store, slot=1, first=500))
    shelf = S3Shelf(bucket, store, retries=0, timeout_s=1)
    assert Uploader(store, shelf, lambda *_: None).round()
    assert near.exists()
    reader = Store(store, Clock(), [shelf])
    with node.hung():
        with pytest.raises(StoreAway):
            reader.at(1, 0, EPOCH * 3600 + 101)
        assert reader.at(1, 0, EPOCH * 3600 + 501), "what lies on the disk is shown all the same"
        with pytest.raises(StoreAway):
            reader.next_second(1, 0, EPOCH * 3600 + 101, EPOCH * 3600 + 110)
    reader.close()

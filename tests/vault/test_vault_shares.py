"""Lending beyond a recorder's share: a fleet's failures pass at once, one key that wants the city is slow and named."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from gwanje.kernel.cose import key_id
from gwanje.vault.errors import VaultError
from gwanje.vault.shares import NAMED_MAX, SPARE, TELL_S, Shares


class City:
    """So many cameras and recorders, all lent for one hour."""

    def __init__(self, cameras, recorders):
        self.cameras = [uuid4().bytes for _ in range(cameras)]
        self.keys = [bytes([n]) * 32 for n in range(1, recorders + 1)]
        self.shares = Shares(lambda: cameras)
        self.facts = []
        for slot in range(cameras):
            self.take(self.keys[slot % recorders], slot, 0.0)

    def take(self, key, slot, now, epoch=100):
        try:
            self.shares.take(key, slot, epoch, self.cameras[slot], now)
        except VaultError:
            return False
        return True

    def told(self, now):
        self.shares.tell(now, lambda kind, detail: self.facts.append((kind, detail)))
        return self.facts


@pytest.mark.parametrize(("cameras", "recorders"), [(60, 1), (180, 2), (180, 3), (2362, 4)])
def test_in_a_small_fleet_the_last_recorder_gets_every_camera_at_once(cameras, recorders):
    city = City(cameras, recorders)
    last = city.keys[0]
    assert all(city.take(last, slot, 120.0) for slot in range(cameras))
    taken = [detail for kind, detail in city.told(120.0) if kind == "vault.lend.taken"]
    assert sum(detail["count"] for detail in taken) == cameras - len(range(0, cameras, recorders))
    assert {detail["recorder"] for detail in taken} <= {key_id(last).hex()}


def test_two_of_fifty_nodes_die_and_nobody_waits():
    city = City(16_600, 50)
    dead = [slot for slot in range(16_600) if slot % 50 in (0, 1)]
    assert all(city.take(city.keys[2 + number % 48], slot, 60.0) for number, slot in enumerate(dead))


def test_one_key_that_wants_the_whole_city_is_lent_three_shares_and_then_one_a_minute():
    city = City(5000, 50)
    thief = b"t" * 32
    had = sum(city.take(thief, slot, 10.0) for slot in range(5000))
    with pytest.raises(VaultError, match="share") as refused:
        city.shares.take(thief, 4999, 100, city.cameras[4999], 10.0)
    assert refused.value.code == "lend_share"
    share = 5000 / 51
    assert had <= 3 * 100 + SPARE
    more = sum(city.take(thief, slot, 10.0 + 60.0) for slot in range(had, 5000))
    assert share * 0.9 <= more <= 125, "a share a minute, or two cameras a second in a small city"
    facts = dict(city.told(80.0))
    told = facts["vault.lend.refused"]
    assert (told["outcome"], told["recorder"]) == ("refused", key_id(thief).hex())
    assert told["count"] > 4000
    assert len(told["cameras"]) == NAMED_MAX
    assert isinstance(told["cameras"][0], UUID)
    assert [kind for kind, _ in city.facts].count("vault.lend.taken") == 50, "one for each recorder it took from"


def test_what_one_has_costs_nothing_and_facts_are_gathered():
    city = City(200, 50)
    first = city.keys[0]
    assert all(city.take(first, slot, 1.0) for _ in range(500) for slot in (0, 50, 100, 150))
    assert city.told(1.0) == [], "nothing moved"
    assert city.take(first, 1, 2.0)
    assert len(city.told(2.0)) == 1
    assert city.take(first, 2, 2.1)
    assert len(city.told(2.1)) == 1, "the next only after a while"
    assert len(city.told(2.1 + TELL_S)) == 2


def test_hours_that_are_over_are_forgotten():
    city = City(100, 2)
    for epoch in range(101, 130):
        assert city.take(city.keys[0], 5, 100.0 * epoch, epoch)
    assert len(city.shares._holder) <= 2
    assert city.shares.share() == 100, "who recorded long ago is not counted among those that record"

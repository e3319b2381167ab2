"""The viewing station as a norm of its own: named by its article where there is one, by the general ban elsewhere."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from gwanje.centre.playback import rules
from gwanje.kernel.actor import Actor
from gwanje.law import load
from support.staff import law

ON = date(2026, 11, 21)
RULED, PLAIN = law().on(ON), load(["kr_national", "kr_anyang"]).on(ON)
VIEW = {"requester": True, "approved": False, "expired": False}


def seated(today, playback, station="관제석-1"):
    actor = Actor(UUID(int=1), "김신청", frozenset({"manager"}), UUID(int=2), station, on_duty=True)
    decision = rules.seat(actor, None, {"law": today, "view": {**VIEW, "approved": True, "station_playback": playback}})
    return decision.allow, [r.code for r in decision.reasons], "playback.station" in decision.norms


@pytest.mark.norm("playback.station", "deny")
def test_an_ordinary_station_opens_nothing_and_says_by_which_norm():
    assert seated(RULED, False) == (False, ["not_a_viewing_station"], True)
    facts = {"station": "", "station_playback": True}
    assert [r.code for r in rules.viewing_station(facts, RULED).reasons] == ["not_a_viewing_station"]


@pytest.mark.norm("playback.station", "allow")
def test_the_viewing_room_opens():
    assert seated(RULED, True, "열람실-1") == (True, [], True)


def test_a_city_without_the_article_refuses_by_the_general_ban():
    assert seated(PLAIN, False) == (False, ["station"], False)
    assert seated(PLAIN, True, "열람실-1") == (True, [], False)

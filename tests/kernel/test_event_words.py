"""Every alarm that a service without a page raises says in words what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import gwanje
from gwanje.apps.worker import ALARMED
from gwanje.kernel.event_words import WORDS, worded
from gwanje.kernel.events import Event

SOURCE = Path(gwanje.__file__).parent
RAISED = re.compile(r'_alarm\(\s*(?:connection,\s*)?"([a-z_.]+)"')
EMITTED = re.compile(r'Event\("([a-z_.]+)", "worker"')


def test_every_alarm_of_a_service_has_words_and_no_word_is_orphaned() -> None:
    raised: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        raised |= {*RAISED.findall(text), *EMITTED.findall(text)}
    assert len(raised) >= 9
    # facts of the key service that the worker raises as they come
    assert raised | set(ALARMED) == set(WORDS)


def test_words_reach_the_browser_and_a_senders_own_words_stay() -> None:
    plain = Event("store.filling", "uploader", 3, body={"free": 1}).as_json()["body"]
    assert plain["free"] == 1
    assert plain["ko"] == WORDS["store.filling"][0]
    assert worded("store.filling", {"ko": "다른 말"})["ko"] == "다른 말"
    assert worded("camera.motion", {"a": 1}) == {"a": 1}

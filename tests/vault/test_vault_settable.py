"""A settable clock is for folders made for tests: nobody makes an ordinary one settable afterwards to destroy early."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest_vault import make, opened

from gwanje.kernel.home import Home
from gwanje.vault.keystore import Keystore

MONTH_US = 31 * 86400 * 1_000_000


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_an_ordinary_folder_made_settable_destroys_nothing_and_alarms(tmp_path: Path) -> None:
    place = make(tmp_path / "c")
    vault = opened(place.home)
    vault.set_class(1, "days", 30, "제31조제1항")
    (slot,) = vault.slots([place.camera])
    vault.lend(1, slot, vault.clock.now_s() // 3600)
    vault.close()
    file = place.home.config_file
    file.write_text(json.dumps({**json.loads(file.read_text()), "clock": "settable"}))
    home = Home(place.home.root)
    home.clock.set_offset(MONTH_US)
    vault = opened(home)
    assert vault.destroy_due() == []
    assert "settable" in (vault.state.alarm or "")
    assert len(vault.state.roots) == 1
    vault.close()
    vault = opened(Home(place.home.root))
    assert vault.destroy_due() == []
    vault.close()


def test_a_folder_made_settable_stays_what_it_is(tmp_path: Path) -> None:
    place = make(tmp_path / "c", settable=True)
    vault = opened(place.home)
    assert (vault.state.settable, vault.state.alarm) == (True, None)
    vault.close()


def test_a_keystore_that_does_not_know_takes_what_it_finds_once(tmp_path: Path) -> None:
    place = make(tmp_path / "c", settable=True)
    vault = opened(place.home)
    with vault.change() as draft:
        draft.settable = None
    vault.close()
    vault = opened(place.home)
    assert (vault.state.settable, vault.state.alarm) == (True, None)
    body = vault.state.body()
    del body["settable"]
    assert replace(vault.state).of(body).settable is None
    assert isinstance(vault.keystore, Keystore)
    vault.close()

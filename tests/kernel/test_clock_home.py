"""Clock, data folder, ids, service keys."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pytest

from gwanje.kernel import keys
from gwanje.kernel.clock import Clock, ClockStep
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7


def test_settable_only_where_made_for_tests(tmp_path: Path) -> None:
    ordinary = Home.create(tmp_path / "a")
    with pytest.raises(PermissionError):
        ordinary.clock.set_offset(1)
    settable = Home.create(tmp_path / "b", settable_clock=True)
    before = settable.clock.now_s()
    settable.clock.set_offset(31 * 86400 * 1_000_000)
    assert abs(settable.clock.now_s() - before - 31 * 86400) <= 1
    # another process of the folder sees the same time
    assert abs(Home(settable.root).clock.now_us() - settable.clock.now_us()) < 1_000_000
    # setting it is not a step of the wall clock
    settable.clock.guard()


def test_ticks_never_go_back(tmp_path: Path) -> None:
    clock = Home.create(tmp_path, settable_clock=True).clock
    first = clock.tick_us()
    clock.set_offset(-10_000_000)
    assert clock.now_us() < first <= clock.tick_us()


def test_a_step_of_the_wall_clock_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    clock.guard()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 61 * 10**9)
    with pytest.raises(ClockStep):
        clock.guard()
    clock.accept()
    clock.guard()


def test_home_keeps_its_identity_and_modes(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "h")
    again = Home.create(tmp_path / "h", settable_clock=True, port=9)
    assert (again.centre, again.port, again.clock.settable) == (home.centre, 8800, False)
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    deep = Home.create(tmp_path / ("x" * 90) / "y")
    assert len(str(deep.socket("vaultd"))) < 108
    os.rmdir(deep.run)


def test_sockets_are_not_put_where_a_stranger_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the system's temporary folder anybody may have made the name first."""
    shared, lure = tmp_path / "shared", tmp_path / "lure"
    shared.mkdir()
    lure.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(shared))
    deep = Home.create(tmp_path / ("x" * 90) / "y")
    name = deep.run
    os.rmdir(name)
    name.symlink_to(lure)
    with pytest.raises(PermissionError):
        _ = Home(deep.root).run
    name.unlink()
    name.mkdir()
    name.chmod(0o777)
    with pytest.raises(PermissionError):
        _ = Home(deep.root).run
    name.chmod(0o700)
    assert Home(deep.root).run == name


def test_service_keys_are_made_once_and_private(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    with pytest.raises(FileNotFoundError):
        keys.signing_key(home, "web")
    first = keys.signing_key(home, "web", create=True)
    assert keys.raw_public(keys.signing_key(home, "web", create=True)) == keys.raw_public(first)
    assert stat.S_IMODE((home.secrets / "web.key").stat().st_mode) == 0o600
    keys.publish(home, "web")
    assert keys.public_key(home, "web") == keys.raw_public(first)
    assert json.loads(home.config_file.read_text())["version"] == 1


def test_uuid7_is_ordered_and_says_seven() -> None:
    made = [uuid7() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {u.version for u in made} == {7}
    assert uuid7(1_000).int >> 80 == 1_000

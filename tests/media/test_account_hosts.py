"""An account is told to the hosts it was typed for: a row that names another address gets nothing out of a recorder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from rig import source

from gwanje.apps.recorder import Desk
from gwanje.kernel import accounts, keys
from gwanje.kernel.accounts import AccountOfAnotherHost
from gwanje.kernel.home import Home
from gwanje.vault import sealed


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Home.create(tmp_path / "h"))


def box_of(desk: Desk, camera: UUID, *urls: str) -> bytes:
    key = keys.raw_public(keys.sealing_key(desk._home, "recorder"))
    return sealed.seal_to(key, accounts.account("admin", "비밀:1", accounts.hosts_of(*urls)), camera.bytes)


def test_the_account_goes_to_its_own_hosts_and_to_no_other(desk: Desk) -> None:
    import base64

    at = source(1, "rtsp://10.0.0.7/main", "rtsp://10.0.0.7:8554/sub")
    box = box_of(desk, at.camera, at.main_url, at.sub_url, "http://10.0.0.8/onvif")
    at = replace(at, sealed={str(desk.recorder): base64.b64encode(box).decode()})
    opened = desk.unseal(at)
    assert opened is not None
    assert (opened.user, opened.password) == ("admin", "비밀:1")
    for fine in (replace(at, sub_url=""), replace(at, device={"onvif": "http://10.0.0.8/x"})):
        assert desk.unseal(fine) == opened
    assert desk.open_account(box, at.camera, "http://10.0.0.8:8080/onvif") == opened
    moved = [
        replace(at, main_url="rtsp://10.0.0.9/main"), replace(at, sub_url="http://10.0.0.9/"),
        replace(at, device={"onvif": "http://10.0.0.9/onvif"}), replace(at, main_url="rtsp://10.0.0.7.evil.example/"),
    ]  # fmt: skip
    for elsewhere in moved:
        with pytest.raises(AccountOfAnotherHost) as refused:
            desk.unseal(elsewhere)
        assert "비밀" not in str(refused.value)
    with pytest.raises(AccountOfAnotherHost):
        desk.open_account(box, at.camera, "http://10.0.0.9/onvif")


def test_an_account_typed_before_any_address_and_one_of_the_older_form_are_bound_to_none(desk: Desk) -> None:
    camera = UUID(int=1)
    assert desk.open_account(box_of(desk, camera), camera, "http://10.0.0.9/").user == "admin"
    key = keys.raw_public(keys.sealing_key(desk._home, "recorder"))
    old = sealed.seal_to(key, b"admin:word", camera.bytes)
    assert desk.open_account(old, camera, "http://10.0.0.9/").password == "word"


def test_a_slot_for_a_newcomer_keeps_the_hosts(desk: Desk, tmp_path: Path) -> None:
    camera = UUID(int=1)
    newcomer = Desk(Home.create(tmp_path / "n"))
    key = keys.raw_public(keys.sealing_key(newcomer._home, "recorder"))
    again = desk.reseal(box_of(desk, camera, "rtsp://10.0.0.7/x"), camera, key)
    assert newcomer.open_account(again, camera, "http://10.0.0.7/").user == "admin"
    with pytest.raises(AccountOfAnotherHost):
        newcomer.open_account(again, camera, "http://10.0.0.9/")

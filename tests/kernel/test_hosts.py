"""Addresses of a centre: what a browser may open its sockets from, and what is no address."""

from __future__ import annotations

import pytest

from gwanje.kernel.home import Home
from gwanje.kernel.hosts import (
    BadOrigin,
    named_origins,
    page_hosts,
    page_origins,
    secure_cookies,
    sign_origin,
    socket_origin,
    socket_origins,
)


@pytest.fixture
def at(tmp_path, monkeypatch):
    monkeypatch.delenv("GWANJE_PORT", raising=False)
    return lambda **settings: Home.create(tmp_path / "centre", port=8800, **settings)


def test_without_a_name_it_is_localhost_and_nothing_else(at):
    home = at()
    assert page_origins(home) == ("http://localhost:8800", "http://127.0.0.1:8800")
    assert page_hosts(home) == ("localhost", "127.0.0.1")
    assert set(socket_origins(home)) == {
        f"ws://{host}:{port}" for host in ("localhost", "127.0.0.1") for port in (8801, 8802)
    }


def test_a_centre_behind_a_proxy_has_its_name_and_its_sockets(at):
    home = at(
        origins=["https://cctv.gaon.example", "http://10.0.0.5:8800", "http://[fd00::5]:8800"],
        live_url="wss://cctv.gaon.example/live", play_url="wss://play.gaon.example:8443/play",
    )  # fmt: skip
    assert page_origins(home)[2:] == named_origins(home)
    assert page_hosts(home)[2:] == ("cctv.gaon.example", "10.0.0.5", "[fd00::5]")
    sockets = socket_origins(home)
    assert {"wss://cctv.gaon.example", "wss://play.gaon.example:8443", "ws://10.0.0.5:8801"} <= set(sockets)
    assert "ws://[fd00::5]:8802" in sockets
    # behind TLS a plain socket is no way in
    assert "ws://cctv.gaon.example:8801" not in sockets


@pytest.mark.parametrize(
    "wrong",
    ["*", "null", "https://*.gaon.example", "https://gaon.example/", "gaon.example", "HTTPS://gaon.example",
     "https://a.example; script-src *", "https://user@gaon.example", "ws://gaon.example", 7, ["https://a.example"]],
)  # fmt: skip
def test_what_is_no_origin_is_refused_in_words(at, wrong):
    with pytest.raises(BadOrigin) as refused:
        page_origins(at(origins=[wrong]))
    assert "주소가 아닙니다" in str(refused.value)
    assert "no address" in str(refused.value)


def test_a_socket_of_another_form_does_not_reach_the_policy(at):
    assert socket_origin("ws://10.0.0.1:8801/live") == "ws://10.0.0.1:8801"
    for wrong in ("ws://x; script-src *", "http://a/live", "ws://", "ws://a:b", "ws://*/"):
        assert socket_origin(wrong) is None
    with pytest.raises(BadOrigin):
        socket_origins(at(play_url="ws://x; script-src *"))


def test_there_is_an_end_to_the_list(at):
    with pytest.raises(BadOrigin):
        named_origins(at(origins=[f"https://a{n}.example" for n in range(17)]))


@pytest.mark.parametrize(
    ("settings", "secure"),
    [
        ({}, False),
        ({"origins": ["https://cctv.gaon.example"]}, True),
        ({"origins": ["https://cctv.gaon.example", "http://10.0.0.5:8800"]}, False),
        ({"secure_cookies": True}, True),
        ({"origins": ["https://cctv.gaon.example"], "secure_cookies": False}, False),
    ],
)
def test_cookies_are_for_tls_where_every_named_address_is(at, settings, secure):
    assert secure_cookies(at(**settings)) is secure


def test_a_wrong_setting_for_cookies_is_said(at):
    with pytest.raises(ValueError, match="true나 false"):
        secure_cookies(at(secure_cookies="yes"))


def test_officers_sign_on_an_origin_of_their_own(at):
    assert sign_origin(at()) == "http://localhost:8803"
    assert sign_origin(Home.create(at().root.with_name("b"), port=9, sign_url="https://sign.gaon.example")).endswith(
        "//sign.gaon.example"
    )


@pytest.mark.parametrize(
    "wrong",
    ["http://sign.gaon.example", "https://10.0.0.5", "https://[fd00::5]:8803", "http://127.0.0.1:8803",
     "https://sign.gaon.example/sign", "", 7],
)  # fmt: skip
def test_where_no_browser_would_sign_is_no_place_to_sign(at, wrong):
    with pytest.raises(BadOrigin, match="sign_url"):
        sign_origin(at(sign_url=wrong))

"""Where a recorder may connect: every spelling of what is never spoken to, and the two sides of each rule."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from gwanje.kernel.home import Home
from gwanje.kernel.reach import WORDS, BadReach, Reach, Unreachable, is_own, literal

ANY = Reach(networks=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")), loopback=True)


def refusal(reach, text, port=554, own=False):
    return reach.refusal(literal(text), port, own=own)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0.0.0", "unspecified"), ("::", "unspecified"), ("0", "unspecified"), ("0.1.2.3", "reserved"),
        ("169.254.169.254", "link_local"), ("fe80::1%eth0", "link_local"), ("[fe80::1]", "link_local"),
        ("0xa9fea9fe", "link_local"), ("2852039166", "link_local"), ("169.254.43518", "link_local"),
        ("::ffff:169.254.169.254", "link_local"), ("64:ff9b::a9fe:a9fe", "link_local"),
        ("2002:a9fe:a9fe::1", "link_local"), ("239.255.255.250", "multicast"), ("ff02::1", "multicast"),
        ("255.255.255.255", "reserved"), ("240.0.0.1", "reserved"), ("100.100.100.200", "metadata"),
        ("fd00:ec2::254", "metadata"), ("168.63.129.16", "metadata"), ("::ffff:100.100.100.200", "metadata"),
    ],
)  # fmt: skip
def test_what_is_never_connected_to_whatever_is_listed(text, why):
    assert refusal(ANY, text) == why
    assert refusal(Reach(), text) == why
    assert why in WORDS


def test_private_networks_by_default_others_only_when_listed_loopback_only_by_its_own_setting():
    default, listed = Reach(), Reach(networks=(ipaddress.ip_network("203.0.113.0/24"),))
    for text in ("10.1.2.3", "172.16.0.9", "172.31.255.1", "192.168.0.2", "100.64.3.4", "fd12::7", "::ffff:10.0.0.1"):
        assert refusal(default, text) == "", text
        assert refusal(listed, text) == "network", text
    for text in ("8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "203.0.113.9", "::ffff:8.8.8.8"):
        assert refusal(default, text) == "network", text
    assert refusal(listed, "203.0.113.9") == ""
    for text in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "127.1", "0x7f000001", "2130706433"):
        assert refusal(default, text) == "loopback", text
        assert refusal(Reach(networks=ANY.networks), text) == "loopback", "a listed network does not open loopback"
        assert refusal(Reach(loopback=True), text) == "", text
    assert refusal(default, "10.1.2.3", own=True) == "loopback"


def test_the_centres_own_services_are_refused_on_every_address_of_its_own_and_elsewhere():
    reach = Reach(loopback=True, ports=frozenset({8800, 8801}), places=frozenset({("10.0.0.5", 5432)}))
    for text in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert refusal(reach, text, 8801) == "own_service"
        assert refusal(reach, text, 8820) == ""
    assert refusal(reach, "192.168.3.4", 8800, own=True) == "own_service"
    assert refusal(reach, "192.168.3.4", 8800) == "", "another machine's port of that number is a camera's"
    assert refusal(reach, "10.0.0.5", 5432) == "own_service"
    assert refusal(reach, "::ffff:10.0.0.5", 5432) == "own_service"
    assert refusal(reach, "10.0.0.5", 554) == ""


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.1", "", "x" * 254])
def test_names_of_this_machine_are_judged_at_once_and_others_when_they_are_resolved(host):
    with pytest.raises(Unreachable) as refused:
        Reach().check_host(host, 554)
    assert refused.value.ko
    assert not host or host not in str(refused.value)
    Reach().check_host("cam-17.gaon.example", 554)


def test_of_a_names_addresses_the_first_that_may_be_is_taken_and_one_that_rebinds_is_refused():
    reach = Reach()
    assert reach.choose([("8.8.8.8", 554), ("10.0.0.7", 554)]) == 1
    with pytest.raises(Unreachable, match="link-local"):
        reach.choose([("169.254.169.254", 80), ("127.0.0.1", 80)])
    with pytest.raises(Unreachable):
        reach.choose([])


def test_the_configuration_says_it_and_what_is_no_network_stops_the_start(tmp_path, monkeypatch):
    monkeypatch.setenv("GWANJE_DATABASE_URL", "postgresql://u:p@127.0.0.1:15432/gwanje")
    home = Home.create(
        tmp_path / "a", port=9000, camera_networks=["203.0.113.0/24"], vault_listen={"host": "0.0.0.0", "port": 9444},
        vaultd={"host": "10.7.7.7", "port": 9445}, store={"endpoint": "http://127.0.0.1:7480"},
    )  # fmt: skip
    reach = Reach.of(home)
    assert not reach.loopback
    assert {9000, 9001, 9002, 9444, 15432, 7480} <= reach.ports
    assert refusal(reach, "10.7.7.7", 9445) == "own_service"
    assert Reach.from_json(reach.as_json()) == reach
    assert Reach.of(Home.create(tmp_path / "demo", demo=True)).loopback
    assert not Reach.of(Home.create(tmp_path / "closed", demo=True, camera_loopback=False)).loopback
    bad = [
        {"camera_networks": "10.0.0.0/8"}, {"camera_networks": ["10.0.0.1/8"]}, {"camera_networks": ["cams"]},
        {"camera_networks": ["10.0.0.0/8"] * 300}, {"camera_loopback": "yes"}, {"camera_files": "clips"},
    ]  # fmt: skip
    for number, said in enumerate(bad):
        with pytest.raises(BadReach, match=next(iter(said))):
            Reach.of(Home.create(tmp_path / f"bad{number}", **said))


def test_this_machines_own_addresses_are_known():
    assert is_own(literal("127.0.0.1"))
    assert is_own(literal("::ffff:127.0.0.1"))
    assert not is_own(literal("192.0.2.55"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # nothing is sent: the kernel only says from where it would
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no route and no address but loopback")
        own = probe.getsockname()[0]
    assert is_own(literal(own))

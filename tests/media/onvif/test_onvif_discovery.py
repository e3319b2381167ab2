"""WS-Discovery by real datagrams: one device by itself, a network by multicast, a flood, and what is no answer."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from gwanje.media.onvif import discovery, tasks
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.sim.onvif import OnvifSim
from gwanje.media.sim.onvif_device import Device

MATCH = (
    '<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header><w:RelatesTo>uuid:{message}</w:RelatesTo>'
    "</e:Header><e:Body><d:ProbeMatches><d:ProbeMatch><w:EndpointReference><w:Address>urn:uuid:{number}</w:Address>"
    "</w:EndpointReference><d:Scopes>onvif://www.onvif.org/name/SIM%20DOME "
    "onvif://www.onvif.org/hardware/DOME-1 onvif://www.onvif.org/location/street</d:Scopes>"
    "<d:XAddrs>{address}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
)


def match(message: str, number: int = 1, address: str = "http://10.9.9.9:8080/onvif/device_service") -> bytes:
    return MATCH.format(message=message, number=number, address=address).encode()


@contextmanager
def responder(answers: Callable[[str], list[bytes]], group: str = "") -> Iterator[int]:
    """A device at 127.0.0.1 that answers each probe; member of a multicast group when one is given."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((group or "127.0.0.1", 0))
    if group:
        member = socket.inet_aton(group) + socket.inet_aton("127.0.0.1")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    sock.settimeout(0.1)
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                data, asker = sock.recvfrom(9000)
            except TimeoutError:
                continue
            found = re.search(rb"uuid:([0-9a-f-]{36})", data)
            for answer in answers(found[1].decode() if found else ""):
                sock.sendto(answer, asker)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield sock.getsockname()[1]
    finally:
        over.set()
        thread.join(5)
        sock.close()


async def test_a_device_is_found_at_the_host_it_answered_from() -> None:
    with responder(lambda message: [match(message)]) as port:
        found = await discovery.probe("127.0.0.1", host="127.0.0.1", port=port, wait_s=0.6)
    (one,) = found
    assert one.onvif == "http://127.0.0.1:8080/onvif/device_service", "not where it says it is"
    assert (one.name, one.hardware, one.location) == ("SIM DOME", "DOME-1", "street")


async def test_a_group_is_asked_on_the_named_interface_only() -> None:
    try:
        with responder(lambda message: [match(message)], "239.255.255.250") as port:
            found = await discovery.probe("127.0.0.1", port=port, wait_s=0.6)
    except OSError as error:
        pytest.skip(f"no multicast on the loopback here: {error.strerror}")
    assert [one.host for one in found] == ["127.0.0.1"]


async def test_a_flood_is_bounded() -> None:
    message = "01990000-0000-7000-8000-000000000001"
    ears = discovery._Ears(message)
    for number in range(700):
        answer = match(message, number, f"http://x:{1000 + number}/onvif/device_service")
        ears.datagram_received(answer, ("192.0.2.7", 3702))
    assert (len(ears.found), ears.unread) == (discovery.ANSWERS_MAX, 200)
    ears.datagram_received(b"x" * (discovery.DATAGRAM_MAX + 1), ("192.0.2.7", 3702))
    assert ears.unread == 201


@pytest.mark.parametrize(
    "answer",
    [
        lambda message: match("00000000-0000-0000-0000-000000000000"),
        lambda message: match(message, address="http://user:pw@10.0.0.1/onvif"),
        lambda message: match(message, address="javascript:alert(1) ftp://x/ http://"),
        lambda message: b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        lambda message: b"\x00\xff" * 100,
        lambda message: match(message)[:300],
    ],
)
async def test_what_is_no_answer_of_a_device_is_not_listed(answer) -> None:
    with responder(lambda message: [answer(message)]) as port:
        assert await discovery.probe("127.0.0.1", host="127.0.0.1", port=port, wait_s=0.4) == []


async def test_an_interface_that_is_not_ours_is_a_fault() -> None:
    with pytest.raises(DeviceFault):
        await discovery.probe("203.0.113.7", wait_s=0.2)
    answer = await tasks.discover({"interface": "not an address"})
    assert (answer["found"], answer["faults"][0]["asked"]) == ([], "discover")


async def test_simulated_cameras_are_found_on_the_loopback(dome: Device) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with OnvifSim([dome], discovery=port) as sim:
        if sim._found is None:
            pytest.skip("this machine's loopback cannot join a multicast group")
        found = await discovery.probe("127.0.0.1", port=port, wait_s=0.6)
        assert [(one.onvif, one.hardware) for one in found] == [(sim.url("dome"), "SIM-DOME")]

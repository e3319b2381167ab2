"""The ONVIF client against a simulated dome: accounts, clocks, settings read back, and a device that misbehaves."""

from __future__ import annotations

import asyncio
import json

import pytest
from onvif_replay import REAL

from gwanje.kernel.clock import Clock
from gwanje.media.auth import Credentials
from gwanje.media.onvif import device, factory, masks, profiles, tasks, xml
from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import Place, Session, path_of, stream_address
from gwanje.media.onvif.tasks import Job
from gwanje.media.sim.onvif import OnvifThread
from gwanje.media.sim.onvif_device import Device

SECRET = "p1anted-Secret"
ACCOUNT = Credentials("operator", SECRET)
SQUARE = [(-0.5, 0.5), (0.5, 0.5), (0.5, -0.5), (-0.5, -0.5)]


def session(sim: OnvifThread, clock: Clock, account: Credentials | None = ACCOUNT, limit_s: float = 3.0) -> Session:
    return Session(Place.of(sim.url("dome")), account, clock, limit_s=limit_s)


@pytest.mark.parametrize("scheme", ["token", "digest", "both"])
async def test_the_account_is_taken_by_token_and_by_digest(sim, dome: Device, clock: Clock, scheme: str) -> None:
    dome.scheme = scheme
    asked = session(sim, clock)
    await asked.ask_time()
    assert (await device.information(asked)).model == "SIM-DOME"
    wrong = session(sim, clock, Credentials("operator", "another"))
    with pytest.raises(DeviceFault) as refused:
        await device.information(wrong)
    assert refused.value.kind == "account"


async def test_a_device_an_hour_ahead_takes_tokens_of_its_own_time(sim, dome: Device, clock: Clock) -> None:
    dome.scheme, dome.clock_s = "token", 3600
    asked = session(sim, clock)
    with pytest.raises(DeviceFault, match="account"):
        await device.information(asked)
    assert await asked.ask_time() == pytest.approx(3600, abs=1.5)
    assert (await device.information(asked)).serial == "SIM0001"
    assert abs(await device.set_time(asked)) <= 2
    assert abs(dome.clock_s) <= 1.5, "seen on the device's side"


async def test_key_frames_two_seconds_apart_are_written_and_read_back(sim, dome: Device, clock: Clock) -> None:
    asked = session(sim, clock)
    paths = await device.services(asked)
    for two in (True, False):
        dome.encoders["venc_main"].gov = 150
        one = (await profiles.profiles(asked, paths, two=two))[0]
        assert one.encoder is not None
        assert one.encoder.coarse, "150 frames at 15 a second"
        can = await profiles.options(asked, paths, one)
        read = await profiles.set_encoder(asked, paths, one, profiles.wanted(one.encoder, can, {}))
        assert (read.gov, read.coarse) == (30, False)
        assert dome.encoders["venc_main"].gov == 30


async def test_sound_is_taken_out_or_reported(sim, dome: Device, clock: Clock) -> None:
    job = Job(Place.of(sim.url("dome")), ACCOUNT, clock)
    answer = await tasks.configure(job, {"profile": "main", "silent": True, "key_seconds": 1})
    assert (answer["silent"], dome.audio, answer["faults"]) == (True, {"sub"}, [])
    assert answer["encoder"]["key_seconds"] == 1
    dome.audio_stays = True
    job = Job(Place.of(sim.url("dome")), ACCOUNT, clock)
    answer = await tasks.configure(job, {"profile": "sub", "silent": True})
    assert answer["silent"] is False
    assert [fault["asked"] for fault in answer["faults"]] == ["RemoveAudioEncoderConfiguration"]
    probed = await tasks.probe(Job(Place.of(sim.url("dome")), ACCOUNT, clock), {})
    assert [row["sound"] for row in probed["profiles"]] == [False, True]
    assert probed["sound"] == ["aenc G711"]


async def test_masks_are_these_and_no_others_and_read_back(sim, dome: Device, clock: Clock) -> None:
    asked = session(sim, clock)
    paths = await device.services(asked)
    triangle = SQUARE[:3]
    assert len(await masks.put_masks(asked, paths, "vsrc", [SQUARE] * 5)) == 5
    read = await masks.put_masks(asked, paths, "vsrc", [triangle, *[SQUARE] * 6])
    assert len(read) == len(dome.masks) == 7
    assert sum(len(mask.points) == 3 for mask in dome.masks.values()) == 1
    assert await masks.put_masks(asked, paths, "vsrc", []) == []
    assert dome.masks == {}
    with pytest.raises(DeviceFault, match="room for 8"):
        await masks.put_masks(asked, paths, "vsrc", [SQUARE] * 9)
    dome.masks_known = False
    with pytest.raises(DeviceFault) as none:
        await masks.put_masks(asked, paths, "vsrc", [SQUARE])
    assert none.value.kind == "unsupported"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("torn", {"unreadable"}), ("bomb", {"unreadable"}), ("huge", {"large"}), ("hang", {"timeout"}),
        ("error500", {"refused"}), ("locked", {"account"}),
    ],
)  # fmt: skip
async def test_a_misbehaving_device_is_a_fault_within_its_time(sim, dome: Device, clock: Clock, name, kinds) -> None:
    setattr(dome, name, True)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(DeviceFault) as fault:
        await device.information(session(sim, clock, limit_s=1.0))
    assert fault.value.kind in kinds
    # no figure of speed: the fault is there although the device would go on for 30 s
    assert loop.time() - began < 15
    assert SECRET not in json.dumps(fault.value.as_json())


async def test_one_refused_operation_costs_only_itself(sim, dome: Device, clock: Clock) -> None:
    dome.refuse = {"GetScopes", "GetStatus", "GetVideoEncoderConfigurationOptions"}
    answer = await tasks.probe(Job(Place.of(sim.url("dome")), ACCOUNT, clock), {})
    assert {fault["asked"] for fault in answer["faults"]} == {"GetScopes", "GetStatus", "GetCertificates"}
    assert [row["address"] for row in answer["profiles"]] == [
        "rtsp://127.0.0.1:8554/cam/main", "rtsp://127.0.0.1:8554/cam/sub",
    ]  # fmt: skip
    assert answer["ptz"]["presets"][0]["name"] == "정문"
    assert answer["masks"]["most"] == 8


async def test_a_factory_account_is_found_by_record_and_by_asking(sim, dome: Device, clock: Clock) -> None:
    place = Place.of(sim.url("dome"))
    dome.maker = "HIKVISION"
    closed = await tasks.probe(Job(place, ACCOUNT, clock), {"factory": True})
    assert closed["factory"] == {"recorded": False, "anonymous": False, "tried": 2, "open": False}
    dome.user, dome.password = "admin", "12345"
    asked = await factory.check(place, clock, "Hikvision Digital", 0.0)
    assert asked == {"anonymous": False, "tried": 1, "open": True}
    unasked = await tasks.probe(Job(place, Credentials("admin", "12345"), clock), {})
    assert unasked["factory"]["recorded"] is True
    assert unasked["factory"]["tried"] == 0, "nobody knocks unless the registrar asks"


async def test_a_device_open_to_everybody_is_worse_than_a_factory_account(sim, dome: Device, clock: Clock) -> None:
    place = Place.of(sim.url("dome"))
    assert (await factory.check(place, clock, "x", 0.0))["anonymous"] is False
    dome.user = ""
    assert await factory.check(place, clock, "x", 0.0) == {"anonymous": True, "tried": 0, "open": True}
    unasked = await tasks.probe(Job(place, None, clock), {})
    assert (unasked["factory"]["anonymous"], unasked["factory"]["open"]) == (True, True)


def test_addresses_stay_on_the_host_that_was_reached() -> None:
    assert stream_address("rtsp://u:p@10.0.0.9:5540/a?b=1#c", "192.0.2.1") == "rtsp://192.0.2.1:5540/a?b=1"
    assert stream_address("rtsp://10.0.0.9/a", "2001:db8::1") == "rtsp://[2001:db8::1]/a"
    for bad in ("file:///etc/passwd", "rtsp://h/\n", "rtsp://h/" + "a" * 400, "rtsp://[", "javascript:alert(1)"):
        assert stream_address(bad, "192.0.2.1") == ""
    assert path_of("http://169.254.169.254/latest/meta-data") == "/latest/meta-data"
    assert path_of("http://h/a b") == path_of("//x") == path_of("http://h/\r\nX: y") == ""
    for bad in ("http://u:p@h/", "ftp://h/", "rtsp://h/", "http://"):
        with pytest.raises(ValueError, match="ONVIF address"):
            Place.of(bad)


async def test_an_account_inside_a_stream_address_is_not_recorded(sim, dome: Device, clock: Clock) -> None:
    dome.stream = lambda stream: f"rtsp://10.9.9.9/user=operator_password=x&channel=1&{stream}?pwd=abc"
    answer = await tasks.probe(Job(Place.of(sim.url("dome")), ACCOUNT, clock), {})
    assert [row["address"] for row in answer["profiles"]] == ["", ""]
    assert "pwd=abc" not in json.dumps(answer)


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<?xml version="1.0"?>\n<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"),
        b"<a>" * 5000,
        b"<r>" + b"<a/>" * 30_000 + b"</r>",
        b"<a>" + b"x" * (1 << 20) + b"</a>",
        b"",
        b"\xff\xfe\xfd",
        b"HTTP/1.0 500 oops",
    ],
)
def test_hostile_documents_are_refused(data: bytes) -> None:
    with pytest.raises(xml.BadXml):
        xml.parse(data)


def test_text_of_a_device_is_one_clean_line() -> None:
    node = xml.parse("<a>x\ny\t<b>  \u202e정문\u0085 \x7f </b>&undefined;</a>".encode())
    assert (node.said(), node.said("b")) == ("x y", "정문")
    assert len(xml.clean("가" * 1000)) == xml.TEXT_MAX


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/onvif is not beside this checkout")
def test_answers_that_are_no_strict_xml_are_read() -> None:
    paths = sorted((REAL.parent / "mock").glob("*.xml"))
    assert len(paths) == 77, "14 of them are no strict XML"
    assert {xml.parse(path.read_bytes()).name for path in paths} == {"Envelope"}


def test_every_cut_of_a_real_answer_is_read_or_refused() -> None:
    whole = xml.envelope(
        "<tds:GetDeviceInformationResponse><tds:Model>SIM</tds:Model></tds:GetDeviceInformationResponse>"
    )
    seen = set()
    for cut in range(0, len(whole), 7):
        try:
            seen.add(xml.parse(whole[:cut]).name)
        except xml.BadXml:
            seen.add("refused")
    assert {"refused", "Envelope"} <= seen
    assert all(name == "refused" or "Envelope".startswith(name) for name in seen)

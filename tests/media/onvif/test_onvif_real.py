"""Three real cameras replayed: from probe to recording profile, their 400s and 500s included."""

from __future__ import annotations

import json

import pytest
from onvif_replay import Replay
from test_onvif_discovery import match, responder

from gwanje.kernel.clock import Clock
from gwanje.media.auth import Credentials
from gwanje.media.onvif import discovery, profiles, tasks
from gwanje.media.onvif.head import OnvifHead
from gwanje.media.onvif.session import Place, Session
from gwanje.media.onvif.tasks import Job
from gwanje.media.ptz import HeadRefused

SECRET = "p1anted-Secret"
SAID = {
    "axis_p3818_pve_11.9.60": ("AXIS", "P3818-PVE", "11.9.60", "B8A44FA04F26"),
    "bosch_autodome_5000i_7.80": ("Bosch", "AUTODOME IP starlight 5000i", "7.80.0128", "044566917926150010"),
    "reolink_e1_zoom_3.1": ("REOLINK", "E1 Zoom", "v3.1.0.2649_23083101", "192168261"),
}
# token, codec, width, height, rate, kbit/s, seconds between key frames, sound, address as recorded
PROFILES = {
    "axis_p3818_pve_11.9.60": [
        ("profile_1_h264", "H264", 1920, 960, 30, None, 3.33, False,
         "/onvif-media/media.amp?profile=profile_1_h264&sessiontimeout=60&streamtype=unicast"),
        ("profile_1_jpeg", "JPEG", 5120, 2560, 30, None, None, False,
         "/onvif-media/media.amp?profile=profile_1_jpeg&sessiontimeout=60&streamtype=unicast"),
    ],
    "bosch_autodome_5000i_7.80": [
        ("0", "H264", 1536, 864, 30, 1400, 2.0, False, "/rtsp_tunnel?p=0&h26x=4&vcd=2"),
        ("1", "H264", 1536, 864, 30, 1400, 2.0, False, "/rtsp_tunnel?p=1&inst=2&h26x=4"),
        ("2", "JPEG", 1536, 864, 1, 6000, None, False, "/rtsp_tunnel?h26x=0"),
    ],
    "reolink_e1_zoom_3.1": [
        ("000", "H264", 2048, 1536, 15, 1024, 2.0, True, ":554/"),
        ("001", "H264", 640, 480, 15, 512, 4.0, True, ":554/h264Preview_01_sub"),
    ],
}  # fmt: skip
# what the device refused or does not have, by its recorded status
FAULTS = {
    "axis_p3818_pve_11.9.60": {"GetAudioEncoderConfigurations": 500},
    "bosch_autodome_5000i_7.80": {"GetCertificates": 500},
    "reolink_e1_zoom_3.1": {"GetCertificates": 400},
}


def _job(real: Replay, clock: Clock) -> Job:
    return Job(Place.of(real.url), Credentials("service", SECRET), clock)


async def test_from_discovery_to_a_recording_profile(real: Replay, clock: Clock) -> None:
    """A datagram, an address, a probe, a profile whose stream can be asked for."""
    behind = real.url.replace("127.0.0.1", "192.168.2.57")
    with responder(lambda message: [match(message, address=behind)]) as port:
        (found,) = await discovery.probe("127.0.0.1", host="127.0.0.1", port=port, wait_s=0.4)
    assert found.onvif == real.url
    answer = await tasks.probe(Job(Place.of(found.onvif), Credentials("service", SECRET), clock), {})
    recordable = [row for row in answer["profiles"] if row["address"] and row["codec"] == "H264"]
    assert recordable[0]["token"] == PROFILES[real.folder.name][0][0]


async def test_from_probe_to_a_recording_profile(real: Replay, clock: Clock) -> None:
    answer = await tasks.probe(_job(real, clock), {})
    said = answer["device"]
    assert (said["maker"], said["model"], said["firmware"], said["serial"]) == SAID[real.folder.name]
    rows = [
        (r["token"], r["codec"], r["width"], r["height"], r["rate"], r["bitrate"], r["key_seconds"], r["sound"])
        for r in answer["profiles"]
    ]
    assert rows == [row[:8] for row in PROFILES[real.folder.name]]
    for row, wanted in zip(answer["profiles"], PROFILES[real.folder.name], strict=True):
        # the recorded host (192.168.2.x) is another network's: the one that was reached stands there
        assert row["address"] == f"rtsp://127.0.0.1{wanted[8]}"
    # recorded in January 2026, so its clock is behind ours by the days since
    assert answer["clock_s"] == pytest.approx((_recorded_at() - clock.now()).total_seconds(), abs=60)


def _recorded_at():
    from datetime import UTC, datetime

    return datetime(2026, 1, 13, 19, 25, 16, tzinfo=UTC)


async def test_what_it_answers_badly_is_said_and_costs_nothing_else(real: Replay, clock: Clock) -> None:
    answer = await tasks.probe(_job(real, clock), {})
    faults = {fault["asked"]: fault for fault in answer["faults"]}
    for name, status in FAULTS[real.folder.name].items():
        assert faults[name]["status"] == status
        assert faults[name]["ko"]
    assert answer["profiles"], "and its profiles are there all the same"
    assert all(len(json.dumps(fault, ensure_ascii=False)) < 600 for fault in answer["faults"])


async def test_no_password_leaves_in_any_request_or_answer(real: Replay, clock: Clock) -> None:
    answer = await tasks.probe(_job(real, clock), {})
    assert len(real.bodies) > 8
    assert not [body for body in real.bodies if SECRET.encode() in body]
    assert SECRET not in json.dumps(answer)
    first = real.bodies[0]
    assert b"UsernameToken" not in first, "the clock is asked without the account"
    assert any(b"UsernameToken" in body for body in real.bodies)


async def test_services_are_asked_where_they_are_but_on_the_host_that_was_reached(real: Replay, clock: Clock) -> None:
    await tasks.probe(_job(real, clock), {})
    media = {path for path, name in real.asked if name == "GetStreamUri"}
    wanted = "/onvif/services" if real.folder.name.startswith("axis") else "/onvif/media_service"
    assert media == {wanted}


async def test_steering_of_the_real_heads(real: Replay, clock: Clock) -> None:
    head = OnvifHead(Session(Place.of(real.url), None, clock), PROFILES[real.folder.name][0][0])
    if real.folder.name.startswith("axis"):
        with pytest.raises(HeadRefused, match="no service"):
            await head.position()
        return
    standing, presets = await head.position(), await head.presets()
    if real.folder.name.startswith("bosch"):
        assert standing.at == (1.0, -0.844, 0.006)
        assert [(p.token, p.name, p.at) for p in presets] == [
            ("1", "tabletop", (-0.311, 0.822, 0.179)),
            ("2", "tabletopzoom54", (-0.311, 0.822, 0.226)),
        ]
    else:
        assert (standing.at, presets) == (None, []), "it moves but does not say where it looks"
    assert standing.moving is False


async def test_encoder_options_and_what_would_be_written(real: Replay, clock: Clock) -> None:
    session = Session(Place.of(real.url), None, clock)
    from gwanje.media.onvif import device

    paths = await device.services(session)
    one = (await profiles.best_profiles(session, paths))[0]
    can = await profiles.options(session, paths, one)
    assert one.encoder is not None
    sizes = {"axis": (5120, 2560), "bosch": (1920, 1080), "reolink": (2560, 1920)}
    assert can.sizes[-1] == sizes[real.folder.name.split("_")[0]]
    new = profiles.wanted(one.encoder, can, {"key_seconds": 1})
    assert new.gov == round(new.rate), "one second between key frames"
    assert can.gov is not None
    assert can.gov[0] <= new.gov <= can.gov[1]
    with pytest.raises(ConnectionError, match="640x481"):
        profiles.wanted(one.encoder, can, {"width": 640, "height": 481})

"""Media and Media2 (ONVIF 영상 설정): profiles, stream addresses, encoder settings; sound is found and taken out.

Profile S cameras answer ``ver10/media``, Profile T ones ``ver20/media`` too; H.265 is known to the second only. A
sound encoder is named only to be removed or reported: nothing here can ask for its stream.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from gwanje.media.onvif.outcome import DeviceFault, Outcome, outcome
from gwanje.media.onvif.session import Session, service, stream_address
from gwanje.media.onvif.xml import NAMESPACES, Node, quoted, tag

PROFILES_MAX = 16
SIZES_MAX = 40
GOV_SECONDS = 2.0
COARSE_SECONDS = 5.0
UNLIMITED = 1 << 30
# some makers write the account into path or query
ACCOUNT = re.compile(r"(?i)\b(pass(wor)?d?|pwd|user(name)?)=")
CODECS = {"H264": "H264", "H265": "H265", "JPEG": "JPEG", "MPV4-ES": "MP4V-ES", "MPEG4": "MP4V-ES"}


@dataclass(frozen=True)
class Encoder:
    """Settings of one video encoder; ``bitrate`` kbit/s (None: unlimited), ``gov`` frames between key frames."""

    token: str
    codec: str
    width: int
    height: int
    rate: float
    bitrate: int | None
    gov: int | None
    name: str = ""
    quality: float = 5.0
    shape: str = "Main"

    @property
    def key_seconds(self) -> float | None:
        """Seconds between key frames, None when the device does not say."""
        return self.gov / self.rate if self.gov and self.rate else None

    @property
    def coarse(self) -> bool:
        """Are key frames five seconds apart or more?"""
        return self.codec != "JPEG" and (self.key_seconds or 0) >= COARSE_SECONDS


@dataclass(frozen=True)
class Profile:
    """A set of settings that a stream can be asked of; ``sound``: the token of its sound encoder, empty for none."""

    token: str
    name: str
    encoder: Encoder | None
    source: str = ""
    ptz: bool = False
    sound: str = ""
    two: bool = False
    address: str = ""


@dataclass(frozen=True)
class Options:
    """What an encoder can be set to: sizes (width, height), key-frame distance and rate (lowest, highest)."""

    sizes: tuple[tuple[int, int], ...]
    gov: tuple[int, int] | None
    rate: tuple[float, float] | None


def _encoder(row: Node) -> Encoder:
    codec = CODECS.get(row.said("Encoding", most=20).upper(), row.said("Encoding", most=20))
    gov = row.whole("H264", "GovLength") or row.whole("MPEG4", "GovLength")
    written = row.attribute("GovLength")
    gov = int(written[:9]) if gov is None and written.isdecimal() else gov
    bitrate = row.whole("RateControl", "BitrateLimit", most=1 << 40)
    return Encoder(
        row.attribute("token", 64), codec,
        row.whole("Resolution", "Width", most=1 << 16) or 0, row.whole("Resolution", "Height", most=1 << 16) or 0,
        row.number("RateControl", "FrameRateLimit") or 0.0,
        bitrate if bitrate and bitrate < UNLIMITED else None, gov or None, row.said("Name", most=60),
        row.number("Quality") or 0.0,
        row.said("H264", "H264Profile", most=20) or row.attribute("Profile", 20) or "Main",
    )  # fmt: skip


def _profile(row: Node, *, two: bool) -> Profile:
    inner = (row.at("Configurations") or row) if two else row
    tail = "" if two else "Configuration"
    encoder, sound, source = (inner.at(f"{name}{tail}") for name in ("VideoEncoder", "AudioEncoder", "VideoSource"))
    return Profile(
        row.attribute("token", 64), row.said("Name", most=60), _encoder(encoder) if encoder else None,
        source.attribute("token", 64) if source else "", inner.at(f"PTZ{tail}") is not None,
        sound.attribute("token", 64) or "?" if sound else "", two,
    )  # fmt: skip


async def profiles(session: Session, paths: dict[str, str], *, two: bool) -> list[Profile]:
    """GetProfiles of one media service, 16 at most, without addresses."""
    prefix = "tr2" if two else "trt"
    asked = "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>" if two else "<trt:GetProfiles/>"
    found = await session.call(service(paths, prefix), asked)
    rows = [_profile(row, two=two) for row in found.all("Profiles")[:PROFILES_MAX]]
    kept = [row for row in rows if row.token]
    if not kept:
        raise DeviceFault("unreadable", "no profile")
    return kept


async def best_profiles(session: Session, paths: dict[str, str]) -> list[Profile]:
    """Media2's profiles where it answers (they name H.265), else Media's."""
    if paths.get(NAMESPACES["tr2"]):
        two = await outcome(profiles(session, paths, two=True))
        if two.value and any(row.encoder for row in two.value):
            return two.value
    return await profiles(session, paths, two=False)


async def addressed(session: Session, paths: dict[str, str], one: Profile) -> Profile:
    """The profile with its stream's address on the host that was reached, without account (GetStreamUri)."""
    token = tag(f"{'tr2' if one.two else 'trt'}:ProfileToken", one.token)
    if one.two:
        body = f"<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol>{token}</tr2:GetStreamUri>"
        found = await session.call(service(paths, "tr2"), body)
    else:
        setup = (
            "<trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>"
            "</tt:Transport></trt:StreamSetup>"
        )
        found = await session.call(service(paths, "trt"), f"<trt:GetStreamUri>{setup}{token}</trt:GetStreamUri>")
    uri = found.find("Uri")
    address = stream_address(uri.text if uri else "", session.place.host)
    if not address:
        raise DeviceFault("unreadable", "no stream address")
    if session.hidden(address) != address or ACCOUNT.search(address):
        raise DeviceFault("refused", "its stream address would hold an account")
    return replace(one, address=address)


async def options(session: Session, paths: dict[str, str], one: Profile) -> Options:
    """GetVideoEncoderConfigurationOptions for a profile's encoder."""
    if one.encoder is None:
        raise DeviceFault("unsupported", "no video encoder")
    prefix = "tr2" if one.two else "trt"
    name = f"{prefix}:GetVideoEncoderConfigurationOptions"
    body = f"<{name}>{tag(f'{prefix}:ConfigurationToken', one.encoder.token)}</{name}>"
    found = await session.call(service(paths, prefix), body)
    if one.two:
        rows = [r for r in found.all("Options") if CODECS.get(r.said("Encoding").upper()) == one.encoder.codec]
        rates = sorted(r for word in (rows[0].attribute("FrameRatesSupported", 400) if rows else "").split()
                       if (r := _rate(word)) is not None)  # fmt: skip
        span = [int(w) for w in (rows[0].attribute("GovLengthRange") if rows else "").split()[:2] if w.isdecimal()]
        gov = (span[0], span[1]) if len(span) == 2 else None
        return Options(_sizes(rows[0]) if rows else (), gov, (rates[0], rates[-1]) if rates else None)
    row = found.find(one.encoder.codec)
    if row is None:
        return Options((), None, None)
    return Options(_sizes(row), _span(row, "GovLengthRange"), _span(row, "FrameRateRange"))


def _rate(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if 0 < value < 1000 else None


def _sizes(row: Node) -> tuple[tuple[int, int], ...]:
    found = ((r.whole("Width") or 0, r.whole("Height") or 0) for r in row.all("ResolutionsAvailable")[:SIZES_MAX])
    return tuple(sorted({size for size in found if all(size)}))


def _span(row: Node, name: str) -> tuple[int, int] | None:
    low, high = row.whole(name, "Min"), row.whole(name, "Max")
    return (low, high) if low is not None and high is not None and low <= high else None


def wanted(now: Encoder, can: Options, asked: dict[str, Any]) -> Encoder:
    """The settings to write: what was asked, within what the device can; key frames 1-2 s apart unless asked else."""
    rate = float(asked.get("rate") or now.rate or 15)
    rate = min(max(rate, can.rate[0]), can.rate[1]) if can.rate else rate
    size = (int(asked.get("width") or now.width), int(asked.get("height") or now.height))
    if can.sizes and size not in can.sizes:
        raise DeviceFault(
            "unsupported", f"size {size[0]}x{size[1]}; it has " + ", ".join(f"{w}x{h}" for w, h in can.sizes)
        )
    gov = max(1, round(rate * float(asked.get("key_seconds") or min(GOV_SECONDS, now.key_seconds or GOV_SECONDS))))
    gov = min(max(gov, can.gov[0]), can.gov[1]) if can.gov else gov
    bitrate = int(asked["bitrate"]) if asked.get("bitrate") else now.bitrate
    return replace(now, width=size[0], height=size[1], rate=rate, gov=gov, bitrate=bitrate)


def _written(new: Encoder, *, two: bool) -> tuple[str, str]:
    """Inner elements and further attributes of an encoder's settings."""
    rate = tag("tt:FrameRateLimit", f"{new.rate:g}") + ("" if two else tag("tt:EncodingInterval", 1))
    limit = tag("tt:BitrateLimit", new.bitrate if new.bitrate is not None else (1 << 31) - 1)
    control = f"<tt:RateControl>{rate}{limit}</tt:RateControl>"
    size = f"<tt:Resolution>{tag('tt:Width', new.width)}{tag('tt:Height', new.height)}</tt:Resolution>"
    head = tag("tt:Name", new.name or new.token) + tag("tt:UseCount", 1) + tag("tt:Encoding", new.codec) + size
    quality = tag("tt:Quality", f"{new.quality:g}")
    if two:
        mark = f' GovLength="{new.gov}" Profile={quoted(new.shape)}' if new.gov else ""
        return head + control + quality, mark
    gov = f"<tt:H264>{tag('tt:GovLength', new.gov)}{tag('tt:H264Profile', new.shape)}</tt:H264>"
    cast = (
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type>"
        "<tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"  # tidy: ONVIF's word for no multicast, nothing listens
        "<tt:Port>0</tt:Port><tt:TTL>5</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
    )
    tail = f"{gov if new.codec == 'H264' else ''}{cast}<tt:SessionTimeout>PT60S</tt:SessionTimeout>"
    return head + quality + control + tail, ""


async def set_encoder(session: Session, paths: dict[str, str], one: Profile, new: Encoder) -> Encoder:
    """Write an encoder's settings and read them back; DeviceFault ``other`` when it took something else.

    The device's own configuration is sent back with the changed values only: cameras refuse what they did not say.
    """
    prefix = "tr2" if one.two else "trt"
    name = f"{prefix}:SetVideoEncoderConfiguration"
    inner, mark = _written(new, two=one.two)
    said = f"<{prefix}:Configuration token={quoted(new.token)}{mark}>{inner}</{prefix}:Configuration>"
    keep = "" if one.two else "<trt:ForcePersistence>true</trt:ForcePersistence>"
    body = f"<{name}>{said}{keep}</{name}>"
    await session.call(service(paths, prefix), body)
    rows = await profiles(session, paths, two=one.two)
    read = next((row.encoder for row in rows if row.encoder and row.encoder.token == new.token), None)
    if read is None:
        raise DeviceFault("other", "the encoder is not found after setting")
    if (read.width, read.height, read.gov) != (new.width, new.height, new.gov if new.gov else read.gov):
        raise DeviceFault("other", f"it runs {read.width}x{read.height} with {read.gov} frames between key frames")
    return read


async def remove_sound(session: Session, paths: dict[str, str], one: Profile) -> bool:
    """Take the sound encoder out of a profile (음성 설정 제거) and read back; True when it is gone."""
    if not one.sound:
        return True
    if one.two:
        body = (
            f"<tr2:RemoveConfiguration>{tag('tr2:ProfileToken', one.token)}<tr2:Configuration>"
            f"<tr2:Type>AudioEncoder</tr2:Type>{tag('tr2:Token', one.sound)}</tr2:Configuration>"
            "</tr2:RemoveConfiguration>"
        )
    else:
        name = "trt:RemoveAudioEncoderConfiguration"
        body = f"<{name}>{tag('trt:ProfileToken', one.token)}</{name}>"
    await session.call(service(paths, "tr2" if one.two else "trt"), body)
    rows = await profiles(session, paths, two=one.two)
    return not any(row.sound for row in rows if row.token == one.token)


async def sound_encoders(session: Session, paths: dict[str, str]) -> list[str]:
    """Names of the device's sound encoders (GetAudioEncoderConfigurations), to report them."""
    prefix = "tr2" if NAMESPACES["trt"] not in paths else "trt"
    found = await session.call(service(paths, prefix), f"<{prefix}:GetAudioEncoderConfigurations/>")
    return [
        f"{row.attribute('token', 40)} {row.said('Encoding', most=20)}".strip()
        for row in found.all("Configurations")[:16]
    ]


async def all_addressed(
    session: Session, paths: dict[str, str], rows: list[Profile]
) -> list[tuple[Profile, Outcome[Profile]]]:
    """Every profile with what came of asking for its address."""
    return [(row, await outcome(addressed(session, paths, row))) for row in rows]

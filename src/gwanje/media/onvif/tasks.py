"""Device tasks by ONVIF (장치 작업): probe, discover, configure, masks, clock; each gives an answer without secrets.

An answer is plain JSON of at most 64 KB: what the device said well, and under ``faults`` what it did not and why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gwanje.kernel.clock import Clock
from gwanje.kernel.reach import Unreachable
from gwanje.media import outward
from gwanje.media.auth import Credentials
from gwanje.media.onvif import device, discovery, factory, masks, profiles
from gwanje.media.onvif.head import OnvifHead
from gwanje.media.onvif.outcome import GONE, DeviceFault, outcome
from gwanje.media.onvif.profiles import Profile
from gwanje.media.onvif.session import Place, Session
from gwanje.media.onvif.xml import NAMESPACES
from gwanje.media.ptz import HeadRefused
from gwanje.media.tls import Trust

WHOLE_S = 45.0
T = TypeVar("T")


@dataclass
class Job:
    """One task on one device: where it is, by which account, what went wrong so far."""

    place: Place
    account: Credentials | None
    clock: Clock
    trust: Trust | None = None
    faults: list[dict[str, Any]] = field(default_factory=list)

    def session(self) -> Session:
        """A connection of its own."""
        return Session(self.place, self.account, self.clock, trust=self.trust)

    async def ask(self, what: str, asked: Awaitable[T]) -> T | None:
        """An answer, or None with the fault kept under the question's name."""
        got = await outcome(asked)
        if got.fault is not None:
            self.faults.append({"asked": what, **got.fault.as_json()})
        return got.value


def _row(one: Profile, address: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "token": one.token, "name": one.name, "ptz": one.ptz, "sound": bool(one.sound), "service": 2 if one.two else 1,
        "source": one.source, "address": address,
    }  # fmt: skip
    if one.encoder:
        made, gap = one.encoder, one.encoder.key_seconds
        said |= {
            "codec": made.codec, "width": made.width, "height": made.height, "rate": made.rate, "bitrate": made.bitrate,
            "key_seconds": round(gap, 2) if gap else None, "coarse": made.coarse,
        }  # fmt: skip
    return said


async def probe(job: Job, asks: Mapping[str, Any]) -> dict[str, Any]:
    """What a device is and offers.

    ``asks["factory"]``: also try the maker's factory account. ``asks["once"]``: an account refused ends it.
    """
    session = job.session()
    try:
        async with asyncio.timeout(WHOLE_S):
            return await _probe(job, session, asks)
    except TimeoutError:
        job.faults.append({"asked": "probe", **DeviceFault("timeout").as_json()})
        return {"faults": job.faults}
    finally:
        session.close()


async def _probe(job: Job, session: Session, asks: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"faults": job.faults}
    offset = await job.ask("GetSystemDateAndTime", session.ask_time())
    answer["clock_s"] = None if offset is None else round(offset, 1)
    said = await job.ask("GetDeviceInformation", device.information(session))
    if said:
        answer["device"] = {"maker": said.maker, "model": said.model, "firmware": said.firmware, "serial": said.serial}
    if len(job.faults) == 2 and all(fault["fault"] in GONE for fault in job.faults):
        return answer
    if asks.get("once") and any(fault["fault"] == "account" for fault in job.faults):
        # a device that is asked seven more things with a refused account locks it, and the pictures with it
        return answer
    paths = await job.ask("GetServices", device.services(session)) or {}
    names = {uri: prefix for prefix, uri in NAMESPACES.items()}
    answer["services"] = sorted(names[uri] for uri in paths if uri in names)
    answer["scopes"] = await job.ask("GetScopes", device.scopes(session)) or []
    answer["protocols"] = await job.ask("GetNetworkProtocols", device.protocols(session)) or []
    answer["profiles"] = await _profiles(job, session, paths)
    answer["sound"] = await job.ask("GetAudioEncoderConfigurations", profiles.sound_encoders(session, paths)) or []
    answer["certificates"] = await job.ask("GetCertificates", device.certificates(session)) or []
    rows = answer["profiles"]
    if any(row["ptz"] for row in rows) and NAMESPACES["tptz"] in paths:
        answer["ptz"] = await _ptz(job, next(row["token"] for row in rows if row["ptz"]))
    if rows and NAMESPACES["tr2"] in paths:
        can = await job.ask("GetMaskOptions", masks.abilities(session, paths, rows[0]["source"]))
        answer["masks"] = (
            {"most": can.masks_max, "corners": can.points_max, "rectangles": can.rectangles} if can else None
        )
    answer["factory"] = await _factory(job, asks, answer, offset or 0.0)
    return answer


async def _profiles(job: Job, session: Session, paths: dict[str, str]) -> list[dict[str, Any]]:
    found = await job.ask("GetProfiles", profiles.best_profiles(session, paths)) or []
    rows = []
    for one, got in await profiles.all_addressed(session, paths, found):
        if got.fault is not None:
            job.faults.append({"asked": f"GetStreamUri {one.token}", **got.fault.as_json()})
        rows.append(_row(one, got.value.address if got.value else ""))
    return rows


async def _ptz(job: Job, profile: str) -> dict[str, Any]:
    head = OnvifHead(job.session(), profile)
    answer: dict[str, Any] = {}
    try:
        can = await head.abilities()
        answer |= {"continuous": can.continuous, "absolute": can.absolute, "home": can.home, "room": can.presets_max}
    except HeadRefused as error:
        job.faults.append({"asked": "GetNodes", **_head_fault(error)})
    try:
        answer["position"] = (await head.position()).at
    except HeadRefused as error:
        job.faults.append({"asked": "GetStatus", **_head_fault(error)})
    try:
        answer["presets"] = [{"token": p.token, "name": p.name, "at": p.at} for p in (await head.presets())[:64]]
    except HeadRefused as error:
        job.faults.append({"asked": "GetPresets", **_head_fault(error)})
    await head.close()
    return answer


def _head_fault(error: HeadRefused) -> dict[str, Any]:
    cause = error.__cause__
    return cause.as_json() if isinstance(cause, DeviceFault) else DeviceFault("unreadable").as_json()


async def _factory(job: Job, asks: Mapping[str, Any], answer: Mapping[str, Any], offset_s: float) -> dict[str, Any]:
    maker = answer.get("device", {}).get("maker", "")
    own = job.account is not None and factory.is_factory(job.account, maker)
    # profiles that came without an account are told to everybody
    bare = job.account is None and bool(answer.get("profiles"))
    if own or bare or not asks.get("factory"):
        return {"recorded": own, "anonymous": bare, "open": own or bare, "tried": 0}
    found = await job.ask("factory account", factory.check(job.place, job.clock, maker, offset_s, job.trust))
    return {"recorded": own, "open": None, "tried": 0} if found is None else {"recorded": own, **found}


async def configure(job: Job, asks: Mapping[str, Any]) -> dict[str, Any]:
    """Set a profile's encoder, take its sound out, set the clock; each as far as asked, each with its own fault.

    ``asks``: profile, key_seconds, width, height, rate, bitrate (kbit/s), silent (bool), clock (bool).
    """
    session = job.session()
    answer: dict[str, Any] = {"faults": job.faults}
    try:
        async with asyncio.timeout(WHOLE_S):
            await job.ask("GetSystemDateAndTime", session.ask_time())
            if asks.get("clock"):
                answer["clock_s"] = await job.ask("SetSystemDateAndTime", device.set_time(session))
            paths = await job.ask("GetServices", device.services(session)) or {}
            rows = await job.ask("GetProfiles", profiles.best_profiles(session, paths)) or []
            one = next((row for row in rows if row.token == asks.get("profile")), None)
            if one is None:
                job.faults.append({"asked": "profile", **DeviceFault("refused", "no such profile").as_json()})
                return answer
            if asks.get("silent") and one.sound:
                gone = await job.ask("RemoveAudioEncoderConfiguration", profiles.remove_sound(session, paths, one))
                answer["silent"] = bool(gone)
            answer["encoder"] = await _encode(job, session, paths, one, asks)
            answer["profile"] = one.token
    except TimeoutError:
        job.faults.append({"asked": "configure", **DeviceFault("timeout").as_json()})
    finally:
        session.close()
    return answer


async def _encode(
    job: Job, session: Session, paths: dict[str, str], one: Profile, asks: Mapping[str, Any]
) -> dict[str, Any] | None:
    if one.encoder is None:
        return None
    can = await job.ask("GetVideoEncoderConfigurationOptions", profiles.options(session, paths, one))
    made = one.encoder
    if can is not None and any(asks.get(name) for name in ("key_seconds", "width", "height", "rate", "bitrate")):
        try:
            new = profiles.wanted(made, can, dict(asks))
        except DeviceFault as fault:
            job.faults.append({"asked": "SetVideoEncoderConfiguration", **fault.as_json()})
        else:
            set_ = await job.ask("SetVideoEncoderConfiguration", profiles.set_encoder(session, paths, one, new))
            made = set_ or made
    gap = made.key_seconds
    return {
        "codec": made.codec, "width": made.width, "height": made.height, "rate": made.rate, "bitrate": made.bitrate,
        "key_seconds": round(gap, 2) if gap else None, "coarse": made.coarse,
    }  # fmt: skip


async def put_masks(job: Job, asks: Mapping[str, Any]) -> dict[str, Any]:
    """Write privacy masks and read them back. ``asks``: source (configuration token), polygons [[[x, y] …] …]."""
    session = job.session()
    answer: dict[str, Any] = {"faults": job.faults}
    try:
        async with asyncio.timeout(WHOLE_S):
            await job.ask("GetSystemDateAndTime", session.ask_time())
            paths = await job.ask("GetServices", device.services(session)) or {}
            source = str(asks.get("source") or "") or await _source(job, session, paths)
            wanted = [[(float(x), float(y)) for x, y in points] for points in asks.get("polygons", [])]
            read = await job.ask("masks", masks.put_masks(session, paths, source, wanted))
            answer["masks"] = None if read is None else [{"token": m.token, "points": m.points} for m in read]
    except (TimeoutError, TypeError, ValueError) as error:
        kind = "timeout" if isinstance(error, TimeoutError) else "refused"
        job.faults.append({"asked": "masks", **DeviceFault(kind).as_json()})
    finally:
        session.close()
    return answer


async def _source(job: Job, session: Session, paths: dict[str, str]) -> str:
    rows = await job.ask("GetProfiles", profiles.best_profiles(session, paths)) or []
    return next((row.source for row in rows if row.source), "")


async def discover(asks: Mapping[str, Any]) -> dict[str, Any]:
    """Devices on the network of ``asks["interface"]`` (IPv4), or the one at ``asks["host"]``."""
    try:
        reach = outward.in_force()
        reach.check_interface(str(asks.get("interface", "")))
        if asks.get("host"):
            reach.check_host(str(asks["host"]), int(asks.get("port") or 0))
    except Unreachable as error:
        return {"faults": [{"asked": "discover", **DeviceFault("unreachable", str(error)).as_json()}], "found": []}
    got = await outcome(
        discovery.probe(
            str(asks.get("interface", "")), host=str(asks.get("host") or discovery.GROUP),
            port=int(asks.get("port") or discovery.PORT),
        )
    )  # fmt: skip
    if got.fault is not None:
        return {"faults": [{"asked": "discover", **got.fault.as_json()}], "found": []}
    return {"faults": [], "found": [row.as_json() for row in got.value or []]}

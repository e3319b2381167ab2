"""Heads of sources (회전·확대 장치 열기): the ONVIF head of a camera, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gwanje.kernel.clock import Clock
from gwanje.kernel.sources import Source
from gwanje.media.auth import Credentials
from gwanje.media.onvif.head import OnvifHead
from gwanje.media.onvif.session import Place, Session
from gwanje.media.ptz import Head, HeadRefused
from gwanje.media.tls import trust_of


def onvif_head(source: Source, unseal: Callable[[Source], Credentials | None], clock: Clock) -> Head | None:
    """The head behind ``device.onvif``, None when the camera has no such address; HeadRefused when it may not be
    asked: over a public network (공중망) commands do not travel in plain unless a VPN carries them."""
    address = str(source.device.get("onvif") or "")
    if not address:
        return None
    place = Place.of(address)
    if source.device.get("network") == "public" and place.scheme != "https" and not source.device.get("vpn"):
        raise HeadRefused("commands over a public network are encrypted")
    session = Session(place, unseal(source), clock, trust=trust_of(source.device))
    return OnvifHead(session, str(source.device.get("profile") or ""))


def same_recording(before: Source, after: Source) -> bool:
    """Do two states of a source record the same? A zone that was drawn anew costs no second of footage, nor does a
    slot of the account for one more recorder: no two sealings of any account are alike."""
    if before.sealed and before.sealed.items() <= after.sealed.items():
        after = replace(after, sealed=before.sealed)
    plain = [replace(s, version=0, device={k: v for k, v in s.device.items() if k != "ptz"}) for s in (before, after)]
    return plain[0] == plain[1]

"""Device service (ONVIF 장치 서비스): what it is, what services it has, its clock, its certificates."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from gwanje.media.onvif.outcome import DeviceFault
from gwanje.media.onvif.session import Session, path_of
from gwanje.media.onvif.xml import NAMESPACES, clean, tag

SERVICES_MAX = 40
SCOPES_MAX = 30
CERTIFICATES_MAX = 8
DER_MAX = 16 * 1024
CLOCK_NEAR_S = 2.0
_CATEGORIES = {"Media": "trt", "PTZ": "tptz", "Events": "tev", "Device": "tds"}


@dataclass(frozen=True)
class Information:
    """Maker, model, firmware and serial number as the device says them."""

    maker: str
    model: str
    firmware: str
    serial: str


async def information(session: Session) -> Information:
    """GetDeviceInformation."""
    found = await session.call(session.place.path, "<tds:GetDeviceInformation/>")
    said = Information(
        found.said("Manufacturer", most=60), found.said("Model", most=60), found.said("FirmwareVersion", most=60),
        found.said("SerialNumber", most=60),
    )  # fmt: skip
    if not (said.model or said.firmware):
        raise DeviceFault("unreadable", "neither model nor firmware")
    return Information(*(session.hidden(text) for text in (said.maker, said.model, said.firmware, said.serial)))


async def services(session: Session) -> dict[str, str]:
    """Namespace to path: GetServices, else the older GetCapabilities."""
    try:
        found = await session.call(
            session.place.path,
            "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>",
        )
        rows = {row.said("Namespace"): path_of(row.said("XAddr", most=300)) for row in found.all("Service")}
    except DeviceFault as fault:
        if fault.kind not in ("unsupported", "refused", "unreadable"):
            raise
        rows = {}
    if not any(rows.values()):
        rows = await _capabilities(session)
    kept = {name: path for name, path in list(rows.items())[:SERVICES_MAX] if name and path}
    return kept or {NAMESPACES["tds"]: session.place.path}


async def _capabilities(session: Session) -> dict[str, str]:
    asked = "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>"
    found = (await session.call(session.place.path, asked)).at("Capabilities")
    if found is None:
        raise DeviceFault("unreadable", "no capabilities")
    return {
        NAMESPACES[prefix]: path_of(found.said(name, "XAddr", most=300))
        for name, prefix in _CATEGORIES.items()
        if found.at(name) is not None
    }


async def scopes(session: Session) -> list[str]:
    """GetScopes: what the device claims, by its last parts."""
    found = await session.call(session.place.path, "<tds:GetScopes/>")
    words = [row.said("ScopeItem") for row in found.all("Scopes")][:SCOPES_MAX]
    return [session.hidden(word.removeprefix("onvif://www.onvif.org/")) for word in words if word]


async def protocols(session: Session) -> list[dict[str, Any]]:
    """GetNetworkProtocols: name, port, enabled."""
    found = await session.call(session.place.path, "<tds:GetNetworkProtocols/>")
    return [
        {
            "name": row.said("Name", most=20),
            "port": row.whole("Port", most=65535),
            "enabled": row.said("Enabled") == "true",
        }
        for row in found.all("NetworkProtocols")[:10]
    ]


async def set_time(session: Session) -> float:
    """Set the device's clock to ours (SetSystemDateAndTime, Manual, UTC); the offset read back, DeviceFault if off."""
    # half a second ahead: the device begins its second when it has read the request
    at = session.clock.now().astimezone(UTC) + timedelta(milliseconds=500)
    clock = tag("tt:Hour", at.hour) + tag("tt:Minute", at.minute) + tag("tt:Second", at.second)
    date = tag("tt:Year", at.year) + tag("tt:Month", at.month) + tag("tt:Day", at.day)
    await session.call(
        session.place.path,
        "<tds:SetSystemDateAndTime><tds:DateTimeType>Manual</tds:DateTimeType>"
        "<tds:DaylightSavings>false</tds:DaylightSavings><tds:TimeZone><tt:TZ>KST-9</tt:TZ></tds:TimeZone>"
        f"<tds:UTCDateTime><tt:Time>{clock}</tt:Time><tt:Date>{date}</tt:Date></tds:UTCDateTime>"
        "</tds:SetSystemDateAndTime>",
    )
    offset = await session.ask_time()
    if abs(offset) > CLOCK_NEAR_S:
        raise DeviceFault("other", f"its clock is {offset:+.0f} s off after setting")
    return offset


async def certificates(session: Session) -> list[dict[str, Any]]:
    """GetCertificates: SHA-256, subject, issuer and last day of each; never a key."""
    found = await session.call(session.place.path, "<tds:GetCertificates/>")
    out = []
    for row in found.all("NvtCertificate")[:CERTIFICATES_MAX]:
        data = row.at("Certificate", "Data")
        try:
            der = base64.b64decode((data.text if data else "")[: 2 * DER_MAX])
            made = x509.load_der_x509_certificate(der)
        except (ValueError, binascii.Error):
            continue
        out.append(certificate_facts(der, made))
    return out


def certificate_facts(der: bytes, made: x509.Certificate) -> dict[str, Any]:
    """What a page shows of a certificate."""
    until: datetime = made.not_valid_after_utc
    return {
        "sha256": hashlib.sha256(der).hexdigest(),
        "subject": clean(made.subject.rfc4514_string()),
        "issuer": clean(made.issuer.rfc4514_string()),
        "until": until.date().isoformat(),
        "own": made.subject == made.issuer,
    }

"""How a camera is reached and steered (장치 접속 정보): the only writer of driver and connection; contract 0010.

Unknown keys are refused here, because a recorder that guesses at a misspelt key would record the wrong thing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import rules, services
from gwanje.centre.cameras.models import Camera
from gwanje.centre.cameras.places import check_place
from gwanje.centre.common import clock, law
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource
from gwanje.law import InForce, NotInForce
from gwanje.vault import camera_keys

BYTES_MAX = 32 * 1024
TEXT_MAX = 200
PEM_MAX = 16 * 1024


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_MAX and value.isprintable()


def _address(value: Any) -> bool:
    try:
        parts = urlsplit(value) if _text(value) else urlsplit("")
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in value
    except ValueError:
        return False


def _standard(value: Any) -> bool:
    return isinstance(value, dict) and set(value) <= {"width", "height", "rate"} and all(
        isinstance(v, int | float) and not isinstance(v, bool) and 0 < v <= 100_000 for v in value.values()
    )  # fmt: skip


def _trust(value: Any) -> bool:
    """A pinned certificate (SHA-256, hex) or the PEM of the CA that signed it; both are public."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    pinned, authority = str(value.get("fingerprint") or ""), str(value.get("ca") or "")
    if pinned:
        return re.fullmatch(r"[0-9a-f]{64}", pinned.replace(":", "").lower()) is not None
    return "-----BEGIN CERTIFICATE-----" in authority and "PRIVATE KEY" not in authority and len(authority) <= PEM_MAX


def _signing(value: Any) -> bool:
    """Public keys of the camera that signs its video (영상 서명 공개키, design 0030), each in PEM."""
    pems = value.get("keys") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(pems, list) or not 0 < len(pems) <= camera_keys.RECORDED_MAX:
        return False
    try:
        return all(isinstance(pem, str) and camera_keys.read_all(pem) for pem in pems)
    except camera_keys.BadKey:
        return False


# one line a key; who needs another adds it here
KEYS: dict[str, Callable[[Any], bool]] = {
    "transport": lambda v: v in ("tcp", "udp", "tls", "auto"),
    "network": lambda v: v in ("dedicated", "public"),
    "vpn": _text,
    "reason": _text,
    "tls": _trust,
    "signing": _signing,
    "interval": lambda v: isinstance(v, int | float) and not isinstance(v, bool) and 0.2 <= v <= 10,
    "coarse": lambda v: isinstance(v, bool),
    "onvif": _address,
    "profile": _text,
    "ptz": lambda v: isinstance(v, dict),
    "standard": _standard,
    "clock": lambda v: isinstance(v, bool),
    "events": lambda v: isinstance(v, bool),
}


def checked(said: Mapping[str, Any], actor: Actor | None = None) -> dict[str, Any]:
    """A connection as it may be stored; Problem for an unknown key, a value out of form, an address with account or
    one that no recorder connects to."""
    for key, value in said.items():
        if key not in KEYS or not KEYS[key](value):
            raise Problem(
                "connection",
                f"장치 접속 정보의 항목이 맞지 않습니다: {key[:40]}",
                f"This item of the device's connection is not taken: {key[:40]}",
                next_=f"쓸 수 있는 항목 / items: {', '.join(sorted(KEYS))}",
            )
    if len(json.dumps(said, ensure_ascii=False).encode()) > BYTES_MAX:
        raise Problem("connection_size", "장치 접속 정보가 너무 깁니다.", "The device's connection is too long.")
    check_place(said.get("onvif", ""), actor)
    return dict(said)


def apply_connection(
    row: Camera, changes: Mapping[str, Any], driver: str = "", actor: Actor | None = None
) -> list[str]:
    """Merge changes into a camera's connection (None removes a key), without saving; the names of what changed."""
    wanted = {**row.connection, **changes}
    kept = checked({key: value for key, value in wanted.items() if value is not None}, actor)
    changed = sorted(key for key in {*kept, *row.connection} if kept.get(key) != row.connection.get(key))
    if driver and driver != row.driver:
        changed.append("driver")
        row.driver = driver
    known = services._hosts(row.main_url, row.sub_url, row.connection.get("onvif", ""))
    if known and not services._hosts(kept.get("onvif", "")) <= known:
        # a device elsewhere must not be told the account of this one
        row.sealed = {}
    row.connection = kept
    return changed


@transaction.atomic
def set_connection(actor: Actor, id_: UUID, changes: Mapping[str, Any], driver: str = "") -> Camera:
    """Change how a camera is reached (장치 접속 정보 변경); None as a value removes a key. The recorders follow."""
    row = services.find(actor, id_)
    services.require(actor, rules.WRITE, Resource("camera", row.id, row.agency_id, row.id))
    changed = apply_connection(row, changes, driver, actor)
    for url in (row.main_url, row.sub_url):
        services._check_url(url, row.driver, actor, row.id)
    decision = rules.may_register(services.facts_of(services._as_new(row)), law())
    if not decision.allow:
        raise Refused(decision, rules.REGISTER, actor, cameras=[row.id])
    row.changed_at = clock().now()
    services._connect(row)
    row.save()
    detail = {"number": row.number, "changed": changed}
    if "signing" in changed:
        # since when which key was trusted is evidence
        detail["signing"] = signing_ids(row)
    services._note(actor, "cameras.connection.changed", decision, row, detail)
    return row


def signing_ids(row: Camera) -> list[str]:
    """Names of the keys under which this camera's own signature is valid: SHA-256 of each, hexadecimal."""
    pems = (row.connection.get("signing") or {}).get("keys", [])
    return [key.id for key in camera_keys.registered(pems)]


def set_signing(actor: Actor, id_: UUID, text: str) -> Camera:
    """Record the public keys of a camera's own signature (영상 서명 공개키 등록); an empty text removes them.

    ``text``: certificates or public keys in PEM; only the keys are kept. Problem says what is not taken.
    """
    try:
        found = camera_keys.read_all(text)
    except camera_keys.BadKey as error:
        ko, en = str(error).split(" / ", 1)
        raise Problem(
            "signing_key", f"영상 서명 공개키로 받을 수 없습니다: {ko}.", f"Not taken as the key of a signature: {en}.",
            next_="비밀키는 넣지 말고 제조사나 기기의 인증서(PEM)를 4개까지 붙여 넣으십시오. / "
            "Paste up to four certificates of the device or its maker in PEM, never a private key.",
        ) from error  # fmt: skip
    return set_connection(actor, id_, {"signing": {"keys": [key.pem for key in found]} if found else None})


def standard(today: InForce) -> dict[str, Any]:
    """What stored pictures must reach (저장 기준) by the law of the day, for the recorder that measures; or nothing.

    ``{"standard": {"width", "height", "rate"}}``: pixels and frames a second.
    """
    names = {"width": "recording.width_min", "height": "recording.height_min", "rate": "recording.rate_min"}
    try:
        today.articles("recording.standard")
        return {"standard": {key: today.parameter(name).value for key, name in names.items()}}
    except NotInForce:
        # the city's packs ask for nothing, or name no size
        return {}

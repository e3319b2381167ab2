"""Certificate of destruction (영상정보 파기 확인서): canonical bytes, the same for people as JSON, and PDF/A.

Issued only when a process of its own has tried sampled parts of every destroyed camera-hour with every key file on
the disk, opened none, and the generation key that held the roots is absent.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gwanje.centre.common import clock, documents
from gwanje.centre.retention.fates import KEPT
from gwanje.centre.retention.files import BEHIND
from gwanje.centre.retention.models import DestroyedHour
from gwanje.centre.retention.trying import Attempt
from gwanje.kernel.canonical import encode, nfc
from gwanje.kernel.footage import EPOCH_S
from gwanje.law import ArticleRef, upholds
from gwanje.vault.client import Status

PDF_HOURS_MAX = 2000
# where processes have users of their own, what these hold of other services is read by neither who tries nor who asks
OTHERS = frozenset({"secrets", "log", "spool", "out", "run", "clips"})
METHOD = "key-destruction, overwrite, unlink"
LEVELS = {
    "L1": ("키를 삭제함. 저장매체의 잔류 가능성은 배제하지 않음", "key deleted; medium remanence not excluded"),
    "L2": ("키를 TPM에서 삭제함", "key deleted in a TPM"),
    "L3": ("키를 보안장치(HSM)에서 소거함", "key zeroised in an HSM"),
}
COUNTERSIGN = ("manager", "privacy_officer")


def _allow(found: Attempt, samples: int) -> str:
    return ""


@upholds("retention.irrecoverable", passes=_allow)
def objection(found: Attempt, samples: int) -> str:
    """Why no certificate may be issued, or nothing (파기 확인서 발급 요건)."""
    if found.opened:
        return f"파기한 영상 {found.opened}건이 열렸습니다 / {found.opened} destroyed parts opened"
    if not found.generation_key_absent:
        return "이전 세대 키가 남아 있습니다 / an earlier generation key is still there"
    if found.tried != samples or found.contents < 1:
        return "모든 표본을 시도하지 못했습니다 / not every sample was tried with a readable keystore"
    if found.unread and not set(found.unread) <= OTHERS:
        return f"읽지 못한 자료 위치가 있습니다 / places that nobody could search: {', '.join(found.unread)}"
    return ""


@dataclass(frozen=True)
class Draft:
    """What goes on the certificate."""

    number: str
    issued_at: datetime
    centre: bytes
    centre_name: str
    articles: tuple[ArticleRef, ...]
    hours: Sequence[DestroyedHour]
    found: Attempt
    status: Status
    titles: dict[str, str]
    ledger: tuple[int, bytes, str] | None

    def body(self) -> dict[str, Any]:
        """Canonical map, version 1; officers' fields are there and empty until officers have keys."""
        level = self.status.level
        size, root, note = self.ledger or (0, b"", "")
        return {
            "v": 1,
            "kind": "destruction",
            "number": nfc(self.number),
            "centre": self.centre,
            "issued": round(self.issued_at.timestamp() * 1e6),
            "articles": [nfc(a.key) for a in self.articles],
            "method": method(self.hours),
            "level": level,
            "level_text": [nfc(text) for text in LEVELS.get(level, ("", ""))],
            "replicas": self.status.replicas,
            "single_replica_accepted": self.status.single_replica,
            "acknowledgements": [
                [peer["number"], peer["acknowledged"], peer["digest"], peer["signature"]] for peer in self.status.peers
            ],
            "replicas_retired": [list(each) for each in self.status.retired],
            "hours": [_hour(hour) for hour in self.hours],
            "attempt": self.found.body(),
            "exceptions": [nfc(line) for line in exceptions(self.hours)],
            "ledger": {"size": size, "root": root, "note": note},
            "officers": [
                {"role": role, "person": None, "signed_at": None, "signature": None, "state": "unsigned"}
                for role in COUNTERSIGN
            ],
        }


def _hour(hour: DestroyedHour) -> dict[str, Any]:
    return {
        "class": hour.class_number,
        "epoch": hour.epoch,
        "series": hour.series,
        "generation": hour.generation,
        "cause": hour.cause,
        "reference": hour.reference,
        "held": [one[:5] for one in hour.held],
        "due": round(hour.due_at.timestamp()),
        "key_died": round(hour.key_died_at.timestamp() * 1e6),
        "erased": round(hour.erased_at.timestamp() * 1e6) if hour.erased_at else None,
        "segments": hour.segments,
        "parts": hour.parts,
        "root": bytes(hour.root or b""),
        "cameras": [
            [c["camera"] or "", c["slot"], c["seconds"], c["parts"], bytes.fromhex(c["root"])] for c in hour.detail
        ],
    }


def behind(hours: Sequence[DestroyedHour]) -> bool:
    """Did objects of an object store die here, which nobody can overwrite?"""
    return any(e["why"] == BEHIND for hour in hours for e in hour.exceptions)


def method(hours: Sequence[DestroyedHour]) -> str:
    """How it was destroyed, as the body says it."""
    return f"{METHOD}, object delete" if behind(hours) else METHOD


def exceptions(hours: Sequence[DestroyedHour]) -> list[str]:
    """What did not go the usual way, one line each: held seconds first, by hold and camera; at most 500."""
    held = [_held(hour, one) for hour in hours for one in hour.held]
    return [*held, *(f"{e['file']}: {e['why']}" for hour in hours for e in hour.exceptions)][:500]


def _held(hour: DestroyedHour, one: Sequence[Any]) -> str:
    hold, camera, slot, first, until = one[:5]
    begin, end = (
        datetime.fromtimestamp(hour.epoch * EPOCH_S + tick, clock().zone).isoformat(" ") for tick in (first, until)
    )
    return f"보존 {hold}: 기기 {camera or slot}, {begin} ~ {end}, {until - first}초 (보존이 끝날 때 파기)"


def partial(hours: Sequence[DestroyedHour]) -> bool:
    """Were parts overwritten in files that stay for what is held, or for what was not deleted?"""
    return any(e["why"] == KEPT for hour in hours for e in hour.exceptions)


def readable(value: Any) -> Any:
    """Canonical values as JSON: bytes in hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: readable(v) for k, v in value.items()}
    return [readable(v) for v in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Issued:
    """The three forms of one certificate."""

    body: bytes
    sha256: str
    readable: dict[str, Any]
    pdf: bytes


def issue(draft: Draft, zone: Any, fonts: Path | None) -> Issued:
    """Canonical bytes, JSON and PDF/A-2b. ``fonts``: folder of the document fonts; None: the system's."""
    plain = draft.body()
    body = encode(plain)
    digest = hashlib.sha256(body).hexdigest()
    said = readable(plain)
    return Issued(body, digest, said, render(page(draft, digest, zone), fonts))


def _when(at: datetime, zone: Any) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def page(draft: Draft, digest: str, zone: Any) -> dict[str, Any]:
    """What the document shows, all of it text."""
    from gwanje.centre.retention.words import certificate_words

    hours = list(draft.hours)
    first = datetime.fromtimestamp(min(h.epoch for h in hours) * 3600, UTC)
    until = datetime.fromtimestamp((max(h.epoch for h in hours) + 1) * 3600, UTC)
    listed = [
        [
            str(number),
            str(hour.class_number),
            _when(datetime.fromtimestamp(hour.epoch * 3600, UTC), zone),
            _when(hour.due_at, zone),
            _when(hour.key_died_at, zone),
            str(len(hour.detail)),
            str(sum(c["seconds"] for c in hour.detail)),
            str(hour.generation),
        ]
        for number, hour in enumerate(hours[:PDF_HOURS_MAX], 1)
    ]
    size, root, _ = draft.ledger or (0, b"", "")
    issued = draft.issued_at.astimezone(zone)
    proof = [
        ["SHA-256", digest],
        [
            "해시 뿌리",
            "; ".join(dict.fromkeys(bytes(h.root or b"").hex() for h in hours[:3])) + (" …" if hours[3:] else ""),
        ],
        ["관리대장", f"{size}건 · {base64.b64encode(root).decode() or '-'}"],
    ]
    return certificate_words(draft, (_when(first, zone), _when(until, zone)), issued) | {
        "hours": listed,
        "proof": proof,
        "exceptions": exceptions(hours)
        + ([f"목록 {PDF_HOURS_MAX}건까지만 인쇄"] if len(hours) > PDF_HOURS_MAX else []),
    }


def render(data: dict[str, Any], fonts: Path | None) -> bytes:
    """PDF/A-2b; every text is data of the template, never its source."""
    return documents.render("gwanje.centre.retention", "certificate.typ", data, fonts)

"""The way to vaultd's own pages and back (서명 화면 오가기): bring an act, lead the officer there, fetch who signed.

The web believes nothing of it: whatever it stores, vaultd verifies again when the act is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gwanje.centre.common import home
from gwanje.centre.common.refusal import Problem, vault_away
from gwanje.kernel.actor import Actor
from gwanje.kernel.hosts import sign_origin
from gwanje.kernel.permit import Approval
from gwanje.vault.attest import Proof
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused
from gwanje.vault.client_consent import Registry, Signing
from gwanje.vault.errors import VaultError

WEB = "web"


@dataclass(frozen=True)
class Lead:
    """An act that waits to be signed: its id (16 bytes) and the page for one person."""

    id: bytes
    url: str


@cache
def _client(role: str) -> VaultClient:
    return VaultClient(home(), role)


def standing() -> Signing | None:
    """Are officers' own signatures asked for, who has keys, what waits for written confirmation; None = vaultd away."""
    try:
        return _client(WEB).signing()
    except (VaultAway, VaultRefused):
        return None


def registry(role: str = WEB) -> Registry | None:
    """vaultd's own registry of officers and of who signs in whose place (전결); None = vaultd away.

    ``role``: whose key asks it, ``worker`` in the worker: a process can read no key but its own (docs/design/0036).
    """
    try:
        return _client(role).registry()
    except (VaultAway, VaultRefused):
        return None


def lead(actor: Actor, kind: str, body: Mapping[str, Any], said: Mapping[str, str], back: str) -> Lead:
    """Bring an act to be signed; Problem 409 when vaultd cannot say it in words, 503 when it is away.

    ``said``: UUID or field → the centre's name for it; ``back``: the page that the signer returns to.
    """
    try:
        id_ = _client(WEB).pend(kind, body, said, back)
    except VaultRefused as no:
        raise refused(no) from no
    except VaultAway as away:
        raise vault_away() from away
    return Lead(id_, f"{sign_origin(home())}/sign/{id_.hex()}?as={actor.person}")


def refused(no: VaultRefused) -> Problem:
    """vaultd's own words as a Problem."""
    ko, _, en = no.message.partition(" / ")
    return Problem(f"vault_{no.code}", ko, en or ko, rule="담당공무원 서명", status=409)


def given(id_: bytes, kind: str, act: bytes) -> list[Approval]:
    """Who signed there, each over exactly this act (canonical body); Problem 409 when nothing waits there any more."""
    try:
        found = _client(WEB).consents(id_)
    except VaultRefused as no:
        raise refused(no) from no
    except VaultAway as away:
        raise vault_away() from away
    digest = hashlib.sha256(act).digest()
    return [approval for approval in found if _covers(approval, kind, digest)]


def _covers(approval: Approval, kind: str, digest: bytes) -> bool:
    try:
        proof = Proof.read(approval.signature)
    except VaultError:
        return False
    return (proof.kind, proof.digest) == (kind, digest)


def unsigned() -> Problem:
    """409: the officer has not signed on vaultd's page."""
    return Problem(
        "signature_needed", "담당공무원 본인의 서명이 필요합니다.", "The officer's own signature is needed.",
        rule="담당공무원 서명", next_="서명 화면에서 서명하십시오.", next_en="Sign on the signing page.", status=409,
    )  # fmt: skip


def asker_first() -> Problem:
    """409: whoever asked signs before whoever decides."""
    return Problem(
        "asker_first", "신청한 사람이 아직 서명하지 않았습니다.", "Whoever asked has not signed yet.",
        rule="담당공무원 서명", status=409,
        next_="신청한 사람에게 서명을 요청하십시오.", next_en="Have the asking officer sign first.",
    )  # fmt: skip

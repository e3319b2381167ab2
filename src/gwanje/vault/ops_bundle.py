"""Signing an evidence bundle (증거 묶음 서명): vaultd signs only what lies inside a running release session.

The manifest is looked at field by field against the Permit that was spent: whose camera, which seconds, which ground;
the checkpoint it names must be one of vaultd's own. A row of the fact stands on the disk before the signature leaves.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gwanje.kernel import cose
from gwanje.kernel.canonical import NotCanonical, encode
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.ledger import note
from gwanje.kernel.refusals import report
from gwanje.vault.bundle import manifest
from gwanje.vault.bundle.container import about_digest
from gwanje.vault.core import Vault
from gwanje.vault.desk import FUTURE_S, Desk
from gwanje.vault.errors import VaultError
from gwanje.vault.ops import PLAYER, Answer, Op, Request

SALT_SIZE = 32


def inside(body: Mapping[str, Any], permit: Mapping[str, Any]) -> None:
    """Raise VaultError ``bundle_scope`` unless the manifest says nothing that the Permit does not allow."""
    facts = {
        "permit": body["permit"] == permit["id"],
        "centre": body["centre"] == permit["centre"],
        "decision": body["decision"] == permit["decision"],
        "camera": [body["camera"], body["slot"], body["stream"]] in permit["cameras"],
        "seconds": permit["first"] <= body["first"] and body["until"] <= permit["until"],
    }
    for name, fits in facts.items():
        if not fits:
            raise VaultError("bundle_scope", name)


class BundleOps:
    """The one request of bundles."""

    def __init__(self, vault: Vault, desk: Desk) -> None:
        self.vault, self.desk = vault, desk

    def table(self) -> dict[str, Op]:
        """Name → request."""
        return {"bundle_sign": Op(PLAYER, self._sign)}

    async def _sign(self, r: Request) -> Answer:
        return {"signed": await asyncio.to_thread(self.sign, r["session"], r["manifest"], r["salt"], str(r["note"]))}

    def sign(self, session: bytes, body: Mapping[str, Any], salt: bytes, checkpoint: str) -> bytes:
        """COSE_Sign1 of kind ``bundle`` over the manifest; each refusal has its code."""
        permit = self.desk.session(session).body
        if permit["action"] != "release":
            raise VaultError("bundle_action", str(permit["action"]))
        manifest.check(body)
        inside(body, permit)
        now_us = self.vault.clock.now_us()
        if abs(body["made"] - now_us) > FUTURE_S * 1_000_000:
            raise VaultError("bundle_field", "made")
        if not isinstance(salt, bytes) or len(salt) != SALT_SIZE:
            raise VaultError("bundle_field", "salt")
        if body["about"] != about_digest(manifest.about_of(permit), salt):
            raise VaultError("bundle_field", "about")
        self._ours(body, checkpoint)
        try:
            message = cose.sign(manifest.KIND, dict(body), self.vault.permit_key)
        except NotCanonical as error:
            raise VaultError("bundle_field", str(error)) from error
        if len(message) > cose.SIZE_MAX:
            raise VaultError("bundle_limit", f"a manifest of {len(message)} bytes")
        self._witness(body, permit)
        return message

    def _ours(self, body: Mapping[str, Any], checkpoint: str) -> None:
        """The checkpoint that the manifest names is signed by this vaultd, and so is its key."""
        key = public_bytes(self.vault.checkpoint_key)
        if [body["key"], body["checkpoint_key"]] != [self.vault.permit_public, key]:
            raise VaultError("bundle_checkpoint", "key")
        if body["checkpoint"] is None:
            return
        try:
            point = note.verify(checkpoint, key)
        except note.BadNote as error:
            raise VaultError("bundle_checkpoint", str(error)) from error
        if [point.size, point.root] != body["checkpoint"]:
            raise VaultError("bundle_checkpoint", "another size or root")

    def _witness(self, body: Mapping[str, Any], permit: Mapping[str, Any]) -> None:
        """vaultd's own row of what it signed; without it the signature does not leave."""
        detail = {
            "outcome": "granted", "actor": UUID(bytes=permit["person"]), "station": permit["station"],
            "permit": UUID(bytes=permit["id"]), "cameras": [UUID(bytes=body["camera"])], "first": body["first"],
            "until": body["until"], "ground": permit["ground"], "case": permit["case"], "dies": "disclosure",
            "decision": permit["decision"], "bundle": UUID(bytes=body["id"]),
            "manifest": hashlib.sha256(encode(dict(body))).hexdigest(), "norms": ["playback.approval"],
        }  # fmt: skip
        try:
            report(self.vault.home, "vault.bundle.signed", detail, service="vaultd")
        except (OSError, RuntimeError, ValueError) as error:
            raise VaultError("internal", "the spool of facts does not take the row") from error

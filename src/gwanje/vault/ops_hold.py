"""Requests of holds and deletions (보존·삭제 요청)."""

from __future__ import annotations

from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.ops import WEB, Answer, Op, Request


class HoldOps:
    """Requests that keep seconds beyond their hour, or close them before it."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    def table(self) -> dict[str, Op]:
        """Name → request."""
        return {"hold": Op(WEB, self._unavailable), "puncture": Op(WEB, self._unavailable)}

    async def _unavailable(self, request: Request) -> Answer:
        raise VaultError("hold_unavailable")

"""Requests of consents (서명 요청): the web brings acts to be signed and fetches who signed."""

from __future__ import annotations

import asyncio

from gwanje.vault.consent import WEB_KINDS, Consents
from gwanje.vault.errors import VaultError
from gwanje.vault.ops import WEB, WORKER, Answer, Op, Request


class ConsentOps:
    """What the web may ask of ``Consents``; the registry's own changes wait on the console only."""

    def __init__(self, consents: Consents) -> None:
        self.consents = consents

    def table(self) -> dict[str, Op]:
        """Name → request."""
        return {
            "pend": Op(WEB, self._pend),
            "consents": Op(WEB, self._consents),
            "signing": Op(WEB | WORKER, self._signing),
        }

    async def _pend(self, r: Request) -> Answer:
        kind = str(r["kind"])
        if kind not in WEB_KINDS:
            raise VaultError("op_denied", f"web {kind[:20]}")
        said = {str(k): str(v) for k, v in dict(r.get("said") or {}).items()}
        back = str(r.get("back") or "")
        return {"id": await asyncio.to_thread(self.consents.pend, kind, dict(r["body"]), said, back)}

    async def _consents(self, r: Request) -> Answer:
        return {"consents": self.consents.consents(bytes(r["id"]))}

    async def _signing(self, r: Request) -> Answer:
        """Is signing on, and who has keys: 16-byte person ids, so that pages can say who may sign (no key)."""
        state, now = self.consents.vault.state, self.consents.vault.clock.now_s()
        people = {o.id.bytes for o in state.officers.values() if o.in_force(now) and o.keys}
        due = [d.body() for d in state.duties if not d.confirmed][:1000]
        return {"on": state.signing, "people": sorted(people), "duties": due}

"""Requests of consents (서명 요청): the web brings acts to be signed and fetches who signed."""

from __future__ import annotations

import asyncio
from typing import Final

from gwanje.vault.consent import WEB_KINDS, Consents
from gwanje.vault.errors import VaultError
from gwanje.vault.ops import WEB, WORKER, Answer, Op, Request

REGISTRY_A_PAGE: Final = 200
CODES_MAX: Final = 10_000


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
            "registry": Op(WEB | WORKER, self._registry),
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

    async def _registry(self, r: Request) -> Answer:
        """The officers whose entry is in force, with whom they have sign in their place: no password, no key."""
        state, now = self.consents.vault.state, self.consents.vault.clock.now_s()
        after = int(r.get("after", 0))
        found = sorted((o for o in state.officers.values() if o.in_force(now)), key=lambda o: (o.role, str(o.id)))
        page = [
            [o.id.bytes, o.role, o.title, o.delegation, o.valid_from, o.valid_until, len(o.keys),
             [d.body() for d in o.delegates]]
            for o in found[after : after + REGISTRY_A_PAGE]
        ]  # fmt: skip
        # one who is left out here would keep codes that nobody knows of: whole, and bounded by what a frame holds
        codes = sorted({c.person.bytes for c in state.codes if not c.spent})[:CODES_MAX]
        return {"officers": page, "total": len(found), "codes": codes}

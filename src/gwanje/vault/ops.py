"""What vaultd is asked (금고 요청): every request with who may ask it; holds have a file of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import astuple, dataclass
from typing import Any, Final
from uuid import UUID

from gwanje.vault import door
from gwanje.vault.core import Vault
from gwanje.vault.desk import Desk
from gwanje.vault.errors import VaultError
from gwanje.vault.shares import Shares

SLOTS_MAX: Final = 20_000
DESTROYED_A_PAGE: Final = 10_000
ALL: Final = frozenset(("web", "recorder", "player", "worker", "checker"))
WEB, RECORDER, PLAYER, WORKER = (frozenset((name,)) for name in ("web", "recorder", "player", "worker"))
Request = Mapping[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True)
class Op:
    """One request: the services that may ask, and what is done (fields → answer; VaultError, KeyError, TypeError)."""

    may: frozenset[str]
    run: Callable[[Request], Awaitable[Answer]]


class Syncer:
    """Many waiters, one fdatasync: a tick is given out only after its row is durable."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._next: asyncio.Future[None] | None = None
        self._worker: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when everything appended before this call is on the disk; OSError when it could not be."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        mine = self._next
        if self._worker is None or self._worker.done():
            # a task of its own: a waiter that is cancelled must not take the others with it
            self._worker = asyncio.create_task(self._run())
        await asyncio.shield(mine)

    async def _run(self) -> None:
        while self._next is not None:
            batch, self._next = self._next, None
            try:
                await asyncio.to_thread(self._sync)
                batch.set_result(None)
            except OSError as error:
                batch.set_exception(error)


class Ops:
    """Requests of lending, opening, checking and destroying."""

    def __init__(self, vault: Vault, desk: Desk, shares: Shares, syncer: Syncer) -> None:
        self.vault, self.desk, self.shares, self._syncer = vault, desk, shares, syncer

    def table(self) -> dict[str, Op]:
        """Name → request."""
        return {
            "status": Op(ALL, self._status),
            "set_class": Op(WEB, self._set_class),
            "slot": Op(WEB, self._slot),
            "slots": Op(WEB, self._slots),
            "lend": Op(RECORDER, self._lend),
            "recorders": Op(RECORDER | WEB, self._recorders),
            "mint": Op(WEB, self._mint),
            "redeem": Op(PLAYER, self._redeem),
            "resume": Op(PLAYER, self._resume),
            "open_ticks": Op(PLAYER, self._open_ticks),
            "verify": Op(frozenset(("checker", "worker")), self._verify),
            "checkpoint": Op(WORKER, self._checkpoint),
            "destroy_due": Op(WORKER, self._destroy_due),
            "destroyed_ack": Op(WORKER, self._destroyed_ack),
            "open_log": Op(frozenset(("worker", "checker")), self._open_log),
        }

    async def _status(self, request: Request) -> Answer:
        return self.vault.status()

    async def _recorders(self, request: Request) -> Answer:
        """Ed25519 keys of this machine's recorder and of those that two officers admitted."""
        state = self.vault.state
        far = [key for key, role in door.admitted(state).items() if role == "recorder"]
        return {"keys": [state.services["recorder"], *far]}

    async def _set_class(self, r: Request) -> Answer:
        await asyncio.to_thread(
            self.vault.set_class, int(r["number"]), str(r["kind"]), int(r["value"]), str(r["reference"])
        )
        return {}

    async def _slot(self, r: Request) -> Answer:
        (slot,) = await asyncio.to_thread(self.vault.slots, [UUID(bytes=r["camera"])])
        return {"slot": slot}

    async def _slots(self, r: Request) -> Answer:
        cameras = [UUID(bytes=camera) for camera in r["cameras"]]
        if len(cameras) > SLOTS_MAX:
            raise VaultError("limit", f"{SLOTS_MAX} cameras a request")
        return {"slots": await asyncio.to_thread(self.vault.slots, cameras)}

    async def _lend(self, r: Request) -> Answer:
        slot, epoch = int(r["slot"]), int(r["epoch"])
        first, nodes = await asyncio.to_thread(self.vault.lend, int(r["class"]), slot, epoch)
        # what was asked for is a camera and an hour that may be lent: now, may it be lent to this one?
        self.shares.take(r["by"], slot, epoch, self.vault.camera_of(slot), asyncio.get_running_loop().time())
        return {"first": first, "nodes": [[height, key] for height, key in nodes]}

    async def _mint(self, r: Request) -> Answer:
        return {"permit": await asyncio.to_thread(self.desk.mint, dict(r["permit"]))}

    async def _redeem(self, r: Request) -> Answer:
        session, until, body = await asyncio.to_thread(self.desk.redeem, r["permit"], r["viewer"])
        return {"session": session, "until": until, "permit": body}

    async def _resume(self, r: Request) -> Answer:
        until, body = self.desk.resume(r["session"], r["viewer"])
        return {"until": until, "permit": body}

    async def _open_ticks(self, r: Request) -> Answer:
        seconds = [(int(tick), list(segments)) for tick, segments in r["seconds"]]
        okm = self.desk.open_ticks(r["session"], int(r["class"]), int(r["slot"]), int(r["epoch"]), seconds)
        # one fdatasync for all their rows, and before any key of theirs is given
        await self._syncer.wait()
        return {"okm": okm}

    async def _verify(self, r: Request) -> Answer:
        authentic, tracks, why = self.desk.verify(r["header"], r["init"], r["part"])
        answer: Answer = {"authentic": authentic, "tracks": tracks, "why": why}
        if authentic and r.get("signed") is True:
            codec, rows, messages = self.desk.pictures(r["header"], r["init"], r["part"])
            answer |= {"codec": codec, "nals": rows, "messages": messages}
        return answer

    async def _checkpoint(self, r: Request) -> Answer:
        note = await asyncio.to_thread(
            self.vault.checkpoint, str(r["origin"]), int(r["size"]), r["root"], int(r["old_size"]), list(r["proof"])
        )
        return {"note": note}

    async def _destroy_due(self, request: Request) -> Answer:
        found = await asyncio.to_thread(self.vault.destroy_due)
        names = ("class", "epoch", "generation", "at")
        return {"destroyed": [dict(zip(names, astuple(d), strict=True)) for d in found[:DESTROYED_A_PAGE]]}

    async def _destroyed_ack(self, r: Request) -> Answer:
        items = [(int(c), int(e), int(g)) for c, e, g in r["destroyed"]]
        return {"count": await asyncio.to_thread(self.vault.acknowledge, items)}

    async def _open_log(self, r: Request) -> Answer:
        rows = self.vault.open_log.rows(int(r["after"]), int(r["limit"]))
        return {"rows": [row.body() for row in rows], "size": len(self.vault.open_log)}

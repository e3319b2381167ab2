"""Many services at once on one vaultd: writes and reads side by side, and it is still the same process."""

from __future__ import annotations

import threading

from conftest_vault import REFERENCE

from gwanje.apps import vaultd
from gwanje.kernel.ids import uuid7
from gwanje.vault.client import VaultClient
from gwanje.vault.errors import VaultError


def test_reads_and_permits_beside_writes(served):
    home, pid = served.home, vaultd._answering_pid(served.home)
    web = VaultClient(home, "web")
    web.set_class(1, "days", 30, REFERENCE)
    slot, now = web.slot(served.camera), home.clock.now_s()
    faults: list[str] = []
    opened: list[bytes] = []

    def guarded(work) -> None:
        try:
            for _ in range(25):
                work()
        except (VaultError, OSError, ValueError) as error:
            faults.append(f"{work.__name__}: {error}")

    def worker(role: str):
        return VaultClient(home, role)

    def slots() -> None:
        web.slot(uuid7())

    own, player, recorder = worker("web"), worker("player"), worker("recorder")

    def permits() -> None:
        permit = own.mint(**served.permit(slot, now - 5, now))
        opened.append(player.redeem(permit, served.viewer()).session)

    def lends() -> None:
        assert recorder.lend(1, slot, home.clock.now_s() // 3600).nodes

    def states() -> None:
        assert worker("worker").status().alarm is None

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (slots, permits, lends, states)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(set(opened)) == 25
    assert vaultd._answering_pid(home) == pid
    assert web.status().slots >= 26

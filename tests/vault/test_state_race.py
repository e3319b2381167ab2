"""A reader in another thread never takes a write that is under way for a failed one."""

from __future__ import annotations

import threading
from pathlib import Path

from gwanje.kernel.home import Home
from gwanje.vault import ceremony
from gwanje.vault.core import Vault


def test_reading_while_a_generation_is_written(tmp_path: Path) -> None:
    home = Home.create(tmp_path, demo=True)
    ceremony.create(home)
    keystore = ceremony.open_keystore(home)
    keystore.lock()
    vault = Vault(home, keystore)
    done = threading.Event()

    def write() -> None:
        try:
            for number in range(1, 41):
                vault.set_class(number, "days", 1, "시험")
        finally:
            done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set():
        assert vault.whole if reads % 2 else vault.state.centre == home.centre
        reads += 1
    writer.join()
    assert reads > 100
    assert len(vault.state.classes) == 40
    vault.close()

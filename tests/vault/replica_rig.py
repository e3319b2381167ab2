"""A centre and its replicas: folders of their own, tokens of their own, real TLS on loopback, in one process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest_vault import REFERENCE, Centre, make, opened

from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.refusals import folder
from gwanje.vault import core, ops_replica, peers, tls
from gwanje.vault.ceremony import open_keystore
from gwanje.vault.core import Vault
from gwanje.vault.replica import Place


def until(what: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for a condition; generous, because a test machine may be slow."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "the condition did not come"
        time.sleep(0.01)
    return found


def told(home: Home, kind: str) -> list[dict[str, Any]]:
    """Spooled facts of a kind."""
    file = folder(home) / "vaultd.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [line for line in lines if line["kind"] == kind]


@dataclass
class Far:
    """One replica's folder; ``up`` and ``down`` are its process's start and end."""

    home: Home
    primary: bytes
    number: int
    place: Place | None = None
    port: int = 0

    def up(self, **settings: Any) -> Place:
        config = {"number": self.number, "listen": "", "primary": self.primary.hex(), **settings}
        file = self.home.config_file
        file.write_text(json.dumps({**json.loads(file.read_text()), "replica": config}))
        self.home = Home(self.home.root)
        keystore = open_keystore(self.home)
        keystore.lock()
        self.place = Place.of(self.home, keystore)
        self.place.start("127.0.0.1", self.port)
        self.port = self.place.port
        config["listen"] = self.address
        file.write_text(json.dumps({**json.loads(file.read_text()), "replica": config}))
        self.home = Home(self.home.root)
        return self.place

    def down(self) -> None:
        if self.place is not None:
            self.place.stop()
            with self.place._lock:
                self.place.keystore.unlock()
            self.place = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def certificate(self) -> bytes:
        return tls.certificate_of(self.home, tls.SERVICE)

    @property
    def generation(self) -> int:
        assert self.place is not None
        return self.place.keystore.generation


@dataclass
class Hall:
    """A centre's vault with replicas."""

    root: Path
    centre: Centre
    vault: Vault
    far: list[Far] = field(default_factory=list)

    def replica(self) -> Far:
        """One more replica, admitted and running."""
        number = len(self.far) + 1
        home = Home.create(self.root / f"r{number}", centre=str(self.centre.home.centre))
        made = Far(home, tls.certificate_of(self.centre.home, tls.SERVICE), number)
        made.up()
        self.far.append(made)
        act = ops_replica.acts(self.vault)["replica_admit"]
        act({"number": number, "address": made.address, "certificate": made.certificate}, [])
        return made

    def act(self, name: str, **fields: Any) -> dict[str, Any]:
        return ops_replica.acts(self.vault)[name](fields, [])

    def again(self) -> Vault:
        """vaultd starts anew on the same folder."""
        self.vault.close()
        self.vault = opened(self.centre.home)
        self.vault.peers.start()
        return self.vault

    def settled(self) -> None:
        generation = self.vault.keystore.generation - 1
        until(lambda: self.vault.peers.settled(generation))

    def close(self) -> None:
        self.vault.close()
        for far in self.far:
            far.down()


@contextmanager
def hall(root: Path, replicas: int = 1, **options: Any) -> Iterator[Hall]:
    """A centre with its class, a slot and running replicas that have all acknowledged."""
    with pytest.MonkeyPatch.context() as patch:
        # the same steps, sooner
        patch.setattr(peers, "AGAIN_S", (0.05,))
        patch.setattr(peers, "PING_S", 0.2)
        patch.setattr(core, "SETTLE_S", 0.3)
        # and as long as a busy machine needs
        patch.setattr(peers, "LEND_WAIT_S", 60.0)
        yield from _hall(root, replicas, options)


def _hall(root: Path, replicas: int, options: dict[str, Any]) -> Iterator[Hall]:
    centre = make(root / "c", **options)
    vault = opened(centre.home)
    vault.set_class(1, "days", 1, REFERENCE)
    vault.slots([uuid7()])
    vault.peers.start()
    made = Hall(root, centre, vault)
    try:
        for _ in range(replicas):
            made.replica()
        made.settled()
        yield made
    finally:
        made.close()

"""`./dev attack rollback [--rounds N] [--seed N] [--json FILE]`: old keystores and old replicas, again and again.

A vault and a replica, real TLS between them. An hour dies; images of both machines from before its death (keystore,
token and all) come back in five ways: the centre's disk, the centre's file without its token, the replica's disk, a
replica that counts its old content above everybody, and an old push by who holds the centre's own key. Each time the
dead second is asked for. Control: the same disk image at a centre without a replica opens it every time.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.vault import ceremony, ops_replica, peers, tls, tree
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import NOTHING, content_of, digest_of
from gwanje.vault.replica import Place, said

WAIT_S = 60.0
IMAGES = 6
KEEP = ("open", "lock")


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when anything old opened or was taken, or the control did not open."""
    parser = argparse.ArgumentParser(prog="./dev attack rollback")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    # the same steps, sooner: a round waits for the next connection
    peers.AGAIN_S = (0.01,)  # type: ignore[misc]
    peers.PING_S = 0.05  # type: ignore[misc]
    with tempfile.TemporaryDirectory(prefix="gwanje-rollback-") as folder:
        figures = run(Path(folder), given.rounds, given.seed)
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    good = figures["refused"] == figures["rounds"] and figures["opened"] == figures["taken"] == 0
    return 0 if good and figures["control_opened"] == figures["control"] > 0 else 1


def run(folder: Path, rounds: int, seed: int) -> dict[str, Any]:
    """The whole attack in an empty folder; its figures."""
    began, rng = time.perf_counter(), random.Random(seed)
    stage = Stage(folder)
    try:
        stage.prepare()
        ways = sorted(stage.ways())
        for _ in range(rounds):
            stage.attack(rng.choice(ways), rng.randrange(IMAGES))
    finally:
        stage.end()
    control = _control(folder / "alone")
    return {
        "rounds": rounds, "seed": seed, "refused": stage.refused, "opened": stage.opened, "taken": stage.taken,
        "ways": dict(sorted(stage.done.items())), "answers": dict(sorted(stage.answers.items())),
        "control": IMAGES, "control_opened": control, "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def _control(folder: Path) -> int:
    stage = Stage(folder, replicated=False)
    try:
        stage.prepare()
        return sum(stage.image_opens(index) for index in range(IMAGES))
    finally:
        stage.end()


def until(what: Callable[[], Any]) -> None:
    """Wait for a condition; RuntimeError after a minute."""
    end = time.monotonic() + WAIT_S
    while not what():
        if time.monotonic() > end:
            raise RuntimeError("the condition did not come")
        time.sleep(0.002)


def put(image: Path, to: Path, *, token: bool = True) -> None:
    """The vault folder of a machine becomes that of its image; the log of what was opened stays where it is."""
    left_out = (*KEEP, *(() if token else ("token",)))
    for path in to.iterdir():
        if path.name not in left_out:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in image.iterdir():
        if path.name not in left_out:
            shutil.copytree(path, to / path.name) if path.is_dir() else shutil.copy(path, to / path.name)


@dataclass
class Stage:
    """One centre, its replica, the images of both from before a death."""

    root: Path
    replicated: bool = True
    refused: int = 0
    opened: int = 0
    taken: int = 0
    done: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    place: Place | None = None
    port: int = 0

    def prepare(self) -> None:
        """Record an hour, take the images, let the hour die."""
        self.home = Home.create(self.root / "centre", demo=True)
        ceremony.create(self.home)
        self._open()
        self.vault.set_class(1, "days", 1, "제31조")
        self.vault.slots([uuid7()])
        if self.replicated:
            self.far = Home.create(
                self.root / "replica", centre=str(self.home.centre), replica={"number": 1, "primary": self._card()}
            )
            self.serve()
            card = tls.certificate_of(self.far, tls.SERVICE)
            fields = {"number": 1, "address": f"127.0.0.1:{self.port}", "certificate": card}
            ops_replica.acts(self.vault)["replica_admit"](fields, [])
        # an hour that is not due: what is due is closed by its date alone, whatever the file holds
        self.epoch = tree.epoch_of(self.vault.clock.now_s()) - 2
        with self.vault.change() as draft:
            draft.roots[1, self.epoch] = bytearray(b"r" * 32)
        for index in range(IMAGES):
            with self.vault.change():
                pass
            self._caught_up()
            for name, home in self._machines():
                shutil.copytree(home.vault, self.root / f"image-{name}-{index}")
        with self.vault.change() as draft:
            del draft.roots[1, self.epoch]
        self._caught_up()

    def _machines(self) -> list[tuple[str, Home]]:
        return [("centre", self.home), *([("replica", self.far)] if self.replicated else [])]

    def _card(self) -> str:
        return tls.certificate_of(self.home, tls.SERVICE).hex()

    def _open(self) -> None:
        store = ceremony.open_keystore(self.home)
        store.lock()
        try:
            self.vault = Vault(self.home, store)
        except VaultError:
            store.unlock()
            raise
        self.vault.peers.start()

    def _caught_up(self) -> None:
        if self.replicated:
            until(lambda: self.vault.peers.rows()[0]["acknowledged"] == self.vault.keystore.generation
                  and self.vault.peers.rows()[0]["signature"])  # fmt: skip

    def serve(self) -> None:
        """The replica's process begins."""
        store = ceremony.open_keystore(self.far)
        store.lock()
        self.place = Place.of(self.far, store)
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = int(free.getsockname()[1])
        self.place.start("127.0.0.1", self.port)

    def silence(self) -> None:
        """The replica's process ends."""
        if self.place is not None:
            self.place.stop()
            self.place.keystore.unlock()
            self.place = None

    def end(self) -> None:
        """Both end."""
        self.vault.close()
        self.silence()

    # --- attacks --------------------------------------------------------------------------------------------------

    def ways(self) -> dict[str, Callable[[int], str]]:
        """Name → attack with an image of that number; each answers how it was refused, or nothing."""
        return {
            "centre's disk": self._disk, "centre's file": self._file, "replica's disk": self._replica,
            "replica that lies": self._liar, "old push": self._push,
        }  # fmt: skip

    def attack(self, way: str, index: int) -> None:
        """One round; afterwards the newest content is in force everywhere."""
        before = self.vault.keystore.digest
        answer = self.ways()[way](index)
        self.done[way] += 1
        self.answers[f"{way}: {answer or 'taken'}"] += 1
        self._caught_up()
        old = (1, self.epoch) in self.vault.state.roots or self.vault.keystore.digest != before
        self.taken += old
        self.opened += self._asks()
        self.refused += bool(answer) and not old
        # the next round's images are older by one more generation
        with self.vault.change():
            pass
        self._caught_up()

    def _asks(self) -> bool:
        try:
            self.vault.leaf(1, 0, self.epoch, 0)
        except VaultError:
            return False
        return True

    def _disk(self, index: int) -> str:
        self.vault.close()
        put(self.root / f"image-centre-{index}", self.home.vault)
        self._open()
        while self.vault.whole:
            self.opened += self._asks()
            time.sleep(0.001)
        why = self.vault.peers.problem or ""
        self.vault.close()
        self._open()
        return why.partition(":")[0]

    def _file(self, index: int) -> str:
        self.vault.close()
        newest = self.root / "newest"
        shutil.copytree(self.home.vault, newest)
        put(self.root / f"image-centre-{index}", self.home.vault, token=False)
        try:
            self._open()
            answer = ""
        except VaultError as error:
            answer = error.code
        put(newest, self.home.vault)
        shutil.rmtree(newest)
        self._open()
        return answer

    def _replica(self, index: int) -> str:
        self.silence()
        put(self.root / f"image-replica-{index}", self.far.vault)
        newest = self.vault.keystore.generation
        self.serve()
        assert self.place is not None
        until(lambda: self.place is not None and self.place.keystore.generation == newest)
        return "brought up" if self.vault.keystore.generation == newest else ""

    def _liar(self, index: int) -> str:
        self.silence()
        put(self.root / f"image-replica-{index}", self.far.vault)
        store = ceremony.open_keystore(self.far)
        store.load()
        store.raise_to(self.vault.keystore.generation + 1000)
        self.serve()
        until(lambda: self.vault.peers.rows()[0]["trouble"] == "replica_false")
        answer = "" if self.vault.peers.problem else "replica_false"
        self.silence()
        put(self.root / f"image-replica-{index}", self.far.vault)
        self.serve()
        return answer

    def _push(self, index: int) -> str:
        image = Home(self.root / f"image-centre-{index}")
        token = type(self.vault.keystore.token)(image.root / "token")  # type: ignore[call-arg]
        generation, content = content_of((image.root / "keystore.gwk").read_bytes(), token)
        assert self.place is not None
        codes = set()
        for number in (generation, self.vault.keystore.generation + 1):
            text = said(self.home.centre, 0, number, digest_of(content))
            for base in (digest_of(content), NOTHING):
                try:
                    self.place.take(number, content, base, signing_key(self.home, tls.SERVICE).sign(text))
                    return ""
                except VaultError as error:
                    codes.add(error.code)
        return " ".join(sorted(codes))

    def image_opens(self, index: int) -> bool:
        """Control: without a replica the same image opens what is dead."""
        self.vault.close()
        put(self.root / f"image-centre-{index}", self.home.vault)
        self._open()
        return self._asks()


if __name__ == "__main__":
    sys.exit(main())

"""Replicas as processes: the command line, kill -9, and a promotion after the centre's machine is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest_vault import REFERENCE, make
from replica_rig import told, until
from test_vault_tls import free_port

from gwanje.apps import vaultd
from gwanje.kernel.home import Home
from gwanje.vault import tls, tree
from gwanje.vault.client import ConsoleClient, VaultAway, VaultClient, VaultRefused
from gwanje.vault.conversation import TERM


def run(home: Home, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), *words]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)


def begin(home: Home, *words: str) -> subprocess.Popen[bytes]:
    with (home.root / "log" / f"{words[0]}.log").open("ab") as out:
        argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), *words]
        return subprocess.Popen(argv, stdout=out, stderr=out)


class Story:
    """A centre and one replica, each with its processes."""

    def __init__(self, root: Path):
        self.centre = make(root / "c")
        self.home, self.far, self.port = self.centre.home, Home(root / "r"), free_port()
        self.children: list[subprocess.Popen[bytes]] = []

    def officers(self) -> tuple[list[str], str]:
        pairs = self.centre.confirm()
        words = [word for person, _ in pairs for word in ("--officer", str(person))]
        return [*words, "--stdin"], "".join(f"{password}\n" for _, password in pairs)

    def child(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        self.children.append(process)
        return process

    def end(self):
        for process in self.children:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def story(tmp_path):
    made = Story(tmp_path)
    yield made
    made.end()


def status(home: Home):
    try:
        return ConsoleClient(home).ask("status")
    except VaultAway:
        return None


def test_a_replica_from_its_first_command_to_its_promotion(story):
    home, far = story.home, story.far
    words, passwords = story.officers()
    first = story.child(vaultd.start(home))
    card = tls.certificate_of(home, "vaultd").hex()
    listen = f"127.0.0.1:{story.port}"
    made = run(far, "replica", "init", "--centre", str(home.centre), "--primary", card, "--number", "1",
               "--listen", listen)  # fmt: skip
    assert made.returncode == 0, made.stderr
    command = re.search(r"gwanje (replica admit .*)", made.stdout)[1].split()
    replica = story.child(begin(far, "replica", "serve"))
    admitted = run(home, *command, *words, stdin=passwords)
    assert admitted.returncode == 0, admitted.stderr
    until(lambda: status(home)["peers"][0]["signature"])
    client = VaultClient(home, "web")
    client.set_class(1, "days", 30, REFERENCE)
    (slot,) = client.slots([story.centre.camera])
    lent = VaultClient(home, "recorder").lend(1, slot, tree.epoch_of(home.clock.now_s()))
    said = client.status()
    assert (said.replicas, said.copies, said.rolled_back) == (2, 2, None)
    assert run(home, "vault", "status").stdout.endswith("키 복제 / key replicas 2/2\n")
    drilled = run(home, "replica", "drill", "--number", "1")
    assert (drilled.returncode, "L1" in drilled.stdout) == (0, True), drilled.stderr
    assert told(home, "vault.replica.drilled")
    # kill -9 and back: nothing is asked of anybody
    replica.send_signal(signal.SIGKILL)
    replica.wait()
    until(lambda: client.status().copies == 1)
    replica = story.child(begin(far, "replica", "serve"))
    client.slots([story.centre.requester.id])
    until(lambda: client.status().copies == 2)
    generation = client.status().generation
    until(lambda: client.status().peers[0]["acknowledged"] == generation)
    # a replica's folder does not become a vaultd by being started as one, nor by a second ceremony
    replica.terminate()
    assert replica.wait(30) == 0
    assert story.child(begin(far, "vaultd")).wait(30) == vaultd.EXIT_REFUSED
    assert run(far, "vault", "init").returncode == 1
    # the centre's machine is lost
    first.send_signal(signal.SIGKILL)
    first.wait()
    waiting = story.child(begin(far, "vaultd", "--promote"))
    until(lambda: status(far))
    assert status(far)["rolled_back"] == "standby"
    refused = run(far, "replica", "promote")
    assert refused.returncode == 1
    done = run(far, "replica", "promote", *words, stdin=passwords)
    assert (done.returncode, str(TERM) in done.stdout) == (0, True), done.stderr
    assert waiting.wait(30) == vaultd.EXIT_AGAIN
    assert run(far, "vault", "init").returncode == 0
    story.child(vaultd.start(far))
    now = VaultClient(far, "web").status()
    assert (now.generation > TERM, now.rolled_back, now.slots) == (True, None, 2)
    assert VaultClient(far, "web").slots([story.centre.camera]) == [slot]
    # the lost machine comes back: it hears of it and lends nothing any more
    story.child(vaultd.start(home))
    until(lambda: str(client.status().rolled_back).startswith("superseded"))
    with pytest.raises(VaultRefused) as over:
        VaultClient(home, "recorder").lend(1, slot, lent.epoch)
    assert over.value.code == "rolled_back"
    assert os.path.exists(far.vault / "keystore.gwk")

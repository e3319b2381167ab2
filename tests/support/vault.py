"""A real vaultd on the run's data folder, with officers whose person ids the tests' accounts share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from support import home

CITY = UUID("01990000-0000-7000-8000-0000000000c1")
# the same id as support.centre.CITY; one registered officer per role; accounts made with the same id are those officers
OFFICERS = {
    role: UUID(f"01990000-0000-7000-8000-{index:012x}")
    for index, role in enumerate(
        ("chief_officer", "manager", "operator", "seconded_police", "privacy_officer", "auditor"), 1
    )
}
PASSWORD = "금고-시험-비밀번호"


@contextmanager
def running() -> Iterator[subprocess.Popen[bytes]]:
    """vaultd as a process of its own until the block ends; a second call in a run finds the keystore there."""
    from gwanje.vault.ceremony import NewOfficer, create
    from gwanje.vault.client import VaultAway, VaultClient

    place = home()
    create(place, [NewOfficer(person, role, CITY, PASSWORD) for role, person in OFFICERS.items()])
    log = (place.root / "log" / "vaultd-test.log").open("ab")
    argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(place.root), "vaultd"]
    process = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, "GWANJE_TESTING": "1"})
    try:
        client = VaultClient(place, "web")
        for _ in range(200):
            try:
                client.status()
                break
            except (VaultAway, OSError):
                assert process.poll() is None, (place.root / "log" / "vaultd-test.log").read_text()[-2000:]
                time.sleep(0.05)
        client.close()
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()

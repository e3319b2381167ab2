"""vaultd (금고 서비스 실행): hardens the process, opens the keystore, serves until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import logging
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from gwanje.apps.hardening import harden
from gwanje.kernel.home import Home
from gwanje.vault import ceremony
from gwanje.vault.client import ConsoleClient, VaultAway
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.server import VaultServer

log = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1
EXIT_REFUSED, EXIT_AGAIN = 78, 70


async def _serve(server: VaultServer) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop.set)
    await server.serve()


def run(home: Home, *, promote: bool = False) -> int:
    """Serve one data folder; 0 after SIGTERM, 78 when it cannot start, 70 when it must be started again.

    ``promote``: a replica's folder, on which two officers are about to decide; nothing opens before they have.
    """
    locked = harden(lock=True)
    try:
        keystore = ceremony.open_keystore(home)
        keystore.lock()
        vault = Vault(home, keystore)
        if vault.peers.standby and not promote:
            raise VaultError("replica_here")
    except (VaultError, OSError) as error:
        log.critical("%s", error)
        # a token that was taken out may be put back: what starts again finds it
        return EXIT_AGAIN if isinstance(error, VaultError) and error.code == "token_away" else EXIT_REFUSED
    log.info("memory %s", "locked" if locked else "not locked (limit)")
    server = VaultServer(vault)
    try:
        asyncio.run(_serve(server))
    finally:
        vault.close()
    return EXIT_AGAIN if server.failed else 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def answers(home: Home) -> bool:
    """Does a vaultd answer on this folder's console socket?"""
    try:
        ConsoleClient(home).ask("status")
    except VaultAway:
        return False
    return True


def _answering_pid(home: Home) -> int | None:
    # asked of the kernel, so that an older vaultd on the same folder is not taken for the one just started
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.connect(str(home.socket("console")))
        pid, _, _ = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return int(pid)
    return None


def start(home: Home, *, log_file: Path | None = None, wait_s: float = 60.0) -> subprocess.Popen[bytes]:
    """Start a vaultd process on a folder that has its keystore and wait until it answers; RuntimeError else."""
    with (log_file or home.root / "log" / "vaultd.log").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.vaultd", "--data", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - only prctl, no lock can be held there
        )
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"vaultd ended with {process.returncode}; see {out.name}")
        if _answering_pid(home) == process.pid:
            return process
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise RuntimeError("vaultd did not answer in time")


@contextlib.contextmanager
def running(home: Home) -> Iterator[None]:
    """A vaultd for the length of a ``with``: the one that answers already, else one of our own that ends with it."""
    if answers(home):
        yield
        return
    process = start(home)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> int:
    """``python -m gwanje.apps.vaultd --data DIR``."""
    parser = argparse.ArgumentParser(prog="vaultd")
    parser.add_argument("--data", default=None)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    return run(Home.find(args.data))


if __name__ == "__main__":
    sys.exit(main())

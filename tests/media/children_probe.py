"""Run by test_children_proc: each media child as a process of one account, and another program of it that looks in.

Forked, not executed, so that an account without a right to this checkout can be tried; prints JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable

from gwanje.media.ingest import __main__ as ingest
from gwanje.media.inspect import child as inspect
from gwanje.media.transcode import worker as transcode

NOBODY = 65534
PR_SET_DUMPABLE = 4
LIMIT_S = 30


def nobody() -> None:
    """Become the account; without root all of this is of one account anyway."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def begun(main: Callable[[], None]) -> int:
    """Process id of a child in its ``main``, dumpable and with core files allowed until it says otherwise."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    pid = os.fork()
    if pid:
        theirs.close()
        # held open in this process: the child ends with it
        KEPT.append(ours)
        return pid
    ours.close()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    nobody()
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    sys.argv = ["child", str(theirs.fileno()), str(parent)]
    main()
    os._exit(0)


KEPT: list[socket.socket] = []


def open_to_its_account(pids: dict[str, int]) -> dict[str, list[str]]:
    """What another program of the account gets of each process."""
    read, write = os.pipe()
    looker = os.fork()
    if not looker:
        nobody()
        os.write(write, json.dumps({name: seen(pid) for name, pid in pids.items()}).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(looker, 0)
    return json.loads(text)


def seen(pid: int) -> list[str]:
    """Names below /proc/PID that open."""
    found = []
    for name in ("environ", "mem", "maps", "fd"):
        with contextlib.suppress(OSError):
            os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
            if name != "fd" or os.listdir(f"/proc/{pid}/fd"):
                found.append(name)
    return found


def files(pid: int) -> list[str]:
    """Regular files and devices that a child holds open."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{name}")
        if not target.startswith(("socket:", "pipe:", "/dev/null")):
            found.append(target)
    return found


def main() -> None:
    pids = {
        "plain": begun(signal.pause),
        "inspect": begun(inspect.main),
        "ingest": begun(ingest.main),
        "transcode": begun(transcode.main),
    }
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        found = open_to_its_account(pids)
        if not any(found[name] for name in pids if name != "plain"):
            break
        time.sleep(0.1)
    cores = {}
    for name, pid in pids.items():
        with open(f"/proc/{pid}/limits") as lines:
            cores[name] = next(line.split()[4:6] for line in lines if line.startswith("Max core file size"))
    said = {"seen": found, "cores": cores, "files": {name: files(pid) for name, pid in pids.items()}}
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(json.dumps(said))


if __name__ == "__main__":
    main()

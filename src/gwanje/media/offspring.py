"""Child processes that read what strangers send (하위 프로세스): what they get, and what they are denied."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import Final

KEPT: Final = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL")
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4


def environment() -> dict[str, str]:
    """The variables of ``KEPT`` that are set: the recorder's own may hold the database's address with its password."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def confine(parent: int, *, memory: int = 0, nice: int = 0) -> None:
    """No core file, no other reader of this memory, an end with process ``parent``; a bound in bytes and a priority."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # before nobody may look any more, so that whoever sees a closed process knows that it leaves no core
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    os.nice(nice)
    if os.getppid() != parent:
        # it died between its fork and our prctl
        os._exit(0)

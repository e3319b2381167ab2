"""Hardening of processes that hold keys or pictures (프로세스 보호): vaultd, recorder and player, in one place."""

from __future__ import annotations

import ctypes
import logging
import os
import resource

PR_SET_DUMPABLE = 4
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
log = logging.getLogger("gwanje.hardening")


def harden(*, lock: bool = False) -> bool:
    """No core dumps, and no other process of this user may read this memory; best effort, said in the log when not.

    ``lock``: memory is locked too where the limit allows; returns whether it was.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("PR_SET_DUMPABLE could not be set")
    # under a finite limit a lock of the future would turn every later allocation into a failure
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if not lock or (soft != resource.RLIM_INFINITY and os.geteuid() != 0):
        return False
    return bool(libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)

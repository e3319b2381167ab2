"""Run by the test as a process: the duty is killed at one step after another (a fork each), then runs to its end."""

import json
import os
import sys

import django

django.setup()

from gwanje.centre.common import home  # noqa: E402
from gwanje.centre.retention import certificate, duties, files, trying, waking  # noqa: E402
from gwanje.kernel import ledger  # noqa: E402
from gwanje.vault import store_disk  # noqa: E402
from gwanje.vault.client import VaultClient  # noqa: E402

DEAD = 9


def die(*args, **kwargs):
    os._exit(DEAD)


def after(function):
    def wrapped(*args, **kwargs):
        function(*args, **kwargs)
        os._exit(DEAD)

    return wrapped


def second(function):
    calls = []

    def wrapped(*args, **kwargs):
        calls.append(1)
        return die() if len(calls) > 1 else function(*args, **kwargs)

    return wrapped


POINTS = [
    ("the hour is noted", waking, "note", after),
    ("samples are kept", files, "keep_samples", after),
    ("rows are marked, the ledger told, nothing committed", ledger, "append", after),
    ("rows are marked, no file touched", files, "erase", lambda f: die),
    ("a file is overwritten and stands", store_disk, "overwrite", after),
    ("one file is gone, the next not", store_disk, "overwrite", second),
    ("all files are gone, nobody wrote it down", files, "erase", after),
    ("nothing tried yet", trying, "attempt", lambda f: die),
    ("everything tried", trying, "attempt", after),
    ("the document is made", certificate, "issue", after),
    ("the certificate is in an open transaction", duties, "_issue", after),
    ("the certificate stands, its samples too", duties, "_sweep_samples", lambda f: die),
    ("vaultd does not know yet", VaultClient, "destroyed_ack", lambda f: die),
    ("vaultd knows", VaultClient, "destroyed_ack", after),
]

for name, owner, attribute, how in POINTS:
    child = os.fork()
    if child == 0:
        setattr(owner, attribute, how(getattr(owner, attribute)))
        try:
            duties.run(home())
        except BaseException as error:
            sys.stderr.write(f"{name}: {error!r}\n")
            os._exit(3)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != DEAD:
        sys.exit(f"{name}: the step was not reached (exit {code})")
report = duties.run(home())
sys.stdout.write(json.dumps({**report.as_json(), "points": len(POINTS)}) + "\n")
sys.stdout.flush()
os._exit(0)

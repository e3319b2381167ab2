"""The centre that is attacked, each process with a user of its own: real uids, folders and groups of `init --users`."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from gwanje.apps import postgres, users
from gwanje.apps.unprivileged import become
from gwanje.kernel import database
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient
from tools.attack.stage import ARTICLE, PASSWORD, Stage, answers, environment, first_port

T = TypeVar("T")


def within(home: Home, service: str, act: Callable[[], T]) -> T:
    """Do something as a service's user, in a process of its own; RuntimeError when that process failed."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(inlet)
            become(users.identity(home, service), users.needed(home))
            os.environ["HOME"] = "/nonexistent"
            with os.fdopen(outlet, "wb") as out:
                pickle.dump(act(), out)
            code = 0
        except BaseException as error:
            sys.stderr.write(f"{service}: {type(error).__name__}: {error}\n")
        finally:
            os._exit(code)
    os.close(outlet)
    with os.fdopen(inlet, "rb") as answer:
        data = answer.read()
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise RuntimeError(f"what was done as {service} failed")
    found: T = pickle.loads(data)
    return found


@contextlib.contextmanager
def vaultd(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """vaultd as its own user until the block ends."""
    who, needed, log = users.identity(home, "vaultd"), users.needed(home), home.root / "log" / "vaultd.log"
    with log.open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "vaultd"],
            env=environment(home), stdout=out, stderr=out,
            preexec_fn=lambda: become(who, needed, locks=True),  # noqa: PLW1509 - one thread here
        )  # fmt: skip
    try:
        answers(child, home, log, 90)
        yield child
    finally:
        child.terminate()
        child.wait(20)


@contextlib.contextmanager
def separate(folder: Path, cameras: int) -> Iterator[Stage]:
    """As ``stage.stage``, each process with a user of its own; root only."""
    home = Home.create(
        folder, settable_clock=True, demo=True, packs=["kr_national", "kr_anyang"], name="가온시 통합관제센터",
        port=first_port(),
    )  # fmt: skip
    agency = uuid7()
    officers = {role: uuid7() for role in ("operator", "manager", "chief_officer")}
    ceremony.create(home, [ceremony.NewOfficer(id_, role, agency, PASSWORD) for role, id_ in officers.items()])
    postgres.ensure(home)
    home = users.arrange(home)
    made = Stage(home, agency, officers, [uuid7() for _ in range(cameras)])
    with postgres.running(home), vaultd(home) as made.vaultd:
        made.gwanje("migrate")
        web = VaultClient(home, "web")
        web.set_class(1, "days", 30, ARTICLE)
        made.slots = web.slots(made.cameras)
        web.close()
        with database.connect(home) as app:
            app.execute("insert into footage_class values (1, 'days', 30, %s, '30일')", [ARTICLE])
        yield made

"""A child of the supervisor that has a user of its own: who it is, what it may still gain, whom it sees."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from gwanje.apps import children, users
from gwanje.kernel.home import Home

WHO = """
import json, os
words = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
print(json.dumps({"uids": os.getresuid(), "gids": os.getresgid(), "groups": sorted(os.getgroups()),
    "caps": [words[f"Cap{kind}"].strip() for kind in ("Prm", "Eff", "Amb")], "more": words["NoNewPrivs"].strip(),
    "umask": os.umask(0), "home": os.environ["HOME"], "others": [p for p in seen if p != os.getpid()]}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes as other users")
def test_a_service_is_its_user_and_nothing_more(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "c")
    if why := users.problem(home):
        pytest.skip(why)
    home = users.arrange(home)
    (wanted,) = [service for service in children.services(home, simulator=False) if service.name == "web"]
    who = users.identity(home, "web")
    assert wanted.who == who
    probe = children.Service("web", (sys.executable, "-c", WHO), lambda: True, 0, who=wanted.who, needed=wanted.needed)
    log = children.Log(home, "probe")
    process = children.spawn(probe.argv, log, dict(os.environ), signal.SIGKILL, probe)
    assert process.wait(120) == 0, log.tail(20)
    said = json.loads(log.tail())
    assert said["uids"] == [who.uid] * 3
    assert said["gids"] == [who.gid] * 3
    assert said["groups"] == sorted(who.groups)
    assert all(int(each, 16) == 0 for each in said["caps"])
    assert said["more"] == "1"
    assert said["umask"] == 0o027
    assert said["home"] == "/nonexistent"
    # root's processes, this test among them, are not even seen
    assert said["others"] == []

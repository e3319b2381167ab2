"""The supervisor over real processes: a database and small servers; order, restarts, ends, leftovers."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import support
from gwanje.apps import children, postgres
from gwanje.apps.supervisor import Options, plan_of, read_status
from gwanje.kernel.home import Home

SERVER = """
import http.server, signal, sys, pathlib
folder, name, port = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
def end(*_):
    with (folder / "ended").open("a") as f: f.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""

DRIVER = """
import sys, json, pathlib
from gwanje.kernel.home import Home
from gwanje.apps import children, postgres
from gwanje.apps.supervisor import Supervisor, Options, Step, Await
home = Home(pathlib.Path(sys.argv[1])); options = json.loads(sys.argv[2])
server = (sys.executable, str(home.root / "server.py"), str(home.root))
def service(name, offset, rank):
    port = home.port + offset
    return children.Service(name, (*server, name, str(port)), lambda: children.http_answers(port), rank)
argv = tuple(postgres.command(home))
plan = [Step("init", (sys.executable, "-c", options["step"])),
        children.Service("postgres", argv, lambda: postgres.answers(home), 4, 2, 20.0, 2), Await(("postgres",)),
        service("web", 0, 0), service("recorder", 1, 1), Await()]
if options.get("crash"):
    plan.insert(3, children.Service("player", (sys.executable, "-c", "import sys; sys.exit(3)"), lambda: False, 0))
say = lambda text: print(text, file=sys.stderr, flush=True)
shout = lambda text: print(text, flush=True)
sys.exit(Supervisor(home, Options(seconds=options.get("seconds")), say, shout, plan).run())
"""


def free_port():
    """A port p with p, p+1, p+2 and p+20 free."""
    for _ in range(50):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        with contextlib.ExitStack() as stack:
            try:
                for offset in (0, 1, 2, 20):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no free ports")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("GWANJE_DATABASE_URL", raising=False)
    monkeypatch.delenv("GWANJE_PORT", raising=False)
    home = Home.create(tmp_path / "var", port=free_port())
    (home.root / "server.py").write_text(SERVER)
    (home.root / "driver.py").write_text(DRIVER)
    return home


@contextlib.contextmanager
def supervisor(home, **options):
    """The supervisor as a process of its own; killed at the end if it still runs."""
    options.setdefault("step", "pass")
    line = [sys.executable, str(home.root / "driver.py"), str(home.root), json.dumps(options)]
    with (home.root / "log/driver.log").open("a") as log:
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        pids = [s["pid"] for s in (read_status(home) or {"services": {}})["services"].values() if s["pid"]]
        assert until(lambda: not [p for p in pids if alive(p)], 20), "a process was left behind"


def until(question, limit_s=15.0):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(0.05)
    return False


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids(home):
    return {name: service["pid"] for name, service in read_status(home)["services"].items()}


def test_one_ready_line_and_an_end_by_itself(home):
    with supervisor(home, seconds=1) as process:
        out = process.communicate(timeout=40)[0].splitlines()
        assert len(out) == 1
        assert out[0].startswith(f"ready http://localhost:{home.port} ")
        assert process.returncode == 0
    # web before recorder: whoever serves people ends before whoever holds footage
    assert (home.root / "ended").read_text().split() == ["web", "recorder"]
    assert {s["state"] for s in read_status(home)["services"].values()} == {"stopped"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_every_process(home, number):
    with supervisor(home) as process:
        assert process.stdout.readline().startswith("ready")
        running = pids(home)
        assert all(alive(p) for p in running.values())
        process.send_signal(number)
        assert process.wait(20) == 0
        assert not any(alive(p) for p in running.values())


def test_kill_9_twice_within_a_second_is_back_within_ten(home):
    with supervisor(home) as process:
        assert process.stdout.readline().startswith("ready")
        for name in ("recorder", "web", "postgres"):
            first = pids(home)[name]
            os.kill(first, signal.SIGKILL)
            began = time.monotonic()
            assert until(lambda name=name, first=first: pids(home)[name] not in (None, first), 30)
            os.kill(pids(home)[name], signal.SIGKILL)
            assert until(lambda name=name: read_status(home)["services"][name]["restarts"] >= 2, 60)
            assert until(lambda name=name: read_status(home)["services"][name]["state"] == "running", 60)
            took = time.monotonic() - began
            assert took < 10 or took < 10 * support.slowness()
        assert postgres.answers(home)
        assert children.http_answers(home.port)


def test_a_paused_service_stays_down_until_resumed(home):
    def gwanje(*words):
        line = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), *words]
        return subprocess.run(line, capture_output=True, text=True, check=False, timeout=50)

    with supervisor(home) as process:
        assert process.stdout.readline().startswith("ready")
        assert gwanje("pause", "postgres").returncode == 0
        assert not postgres.answers(home)
        time.sleep(1)
        assert read_status(home)["services"]["postgres"] | {"since": 0} == {
            "pid": None, "state": "paused", "restarts": 0, "since": 0,
        }  # fmt: skip
        assert gwanje("resume", "postgres").returncode == 0
        assert until(lambda: read_status(home)["services"]["postgres"]["state"] == "running")
        assert postgres.answers(home)
        assert gwanje("pause", "nobody").returncode == 2
        assert gwanje("status").returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert gwanje("status").returncode == 1


def test_children_die_with_a_killed_supervisor_and_the_next_one_starts(home):
    with supervisor(home) as process:
        assert process.stdout.readline().startswith("ready")
        running = pids(home)
        process.kill()
        assert until(lambda: not [p for p in running.values() if alive(p)], 15)
    with supervisor(home, seconds=0) as process:
        assert process.communicate(timeout=40)[0].startswith("ready")
        assert process.returncode == 0


def test_a_folder_has_one_supervisor(home):
    with supervisor(home) as process:
        assert process.stdout.readline().startswith("ready")
        before = pids(home)
        with supervisor_twice(home) as second:
            assert second.wait(20) == 1
        assert "already runs" in (home.root / "log/second.log").read_text()
        assert pids(home) == before
        assert all(alive(p) for p in before.values())


@contextlib.contextmanager
def supervisor_twice(home):
    line = [sys.executable, str(home.root / "driver.py"), str(home.root), json.dumps({"step": "pass"})]
    with (home.root / "log/second.log").open("w") as log:
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_failed_step_and_a_dying_service_stop_the_start(home):
    with supervisor(home, step="raise SystemExit('no disk left')") as process:
        assert process.wait(30) == 1
    assert "no disk left" in (home.root / "log/driver.log").read_text()
    with supervisor(home, crash=True) as process:
        assert process.communicate(timeout=60)[0] == ""
        assert process.returncode == 1
    assert "player (exit 3)" in (home.root / "log/driver.log").read_text()


def test_a_taken_port_is_said(home):
    with socket.socket() as other:
        other.bind(("127.0.0.1", home.port + 1))
        other.listen()
        with supervisor(home) as process:
            assert process.wait(20) == 1
    assert f"Port {home.port + 1} (recorder) is taken" in (home.root / "log/driver.log").read_text()


def test_logs_are_bounded(home, monkeypatch):
    monkeypatch.setattr(children, "LOG_BYTES_MAX", 1000)
    log = children.Log(home, "web")
    handle = log.open()
    for _ in range(5):
        os.write(handle, b"x" * 900 + b"\n")
        log.rotate()
    os.write(handle, b"last\n")
    os.close(handle)
    assert log.path.stat().st_size < 2000
    assert log.path.with_suffix(".log.1").stat().st_size < 2000
    assert log.tail() == "last"


def test_the_order_of_a_start(home):
    def names(options):
        return [getattr(act, "name", "wait") for act in plan_of(home, options)]

    rest, first = ["player", "web", "worker"], ["postgres", "vaultd", "wait", "migrate"]
    assert names(Options()) == ["init", *first, *rest, "recorder", "wait"]
    demo = ["init", "simulator", *first, "demo load", *rest, "wait", "recorder", "wait"]
    assert names(Options(demo=True)) == demo
    assert "simulator" not in names(Options(demo=True, cameras=home.root / "x"))

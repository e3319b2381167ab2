"""Children of the supervisor (감시 대상 프로세스): what each service is, how it starts, logs, answers and stops."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from gwanje.apps import postgres, unprivileged, users
from gwanje.kernel.home import Home

LOG_BYTES_MAX = 10 * 1024 * 1024
HEALTH_TIMEOUT_S = 1.0
BACKOFF_FIRST_S, BACKOFF_LAST_S = 0.2, 2.0
STEADY_S = 10.0
DEATHS_MAX, DEATHS_WINDOW_S, FAILED_RETRY_S = 20, 60.0, 5.0

Health = Callable[[], bool]


def gwanje(home: Home, *words: str) -> list[str]:
    """argv of one of our own commands on this data folder."""
    return [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), *words]


@dataclass(frozen=True)
class Service:
    """One long-running process: argv, how to see that it answers, and how it is asked to end.

    ``rank``: services of the same rank stop together, lower ranks first. ``death``: the signal it gets from the
    kernel when the supervisor dies. ``who``: the user it is started as, with the places it must be able to walk to.
    """

    name: str
    argv: tuple[str, ...]
    healthy: Health
    rank: int
    stop: int = signal.SIGTERM
    stop_limit_s: float = 5.0
    death: int = signal.SIGKILL
    who: unprivileged.Identity | None = None
    needed: tuple[Path, ...] = ()


def http_answers(port: int, path: str = "/health") -> bool:
    """Does a service on loopback answer 200?"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def tcp_answers(port: int) -> bool:
    """Does something listen on the loopback port?"""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=HEALTH_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def unix_answers(path: Path) -> bool:
    """Does the service behind a Unix socket speak first, as vaultd does?"""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(HEALTH_TIMEOUT_S)
            sock.connect(str(path))
            return len(sock.recv(4)) > 0
    except OSError:
        return False


def services(home: Home, *, simulator: bool) -> list[Service]:
    """Every service of the folder, in the order in which they start."""
    port = home.port

    def own(name: str, healthy: Health, rank: int, stop_limit_s: float = 5.0, death: int = signal.SIGKILL) -> Service:
        who, needed = (users.identity(home, name), tuple(users.needed(home))) if home.separate else (None, ())
        argv = tuple(gwanje(home, name))
        return Service(name, argv, healthy, rank, signal.SIGTERM, stop_limit_s, death, who, needed)

    found: list[Service] = []
    if simulator:
        found.append(own("simulator", lambda: tcp_answers(port + 20), 2))
    if postgres.embedded():
        argv = tuple(postgres.command(home))
        found.append(
            Service("postgres", argv, lambda: postgres.answers(home), 4, signal.SIGINT, 20.0, signal.SIGINT),
        )
    return [
        *found,
        own("vaultd", lambda: unix_answers(home.socket("vaultd")), 3),
        # the recorder seals what it holds in memory when it is asked to end, also by the kernel
        own("recorder", lambda: http_answers(port + 1), 1, 12.0, signal.SIGTERM),
        own("player", lambda: http_answers(port + 2), 0),
        own("web", lambda: http_answers(port), 0, 6.0),
        own("worker", lambda: True, 0),
        *([own("uploader", lambda: True, 0)] if home.config.get("store") else []),
    ]


class Log:
    """One log file of bounded size: at 10 MB its content moves to ``.1``; the child keeps its open file."""

    def __init__(self, home: Home, name: str) -> None:
        self.path = home.root / "log" / f"{name}.log"

    def open(self) -> int:
        """A descriptor for the child, in append mode so that truncating is safe while it writes."""
        return os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def rotate(self) -> None:
        """Keep at most two times 10 MB."""
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_size > LOG_BYTES_MAX:
                shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
                os.truncate(self.path, 0)

    def tail(self, lines: int = 1) -> str:
        """The last lines, at most 4 kB."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 4096))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def spawn(
    argv: tuple[str, ...] | list[str], log: Log, env: dict[str, str], death: int, service: Service | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own that dies with this one; call from the main thread only."""
    parent, who = os.getpid(), service.who if service else None

    def prepare() -> None:
        # the supervisor waits for signals with a mask; a child must not inherit it, nor an ignored Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if who is not None and service is not None:
            unprivileged.become(who, service.needed, locks=service.name == "vaultd")
        # a change of credentials clears the death signal, so it is set last
        unprivileged.die_with_parent(death, parent)

    handle = log.open()
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            env=env if who is None else {**env, "HOME": "/nonexistent"},
            start_new_session=True,
            # the supervisor has one thread, so code between fork and exec is safe here
            preexec_fn=prepare,  # noqa: PLW1509
        )
    finally:
        os.close(handle)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what a child may have left behind in its own process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@dataclass
class Child:
    """A service and its present process; ``tend`` restarts it: the first death at once, then with a growing pause."""

    service: Service
    log: Log
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    state: str = "stopped"
    restarts: int = 0
    since: int = 0
    last_exit: int | None = None
    _began: float = 0.0
    _again_at: float | None = None
    _asked_at: float = 0.0
    _pause: float = 0.0
    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS_MAX))

    @property
    def pid(self) -> int | None:
        """pid of the running process."""
        return self.process.pid if self.process else None

    def start(self, now_s: int) -> None:
        """Start the process."""
        self.log.rotate()
        self.process = spawn(self.service.argv, self.log, self.env, self.service.death, self.service)
        self.state, self.since, self._began, self._again_at = "starting", now_s, monotonic(), None

    def tend(self, now_s: int, *, paused: bool = False) -> bool:
        """Notice a death, restart when it is time; True when something changed.

        ``paused``: somebody wants it down (``gwanje pause``); it is ended and stays down until resumed.
        """
        if paused or self.state == "paused":
            return self._paused(paused, now_s)
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return False
            self._died(code, now_s)
            self._restart(now_s)
            return True
        return self._restart(now_s)

    def _paused(self, wanted: bool, now_s: int) -> bool:
        if not wanted:
            self.start(now_s)
            return True
        if self.state != "paused":
            self.ask_to_end()
            self.state, self._asked_at, self.since = "paused", monotonic(), now_s
            return True
        return self.process is not None and self.ended(self._asked_at, "paused")

    def _restart(self, now_s: int) -> bool:
        if self._again_at is not None and monotonic() >= self._again_at:
            self.start(now_s)
            self.restarts += 1
            return True
        return False

    def _died(self, code: int, now_s: int) -> None:
        assert self.process is not None
        end_group(self.process)
        self.process, self.since, self.last_exit = None, now_s, code
        moment = monotonic()
        self._deaths.append(moment)
        steady = moment - self._began > STEADY_S
        self._pause = 0.0 if steady or len(self._deaths) == 1 else min(max(2 * self._pause, 0.2), BACKOFF_LAST_S)
        often = len(self._deaths) == DEATHS_MAX and moment - self._deaths[0] < DEATHS_WINDOW_S
        self.state = "failed" if often else f"died ({code})"
        self._again_at = moment + (FAILED_RETRY_S if often else self._pause)

    def look(self) -> bool:
        """Ask the service whether it answers; True when that changes its state."""
        if self.process is None or self.state in ("running", "paused"):
            return False
        if self.process.poll() is None and self.service.healthy():
            self.state = "running"
            return True
        return False

    def ask_to_end(self) -> None:
        """Send the service's own stop signal."""
        self._again_at = None
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.service.stop)

    def ended(self, asked_at: float, state: str = "stopped") -> bool:
        """Has it ended? Past its limit it is killed; ``state`` is what it is called afterwards."""
        if self.process is None:
            return True
        if self.process.poll() is None:
            if monotonic() - asked_at < self.service.stop_limit_s:
                return False
            self.process.kill()
            self.process.wait()
        end_group(self.process)
        self.process, self.state = None, state
        return True

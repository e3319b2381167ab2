"""Supervisor (감시 프로세스): starts the processes of one data folder in order, restarts what dies, ends all.

One thread, woken by signals: SIGCHLD (a child died), SIGTERM, SIGINT, SIGHUP (end everything). Every child has a
death signal from the kernel, so that none outlives a supervisor that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from gwanje.apps import postgres
from gwanje.apps.children import Child, Log, Service, end_group, gwanje, services, spawn
from gwanje.kernel.home import Home

START_LIMIT_S = 240.0
STEP_LIMIT_S = 600.0
EARLY_DEATHS_MAX = 5
STOPPING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
WAKING = STOPPING | {signal.SIGCHLD}
BEAT_S = 0.25
ROTATE_EVERY_S = 5.0

Say = Callable[[str], None]


class StartFailed(RuntimeError):
    """The centre could not be started; the message says which part, why, and where its log is."""


class Interrupted(Exception):
    """Somebody asked to end while the centre was starting."""


@dataclass(frozen=True)
class Options:
    """What `gwanje supervise` was asked for; ``seconds`` counts from ready."""

    demo: bool = False
    seconds: float | None = None
    cameras: Path | None = None
    clips: Path | None = None

    @property
    def simulated(self) -> bool:
        """Do the cameras come from the simulator?"""
        return self.demo and self.cameras is None

    def words(self) -> list[str]:
        """The options that the demo's own commands take."""
        given = [("--cameras", self.cameras), ("--clips", self.clips)]
        return [word for name, path in given if path for word in (name, str(path))]


@dataclass(frozen=True)
class Step:
    """A command that must end well before the next thing starts."""

    name: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Await:
    """Wait until the named services answer; all that were started when no name is given."""

    names: tuple[str, ...] = ()


Act = Service | Step | Await


def plan_of(home: Home, options: Options) -> list[Act]:
    """The order in which a centre starts: keys, database, tables, city, then whoever needs them."""
    wanted = {s.name: s for s in services(home, simulator=options.simulated)}
    clips = ("--clips", str(options.clips)) if options.clips else ()
    how = (*(("--demo",) if options.demo else ()), *(("--users",) if home.separate else ()))
    plan: list[Act] = [Step("init", tuple(gwanje(home, "init", *how)))]
    if simulator := wanted.pop("simulator", None):
        # first, because it makes its clips while the database is made
        plan.append(replace(simulator, argv=(*simulator.argv, *clips)))
    plan += [wanted.pop(name) for name in ("postgres", "vaultd") if name in wanted]
    plan.append(Await(tuple(a.name for a in plan if isinstance(a, Service) and a.name != "simulator")))
    plan.append(Step("migrate", tuple(gwanje(home, "migrate"))))
    if options.demo:
        plan.append(Step("demo load", tuple(gwanje(home, "demo", "load", *options.words()))))
    recorder = wanted.pop("recorder")
    # cameras first: a recorder that finds none waits ever longer before it asks again
    cameras: list[Act] = [Await(("simulator",))] if simulator else []
    return [*plan, *wanted.values(), *cameras, recorder, Await()]


def status_file(home: Home) -> Path:
    """Where the supervisor says what runs (``gwanje status``)."""
    return home.run / "status.json"


def pause_file(home: Home, name: str) -> Path:
    """While this file stands, the supervisor keeps the service down (maintenance; faults in tests)."""
    return home.run / f"pause-{name}"


@contextlib.contextmanager
def only_supervisor(home: Home) -> Iterator[None]:
    """Hold the folder; StartFailed when another supervisor has it."""
    handle = os.open(home.run / "supervisor.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise StartFailed(
            f"이 자료 폴더에서 이미 실행 중입니다: {home.root} (gwanje status) / "
            f"A supervisor already runs on this data folder: {home.root}"
        ) from error
    try:
        yield
    finally:
        os.close(handle)


class Supervisor:
    """The processes of one data folder; ``run`` returns the exit code."""

    def __init__(self, home: Home, options: Options, say: Say, shout: Say, plan: Sequence[Act] | None = None) -> None:
        """``say``: progress lines; ``shout``: the one line that says ready; ``plan``: another order of things."""
        self.home, self.options, self.say, self.shout = home, options, say, shout
        self.plan = plan_of(home, options) if plan is None else plan
        self.env = {
            **os.environ,
            "GWANJE_DATA": str(home.root),
            "GWANJE_PORT": str(home.port),
            "PYTHONUNBUFFERED": "1",
        }
        self.children: dict[str, Child] = {}
        self.ready = False
        self.troubled = False
        self._began = monotonic()
        self._rotated = 0.0

    def run(self) -> int:
        """Start, watch, end; 0 when it ended as asked and nothing had failed."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WAKING)
        try:
            with only_supervisor(self.home):
                return self._run()
        except StartFailed as error:
            self.say(f"실패 / failed: {error}")
            return 1

    def _run(self) -> int:
        try:
            # a pause ends with the supervisor that it was asked of
            for file in self.home.run.glob("pause-*"):
                file.unlink()
            end_leftovers(self.home)
            need_ports(self.home, simulator=self.options.simulated)
            self._start()
            self._ready()
            self._watch()
        except Interrupted:
            self.say("중단 / interrupted")
        finally:
            self.stop()
        return 1 if self.troubled else 0

    def _start(self) -> None:
        for act in self.plan:
            if isinstance(act, Service):
                self._launch(act)
            elif isinstance(act, Step):
                self._step(act)
            else:
                self._await(*(act.names or self.children))

    def _launch(self, service: Service) -> None:
        child = self.children[service.name] = Child(service, Log(self.home, service.name), self.env)
        child.start(self.home.clock.now_s())
        self.publish()

    def _step(self, step: Step) -> None:
        """One command that must end well before the next thing starts; StartFailed with the end of its log."""
        name, began = step.name, monotonic()
        log = Log(self.home, name.replace(" ", "-"))
        log.path.unlink(missing_ok=True)
        process = spawn(step.argv, log, self.env, signal.SIGKILL)
        shown = ""
        try:
            while process.poll() is None:
                self._beat()
                if monotonic() - began > STEP_LIMIT_S:
                    raise StartFailed(f"{name}: {STEP_LIMIT_S:.0f} s 초과 / took too long: {log.path}")
                if monotonic() - began > 2 and (line := log.tail()[:100]) != shown:
                    self.say(f"{name}: {line}")
                    shown = line
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            end_group(process)
        if process.returncode != 0:
            raise StartFailed(f"{name} (exit {process.returncode}), {log.path}:\n{log.tail(12)}")
        self.say(f"{name:<12} {monotonic() - self._began:5.1f} s")

    def _await(self, *names: str) -> None:
        """Until every named service answers; StartFailed when one keeps dying or stays silent."""
        waiting = [self.children[n] for n in names if n in self.children and self.children[n].state != "running"]
        began, shown, said = monotonic(), monotonic(), ""
        while waiting:
            self._beat()
            for child in list(waiting):
                if child.state == "running":
                    self.say(f"{child.service.name:<12} {monotonic() - self._began:5.1f} s")
                    waiting.remove(child)
                elif child.restarts >= EARLY_DEATHS_MAX or monotonic() - began > START_LIMIT_S:
                    died = "" if child.last_exit is None else f" (exit {child.last_exit})"
                    raise StartFailed(f"{child.service.name}{died}, {child.log.path}:\n{child.log.tail(12)}")
            if waiting and monotonic() - shown > 3:
                shown, text = (
                    monotonic(),
                    ", ".join(f"{c.service.name}: {c.log.tail()[:80] or c.state}" for c in waiting),
                )
                if text != said:
                    self.say(text)
                    said = text

    def _beat(self) -> None:
        """Wait for a signal or a quarter of a second, then tend every child; Interrupted when asked to end."""
        woken = signal.sigtimedwait(WAKING, BEAT_S)
        if woken is not None and woken.si_signo in STOPPING:
            raise Interrupted
        now_s = self.home.clock.now_s()
        changed = False
        for child in self.children.values():
            pid = child.pid
            paused = pause_file(self.home, child.service.name).exists()
            moved = child.tend(now_s, paused=paused) | child.look()
            changed |= moved
            if moved and self.ready:
                died = f"died ({child.last_exit}), " if pid and child.pid not in (pid, None) else ""
                self.say(f"{child.service.name}: {died}{child.state}")
        if changed:
            self.publish()
        if monotonic() - self._rotated > ROTATE_EVERY_S:
            self._rotated = monotonic()
            for child in self.children.values():
                child.log.rotate()

    def _ready(self) -> None:
        self.ready = True
        self.publish()
        accounts = self._accounts() if self.options.demo else ""
        took = monotonic() - self._began
        self.shout(f"ready http://localhost:{self.home.port}  ({took:.0f} s){accounts}")

    def _accounts(self) -> str:
        done = subprocess.run(
            gwanje(self.home, "demo", "accounts"), env=self.env, capture_output=True, text=True, timeout=60, check=False
        )
        lines = [" ".join(line.split()) for line in done.stdout.splitlines() if line.strip()]
        return "  " + " | ".join(lines) if done.returncode == 0 and lines else ""

    def _watch(self) -> None:
        until = None if self.options.seconds is None else monotonic() + self.options.seconds
        with contextlib.suppress(Interrupted):
            while until is None or monotonic() < until:
                self._beat()
                failed = [c.service.name for c in self.children.values() if c.state == "failed"]
                if failed and not self.troubled:
                    self.say(f"계속 종료됨, 5초마다 재시도 / keeps dying, retried every 5 s: {', '.join(failed)}")
                    self.troubled = True

    def publish(self) -> None:
        """Write ``run/status.json`` whole."""
        body: dict[str, Any] = {
            "supervisor": os.getpid(),
            "ready": self.ready,
            "port": self.home.port,
            "at": self.home.clock.now_s(),
            "services": {
                name: {"pid": c.pid, "state": c.state, "restarts": c.restarts, "since": c.since}
                for name, c in self.children.items()
            },
        }
        file = status_file(self.home)
        part = file.with_suffix(".tmp")
        part.write_text(json.dumps(body, indent=1))
        os.replace(part, file)

    def stop(self) -> None:
        """End everything: web, player, worker; then the recorder; then simulator, vaultd, database."""
        self.ready = False
        for rank in sorted({c.service.rank for c in self.children.values()}):
            group = [c for c in self.children.values() if c.service.rank == rank]
            for child in group:
                child.ask_to_end()
            asked = monotonic()
            while sum(not c.ended(asked) for c in group):
                sleep(0.02)
        self.publish()


def need_ports(home: Home, *, simulator: bool) -> None:
    """StartFailed when a port of this centre is taken by somebody else."""
    wanted = {home.port: "web", home.port + 1: "recorder", home.port + 2: "player", home.port + 3: "vaultd"}
    if simulator:
        wanted |= {home.port + 20: "simulator", home.port + 21: "simulator, ONVIF"}
    for port, name in wanted.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise StartFailed(
                    f"포트 {port}({name})을 쓸 수 없습니다: {error.strerror}. --port로 다른 포트를 지정하십시오. / "
                    f"Port {port} ({name}) is taken; choose another with --port."
                ) from error


def read_status(home: Home) -> dict[str, Any] | None:
    """What the supervisor last wrote; None when there never was one."""
    try:
        body: dict[str, Any] = json.loads(status_file(home).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return body


def _ours(pid: int, home: Home) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return False
    return str(home.root) in words and state != "Z"


def end_leftovers(home: Home, limit_s: float = 15.0) -> None:
    """Wait for children of a supervisor that was killed (they are ending by themselves), then end the rest."""
    body = read_status(home) or {}
    pids = [s["pid"] for n, s in body.get("services", {}).items() if s["pid"] and n != "postgres"]
    until = monotonic() + limit_s
    while (left := [p for p in pids if _ours(p, home)]) and monotonic() < until:
        sleep(0.1)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if postgres.embedded():
        postgres.stop_stale(home)

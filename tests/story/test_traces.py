"""What a running centre leaves on the disk: no picture in the clear, no secret out of its place, nobody else's file.

The canaries are taken from recorded seconds that are opened here, in memory, with the vault's own keys.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from gwanje.vault import attempt, parts, tree
from gwanje.vault.parts import INIT, VIDEO
from gwanje.vault.segment import SegmentReader
from gwanje.vault.state import State
from story.centre import PASSWORD, Centre, Visitor, temporary, until
from story.test_destruction import dump_of
from story.test_kills import children

pytestmark = pytest.mark.story
CANARY = 24
FILES_MAX = 24
STREAMS = ("main", "sub", "transcode")
LARGE = 1500
# what simulates the cameras stands for devices on the street
OUTSIDE = {"clips"}
# another story's spoilt copy of an export, written by the test itself
BY_TESTS = {"broken.jsonl"}


def files(root: Path) -> Iterator[Path]:
    """Every file below a folder; what goes away meanwhile is not asked again."""
    for base, folders, names in os.walk(root):
        folders[:] = [name for name in folders if Path(base) != root or name not in OUTSIDE]
        yield from (path for name in names if stat.S_ISREG((path := Path(base, name)).lstat().st_mode))


def found_in(root: Path, needles: dict[str, bytes], *, skip: frozenset[str] = frozenset()) -> tuple[int, set[str]]:
    """(files looked at, "needle in file" of every find)."""
    looked, finds = 0, set[str]()
    for path in files(root):
        if path.relative_to(root).parts[0] in skip:
            continue
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue
        looked += 1
        finds |= {f"{name} in {path.relative_to(root)}" for name, needle in needles.items() if needle in data}
    return looked, finds


def opened(centre: Centre) -> State:
    """The keystore's content, as only the vault's own folder gives it."""
    stores, keys = attempt.collect([centre.home.vault])
    states, _ = attempt.states(stores, keys)
    return max(states, key=lambda state: state.clock_us)


def pictures(centre: Centre) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """(three canaries of a picture's bytes per file, the leaf keys that opened them); files of all cameras."""
    state, canaries, leaves = opened(centre), dict[str, bytes](), dict[str, bytes]()
    paths = sorted(centre.home.store.glob("*/*/*/*.gws"))
    for path in paths[:: max(1, len(paths) // FILES_MAX)][:FILES_MAX]:
        with SegmentReader(path) as reader:
            head = reader.header
            root = state.roots.get((head.class_, head.epoch))
            part = next((p for p in reader.parts if p.header.kind == VIDEO and p.header.length > 2000), None)
            init = next((p for p in reader.parts if p.header.kind == INIT), None)
            if root is None or part is None or init is None:
                continue
            leaf = tree.leaf(bytes(root), head.slot, part.header.tick)
            plain = parts.open_part(parts.okm(leaf, reader.segment_id), reader.segment_id, reader.read(part))
            leaves[f"leaf {path.name}"] = leaf
            canaries |= canaries_of(f"picture {path.name}", plain)
            first = tree.leaf(bytes(root), head.slot, init.header.tick)
            plain = parts.open_part(parts.okm(first, reader.segment_id), reader.segment_id, reader.read(init))
            # the camera's parameter sets: with them a picture cut out of anything decodes
            at = plain.index(b"avcC") + 4
            canaries[f"parameters {path.name}"] = plain[at : at + CANARY]
    return canaries, leaves


def canaries_of(name: str, plain: bytes) -> dict[str, bytes]:
    """Three cuts out of a picture, those left out that repeat themselves and could stand anywhere."""
    cuts = {f"{name} {third}": plain[len(plain) * third // 4 :][:CANARY] for third in (1, 2, 3)}
    return {said: cut for said, cut in cuts.items() if len(set(cut)) > CANARY // 3}


@contextlib.contextmanager
def watching(centre: Centre, officer: Visitor, stream: str) -> Iterator[ClientConnection]:
    """A live tile of the first camera."""
    camera = next(c for c in officer.get("/api/cameras").json["items"] if c["number"] == "A-0101")
    given = officer.post("/api/watching/live-token", {"camera": camera["id"], "stream": stream})
    assert given.status == 200, given.text
    with connect(given.json["url"], origin=centre.base, close_timeout=2, max_size=1 << 24) as tile:  # type: ignore[arg-type]
        tile.send(json.dumps({"token": given.json["token"]}))
        yield tile


def live_picture(tile: ClientConnection) -> bytes:
    """The first large frame fragment that a tile gets."""
    for _ in range(400):
        message = tile.recv(timeout=30)
        if isinstance(message, bytes) and message[0] == 2 and len(message) > LARGE:
            return message[9:]
    raise AssertionError("no large picture came")


def spelled(name: str, secret: bytes) -> dict[str, bytes]:
    """A secret as it is, in hex and in both base64s."""
    return {
        name: secret,
        f"{name} (hex)": secret.hex().encode(),
        f"{name} (base64)": base64.b64encode(secret).rstrip(b"="),
        f"{name} (base64url)": base64.urlsafe_b64encode(secret).rstrip(b"="),
    }


def test_no_picture_stands_in_the_clear(centre: Centre, people: dict[str, Visitor], tmp_path: Path) -> None:
    """Recorded, watched (main, sub-stream, transcode) and played back by the tests before this one."""
    until("recorded pictures", lambda: len(pictures(centre)[0]) > 30, 60, 1)
    canaries, leaves = pictures(centre)
    assert len(canaries) > 30
    for stream in STREAMS:
        with watching(centre, people["operator"], stream) as tile:
            canaries |= canaries_of(f"live {stream}", live_picture(tile))
    assert {name.split()[1] for name in canaries if name.startswith("live")} == set(STREAMS)
    looked, finds = found_in(centre.home.root, {**canaries, **leaves})
    assert looked > 200
    assert finds == set()
    assert found_in(temporary(centre.home), {**canaries, **leaves})[1] == set()
    # rows may be compressed in the database's files: what it gives out is searched, too
    dump = (dump_of(centre.home, tmp_path / "dump.sql").with_suffix("") / "dump.sql").read_bytes()
    assert [name for name, needle in (canaries | leaves).items() if needle.hex().encode() in dump] == []
    # the control: the same search finds a picture that somebody left lying about
    (tmp_path / "core").write_bytes(b"x" * 77 + b"".join(canaries.values()))
    assert len(found_in(tmp_path, canaries)[1]) == len(canaries)


def test_no_secret_stands_outside_its_place(centre: Centre) -> None:
    """Keys of services and database, keys of the vault, passwords: nowhere in rows, logs, spools, certificates."""
    home, state, needles = centre.home, opened(centre), dict[str, bytes]()
    for path in home.secrets.iterdir():
        if path.suffix == ".key" or path.name.startswith("pg-"):
            needles |= spelled(path.name, path.read_bytes().strip())
    for name in ("permit_key", "checkpoint_key", "log_key"):
        needles |= spelled(name, getattr(state, name))
    for key, root in state.roots.items():
        needles |= spelled(f"root {key}", bytes(root))
    for session in state.spent.values():
        needles |= spelled("session", session.session)
    needles["an account's password"] = PASSWORD.encode()
    needles["a camera's password"] = b"demo-camera-only"
    assert len(needles) > 50
    looked, finds = found_in(home.root, needles, skip=frozenset({"secrets"}))
    assert looked > 200
    assert finds == set()
    _, own = found_in(home.secrets, needles)
    assert own, "the search finds what is there"


def test_every_file_and_socket_is_its_owners_alone(centre: Centre) -> None:
    owner, looked, open_ = centre.home.root.stat().st_uid, 0, list[str]()
    for base, folders, names in os.walk(centre.home.root):
        inside_database = Path(base).is_relative_to(centre.home.root / "pg")
        for path in (Path(base), *(Path(base, name) for name in (*folders, *names))):
            try:
                about = path.lstat()
            except FileNotFoundError:
                continue
            if path.name in BY_TESTS:
                continue
            looked += 1
            foreign = about.st_uid != owner and not inside_database
            if not stat.S_ISLNK(about.st_mode) and (about.st_mode & 0o077 or foreign):
                open_.append(f"{stat.filemode(about.st_mode)} {about.st_uid} {path}")
    assert looked > 200
    assert open_ == []


def test_health_pages_name_no_camera_no_address_and_no_secret(centre: Centre, people: dict[str, Visitor]) -> None:
    """They answer anybody on this machine without a log-in: figures only."""
    visitor = Visitor(centre.base)
    officer_sees = {c["number"] for c in people["operator"].get("/api/cameras").json["items"]}
    assert len(officer_sees) >= 12
    for step in (0, 1, 2):
        visitor.base = f"http://localhost:{centre.home.port + step}"
        said = visitor.get("/health")
        assert said.status == 200
        assert "{" in said.text, "figures"
        told = [*officer_sees, "://", str(centre.home.root), PASSWORD, "demo-camera-only", "Traceback"]
        assert [word for word in told if word in said.text] == [], step


def processes(centre: Centre) -> dict[str, int]:
    """Every process of the centre, the children of services too."""
    services = centre.status()["services"]
    pids = {name: int(said["pid"]) for name, said in services.items() if said["pid"]}
    assert {"web", "recorder", "player", "vaultd", "worker", "postgres"} <= set(pids)
    for pid in children(pids["recorder"]):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        pids[next((w.decode() for w in words if w.startswith(b"gwanje.media.")), str(pid))] = pid
    return {**pids, "supervisor": centre.process.pid}


def test_every_process_makes_private_files_and_leaves_no_core(centre: Centre, people: dict[str, Visitor]) -> None:
    with watching(centre, people["operator"], "transcode") as tile:
        live_picture(tile)
        pids = processes(centre)
        assert {"gwanje.media.inspect.child", "gwanje.media.transcode.worker"} <= set(pids)
        for name, pid in pids.items():
            status = Path(f"/proc/{pid}/status").read_text()
            assert "Umask:\t0077" in status, name
            limits = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line)
            assert limits.split()[4:6] == ["0", "0"], (name, limits)
            shown = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert not any(word in shown for word in (PASSWORD.encode(), b"demo-camera-only", b"postgresql://")), name
        # a child that decodes has sockets, and no file that a picture could go to
        for name in ("gwanje.media.inspect.child", "gwanje.media.transcode.worker"):
            assert [f for f in written(pids[name]) if not f.startswith(str(centre.home.root / "log"))] == [], name


def written(pid: int) -> list[str]:
    """Files that a process holds open."""
    targets = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]
    return [target for target in targets if target.startswith("/") and not target.startswith("/dev/")]


LOOK = """
import os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for pid in sys.argv[1:]:
    for name in ("environ", "mem", "maps", "auxv", "fd", "cwd", "task/" + pid + "/environ"):
        try:
            path = f"/proc/{pid}/{name}"
            os.listdir(path) if name in ("fd", "cwd") else os.close(os.open(path, os.O_RDONLY))
            print(pid, name)
        except OSError:
            pass
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user to try")
def test_another_os_user_looks_into_no_process(centre: Centre, people: dict[str, Visitor]) -> None:
    with watching(centre, people["operator"], "transcode") as tile:
        live_picture(tile)
        pids = processes(centre)
        argv = [sys.executable, "-c", LOOK, *map(str, pids.values())]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, len(pids) > 8) == ("", True)

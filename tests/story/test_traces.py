"""What a running centre leaves on the disk: no picture in the clear, no secret out of its place, nobody else's file.

The canaries are taken from recorded seconds that are opened here, in memory, with the vault's own keys.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gwanje.vault import attempt, parts, tree
from gwanje.vault.parts import VIDEO
from gwanje.vault.segment import SegmentReader
from gwanje.vault.state import State
from story.centre import PASSWORD, Centre, until

pytestmark = pytest.mark.story
CANARY = 24
FILES_MAX = 60
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
    """(three canaries of a picture's bytes per file, the leaf keys that opened them)."""
    state, canaries, leaves = opened(centre), dict[str, bytes](), dict[str, bytes]()
    for path in sorted(centre.home.store.glob("*/*/*/*.gws"))[:FILES_MAX]:
        with SegmentReader(path) as reader:
            head = reader.header
            root = state.roots.get((head.class_, head.epoch))
            part = next((p for p in reader.parts if p.header.kind == VIDEO and p.header.length > 2000), None)
            if root is None or part is None:
                continue
            leaf = tree.leaf(bytes(root), head.slot, part.header.tick)
            plain = parts.open_part(parts.okm(leaf, reader.segment_id), reader.segment_id, reader.read(part))
            leaves[f"leaf {path.name}"] = leaf
            for third in (1, 2, 3):
                at = len(plain) * third // 4
                canaries[f"picture {path.name} {third}"] = plain[at : at + CANARY]
    return {name: canary for name, canary in canaries.items() if len(set(canary)) > CANARY // 3}, leaves


def spelled(name: str, secret: bytes) -> dict[str, bytes]:
    """A secret as it is, in hex and in both base64s."""
    return {
        name: secret,
        f"{name} (hex)": secret.hex().encode(),
        f"{name} (base64)": base64.b64encode(secret).rstrip(b"="),
        f"{name} (base64url)": base64.urlsafe_b64encode(secret).rstrip(b"="),
    }


def test_no_recorded_picture_stands_in_the_clear(centre: Centre, tmp_path: Path) -> None:
    until("recorded pictures", lambda: len(pictures(centre)[0]) > 30, 60, 1)
    canaries, leaves = pictures(centre)
    assert len(canaries) > 30
    looked, finds = found_in(centre.home.root, {**canaries, **leaves})
    assert looked > 200
    assert finds == set()
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


def test_every_process_makes_private_files_and_leaves_no_core(centre: Centre) -> None:
    services = centre.status()["services"]
    pids = {name: int(said["pid"]) for name, said in services.items() if said["pid"]}
    pids["supervisor"] = centre.process.pid
    assert {"web", "recorder", "player", "vaultd", "worker", "postgres"} <= set(pids)
    for name, pid in pids.items():
        status = Path(f"/proc/{pid}/status").read_text()
        assert "Umask:\t0077" in status, name
        limits = next(line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line)
        assert limits.split()[4:6] == ["0", "0"], (name, limits)

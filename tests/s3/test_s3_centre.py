"""A whole centre over a real object store: moved, checked by vaultd, destroyed with a certificate that says how."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from gwanje.kernel.home import Home
from gwanje.vault.store import remote
from tests.centre.retention import world

pytestmark = pytest.mark.s3


def use(home, settings):
    """The operator's own command; the account comes on standard input."""
    words = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "store", "s3"]
    place = ["--endpoint", settings.endpoint, "--bucket", settings.bucket, "--prefix", settings.prefix]
    done = subprocess.run(
        [*words, *place], input=f"{settings.access_key}\n{settings.secret_key}\n", capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert settings.secret_key not in done.stdout + done.stderr + home.config_file.read_text()
    assert (home.secrets / "s3.json").stat().st_mode & 0o777 == 0o600
    return Home(home.root)


@pytest.fixture
def story(tmp_path, bucket):
    with world.centre(tmp_path / "centre") as made:
        home = use(made, bucket)
        epoch = world.to_next_hour(home)
        for camera in (0, 1):
            for _ in range(3):
                world.record(home, 1, camera)
                time.sleep(0.01)
        world.record(home, 2, 0)
        yield home, epoch


def checked(home):
    """What a check of level 3 counts."""
    found = json.loads(world.run(home, "check", "--level", "3", "--json", code=None).strip().splitlines()[-1])
    # the disk is looked through first, so that the order changes with the place
    return {**found, "problems": sorted(found["problems"])}


def moved(home):
    """The product's own process takes what may go."""
    for path in home.store.rglob("*.gws"):
        os.utime(path, (time.time() - 60, time.time() - 60))
    with (home.root / "log" / "uploader.log").open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "uploader"], stdout=out, stderr=out
        )
    end = time.monotonic() + 30
    while len(list(home.store.rglob("*.gws"))) > 2:
        assert child.poll() is None
        assert time.monotonic() < end, (home.root / "log" / "uploader.log").read_text()[-2000:]
        time.sleep(0.1)
    child.terminate()
    assert child.wait(10) == 0


def test_moved_checked_destroyed(story, node, bucket):
    home, epoch = story
    before = checked(home)
    assert (before["files"], before["behind"], before["verified"]) == (7, 0, 7 * world.PARTS)
    moved(home)
    (shelf,) = remote(home)
    assert len(list(shelf.files(f"1/{epoch}"))) >= 5
    after = checked(home)
    assert after["behind"] >= 5
    same = ("files", "parts", "verified", "problems", "seconds", "missing_s", "bytes")
    assert [after[name] for name in same] == [before[name] for name in same]

    # one byte of one object, changed by whoever keeps the store, is named
    victim = next(e for e in shelf.files(f"1/{epoch}") if not (home.store / e.name).exists())
    content = bytearray(shelf.get(victim.name))
    content[1000] ^= 1
    shelf.put(victim.name, bytes(content))
    assert any(victim.name in problem for problem in checked(home)["problems"])
    content[1000] ^= 1
    shelf.put(victim.name, bytes(content))

    world.run(home, "clock", "set", datetime.fromtimestamp(epoch * 3600 + 30 * 86400 + 5, UTC).isoformat())
    with node.hung():
        away = world.retention(home, code=1)
    assert (away["seen"], away["erased"], away["certificates"]) == (1, 0, [])
    assert "StoreAway" in away["refused"] or "list" in away["refused"]
    assert len(list(shelf.files(f"1/{epoch}"))) >= 5

    done = world.retention(home)
    assert (done["erased"], done["parts"], len(done["certificates"])) == (1, 6 * world.PARTS, 1)
    assert list(shelf.files(f"1/{epoch}")) == []
    assert not (home.store / "1" / str(epoch)).exists()
    left = {entry.name for entry in shelf.files()} | {str(p.relative_to(home.store)) for p in home.store.rglob("*.gws")}
    assert len({name for name in left if name.startswith("2/")}) == 1
    _the_certificate_says(home, done["certificates"][0])
    logs = "".join(path.read_text(errors="replace") for path in (home.root / "log").iterdir())
    assert bucket.secret_key not in logs


def _the_certificate_says(home, number):
    folder = home.root / "out"
    world.run(home, "retention", "certificate", number, "--to", str(folder))
    said = json.loads((folder / f"{number}.json").read_text())
    assert said["method"] == "key-destruction, overwrite, unlink, object delete"
    assert any("objects_deleted_not_overwritten" in line for line in said["exceptions"])
    assert (said["level"], said["attempt"]["opened"]) == ("L1", 0)

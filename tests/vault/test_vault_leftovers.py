"""What a recorder was lent, looked for in its memory: frames, nodes it has gone past, leaves and keys it has used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gwanje.vault import tree

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def probed():
    paths = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("leftovers_probe.py"))], capture_output=True, text=True,
        check=False, timeout=600, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("cipher", ["aes", "aria"])
def test_nothing_that_opens_the_past_stays(probed, cipher):
    found = probed[cipher]
    assert found["known"] > 400
    assert found["past"] == 0
    assert found["ahead_found"] == found["ahead"] > 3, "what is still ahead is held, and found: the control"


def test_no_key_of_an_answer_from_afar_stays(probed):
    assert probed["chain"] == {"used": 20, "standing": 0}


def test_the_control_finds_what_nobody_overwrites(probed):
    assert probed["unwiped"] > 0


def test_a_used_leaf_goes_though_no_later_picture_comes():
    root = os.urandom(32)
    spine = tree.Spine(7, 1000, tree.spine(root, 5, 1000))
    leaf = spine.at(1003)
    spine.leave(1002)
    assert leaf == spine.at(1003) == tree.leaf(root, 5, 1003)
    spine.leave(1003)
    assert not any(leaf)
    with pytest.raises(tree.NoKey):
        spine.at(1003)
    assert spine.at(1004) == tree.leaf(root, 5, 1004)

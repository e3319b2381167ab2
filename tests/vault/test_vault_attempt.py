"""The attempt on destroyed footage itself: it opens what can be opened, from a request or from files of lines."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest_vault import Centre
from hold_rig import made

from gwanje.kernel.ids import uuid7
from gwanje.vault import attempt as separate
from gwanje.vault import parts
from gwanje.vault.core import Vault
from gwanje.vault.segment import SegmentHeader


def sealed(vault: Vault, slot: int, epoch: int, tick: int) -> dict:
    """One sealed part as the attempt takes it."""
    head = SegmentHeader.fresh(
        class_=1, epoch=epoch, slot=slot, stream=0, fence=1, writer=bytes(16), created_us=0, centre=uuid7()
    )
    key = parts.PartKey.of(vault.leaf(1, slot, epoch, tick), head.segment_id)
    out = memoryview(bytearray(400))
    start = (epoch * 3600 + tick) * 1_000_000
    size = parts.seal_into(out, key, head.segment_id, 1, 1, tick, 0, start, 1_000_000, b"picture" * 20)
    said = {"class": 1, "epoch": epoch, "slot": slot, "tick": tick, "segment_id": head.segment_id.hex()}
    return {**said, "part": base64.b64encode(bytes(out[:size])).decode()}


@pytest.fixture
def living(centre: Centre, vault: Vault) -> list[dict]:
    """Four seconds whose root lives."""
    vault.set_class(1, "days", 30, "제31조제1항")
    (slot,) = vault.slots([centre.camera])
    epoch = centre.home.clock.now_s() // 3600
    tick = vault.lend(1, slot, epoch)[0]
    return [sealed(vault, slot, epoch, t) for t in range(max(0, tick - 3), tick + 1)]


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_what_is_not_dead_is_found_open(centre: Centre, living: list[dict], tmp_path: Path) -> None:
    """An attempt that opens nothing although keys lie there would put its name to every certificate."""
    said = separate.attempt({"home": str(centre.home.root), "samples": living})
    assert (said["tried"], said["opened"]) == (len(living), len(living))
    lines = tmp_path / "hour.jsonl"
    lines.write_text("".join(json.dumps(sample) + "\n" for sample in living))
    both = separate.attempt({"home": str(centre.home.root), "samples": living[:1], "files": [str(lines)]})
    assert (both["tried"], both["opened"]) == (len(living) + 1, len(living) + 1)
    spoilt = {**living[0], "part": base64.b64encode(os.urandom(300)).decode()}
    said = separate.attempt({"home": str(centre.home.root), "samples": [spoilt]})
    assert (said["tried"], said["opened"]) == (1, 0)


def test_a_torn_or_endless_line_is_no_answer(centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = tmp_path / "hour.jsonl"
    lines.write_text('{"class": 1, "ep')
    with pytest.raises(ValueError, match="Unterminated"):
        separate.attempt({"home": str(centre.home.root), "files": [str(lines)]})
    monkeypatch.setattr(separate, "LINE_MAX", 100)
    lines.write_text("{" + " " * 200 + "}\n")
    with pytest.raises(ValueError, match="more than 100"):
        separate.attempt({"home": str(centre.home.root), "files": [str(lines)]})


@pytest.mark.norm("retention.irrecoverable", "deny")
@pytest.mark.parametrize("place", ["backup", "spool/old", "log", "."])
def test_a_copy_left_anywhere_in_the_data_folder_is_found(
    centre: Centre, vault: Vault, living: list[dict], place: str
) -> None:
    """Somebody copied keystore and key aside before the destruction: then nothing was destroyed, and it is said."""
    request = {"home": str(centre.home.root), "samples": living}
    folder = centre.home.root / place
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a").write_bytes(vault.keystore.file.read_bytes())
    (key,) = (centre.home.vault / "token").glob("generation-*.key")
    (folder / "b").write_bytes(key.read_bytes())
    with vault.change() as draft:
        draft.roots.clear()
    assert separate.attempt(request)["opened"] == len(living)
    (folder / "b").unlink()
    assert separate.attempt(request)["opened"] == 0


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_what_a_hold_has_is_held_and_what_was_closed_does_not_open(centre: Centre, tmp_path: Path) -> None:
    """The certificate names holds as exceptions: neither counted as opened nor passed over."""
    rig = made(centre)
    rig.lend(1)
    slot = rig.slots[0]
    samples = {tick: sealed(rig.vault, slot, rig.epoch, tick) for tick in (10, 70, 200, 300)}

    def said(*extra: Path) -> tuple[int, int, dict[str, int]]:
        request = {"home": str(centre.home.root), "samples": list(samples.values()), "extra": [str(e) for e in extra]}
        found = separate.attempt(request)
        assert found["tried"] == 4
        assert found["held"] == sum(found["holds"].values())
        return found["opened"], found["held"], found["holds"]

    held_one = rig.hold(rig.span(0, 60, 250))
    rig.close(first=190, until=320)
    # 10 and 70 live, 200 is closed and held, 300 is closed
    assert said() == (2, 1, {held_one.hex: 1})
    old = tmp_path / "old"
    shutil.copytree(rig.vault.keystore.folder, old)
    rig.die()
    assert said() == (0, 2, {held_one.hex: 2})
    rig.end(held_one)
    assert said() == (0, 0, {})
    # yesterday's keystore with its generation key: what lived, and a hold that stands no more
    assert said(old) == (3, 0, {})
    rig.vault.close()

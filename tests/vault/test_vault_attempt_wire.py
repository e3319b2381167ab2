"""The attempt as the worker asks for it: over vaultd's socket, tried by a process of vaultd's user."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import UUID

import pytest
from conftest_vault import Centre
from test_vault_attempt import sealed

from gwanje.kernel.ids import uuid7
from gwanje.vault import attempt as separate
from gwanje.vault.client import VaultClient, VaultRefused
from gwanje.vault.core import Vault


def kept(centre: Centre, lines: list[str]) -> UUID:
    """Samples as the worker keeps them."""
    hour = uuid7()
    folder = centre.home.spool / "retention"
    folder.mkdir(exist_ok=True)
    (folder / f"{hour}.jsonl").write_text("".join(line + "\n" for line in lines))
    return hour


@pytest.fixture
def worker(served: Centre):
    client = VaultClient(served.home, "worker")
    yield client
    client.close()


@pytest.fixture(scope="module")
def sample(served: Centre) -> str:
    """A living second of the served centre, sealed by hand with a lent key."""
    web, recorder = VaultClient(served.home, "web"), VaultClient(served.home, "recorder")
    web.set_class(1, "days", 30, "제31조제1항")
    slot = web.slot(served.camera)
    epoch = served.home.clock.now_s() // 3600
    spine = recorder.lend(1, slot, epoch).spine()
    tick = spine.tick + 1

    class Lent:
        """What ``sealed`` asks of a vault: the leaf of a second."""

        def leaf(self, class_: int, slot: int, epoch: int, at: int) -> bytes:
            return spine.at(at)

    made = sealed(Lent(), slot, epoch, tick)  # type: ignore[arg-type]
    web.close()
    recorder.close()
    return json.dumps(made)


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_what_lives_is_opened_by_the_process_that_vaultd_starts(served: Centre, worker: VaultClient, sample: str):
    hour = kept(served, [sample] * 3)
    spoilt = kept(served, [json.dumps({**json.loads(sample), "segment_id": os.urandom(32).hex()})])
    found = worker.attempt([hour, spoilt])
    assert (found.tried, found.opened, found.held) == (4, 3, 0)
    assert found.generation_key_absent
    assert found.keystores == 1
    assert found.contents == 1
    assert found.unread == ()


def test_samples_that_are_missing_torn_or_links_are_no_answer(served: Centre, worker: VaultClient, sample: str):
    def code(*hours: UUID) -> str:
        with pytest.raises(VaultRefused) as refused:
            worker.attempt(hours)
        return refused.value.code

    assert code(uuid7()) == "attempt_samples"
    assert code() == "limit"
    assert code(kept(served, ['{"class": 1, "ep'])) == "attempt_failed"
    linked = uuid7()
    link = served.home.spool / "retention" / f"{linked}.jsonl"
    link.symlink_to(next((served.home.vault / "token").glob("generation-*.key")))
    assert code(linked) == "attempt_samples"
    with pytest.raises(OSError, match="symbolic"):
        separate.attempt({"home": str(served.home.root), "files": [str(link)]})
    os.mkfifo(served.home.spool / "retention" / "pipe.jsonl")
    with pytest.raises(ValueError, match="plain file"):
        separate.attempt({"home": str(served.home.root), "files": [str(link.with_name("pipe.jsonl"))]})
    link.with_name("pipe.jsonl").unlink()


def test_nobody_but_the_worker_asks_and_a_newer_question_ends_the_older(
    served: Centre, worker: VaultClient, sample: str
):
    for role in ("web", "recorder", "player", "checker"):
        other = VaultClient(served.home, role)
        with pytest.raises(VaultRefused) as refused:
            other.attempt([uuid7()])
        assert refused.value.code == "op_denied"
        other.close()
    hour = kept(served, [sample])
    first = worker._call({"op": "attempt", "hours": [hour.bytes]})["run"]
    second = worker._call({"op": "attempt", "hours": [hour.bytes]})["run"]
    assert first != second
    with pytest.raises(VaultRefused) as refused:
        worker._call({"op": "attempt_state", "run": first})
    assert refused.value.code == "attempt_unknown"
    # vaultd answers others meanwhile
    assert worker.status().classes == 1
    assert worker.attempt([hour]).opened == 1


def test_a_place_that_may_not_be_read_is_named(centre: Centre, vault: Vault, monkeypatch: pytest.MonkeyPatch):
    """Root reads everything, so the system's answer is given here; the users' own test has a real one."""
    closed = centre.home.root / "log" / "closed"
    closed.write_bytes(b"k" * 32)
    true = separate._sort

    def sort(path: Path, stores: list[bytes], keys: list[bytes]) -> None:
        if path == closed:
            raise PermissionError(13, "no", str(path))
        true(path, stores, keys)

    monkeypatch.setattr(separate, "_sort", sort)
    assert separate.attempt({"home": str(centre.home.root)})["unread"] == ["log"]
    closed.rename(centre.home.vault / "closed")
    closed = centre.home.vault / "closed"
    with pytest.raises(PermissionError):
        separate.attempt({"home": str(centre.home.root)})

"""Keystore and token: killed at every step, nothing destroyed opens, no live root is lost."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.vault import keystore as file
from gwanje.vault.attempt import collect, states
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import STEPS, Keystore
from gwanje.vault.records import (
    HELD,
    Code,
    Delegation,
    HeldLens,
    Hold,
    HoldAct,
    Officer,
    OfficerKey,
    Peer,
    Released,
    RetentionClass,
    Spent,
)
from gwanje.vault.state import State
from gwanje.vault.token import FileToken, open_token


class Killed(BaseException):
    """Stands for kill -9: no handler of the code under test may catch it."""


def fresh(folder: Path, roots: int = 3) -> Keystore:
    folder.mkdir(parents=True, exist_ok=True)
    store = Keystore(folder, FileToken(folder / "token"))
    state = State(uuid7(), os.urandom(32), os.urandom(32), os.urandom(32))
    state.classes[1] = RetentionClass(1, "days", 30, "제31조")
    state.roots = {(1, epoch): bytearray(os.urandom(32)) for epoch in range(roots)}
    store.create(state)
    return store


def again(folder: Path) -> Keystore:
    store = Keystore(folder, FileToken(folder / "token"))
    store.load()
    return store


def everything_that_opens(*folders: Path) -> list[State]:
    return states(*collect(list(folders)))[0]


def test_content_comes_back_whole(tmp_path):
    store = fresh(tmp_path)
    with store.change() as draft:
        draft.slots = {os.urandom(16): slot for slot in range(100)}
        draft.next_slot = 100
        officer = Officer(uuid7(), "manager", uuid7(), "$argon2id$x", (), "전결", 5, None)
        draft.officers[officer.id, "manager"] = officer
        draft.services = {"web": os.urandom(32)}
        draft.head = ("gwanje.example/log", 12, os.urandom(32))
        draft.alarm = "시각"
        draft.spent[b"p" * 16] = Spent(b"p" * 16, 5, b"s" * 32, 6, {"first": 1})
        draft.single_replica = [5, [b"a" * 16]]
    back = again(tmp_path)
    assert back.state == store.state
    assert back.generation == store.generation == 2
    assert back.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", [s for s in STEPS if s != "done"])
def test_killed_at_every_step_of_a_destruction(tmp_path, step):
    folder = tmp_path / "v"
    store = fresh(folder)
    victim, kept = bytes(store.state.roots[1, 0]), bytes(store.state.roots[1, 1])
    shutil.copytree(folder, tmp_path / "before")
    told = False

    def stop(at: str) -> None:
        if at == step:
            raise Killed

    store.failpoint = stop
    try:
        with store.change() as draft:
            del draft.roots[1, 0]
        told = True
    except Killed:
        pass
    assert not told
    # what a new process finds: either the root still lives (nothing was told), or it is dead for good
    found = again(folder)
    assert bytes(found.state.roots[1, 1]) == kept
    alive = (1, 0) in found.state.roots
    opened = everything_that_opens(folder)
    assert opened
    assert all(((1, 0) in s.roots) == alive for s in opened)
    assert found.token.generations() == [found.generation]
    assert {p.name for p in folder.iterdir()} == {"keystore.gwk", "token"}
    # and it can finish: afterwards the copy from before is dead without its key, and live with it (control)
    if alive:
        with found.change() as draft:
            del draft.roots[1, 0]
    (tmp_path / "old").mkdir()
    shutil.copy(tmp_path / "before" / "keystore.gwk", tmp_path / "old")
    assert all((1, 0) not in s.roots for s in everything_that_opens(folder, tmp_path / "old"))
    control = everything_that_opens(folder, tmp_path / "before")
    assert any(bytes(s.roots.get((1, 0), b"")) == victim for s in control)


@pytest.mark.parametrize("step", [s for s in STEPS if s != "done"])
def test_killed_at_every_step_of_adding_a_root_and_again(tmp_path, step):
    store = fresh(tmp_path)
    before = {k: bytes(v) for k, v in store.state.roots.items()}

    def stop(at: str) -> None:
        if at == step:
            raise Killed

    for _ in range(3):
        store.failpoint = stop
        with pytest.raises(Killed), store.change() as draft:
            draft.roots[1, 99] = bytearray(b"n" * 32)
        store = again(tmp_path)
        assert before.items() <= {k: bytes(v) for k, v in store.state.roots.items()}.items()
        with store.change() as draft:
            draft.roots.pop((1, 99), None)


def test_a_write_that_fails_before_the_rename_changes_nothing(tmp_path, monkeypatch):
    store = fresh(tmp_path)
    monkeypatch.setattr(os, "replace", lambda *a: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"), store.change() as draft:
        draft.alarm = "x"
    monkeypatch.undo()
    # memory and disk may differ after a failed rename: this object refuses, a new one has everything
    with pytest.raises(VaultError), store.change():
        pass
    assert again(tmp_path).state.alarm is None
    assert len(again(tmp_path).state.roots) == 3


def test_a_medium_that_reads_back_other_bytes_loses_nothing(tmp_path, monkeypatch):
    store = fresh(tmp_path)
    real = file.unseal
    monkeypatch.setattr(file, "unseal", lambda *a: (_ for _ in ()).throw(VaultError("keystore_broken")))
    with pytest.raises(VaultError), store.change() as draft:
        del draft.roots[1, 0]
    monkeypatch.setattr(file, "unseal", real)
    assert set(again(tmp_path).state.roots) == {(1, 0), (1, 1), (1, 2)}


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_a_token_that_does_not_destroy_is_found_out(tmp_path):
    class Hoarder(FileToken):
        def destroy(self, generation: int) -> None:
            pass

    store = Keystore(tmp_path, FileToken(tmp_path / "token"))
    store.create(fresh(tmp_path / "other").state)
    store.token = Hoarder(tmp_path / "token")
    with pytest.raises(VaultError) as refused, store.change() as draft:
        del draft.roots[1, 0]
    assert refused.value.code == "generation_present"


def test_destroying_overwrites_before_it_unlinks(tmp_path):
    token = FileToken(tmp_path)
    token.create(1)
    os.link(tmp_path / "generation-000000000001.key", tmp_path / "second-name")
    assert (tmp_path / "second-name").read_bytes() != bytes(32)
    token.destroy(1)
    assert (tmp_path / "second-name").read_bytes() == bytes(32)
    assert not token.present(1)
    token.destroy(1)
    with pytest.raises(VaultError) as gone:
        token.derive(1, 0, bytes(32))
    assert gone.value.code == "generation_gone"


def test_any_changed_byte_of_the_file_is_refused(tmp_path):
    store = fresh(tmp_path)
    data = store.file.read_bytes()
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(VaultError):
            file.unseal(bytes(changed), store.token)
    with pytest.raises(VaultError):
        file.unseal(data[:40], store.token)


def test_one_process_at_a_time(tmp_path):
    one, two = fresh(tmp_path), Keystore(tmp_path, FileToken(tmp_path / "token"))
    one.lock()
    with pytest.raises(VaultError) as busy:
        two.lock()
    assert busy.value.code == "keystore_busy"
    one.unlock()
    two.lock()
    two.unlock()


def test_no_second_ceremony_over_a_live_keystore(tmp_path):
    store = fresh(tmp_path)
    with pytest.raises(FileExistsError):
        store.create(store.state)


def test_a_token_without_a_place_refuses(tmp_path):
    home = Home.create(tmp_path / "p11", token="pkcs11")
    with pytest.raises(VaultError) as refused:
        open_token(home)
    assert refused.value.code == "token_settings"


def whole(state):
    """The state with one of everything that version 2 knows."""
    person, camera = uuid7(), uuid7()
    node = HELD.pack(1, 9, 3, 4, 16, os.urandom(32))
    act = HoldAct("made", 5, bytes(32), 99, ({"person": person.bytes, "method": "unsigned"},))
    hold = Hold(
        uuid7(), "trial", "소송", "2026가합1", person, (HeldLens(camera, 3, 1, 1, 2),), bytearray(node), 99, (act,)
    )
    key = OfficerKey("webauthn", b"cose", b"id", 7, 8, "열쇠 1")
    delegate = Delegation(uuid7(), 1, 2, ("open",))
    state.officers[person, "manager"] = Officer(person, "manager", uuid7(), "$argon2", (key,), "전결", 1, None, "과장",
                                                (delegate,))  # fmt: skip
    state.holds[hold.id] = hold
    state.released.append(Released(1, 9, "hold", hold.id.bytes, 60, 5, 6))
    state.ended[uuid7()] = 7
    state.frontiers[1, 7] = bytearray(os.urandom(37 * 3))
    state.signing, state.code_key = True, os.urandom(32)
    state.codes = (Code(person, os.urandom(32), 1),)
    state.peers = (Peer(1, os.urandom(32), "https://[::1]:1", 4),)


def test_version_two_keeps_everything_and_reads_version_one(tmp_path):
    store = fresh(tmp_path)
    with store.change() as draft:
        whole(draft)
    back = again(tmp_path)
    assert back.state == store.state
    assert back.state.replicas == 2
    body = fresh(tmp_path / "old").state.body()
    # as version 1 wrote it
    for name in ("frontiers", "signing", "code_key", "codes", "peers"):
        del body[name]
    person, agency = uuid7(), uuid7()
    body |= {"v": 1, "holds": [], "punctures": [], "replicas": 1}
    body["officers"] = [[person.bytes, "manager", agency.bytes, "$argon2", None, "전결", 0, None]]
    read = State.of(body)
    assert read.officers == {(person, "manager"): Officer(person, "manager", agency, "$argon2", (), "전결")}
    assert (read.holds, read.peers, read.signing, read.replicas) == ({}, (), False, 1)
    with pytest.raises(VaultError) as refused:
        State.of({**body, "v": 3})
    assert refused.value.code == "keystore_version"


def test_a_month_of_hours_and_a_city_of_cameras_fit(tmp_path):
    store = fresh(tmp_path)
    with store.change() as draft:
        draft.roots = {(1, epoch): bytearray(os.urandom(32)) for epoch in range(31 * 24)}
        draft.slots = {os.urandom(16): slot for slot in range(100_000)}
        draft.next_slot = 100_000
    back = again(tmp_path)
    assert len(back.state.slots) == 100_000
    assert len(back.state.roots) == 744


def _churn(folder: Path) -> None:
    """The child: makes a root, destroys the one before, and says so in a file only after it is done."""
    store = again(folder)
    told = os.open(folder.parent / "told", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    while True:
        epoch = max(e for _, e in store.state.roots) + 1
        with store.change() as draft:
            draft.roots[1, epoch] = bytearray(epoch.to_bytes(32, "big"))
        os.write(told, f"made {epoch}\n".encode())
        with store.change() as draft:
            del draft.roots[1, epoch - 1]
        os.write(told, f"destroyed {epoch - 1}\n".encode())


def test_sigkill_at_random_moments_of_a_real_process(tmp_path):
    folder = tmp_path / "v"
    fresh(folder, roots=1)
    rounds, gone = 0, set()
    for wait_ms in (5, 11, 17, 23, 31, 37, 43, 57, 71, 83, 150, 300):
        pid = os.fork()
        if pid == 0:
            try:
                _churn(folder)
            finally:
                os._exit(1)
        time.sleep(wait_ms / 1000)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        found = again(folder)
        lines = (tmp_path / "told").read_text().splitlines() if (tmp_path / "told").exists() else []
        rounds += len(lines)
        opened = everything_that_opens(folder)
        destroyed = {int(line.split()[1]) for line in lines if line.startswith("destroyed")}
        made = {int(line.split()[1]) for line in lines if line.startswith("made")}
        assert opened
        for state in (found.state, *opened):
            assert not destroyed & {epoch for _, epoch in state.roots}
        # of the roots that were told made, only the one whose destruction was under way may be missing
        missing = made - destroyed - {epoch for _, epoch in found.state.roots}
        assert len(missing - gone) <= 1
        gone = missing
        assert found.state.roots
    assert rounds > 0


def test_while_a_generation_is_written_the_old_content_is_in_force(tmp_path):
    store = fresh(tmp_path)
    before, seen = store.state, []
    store.failpoint = lambda step: seen.append((step, store.state is before))
    with store.change() as draft:
        del draft.roots[1, 0]
    assert dict(seen) == {step: step != "done" for step in STEPS}

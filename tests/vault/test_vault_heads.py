"""The ledger's head in the token: killed anywhere, rolled back, lost, forked; never two checkpoints of one size."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time

import pytest
from conftest_vault import make, opened
from replica_rig import hall, told, until

from gwanje.kernel.ledger import note
from gwanje.kernel.ledger import tree as ledger_tree
from gwanje.vault import heads, ops_replica
from gwanje.vault.ceremony import open_keystore
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.replica import Place
from gwanje.vault.token import RECORD

ORIGIN = "gwanje.example/log"
RECORD_PATH = f"token/{RECORD}"


class Killed(BaseException):
    """Stands for kill -9."""


class Log:
    """A ledger of leaves whose every prefix can be proved; another ``seed`` is another history from leaf ``own``."""

    def __init__(self, seed: int = 0, own: int = 0, size: int = 2000):
        same, other = random.Random(0), random.Random(seed)
        self.leaves = [(same if n < own else other).randbytes(57) for n in range(size)]
        self.nodes = ledger_tree.nodes_of(self.leaves)

    def sign(self, vault, size, old=None):
        old = vault.heads.size if old is None else old
        proof = ledger_tree.consistency(self.nodes, old, size)
        return vault.checkpoint(ORIGIN, size, ledger_tree.root(self.nodes, size), old, proof)


TRUE, FALSE = Log(), Log(seed=1, own=5)


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    return refused.value.code


def again(place, vault):
    vault.close()
    return opened(place.home)


@pytest.fixture
def place(tmp_path):
    return make(tmp_path / "c")


def test_signing_writes_no_keystore_and_the_head_outlives_a_restart(place):
    vault = opened(place.home)
    TRUE.sign(vault, 1)
    generation = vault.keystore.generation
    for size in range(2, 12):
        assert note.parse(TRUE.sign(vault, size))[0].size == size
    assert vault.keystore.generation == generation
    assert vault.state.head[1] == 1
    vault = again(place, vault)
    assert vault.heads.size == vault.status()["head"] == 11
    assert code(lambda: FALSE.sign(vault, 11, old=11)) == "checkpoint_fork"
    assert code(lambda: FALSE.sign(vault, 12)) == "checkpoint_fork"
    assert code(lambda: TRUE.sign(vault, 12, old=1)) == "checkpoint_head"
    TRUE.sign(vault, 12)
    with vault.change():
        pass
    assert vault.state.head[1] == 12
    assert vault.state.headed
    vault.close()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("step", heads.STEPS)
def test_killed_at_every_step_it_never_signs_one_size_twice(place, step, first):
    vault = opened(place.home)
    if not first:
        TRUE.sign(vault, 3)

    def stop(at):
        if at == step:
            raise Killed

    vault.heads.failpoint = stop
    out = []
    with contextlib.suppress(Killed):
        out.append(TRUE.sign(vault, 7))
    # a keystore write that goes on beside it repeats nothing that is not kept
    vault = again(place, vault)
    kept = vault.heads.size
    assert kept in (0 if first else 3, 7)
    assert not out or kept == 7
    if kept == 7:
        assert code(lambda: FALSE.sign(vault, 7, old=7)) == "checkpoint_fork"
        assert note.parse(TRUE.sign(vault, 7, old=7))[0].size == 7
    else:
        # no note of this size has left: the other history may be signed
        FALSE.sign(vault, 7) if first else TRUE.sign(vault, 7)
    assert vault.heads.size == 7
    vault.close()


def signs_on(place, out) -> None:
    """A vaultd of its own that signs row by row, says so, and writes its keystore now and then."""
    try:
        vault = opened(place.home)
        with out.open("a") as file:
            for size in range(vault.heads.size + 1, len(TRUE.leaves)):
                file.write(TRUE.sign(vault, size).splitlines()[1] + "\n")
                file.flush()
                if size % 5 == 0:
                    with vault.change():
                        pass
    finally:
        os._exit(1)


def test_real_kills_while_it_signs_and_writes(place, tmp_path):
    out, head = tmp_path / "signed", 0
    out.touch()
    for wait_ms in (1, 4, 9, 15, 30, 60):
        before, pid = out.stat().st_size, os.fork()
        if pid == 0:
            signs_on(place, out)
        until(lambda at=before: out.stat().st_size > at)
        time.sleep(wait_ms / 1000)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        told_last = int(out.read_text().split()[-1])
        vault = opened(place.home)
        # what was told is kept, and at most one more, whose note has not left
        assert head < told_last <= vault.heads.size <= told_last + 1
        head = vault.heads.size
        assert code(lambda v=vault: Log(seed=2).sign(v, v.heads.size + 1)) == "checkpoint_fork"
        vault.close()


def test_a_lost_record_signs_nothing_until_two_officers_bring_the_note(place):
    vault = opened(place.home)
    TRUE.sign(vault, 4)
    with vault.change():
        pass
    newest = TRUE.sign(vault, 9)
    old = note.sign(note.Checkpoint(ORIGIN, 3, ledger_tree.root(TRUE.nodes, 3)), vault.checkpoint_key)
    stranger = make(place.home.root.parent / "other")
    foreign = opened(stranger.home)
    other = TRUE.sign(foreign, 9)
    foreign.close()
    (place.home.vault / RECORD_PATH).unlink()
    vault = again(place, vault)
    assert code(lambda: TRUE.sign(vault, 12, old=4)) == "checkpoint_lost"
    assert [row["size"] for row in told(place.home, "vault.checkpoint.lost")] == [4]
    assert code(lambda: vault.heads.take(old)) == "checkpoint_head"
    assert code(lambda: vault.heads.take(other)) == "checkpoint_note"
    assert code(lambda: vault.heads.take("nonsense")) == "checkpoint_note"
    vault = again(place, vault)
    assert code(lambda: TRUE.sign(vault, 12, old=4)) == "checkpoint_lost"
    assert vault.heads.take(newest) == 9
    assert code(lambda: FALSE.sign(vault, 12)) == "checkpoint_fork"
    TRUE.sign(vault, 12)
    vault = again(place, vault)
    assert vault.heads.size == 12
    vault.close()


@pytest.mark.parametrize("how", ["old", "forged", "cut"])
def test_a_record_that_is_not_the_newest_is_lost(place, how):
    vault = opened(place.home)
    TRUE.sign(vault, 4)
    file = place.home.vault / RECORD_PATH
    old = file.read_bytes()
    TRUE.sign(vault, 9)
    with vault.change():
        pass
    file.write_bytes({"old": old, "forged": bytes(32) + file.read_bytes()[32:], "cut": old[:40]}[how])
    vault = again(place, vault)
    assert code(lambda: FALSE.sign(vault, 10, old=4)) == "checkpoint_lost"
    vault.close()


def test_a_keystore_from_before_the_record_goes_on(place):
    vault = opened(place.home)
    root = ledger_tree.root(TRUE.nodes, 6)
    with vault.change() as draft:
        draft.head = (ORIGIN, 6, root)
    assert not vault.state.headed
    vault = again(place, vault)
    assert vault.heads.size == 6
    assert (place.home.vault / RECORD_PATH).exists()
    assert code(lambda: Log(seed=3).sign(vault, 8)) == "checkpoint_fork"
    TRUE.sign(vault, 8)
    assert vault.state.headed
    vault.close()


# --- replicas ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def one(tmp_path):
    with hall(tmp_path) as made:
        yield made


def has(made, size) -> bool:
    """Was every replica told of this size?"""
    return all(far.place._head.point is not None and far.place._head.point.size == size for far in made.far)


def test_a_replica_is_told_each_head_and_holds_a_rolled_back_record_to_it(one, tmp_path):
    file = one.centre.home.vault / RECORD_PATH
    TRUE.sign(one.vault, 4)
    one.settled()
    until(lambda: has(one, 4))
    shutil.copy(file, tmp_path / "old")
    generation = one.vault.keystore.generation
    TRUE.sign(one.vault, 9)
    until(lambda: has(one, 9))
    assert one.vault.keystore.generation == generation
    assert one.vault.peers.rows()[0]["trouble"] == ""
    one.vault.close()
    shutil.copy(tmp_path / "old", file)
    vault = one.vault = opened(one.centre.home)
    # control: one place alone does not know better
    assert vault.heads.size == 4
    vault.peers.start()
    until(lambda: vault.heads.size == 9)
    assert code(lambda: FALSE.sign(vault, 9, old=4)) == "checkpoint_head"
    assert code(lambda: FALSE.sign(vault, 10)) == "checkpoint_fork"
    (row,) = told(one.centre.home, "vault.checkpoint.rolled_back")
    assert (row["size"], row["newer"], row["outcome"]) == (4, 9, "refused")
    TRUE.sign(vault, 10)
    until(lambda: has(one, 10))


def test_a_fork_that_was_signed_while_the_replica_was_away_stops_everything(one, tmp_path):
    file = one.centre.home.vault / RECORD_PATH
    TRUE.sign(one.vault, 6)
    one.settled()
    until(lambda: has(one, 6))
    shutil.copy(file, tmp_path / "old")
    TRUE.sign(one.vault, 9)
    until(lambda: has(one, 9))
    (far,) = one.far
    far.down()
    one.vault.close()
    shutil.copy(tmp_path / "old", file)
    vault = one.vault = opened(one.centre.home)
    Log(seed=4, own=6).sign(vault, 20)
    far.up()
    vault.peers.start()
    until(lambda: vault.peers.problem is not None)
    assert vault.peers.problem.startswith("forked")
    assert code(lambda: Log(seed=4, own=6).sign(vault, 21)) == "rolled_back"
    assert far.place._head.point.size == 9
    # two officers looked: this history counts, and the replica is told so
    one.act("replica_keep", number=1)
    until(lambda: has(one, 20))
    Log(seed=4, own=6).sign(vault, 21)


def test_a_replica_refuses_a_fork_and_a_step_back(one):
    TRUE.sign(one.vault, 8)
    until(lambda: has(one, 8))
    place: Place = one.far[0].place
    state, key = place.keystore.state, one.vault.checkpoint_key
    base = heads.digest_of(place._head.note)

    def offered(log, size, origin=ORIGIN):
        return note.sign(note.Checkpoint(origin, size, ledger_tree.root(log.nodes, size)), key)

    follow = place._head.follow
    assert code(lambda: follow(state, offered(FALSE, 8), base)) == "checkpoint_fork"
    assert code(lambda: follow(state, offered(TRUE, 7), base)) == "checkpoint_head"
    assert code(lambda: follow(state, offered(TRUE, 12, "other/log"), base)) == "checkpoint_fork"
    assert code(lambda: follow(state, offered(TRUE, 12), heads.digest_of("another"))) == "replica_base"
    assert code(lambda: follow(state, offered(TRUE, 12)[:-4] + "AAA\n", base)) == "checkpoint_note"
    assert place._head.point.size == 8


def test_whatever_order_truth_never_looks_like_a_fork(one):
    r = random.Random(7)
    (far,) = one.far
    size = 0
    for _ in range(30):
        act = r.choice(("sign", "sign", "sign", "write", "restart", "away", "wait"))
        if act == "sign":
            size += r.randrange(1, 4)
            TRUE.sign(one.vault, size)
        elif act == "write":
            with one.vault.change():
                pass
        elif act == "restart":
            one.again()
        elif act == "away":
            far.up() if far.place is None else far.down()
        elif far.place is not None:
            time.sleep(r.random() / 20)
        assert one.vault.peers.problem is None
    if far.place is None:
        far.up()
    until(lambda: has(one, size))
    assert one.vault.peers.problem is None
    assert not told(one.centre.home, "vault.checkpoint.rolled_back")


def test_a_lost_record_comes_back_from_a_replica(one):
    TRUE.sign(one.vault, 9)
    until(lambda: has(one, 9))
    one.vault.close()
    (one.centre.home.vault / RECORD_PATH).unlink()
    vault = one.vault = opened(one.centre.home)
    assert code(lambda: TRUE.sign(vault, 12, old=9)) == "checkpoint_lost"
    vault.peers.start()
    until(lambda: "lost" not in _refusal(vault))
    TRUE.sign(vault, 12)


def _refusal(vault) -> str:
    return code(lambda: vault.checkpoint(ORIGIN, 1, bytes(32), 0, []))


def test_a_promoted_replica_signs_on_from_the_later_of_record_and_content(one):
    TRUE.sign(one.vault, 5)
    one.settled()
    until(lambda: has(one, 5))
    TRUE.sign(one.vault, 9)
    until(lambda: has(one, 9))
    (far,) = one.far
    one.vault.close()
    far.down()
    store = open_keystore(far.home)
    store.lock()
    vault = Vault(far.home, store)
    assert vault.peers.standby
    assert vault.heads.size == 9
    assert code(lambda: TRUE.sign(vault, 12)) == "replica_here"
    ops_replica.acts(vault)["replica_promote"]({}, [])
    vault.close()
    vault = opened(far.home)
    assert vault.heads.size == 9
    assert vault.state.head[1] == 9
    assert code(lambda: Log(seed=5, own=7).sign(vault, 12)) == "checkpoint_fork"
    TRUE.sign(vault, 12)
    vault.close()
    one.vault = opened(one.centre.home)

"""Roll-back: old files, old images with their token, forks, a lost primary that comes back; nothing old opens."""

from __future__ import annotations

import shutil

import pytest
from conftest_vault import opened
from replica_rig import hall, told, until

from gwanje.kernel.ledger import tree as ledger_tree
from gwanje.vault import ops_replica, peers, tree
from gwanje.vault.ceremony import open_keystore
from gwanje.vault.conversation import TERM
from gwanje.vault.errors import VaultError


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    return refused.value.code


class Image:
    """A disk image of a folder's vault: keystore and token's files."""

    def __init__(self, home, place):
        self.folder, self.copy = home.vault, place
        # what a running vaultd is just writing may be gone before it is copied, and counts for nothing
        shutil.copytree(home.vault, place, ignore=shutil.ignore_patterns("*.tmp"))

    def restore(self, *, token: bool = True):
        for path in self.folder.iterdir():
            if path.name in ("open", "lock") or (path.name == "token" and not token):
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.copy.iterdir():
            if path.name in ("open", "lock") or (path.name == "token" and not token):
                continue
            target = self.folder / path.name
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)


def lent(made) -> tuple[int, int]:
    """A second whose leaf can be asked for."""
    epoch = tree.epoch_of(made.vault.clock.now_s())
    until(lambda: made.vault.peers.rows()[0]["trouble"] == "")
    return epoch, made.vault.lend(1, 0, epoch)[0]


def changes(made, count: int = 3) -> None:
    for _ in range(count):
        with made.vault.change():
            pass
    made.settled()


@pytest.fixture
def one(tmp_path):
    with hall(tmp_path) as made:
        yield made


def test_an_old_file_without_its_key_is_dead_before_anybody_is_asked(one, tmp_path):
    image = Image(one.centre.home, tmp_path / "image")
    changes(one)
    one.vault.close()
    image.restore(token=False)
    assert code(lambda: open_keystore(one.centre.home).load()) == "generation_gone"
    image.restore()
    one.vault = opened(one.centre.home)


def test_an_image_with_its_token_opens_nothing_and_takes_the_newer_back(one, tmp_path):
    epoch, tick = lent(one)
    image = Image(one.centre.home, tmp_path / "image")
    doomed = tree.epoch_of(one.vault.clock.now_s()) - 48
    with one.vault.change() as draft:
        draft.roots[1, doomed] = bytearray(b"r" * 32)
    changes(one)
    newest, digest = one.vault.keystore.generation, one.vault.keystore.digest
    one.vault.close()
    image.restore()
    vault = one.vault = opened(one.centre.home)
    assert vault.keystore.generation < newest
    # nobody was asked yet: nothing stored opens
    assert code(lambda: vault.leaf(1, 0, epoch, tick)) == "replica_silent"
    vault.peers.start()
    until(lambda: not vault.whole)
    assert code(lambda: vault.leaf(1, 0, epoch, tick)) in ("keystore_missing", "rolled_back")
    assert code(lambda: vault.peers.lendable((1, epoch))) == "rolled_back"
    (row,) = told(one.centre.home, "vault.keystore.rolled_back")
    assert (row["problem"], row["newer"], row["outcome"]) == ("older", newest, "refused")
    # the next start finds what was taken back, and goes on
    vault = one.again()
    assert (vault.keystore.generation, vault.keystore.digest) == (newest, digest)
    until(lambda: vault.peers.rows()[0]["signature"])
    assert vault.leaf(1, 0, epoch, tick)
    assert (1, doomed) in vault.state.roots
    assert vault.keystore.token.generations() == [newest]


def test_a_replica_away_at_the_start_nothing_opens_but_recording_goes_on(one):
    epoch, tick = lent(one)
    until((one.centre.home.vault / "replicated.json").exists)
    (far,) = one.far
    far.down()
    vault = one.again()
    until(lambda: vault.peers.rows()[0]["trouble"] == "away")
    assert code(lambda: vault.leaf(1, 0, epoch, tick)) == "replica_silent"
    # this hour's root, and those of a day ahead, lie in the replica: they are lent
    assert vault.lend(1, 0, epoch)[1]
    assert all((1, epoch + ahead) in vault.state.roots for ahead in range(peers.HOURS_AHEAD + 1))
    vault.peers.lendable((1, epoch + peers.HOURS_AHEAD))
    far.up()
    until(lambda: vault.peers.rows()[0]["signature"])
    assert vault.leaf(1, 0, epoch, tick)


def test_two_officers_retire_a_replica_that_never_answers(one):
    epoch, tick = lent(one)
    one.far[0].down()
    vault = one.again()
    assert code(lambda: vault.leaf(1, 0, epoch, tick)) == "replica_silent"
    one.act("replica_retire", number=1)
    assert vault.leaf(1, 0, epoch, tick)
    assert vault.status()["replicas"] == 1


def forked(one, tmp_path, writes: int = 6):
    """An image came back while the replica was away, and was written on past the replica's generation."""
    image = Image(one.centre.home, tmp_path / "image")
    changes(one)
    one.vault.close()
    one.far[0].down()
    image.restore()
    one.vault = opened(one.centre.home)
    for _ in range(writes):
        with one.vault.change() as draft:
            draft.alarm = None
    one.far[0].up()
    one.vault.peers.start()


def test_a_single_place_is_found_out_by_the_ledger_only(tmp_path):
    """What L1 and one place cannot refuse, said by a test: the image opens; the next checkpoint does not fit."""
    with hall(tmp_path, 0) as made:
        vault = made.vault
        leaves = [bytes([number]) * 57 for number in range(5)]
        nodes = ledger_tree.nodes_of(leaves)
        vault.checkpoint("log", 3, ledger_tree.root(nodes, 3), 0, [])
        image = Image(made.centre.home, tmp_path / "image")
        vault.checkpoint("log", 4, ledger_tree.root(nodes, 4), 3, ledger_tree.consistency(nodes, 3, 4))
        epoch = tree.epoch_of(vault.clock.now_s())
        tick = vault.lend(1, 0, epoch)[0]
        vault.close()
        image.restore()
        vault = made.again()
        assert (1, epoch) not in vault.state.roots
        vault.lend(1, 0, epoch)
        assert vault.leaf(1, 0, epoch, tick)
        proof = ledger_tree.consistency(nodes, 4, 5)
        assert code(lambda: vault.checkpoint("log", 5, ledger_tree.root(nodes, 5), 4, proof)) == "checkpoint_head"


@pytest.mark.parametrize("writes", [0, 3, 6])
def test_a_fork_is_found_by_what_was_signed_not_by_its_number(one, tmp_path, writes):
    epoch, tick = lent(one)
    far_before = one.far[0].generation
    forked(one, tmp_path, writes)
    vault = one.vault
    until(lambda: vault.peers.problem or not vault.whole)
    assert vault.peers.problem.partition(":")[0] == ("forked" if writes else "older")
    assert code(lambda: vault.leaf(1, 0, epoch, tick)) in ("rolled_back", "keystore_missing")
    assert one.far[0].generation > far_before


@pytest.mark.parametrize("theirs", [False, True])
def test_two_officers_end_a_fork(one, tmp_path, theirs):
    epoch, tick = lent(one)
    mark = one.vault.state.next_slot
    with one.vault.change() as draft:
        draft.next_slot += 5
    one.settled()
    forked(one, tmp_path)
    with one.vault.locked():
        one.vault.keystore.state.next_slot = mark + 99
    until(lambda: one.vault.peers.problem)
    if theirs:
        one.act("replica_take", number=1)
        vault = one.again()
    else:
        one.act("replica_keep", number=1)
        vault = one.vault
    until(lambda: vault.peers.rows()[0]["signature"])
    until(lambda: one.far[0].generation == vault.keystore.generation)
    assert one.far[0].place.keystore.digest == vault.keystore.digest
    assert vault.state.next_slot == (mark + 5 if theirs else mark + 99)
    assert vault.keystore.generation >= TERM
    assert vault.leaf(1, 0, epoch, tick)


def test_a_replica_that_invents_a_content_is_not_believed(one):
    epoch, tick = lent(one)
    (far,) = one.far
    far.down()
    store = far.up().keystore
    with far.place._lock:
        store.raise_to(store.generation + 100)
    far.down()
    vault = one.vault
    far.up()
    until(lambda: vault.peers.rows()[0]["trouble"] == "replica_false")
    # it stops nothing: it is as good as away
    assert vault.peers.problem is None
    assert vault.leaf(1, 0, epoch, tick)
    assert vault.state.peers[0].acknowledged <= vault.keystore.generation


def test_a_replica_that_lost_everything_is_filled_again(one):
    (far,) = one.far
    changes(one)
    far.down()
    shutil.rmtree(far.home.vault)
    far.home.vault.mkdir()
    far.up()
    until(lambda: far.place.keystore.generation == one.vault.keystore.generation)
    assert one.vault.peers.problem is None


def test_an_old_image_of_a_replica_is_brought_up_and_never_taken_back(one, tmp_path):
    (far,) = one.far
    changes(one)
    until(lambda: one.vault.peers.rows()[0]["acknowledged"] == one.vault.keystore.generation)
    far.down()
    image = Image(far.home, tmp_path / "image")
    far.up()
    changes(one)
    until(lambda: one.vault.peers.rows()[0]["acknowledged"] == one.vault.keystore.generation)
    newest, digest = one.vault.keystore.generation, one.vault.keystore.digest
    far.down()
    image.restore()
    far.up()
    until(lambda: far.place.keystore.generation == newest)
    assert far.place.keystore.token.generations() == [newest]
    (row,) = told(one.centre.home, "vault.replica.rolled_back")
    assert row["generation"] < row["acknowledged"] == newest
    assert (one.vault.keystore.generation, one.vault.keystore.digest) == (newest, digest)
    assert one.vault.peers.problem is None


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_promotion_and_the_lost_primary_that_comes_back(one, tmp_path):
    epoch, tick = lent(one)
    changes(one)
    (far,) = one.far
    before = one.vault.keystore.generation
    until(lambda: far.generation == before)
    one.vault.close()
    far.down()
    # without two officers a replica's folder opens nothing
    replica = opened(far.home)
    assert code(lambda: replica.leaf(1, 0, epoch, tick)) == "rolled_back"
    assert code(lambda: replica.lend(1, 0, epoch)) == "rolled_back"
    assert replica.destroy_due() == []
    with pytest.raises(VaultError), replica.change():
        pass
    ops_replica.acts(replica)["replica_promote"]({}, [])
    replica.close()
    promoted = opened(far.home)
    try:
        assert promoted.keystore.generation == TERM
        assert promoted.leaf is not None
        assert [peer.number for peer in promoted.state.peers] == [0]
        place = ops_replica.beside(far.home, promoted)
        one.far[0].place = None
        # the lost machine starts again: it hears of the promotion, opens nothing and lends nothing
        vault = one.again()
        until(lambda: vault.peers.problem)
        assert vault.peers.problem.startswith("superseded")
        assert code(lambda: vault.leaf(1, 0, epoch, tick)) == "rolled_back"
        assert code(lambda: vault.lend(1, 0, epoch)) == "rolled_back"
        place.stop()
    finally:
        promoted.close()

"""Replicas: what is lent, what is told, and what a place takes; real TLS, real tokens, two folders and more."""

from __future__ import annotations

import ssl

import pytest
from conftest_vault import make, opened
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from replica_rig import hall, told, until

from gwanje.kernel.keys import signing_key
from gwanje.vault import attempt as separate
from gwanje.vault import core, peers, tls, tree
from gwanje.vault.conversation import Conversation
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import content_of, digest_of, unseal
from gwanje.vault.ops_replica import drill
from gwanje.vault.replica import said, signs


@pytest.fixture
def one(tmp_path):
    with hall(tmp_path) as made:
        yield made


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    return refused.value.code


def due(made) -> int:
    """An hour of long ago is in the keystore and has to die."""
    epoch = tree.epoch_of(made.vault.clock.now_s()) - 48
    with made.vault.change() as draft:
        draft.roots[1, epoch] = bytearray(b"r" * 32)
    return epoch


def test_a_change_lies_in_both_places_under_two_tokens(one):
    with one.vault.change() as draft:
        draft.alarm = None
    one.settled()
    (far,) = one.far
    store = one.vault.keystore
    until(lambda: far.generation == store.generation)
    assert far.place.keystore.digest == store.digest
    assert far.place.keystore.file.read_bytes() != store.file.read_bytes()
    # neither token opens the other's file
    for file, token in ((far.place.keystore.file, store.token), (store.file, far.place.keystore.token)):
        assert code(lambda file=file, token=token: unseal(file.read_bytes(), token)) == "keystore_broken"
    assert far.place.keystore.token.generations() == [store.generation]
    assert one.vault.status()["replicas"] == 2


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_a_death_is_told_when_the_last_token_has_lost_its_key(one):
    (far,) = one.far
    epoch = due(one)
    one.settled()
    far.down()
    assert one.vault.destroy_due() == []
    assert (1, epoch) not in one.vault.state.roots
    (row,) = told(one.vault.home, "vault.roots.destroyed")
    assert row["pending"] is True
    # the replica's machine still has it: an attempt there opens what the centre calls dead, so nothing is certified
    stores, keys = separate.collect([far.home.vault])
    assert any((1, epoch) in state.roots for state in separate.states(stores, keys)[0])
    far.up()
    until(one.vault.destroy_due)
    assert [(d.class_, d.epoch) for d in one.vault.destroy_due()] == [(1, epoch)]
    stores, keys = separate.collect([far.home.vault])
    found = separate.states(stores, keys)[0]
    assert found
    assert not any((1, epoch) in state.roots for state in found)


def test_a_death_that_is_acknowledged_at_once_is_not_pending(one, monkeypatch):
    monkeypatch.setattr(core, "SETTLE_S", 60)
    epoch = due(one)
    one.settled()
    until(one.vault.destroy_due)
    (row,) = told(one.vault.home, "vault.roots.destroyed")
    assert (row["roots"], row["pending"]) == ([[1, epoch]], False)


def test_a_new_root_is_lent_when_a_replica_has_it(one):
    (far,) = one.far
    epoch = tree.epoch_of(one.vault.clock.now_s())
    until(lambda: one.vault.peers.rows()[0]["trouble"] == "")
    one.vault.lend(1, 0, epoch)
    assert (1, epoch) in far.place.keystore.state.roots
    # the next hour's: nobody acknowledges, nothing is lent, and it does not wait for a place that is away
    far.down()
    until(lambda: one.vault.peers.rows()[0]["trouble"])
    with one.vault.change() as draft:
        draft.roots.clear()
    assert code(lambda: one.vault.lend(1, 0, epoch)) == "replica_missing"
    assert code(lambda: one.vault.lend(1, 0, epoch)) == "replica_missing"
    far.up()
    until(lambda: one.vault.peers.settled(one.vault.keystore.generation - 1))
    assert one.vault.lend(1, 0, epoch)[1]
    assert (1, epoch) in far.place.keystore.state.roots


def test_a_slow_replica_gets_the_newest_content_only(one):
    (far,) = one.far
    far.down()
    for _ in range(20):
        with one.vault.change():
            pass
    before = far.port
    far.up()
    assert far.port == before
    one.settled()
    assert far.generation == one.vault.keystore.generation
    assert far.place.keystore.token.generations() == [far.generation]


def test_a_missing_replica_is_a_fact_and_its_return_another(one, monkeypatch):
    monkeypatch.setattr(peers, "MISSING_US", 200_000)
    (far,) = one.far
    far.down()
    with one.vault.change():
        pass
    (row,) = until(lambda: told(one.vault.home, "vault.replica.missing"))
    assert (row["replica"], row["outcome"]) == (1, "refused")
    assert one.vault.status()["peers"][0]["missing"] is True
    far.up()
    until(lambda: told(one.vault.home, "vault.replica.back"))
    assert len(told(one.vault.home, "vault.replica.missing")) == 1


def test_of_two_replicas_one_is_enough_to_record_and_both_to_destroy(tmp_path):
    with hall(tmp_path, 2) as made:
        first, _ = made.far
        epoch = due(made)
        made.settled()
        first.down()
        until(lambda: made.vault.peers.rows()[0]["trouble"])
        now = tree.epoch_of(made.vault.clock.now_s())
        assert made.vault.peers.needed == 1
        assert made.vault.lend(1, 0, now)[1]
        assert made.vault.destroy_due() == []
        # two officers answer for the one that is lost
        made.act("replica_retire", number=1)
        until(made.vault.destroy_due)
        assert [d.epoch for d in made.vault.destroy_due()] == [epoch]
        assert made.vault.status()["replicas"] == 2


def test_the_acknowledgement_is_signed_over_what_was_taken(one):
    one.settled()
    row = until(lambda: one.vault.peers.rows()[0] if one.vault.peers.rows()[0]["signature"] else None)
    store = one.vault.keystore
    text = said(one.vault.state.centre, 1, row["acknowledged"], row["digest"])
    assert signs(one.vault.state.peers[0].key, row["signature"], text)
    assert not signs(one.vault.state.peers[0].key, row["signature"], text[:-1] + b"x")
    assert (row["acknowledged"], row["digest"]) == (store.generation, store.digest)


def test_a_place_takes_only_newer_content_of_who_knows_its_own(one):
    one.settled()
    place, store = one.far[0].place, one.vault.keystore
    one.vault.peers.stop()
    content = content_of(store.file.read_bytes(), store.token)[1]
    key = signing_key(one.vault.home, "vaultd")

    def offer(generation, base, *, body=content, signed=None):
        signature = key.sign(said(one.vault.state.centre, 0, signed or generation, digest_of(body)))
        return code(lambda: place.take(generation, body, base, signature))

    here = store.generation
    assert offer(here, store.digest) == "generation_old"
    assert offer(here - 1, store.digest) == "generation_old"
    assert offer(here + 1, b"x" * 32) == "replica_base"
    assert offer(here + 1, store.digest, signed=here) == "replica_false"
    assert offer(here + 1, store.digest, body=b"\xff") == "keystore_broken"
    assert place.keystore.generation == here
    place.take(here + 5, content, store.digest, key.sign(said(one.vault.state.centre, 0, here + 5, digest_of(content))))
    assert place.keystore.token.generations() == [here + 5]


def test_strangers_stay_out_of_a_replica(one, tmp_path):
    stranger = make(tmp_path / "s")
    (peer,) = one.vault.state.peers
    other = opened(stranger.home)
    try:
        with pytest.raises((OSError, ssl.SSLError, VaultError)):
            Conversation(other.home, other.state.centre, peer)
    finally:
        other.close()


def test_a_drill_opens_the_replica_in_a_process_of_its_own(one):
    one.settled()
    until(lambda: one.vault.peers.rows()[0]["signature"])
    found = until(lambda: told(one.vault.home, "vault.replica.drilled"))
    assert found[0]["outcome"] == "done"
    answer = drill(one.vault, 1)
    assert (answer["generation"], answer["level"]) == (one.vault.keystore.generation, "L1")
    # a replica whose key is gone is found out by its drill, not on the day it is needed
    (far,) = one.far
    far.place.keystore.token.destroy(far.generation)
    assert code(lambda: drill(one.vault, 1)) == "replica_drill"
    assert told(one.vault.home, "vault.replica.drilled")[-1]["outcome"] == "refused"


@pytest.mark.parametrize("lie", ["signature", "digest", "generation", "another's"])
def test_an_acknowledgement_that_is_not_true_settles_nothing(one, lie):
    one.settled()
    here = one.vault.peers
    until(lambda: here.rows()[0]["signature"])
    here.stop()
    until(lambda: not here._links[1].thread.is_alive())
    (link,) = here._links.values()
    before = (link.acknowledged, link.digest, link.signature)
    true = one.far[0].place._acknowledged()
    newer = one.vault.keystore.generation + 1
    stranger = Ed25519PrivateKey.generate()
    text = said(one.vault.state.centre, 1, newer, true["digest"])
    wrong = {
        "signature": {"ack": bytes(64)},
        "digest": {"digest": b"d" * 32},
        "generation": {"generation": newer},
        "another's": {"generation": newer, "ack": stranger.sign(text)},
    }
    link.known[newer] = true["digest"]
    assert code(lambda: here._heard(link, {**true, **wrong[lie]})) == "replica_false"
    assert code(lambda: here._heard(link, true, (newer, true["digest"]))) == "replica_false"
    assert (link.acknowledged, link.digest, link.signature) == before
    assert not here.settled(newer - 1)


def test_a_retired_place_is_named_for_the_certificate(one):
    one.act("replica_retire", number=1)
    said = one.vault.status()
    assert (said["replicas"], said["peers"]) == (1, [])
    assert [number for number, _ in said["retired"]] == [1]
    assert code(lambda: one.act("replica_retire", number=1)) == "replica_unknown"


def test_who_is_admitted_has_a_number_a_key_and_an_address_of_its_own(one, tmp_path):
    (far,) = one.far
    other = make(tmp_path / "o").home
    stranger = tls.certificate_of(other, "vaultd")
    own = tls.certificate_of(one.centre.home, "vaultd")
    for fields in (
        {"number": 0, "address": far.address, "certificate": stranger},
        {"number": 2, "address": far.address, "certificate": own},
        {"number": 2, "address": far.address, "certificate": far.certificate},
        {"number": 1, "address": far.address, "certificate": stranger},
        {"number": 2, "address": "nowhere", "certificate": stranger},
        {"number": 2000, "address": far.address, "certificate": stranger},
    ):
        assert code(lambda fields=fields: one.act("replica_admit", **fields)) == "replica_field"
    for number in range(2, peers.PEERS_MAX + 1):
        one.act(
            "replica_admit",
            number=number,
            address="127.0.0.1:1",
            certificate=tls.certificate(Ed25519PrivateKey.generate()),
        )
    full = {"number": 99, "address": "127.0.0.1:1", "certificate": stranger}
    assert code(lambda: one.act("replica_admit", **full)) == "limit"
    assert len(one.vault.state.peers) == peers.PEERS_MAX


def test_a_replica_that_moved_is_found_again(one):
    (far,) = one.far
    far.down()
    far.port = 0
    far.up()
    one.act("replica_admit", number=1, address=far.address, certificate=far.certificate)
    until(lambda: far.generation == one.vault.keystore.generation)
    assert [(peer.number, peer.address) for peer in one.vault.state.peers] == [(1, far.address)]

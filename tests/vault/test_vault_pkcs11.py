"""Generation keys inside a token: SoftHSM2 through PKCS#11, killed at every step, taken away, locked, searched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import hsm_rig
import pkcs11
import pytest
from conftest_vault import REFERENCE, opened
from replica_rig import until

from gwanje.apps import cli
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import tree as ledger_tree
from gwanje.vault import attempt as separate
from gwanje.vault import ceremony, tls
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import STEPS, Keystore, unseal
from gwanje.vault.state import State
from gwanje.vault.token import open_token
from gwanje.vault.token_pkcs11 import KEPT, PKCS11Token, Place


@pytest.fixture
def home(tmp_path: Path) -> Home:
    settings = hsm_rig.new_token(tmp_path / "c")
    return Home.create(tmp_path / "c", demo=True, token="pkcs11", pkcs11=settings)


@pytest.fixture
def token(home: Home) -> PKCS11Token:
    made = open_token(home)
    assert isinstance(made, PKCS11Token)
    return made


def store_of(home: Home, roots: int = 2) -> Keystore:
    store = Keystore(home.vault, open_token(home))
    state = State(home.centre, os.urandom(32), os.urandom(32), os.urandom(32))
    state.roots = {(1, epoch): bytearray(os.urandom(32)) for epoch in range(roots)}
    store.create(state)
    return store


def again(home: Home) -> Keystore:
    store = Keystore(home.vault, open_token(home))
    store.load()
    return store


def test_a_generation_key_cannot_be_taken_out(token):
    token.create(1)
    key = token._within(lambda session: token._named(session, 1))[0]
    with pytest.raises(pkcs11.AttributeSensitive):
        key[pkcs11.Attribute.VALUE]
    assert key[pkcs11.Attribute.EXTRACTABLE] is False
    assert all(key.get_attributes(list(KEPT)).values())
    body = token.derive(1, 0, b"s" * 32)
    assert len(body) == 32
    assert body == token.derive(1, 0, b"s" * 32)
    assert len({body, token.derive(1, 1, b"s" * 32), token.derive(1, 0, b"t" * 32)}) == 3
    with pytest.raises(FileExistsError):
        token.create(1)


def test_destroying_is_proved_by_a_search(token):
    for generation in (1, 2):
        token.create(generation)
    token.destroy(1)
    assert not token.present(1)
    assert token.generations() == [2]
    token.destroy(1)
    with pytest.raises(VaultError) as gone:
        token.derive(1, 0, bytes(32))
    assert gone.value.code == "generation_gone"


def test_another_centre_and_another_replica_have_keys_of_their_own(token):
    token.create(1)
    for centre, replica in ((uuid7(), 0), (token.place.centre, 1)):
        place = Place(token.place.module, token.place.label, token.place.pin_file, centre, replica)
        assert PKCS11Token(place).generations() == []


def test_a_key_that_could_be_taken_out_is_not_used(token, monkeypatch):
    weak = {pkcs11.Attribute.TOKEN: True, pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True}
    monkeypatch.setattr("gwanje.vault.token_pkcs11.TEMPLATE", weak)
    with pytest.raises(VaultError) as refused:
        token.create(1)
    assert refused.value.code == "token_weak"
    assert token.generations() == []


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_killed_at_every_step_of_a_destruction_the_token_keeps_one_key(home):
    class Killed(BaseException):
        pass

    store = store_of(home, roots=len(STEPS))
    for epoch, step in enumerate(s for s in STEPS if s != "done"):
        before = store.file.read_bytes()

        def stop(at: str, step: str = step) -> None:
            if at == step:
                raise Killed

        store.failpoint = stop
        with pytest.raises(Killed), store.change() as draft:
            del draft.roots[1, epoch]
        store = again(home)
        assert store.token.generations() == [store.generation]
        with store.change() as draft:
            draft.roots.pop((1, epoch), None)
        with pytest.raises(VaultError) as dead:
            unseal(before, store.token)
        assert dead.value.code == "generation_gone"
    assert list(store.state.roots) == [(1, len(STEPS) - 1)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_lost_session_is_opened_anew(token):
    token.create(1)
    first = token.derive(1, 0, bytes(32))
    token._session.close()
    assert token.derive(1, 0, bytes(32)) == first


def test_a_token_that_is_away_refuses_and_nothing_is_changed(home, monkeypatch):
    store = store_of(home)
    generation, data = store.generation, store.file.read_bytes()
    store.token.close()
    monkeypatch.setattr(pkcs11, "lib", lambda so: (_ for _ in ()).throw(pkcs11.TokenNotPresent()))
    with pytest.raises(VaultError) as away, store.change() as draft:
        draft.roots.clear()
    assert away.value.code == "token_away"
    # what is in memory stays in force, and goes on when the token is back
    assert (store.generation, len(store.state.roots), store.file.read_bytes()) == (generation, 2, data)
    monkeypatch.undo()
    with store.change() as draft:
        draft.roots.clear()
    assert store.generation == generation + 1


@pytest.fixture
def strange(tmp_path: Path) -> PKCS11Token:
    """A token that nobody has logged into: a login belongs to the whole process."""
    settings = hsm_rig.new_token(tmp_path / "p", "gwanje-pin")
    made = open_token(Home.create(tmp_path / "p", token="pkcs11", pkcs11=settings))
    assert isinstance(made, PKCS11Token)
    return made


def test_a_wrong_pin_is_tried_once(strange):
    token = strange
    token.place.pin_file.write_text("0000")
    tries = 0
    real = pkcs11.lib

    def counted(so: str):
        nonlocal tries
        tries += 1
        return real(so)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pkcs11, "lib", counted)
        for _ in range(3):
            with pytest.raises(VaultError) as refused:
                token.generations()
            assert refused.value.code == "token_pin"
    assert tries == 1
    token.place.pin_file.chmod(0o644)
    with pytest.raises(VaultError) as refused:
        PKCS11Token(token.place).generations()
    assert "others may read it" in refused.value.detail


def test_no_error_names_the_pin(strange):
    strange.place.pin_file.write_text("geheim-98765")
    with pytest.raises(VaultError) as refused:
        strange.generations()
    assert "98765" not in str(refused.value)


def test_a_whole_vault_on_a_token(home):
    facts = ceremony.create(home)
    assert facts["level"] == "L1"
    store = ceremony.open_keystore(home)
    store.lock()
    vault = Vault(home, store)
    vault.set_class(1, "days", 1, REFERENCE)
    (slot,) = vault.slots([uuid7()])
    epoch = home.clock.now_s() // 3600
    vault.lend(1, slot, epoch)
    root = bytes(vault.state.roots[1, epoch])
    vault.close()
    assert not list((home.vault).glob("token/*"))
    # a process of its own opens the same content through the token, and only through it
    code = (
        "import sys; from gwanje.kernel.home import Home; from gwanje.vault import ceremony\n"
        f"store = ceremony.open_keystore(Home.find(sys.argv[1]))\nprint(store.load().roots[1, {epoch}].hex())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == root.hex(), done.stderr


def test_what_softhsm_cannot_promise_is_its_level(home):
    """An image of the token's files from before opens the old keystore: L1, and the certificate says so."""
    store = store_of(home)
    folder = Path(home.config["pkcs11"]["folder"])
    old, image = home.root / "old.gwk", home.root / "image"
    shutil.copy(store.file, old)
    shutil.copytree(folder / "tokens", image)
    with store.change() as draft:
        draft.roots.clear()
    with pytest.raises(VaultError):
        unseal(old.read_bytes(), store.token)
    conf = home.root / "image.conf"
    conf.write_text(f"directories.tokendir = {image}\nobjectstore.backend = file\n")
    code = (
        "import sys; from pathlib import Path; from gwanje.kernel.home import Home\n"
        "from gwanje.vault.token import open_token; from gwanje.vault.keystore import unseal\n"
        "home = Home.find(sys.argv[1])\n"
        "print(len(unseal((home.root / 'old.gwk').read_bytes(), open_token(home))[1].roots))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home.root)], capture_output=True, text=True, check=False,
        env={**os.environ, "SOFTHSM2_CONF": str(conf)},
    )  # fmt: skip
    assert done.stdout.strip() == "2", done.stderr
    assert store.token.level == "L1"


@pytest.mark.norm("retention.irrecoverable", "deny")
def test_the_attempt_tries_with_the_token(home):
    store = store_of(home)
    (home.root / "copy.gwk").write_bytes(store.file.read_bytes())
    assert separate.attempt({"home": str(home.root), "samples": []})["contents"] == 2
    with store.change() as draft:
        draft.roots.clear()
    # the copy is found, tried, and dead; the token names the generations that it still has
    found = separate.attempt({"home": str(home.root), "samples": []})
    assert (found["keystores"], found["contents"], found["generation_key_absent"]) == (2, 1, True)
    store.token.create(1)
    assert separate.attempt({"home": str(home.root), "samples": []})["generation_key_absent"] is False


@pytest.mark.norm("retention.max", "deny")
def test_a_token_that_is_away_keeps_nothing_open_beyond_its_time(tmp_path, monkeypatch):
    """No write, no destruction; but what is due is closed all the same, and dies as soon as the token is back."""
    settings = hsm_rig.new_token(tmp_path / "s")
    home = Home.create(tmp_path / "s", demo=True, settable_clock=True, token="pkcs11", pkcs11=settings)
    ceremony.create(home)
    store = ceremony.open_keystore(home)
    store.lock()
    vault = Vault(home, store)
    vault.set_class(1, "days", 1, REFERENCE)
    (slot,) = vault.slots([uuid7()])
    epoch, tick = divmod(home.clock.now_s(), 3600)
    vault.lend(1, slot, epoch)
    assert vault.leaf(1, slot, epoch, tick)
    store.token.close()
    monkeypatch.setattr(pkcs11, "lib", lambda so: (_ for _ in ()).throw(pkcs11.TokenNotPresent()))
    home.clock.set_offset(2 * 86_400_000_000)
    until(lambda: home.clock.now_s() > (epoch + 25) * 3600)
    with pytest.raises(VaultError) as away:
        vault.destroy_due()
    assert away.value.code == "token_away"
    assert (1, epoch) in vault.state.roots
    with pytest.raises(VaultError) as closed:
        vault.leaf(1, slot, epoch, tick)
    assert closed.value.code == "destroyed"
    monkeypatch.undo()
    assert [d.epoch for d in vault.destroy_due()] == [epoch]
    vault.close()


def test_a_replica_is_made_with_a_token_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setattr(cli.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(cli.os, "umask", lambda *_: 0)
    settings = hsm_rig.new_token(tmp_path / "r")
    card = tls.certificate_of(Home.create(tmp_path / "c"), "vaultd").hex()
    argv = [
        "--data", str(tmp_path / "r"), "replica", "init", "--centre", str(uuid7()), "--primary", card,
        "--number", "1", "--listen", "127.0.0.1:1", "--token-module", settings["module"],
    ]  # fmt: skip
    assert cli.main(argv) == 1
    assert cli.main([*argv, "--token-label", settings["token"]]) == 0
    made = open_token(Home(tmp_path / "r"))
    assert isinstance(made, PKCS11Token)
    assert made.place.replica == 1
    made.create(1)
    assert made.generations() == [1]


def test_the_ledgers_head_is_a_record_of_the_token(token):
    assert token.recalled() == []
    token.remember(b"one")
    token.remember(b"two")
    assert token.recalled() == [b"two"]
    # killed between the new object and the old one's end: both stand, and the next one ends both
    session = token._within(lambda session: session)
    template = token._records(session)[0].get_attributes([pkcs11.Attribute.LABEL, pkcs11.Attribute.VALUE])
    more = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.DATA, pkcs11.Attribute.TOKEN: True,
            pkcs11.Attribute.PRIVATE: True}  # fmt: skip
    session.create_object({**more, **template})
    assert token.recalled() == [b"two", b"two"]
    token.remember(b"three")
    token.close()
    assert token.recalled() == [b"three"]
    with pytest.raises(VaultError):
        token.remember(bytes(9000))
    assert token.generations() == []


def test_a_vault_signs_on_from_its_token(home):
    log = ledger_tree.nodes_of([bytes([n]) * 57 for n in range(9)])

    def sign(vault, old, size):
        proof = ledger_tree.consistency(log, old, size)
        return vault.checkpoint("log/one", size, ledger_tree.root(log, size), old, proof)

    store_of(home, 0)
    vault = opened(home)
    sign(vault, 0, 3)
    sign(vault, 3, 7)
    assert vault.state.head[1] == 3
    vault.close()
    vault = opened(home)
    assert vault.heads.size == 7
    with pytest.raises(VaultError) as refused:
        vault.checkpoint("log/one", 8, bytes(32), 7, [])
    assert refused.value.code == "checkpoint_fork"
    sign(vault, 7, 8)
    vault.close()

"""The fleet's door: a real vaultd over TLS 1.3; every stranger, and every acquaintance in another role, stays out."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import ssl
import time

import pytest
from conftest_vault import REFERENCE, make
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.apps import vaultd
from gwanje.kernel import keys, wire
from gwanje.kernel.cose import key_id
from gwanje.kernel.home import Home
from gwanje.vault import ciphers, door, tls
from gwanje.vault.chain import Offer
from gwanje.vault.client import AsyncVaultClient, ConsoleClient, VaultAway, VaultClient, VaultRefused
from gwanje.vault.errors import VaultError
from gwanje.vault.server import HELLO


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Fleet:
    """A centre whose vaultd listens, and folders of other machines."""

    def __init__(self, root):
        self.root = root
        self.port = free_port()
        self.centre = make(root / "c")
        config = self.centre.home.config_file
        place = f'"version": 1, "vault_listen": {{"host": "127.0.0.1", "port": {self.port}}}'
        config.write_text(config.read_text().replace('"version": 1', place))
        self.home = Home(self.centre.home.root)
        self.certificate = tls.certificate_of(self.home, "vaultd")

    def machine(self, name, certificate=None, **changes):
        far = {
            "host": "127.0.0.1",
            "port": self.port,
            "certificate": (certificate or self.certificate).hex(),
            **changes,
        }
        home = Home.create(self.root / name, centre=str(self.home.centre), vaultd=far)
        for role in ("recorder", "player", "web"):
            keys.signing_key(home, role, create=True)
        return home

    def console(self, op, **fields):
        return ConsoleClient(self.home).ask(op, self.centre.confirm(), **fields)

    def admit(self, home, role="recorder"):
        self.console("service_admit", role=role, certificate=tls.certificate_of(home, role))
        # the door looks at its list once a second
        until = time.monotonic() + 60
        while time.monotonic() < until and not self.lets_in(home, role):
            time.sleep(0.1)

    def lets_in(self, home, role):
        try:
            asyncio.run(status(home, role))
        except VaultAway:
            return False
        return True


async def status(home, role):
    client = AsyncVaultClient(home, role)
    try:
        return await client.status()
    finally:
        await client.close()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    made = Fleet(tmp_path_factory.mktemp("door"))
    process = vaultd.start(made.home)
    try:
        VaultClient(made.home, "web").set_class(1, "days", 30, REFERENCE)
        made.node = made.machine("node")
        made.admit(made.node)
        yield made
    finally:
        process.terminate()
        assert process.wait(10) == 0


def raw(fleet, home, role, *, version=None, certificate=True):
    """A TLS socket of a service; ssl.SSLError or ConnectionError where the handshake is refused."""
    context = tls.client_context(home, role, fleet.certificate)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if not certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sock = socket.create_connection(("127.0.0.1", fleet.port), timeout=5)
    return context.wrap_socket(sock)


def hello(key, role, nonce):
    said = {"role": role, "kid": key_id(keys.raw_public(key)), "sig": key.sign(HELLO + nonce + role.encode())}
    return said | {"offer": Offer().public}


def refused(fleet, home, role, said):
    """The answer to a hello made by ``said(nonce)``."""
    with raw(fleet, home, role) as sock:
        wire.send(sock, said(wire.receive(sock)["nonce"]))
        answer = wire.receive(sock)
        assert sock.recv(1) == b""
    return answer


def test_an_admitted_recorder_is_lent_keys_and_nothing_else(fleet):
    async def story():
        client = AsyncVaultClient(fleet.node, "recorder")
        epoch = fleet.home.clock.now_s() // 3600
        lent = await client.lend(1, VaultClient(fleet.home, "web").slot(fleet.centre.camera), epoch)
        assert lent.epoch == epoch
        assert len(lent.nodes) <= 22
        for ask in (client.redeem(b"", b""), client.verify(b"", b"", b"x")):
            with pytest.raises(VaultRefused) as denied:
                await ask
            assert denied.value.code == "op_denied"
        await client.close()

    asyncio.run(story())


def test_a_stranger_s_key_does_not_pass_the_handshake(fleet):
    stranger = fleet.machine("stranger")
    with pytest.raises(VaultAway):
        asyncio.run(status(stranger, "recorder"))
    with raw(fleet, stranger, "recorder") as sock, pytest.raises((ssl.SSLError, OSError, wire.WireError)):
        # in TLS 1.3 the client learns of the refusal at its first read
        wire.receive(sock)


def test_no_certificate_no_old_tls_and_no_plain_tcp(fleet):
    with raw(fleet, fleet.node, "recorder", certificate=False) as sock, pytest.raises((ssl.SSLError, OSError)):
        wire.receive(sock)
    with pytest.raises((ssl.SSLError, OSError)):
        raw(fleet, fleet.node, "recorder", version=ssl.TLSVersion.TLSv1_2)
    with socket.create_connection(("127.0.0.1", fleet.port), timeout=8) as sock:
        sock.sendall(wire.pack({"role": "recorder", "kid": b"", "sig": b""}))
        said = sock.recv(4096)
        assert b"nonce" not in said
        assert said[:1] in (b"", b"\x15")


def test_the_right_key_in_another_role_is_refused(fleet):
    key = keys.signing_key(fleet.node, "recorder")
    for role in ("player", "web", "worker", "checker", "vaultd", "recorder/x"):
        answer = refused(fleet, fleet.node, "recorder", lambda nonce, role=role: hello(key, role, nonce))
        assert answer["error"] == "hello"


def test_another_key_s_hello_inside_an_admitted_connection_is_refused(fleet):
    own = keys.signing_key(fleet.home, "recorder")
    assert refused(fleet, fleet.node, "recorder", lambda n: hello(own, "recorder", n))["error"] == "hello"
    stranger = Ed25519PrivateKey.generate()
    assert refused(fleet, fleet.node, "recorder", lambda n: hello(stranger, "recorder", n))["error"] == "hello"


def test_who_offers_no_key_for_the_answers_is_refused(fleet):
    key = keys.signing_key(fleet.node, "recorder")
    for offer in (None, bytes(32), b"short", 1 << 40):
        answer = refused(fleet, fleet.node, "recorder", lambda n, o=offer: hello(key, "recorder", n) | {"offer": o})
        assert answer["error"] == "hello"


def test_an_answer_from_afar_is_sealed_within_tls(fleet):
    key, ours = keys.signing_key(fleet.node, "recorder"), Offer()
    with raw(fleet, fleet.node, "recorder") as sock:
        nonce = wire.receive(sock)["nonce"]
        wire.send(sock, hello(key, "recorder", nonce) | {"offer": ours.public})
        chain = ours.chain(wire.receive(sock)["offer"], nonce)
        for _ in range(3):
            wire.send(sock, {"op": "status"})
            sealed = sock.recv(65536)[4:]
            assert b"generation" not in sealed
            assert b"generation" in bytes(chain.open(memoryview(sealed)))


def test_a_hello_said_again_is_refused(fleet):
    key, said = keys.signing_key(fleet.node, "recorder"), {}
    with raw(fleet, fleet.node, "recorder") as sock:
        said = hello(key, "recorder", wire.receive(sock)["nonce"])
        wire.send(sock, said)
        assert wire.receive(sock)["ok"] is True
    assert refused(fleet, fleet.node, "recorder", lambda _: said)["error"] == "hello"


def test_silence_is_not_waited_for(fleet):
    with raw(fleet, fleet.node, "recorder") as sock:
        wire.receive(sock)
        sock.settimeout(9)
        # vaultd closes after five seconds without a hello
        assert sock.recv(1) == b""


def test_a_false_vaultd_gets_no_hello(fleet):
    false = fleet.machine("false")
    misled = fleet.machine("misled", certificate=tls.certificate_of(false, "vaultd"))
    with pytest.raises(VaultAway):
        asyncio.run(status(misled, "recorder"))


def test_local_services_keep_to_their_socket(fleet):
    with pytest.raises(VaultRefused) as denied:
        fleet.console("service_admit", role="recorder", certificate=tls.certificate_of(fleet.home, "web"))
    assert denied.value.code == "certificate"
    for junk in (b"", b"junk", os.urandom(3000)):
        with pytest.raises(VaultRefused) as denied:
            fleet.console("service_admit", role="recorder", certificate=junk)
        assert denied.value.code == "certificate"
    with pytest.raises(VaultRefused):
        fleet.console("service_admit", role="web", certificate=tls.certificate_of(fleet.machine("w"), "web"))
    with pytest.raises(VaultRefused) as denied:
        ConsoleClient(fleet.home).ask("service_admit", (), role="recorder", certificate=b"")
    assert denied.value.code == "console_two"


def test_a_dismissed_recorder_is_shut_out_even_within_a_connection(fleet):
    async def story():
        home = fleet.machine("leaving")
        await asyncio.to_thread(fleet.admit, home)
        client = AsyncVaultClient(home, "recorder")
        assert (await client.status()).level == "L1"
        name = key_id(keys.raw_public(keys.signing_key(home, "recorder"))).hex()
        await asyncio.to_thread(fleet.console, "service_dismiss", service=name)
        # at the handshake, or at the hello while the listener still has its old list
        with pytest.raises((VaultAway, VaultRefused)) as out:
            await client.status()
        assert getattr(out.value, "code", "hello") == "hello"
        await client.close()

    asyncio.run(story())
    assert asyncio.run(status(fleet.node, "recorder"))


def test_a_restart_and_a_new_ceremony_keep_who_was_admitted(tmp_path):
    made = Fleet(tmp_path)
    node = made.machine("node")
    with vaultd.running(made.home):
        made.admit(node)
    from gwanje.vault import ceremony

    ceremony.create(made.home)
    keystore = ceremony.open_keystore(made.home)
    state = keystore.load()
    assert door.admitted(state) == {keys.raw_public(keys.signing_key(node, "recorder")): "recorder"}
    with vaultd.running(made.home):
        assert asyncio.run(status(node, "recorder"))


def test_a_certificate_is_its_key(tmp_path):
    home = Home.create(tmp_path / "h")
    key = keys.signing_key(home, "recorder", create=True)
    assert tls.certificate(key) == tls.certificate(key)
    assert tls.public_key(tls.certificate(key)) == keys.raw_public(key)
    with pytest.raises(VaultError):
        tls.public_key(tls.certificate(key)[:-1])


def test_one_service_cannot_take_every_place_at_the_door(fleet):
    other = fleet.machine("neighbour")
    fleet.admit(other)
    held = []
    try:
        for _ in range(door.CONNECTIONS_A_SERVICE):
            sock = raw(fleet, fleet.node, "recorder")
            held.append(sock)
            assert "nonce" in wire.receive(sock)
        with raw(fleet, fleet.node, "recorder") as late, pytest.raises((wire.WireError, OSError)):
            wire.receive(late)
        assert fleet.lets_in(other, "recorder")
    finally:
        for sock in held:
            sock.close()


def silent(fleet, address):
    """A stranger's TCP connection that says nothing."""
    return socket.create_connection(("127.0.0.1", fleet.port), timeout=15, source_address=(address, 0))


def closed(sock, wait_s):
    """Is the other end closed within this time?"""
    sock.settimeout(wait_s)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_strangers_before_the_handshake_have_few_places_and_five_seconds(fleet):
    crowd = [silent(fleet, "127.0.0.2") for _ in range(door.STRANGERS_AN_ADDRESS + 4)]
    try:
        # those beyond an address's places are not waited for at all
        assert [closed(sock, 4) for sock in crowd[-4:]] == [True] * 4
        assert asyncio.run(status(fleet.node, "recorder")).may_record, "another address is let in meanwhile"
        assert closed(crowd[0], 15), "and they are ended without a word"
    finally:
        for sock in crowd:
            sock.close()


def test_strangers_of_many_addresses_together_have_a_number_of_places(tmp_path, monkeypatch):
    monkeypatch.setattr(door, "HANDSHAKE_S", 120.0)
    monkeypatch.setattr(door, "STRANGERS_MAX", 6)
    home = Home.create(tmp_path / "h", vault_listen={"host": "127.0.0.1", "port": free_port()})

    class Nobody:
        services: dict[str, bytes] = {}

    async def story():
        made = door.Door(home, Nobody, lambda *_: None)
        await made.step()
        crowd = [
            await asyncio.open_connection("127.0.0.1", made.port, local_addr=(f"127.0.1.{1 + n % 5}", 0))
            for n in range(10)
        ]
        async with asyncio.timeout(60):
            while made.shut_out < 4:
                await asyncio.sleep(0.02)
        for _, writer in crowd:
            writer.close()
        async with asyncio.timeout(60):
            while made._strangers:
                await asyncio.sleep(0.02)
        await made.close()
        return made.shut_out

    assert asyncio.run(story()) == 4


def test_a_camera_that_moves_from_one_recorder_to_another_is_a_fact_of_the_ledger(fleet):
    other = fleet.machine("other")
    fleet.admit(other)
    slot, epoch = VaultClient(fleet.home, "web").slot(fleet.centre.camera), fleet.home.clock.now_s() // 3600

    async def lend(home):
        client = AsyncVaultClient(home, "recorder")
        try:
            # a forged sender in the request is not believed
            await client._call({"op": "lend", "class": 1, "slot": slot, "epoch": epoch, "by": b"x" * 32})
        finally:
            await client.close()

    asyncio.run(lend(fleet.node))
    asyncio.run(lend(other))
    path = fleet.home.spool / "refusals" / "vaultd.jsonl"
    until = time.monotonic() + 120
    while "vault.lend.taken" not in path.read_text():
        assert time.monotonic() < until
        time.sleep(0.1)
    (fact,) = [json.loads(line) for line in path.read_text().splitlines() if "vault.lend.taken" in line]
    ids = [key_id(keys.raw_public(keys.signing_key(home, "recorder"))).hex() for home in (other, fleet.node)]
    assert [fact["recorder"], fact["from"], fact["count"]] == [*ids, 1]
    assert fact["cameras"] == [str(fleet.centre.camera)]


def test_a_fault_that_a_tokens_module_left_behind_refuses_no_certificate(tmp_path):
    """SoftHSM does so after a wrong PIN; here the same fault is made in the library that both share."""
    lib = ciphers._libcrypto()
    for function in ("EVP_aes_256_cbc", "EVP_CIPHER_CTX_new"):
        getattr(lib, function).restype = ctypes.c_void_p
    context, moved, out = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new()), ctypes.c_int(), ctypes.create_string_buffer(64)
    cipher = ctypes.c_void_p(lib.EVP_aes_256_cbc())
    assert lib.EVP_CipherInit_ex(context, cipher, None, bytes(32), bytes(16), 0)
    assert lib.EVP_CipherUpdate(context, out, ctypes.byref(moved), bytes(32), 32)
    assert not lib.EVP_CipherFinal_ex(context, out, ctypes.byref(moved))
    home = Home.create(tmp_path / "v")
    assert tls.server_context(home, [tls.certificate_of(home, tls.SERVICE)]).verify_mode is ssl.CERT_REQUIRED

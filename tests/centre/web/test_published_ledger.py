"""The published ledger over HTTP: what is cached, what is not there, and whose signature is kept."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from gwanje.centre.common import home
from gwanje.kernel.ledger import cosign, note
from gwanje.kernel.ledger.note import Checkpoint
from gwanje.kernel.ledger.publish import folder

ORIGIN = "gwanje/web"


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setitem(home().config, "log_folder", str(tmp_path))
    (tmp_path / "tile/0/x001").mkdir(parents=True)
    (tmp_path / "tile/0/x001/234").write_bytes(bytes(8192))
    (tmp_path / "tile/0/000.p").mkdir()
    (tmp_path / "tile/0/000.p/7").write_bytes(bytes(224))
    (tmp_path / "checkpoint").write_text("a\n")
    (tmp_path / "secret").write_text("no")
    assert folder(home()) == tmp_path
    return tmp_path


def test_tiles_are_immutable_and_the_checkpoint_is_not(client, log):
    for path, size in (("tile/0/x001/234", 8192), ("tile/0/000.p/7", 224)):
        answer = client.get(f"/log/{path}")
        assert (answer.status_code, len(answer.content)) == (200, size)
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    answer = client.get("/log/checkpoint")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "public, max-age=2"
    assert not answer.cookies


@pytest.mark.parametrize(
    "path", ["secret", "tile/0/000", "tile/0/x001", "tile/0", "../config.json", "tile/0/../../secret", "tile/0/000.p/0"]
)
def test_nothing_else_is_given(client, log, path):
    assert client.get(f"/log/{path}").status_code == 404


def test_a_closed_log_is_closed(client, log, monkeypatch):
    monkeypatch.setitem(home().config, "log_public", False)
    assert client.get("/log/checkpoint").status_code == 404


@pytest.mark.django_db
def test_a_witness_brings_its_signature_and_a_stranger_does_not(client, log, monkeypatch):
    log_key, key, stranger = (Ed25519PrivateKey.generate() for _ in range(3))
    monkeypatch.setitem(home().config, "witnesses", [{"key": str(cosign.witness_key("w1", key))}])
    signed = note.sign(Checkpoint(ORIGIN, 900_000_001, bytes(32)), log_key)
    with connection.cursor() as cursor:
        cursor.execute("insert into ledger_checkpoint values (%s, %s, %s)", [900_000_001, bytes(32), signed])
    other = note.sign(Checkpoint(ORIGIN, 900_000_001, b"\1" * 32), log_key)

    def bring(text, signer=None, name="w1"):
        lines = [] if signer is None else [cosign.cosign(note.parse(text)[1], signer, name, 1_800_000_000)]
        body = cosign.with_lines(text, lines).encode()
        return client.post("/log/cosignature", body, content_type="text/plain").status_code

    assert bring(signed, key) == 200
    assert bring(signed, key) == 200
    assert bring(signed) == 403
    assert bring(signed, stranger, "w2") == 403
    assert bring(signed, stranger) in {400, 403}
    assert bring(other, key) == 409
    assert client.post("/log/cosignature", b"\xff", content_type="text/plain").status_code == 400
    assert client.post("/log/cosignature", b"x" * 20_000, content_type="text/plain").status_code == 404
    with connection.cursor() as cursor:
        cursor.execute("select name from ledger_cosignature where size = 900000001")
        assert cursor.fetchall() == [("w1",)]

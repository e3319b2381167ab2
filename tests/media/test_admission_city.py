"""A recorder that came later gets cameras' accounts: from a recorder that has them, once two officers admitted it.

Two real recorder processes, vaultd behind TLS, PostgreSQL; the newcomer shows that it got them by recording.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench import fleet
from bench._city import City
from bench._city_cameras import password
from gwanje.kernel import accounts, keys
from gwanje.kernel.cose import key_id
from gwanje.kernel.sources import put_source
from gwanje.media.leases import leases
from gwanje.vault import sealed, tls
from gwanje.vault.client import ConsoleClient

CAMERAS = 4
IMPOSTOR = UUID(int=77)


@pytest.fixture(scope="module")
def city():
    with (
        tempfile.TemporaryDirectory(prefix="gwanje-admission-") as folder,
        City(Path(folder), 2, CAMERAS, namespaces=False, accounts=1) as made,
    ):
        yield made


def wait(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def console(city, op, **fields):
    ConsoleClient(city.home).ask(op, city.confirm, **fields)


def facts(city):
    path = city.nodes[0].home.spool / "refusals" / "recorder.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def boxes(city):
    with city.connect() as db:
        return dict(db.execute("select camera, sealed from footage_source").fetchall())


def storing(city, node):
    """Cameras that the node holds and has stored a second of under its own fence."""
    with city.connect() as db:
        rows = db.execute(
            "select l.camera from footage_lease l join footage_reign g on g.camera = l.camera and g.fence = l.fence "
            "where l.recorder = %s and g.from_s is not null",
            [node.id],
        ).fetchall()
    return {row[0] for row in rows}


def test_nobody_is_believed_before_two_officers_and_a_signature(city):
    holder, newcomer = city.nodes
    certificate = tls.certificate_of(newcomer.home, "recorder")
    console(city, "service_dismiss", service=key_id(tls.public_key(certificate)).hex())
    # somebody who can write rows claims an admitted recorder's key, and a sealing key of his own
    stolen = keys.raw_public(keys.signing_key(holder.home, "recorder"))
    with city.connect() as db:
        db.execute(
            "insert into footage_recorder (id, name, signing_key, sealing_key, sealing_proof, url) "
            "values (%s, 'impostor', %s, %s, %s, '')",
            [IMPOSTOR, stolen, keys.raw_public(X25519PrivateKey.generate()), bytes(64)],
        )
    city.run(holder)
    wait(lambda: len(storing(city, holder)) == CAMERAS)
    wait(lambda: len([fact for fact in facts(city) if fact["kind"] == "recorder.accounts.refused"]) == 2)
    why = {fact["recorder"]: fact["why"] for fact in facts(city)}
    assert why == {str(newcomer.id): "not admitted", str(IMPOSTOR): "no proof"}
    assert all(set(found) == {str(holder.id)} for found in boxes(city).values())


def test_an_admitted_recorder_gets_slots_and_records(city):
    holder, newcomer = city.nodes
    before = boxes(city)
    city.run(newcomer)
    console(city, "service_admit", role="recorder", certificate=tls.certificate_of(newcomer.home, "recorder"))
    wait(lambda: all(str(newcomer.id) in found for found in boxes(city).values()))
    wait(lambda: storing(city, newcomer))
    stayed = storing(city, holder)
    after = boxes(city)
    key = keys.sealing_key(newcomer.home, "recorder")
    for number, camera in enumerate(city.cameras):
        assert after[camera].items() >= before[camera].items()
        assert str(IMPOSTOR) not in after[camera]
        with city.connect() as db, db.cursor() as cursor:
            assert accounts.slots(cursor, camera) == (2, 3)
            own = next(s for s in leases.held(cursor, newcomer.id)[0] + leases.held(cursor, holder.id)[0]
                       if s.camera == camera)  # fmt: skip
        assert sealed.unseal(key, own.sealed_for(newcomer.id), camera.bytes) == f"admin:{password(number)}".encode()
    told = [fact for fact in facts(city) if fact["kind"] == "recorder.accounts.sealed"]
    assert {camera for fact in told for camera in fact["cameras"]} == {str(camera) for camera in city.cameras}
    assert {(fact["recorder"], fact["by"], fact["outcome"]) for fact in told} == {
        (str(newcomer.id), str(holder.id), "done")
    }
    # one more slot is no reason to reconnect a camera that stayed
    with city.connect() as db:
        rows = db.execute("select camera from footage_gap where reason <> 'restart'").fetchall()
    assert stayed.isdisjoint(row[0] for row in rows)


def test_what_the_centre_writes_keeps_the_slot_until_the_account_is_another(city):
    camera = city.cameras[0]
    holder, newcomer = city.nodes
    with city.connect() as db, db.transaction(force_rollback=True), db.cursor() as cursor:
        own = next(s for node in city.nodes for s in leases.held(cursor, node.id)[0] if s.camera == camera)
        registered = {str(holder.id): own.sealed[str(holder.id)]}
        for given, expected in ((registered, {str(holder.id), str(newcomer.id)}), ({str(holder.id): "AA=="}, None)):
            put_source(cursor, type(own)(**{**vars(own), "sealed": given}))
            cursor.execute("select sealed from footage_source where camera = %s", [camera])
            assert set(cursor.fetchone()[0]) == (expected or set(given))


def test_no_plaintext_is_anywhere_and_every_second_is_accounted_for(city):
    fleet.end(city)
    said = city.check(2)
    assert said["problems"] == []
    words = [path.read_bytes() for path in city.root.glob("*.log")]
    words += [path.read_bytes() for node in city.nodes for path in node.home.spool.rglob("*") if path.is_file()]
    with city.connect() as db:
        words.append(str(db.execute("select * from footage_source").fetchall()).encode())
    assert len(words) > 4
    assert not any(b"secret-" in text or b"admin:" in text for text in words)

"""Publishing from a real PostgreSQL, pushing to real witnesses over HTTP, time stamps of a real authority (openssl)."""

import contextlib
import http.server
import random
import shutil
import subprocess
import threading
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.apps import fetch, outside, stamping
from gwanje.apps.outside import Outside
from gwanje.apps.witness import Log, Witness
from gwanje.apps.witness_server import Server
from gwanje.kernel import database, ledger
from gwanje.kernel.footage import Segment, put_segments
from gwanje.kernel.ledger import Entry, cosign, minutes, note, tree
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.note import BadNote, Checkpoint
from gwanje.kernel.ledger.publish import folder, publish, published
from gwanje.kernel.ledger.sequence import Sequencer, sequence_all

ORIGIN = "gwanje/outside"
KEY = Ed25519PrivateKey.generate()
LOG = VKey(ORIGIN, KEY.public_key().public_bytes_raw(), cosign.ED25519)


class Signer:
    """Signs what vaultd would sign, after the same proof."""

    def __init__(self):
        self.size, self.root = 0, tree.EMPTY

    def checkpoint(self, origin, size, root, old_size, proof):
        assert tree.verify_consistency(self.size, self.root, size, root, proof)
        self.size, self.root = size, root
        return note.sign(Checkpoint(origin, size, root), KEY)


@pytest.fixture(scope="module")
def signer():
    return Signer()


@pytest.fixture(autouse=True, scope="module")
def granted(server):
    """What a centre's default privileges give the services."""
    with database.connect(server, "owner") as owner:
        owner.execute("grant select on footage_class, footage_segment to gwanje_app")


@pytest.fixture
def sequencer(app, signer):
    return Sequencer(app, ORIGIN, signer)


@pytest.fixture
def home(server, monkeypatch, tmp_path):
    """The folder's settings, with a published folder of this test's own."""
    monkeypatch.setitem(server.config, "log_folder", str(tmp_path / "log"))
    return server


def grow(app, home, sequencer, count):
    with app.transaction(), app.cursor() as cursor:
        for _ in range(count):
            ledger.append(cursor, home.clock, Entry("test.row.written", "done"))
    sequence_all(sequencer)
    return sequencer.checkpoint().size


def alarms():
    told = []
    return told, lambda connection, kind, body: told.append((kind, body))


def test_what_is_published_is_what_a_witness_proves(home, app, sequencer, tmp_path):
    told, alarm = alarms()
    out, watcher = Outside(home, alarm), Witness.create(tmp_path / "w", "w1")
    log = Log(LOG, str(folder(home)))
    watcher.add(log)
    rng = random.Random(5)
    for count in (1, 254, 1, 1, 300, *(rng.randrange(1, 90) for _ in range(4))):
        size = grow(app, home, sequencer, count)
        out.step(app)
        assert published(folder(home)) == size
        assert watcher.follow(log)[0].size == size
    # nothing of a published tree is written twice, and a killed run begins again
    files = {path: path.stat().st_mtime_ns for path in folder(home).rglob("*") if path.is_file()}
    out.step(app)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    (folder(home) / "checkpoint").unlink()
    shutil.rmtree(folder(home) / "tile" / "0")
    out.step(app)
    assert watcher.follow(log) is None
    assert told == []
    leaves = [bytes(x) for (x,) in app.execute("select leaf from ledger_leaf order by idx").fetchall()]
    for path in (folder(home) / "tile/entries").rglob("*"):
        if path.is_file() and path.suffix != ".p" and path.parent.suffix != ".p":
            start = int(path.name) * 256
            assert path.read_bytes() == b"".join(b"\0\x39" + leaf for leaf in leaves[start : start + 256])


def test_a_kill_in_the_middle_leaves_a_checkpoint_that_holds(home, app, sequencer, tmp_path, monkeypatch):
    """Failpoint at every file: what stands is always provable, and the next run finishes."""
    watcher = Witness.create(tmp_path / "w", "w1")
    log = Log(LOG, str(folder(home)))
    watcher.add(log)
    real, left = outside.publish.__globals__["_write"], [0]

    def failing(path, data):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        real(path, data)

    monkeypatch.setitem(outside.publish.__globals__, "_write", failing)
    for step in range(12):
        size = grow(app, home, sequencer, 120)
        (signed,) = app.execute("select note from ledger_checkpoint where size = %s", [size]).fetchone()
        left[0] = step
        with app.cursor() as cursor:
            with contextlib.suppress(KeyboardInterrupt):
                publish(cursor, folder(home), size, signed)
            if published(folder(home)):
                watcher.follow(log)
            left[0] = 10_000
            publish(cursor, folder(home), size, signed)
    watcher.follow(log)
    assert watcher.last(log)[0].size == size
    assert not list((tmp_path / "w").rglob("evidence*"))


def test_two_of_three_witnesses_and_one_that_is_away(home, app, sequencer, tmp_path, monkeypatch):
    told, alarm = alarms()
    made = [Witness.create(tmp_path / f"w{n}", f"w{n}") for n in (1, 2)]
    for each in made:
        each.add(Log(LOG))
    with Server(made[0], 0) as one, Server(made[1], 0) as two:
        places = [(str(made[0].vkey), one.port), (str(made[1].vkey), two.port)]
        gone = cosign.witness_key("w3", Ed25519PrivateKey.generate())
        listed = [{"key": key, "url": f"http://127.0.0.1:{port}"} for key, port in (*places, (str(gone), 1))]
        monkeypatch.setitem(home.config, "witnesses", listed)
        monkeypatch.setitem(home.config, "witness_quorum", 2)
        size = grow(app, home, sequencer, 7)
        out = Outside(home, alarm)
        out._since -= 1000
        out.step(app)
        signed = (folder(home) / "checkpoint").read_text()
        assert [cosign.cosigned_at(signed, each.vkey) is not None for each in made] == [True, True]
        assert cosign.cosigned_at(signed, gone) is None
        assert told == []
        # a witness that lost our rows of it is asked again from where it stands
        app.execute("delete from ledger_cosignature where name = 'w1'")
        size = grow(app, home, sequencer, 7)
        out.step(app)
        names = app.execute("select name from ledger_cosignature where size = %s order by name", [size]).fetchall()
        assert names == [("w1",), ("w2",)]
        monkeypatch.setitem(home.config, "witness_quorum", 3)
        again = Outside(home, alarm)
        again._since -= 1000
        again.step(app)
        assert told == [("ledger.witness.missing", {"signed": 2, "needed": 3})]


def test_a_witness_that_knows_another_history_is_an_alarm(home, app, sequencer, tmp_path, monkeypatch):
    told, alarm = alarms()
    watcher = Witness.create(tmp_path / "w", "w9")
    watcher.add(Log(LOG))
    size = grow(app, home, sequencer, 3)
    other = note.sign(Checkpoint(ORIGIN, size, b"\7" * 32), KEY)
    assert watcher.add_checkpoint(cosign.request(0, [], other))[0] == 200
    with Server(watcher, 0) as server:
        listed = [{"key": str(watcher.vkey), "url": f"http://127.0.0.1:{server.port}"}]
        monkeypatch.setitem(home.config, "witnesses", listed)
        Outside(home, alarm).step(app)
    assert [kind for kind, _ in told] == ["ledger.witness.refused"]
    assert len(list((tmp_path / "w").glob("*/evidence-fork-*"))) == 1


@pytest.mark.parametrize("what", ["file", "leaf", "node"])
def test_an_edit_on_one_side_is_named(home, app, owner, sequencer, what):
    told, alarm = alarms()
    size = grow(app, home, sequencer, 20)
    out = Outside(home, alarm)
    out.step(app)
    assert told == []
    row = size - 3
    if what == "file":
        path = next(p for p in folder(home).rglob(f"{size % 256}") if "entries" in str(p))
        data = bytearray(path.read_bytes())
        data[-60] ^= 1
        path.write_bytes(data)
        out.step(app)
        assert [kind for kind, _ in told] == ["ledger.published.differs"]
        return
    # the database's owner takes the triggers away: nothing in it stops him
    table, column, where = {
        "leaf": ("ledger_leaf", "leaf", "idx = %s"), "node": ("ledger_node", "hash", "level = 0 and idx = %s"),
    }[what]  # fmt: skip
    owner.execute(f"alter table {table} disable trigger user")
    (before,) = owner.execute(f"select {column} from {table} where {where}", [row]).fetchone()
    try:
        wrong = before[:-1] + bytes([before[-1] ^ 1])
        owner.execute(f"update {table} set {column} = %s where {where}", [wrong, row])
        out.step(app)
        assert told == [("ledger.published.differs", {"row": row})]
    finally:
        owner.execute(f"update {table} set {column} = %s where {where}", [before, row])
        owner.execute(f"alter table {table} enable trigger user")


def test_only_a_configured_witness_and_its_own_signature_are_kept(home, app, sequencer):
    size = grow(app, home, sequencer, 1)
    (signed,) = app.execute("select note from ledger_checkpoint where size = %s", [size]).fetchone()
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    vkey = cosign.witness_key("w5", key)
    text = note.parse(signed)[1]
    with app.cursor() as cursor:
        with pytest.raises(BadNote):
            outside.keep(cursor, vkey, size, signed)
        forged = cosign.cosign(text, other, "w5", 5)
        with pytest.raises(BadNote):
            outside.keep(cursor, vkey, size, cosign.with_lines(signed, [forged]))
        both = cosign.with_lines(signed, [cosign.cosign(text, key, "w5", 5)])
        assert outside.keep(cursor, vkey, size, both)
        assert not outside.keep(cursor, vkey, size, both)


def test_a_minute_dies_with_the_last_footage_it_speaks_of(home, app, owner):
    now_s, writer = home.clock.now_s(), b"m" * 16
    owner.execute("insert into footage_class values (77, 'days', 30, 'x', 'x') on conflict do nothing")
    old, young = [(now_s - back) // 3600 * 3600 for back in (3 * 86_400, 7200)]
    rows = [minutes.Minute(writer, old, bytes(32)), minutes.Minute(writer, young, bytes(32))]
    with app.transaction(), app.cursor() as cursor:
        minutes.put_minutes(cursor, home.clock, rows)
        segment = Segment(
            b"S" * 32, uuid4(), uuid4(), 1, 0, 77, old // 3600, 0, 1, 2, 3, b"", "", 0, 0, None, "x", 1, writer, True
        )
    with owner.transaction(), owner.cursor() as cursor:
        put_segments(cursor, [segment])
    _, alarm = alarms()

    def standing():
        with app.cursor() as cursor:
            Outside(home, alarm)._tidy(cursor)
        found = app.execute("select minute_s from footage_minute where writer = %s order by 1", [writer]).fetchall()
        return [at for (at,) in found]

    assert standing() == [old, young]
    owner.execute("update footage_segment set destroyed_at = now() where segment_id = %s", [segment.segment_id])
    assert standing() == [young]
    leaves = app.execute("select count(*) from ledger_leaf where row = any(%s)", [[m.row for m in rows]]).fetchone()
    assert leaves == (2,)


# --- RFC 3161 ---------------------------------------------------------------------------------------------------------

CNF = """
[ tsa ]
default_tsa = one
[ one ]
serial = {0}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ ca ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[ ts ]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ req ]
distinguished_name = dn
[ dn ]
"""


def openssl(place, *words, data=None):
    return subprocess.run(["openssl", *words], cwd=place, input=data, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A time-stamping authority of openssl behind HTTP: (address, folder)."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl program (Debian: openssl)")
    place = tmp_path_factory.mktemp("tsa")
    (place / "cnf").write_text(CNF.format(place))
    (place / "serial").write_text("01\n")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", "cnf"]
    openssl(place, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=root", "-days", "2",
            "-extensions", "ca")  # fmt: skip
    openssl(place, "req", "-new", *key, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa")
    openssl(place, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days",
            "2", "-extfile", "cnf", "-extensions", "ts", "-out", "tsa.pem")  # fmt: skip

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            (place / "query").write_bytes(self.rfile.read(int(self.headers["content-length"])))
            answer = openssl(place, "ts", "-reply", "-config", "cnf", "-section", "one", "-queryfile", "query",
                             "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "/dev/stdout")  # fmt: skip
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", place
        server.shutdown()
        thread.join()


def test_a_time_stamp_is_verified_before_it_is_kept(home, app, sequencer, authority, monkeypatch):
    url, place = authority
    monkeypatch.setitem(home.config, "tsa_url", url)
    monkeypatch.setitem(home.config, "tsa_roots", str(place / "ca.pem"))
    size = grow(app, home, sequencer, 2)
    _, alarm = alarms()
    Outside(home, alarm).step(app)
    token, signed = app.execute(
        "select token, note from ledger_timestamp join ledger_checkpoint using (size) where size = %s", [size]
    ).fetchone()
    roots = stamping.roots_of(str(place / "ca.pem"))
    assert abs(stamping.verify(token, signed.encode(), roots).timestamp() - (place / "query").stat().st_mtime) < 60
    # openssl itself says the same
    (place / "token").write_bytes(token)
    (place / "note").write_text(signed)
    said = openssl(place, "ts", "-verify", "-data", "note", "-in", "token", "-CAfile", "ca.pem")
    assert b"OK" in said
    for bad, data in ((token, signed.encode() + b" "), (token[:-9], signed.encode()), (b"", signed.encode())):
        with pytest.raises(stamping.BadStamp):
            stamping.verify(bad, data, roots)
    openssl(place, "req", "-x509", "-newkey", "ed25519", "-nodes", "-config", "cnf", "-keyout", "o.key", "-out",
            "other.pem", "-subj", "/CN=other", "-extensions", "ca")  # fmt: skip
    with pytest.raises(stamping.BadStamp):
        stamping.verify(token, signed.encode(), stamping.roots_of(str(place / "other.pem")))


def test_an_authority_that_is_away_costs_nothing_but_the_stamp(home, app, sequencer, authority, monkeypatch):
    monkeypatch.setitem(home.config, "tsa_url", "http://127.0.0.1:1/")
    monkeypatch.setitem(home.config, "tsa_roots", str(authority[1] / "ca.pem"))
    size = grow(app, home, sequencer, 2)
    told, alarm = alarms()
    Outside(home, alarm).step(app)
    assert published(folder(home)) == size
    assert told == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "http://", "gopher://x"])
def test_only_http_is_asked(url):
    with pytest.raises(ValueError, match="http"):
        fetch.ask(url)

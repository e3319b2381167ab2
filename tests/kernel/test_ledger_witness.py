"""A witness over real folders, real HTTP and real processes: what it signs, what it refuses, what it can prove."""

import base64
import http.server
import json
import os
import random
import signal
import subprocess
import sys
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.apps import fetch
from gwanje.apps.commands.witness import look
from gwanje.apps.witness import Found, Frozen, Log, Witness, convinces
from gwanje.apps.witness_server import Server
from gwanje.kernel.ledger import cosign, note, tiles, tree
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.note import Checkpoint

ORIGIN = "gwanje/0190"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = VKey(ORIGIN, LOG_KEY.public_key().public_bytes_raw(), cosign.ED25519)
LEAVES = [random.Random(4).randbytes(57 * 1500)[n * 57 :][:57] for n in range(1500)]


def signed(leaves, size, key=LOG_KEY):
    return note.sign(Checkpoint(ORIGIN, size, tree.root(tree.nodes_of(leaves[:size]), size)), key)


def publish(folder, leaves, size, old=0, key=LOG_KEY):
    """What a log writes; ``leaves`` may be another history than before."""
    nodes = tree.nodes_of(leaves)
    for tile in tiles.changed(old, size):
        path, first = folder / tile.path, tile.index * 256
        path.parent.mkdir(parents=True, exist_ok=True)
        if tile.level is None:
            path.write_bytes(tiles.bundle(leaves[first : first + tile.width]))
        else:
            path.write_bytes(b"".join(nodes(8 * tile.level, first + i) for i in range(tile.width)))
    (folder / "checkpoint").write_text(signed(leaves, size, key))


@pytest.fixture
def log(tmp_path):
    return Log(VKEY, str(tmp_path / "log"))


@pytest.fixture
def witness(tmp_path, log):
    made = Witness.create(tmp_path / "witness", "audit.example/w1")
    made.add(log)
    return made


def evidence(found):
    with open(found.value.said["evidence"], encoding="utf-8") as file:
        return json.load(file)


def test_it_signs_what_proved_itself_and_only_once(tmp_path, witness, log):
    publish(tmp_path / "log", LEAVES, 300)
    said, line = witness.follow(log)
    assert said.size == 300
    both = cosign.with_lines((tmp_path / "log/checkpoint").read_text(), [line])
    assert cosign.cosigned_at(both, witness.vkey) is not None
    assert witness.follow(log) is None
    publish(tmp_path / "log", LEAVES, 1400, old=300)
    assert witness.follow(log)[0].size == 1400
    again = Witness(witness.folder)
    assert (again.vkey, again.last(log)[0].size) == (witness.vkey, 1400)
    assert (witness.folder / "witness.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", [5, 299, 300])
def test_a_fork_is_proved_to_anybody_and_the_log_is_frozen(tmp_path, witness, log, change):
    publish(tmp_path / "log", LEAVES, 301)
    witness.follow(log)
    other = [*LEAVES[:change], b"\1" * 57, *LEAVES[change + 1 :]]
    for path in (tmp_path / "log/tile").rglob("*"):
        if path.is_file():
            path.unlink()
    publish(tmp_path / "log", other, 900)
    with pytest.raises(Found) as found:
        witness.follow(log)
    assert found.value.kind == "fork"
    said = evidence(found)
    assert convinces(said)
    for spoil in ({"prefix": base64.b64encode(bytes(32)).decode()}, {"notes": said["notes"][::-1]}, {"proof": []}):
        assert not convinces({**said, **spoil})
    # an honest pair of checkpoints convinces nobody, whatever is written beside it
    honest = {**said, "notes": [signed(LEAVES, 301), signed(LEAVES, 900)]}
    assert not convinces(honest)
    with pytest.raises(Frozen):
        witness.follow(log)
    status, _, _ = witness.add_checkpoint(cosign.request(301, [], signed(LEAVES, 301)))
    assert status == 403


def test_two_roots_for_one_size_are_proved_too(tmp_path, witness, log):
    publish(tmp_path / "log", LEAVES, 40)
    witness.follow(log)
    publish(tmp_path / "log", [*LEAVES[:39], b"\2" * 57], 40)
    with pytest.raises(Found) as found:
        witness.follow(log)
    assert (found.value.kind, convinces(evidence(found))) == ("fork", True)


def test_a_log_that_was_rolled_back_is_told_and_heals(tmp_path, witness, log):
    publish(tmp_path / "log", LEAVES, 500)
    witness.follow(log)
    publish(tmp_path / "log", LEAVES, 400)
    with pytest.raises(Found) as found:
        witness.follow(log)
    assert found.value.kind == "rollback"
    assert not convinces(evidence(found))
    assert witness.last(log)[0].size == 500
    publish(tmp_path / "log", LEAVES, 501)
    assert witness.follow(log)[0].size == 501


@pytest.mark.parametrize(
    ("path", "at"),
    [("tile/0/000", 70), ("tile/entries/001", 3000), ("tile/1/000.p/4", 40), ("tile/0/004.p/176", 0),
     ("tile/entries/004.p/176", 59)],
)  # fmt: skip
def test_an_edited_tile_is_told(tmp_path, witness, log, path, at):
    publish(tmp_path / "log", LEAVES, 1200)
    target = tmp_path / "log" / path
    data = bytearray(target.read_bytes())
    data[at] ^= 1
    target.write_bytes(data)
    with pytest.raises(Found) as found:
        witness.follow(log)
    assert found.value.kind == "edited"
    assert witness.last(log) is None


def test_a_checkpoint_of_another_key_or_log_is_not_signed(tmp_path, witness, log):
    publish(tmp_path / "log", LEAVES, 30, key=Ed25519PrivateKey.generate())
    with pytest.raises(Found) as found:
        witness.follow(log)
    assert found.value.kind == "false"
    (tmp_path / "log/checkpoint").unlink()
    with pytest.raises(fetch.Unreachable):
        witness.follow(log)


def test_clean_logs_raise_no_alarm(tmp_path):
    rng = random.Random(11)
    for run in range(12):
        folder = tmp_path / str(run)
        watcher = Witness.create(folder / "w", "w")
        log = Log(VKEY, str(folder / "log"))
        watcher.add(log)
        size = 0
        for _ in range(8):
            old, size = size, size + rng.choice([0, 1, 2, 57, 200])
            if size:
                publish(folder / "log", LEAVES, size, old=old)
                watcher.follow(log)
        assert watcher.last(log)[0].size == size
        assert not list((folder / "w").glob("*/evidence-*"))


# --- the protocol of C2SP tlog-witness, over HTTP ---------------------------------------------------------------------


def post(url, body):
    return fetch.ask(url, body, {"content-type": "text/plain"})


@pytest.fixture
def served(witness):
    with Server(witness, 0) as server:
        yield f"http://127.0.0.1:{server.port}/add-checkpoint"


def test_add_checkpoint_answers_as_the_specification_says(witness, served):
    nodes = tree.nodes_of(LEAVES)

    def ask(old, size, leaves=LEAVES, proof=None, key=LOG_KEY):
        steps = tree.consistency(nodes, old, size) if proof is None else proof
        return post(served, cosign.request(old, steps, signed(leaves, size, key)))

    status, line = ask(0, 10)
    assert status == 200
    assert cosign.cosigned_at(cosign.with_lines(signed(LEAVES, 10), [line.decode()]), witness.vkey)
    assert ask(5, 20) == (409, b"10\n")
    assert ask(10, 20, proof=[bytes(32)])[0] == 422
    assert ask(10, 20)[0] == 200
    assert ask(20, 20)[0] == 200
    assert ask(10, 20) == (409, b"20\n")
    assert ask(0, 30, proof=[]) == (409, b"20\n")
    assert ask(20, 25, key=Ed25519PrivateKey.generate())[0] == 403
    assert post(served, cosign.request(30, [], signed(LEAVES, 20)))[0] == 400
    assert post(served, b"old 1\n\nnonsense")[0] == 400
    other = note.sign(Checkpoint("gwanje/other", 5, bytes(32)), LOG_KEY)
    assert post(served, cosign.request(0, [], other))[0] == 404
    assert post(served, b"x" * (cosign.REQUEST_MAX + 1))[0] == 413
    assert fetch.ask(served)[0] == 405
    assert fetch.ask(served.replace("add-checkpoint", "else"))[0] == 404
    # one size, two roots, both signed: refused, kept as evidence, and never signed again
    assert ask(20, 20, leaves=[b"\3" * 57, *LEAVES[1:]], proof=[])[0] == 409
    assert len(list(witness.folder.glob("*/evidence-fork-*.json"))) == 1
    assert ask(20, 30)[0] == 403


@pytest.fixture
def published(tmp_path):
    """The log's folder behind HTTP; what is sent to it is kept in ``taken``, refused while ``refusing``."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        taken, refusing = [], []

        def __init__(self, *words):
            super().__init__(*words, directory=str(tmp_path / "log"))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(403 if self.refusing else 200)
            self.send_header("content-length", "0")
            self.end_headers()
            if not self.refusing:
                self.taken.append(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", Handler
        server.shutdown()
        thread.join()


def test_over_http_and_what_it_signed_is_sent_until_it_is_taken(tmp_path, witness, published):
    place, handler = published
    witness.add(Log(VKEY, place, f"{place}/cosignature"))
    publish(tmp_path / "log", LEAVES, 700)
    handler.refusing.append(True)
    assert look(witness.folder) == 2
    assert look(witness.folder) == 2
    handler.refusing.clear()
    assert look(witness.folder) == 0
    assert look(witness.folder) == 0
    (body,) = handler.taken
    assert cosign.cosigned_at(body.decode(), witness.vkey) is not None
    assert note.verify(body.decode(), VKEY.public, ORIGIN).size == 700
    # a redirect is not followed, an answer that is too large is none
    (tmp_path / "log/checkpoint").write_bytes(b"x" * (fetch.SIZE_MAX + 1))
    assert look(witness.folder) == 2
    (tmp_path / "log/checkpoint").unlink()
    (tmp_path / "log/checkpoint").mkdir()
    with pytest.raises(fetch.Unreachable, match="301"):
        fetch.reader(place)("checkpoint")


def test_requests_that_race_never_sign_backwards(witness, served):
    nodes, answers = tree.nodes_of(LEAVES), []

    def one(size):
        old = 0
        for _ in range(40):
            status, text = post(served, cosign.request(old, tree.consistency(nodes, old, size), signed(LEAVES, size)))
            if status == 409 and int(text) <= size:
                old = int(text)
                continue
            answers.append((status, size))
            return

    threads = [threading.Thread(target=one, args=(size,)) for size in range(100, 160, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert witness.last(Log(VKEY))[0].size == max(size for status, size in answers if status == 200) == 157
    assert {status for status, _ in answers} <= {200, 409}


def test_a_witness_that_is_killed_has_kept_what_it_signed(tmp_path, witness, log):
    """Failpoint: the disk fails before the rename; no cosignature leaves, and the next try is whole."""
    publish(tmp_path / "log", LEAVES, 20)
    real, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        raise OSError("killed")

    os.replace = failing
    try:
        with pytest.raises(OSError, match="killed"):
            witness.follow(log)
    finally:
        os.replace = real
    assert calls
    assert witness.last(log) is None
    assert witness.follow(log)[0].size == 20


def test_the_commands_as_an_auditor_uses_them(tmp_path):
    def gwanje(*words):
        line = [sys.executable, "-m", "gwanje.apps.cli", *map(str, words)]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    state, place = tmp_path / "w", tmp_path / "log"
    made = gwanje("witness", "init", "--state", state, "--name", "audit.example/laptop")
    assert VKey.parse(made.stdout).kind == cosign.COSIGNATURE
    publish(place, LEAVES, 300)
    assert gwanje("witness", "add", "--state", state, "--log", place, "--key", VKEY).returncode == 0
    running = subprocess.Popen(
        [sys.executable, "-m", "gwanje.apps.cli", "witness", "run", "--state", state, "--every", "0.1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert "300" in running.stdout.readline()
        publish(place, [b"\5" * 57, *LEAVES[1:]], 310)
        _, told = running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
            running.wait(30)
    assert running.returncode == 1
    assert "WRONG" in told
    (file,) = state.glob("*/evidence-fork-*.json")
    assert gwanje("witness", "evidence", file).returncode == 0
    assert gwanje("witness", "once", "--state", state).returncode == 1
    assert gwanje("witness", "add", "--state", state, "--log", place, "--key", "nonsense").returncode == 2


def test_two_histories_never_both_get_four_of_five_while_two_collude(tmp_path):
    """Five witnesses, two of which sign whatever they are asked; seeded forks and splits of who is asked first."""
    rng = random.Random(21)
    for trial in range(6):
        honest = [Witness.create(tmp_path / str(trial) / str(n), f"w{n}") for n in range(3)]
        for each in honest:
            each.add(Log(VKEY))
        colluding = [(f"c{n}", Ed25519PrivateKey.generate()) for n in range(2)]
        base, size = rng.randrange(1, 60), rng.randrange(61, 120)
        at = rng.randrange(size)
        other = [*LEAVES[:at], b"\7" * 57, *LEAVES[at + 1 :]]
        for each in honest if rng.random() < 0.5 else []:
            each.add_checkpoint(cosign.request(0, [], signed(LEAVES, base)))
        quorums = 0
        histories = [LEAVES, other]
        rng.shuffle(histories)
        asked = [rng.sample(honest, len(honest)), rng.sample(honest, len(honest))]
        notes = [signed(leaves, size) for leaves in histories]
        for turn in range(len(honest)):
            for side in (0, 1):
                each, leaves = asked[side][turn], histories[side]
                last = each.last(Log(VKEY))
                old = last[0].size if last else 0
                proof = tree.consistency(tree.nodes_of(leaves), old, size) if old < size else []
                status, _, text = each.add_checkpoint(cosign.request(old, proof, notes[side]))
                if status == 200:
                    notes[side] = cosign.with_lines(notes[side], [text])
        for side in (0, 1):
            body = note.parse(notes[side])[1]
            notes[side] = cosign.with_lines(notes[side], [cosign.cosign(body, key, name, 9) for name, key in colluding])
            known = [*(each.vkey for each in honest), *(cosign.witness_key(name, key) for name, key in colluding)]
            quorums += sum(cosign.cosigned_at(notes[side], key) is not None for key in known) >= 4
        # four of five: each side has its two colluders and needs two honest ones, and an honest one signs one side
        assert quorums <= 1

"""The offline verifier: a clean export passes, every planted change is refused and the right row is named."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import gwanje.kernel
from gwanje.apps.outside import keep
from gwanje.apps.postgres import running
from gwanje.kernel import database, ledger
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import Entry, cosign, export, note, tree, verify
from gwanje.kernel.ledger.sequence import LedgerBroken, Sequencer, origin, sequence_all

SQL = Path(gwanje.kernel.__file__).parent / "sql"
ROWS = 23
CHECKPOINTS = (4, 9, 16, ROWS)


class Signer:
    """Signs like vaultd: only after the consistency proof from its own last head."""

    def __init__(self):
        self.key, self.size, self.root, self.lose = Ed25519PrivateKey.generate(), 0, tree.EMPTY, False

    def checkpoint(self, name, size, root, old_size, proof):
        if old_size != self.size or not tree.verify_consistency(old_size, self.root, size, root, proof):
            raise PermissionError("not consistent")
        self.size, self.root = size, root
        if self.lose:
            raise ConnectionError("the answer was lost")
        return note.sign(note.Checkpoint(name, size, root), self.key)


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    home = Home.create(tmp_path_factory.mktemp("verify") / "centre")
    with running(home):
        with database.connect(home, "owner") as owner:
            for name in ("footage", "ledger", "ledger_outside"):
                owner.execute((SQL / f"{name}.sql").read_text())
        yield home


@pytest.fixture(scope="module")
def exported(centre):
    """(lines of a good export, the signer) with 23 rows, 4 checkpoints and one erased opening."""
    signer = Signer()
    with database.connect(centre) as app:
        sequencer = Sequencer(app, origin(centre.centre), signer)
        for size in CHECKPOINTS:
            for n in range(app.execute("select count(*) from ledger_leaf").fetchone()[0], size):
                with app.transaction(), app.cursor() as cursor:
                    ledger.append(cursor, centre.clock, Entry("test.row.written", "done", detail={"n": n}))
            sequence_all(sequencer)
            if size == 16:
                signer.lose = True
                with pytest.raises(ConnectionError):
                    sequencer.checkpoint()
                # the signature was made, its answer lost: vaultd's head is ahead of ours now
                signer.lose = False
                continue
            assert sequencer.checkpoint().size == size
        assert sequencer.checkpoint() is None
    with database.connect(centre, "auditor") as auditor:
        yield list(export.lines(auditor, centre.clock, origin(centre.centre), public_bytes(signer.key))), signer


def check(lines, signer, **more):
    return verify.verify(lines, public_bytes(signer.key), **more)


def rows_of(lines):
    return [i for i, line in enumerate(lines) if json.loads(line)["type"] == "row"]


def change(line, **fields):
    return json.dumps({**json.loads(line), **fields}) + "\n"


def test_a_clean_export_verifies(exported):
    lines, signer = exported
    report = check(lines, signer)
    assert report.ok, report.bad
    assert (report.rows, report.opened, report.erased, report.checkpoints, report.witnessed) == (ROWS, ROWS, 0, 3, ROWS)
    assert verify.verify(lines).ok


def test_an_erased_opening_still_verifies(exported):
    lines, signer = exported
    at = rows_of(lines)[5]
    report = check([*lines[:at], change(lines[at], salt=None, opening=None), *lines[at + 1 :]], signer)
    assert report.ok
    assert (report.opened, report.erased) == (ROWS - 1, 1)


def test_what_witnesses_signed_is_in_the_export_and_is_checked(centre, exported):
    _, signer = exported
    keys = {name: Ed25519PrivateKey.generate() for name in ("w1", "w2", "w3")}
    vkeys = {name: cosign.witness_key(name, key) for name, key in keys.items()}
    with database.connect(centre) as app, app.cursor() as cursor:
        for name, size, at in (("w1", 4, 1_800_000_000), ("w1", ROWS, 1_800_000_060), ("w2", 9, 1_800_000_030)):
            (signed,) = app.execute("select note from ledger_checkpoint where size = %s", [size]).fetchone()
            line = cosign.cosign(note.parse(signed)[1], keys[name], name, at)
            assert keep(cursor, vkeys[name], size, cosign.with_lines(signed, [line]))
    with database.connect(centre, "auditor") as auditor:
        lines = list(export.lines(auditor, centre.clock, origin(centre.centre), public_bytes(signer.key)))
    wanted = [str(vkeys[name]) for name in ("w1", "w2", "w3")]
    report = check(lines, signer, witnesses=wanted, quorum=2)
    assert report.ok, report.bad
    assert report.witnesses == {"w1": (ROWS, 1_800_000_060), "w2": (9, 1_800_000_030)}
    assert any("w1" in line and str(ROWS) in line for line in verify.describe(report))
    assert check(lines, signer).ok
    assert "3 witnesses" in check(lines, signer, witnesses=wanted, quorum=3).bad.en
    other = cosign.witness_key("w1", keys["w2"])
    assert check(lines, signer, witnesses=[str(other)], quorum=1).bad is not None
    at = next(i for i, line in enumerate(lines) if json.loads(line)["type"] == "checkpoint")
    said = json.loads(lines[at])["note"]
    head, _, blob = said.rstrip("\n").rpartition(" ")
    raw = bytearray(base64.b64decode(blob))
    raw[-1] ^= 1
    forged = change(lines[at], note=f"{head} {base64.b64encode(raw).decode()}\n")
    bad = check([*lines[:at], forged, *lines[at + 1 :]], signer, witnesses=wanted).bad
    assert bad is not None
    assert "w1" in bad.en
    with pytest.raises(ValueError, match="verifier key"):
        check(lines, signer, witnesses=["w1+00000000+" + wanted[0].split("+", 2)[2]])


@pytest.mark.parametrize("row", [0, 7, ROWS - 1])
def test_an_altered_opening_leaf_or_node_names_its_row(exported, row):
    lines, signer = exported
    at = rows_of(lines)[row]
    said = json.loads(lines[at])
    for field in ("opening", "salt", "leaf", "node"):
        raw = bytearray(base64.b64decode(said[field]))
        raw[-1] ^= 1
        report = check(
            [*lines[:at], change(lines[at], **{field: base64.b64encode(raw).decode()}), *lines[at + 1 :]], signer
        )
        assert (report.bad.first, report.bad.last) == (row, row), field


@pytest.mark.parametrize("row", [0, 7, ROWS - 1])
def test_a_row_rewritten_with_all_its_hashes_is_found_between_checkpoints(exported, row):
    lines, signer = exported
    at = rows_of(lines)[row]
    salt, opening = b"\7" * 32, ledger.entry.opening_bytes(Entry("test.row.forged", "done"))
    leaf = ledger.leaf_bytes(uuid4(), 1, salt, opening)
    forged = {
        k: base64.b64encode(v).decode()
        for k, v in {"salt": salt, "opening": opening, "leaf": leaf, "node": tree.leaf_hash(leaf)}.items()
    }
    report = check([*lines[:at], change(lines[at], **forged), *lines[at + 1 :]], signer)
    assert report.bad.first <= row <= report.bad.last
    # the range is that of one checkpoint
    assert (report.bad.first, report.bad.last) in {(0, 3), (4, 8), (9, ROWS - 1)}


@pytest.mark.parametrize("row", [0, 7, ROWS - 1])
def test_a_deleted_row_is_named(exported, row):
    lines, signer = exported
    at = rows_of(lines)[row]
    report = check([*lines[:at], *lines[at + 1 :]], signer)
    assert report.bad.first <= row
    assert row in (report.bad.first, report.bad.last)


def test_a_deleted_row_with_all_others_renumbered_is_found(exported):
    lines, signer = exported
    kept, index = [], 0
    for line in lines:
        said = json.loads(line)
        if said["type"] == "row" and said["index"] == 7:
            continue
        row = said["type"] == "row"
        kept.append(change(line, index=index) if row else line)
        index += row
    report = check(kept, signer)
    assert report.bad.first <= 8


@pytest.mark.parametrize("row", [1, 7, ROWS - 1])
def test_an_inserted_row_is_named(exported, row):
    lines, signer = exported
    at = rows_of(lines)[row]
    report = check([*lines[:at], lines[at - 1], *lines[at:]], signer)
    assert report.bad.first == row


def test_swapped_rows_are_named(exported):
    lines, signer = exported
    a, b = rows_of(lines)[5], rows_of(lines)[6]
    swapped = list(lines)
    swapped[a], swapped[b] = lines[b], lines[a]
    assert check(swapped, signer).bad.first == 5
    swapped[a], swapped[b] = change(lines[b], index=5), change(lines[a], index=6)
    report = check(swapped, signer)
    assert (report.bad.first, report.bad.last) == (4, 8)
    openings = list(lines)
    for to, of in ((a, b), (b, a)):
        said = json.loads(lines[of])
        openings[to] = change(lines[to], salt=said["salt"], opening=said["opening"])
    assert check(openings, signer).bad.first == 5


def test_a_cut_tail_is_named(exported):
    lines, signer = exported
    at = rows_of(lines)[12]
    assert check(lines[:at], signer).bad.first == 12
    last = json.loads(lines[-1])
    # the cut made to look whole: end line and header agree, the later checkpoint is gone or left standing
    head = change(lines[0], rows=12, checkpoints=2)
    whole = [head, *lines[1:at], json.dumps({**last, "rows": 12, "checkpoints": 2}) + "\n"]
    assert check(whole, signer).ok, "only somebody outside can know that there was more"
    newest = json.loads(lines[-2])["note"]
    assert check(whole, signer, seen=newest).bad.first == 12
    assert check(lines, signer, seen=newest).seen
    report = check([*whole[:-1], lines[-2], whole[-1]], signer)
    assert (report.bad.first, report.bad.last) == (12, ROWS - 1)


def test_a_forged_checkpoint_is_refused(exported):
    lines, signer = exported
    at = next(i for i, line in enumerate(lines) if '"checkpoint"' in line and json.loads(line)["type"] == "checkpoint")
    said = json.loads(lines[at])
    other = note.sign(note.Checkpoint(verify.verify(lines).origin, 4, b"\1" * 32), Ed25519PrivateKey.generate())
    wrong_root = note.sign(note.Checkpoint(verify.verify(lines).origin, 4, b"\1" * 32), signer.key)
    other_log = note.sign(note.Checkpoint("gwanje/other", 4, tree.EMPTY), signer.key)
    altered = said["note"].replace("\n4\n", "\n3\n", 1)
    for forged in (other, wrong_root, other_log, altered, "nothing"):
        report = check([*lines[:at], change(lines[at], note=forged), *lines[at + 1 :]], signer)
        assert report.bad is not None
        assert (report.bad.first, report.bad.last) in {(0, 3), (0, 4)}
    dropped = [*lines[:at], *lines[at + 1 :]]
    assert not check(dropped, signer).ok
    assert not verify.verify(lines, public_bytes(Ed25519PrivateKey.generate())).ok


def test_every_single_changed_byte_is_noticed(exported):
    lines, signer = exported
    text = "".join(lines).encode()
    quiet = []
    for at in range(0, len(text), 37):
        changed = bytearray(text)
        changed[at] ^= 1
        try:
            found = check(changed.decode().splitlines(keepends=True), signer).ok
        except UnicodeDecodeError:
            found = False
        if found:
            quiet.append(at)
    # only what proves nothing may change unnoticed: the header's date and the key that was given from outside
    assert all(at < len(lines[0].encode()) for at in quiet), [text[at - 20 : at + 20] for at in quiet]


def test_the_notary_refuses_a_rewritten_past(centre, exported):
    _, signer = exported
    assert signer.size == ROWS
    with database.connect(centre) as app:
        with app.transaction(), app.cursor() as cursor:
            ledger.append(cursor, centre.clock, Entry("test.row.written", "done"))
        sequencer = Sequencer(app, origin(centre.centre), signer)
        sequence_all(sequencer)
        genuine, signer.root = signer.root, b"\5" * 32
        with pytest.raises(PermissionError):
            sequencer.checkpoint()
        signer.root = genuine

        class Liar:
            def checkpoint(self, name, size, root, old_size, proof):
                return note.sign(note.Checkpoint(name, size, b"\6" * 32), signer.key)

        with pytest.raises(LedgerBroken):
            Sequencer(app, origin(centre.centre), Liar()).checkpoint()
        assert sequencer.checkpoint().size == ROWS + 1


def test_the_verifier_runs_alone(exported, tmp_path):
    lines, signer = exported
    alone = tmp_path / "verify.py"
    alone.write_text(Path(verify.__file__).read_text())
    (tmp_path / "ledger.jsonl").write_text("".join(lines))
    key = base64.b64encode(public_bytes(signer.key)).decode()
    argv = [sys.executable, "-I", str(alone), str(tmp_path / "ledger.jsonl"), "--key", key]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "이상 없음" in done.stdout
    (tmp_path / "ledger.jsonl").write_text("".join(lines[:-1]))
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 1


def test_the_signed_note_is_c2sp():
    # vector of the signed note format: text, blank line, em dash, name, base64(key hash ‖ signature)
    key = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    signed = note.sign(note.Checkpoint("example.com/log", 8, b"\2" * 32), key)
    text, line = signed.split("\n\n")
    assert text + "\n" == "example.com/log\n8\n" + base64.b64encode(b"\2" * 32).decode() + "\n"
    assert line.startswith("— example.com/log ")
    assert note.verify(signed, public_bytes(key), "example.com/log").size == 8
    for bad in (signed[:-1], signed.replace("8", "08", 1), signed.replace("log\n8", "log\n9"), "x"):
        with pytest.raises(note.BadNote):
            note.verify(bad, public_bytes(key))

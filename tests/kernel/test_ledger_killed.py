"""kill -9 of the whole PostgreSQL under load: no acknowledged row is lost, no checkpoint contradicts an earlier one."""

import contextlib
import os
import signal
import threading
from pathlib import Path
from uuid import uuid4

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import gwanje.kernel
from gwanje.apps.postgres import running
from gwanje.kernel import database, ledger
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import Entry, note, tree
from gwanje.kernel.ledger.sequence import Sequencer, sequence_all

SQL = Path(gwanje.kernel.__file__).parent / "sql"
WRITERS, ENOUGH = 4, 150


class Witnessing:
    """Signs like vaultd: only what continues the last head it has seen, and remembers every one."""

    def __init__(self):
        self.key, self.heads = Ed25519PrivateKey.generate(), [(0, tree.EMPTY)]

    def checkpoint(self, origin, size, root, old_size, proof):
        if old_size != self.heads[-1][0] or not tree.verify_consistency(*self.heads[-1], size, root, proof):
            raise PermissionError("not consistent")
        self.heads.append((size, root))
        return note.sign(note.Checkpoint(origin, size, root), self.key)


def test_a_killed_server_loses_no_acknowledged_row(tmp_path):
    home, signer, acknowledged, enough = Home.create(tmp_path / "centre"), Witnessing(), set(), threading.Event()

    def write():
        with contextlib.suppress(psycopg.OperationalError), database.connect(home) as db:
            while True:
                row = uuid4()
                with db.transaction(), db.cursor() as cursor:
                    ledger.append(cursor, home.clock, Entry("test.row.written", "done"), row=row)
                acknowledged.add(row)
                if len(acknowledged) >= ENOUGH and len(signer.heads) > 2:
                    enough.set()

    def order():
        with contextlib.suppress(psycopg.OperationalError), database.connect(home) as db:
            sequencer = Sequencer(db, "gwanje/killed", signer)
            while True:
                sequencer.step()
                sequencer.checkpoint()

    with running(home) as pid:
        with database.connect(home, "owner") as owner:
            owner.execute((SQL / "ledger.sql").read_text())
        threads = [threading.Thread(target=work) for work in (*[write] * WRITERS, order)]
        for thread in threads:
            thread.start()
        assert enough.wait(120)
        os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
    with running(home), database.connect(home) as db:
        there = {row for (row,) in db.execute("select row from ledger_leaf").fetchall()}
        assert acknowledged <= there
        # what was committed and not acknowledged may be there; nothing else
        assert len(there - acknowledged) <= WRITERS
        sequencer = Sequencer(db, "gwanje/killed", signer)
        sequence_all(sequencer)
        with contextlib.suppress(PermissionError):
            # vaultd's head may be ahead of ours by the answer that got lost: the second try begins there
            sequencer.checkpoint()
        places, leaves = zip(*db.execute("select idx, leaf from ledger_leaf order by idx").fetchall(), strict=True)
        assert places == tuple(range(len(there)))
        nodes = tree.nodes_of([bytes(leaf) for leaf in leaves])
        for size, root in signer.heads:
            assert tree.root(nodes, size) == root
        assert signer.heads[-1][0] == len(there)

"""The same classes against the ledger itself (관리대장 변조): its export and its published tiles.

Judges: ``kernel/ledger/verify.py`` over an export with a note kept outside, and an outside witness that has signed
before and looks again. Segment classes do not touch a ledger and are not counted here.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import random
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.apps import fetch
from gwanje.apps.witness import Found, Frozen, Log, Witness
from gwanje.kernel.ledger import cosign, note, tiles, tree
from gwanje.kernel.ledger.cosign import VKey
from gwanje.kernel.ledger.verify import verify

ORIGIN = "gwanje.test/ledger"
CLASSES = (
    "row edit", "row delete", "row insert", "tail cut", "backup rollback", "fork", "log-key theft", "partial tile",
    "witness offline",
)  # fmt: skip


@dataclass
class Row:
    """A leaf with its opening."""

    leaf: bytes
    salt: bytes
    opening: bytes


def row(r: random.Random) -> Row:
    """A true row."""
    salt, opening = r.randbytes(32), r.randbytes(r.randrange(20, 80))
    mac = hmac.digest(salt, b"gwanje/v1/leaf\0" + opening, "sha256")
    return Row(b"\1" + r.randbytes(16) + r.randbytes(8) + mac, salt, opening)


def signed(rows: list[Row], size: int, key: Ed25519PrivateKey) -> str:
    """A checkpoint's note."""
    nodes = tree.nodes_of([each.leaf for each in rows[:size]])
    return note.sign(note.Checkpoint(ORIGIN, size, tree.root(nodes, size)), key)


def export(rows: list[Row], notes: list[tuple[int, str]], public: bytes) -> list[str]:
    """Lines as ``kernel/ledger/export.py`` writes them."""

    def b64(data: bytes) -> str:
        return base64.b64encode(data).decode()

    counts = {"rows": len(rows), "checkpoints": len(notes)}
    head = {"type": "header", "format": "gwanje ledger 1", "origin": ORIGIN, "key": b64(public), **counts}
    lines, waiting = [json.dumps(head)], list(notes)
    for index, each in enumerate(rows):
        node = hashlib.sha256(b"\0" + each.leaf).digest()
        said = {"type": "row", "index": index, "leaf": b64(each.leaf), "node": b64(node)}
        lines.append(json.dumps({**said, "salt": b64(each.salt), "opening": b64(each.opening)}))
        while waiting and waiting[0][0] == index + 1:
            size, text = waiting.pop(0)
            lines.append(json.dumps({"type": "checkpoint", "size": size, "note": text}))
    lines += [json.dumps({"type": "checkpoint", "size": size, "note": text}) for size, text in waiting]
    return [*lines, json.dumps({"type": "end", **counts})]


def altered(r: random.Random, rows: list[Row], name: str, seen: int) -> list[Row]:
    """Another history; what lies before ``seen`` was witnessed."""
    out, at = list(rows), r.randrange(1, seen)
    if name in ("row edit", "fork", "log-key theft", "witness offline"):
        for index in range(at, at + 1 if name == "row edit" else len(out)):
            out[index] = row(r)
    elif name == "row delete":
        del out[at]
    elif name == "row insert":
        out.insert(at, row(r))
    elif name in ("tail cut", "backup rollback"):
        del out[at:]
    return out


def publish(folder: Path, rows: list[Row], text: str) -> None:
    """Tiles and checkpoint as the worker publishes them."""
    leaves = [each.leaf for each in rows]
    nodes = tree.nodes_of(leaves)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for tile in tiles.changed(0, len(rows)):
        path, first = folder / tile.path, tile.index * tiles.WIDTH
        path.parent.mkdir(parents=True, exist_ok=True)
        if tile.level is None:
            path.write_bytes(tiles.bundle(leaves[first : first + tile.width]))
        else:
            path.write_bytes(b"".join(nodes(8 * tile.level, first + i) for i in range(tile.width)))
    (folder / "checkpoint").write_text(text)


def spoil(r: random.Random, folder: Path) -> None:
    """A tile or an entry bundle with another byte, or shorter than it says."""
    path = r.choice(sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "checkpoint"))
    data = bytearray(path.read_bytes())
    if r.random() < 0.5:
        data[r.randrange(len(data))] ^= 1 << r.randrange(8)
    else:
        del data[-r.randrange(1, 33) :]
    path.write_bytes(data)


class Scene:
    """A ledger that a witness has signed once, and its keys."""

    def __init__(self, folder: Path, r: random.Random) -> None:
        self.folder, self.r = folder, r
        self.key, self.other = (Ed25519PrivateKey.from_private_bytes(r.randbytes(32)) for _ in range(2))
        self.public = self.key.public_key().public_bytes_raw()
        self.rows = [row(r) for _ in range(r.randrange(30, 600))]
        self.seen = r.randrange(10, len(self.rows))
        self.outside = signed(self.rows, self.seen, self.key)

    def export(self, rows: list[Row], key: Ed25519PrivateKey) -> bool:
        """Does the offline verifier find nothing, with the centre's key and a note kept outside?"""
        sizes = sorted({min(self.seen, len(rows)), len(rows)} - {0})
        if key is self.key:
            notes = [(size, signed(rows, size, key)) for size in sizes]
        else:
            # the true notes of before, over other rows
            notes = [(size, signed(self.rows, min(size, len(self.rows)), self.key)) for size in sizes]
        return verify(export(rows, notes, self.public), self.public, self.outside).ok

    def witnessed(self, rows: list[Row], key: Ed25519PrivateKey, name: str) -> bool:
        """Does a witness that signed ``seen`` rows see nothing when it looks again?"""
        place = self.folder / f"{self.r.randrange(1 << 60):x}"
        log = Log(VKey(ORIGIN, self.public, cosign.ED25519), str(place / "log"))
        witness = Witness.create(place / "witness", "witness.test/1")
        witness.add(log)
        publish(place / "log", self.rows[: self.seen], self.outside)
        witness.follow(log)
        text = signed(rows, len(rows), key)
        if rows:
            publish(place / "log", rows, text)
        if name == "partial tile":
            spoil(self.r, place / "log")
        try:
            with contextlib.suppress(fetch.Unreachable):
                witness.follow(log)
                return True
            return False
        except (Found, Frozen):
            return False
        finally:
            shutil.rmtree(place)


def one(folder: Path, r: random.Random, name: str) -> bool:
    """Is this manipulation found? Whose key the attacker has decides which judge must find it."""
    scene = Scene(folder, r)
    rows = altered(r, scene.rows, name, scene.seen)
    stolen = name in ("log-key theft", "fork", "witness offline") or r.random() < 0.5
    if name == "partial tile":
        return not scene.witnessed(scene.rows, scene.key, name)
    if name == "witness offline":
        # nobody followed since: the note that somebody kept is what is left
        return not scene.export(rows, scene.key)
    key = scene.key if stolen else scene.other
    if r.random() < 0.5:
        return not scene.export(rows, key)
    return not scene.witnessed(rows, key, name)


def run(folder: Path, seed: int, count: int) -> dict[str, Any]:
    """``count`` manipulated ledgers and as many true ones."""
    tried: Counter[str] = Counter()
    missed: list[str] = []
    alarms = 0
    for number in range(count):
        r, name = random.Random(f"{seed}/ledger/{number}"), CLASSES[number % len(CLASSES)]
        tried[name] += 1
        if not one(folder, r, name):
            missed.append(f"{number} {name}")
        scene = Scene(folder, r)
        quiet = scene.export(scene.rows, scene.key) and scene.witnessed(scene.rows, scene.key, "")
        alarms += not quiet
    return {
        "changed": count, "classes": dict(sorted(tried.items())), "missed": len(missed), "missed_first": missed[:5],
        "clean": count, "false_alarms": alarms,
    }  # fmt: skip

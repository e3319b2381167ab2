"""``./dev bench evidence [--seconds N] [--mbit F] --json FILE``: how long a stranger needs to check an hour of video.

A bundle of one camera's seconds is made by the product's own writers with a proof for every part; then the stand-alone
verifier checks all of it with its passphrase. Beside it, in the same run and one thread: reading the file and hashing
as many bytes as the verifier has to (file, parts, clip as made, clip as opened). The verifier hashes two files at once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gwanje.kernel import cose
from gwanje.kernel.ledger import minutes, note, proofs, tree
from gwanje.kernel.ledger.entry import leaf_bytes, opening_bytes
from gwanje.media import fmp4
from gwanje.vault import merkle, parts
from gwanje.vault.bundle import archive, clip, manifest
from gwanje.vault.bundle.age import Locked
from gwanje.vault.bundle.container import Container, about_digest
from gwanje.vault.segment import SegmentHeader
from gwanje_verify import formats
from gwanje_verify import verify as alone
from tools.attack._bundles import ABOUT, BEGAN_S, CAMERA, CENTRE, INIT, ORIGIN, SLOT, Keys

PASSPHRASE = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"
FILE_S, LEDGER, SEGMENTS = 300, 1 << 20, 500
FRAMES = 15


def fragment(second: int, size: int) -> bytes:
    """One second: moof with 15 samples, and an mdat of random bytes."""
    each = size // FRAMES
    rows = b"".join(struct.pack(">III", 6000, each, fmp4.SYNC if n == 0 else fmp4.NON_SYNC) for n in range(FRAMES))
    body = os.urandom(each * FRAMES)
    buffer = bytearray(fmp4.HEAD_MAX + len(rows)) + body
    at = len(buffer) - len(body)
    return bytes(buffer[fmp4.put_head(buffer, at, rows, 1, second * 90_000, len(body), False) :])


class Made:
    """A bundle on the disk, second by second, and the figures of its making."""

    def __init__(self, folder: Path, keys: Keys, seconds: int, size: int) -> None:
        self.folder, self.keys, self.first = folder, keys, BEGAN_S // 3600 * 3600
        self.until, self.size = self.first + seconds, size
        self.salt = os.urandom(32)
        self.parts: list[tuple[SegmentHeader, int, bytes]] = []
        self.video = 0

    def files(self) -> tuple[dict[str, Path], dict[str, list[Any]], dict[str, Any]]:
        """The two locked files, what the manifest says of them, and the clip's entry."""
        paths = {name: self.folder / name for name in ("sealed.age", "clip-1.mp4.age")}
        with paths["sealed.age"].open("wb") as one, paths["clip-1.mp4.age"].open("wb") as two:
            sealed, film = Locked(one, passphrase=PASSPHRASE), Locked(two, passphrase=PASSPHRASE)
            container, base = Container(sealed, ABOUT, self.salt), self.first * 90_000
            film.write(INIT)
            for second in range(self.first, self.until):
                for plain in self._second(container, second):
                    film.write(clip.shifted(plain, base))
            container.close()
            film.close()
        said = {"sealed.age": [sealed.size, sealed.digest], "clip-1.mp4.age": [film.size, film.digest]}
        entry = {
            "name": "clip-1.mp4.age", "size": film.plain_size, "sha256": film.plain_digest, "from": 1,
            "until": len(self.parts), "base": base,
        }  # fmt: skip
        return paths, said, entry

    def _second(self, container: Container, second: int) -> list[bytes]:
        if (second - self.first) % FILE_S == 0:
            digest = hashlib.sha256(INIT).digest()
            fields = (1, second // 3600, SLOT, 0, os.urandom(16), 1, b"w" * 16, second * 1_000_000, CENTRE, digest)
            self.head, self.ordinal = SegmentHeader(*fields), 0
        okm, out = parts.okm(os.urandom(32), self.head.segment_id), bytearray(self.size + 4096)
        key, plain = parts.PartKey(okm), fragment(second, self.size)
        for kind, flags, data in ((parts.INIT, 0, INIT), (parts.VIDEO, parts.FLAG_IDR, plain)):
            start_us = second * 1_000_000 + self.ordinal
            size = parts.seal_into(
                memoryview(out), key, self.head.segment_id, kind, flags, second % 3600, self.ordinal, start_us, 0, data
            )  # fmt: skip
            part = bytes(out[:size])
            container.part(self.head.pack(), second % 3600, okm, part)
            self.parts.append((self.head, self.ordinal, parts.part_hash(part)))
            self.ordinal += 1
        self.video += len(plain)
        return [plain]

    def ledger(self) -> tuple[bytes, str, list[Any], int]:
        """(proofs.bin, note, [size, root], longest proof): a minute of 500 segments a file, a million rows."""
        r = random.Random(1)
        leaves = [r.randbytes(57) for _ in range(LEDGER)]
        by_head: dict[SegmentHeader, list[bytes]] = {}
        for head, _, digest in self.parts:
            by_head.setdefault(head, []).append(digest)
        sealed: dict[SegmentHeader, proofs.Sealed] = {}
        for number, (head, hashes) in enumerate(by_head.items()):
            grown = minutes.Growing()
            for value in hashes:
                grown.add(value)
            leaf = minutes.segment_leaf(head.segment_id, grown.size, grown.root())
            minute = minutes.Minute(b"w" * 16, (self.first // 60 + 5 * number) * 60, r.randbytes(32 * SEGMENTS) + leaf)
            root = tree.root(minute.nodes(), minute.count)
            opening = opening_bytes(minutes.entry(b"w" * 16, minute.minute_s, minute.count, root))
            at = proofs.Sealed(minute, minute.row, self.until * 1_000_000, r.randbytes(32), r.randrange(LEDGER))
            leaves[at.index] = leaf_bytes(at.row, at.at_us, at.salt, opening)
            sealed[head] = at
        nodes = tree.nodes_of(leaves)
        out = bytearray(b"GWPRF\0\1\n")
        longest = 0
        for head, ordinal, digest in self.parts:
            meant = proofs.Part(head.segment_id, by_head[head], ordinal)
            proof = proofs.part_proof(meant, sealed[head], LEDGER, nodes)
            longest = max(longest, len(proof))
            out += digest + head.segment_id + len(proof).to_bytes(2, "big") + proof
        point = note.Checkpoint(ORIGIN, LEDGER, tree.root(nodes, LEDGER))
        return bytes(out), note.sign(point, self.keys.log), [LEDGER, point.root], longest

    def bundle(self) -> tuple[Path, int]:
        """Write it; (path, longest proof)."""
        paths, said, entry = self.files()
        evidence, text, point, longest = self.ledger()
        body: dict[str, Any] = {
            "v": 1, "kind": manifest.ORIGINAL, "mask": None, "id": bytes(16), "centre": CENTRE.bytes,
            "permit": bytes(16), "decision": bytes(32), "about": about_digest(ABOUT, self.salt),
            "key": cose.public_bytes(self.keys.permit), "camera": CAMERA.bytes, "slot": SLOT, "stream": 0,
            "first": self.first, "until": self.until, "made": self.until * 1_000_000, "parts": len(self.parts),
            "parts_root": merkle.root([digest for _, _, digest in self.parts]),
            "checkpoint_key": cose.public_bytes(self.keys.log), "checkpoint": point, "clips": [entry], "files": {},
            "missing": [],
        }  # fmt: skip
        small = {"proofs.bin": evidence, "checkpoint.txt": text.encode(), "manifest.json": manifest.readable(body)}
        said |= {name: [len(data), hashlib.sha256(data).digest()] for name, data in small.items()}
        body["files"] = said
        small["manifest.cose"] = cose.sign(manifest.KIND, body, self.keys.permit)
        for name, data in small.items():
            (self.folder / name).write_bytes(data)
            paths[name] = self.folder / name
        out = self.folder / "evidence.zip"
        with out.open("wb") as target:
            archive.write(target, [(name, path.open("rb")) for name, path in paths.items()])
        for path in paths.values():
            path.unlink()
        return out, longest


class Watch:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """(wall, CPU) so far."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def hashed(path: Path, more: int) -> tuple[float, float]:
    """(wall, CPU) seconds of one thread that reads the file, hashing it, and hashes ``more`` bytes out of memory.

    Out of memory, not out of the processor's cache: no verifier has the same megabyte again and again.
    """
    memory, step = memoryview(os.urandom(1 << 26)), 1 << 18
    block, watch, digest = bytearray(step), Watch(), hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(block):
            digest.update(memoryview(block)[:size])
    for start in range(0, more, step):
        at = start % len(memory)
        digest.update(memory[at : at + step])
    return watch.read()


def unlocked(path: Path, secret: tuple[str, bytes]) -> float:
    """CPU seconds to open the two locked files (ChaCha20-Poly1305) and do nothing with them."""
    boxes = formats.members(memoryview(path.read_bytes()))
    began = time.process_time()
    for name in ("sealed.age", "clip-1.mp4.age"):
        for _ in formats.unlock(boxes[name], secret):
            pass
    return time.process_time() - began


def main() -> int:
    """Make, check, print."""
    parser = argparse.ArgumentParser(prog="./dev bench evidence")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--mbit", type=float, default=2.0, help="the camera's rate")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    keys = Keys(1)
    with tempfile.TemporaryDirectory(prefix="gwanje-evidence-") as folder:
        began = time.perf_counter()
        made = Made(Path(folder), keys, given.seconds, int(given.mbit * 125_000))
        path, longest = made.bundle()
        making = time.perf_counter() - began
        secret = ("passphrase", PASSPHRASE.encode())
        hashing, hashing_cpu = hashed(path, 3 * made.video)
        watch = Watch()
        report = alone.verify(path, key=cose.public_bytes(keys.permit), secret=secret)
        took, cpu = watch.read()
        unlocking = unlocked(path, secret)
        size = path.stat().st_size
    figures = {
        "seconds_of_video": given.seconds, "mbit_s": given.mbit, "parts": len(made.parts), "bundle_bytes": size,
        "verified": report.code == 0, "verify_s": round(took, 2), "verify_cpu_s": round(cpu, 2),
        "read_and_hash_s": round(hashing, 2), "read_and_hash_cpu_s": round(hashing_cpu, 2),
        "unlock_cpu_s": round(unlocking, 2), "beyond_read_and_hash_s": round(took - hashing, 2),
        "beyond_read_and_hash_cpu_s": round(cpu - hashing_cpu, 2),
        "beyond_read_hash_and_unlock_cpu_s": round(cpu - hashing_cpu - unlocking, 2), "proof_bytes_max": longest,
        "load_1min": round(os.getloadavg()[0], 1),
        "made_s": round(making, 1), "cpus": os.cpu_count(), "python": platform.python_version(),
    }  # fmt: skip
    text = json.dumps(figures, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text)
    return 0 if report.code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

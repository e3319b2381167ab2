"""Any byte (아무 바이트): one to three flipped, cut or put in anywhere, with everything around it made right again.

The insider signs the manifest over what came out and locks the containers anew, so that each reader's inner checks are
asked and not only the first digest; where the two verifiers read bytes differently, this finds it.
"""

from __future__ import annotations

import hashlib
import io
import random

from gwanje.kernel import cose
from gwanje.kernel.canonical import decode, encode
from gwanje.vault.bundle import manifest
from gwanje.vault.bundle.age import Locked
from gwanje_verify import formats
from tools.attack._bundles import Case, Keys, boxed, boxes_of


def spoilt(r: random.Random, data: bytes, times: int = 1) -> bytes:
    """The bytes with something else in them."""
    out = bytearray(data)
    for _ in range(times):
        at, way = r.randrange(len(out)), r.randrange(4)
        if way < 2:
            out[at] ^= 1 << r.randrange(8)
        elif way == 2:
            del out[at : at + r.randrange(1, 9)]
        else:
            out[at:at] = r.randbytes(r.randrange(1, 9))
    return bytes(out)


def _relocked(r: random.Random, keys: Keys, locked: bytes) -> bytes:
    """A container with other bytes inside, locked as if it had always been so."""
    plain = b"".join(formats.unlock(memoryview(locked), ("identity", keys.identity)))
    raw = io.BytesIO()
    lock = Locked(raw, recipients=[keys.recipient])
    lock.write(spoilt(r, plain, r.randrange(1, 4)))
    lock.close()
    return raw.getvalue()


def _signed(keys: Keys, protected: bytes, payload: bytes) -> bytes:
    """COSE_Sign1 over whatever bytes the payload has."""
    covered = encode(["Signature1", protected, b"gwanje/v1/bundle", payload])
    return encode([protected, {}, payload, keys.permit.sign(covered)])


def any_byte(r: random.Random, case: Case) -> tuple[str, bytes]:
    """(where the attacker stood, the bundle)."""
    data, keys, way = case.build(), case.keys, r.randrange(6)
    if way == 0:
        return "holder", spoilt(r, data)
    boxes = boxes_of(data)
    protected, _, payload, _ = decode(boxes["manifest.cose"])
    if way == 1:
        boxes["manifest.cose"] = _signed(keys, protected, spoilt(r, payload))
        return "insider", boxed(boxes)
    if way == 2:
        boxes["sealed.age"] = _relocked(r, keys, boxes["sealed.age"])
    elif way in (3, 4):
        name = ("checkpoint.txt", "proofs.bin")[way - 3]
        boxes[name] = spoilt(r, boxes[name])
    else:
        name = r.choice(("sealed.age", "clip-1.mp4.age"))
        head = r.choice((200, len(boxes[name])))
        boxes[name] = spoilt(r, boxes[name][:head]) + boxes[name][head:]
    body = decode(payload)
    body["files"] = {
        name: [len(each), hashlib.sha256(each).digest()]
        for name, each in sorted(boxes.items())
        if name != "manifest.cose"
    }
    boxes["manifest.cose"] = cose.sign(manifest.KIND, body, keys.permit)
    return "insider", boxed(boxes)

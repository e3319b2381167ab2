"""What is done to a bundle (변조 부류): the classes of the evidence goals, each in several ways and from each place.

A change gets a whole ``Case`` and gives back the bytes of what an attacker would hand out.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

from gwanje.kernel import cose
from gwanje.kernel.ledger import cosign, note
from gwanje.vault import parts
from tools.attack._bundles import (
    BEGAN_S,
    SLOT,
    Case,
    Piece,
    boxed,
    boxes_of,
    fragment,
    piece,
    seal_minute,
    segment,
    without_sei,
)
from tools.attack._bytes import any_byte

Change = Callable[[random.Random, Case], None]


def _video(r: random.Random, case: Case) -> int:
    return r.choice([n for n, each in enumerate(case.pieces) if each.header.kind == parts.VIDEO])


def _flipped(r: random.Random, data: bytes, start: int = 0) -> bytes:
    out = bytearray(data)
    out[r.randrange(start, len(out))] ^= 1 << r.randrange(8)
    return bytes(out)


def _forged_note(case: Case) -> None:
    """The old signatures under another size and root: without the ledger's key there is nothing better."""
    text = note.Checkpoint(note.parse(case.note)[0].origin, case.size, case.root).text()
    case.note = text + case.note[case.note.rindex("\n\n") + 1 :]


def row_edit(r: random.Random, case: Case) -> None:
    """The minute's row says something else: a field of its proof, or its leaf in the tree."""
    if r.random() < 0.5:
        n = r.randrange(len(case.proofs))
        case.proofs[n] = _flipped(r, case.proofs[n], 5)
        return
    index = r.randrange(len(case.leaves))
    case.leaves[index] = _flipped(r, case.leaves[index])
    case.prove()
    _forged_note(case)


def row_delete(r: random.Random, case: Case) -> None:
    """A row before the minute's is gone."""
    del case.leaves[r.randrange(case.sealed.index)]
    case.sealed = dataclasses.replace(case.sealed, index=case.sealed.index - 1)
    case.prove()
    _forged_note(case)


def row_insert(r: random.Random, case: Case) -> None:
    """A row before the minute's was put in."""
    case.leaves.insert(r.randrange(case.sealed.index + 1), r.randbytes(57))
    case.sealed = dataclasses.replace(case.sealed, index=case.sealed.index + 1)
    case.prove()
    _forged_note(case)


def tail_cut(r: random.Random, case: Case) -> None:
    """Rows behind the minute's are gone."""
    del case.leaves[r.randrange(case.sealed.index + 1, len(case.leaves)) :]
    case.prove()
    _forged_note(case)


def rollback(r: random.Random, case: Case) -> None:
    """The ledger as a backup from before has it: a true checkpoint that is too old."""
    point = note.parse(case.old_note)[0]
    case.note, case.size, case.root = case.old_note, point.size, point.root
    if r.random() < 0.5:
        case.proofs = [b""] * len(case.proofs)


def fork(r: random.Random, case: Case) -> None:
    """Another history from some row on, signed by another key under the same name."""
    for index in range(r.randrange(len(case.leaves)), len(case.leaves)):
        if index != case.sealed.index:
            case.leaves[index] = r.randbytes(57)
    case.prove()
    lines = case.note[case.note.rindex("\n\n") + 2 :].splitlines()[1:]
    case.sign_note(case.keys.stranger, witnessed=False)
    case.log_key = cose.public_bytes(case.keys.stranger)
    case.note = cosign.with_lines(case.note, lines)


def segment_swap(r: random.Random, case: Case) -> None:
    """Two seconds change places, or one comes from another camera or another hour's file."""
    n = _video(r, case)
    if r.random() < 0.4:
        other = r.choice([m for m, each in enumerate(case.pieces) if each.header.kind == parts.VIDEO and m != n])
        for listed in (case.pieces, case.hashes, case.proofs):
            listed[n], listed[other] = listed[other], listed[n]
        return
    mine = case.pieces[n].header
    head = segment(r, r.choice((SLOT, SLOT + 1)), BEGAN_S)
    okm = parts.okm(r.randbytes(32), head.segment_id)
    second = head.epoch * 3600 + mine.tick
    case.pieces[n] = piece(r, head, (parts.VIDEO, mine.ordinal, second), okm)
    if r.random() < 0.5:
        case.hashes[n] = parts.part_hash(case.pieces[n].sealed())


def segment_cut(r: random.Random, case: Case) -> None:
    """A second is left out and everything else is made to fit."""
    n = _video(r, case)
    for listed in (case.pieces, case.hashes, case.proofs):
        del listed[n - 1 : n + 1]
    if not case.pieces:
        raise ValueError


def _replaced(r: random.Random, case: Case, n: int, made: Piece) -> None:
    """Another part in place of one; its hash and, if the attacker cares, its neighbour's proof with it."""
    header = dataclasses.replace(made.header, length=len(made.plain))
    case.pieces[n] = dataclasses.replace(made, header=header)
    if r.random() < 0.7:
        case.hashes[n] = parts.part_hash(case.pieces[n].sealed())


def re_encode(r: random.Random, case: Case) -> None:
    """Another picture under the same second's key: whoever has the bundle has that key."""
    n = _video(r, case)
    second = case.pieces[n].segment.epoch * 3600 + case.pieces[n].header.tick
    plain = (
        fragment(r, second) if r.random() < 0.5 else _flipped(r, case.pieces[n].plain, len(case.pieces[n].plain) - 80)
    )
    _replaced(r, case, n, case.pieces[n].with_plain(plain))


def time_shift(r: random.Random, case: Case) -> None:
    """The parts say another second, or the clip begins at another time, or the manifest names another range."""
    way = r.randrange(3)
    if way == 0:
        n = _video(r, case)
        _replaced(r, case, n, case.pieces[n].moved(r.choice((-2, -1, 1, 2))))
    elif way == 1:
        case.base_shift = r.choice((-90_000, -1, 1, 90_000))
    else:
        case.first, case.until = (case.first + 1, case.until + 1) if r.random() < 0.5 else (case.first, case.until - 1)


def sei_strip(r: random.Random, case: Case) -> None:
    """What the camera signed inside its stream is taken out: of the clip only, or of the sealed part, too."""
    if r.random() < 0.5:
        case.film = without_sei
        return
    n = _video(r, case)
    _replaced(r, case, n, case.pieces[n].with_plain(without_sei(case.pieces[n].plain)))


def key_swap(r: random.Random, case: Case) -> None:
    """All of it signed by a stranger, who says that it is the centre's key."""
    case.signer = case.keys.stranger
    if r.random() < 0.5:
        case.sign_note(case.keys.stranger)
        case.log_key = cose.public_bytes(case.keys.stranger)


def log_key_theft(r: random.Random, case: Case) -> None:
    """Another picture, a minute that seals it, a whole ledger and a checkpoint under the ledger's own stolen key."""
    n = _video(r, case)
    made = case.pieces[n].with_plain(fragment(r, case.first))
    header = dataclasses.replace(made.header, length=len(made.plain))
    case.pieces[n] = dataclasses.replace(made, header=header)
    case.all_hashes[case.pieces[n].header.ordinal] = parts.part_hash(case.pieces[n].sealed())
    seal_minute(case)
    case.prove()
    lines = case.note[case.note.rindex("\n\n") + 2 :].splitlines()[1:]
    case.sign_note(case.keys.log, witnessed=False)
    case.note = cosign.with_lines(case.note, lines)


def witness_offline(r: random.Random, case: Case) -> None:
    """No outside witness has seen this checkpoint; or its line is another's, or says another time."""
    text, plain = note.parse(case.note)[1], case.note.splitlines()[:-1]
    case.note = "\n".join(plain) + "\n"
    way = r.randrange(3)
    if way == 1:
        line = cosign.cosign(text, case.keys.stranger, case.keys.vkey.name, case.until)
        case.note = cosign.with_lines(case.note, [line])
    elif way == 2:
        old = cosign.cosign(note.parse(case.old_note)[1], case.keys.witness, case.keys.vkey.name, case.until)
        case.note = cosign.with_lines(case.note, [old])


def partial_tile(r: random.Random, case: Case) -> None:
    """Hashes of a tile are missing or others: the audit path ends early, is longer, or has another's hash."""
    n = r.randrange(len(case.proofs))
    proof, way = bytearray(case.proofs[n]), r.randrange(3)
    if way == 0:
        del proof[-32:]
        proof[119] -= 1
    elif way == 1:
        proof += r.randbytes(32)
        proof[119] += 1
    else:
        at = len(proof) - 32 * r.randrange(1, proof[119] + 1)
        proof[at : at + 32] = r.randbytes(32)
    case.proofs[n] = bytes(proof)


ANY_BYTE = "any byte"
CLASSES: dict[str, Change] = {
    "row edit": row_edit,
    "row delete": row_delete,
    "row insert": row_insert,
    "tail cut": tail_cut,
    "backup rollback": rollback,
    "fork": fork,
    "segment swap": segment_swap,
    "segment cut": segment_cut,
    "segment re-encode": re_encode,
    "time shift": time_shift,
    "SEI strip": sei_strip,
    "key swap": key_swap,
    "log-key theft": log_key_theft,
    "witness offline": witness_offline,
    "partial tile": partial_tile,
}
NAMES = (*CLASSES, ANY_BYTE)


def attacked(r: random.Random, case: Case, name: str) -> tuple[str, bytes]:
    """(where the attacker stood, the bundle). A holder cannot sign: the manifest stays the true one."""
    if name == ANY_BYTE:
        return any_byte(r, case)
    whole = boxes_of(case.build()) if r.random() < 0.4 else None
    CLASSES[name](r, case)
    made = case.build()
    if whole is None or name in ("key swap", "log-key theft"):
        return "insider", made
    boxes = boxes_of(made)
    boxes["manifest.cose"] = whole["manifest.cose"]
    if r.random() < 0.5:
        boxes["manifest.json"] = whole["manifest.json"]
    return "holder", boxed(boxes)

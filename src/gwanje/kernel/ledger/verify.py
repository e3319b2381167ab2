"""Offline verifier of an exported ledger (관리대장 검증): the standard library and one Ed25519 library, nothing else.

This file stands alone on purpose: an auditor may copy it, read it, and run ``python verify.py FILE --key KEY``.
It shares no code with the ledger that it checks. It names the first bad row and says what is wrong with it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "gwanje ledger 1"
LINE_MAX = 256 * 1024


class Bad(Exception):
    """Something does not verify: first row concerned, last row concerned (None: to the end), and what."""

    def __init__(self, first: int, last: int | None, ko: str, en: str) -> None:
        super().__init__(en)
        self.first, self.last, self.ko, self.en = first, last, ko, en


@dataclass
class Report:
    """What was read and found; ``ok`` only when nothing was wrong and the file was whole."""

    rows: int = 0
    opened: int = 0
    erased: int = 0
    checkpoints: int = 0
    witnessed: int = 0
    origin: str = ""
    head: str = ""
    key: str = ""
    bad: Bad | None = None
    seen: bool = False
    # witness → (newest size that it signed, when in Unix seconds)
    witnesses: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return self.bad is None

    def as_json(self) -> dict[str, Any]:
        """Counts and, if something is wrong, where."""
        wrong = self.bad
        return {
            "ok": self.ok,
            "rows": self.rows,
            "opened": self.opened,
            "erased": self.erased,
            "checkpoints": self.checkpoints,
            "witnessed": self.witnessed,
            "origin": self.origin,
            "head": self.head,
            "key": self.key,
            "seen": self.seen,
            "witnesses": {name: {"size": size, "at": at} for name, (size, at) in self.witnesses.items()},
            "bad": None
            if wrong is None
            else {"first": wrong.first, "last": wrong.last, "ko": wrong.ko, "en": wrong.en},
        }


@dataclass
class Tree:
    """The right edge of an RFC 9162 tree: complete subtrees, largest first, as (leaves, hash)."""

    size: int = 0
    edge: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, leaf_hash: bytes) -> None:
        """One more leaf."""
        count, value = 1, leaf_hash
        while self.edge and self.edge[-1][0] == count:
            left = self.edge.pop()[1]
            count, value = 2 * count, hashlib.sha256(b"\x01" + left + value).digest()
        self.edge.append((count, value))
        self.size += 1

    def root(self) -> bytes:
        """Root over all leaves so far."""
        if not self.edge:
            return hashlib.sha256(b"").digest()
        value = self.edge[-1][1]
        for _, left in reversed(self.edge[:-1]):
            value = hashlib.sha256(b"\x01" + left + value).digest()
        return value


def _b64(value: Any, what: str, row: int) -> bytes:
    try:
        data = base64.b64decode(value, validate=True)
        if base64.b64encode(data).decode() != value:
            raise ValueError("spare bits are set")
    except (ValueError, TypeError) as error:
        raise Bad(row, row, f"{row}번 기록의 {what}을(를) 읽을 수 없습니다", f"row {row}: unreadable {what}") from error
    return data


class Verifier:
    """Feed it the lines in order; ``Bad`` is raised at the first thing that does not verify."""

    def __init__(
        self, key: bytes | None, seen: str | None = None, witnesses: Sequence[str] = (), quorum: int = 0
    ) -> None:
        self.report, self._key, self._tree, self._good = Report(), key, Tree(), 0
        self._witnesses, self._quorum = [_witness(text) for text in witnesses], quorum
        self._header: dict[str, Any] = {}
        self._ended, self._last_size = False, -1
        self._seen = None if seen is None else _note(seen)
        self._rows_seen: set[bytes] = set()

    def line(self, text: str) -> None:
        """One line of the export."""
        try:
            said = json.loads(text)
            kind = said["type"]
        except (ValueError, KeyError, TypeError) as error:
            at = self._tree.size
            raise Bad(at, at, f"{at}번 기록 자리의 줄을 읽을 수 없습니다", f"row {at}: unreadable line") from error
        if not self._header and kind != "header":
            raise Bad(0, None, "첫 줄이 머리글이 아닙니다", "the file does not begin with its header")
        if self._ended:
            at = self._tree.size
            raise Bad(at, None, "끝 줄 뒤에 줄이 더 있습니다", "lines follow the end")
        step = {"header": self._begin, "row": self._row, "checkpoint": self._checkpoint, "end": self._end}.get(kind)
        if step is None:
            at = self._tree.size
            raise Bad(at, at, f"{at}번 자리에 모르는 줄이 있습니다", f"row {at}: a line of unknown type")
        step(said)

    def _begin(self, said: dict[str, Any]) -> None:
        if self._header or said.get("format") != FORMAT:
            at = self._tree.size
            raise Bad(at, None, "다른 형식이거나 머리글이 두 번입니다", "another format, or a second header")
        self._header = said
        if self._key is None:
            self._key = _b64(said.get("key"), "key", 0)
        self.report.origin = str(said.get("origin"))
        self.report.key = base64.b64encode(self._key).decode()

    def _row(self, said: dict[str, Any]) -> None:
        at, index = self._tree.size, said.get("index")
        if index != at:
            after = isinstance(index, int) and index > at
            ko = f"{at}번 기록이 없습니다" if after else f"{at}번 자리에 다른 기록이 끼어 있습니다"
            en = "is missing" if after else "is taken by another row"
            raise Bad(at, at, f"{ko} (실제 번호 {index})", f"row {at} {en} (found index {index})")
        leaf = _b64(said.get("leaf"), "leaf", at)
        if len(leaf) != 57 or leaf[0] != 1:
            raise Bad(at, at, f"{at}번 기록의 잎이 판 1의 57바이트가 아닙니다", f"row {at}: the leaf is not version 1")
        leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
        if _b64(said.get("node"), "node", at) != leaf_hash:
            raise Bad(at, at, f"{at}번 기록의 잎이 고쳐졌습니다", f"row {at}: the leaf was altered (node hash differs)")
        self._opening(said, leaf, at)
        self._tree.add(leaf_hash)
        self.report.rows = self._tree.size

    def _opening(self, said: dict[str, Any], leaf: bytes, at: int) -> None:
        salt, opening = said.get("salt"), said.get("opening")
        if salt is None and opening is None:
            self.report.erased += 1
            return
        covered = b"gwanje/v1/leaf\x00" + _b64(opening, "opening", at)
        if not hmac.compare_digest(hmac.digest(_b64(salt, "salt", at), covered, "sha256"), leaf[25:]):
            raise Bad(at, at, f"{at}번 기록의 내용이 잎과 다릅니다", f"row {at}: the opening does not match its leaf")
        self.report.opened += 1

    def _checkpoint(self, said: dict[str, Any]) -> None:
        at, first = self._tree.size, self._good
        try:
            origin, size, root, text, signatures = _note(str(said["note"]))
        except (KeyError, ValueError) as error:
            raise Bad(
                first, at, f"{at}번 뒤의 검증 지점을 읽을 수 없습니다", f"unreadable checkpoint after row {at}"
            ) from error
        if origin != self.report.origin or size != said.get("size") or size <= self._last_size:
            raise Bad(first, at, "검증 지점의 이름이나 크기가 다릅니다", f"checkpoint {size}: wrong origin or size")
        self._signed(origin, size, text, signatures)
        if size > at:
            raise Bad(
                at, size - 1, f"{at}번부터 {size - 1}번까지 기록이 없습니다", f"rows {at} to {size - 1} are cut off"
            )
        if size != at or root != self._tree.root():
            ko = f"{first}번부터 {size - 1}번 사이의 기록이 서명된 검증 지점과 다릅니다"
            raise Bad(first, size - 1, ko, f"rows {first} to {size - 1} differ from the signed checkpoint")
        if self._seen is not None and self._seen[1] == size:
            self.report.seen = self._seen[2] == root
            if not self.report.seen:
                raise Bad(
                    first,
                    size - 1,
                    "밖에서 본 검증 지점과 다릅니다 (갈라진 대장)",
                    "differs from the note seen outside",
                )
        self._cosigned(size, text, signatures)
        self._good = self._last_size = size
        self.report.checkpoints, self.report.witnessed = self.report.checkpoints + 1, size
        self.report.head = base64.b64encode(root).decode()

    def _signed(self, origin: str, size: int, text: str, signatures: list[tuple[str, bytes, bytes]]) -> None:
        assert self._key is not None
        mark = hashlib.sha256(origin.encode() + b"\n\x01" + self._key).digest()[:4]
        for name, key_hash, signature in signatures:
            if name == origin and key_hash == mark:
                try:
                    Ed25519PublicKey.from_public_bytes(self._key).verify(signature, text.encode())
                except (InvalidSignature, ValueError):
                    break
                return
        ko = f"크기 {size}의 검증 지점에 이 키의 바른 서명이 없습니다"
        raise Bad(self._good, size - 1, ko, f"the checkpoint of size {size} is not signed by this key")

    def _cosigned(self, size: int, text: str, signatures: list[tuple[str, bytes, bytes]]) -> None:
        """C2SP tlog-cosignature v1: a line of a known witness must be true; others are not looked at."""
        for witness, mark, public in self._witnesses:
            for name, key_hash, blob in signatures:
                if name != witness or key_hash != mark:
                    continue
                at = int.from_bytes(blob[:8], "big")
                said = f"cosignature/v1\ntime {at}\n{text}".encode()
                try:
                    Ed25519PublicKey.from_public_bytes(public).verify(blob[8:], said)
                except (InvalidSignature, ValueError):
                    ko = f"크기 {size}의 검증 지점에 있는 증인 {witness}의 서명이 거짓입니다"
                    raise Bad(self._good, size - 1, ko, f"the cosignature of {witness} at {size} is false") from None
                self.report.witnesses[witness] = (size, at)

    def _end(self, said: dict[str, Any]) -> None:
        at = self._tree.size
        for other in (said, self._header):
            if other.get("rows") != at or other.get("checkpoints") != self.report.checkpoints:
                ko = f"기록 수({at})나 검증 지점 수({self.report.checkpoints})가 머리글·끝 줄과 다릅니다"
                raise Bad(min(at, _int(other.get("rows"))), None, ko, "the counts differ from header or end line")
        self._ended = True

    def close(self) -> Report:
        """After the last line: was the file whole, and does it reach the note seen outside?"""
        at = self._tree.size
        if not self._ended:
            raise Bad(at, None, f"{at}번 기록 뒤가 잘렸습니다", f"the file is cut off after {at} rows")
        if self._seen is not None and not self.report.seen:
            ko = f"밖에서 본 검증 지점(크기 {self._seen[1]})이 이 파일에 없습니다"
            raise Bad(
                min(at, self._seen[1]), None, ko, f"the checkpoint seen outside (size {self._seen[1]}) is not here"
            )
        if len(self.report.witnesses) < self._quorum:
            found = len(self.report.witnesses)
            ko = f"외부 증인 {self._quorum}명의 서명이 있어야 하나 {found}명뿐입니다"
            raise Bad(0, None, ko, f"{found} of the {self._quorum} witnesses that are needed have signed")
        return self.report


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _note(note: str) -> tuple[str, int, bytes, str, list[tuple[str, bytes, bytes]]]:
    """(origin, size, root, signed text, signatures) of a C2SP signed note; ValueError when it is none."""
    text, _, tail = note.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    signatures = []
    for line in tail.splitlines():
        mark, name, encoded = line.split(" ")
        blob = base64.b64decode(encoded, validate=True)
        if mark != "\N{EM DASH}":
            raise ValueError("not a signature line")
        signatures.append((name, blob[:4], blob[4:]))
    return origin, int(size), base64.b64decode(root, validate=True), text, signatures


def _witness(text: str) -> tuple[str, bytes, bytes]:
    """(name, key id, public key) of ``name+id+base64(04 ‖ key)``; ValueError when it is none."""
    name, hexed, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    mark = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[0] != 4 or mark.hex() != hexed:
        raise ValueError("not a witness's verifier key")
    return name, mark, raw[1:]


def verify(
    lines: Iterable[str],
    key: bytes | None = None,
    seen: str | None = None,
    witnesses: Sequence[str] = (),
    quorum: int = 0,
) -> Report:
    """Check an export; ``key``: 32 bytes known from elsewhere (else the header's own, which proves less).

    ``seen``: a signed note kept outside, which the file must contain: it makes a cut or a fork visible.
    ``witnesses``: verifier keys; ``quorum`` of them must have signed some checkpoint in the file.
    """
    verifier = Verifier(key, seen, witnesses, quorum)
    try:
        for line in lines:
            if len(line) > LINE_MAX:
                raise Bad(verifier.report.rows, None, "줄이 너무 깁니다", "a line is too long")
            verifier.line(line)
        verifier.close()
    except Bad as bad:
        verifier.report.bad = bad
    return verifier.report


def read_key(text: str) -> bytes:
    """A key as base64 or hexadecimal, or the name of a file that holds its 32 bytes or that text."""
    raw = Path(text).read_bytes() if Path(text).is_file() else text.encode()
    if len(raw) == 32:
        return raw
    word = raw.decode().strip()
    key = bytes.fromhex(word) if len(word) == 64 else base64.b64decode(word, validate=True)
    if len(key) != 32:
        raise ValueError("an Ed25519 key has 32 bytes")
    return key


def describe(report: Report) -> list[str]:
    """Lines for a person, Korean first."""
    out = [
        f"기록 {report.rows} rows · 열람 가능 {report.opened} opened · 기간 경과 파기 {report.erased} erased · "
        f"검증 지점 {report.checkpoints} checkpoints · 서명된 기록 {report.witnessed} witnessed",
        f"대장 {report.origin} · 키 {report.key}",
    ]
    out += [f"증인 {name}: 크기 {size}까지 서명 / signed up to size {size}, Unix {at}"
            for name, (size, at) in sorted(report.witnesses.items())]  # fmt: skip
    if report.bad is None:
        return [*out, f"이상 없음 / verified; head {report.head or '-'}"]
    last = report.bad.last
    where = f"{report.bad.first}" if last == report.bad.first else f"{report.bad.first}..{'' if last is None else last}"
    return [*out, f"이상 있음 / NOT VERIFIED: 기록 {where}: {report.bad.ko} / {report.bad.en}"]


def main(argv: list[str] | None = None) -> int:
    """``verify.py FILE [--key KEY] [--seen NOTE] [--witness VKEY …] [--quorum K]``; exit 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--key", default=None)
    parser.add_argument("--seen", default=None)
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--quorum", type=int, default=0)
    args = parser.parse_args(argv)
    key = read_key(args.key) if args.key else None
    seen = Path(args.seen).read_text(encoding="utf-8") if args.seen else None
    with Path(args.file).open(encoding="utf-8") as lines:
        report = verify(lines, key, seen, args.witness, args.quorum)
    sys.stdout.write("\n".join(describe(report)) + "\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())

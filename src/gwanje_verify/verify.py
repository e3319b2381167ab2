"""Verifier of an evidence bundle (증거 묶음 검증): the standard library and ``cryptography``, nothing of gwanje.

``python verify.py BUNDLE [--key KEY] [--identity FILE | --passphrase-stdin] [--witness VKEY] [--json]``. It says line
by line what is proved, by whom, and what is not. Exit: 0 all proved · 1 something is wrong · 2 cannot be read ·
3 nothing wrong, but not all of it proved. Format: docs/design/0026-evidence-bundle.md of gwanje.
"""

from __future__ import annotations

import argparse
import base64
import getpass
import hashlib
import hmac
import json
import mmap
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje_verify.camera import Camera
from gwanje_verify.formats import (
    Bad,
    Prover,
    Secret,
    Stream,
    cbor,
    members,
    note_of,
    read_identity,
    sha,
    signed_by,
    tidy_passphrase,
    tree_root,
    unb64,
    uncbor,
    unlock,
)

Lines = Iterator[tuple[str, str, str]]
PROVED, OPEN, WRONG, NOTE = "proved", "open", "wrong", "note"
DAY_S, PARTS_MAX, CLOCK_S = 86_400, 400_000, 60
MARKS = {PROVED: "[확인]", OPEN: "[미확인]", WRONG: "[이상]", NOTE: "[참고]"}


@dataclass
class Report:
    """What was found, in order: (step, state, Korean, English)."""

    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, step: str, state: str, ko: str, en: str) -> None:
        """One more line."""
        self.lines.append((step, state, ko, en))

    @property
    def code(self) -> int:
        """Exit code."""
        states = {state for _, state, _, _ in self.lines}
        return 1 if WRONG in states else 3 if OPEN in states else 0


# --- the bundle ------------------------------------------------------------------------------------------------------


def decode_times(data: bytes) -> list[tuple[int, int]]:
    """(place, width) of the decode time in each ``moof`` of a part; ValueError unless each has one track."""

    def boxes(at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        while at < end:
            size = int.from_bytes(data[at : at + 4], "big")
            if size < 8 or at + size > end:
                raise ValueError("box")
            yield data[at + 4 : at + 8], at + 8, at + size
            at += size

    found = []
    for kind, start, end in boxes(0, len(data)):
        if kind == b"moof":
            (traf,) = [(a, b) for k, a, b in boxes(start, end) if k == b"traf"]
            ((at, to),) = [(a, b) for k, a, b in boxes(*traf) if k == b"tfdt"]
            width = 8 if data[at] == 1 else 4
            if to != at + 4 + width:
                raise ValueError("tfdt")
            found.append((at + 4, width))
    return found


class Bundle:
    """One bundle; ``run`` goes through the steps until one is wrong. A step yields (state, Korean, English)."""

    STEPS = ("box", "signature", "listed", "checkpoint", "witness", "proofs", "unlock", "parts", "clips", "camera")

    def __init__(self, data: memoryview, key: bytes | None, witnesses: list[str], secret: Secret | None) -> None:
        self.data, self.key, self.witnesses, self.secret = data, key, witnesses, secret
        self.report, self.files, self.said, self.made = (
            Report(),
            dict[str, memoryview](),
            dict[str, Any](),
            list[list[Any]](),
        )
        self.hashes: list[bytes] = []
        self.cameras: list[Camera] = []

    def run(self) -> Report:
        """The report; the first step that is wrong is the last."""
        for step in self.STEPS:
            try:
                for state, ko, en in getattr(self, step)():
                    self.report.add(step, state, ko, en)
                if step == "unlock" and self.secret is None:
                    break
            except Bad as bad:
                self.report.add(step, WRONG, bad.ko, bad.en)
                break
            except (ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error, OverflowError):
                self.report.add(step, WRONG, "읽을 수 없는 값이 있습니다", "a value cannot be read")
                break
        return self.report

    def box(self) -> Lines:
        self.files = members(self.data)
        yield PROVED, f"파일 {len(self.files)}개, 정해진 형식", f"{len(self.files)} files in the one legal form"

    def signature(self) -> Lines:
        protected, unprotected, payload, signature = uncbor(bytes(self.files["manifest.cose"]))
        said = uncbor(payload)
        key = self.key or said["key"]
        covered = cbor(["Signature1", protected, b"gwanje/v1/bundle", payload])
        mine = uncbor(protected) == {1: -8, 4: sha(key)[:16]} and unprotected == {} and said["key"] == key
        if not mine or said["v"] != 1 or not signed_by(key, signature, covered):
            raise Bad("명세에 이 키의 바른 서명이 없습니다", "the manifest is not signed by this key")
        if not 0 < said["until"] - said["first"] <= DAY_S or said["parts"] > PARTS_MAX:
            raise Bad("구간이 하루를 넘습니다", "the range is longer than a day")
        self.said, print_ = said, sha(key).hex()
        span = f"{_when(said['first'])} ~ {_when(said['until'])}"
        what = f"카메라 {said['camera'].hex()}, {span}, 키 지문 {print_}"
        yield PROVED, f"센터 금고가 명세에 서명함: {what}", f"vaultd signed the manifest; key fingerprint {print_}"
        if self.key is None:
            ko = "서명 키가 묶음 안의 것임: 키 지문을 센터가 공표한 것과 견주거나 --key로 주십시오"
            yield OPEN, ko, "the key came with the bundle: compare its fingerprint with what the centre publishes"

    def listed(self) -> Lines:
        def shown(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: shown(inner) for name, inner in value.items() if name != "files"}
            return value.hex() if isinstance(value, bytes) else [*map(shown, value)] if type(value) is list else value

        if set(self.files) != {*self.said["files"], "manifest.cose"}:
            raise Bad("명세와 파일 목록이 다릅니다", "the files are not those of the manifest")
        with ThreadPoolExecutor(2) as hashers:
            # nearly all of it is two files of one size: two cores hash them at once
            found = list(hashers.map(lambda name: sha(self.files[name]), self.said["files"]))
        for (name, (size, digest)), got in zip(self.said["files"].items(), found, strict=True):
            if len(self.files[name]) != size or got != digest:
                raise Bad(f"{name} 파일이 바뀌었습니다", f"{name} was changed")
        text = json.dumps(shown(self.said), indent=1, sort_keys=True) + "\n"
        if text.encode() != bytes(self.files["manifest.json"]):
            raise Bad("읽는 명세가 서명된 명세와 다릅니다", "manifest.json is not what was signed")
        yield PROVED, "모든 파일이 서명된 명세와 같음", "every file is as the signed manifest says"

    def checkpoint(self) -> Lines:
        if self.said["checkpoint"] is None:
            yield OPEN, "관리대장 검증 지점이 없음", "no checkpoint of the ledger is enclosed"
            return
        self.note = note_of(bytes(self.files["checkpoint.txt"]).decode())
        origin, size, root, text, signatures = self.note
        key, mark = self.said["checkpoint_key"], sha(origin.encode(), b"\n\1", self.said["checkpoint_key"])[:4]
        mine = [s[4:] for name, s in signatures if name == origin and s[:4] == mark]
        if [size, root] != self.said["checkpoint"] or not any(signed_by(key, s, text.encode()) for s in mine):
            raise Bad("검증 지점에 센터의 바른 서명이 없습니다", "the checkpoint is not signed by the centre")
        yield PROVED, f"관리대장 {size}건의 검증 지점이 서명됨", f"the checkpoint over {size} rows is signed"

    def witness(self) -> Lines:
        signatures = self.note[4] if self.said["checkpoint"] else []
        for witness in self.witnesses:
            name, mark, encoded = witness.split("+", 2)
            key = unb64(encoded)[1:]
            for other, blob in signatures:
                stamp = int.from_bytes(blob[4:12], "big")
                text = f"cosignature/v1\ntime {stamp}\n{self.note[3]}".encode()
                if (other, blob[:4].hex(), len(blob)) == (name, mark, 76) and signed_by(key, blob[12:], text):
                    yield PROVED, f"증인 {name}이(가) {_when(stamp)}에 확인함", f"witness {name} cosigned at {stamp}"
                    break
            else:
                raise Bad(f"증인 {name}의 바른 서명이 없습니다", f"witness {name} has not signed this checkpoint")
        if not self.witnesses:
            ko = "밖의 증인 서명은 확인하지 않음 (--witness로 증인 키를 주면 확인)"
            yield NOTE, ko, "no witness key was given: a centre that shows different ledgers is not excluded"

    def proofs(self) -> Lines:
        data, at, unproved = bytes(self.files["proofs.bin"]), 8, 0
        prover = Prover(*self.said["checkpoint"]) if self.said["checkpoint"] else None
        if data[:8] != b"GWPRF\0\1\n":
            raise ValueError("magic")
        while at < len(data):
            part, segment, length = data[at : at + 32], data[at + 32 : at + 64], int.from_bytes(data[at + 64 : at + 66])
            self.hashes.append(part)
            unproved += not (length and prover)
            if length and prover:
                try:
                    prover.check(data[at + 66 : at + 66 + length], segment, part)
                except (ValueError, struct.error) as error:
                    n = len(self.hashes)
                    raise Bad(f"{n}번째 조각의 증명이 틀립니다", f"the proof of part {n} is false") from error
            at += 66 + length
        if len(self.hashes) != self.said["parts"] or tree_root(self.hashes) != self.said["parts_root"]:
            raise Bad("조각 목록이 명세와 다릅니다", "the list of parts is not the manifest's")
        proved, late = len(self.hashes) - unproved, prover.latest_us // 1_000_000 if prover else 0
        if proved:
            ko = f"조각 {proved}개가 늦어도 {_when(late)}에 관리대장에 봉인되어 있었음"
            yield PROVED, ko, f"{proved} parts were sealed in the ledger by {_when(late)} at the latest"
        if unproved:
            yield OPEN, f"조각 {unproved}개는 관리대장 증명이 없음", f"{unproved} parts have no proof from the ledger"

    def unlock(self) -> Lines:
        if self.secret is None:
            yield OPEN, "암호나 열쇠가 없어 영상은 열지 않음", "locked: no passphrase or identity was given"
            return
        next(unlock(self.files["sealed.age"], self.secret))
        yield PROVED, "잠긴 파일이 열림", "the locked files open"

    def parts(self) -> Lines:
        said, stream = self.said, Stream(unlock(self.files["sealed.age"], self.secret or ("", b"")))
        reader = Reader(said, self.hashes)
        if bytes(stream.take(8)) != b"GWSLD\0\1\n":
            raise ValueError("magic")
        kind = b""
        while kind != b"Z":
            kind = bytes(stream.take(1))
            reader.record(kind, stream.take(int.from_bytes(stream.take(4))))
        if not stream.ended() or reader.count != said["parts"] or reader.missing() != said["missing"]:
            raise Bad(
                "봉인 원본의 조각 수나 빈 구간이 명세와 다릅니다", "parts or missing seconds are not the manifest's"
            )
        self.made, self.cameras = reader.clips, reader.cameras
        yield (
            PROVED,
            f"봉인 원본 {reader.count}조각이 각 초의 열쇠로 열림",
            f"{reader.count} sealed parts open, unchanged",
        )
        for first, until in said["missing"]:
            ko = f"영상 없음: {_when(first)} ~ {_when(until)} (녹화되지 않았다는 증명은 아님)"
            yield OPEN, ko, f"nothing is enclosed from {first} to {until}; that nothing was recorded is not proved"
        if reader.left_out:
            ko = f"사이의 조각 {reader.left_out}개가 들어 있지 않음"
            yield OPEN, ko, f"{reader.left_out} parts in between are not enclosed"

    def clips(self) -> Lines:
        for clip, (size, digest) in zip(self.said["clips"], self.made, strict=True):
            got, length = hashlib.sha256(), 0
            for chunk in unlock(self.files[clip["name"]], self.secret or ("", b"")):
                got.update(chunk)
                length += len(chunk)
            if not length == size == clip["size"] or not got.digest() == digest.digest() == clip["sha256"]:
                raise Bad(f"{clip['name']}이(가) 봉인 원본과 다릅니다", f"{clip['name']} is not what was sealed")
            yield PROVED, f"{clip['name']}: 봉인 원본에서 만든 것과 같음", f"{clip['name']} is what the parts give"

    def camera(self) -> Lines:
        """What the centre says of the camera's own signature; what it calls valid is reckoned again."""
        said = self.said.get("signed")
        if said is None:
            return
        for clip, one, camera in zip(self.said["clips"], said["clips"], self.cameras, strict=True):
            for state, first, until, key, why in one["spans"]:
                span = f"{clip['name']} {_when(first // 1_000_000)} ~ {_when(until // 1_000_000)}"
                if state == "valid" and not camera.covers(first, until, key):
                    raise Bad(f"카메라 서명이 유효하지 않습니다: {span}", f"the camera has not signed this: {span}")
                yield _signed(state, span, key.hex(), why)
            if one["clock"] is not None and max(map(abs, one["clock"])) > CLOCK_S:
                ahead = f"{one['clock'][0]} ~ {one['clock'][1]}"
                ko = f"카메라가 서명한 시각이 녹화 시각보다 {ahead}초 앞섬: 옛 영상을 다시 보낸 것일 수 있음"
                yield OPEN, ko, f"the camera's signed clock is {ahead} s ahead of the recorder's: a replay is possible"


def _signed(state: str, span: str, key: str, why: str) -> tuple[str, str, str]:
    """One span of the camera's own signature as a line."""
    if state == "valid":
        ko = f"카메라 자체 서명 유효: {span}, 기기대장의 키 {key}"
        return PROVED, ko, f"signed by the camera itself: {span}, key {key} of the centre's register"
    if state == "broken":
        return OPEN, f"카메라 자체 서명 깨짐({why}): {span}", f"the camera's own signature is broken ({why}): {span}"
    if state == "unknown":
        ko = f"카메라 자체 서명의 키를 센터가 모름: {span}, 키 {key or '없음'}"
        return NOTE, ko, f"signed by a key that the centre does not know: {span}, key {key or 'none'}"
    if state == "open":
        ko = f"카메라 자체 서명이 미치지 않음({why}): {span}"
        return NOTE, ko, f"no signature of the camera reaches these ({why}): {span}"
    return NOTE, f"카메라 자체 서명 없음: {span}", f"the camera has not signed: {span}"


def _when(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


class Reader:
    """Opens the sealed parts one by one and makes the clips' digests from them."""

    def __init__(self, said: dict[str, Any], hashes: list[bytes]) -> None:
        self.said, self.hashes, self.count = said, hashes, 0
        self.segments: list[bytes] = []
        self.key: tuple[int, int, bytes] = (-1, -1, b"")
        self.inits: dict[int, bytes] = {}
        self.seconds: set[int] = set()
        self.last: dict[int, int] = {}
        self.left_out = 0
        self.clips: list[list[Any]] = [[0, hashlib.sha256()] for _ in said["clips"]]
        self.cameras: list[Camera] = []

    def record(self, kind: bytes, said: memoryview) -> None:
        """One record of the container."""
        if kind == b"P":
            self.part(int.from_bytes(said[:4]), said[4:])
            return
        body = bytes(said)
        if kind == b"A" and not self.count:
            inner = uncbor(body)
            digest = hmac.digest(inner["salt"], b"gwanje/v1/about\0" + cbor(inner["about"]), "sha256")
            if digest != self.said["about"]:
                raise Bad("사건·승인 내용이 명세와 다릅니다", "case and officers are not the manifest's")
            self.about = inner["about"]
        elif kind == b"S":
            mine = self.said["centre"] == body[80:96] and len(body) == 128 and body[:10] == b"GWSEG\0\1\n\0\1"
            if not mine or struct.unpack(">II", body[24:32]) != (self.said["slot"], self.said["stream"]):
                raise Bad("다른 카메라나 센터의 영상입니다", "a segment of another camera or centre")
            self.segments.append(body)
        elif kind == b"K":
            self.key = (int.from_bytes(body[:4]), int.from_bytes(body[4:6]), body[6:])
        elif kind != b"Z" or int.from_bytes(body) != self.count or len(body) != 4:
            raise ValueError("record")

    def part(self, number: int, part: memoryview) -> None:
        """Open one part under its second's key, and hash what it gives to its clip."""
        segment, (keyed, tick, okm), at = self.segments[number], self.key, self.count
        magic, version, cipher, kind, flags, own, ordinal, start, _, length, sealed = struct.unpack(
            ">4sBBBBIIQII32s", part[:64]
        )
        second = int.from_bytes(segment[16:24]) * 3600 + tick
        legal = (magic, version, number, own, start // 1_000_000) == (b"GWPT", 1, keyed, tick, second)
        if not legal or flags > 1 or len(part) != 80 + length or not self.said["first"] <= second < self.said["until"]:
            raise Bad(f"{at + 1}번째 조각의 시각이나 자리가 틀립니다", f"part {at + 1} is out of its place or time")
        if sha(part) != self.hashes[at]:
            raise Bad(f"{at + 1}번째 조각이 증명된 것과 다릅니다", f"part {at + 1} is not the one that was proved")
        if len(okm) != 64 or sealed != okm[32:] or cipher != 1:
            raise Bad(f"{at + 1}번째 조각의 열쇠가 다릅니다", f"the key of part {at + 1} is another's")
        identity = sha(segment)
        try:
            plain = AESGCM(okm[:32]).decrypt(
                struct.pack(">B3xQ", kind, ordinal), part[64:], identity + bytes(part[:64])
            )
        except InvalidTag as error:
            raise Bad(f"{at + 1}번째 조각이 바뀌었습니다", f"part {at + 1} was changed") from error
        if kind == 2:
            if sha(plain) != segment[96:128]:
                raise Bad("영상 머리글이 다릅니다", "the codec's header is another's")
            self.inits[number] = plain
        elif kind == 1:
            self.film(at, number, plain, start)
        else:
            raise ValueError("kind")
        if ordinal <= (before := self.last.get(number, ordinal - 1)):
            raise Bad(f"{at + 1}번째 조각의 순서가 바뀌었습니다", f"part {at + 1} is out of its order")
        self.left_out += ordinal - before - 1
        self.last[number] = ordinal
        self.seconds.add(second)
        self.count += 1

    def film(self, at: int, number: int, plain: bytes, start: int) -> None:
        """What a video part gives to the clip that holds it."""
        signed = self.said.get("signed")
        for clip, made in zip(self.said["clips"], self.clips, strict=True):
            if clip["from"] <= at < clip["until"]:
                view, done = memoryview(plain), 0
                for n, (p, w) in enumerate(decode_times(plain)):
                    time = int.from_bytes(view[p : p + w])
                    if n == 0 and at == clip["from"]:
                        if time != clip["base"]:
                            raise Bad("영상 파일의 시작 시각이 다릅니다", "a clip begins at another time")
                        made[1].update(self.inits[number])
                        made[0] += len(self.inits[number])
                    made[1].update(view[done:p])
                    made[1].update((time - clip["base"]).to_bytes(w))
                    done = p + w
                made[1].update(view[done:])
                made[0] += len(plain)
                if signed is not None:
                    if at == clip["from"]:
                        self.cameras.append(Camera(self.inits[number], signed["keys"]))
                    self.cameras[-1].part(plain, start)

    def missing(self) -> list[list[int]]:
        """Seconds without a part, as ranges."""
        out: list[list[int]] = []
        for second in range(self.said["first"], self.said["until"]):
            if second not in self.seconds:
                out[-1:] = (
                    [[out[-1][0], second + 1]] if out and out[-1][1] == second else [*out[-1:], [second, second + 1]]
                )
        return out


def verify(
    path: Path, *, key: bytes | None = None, witnesses: list[str] | None = None, secret: Secret | None = None
) -> Report:
    """Check a file; OSError when it cannot be read."""
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return Bundle(data, key, witnesses or [], secret).run()


def read_key(text: str) -> bytes:
    """32 bytes in hexadecimal or base64, or the name of a file with either; ValueError."""
    word = Path(text).read_text().strip() if Path(text).is_file() else text.strip()
    key = bytes.fromhex(word) if len(word) == 64 else base64.b64decode(word, validate=True)
    if len(key) != 32:
        raise ValueError("an Ed25519 key has 32 bytes")
    return key


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("bundle", type=Path, help="증거 묶음 파일 / the bundle's ZIP")
    parser.add_argument("--key", help="센터의 공개 서명 키 / the centre's public signing key: hex, base64 or a file")
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="증인의 키 / name+hash+key")
    parser.add_argument("--identity", type=Path, metavar="FILE", help="age 비밀키 파일 / AGE-SECRET-KEY-1…")
    parser.add_argument("--passphrase", action="store_true", help="암호를 물음 / ask for the passphrase")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Check and say; returns the exit code."""
    try:
        key = read_key(args.key) if args.key else None
        secret: Secret | None = ("identity", read_identity(args.identity.read_text())) if args.identity else None
        if args.passphrase:
            asked = getpass.getpass("암호 / passphrase: ") if sys.stdin.isatty() else sys.stdin.readline()
            secret = ("passphrase", tidy_passphrase(asked).encode())
        report = verify(args.bundle, key=key, witnesses=args.witness, secret=secret)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"읽을 수 없습니다 / cannot be read: {error}\n")
        return 2
    if args.json:
        lines = [dict(zip(("step", "state", "ko", "en"), line, strict=True)) for line in report.lines]
        sys.stdout.write(json.dumps({"code": report.code, "lines": lines}, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{MARKS[s]} {ko} / {en}\n" for _, s, ko, en in report.lines))
    return report.code


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="증거 묶음 검증 / verify an evidence bundle")
    arguments(parser)
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())

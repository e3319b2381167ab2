"""``gwanje bundle``: an evidence bundle of originals under a Permit to release (증거 묶음 만들기)."""

from __future__ import annotations

import argparse
import asyncio
import functools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from gwanje.kernel.home import Home

if TYPE_CHECKING:
    from gwanje.kernel.permit import Lens, Permit
    from gwanje.media.play.releasing import Ledger, Lock, Part
    from gwanje.vault.camera_keys import Key

# minutes of a recorder may reach the ledger this much later
LATE_S = 1260
README = """관제 증거 묶음 / evidence bundle of a CCTV control centre

1. verify.html을 크롬·엣지(137 이상)에서 열고 이 ZIP 파일을 고르십시오. 인터넷은 쓰지 않습니다.
   암호 또는 age 비밀키를 넣으면 영상이 재생되고 원본과 대조됩니다.
2. 또는: python verify.py 이파일.zip --passphrase   (Python 3.11, cryptography 패키지)
3. 또는 age로: age -d clip-1.mp4.age > clip.mp4
센터 서명 키의 지문은 센터가 공표한 것과 반드시 견주십시오. 암호는 이 파일과 다른 경로로 받습니다.
받은 영상은 허가된 목적에만 쓰고 기한이 지나면 지워야 합니다(개인정보 보호법 제19조, 제21조).

1. Open verify.html in Chrome or Edge (137 or newer) and choose this ZIP; no network is used.
2. Or: python verify.py THIS.zip --passphrase   (Python 3.11, package cryptography)
3. Or with age: age -d clip-1.mp4.age > clip.mp4
Compare the key's fingerprint with the one the centre publishes. The passphrase comes by another way.
"""


def register(sub: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = sub.add_parser("bundle", help="증거 묶음 만들기 / evidence bundles that outsiders verify offline")
    inner = command.add_subparsers(dest="act", required=True, metavar="ACT")
    make = inner.add_parser("make", help="제공 허가로 원본 묶음 만들기 / originals under a Permit to release")
    make.add_argument("permit", type=Path, help="제공 허가 파일 / the signed Permit, a file")
    make.add_argument("--viewer", type=Path, required=True, help="열람자 확인 파일 / the viewer token, a file")
    make.add_argument("--out", type=Path, default=Path(), help="만들 폴더 / folder to write into (.)")
    to = make.add_mutually_exclusive_group(required=True)
    to.add_argument("--to", action="append", metavar="AGE1", help="받는 사람의 공개키 / a recipient's age public key")
    to.add_argument(
        "--passphrase", action="store_true", help="일회용 암호를 만들어 보여 줌 / make and show a passphrase"
    )
    make.add_argument("--no-ledger", action="store_true", help="관리대장 증명 없이 / without proofs from the ledger")
    make.set_defaults(run=run_make)


def run_make(args: argparse.Namespace) -> int:
    """Make one bundle per camera of the Permit; exit 1 when it is refused."""
    from gwanje.kernel.refusals import SpoolFull
    from gwanje.media.play.releasing import Lock
    from gwanje.vault.bundle import age
    from gwanje.vault.errors import VaultError
    from gwanje.vault.store import StoreAway

    try:
        phrase = age.new_passphrase() if args.passphrase else ""
        lock = Lock(tuple(age.recipient(one) for one in args.to or ()), phrase)
        made = asyncio.run(_make(Home.find(args.data), args, lock))
    except (VaultError, StoreAway, FileExistsError, FileNotFoundError) as error:
        print(f"만들지 않았습니다 / not made: {error}", file=sys.stderr)
        return 1
    except SpoolFull as error:
        print(f"접속기록을 남길 수 없어 만들지 않았습니다 / not made, the access log is full: {error}", file=sys.stderr)
        return 1
    for path in made:
        print(path)
    if phrase:
        print(f"암호(다른 경로로 보내십시오) / passphrase, to be sent by another way: {phrase}", file=sys.stderr)
    return 0


async def _make(home: Home, args: argparse.Namespace, lock: Lock) -> list[Path]:
    from gwanje.media.play.releasing import Release
    from gwanje.media.play.store import Store
    from gwanje.vault.ceremony import public
    from gwanje.vault.client import AsyncVaultClient
    from gwanje.vault.store import remote

    facts = public(home)
    keys = (bytes.fromhex(facts["permit_key"]), bytes.fromhex(facts["checkpoint_key"]))
    client, store = AsyncVaultClient(home, "player"), Store(home.store, home.clock, remote(home))
    made: list[Path] = []
    try:
        granted = await client.redeem(args.permit.read_bytes(), args.viewer.read_bytes())
        permit = granted.permit
        await _told(home, permit, "playback.session.started", permit.cameras, (permit.first, permit.until))
        known = await asyncio.to_thread(signing_keys, home)
        release = Release(client, store, home.clock, granted.session, permit)
        for lens in permit.cameras:
            out = args.out / f"evidence-{permit.first}-{lens.camera}-{lens.stream}.zip"
            told = functools.partial(_range, home, permit)
            with _ledger(home, args.no_ledger, permit, keys[1]) as ledger:
                await release.make(
                    lens, lock, out, keys=keys, ledger=ledger, beside=beside(), told=told,
                    signing=known.get(lens.camera, ()),
                )  # fmt: skip
            made.append(out)
    finally:
        store.close()
        await client.close()
    return made


def signing_keys(home: Home) -> dict[UUID, tuple[Key, ...]]:
    """Camera → keys of its own signature that an officer recorded (design 0030); nothing while PostgreSQL is away."""
    import psycopg

    from gwanje.kernel.database import connect
    from gwanje.kernel.sources import signing
    from gwanje.vault.camera_keys import registered

    try:
        with connect(home) as connection, connection.cursor() as cursor:
            return {camera: registered(pems) for camera, pems in signing(cursor).items()}
    except psycopg.Error as error:
        print(
            f"기기대장의 영상 서명 키를 읽지 못했습니다 / the register's signing keys cannot be read: {error}",
            file=sys.stderr,
        )
        return {}


def beside() -> dict[str, bytes]:
    """What stands in the open beside the manifest: words, and both verifiers."""
    import gwanje_verify

    page = {"verify.html": gwanje_verify.PAGE.read_bytes()} if gwanje_verify.PAGE.is_file() else {}
    return {"README.txt": README.encode(), **page, "verify.py": gwanje_verify.single()}


async def _range(home: Home, permit: Permit, lens: Lens, first: int, until: int) -> None:
    await _told(home, permit, "playback.range.opened", [lens], (first, until))


async def _told(home: Home, permit: Permit, kind: str, lenses: Sequence[Lens], range_: tuple[int, int]) -> None:
    from gwanje.kernel.refusals import report

    detail: dict[str, Any] = {
        "outcome": "done",
        "actor": permit.person,
        "station": permit.station,
        "permit": permit.id,
        "cameras": [lens.camera for lens in lenses],
        "first": range_[0],
        "until": range_[1],
        "ground": permit.ground,
        "case": permit.case,
        "action": permit.action,
    }
    await asyncio.to_thread(report, home, kind, detail, service="player")


@contextmanager
def _ledger(home: Home, without: bool, permit: Permit, key: bytes) -> Iterator[Ledger | None]:
    """A signed checkpoint of the ledger, and proofs against its size out of PostgreSQL."""
    if without:
        yield None
        return
    from gwanje.kernel import database
    from gwanje.kernel.ledger import cosign, note
    from gwanje.media.play.releasing import Ledger

    with database.connect(home, "auditor") as connection, connection.transaction(), connection.cursor() as cursor:
        found = _checkpoint(cursor, permit.until)
        if found is None:
            yield None
            return
        signed, size = found
        cursor.execute("select line from ledger_cosignature where size = %s order by name limit 16", [size])
        signed = cosign.with_lines(signed, [str(row[0]) for row in cursor.fetchall()])
        point = note.verify(signed, key)
        yield Ledger(signed, point.size, point.root, functools.partial(_proof, cursor, point.size))


def _checkpoint(cursor: Any, until: int) -> tuple[str, int] | None:
    """(note, size): the newest that an outside witness has seen, if it is late enough to hold the range; the newest."""
    seen = "and exists (select from ledger_cosignature g where g.size = c.size) and written_at >= to_timestamp(%s)"
    for extra, values in ((seen, [until + LATE_S]), ("", [])):
        cursor.execute(
            f"select note, size from ledger_checkpoint c where true {extra} order by size desc limit 1", values
        )
        if row := cursor.fetchone():
            return str(row[0]), int(row[1])
    return None


def _proof(cursor: Any, size: int, part: Part) -> bytes:
    """A part's proof; empty bytes when no recorder-minute in the ledger holds it yet."""
    from gwanje.kernel.ledger import proofs

    meant = proofs.Part(part.segment_id, part.hashes, part.ordinal)
    try:
        return proofs.prove(cursor, meant, part.writer, part.start_us, size)
    except proofs.NoProof:
        return b""

"""Attempt to open destroyed footage (파기 검증): a process of its own that tries with every key file on the disk.

stdin: JSON {"home", "samples": [{"class", "epoch", "slot", "tick", "segment_id" (hex or base64), "part" (base64 of
header ‖ ciphertext ‖ tag)}], "files": [files with one sample a line], "extra": [folders]}; stdout: JSON {"tried",
"opened", "generation_key_absent", …}, and before it lines with "tried" alone where the request has "progress". Files
are read a line at a time: memory does not grow with their size.
Every keystore file and every generation key found in the data folder (but for footage and database) and the extra
folders is tried with every other. With a keystore and its generation key from before the destruction everything
opens: the control.

A part that only a hold of the keystore in force opens is ``held``, not ``opened``, and its hold is named under
``holds`` (id in hex → parts): the certificate lists it as an exception. A hold that stands only in another keystore,
or a root or frontier anywhere, opens.
"""

from __future__ import annotations

import base64
import binascii
import ctypes
import json
import os
import resource
import signal
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje.kernel.canonical import NotCanonical, decode
from gwanje.kernel.home import Home
from gwanje.law import upholds
from gwanje.vault import held, parts
from gwanje.vault import keystore as keystore_file
from gwanje.vault.errors import VaultError
from gwanje.vault.state import State
from gwanje.vault.token import FileToken, Token, derive_with, open_token
from gwanje.vault.tree import NoKey

FILES_MAX: Final = 500_000
SAMPLES_MAX: Final = 1_000_000
INPUT_MAX: Final = 2 << 30
LINE_MAX: Final = 64 << 20
PROGRESS: Final = 100
PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
# too many files to look at: sealed footage, and the database, which is dumped and tried by tests
PASSED_BY: Final = frozenset({"store", "pg"})


def _files(folders: list[Path], unread: list[Path]) -> Iterator[Path]:
    count = 0

    def closed(error: OSError) -> None:
        # a folder that comes and goes is nobody's hiding place; one that may not be read is named
        if isinstance(error, PermissionError):
            unread.append(Path(error.filename))

    for folder in folders:
        if folder.is_file():
            yield folder
        for base, _, names in os.walk(folder, onerror=closed):
            for name in sorted(names):
                count += 1
                if count > FILES_MAX:
                    raise ValueError(f"more than {FILES_MAX} files")
                yield Path(base, name)


def collect(folders: list[Path], unread: list[Path] | None = None) -> tuple[list[bytes], list[bytes]]:
    """(keystore files, 32-byte keys) found by what they are, not by what they are called.

    ``unread`` gets what this user may not read; without it such a place is an error (PermissionError).
    """
    stores: list[bytes] = []
    keys: list[bytes] = []
    closed: list[Path] = []
    for path in _files(folders, closed):
        try:
            if path.is_symlink() or not path.is_file():
                continue
            _sort(path, stores, keys)
        except FileNotFoundError:
            # a living centre's spools and logs come and go
            continue
        except PermissionError:
            closed.append(path)
    if unread is None and closed:
        raise PermissionError(f"{closed[0].name}: not readable")
    if unread is not None:
        unread += closed
    return stores, keys


def _sort(path: Path, stores: list[bytes], keys: list[bytes]) -> None:
    size = path.stat().st_size
    with path.open("rb") as handle:
        if size == 32:
            keys.append(handle.read())
        elif size <= keystore_file.SIZE_MAX and handle.read(8) == keystore_file.MAGIC:
            handle.seek(0)
            stores.append(handle.read())


def haunts(home: Path) -> list[Path]:
    """Where a copy of a keystore may lie in a data folder: a backup made by hand counts as much as the original."""
    return [path for path in sorted(home.iterdir()) if path.name not in PASSED_BY]


def states(stores: list[bytes], keys: list[bytes]) -> tuple[list[State], int | None]:
    """(every content that opens, newest generation among the files)."""
    opened: list[State] = []
    newest: int | None = None
    for data in stores:
        try:
            generation, replica, salt, nonce = keystore_file.header_of(data)
        except VaultError:
            continue
        newest = max(newest or 0, generation)
        header = data[: keystore_file.HEADER.size]
        for key in keys:
            body_key = derive_with(key, generation, replica, salt)
            try:
                plain = AESGCM(body_key).decrypt(nonce, data[len(header) :], header)
                opened.append(State.of(decode(plain)))
            except (InvalidTag, NotCanonical, VaultError, KeyError, TypeError, ValueError):
                continue
    return opened, newest


def within(token: Token, stores: list[bytes]) -> list[State]:
    """Contents that a token opens whose keys are no files."""
    opened: list[State] = []
    for data in stores:
        try:
            opened.append(keystore_file.unseal(data, token)[1])
        except VaultError as error:
            if error.code not in ("generation_gone", "keystore_broken"):
                # a token that does not answer has not been tried: nothing may be certified by it
                raise
    return opened


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)


def _fits(leaf: bytes, segment_id: bytes, part: bytes) -> bool:
    try:
        parts.open_part(parts.okm(leaf, segment_id), segment_id, part)
    except VaultError:
        return False
    return True


def opens(sample: dict[str, Any], found: Sequence[State], current: State | None = None) -> UUID | bool:
    """Does any root, frontier or hold of any content open this part? The hold's id, when it is one of ``current``."""
    segment_id, part = _bytes(sample["segment_id"]), base64.b64decode(sample["part"], validate=True)
    where = int(sample["class"]), int(sample["slot"]), int(sample["epoch"]), int(sample["tick"])
    by: UUID | bool = False
    for state in found:
        try:
            if _fits(held.live_leaf(state, *where), segment_id, part):
                return True
        except VaultError:
            pass
        for hold in state.holds.values():
            try:
                leaf = hold.leaf(*where)
            except NoKey:
                continue
            if _fits(leaf, segment_id, part):
                if current is None or hold.id not in current.holds:
                    return True
                by = hold.id
    return by


def _lines(path: str) -> Iterator[dict[str, Any]]:
    # another user's folder: no link of his leads this process to a file that only it may read, and no pipe stops it
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as handle:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise ValueError("samples are a plain file")
        while line := handle.readline(LINE_MAX + 1):
            if len(line) > LINE_MAX:
                raise ValueError(f"a sample of more than {LINE_MAX} bytes")
            yield json.loads(line)


def given(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every sample of a request, one at a time; ValueError past a million."""
    if not isinstance(request.get("samples", []), list) or not isinstance(request.get("files", []), list):
        raise ValueError("samples, files")
    lines = (sample for path in request.get("files", []) for sample in _lines(path))
    for count, sample in enumerate(chain(request.get("samples", []), lines)):
        if count >= SAMPLES_MAX:
            raise ValueError(f"more than {SAMPLES_MAX} samples")
        yield sample


def _believed(request: dict[str, Any]) -> dict[str, Any]:
    return {"tried": sum(1 for _ in given(request)), "opened": 0, "held": 0, "holds": {}, "generation_key_absent": True}


@upholds("retention.irrecoverable", role="check", passes=_believed)
def attempt(request: dict[str, Any]) -> dict[str, Any]:
    """Try everything with everything; ValueError or KeyError when the request is malformed."""
    home = Path(request["home"])
    vault = home / "vault"
    extra = [Path(folder) for folder in request.get("extra", [])]
    unread: list[Path] = []
    stores, keys = collect([*haunts(home), *extra], unread)
    found, newest = states(stores, keys)
    # loot without a config.json names no token: files are all there is
    token = open_token(Home(home)) if (home / "config.json").exists() else FileToken(home / "vault" / "token")
    if not isinstance(token, FileToken):
        found += within(token, stores)
    own_stores, _ = collect([vault])
    _, own_newest = states(own_stores, [])
    left = token.generations()
    current = _current(own_stores, own_newest, keys, token)
    tried = opened = 0
    holds: Counter[str] = Counter()
    for sample in given(request):
        tried, by = tried + 1, opens(sample, found, current)
        if request.get("progress") and tried % PROGRESS == 0:
            sys.stdout.write(f'{{"tried": {tried}}}\n')
            sys.stdout.flush()
        if isinstance(by, UUID):
            holds[by.hex] += 1
        else:
            opened += by
    return {
        "tried": tried,
        "opened": opened,
        "held": holds.total(),
        "holds": dict(holds),
        "generation_key_absent": own_newest is not None and all(generation >= own_newest for generation in left),
        "keystores": len(stores),
        "keys": len(keys),
        "contents": len(found),
        "newest_generation": newest,
        # the vault's own folder must be read whole; what lies outside is named by its place
        "unread": sorted({path.relative_to(home).parts[0] for path in unread if path.is_relative_to(home)}),
    }


def _current(stores: list[bytes], newest: int | None, keys: list[bytes], token: Token) -> State | None:
    """The content in force: the vault's own newest file, which opens or there is none."""
    newest_of = [data for data in stores if _generation(data) == newest]
    found = states(newest_of, keys)[0] or ([] if isinstance(token, FileToken) else within(token, newest_of))
    return found[0] if found else None


def _generation(data: bytes) -> int | None:
    try:
        return keystore_file.header_of(data)[0]
    except VaultError:
        return None


def _confine() -> None:
    """It holds keys: it ends with whoever asked, leaves no core, shows nobody its memory, and lets others go first."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)


def main() -> int:
    """Read stdin, answer on stdout; exit 2 when the request is malformed."""
    _confine()
    raw = sys.stdin.buffer.read(INPUT_MAX)
    try:
        answer = attempt(json.loads(raw))
    except (ValueError, KeyError, TypeError, OSError, VaultError, binascii.Error) as error:
        sys.stderr.write(f"요청의 형식이 올바르지 않습니다 / the request is malformed: {error}\n")
        return 2
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

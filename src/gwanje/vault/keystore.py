"""Keystore (키 저장소): one whole sealed file, rewritten under a new generation key at every change.

Order of a change (a crash between any two steps loses no live root and never leaves a destroyed one openable):
make key n+1 → tmp file → fsync → keep n aside → rename → fsync folder → re-read and open → destroy key n → prove
it absent → drop what was kept aside. ``load`` finishes what a crash left half done. A replica takes another place's
content the same way, as that place's generation (``adopt``): numbers may be skipped, never repeated or taken back.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gwanje.kernel.canonical import NotCanonical, decode, encode
from gwanje.law import upholds
from gwanje.vault.errors import VaultError
from gwanje.vault.segment import sync_folder
from gwanje.vault.state import State
from gwanje.vault.token import Token

MAGIC: Final = b"GWKEY\0\1\n"
HEADER: Final = Struct(">8sHHQI32s12s")
FILE: Final = "keystore.gwk"
SIZE_MAX: Final = 256 << 20
STEPS: Final = (
    "begin", "key_made", "tmp_written", "tmp_synced", "kept_aside", "renamed", "folder_synced", "reopened",
    "key_destroyed", "done",
)  # fmt: skip
# the digest of a place that holds nothing yet
NOTHING: Final = bytes(32)
Failpoint = Callable[[str], None]


def seal(content: bytes, token: Token, generation: int, replica: int) -> bytes:
    """The sealed file's bytes for a generation whose key exists; ``content`` is a state's canonical map."""
    salt, nonce = os.urandom(32), os.urandom(12)
    header = HEADER.pack(MAGIC, 1, 0, generation, replica, salt, nonce)
    key = token.derive(generation, replica, salt)
    return header + AESGCM(key).encrypt(nonce, content, header)


def header_of(data: bytes) -> tuple[int, int, bytes, bytes]:
    """(generation, replica, salt, nonce) of a sealed file; VaultError ``keystore_broken``."""
    if len(data) < HEADER.size + 16:
        raise VaultError("keystore_broken", "too short")
    magic, version, _, generation, replica, salt, nonce = HEADER.unpack_from(data)
    if magic != MAGIC or version != 1:
        raise VaultError("keystore_broken", "magic")
    return generation, replica, salt, nonce


def content_of(data: bytes, token: Token) -> tuple[int, bytes]:
    """(generation, canonical content) of a sealed file; VaultError ``generation_gone`` or ``keystore_broken``."""
    generation, replica, salt, nonce = header_of(data)
    key = token.derive(generation, replica, salt)
    try:
        return generation, AESGCM(key).decrypt(nonce, data[HEADER.size :], data[: HEADER.size])
    except InvalidTag as error:
        raise VaultError("keystore_broken", type(error).__name__) from error


def read(content: bytes) -> State:
    """A state from its canonical map; VaultError ``keystore_broken`` or ``keystore_version``."""
    try:
        return State.of(decode(content))
    except (NotCanonical, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise VaultError("keystore_broken", type(error).__name__) from error


def unseal(data: bytes, token: Token) -> tuple[int, State]:
    """(generation, state) of a sealed file; VaultError ``generation_gone`` or ``keystore_broken``."""
    generation, content = content_of(data, token)
    return generation, read(content)


def digest_of(content: bytes) -> bytes:
    """What two places compare, and an acknowledgement signs: SHA-256 of the content as it was sealed."""
    return hashlib.sha256(content).digest()


@upholds("retention.irrecoverable")
def prove_absent(token: Token, generation: int) -> None:
    """No key up to ``generation`` is left in the token; VaultError ``generation_present`` otherwise."""
    left = [known for known in token.generations() if known <= generation]
    if left or token.present(generation):
        raise VaultError("generation_present", f"generation {left[0] if left else generation}")


class Keystore:
    """One replica's file beside its token. One process at a time (flock on ``lock``); not thread-safe."""

    def __init__(self, folder: Path, token: Token, replica: int = 0) -> None:
        self.folder, self.token, self.replica = folder, token, replica
        self.file = folder / FILE
        self._tmp = folder / f"{FILE}.tmp"
        self._aside = folder / f"{FILE}.previous"
        self._lock: int | None = None
        self.generation = 0
        self.digest = NOTHING
        self.state: State | None = None
        self.failpoint: Failpoint = lambda step: None

    def exists(self) -> bool:
        """Has a ceremony been held here?"""
        return self.file.exists() or self._aside.exists()

    def lock(self) -> None:
        """Become the only process on this keystore; VaultError ``keystore_busy`` when another one is."""
        if self._lock is not None:
            return
        handle = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise VaultError("keystore_busy") from None
        self._lock = handle

    def unlock(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def create(self, state: State) -> None:
        """First file, generation 1; FileExistsError when one stands."""
        if self.exists():
            raise FileExistsError(self.file)
        self._write(state, encode(state.body()), self.generation + 1)

    def load(self) -> State:
        """Open the newest whole file, then finish a change that a crash interrupted."""
        generation, content = self._newest()
        self.generation, self.digest, self.state = generation, digest_of(content), read(content)
        for generation in self.token.generations():
            if generation != self.generation:
                self.token.destroy(generation)
        for stray in (self._tmp, self._aside):
            stray.unlink(missing_ok=True)
        sync_folder(self.folder)
        return self.state

    def _newest(self) -> tuple[int, bytes]:
        try:
            return content_of(self.file.read_bytes(), self.token)
        except FileNotFoundError:
            failure = VaultError("keystore_missing")
        except VaultError as error:
            failure = error
        # between rename and re-reading the former file is still there with its key: it is the whole truth then
        if self._aside.exists():
            generation, content = content_of(self._aside.read_bytes(), self.token)
            os.replace(self._aside, self.file)
            sync_folder(self.folder)
            return generation, content
        raise failure

    @contextlib.contextmanager
    def change(self) -> Iterator[State]:
        """Change a copy of the content; it counts once it is sealed under a new generation, else nothing changed."""
        if self.state is None:
            raise VaultError("keystore_missing")
        draft = self.state.copy()
        yield draft
        self._write(draft, encode(draft.body()), self.generation + 1)

    def adopt(self, generation: int, content: bytes) -> State:
        """Take another place's content as its generation; every earlier one dies here. VaultError ``generation_old``.

        An empty folder begins with whatever generation it is given.
        """
        if generation <= self.generation:
            raise VaultError("generation_old", f"{generation}, here {self.generation}")
        state = read(content)
        self._write(state, content, generation)
        return state

    def raise_to(self, generation: int) -> None:
        """Write the same content as a generation above all that another place can have written; the same refusal."""
        if self.state is None:
            raise VaultError("keystore_missing")
        self.adopt(generation, encode(self.state.body()))

    def _write(self, state: State, content: bytes, new: int) -> None:
        self.failpoint("begin")
        # a key of this number can only be left from an attempt that never reached its rename
        self.token.destroy(new)
        self.token.create(new)
        self.failpoint("key_made")
        data = seal(content, self.token, new, self.replica)
        self._put(data)
        if self.file.exists():
            self._aside.unlink(missing_ok=True)
            os.link(self.file, self._aside)
        self.failpoint("kept_aside")
        # readers in other threads see the old content until the new one is proved; after a failure on this stretch
        # memory and disk may differ: then there is no content, and ``load`` decides anew
        try:
            self._turn(data)
        except BaseException:
            self.state = None
            raise
        self.generation, self.digest, self.state = new, digest_of(content), state
        self.failpoint("done")

    def _turn(self, data: bytes) -> None:
        old = self.generation
        os.replace(self._tmp, self.file)
        self.failpoint("renamed")
        sync_folder(self.folder)
        self.failpoint("folder_synced")
        self._reopen(data)
        self.failpoint("reopened")
        for generation in self.token.generations():
            if generation <= old:
                self.token.destroy(generation)
        self.failpoint("key_destroyed")
        prove_absent(self.token, old)
        self._aside.unlink(missing_ok=True)
        sync_folder(self.folder)

    def _put(self, data: bytes) -> None:
        if len(data) > SIZE_MAX:
            raise VaultError("keystore_limit", f"{len(data)} bytes")
        self._tmp.unlink(missing_ok=True)
        handle = os.open(self._tmp, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            view, done = memoryview(data), 0
            while done < len(view):
                done += os.write(handle, view[done:])
            self.failpoint("tmp_written")
            os.fsync(handle)
        finally:
            os.close(handle)
        self.failpoint("tmp_synced")

    def _reopen(self, data: bytes) -> None:
        # read back through the page cache's back door where the file system allows it, and open as a stranger would
        with self.file.open("rb") as handle:
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            back = handle.read()
        try:
            if back != data:
                raise VaultError("keystore_broken", "re-read differs")
            unseal(back, self.token)
        except VaultError:
            if self._aside.exists():
                os.replace(self._aside, self.file)
                sync_folder(self.folder)
            raise

"""Token of generation keys (키 보관 토큰): a keystore file lives only as long as its generation key does.

``FileToken`` and ``PKCS11Token`` (``token_pkcs11``) fill one Protocol; which of them, config.json says:
``{"token": "pkcs11", "pkcs11": {"module": "/usr/lib/softhsm/libsofthsm2.so", "token": "gwanje"}}``.
"""

from __future__ import annotations

import hmac
import os
import re
from pathlib import Path
from typing import Final, Protocol

from gwanje.kernel.home import Home
from gwanje.vault.errors import VaultError
from gwanje.vault.segment import sync_folder

LABEL: Final = b"gwanje/v1/keystore\0"
LEVELS: Final = {
    "L1": "key deleted; medium remanence not excluded",
    "L2": "TPM",
    "L3": "HSM with non-extractable keys outside cloning and backup",
}
RECORD: Final = "head.record"
RECORD_MAX: Final = 8192
_NAME = re.compile(r"^generation-(\d{12})\.key$")


class Token(Protocol):
    """Holds one HMAC key per generation and never gives it out; ``destroy`` proves absence or raises.

    It also keeps one small record that goes on without a new generation (``heads``): a disk that is put back does not
    put it back. ``remember`` is durable when it returns; a crash may leave the record before beside the new one.
    """

    level: str

    def create(self, generation: int) -> None: ...
    def derive(self, generation: int, replica: int, salt: bytes) -> bytes: ...
    def destroy(self, generation: int) -> None: ...
    def present(self, generation: int) -> bool: ...
    def generations(self) -> list[int]: ...
    def remember(self, record: bytes) -> None: ...
    def recalled(self) -> list[bytes]: ...


def message(generation: int, replica: int, salt: bytes) -> bytes:
    """What the generation key is asked over: label, salt, generation u64, replica u32."""
    return LABEL + salt + generation.to_bytes(8, "big") + replica.to_bytes(4, "big")


def derive_with(key: bytes, generation: int, replica: int, salt: bytes) -> bytes:
    """The keystore's body key: HMAC-SHA-256 over ``message``, 32 bytes."""
    return hmac.digest(key, message(generation, replica, salt), "sha256")


class FileToken:
    """Generation keys as files of mode 0600 in one folder (level L1)."""

    level = "L1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _path(self, generation: int) -> Path:
        return self.folder / f"generation-{generation:012d}.key"

    def create(self, generation: int) -> None:
        """Make a generation's key, durable; FileExistsError when it stands already."""
        handle = os.open(self._path(generation), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, os.urandom(32))
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_folder(self.folder)

    def derive(self, generation: int, replica: int, salt: bytes) -> bytes:
        """The body key of a generation; VaultError ``generation_gone`` when the key does not exist."""
        try:
            key = self._path(generation).read_bytes()
        except FileNotFoundError:
            raise VaultError("generation_gone", f"generation {generation}") from None
        if len(key) != 32:
            raise VaultError("generation_gone", f"generation {generation} is not whole")
        return derive_with(key, generation, replica, salt)

    def destroy(self, generation: int) -> None:
        """Overwrite, fsync, unlink, fsync the folder, prove absent; nothing happens when it is absent already."""
        path = self._path(generation)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        try:
            size = max(32, os.fstat(handle).st_size)
            for filler in (os.urandom(size), bytes(size)):
                os.pwrite(handle, filler, 0)
                os.fsync(handle)
        finally:
            os.close(handle)
        os.unlink(path)
        sync_folder(self.folder)
        if self.present(generation):
            raise VaultError("generation_present", f"generation {generation}")

    def present(self, generation: int) -> bool:
        """Does the key exist? Asks the folder's listing and the name itself."""
        return os.path.lexists(self._path(generation)) or generation in self.generations()

    def generations(self) -> list[int]:
        """Every generation whose key exists, oldest first."""
        found = (_NAME.match(name) for name in os.listdir(self.folder))
        return sorted(int(match[1]) for match in found if match)

    def remember(self, record: bytes) -> None:
        """Replace the one record, durable; VaultError ``limit`` past 8 KiB."""
        if len(record) > RECORD_MAX:
            raise VaultError("limit", f"{len(record)} bytes")
        part = self.folder / f"{RECORD}.tmp"
        handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, record)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(part, self.folder / RECORD)
        sync_folder(self.folder)

    def recalled(self) -> list[bytes]:
        """The record, or nothing."""
        try:
            with (self.folder / RECORD).open("rb") as handle:
                return [handle.read(RECORD_MAX)]
        except FileNotFoundError:
            return []


def token_folder(home: Home) -> Path:
    """Where the file token of a data folder lies."""
    return home.vault / "token"


def replica_number(home: Home) -> int:
    """0 at the centre's own vaultd, else the number that two officers gave this replica."""
    return int((home.config.get("replica") or {}).get("number", 0))


def open_token(home: Home) -> Token:
    """The token that the folder's config names; VaultError ``token_settings`` for another kind, or without its place.

    ``pkcs11``: ``module`` (.so), ``token`` (label), ``pin_file`` (``secrets/token.pin`` when left out).
    """
    kind = home.config.get("token", "file")
    if kind == "file":
        return FileToken(token_folder(home))
    said = home.config.get("pkcs11")
    if kind != "pkcs11" or not isinstance(said, dict) or not said.get("module") or not said.get("token"):
        raise VaultError("token_settings", str(kind)[:40])
    # the module is loaded where a centre has one, and nowhere else
    from gwanje.vault.token_pkcs11 import PKCS11Token, Place

    pin = home.secrets / str(said.get("pin_file", "token.pin"))
    return PKCS11Token(Place(str(said["module"]), str(said["token"]), pin, home.centre, replica_number(home)))

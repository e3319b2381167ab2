"""Token of generation keys (키 보관 토큰): a keystore file lives only as long as its generation key does.

``FileToken`` is level L1. A PKCS#11 token fills the same Protocol later; asked for today it refuses.
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
_NAME = re.compile(r"^generation-(\d{12})\.key$")


class Token(Protocol):
    """Holds one HMAC key per generation and never gives it out; ``destroy`` proves absence or raises."""

    level: str

    def create(self, generation: int) -> None: ...
    def derive(self, generation: int, replica: int, salt: bytes) -> bytes: ...
    def destroy(self, generation: int) -> None: ...
    def present(self, generation: int) -> bool: ...
    def generations(self) -> list[int]: ...


def derive_with(key: bytes, generation: int, replica: int, salt: bytes) -> bytes:
    """The keystore's body key: HMAC-SHA-256 over (label, salt, generation, replica), 32 bytes."""
    return hmac.digest(key, LABEL + salt + generation.to_bytes(8, "big") + replica.to_bytes(4, "big"), "sha256")


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


def token_folder(home: Home) -> Path:
    """Where the file token of a data folder lies."""
    return home.vault / "token"


def open_token(home: Home) -> Token:
    """The token the folder's config names; only ``file`` stands today, ``pkcs11`` refuses."""
    kind = home.config.get("token", "file")
    if kind != "file":
        raise VaultError("pkcs11_unavailable", str(kind))
    return FileToken(token_folder(home))

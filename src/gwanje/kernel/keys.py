"""Service keys (서비스 키): each process has an Ed25519 key of its own in ``secrets/``, mode 0600."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gwanje.kernel.home import Home

SERVICES = ("web", "recorder", "player", "worker", "checker")


def write_secret(path: Path, data: bytes) -> None:
    """Write a new secret file, mode 0600, whole and durable; FileExistsError when it stands already."""
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(part, path)
    finally:
        os.unlink(part)


def _load(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    assert len(data) == 32, f"{path.name} is not a 32-byte key"
    return data


def _ensure(path: Path) -> bytes:
    data = _load(path)
    if data is None:
        # another process may be first; then its key counts
        with contextlib.suppress(FileExistsError):
            write_secret(path, os.urandom(32))
        data = _load(path)
    assert data is not None
    return data


def signing_key(home: Home, service: str, *, create: bool = False) -> Ed25519PrivateKey:
    """The service's Ed25519 key; FileNotFoundError unless it exists or ``create``."""
    path = home.secrets / f"{service}.key"
    data = _ensure(path) if create else path.read_bytes()
    return Ed25519PrivateKey.from_private_bytes(data)


def sealing_key(home: Home, service: str, *, create: bool = False) -> X25519PrivateKey:
    """The service's X25519 key, to which camera passwords are sealed."""
    path = home.secrets / f"{service}.seal.key"
    data = _ensure(path) if create else path.read_bytes()
    return X25519PrivateKey.from_private_bytes(data)


def raw_public(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    """The 32-byte public key."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def publish(home: Home, service: str) -> None:
    """Write ``secrets/<service>.pub`` so that other processes can verify what the service signs."""
    path = home.secrets / f"{service}.pub"
    if not path.exists():
        write_secret(path, raw_public(signing_key(home, service)))


def public_key(home: Home, service: str) -> bytes:
    """The published 32-byte Ed25519 key of a service."""
    data = (home.secrets / f"{service}.pub").read_bytes()
    Ed25519PublicKey.from_public_bytes(data)
    return data

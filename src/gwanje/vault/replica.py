"""A replica's place (키 복제본): seals what the centre's vaultd has under its own token, lets the older die, signs.

TLS 1.3 with both keys pinned (``tls``), the frames of ``kernel.wire``; a content follows its frame as bytes. The place
speaks first: what it holds, signed. Then it is asked ``push``, ``fetch``, ``drill`` or ``ping``, one after another.
It takes a generation above its own only, from a vaultd that knows what it holds now, and answers after its token has
proved every earlier key absent.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gwanje.kernel import wire
from gwanje.kernel.home import Home
from gwanje.kernel.keys import signing_key
from gwanje.vault import tls
from gwanje.vault.door import keep
from gwanje.vault.errors import VaultError
from gwanje.vault.heads import Kept
from gwanje.vault.keystore import NOTHING, SIZE_MAX, Keystore, content_of, digest_of
from gwanje.vault.segment import sync_folder
from gwanje.vault.state import State
from gwanje.vault.token import replica_number

log = logging.getLogger(__name__)
LABEL: Final = b"gwanje/v1/replica\0"
CONNECTIONS_MAX: Final = 8
IDLE_S: Final = 60.0
HANDSHAKE_S: Final = 5.0
DRILL_S: Final = 60.0
PIECE: Final = 1 << 20


def said(centre: UUID, number: int, generation: int, digest: bytes) -> bytes:
    """What a place signs: label, centre 16, number u32, generation u64, SHA-256 of the content."""
    return LABEL + centre.bytes + number.to_bytes(4, "big") + generation.to_bytes(8, "big") + digest


def signs(key: bytes, signature: bytes, message: bytes) -> bool:
    """Is it this Ed25519 key's signature?"""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def address_of(text: str) -> tuple[str, int]:
    """(host, port) of ``host:port`` or ``[IPv6]:port``; VaultError ``replica_field``."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or len(text) > 300 or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise VaultError("replica_field", "host:port")
    return host, int(port)


def is_replica(state: State, number: int) -> bool:
    """Does this content say that the place of this number is a replica of another one?"""
    return any(peer.number == number and not peer.retired for peer in state.peers)


def send_content(sock: socket.socket, content: bytes) -> None:
    """The bytes after a frame."""
    view = memoryview(content)
    for start in range(0, len(view), PIECE):
        sock.sendall(view[start : start + PIECE])


def receive_content(sock: socket.socket, size: Any) -> bytes:
    """The bytes after a frame; WireError past the limit of a keystore."""
    if not isinstance(size, int) or not 0 < size <= SIZE_MAX:
        raise wire.WireError("the content that follows passes the limit")
    out = bytearray()
    while len(out) < size:
        piece = sock.recv(min(PIECE, size - len(out)))
        if not piece:
            raise wire.WireError("the peer closed the connection")
        out += piece
    return bytes(out)


@dataclass(frozen=True)
class Held:
    """What a place says of itself at the beginning of a connection; verified with its pinned key."""

    number: int
    generation: int
    digest: bytes
    primary: bool
    origin: bytes
    # the last signed checkpoint it was told: vaultd's own signature is on it
    note: str = ""

    @classmethod
    def of(cls, message: dict[str, Any], centre: UUID, key: bytes) -> Held:
        """From the first frame; VaultError ``replica_false`` when it is another centre's, or not signed by the key."""
        number, generation, digest = int(message["number"]), int(message["generation"]), bytes(message["digest"])
        text = said(centre, number, generation, digest) + bytes([bool(message["primary"])])
        if message["centre"] != centre.bytes or not signs(key, message["sig"], text):
            raise VaultError("replica_false", f"{number}")
        return cls(
            number, generation, digest, bool(message["primary"]), bytes(message["origin"]), str(message.get("note", ""))
        )


class Origin:
    """Who wrote the content that lies here: the primary's signature over it, one small file beside the keystore."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, generation: int) -> Path:
        return self._folder / f"origin-{generation:012d}.sig"

    def keep(self, generation: int, signature: bytes) -> None:
        """Durable before the content is: a crash in between leaves a signature too many, never one too few."""
        part = self._path(generation).with_suffix(".tmp")
        handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, signature[:64])
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(part, self._path(generation))
        sync_folder(self._folder)

    def of(self, generation: int) -> bytes:
        """The signature, or nothing: this place wrote it itself."""
        try:
            return self._path(generation).read_bytes()[:64]
        except FileNotFoundError:
            return b""

    def only(self, generation: int) -> None:
        """Drop those of other generations."""
        for path in self._folder.glob("origin-*.sig"):
            if path != self._path(generation):
                path.unlink(missing_ok=True)


class Place:
    """One place's listener: threads, because it serves one vaultd and waits for a disk. ``port`` 0 until ``start``.

    ``primary``: the certificate of the one vaultd that may come. ``taking``: False where this place has become the
    primary itself, which says so and takes nothing.
    """

    def __init__(self, home: Home, number: int, primary: bytes, keystore: Keystore, *, taking: bool = True) -> None:
        self.home, self.number, self.keystore = home, number, keystore
        self.primary = tls.public_key(primary)
        self._context = tls.server_context(home, [primary])
        self._key = signing_key(home, tls.SERVICE)
        self._taking = taking
        self._lock = threading.RLock()
        self._origin = Origin(keystore.folder)
        self._head = Kept(keystore.token)
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self.port = 0

    @classmethod
    def of(cls, home: Home, keystore: Keystore) -> Place:
        """The place that a folder's config names, its content loaded; ``replica_primary`` once it was promoted."""
        settings = home.config["replica"]
        place = cls(home, replica_number(home), bytes.fromhex(settings["primary"]), keystore)
        if keystore.exists():
            state = keystore.load()
            # a lost primary yields up to the generation at which ``gwanje replica init`` found it
            if not is_replica(state, place.number) and keystore.generation > int(settings.get("yields", 0)):
                raise VaultError("replica_primary")
            place._head.load(state)
        return place

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self, host: str, port: int) -> None:
        """Listen; OSError when the address cannot be had."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=CONNECTIONS_MAX)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._run, args=(self._listener,), name="replica", daemon=True).start()

    def stop(self) -> None:
        """No connection is left; a content that is being written is written to its end."""
        with self._lock:
            for sock in (self._listener, *tuple(self._open)):
                if sock is not None:
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)
                    sock.close()
            self._listener = None

    def _run(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if len(self._open) >= CONNECTIONS_MAX:
                sock.close()
                continue
            self._open.add(sock)
            threading.Thread(target=self._greet, args=(sock,), name="replica-peer", daemon=True).start()

    def _greet(self, plain: socket.socket) -> None:
        taken: socket.socket = plain
        try:
            keep(plain)
            plain.settimeout(HANDSHAKE_S)
            sock = self._context.wrap_socket(plain, server_side=True)
            # the wrapped socket took the plain one's place
            self._open.add(sock)
            self._open.discard(plain)
            taken = sock
            if tls.peer_key(sock) == self.primary:
                sock.settimeout(IDLE_S)
                self._serve(sock)
        except (OSError, VaultError) as error:
            log.info("a connection to this replica ended: %s", type(error).__name__)
        finally:
            self._open.discard(taken)
            taken.close()

    # --- what is asked --------------------------------------------------------------------------------------------

    def _serve(self, sock: ssl.SSLSocket) -> None:
        wire.send(sock, self._hello())
        acts: dict[str, Callable[[ssl.SSLSocket, dict[str, Any]], tuple[dict[str, Any], bytes]]]
        acts = {"push": self._push, "head": self._follow, "fetch": self._fetch, "drill": self._drill,
                "ping": self._ping}  # fmt: skip
        while True:
            request = wire.receive(sock)
            after = b""
            try:
                act = acts.get(str(request.get("op")))
                if act is None:
                    raise VaultError("op_unknown")
                done, after = act(sock, request)
                answer = {"ok": True, **done}
            except VaultError as error:
                log.warning("refused: %s", error)
                answer = {"ok": False, "error": error.code, "detail": error.detail}
            except (KeyError, TypeError, ValueError):
                answer = {"ok": False, "error": "request", "detail": ""}
            wire.send(sock, answer)
            if after:
                send_content(sock, after)

    def _hello(self) -> dict[str, Any]:
        with self._lock:
            generation, digest = self.keystore.generation, self.keystore.digest
        text = said(self.home.centre, self.number, generation, digest) + bytes([not self._taking])
        return {
            "centre": self.home.centre.bytes,
            "number": self.number,
            "generation": generation,
            "digest": digest,
            "primary": not self._taking,
            "origin": self._origin.of(generation),
            "note": self._head.note,
            "sig": self._key.sign(text),
        }

    def _acknowledged(self) -> dict[str, Any]:
        generation, digest = self.keystore.generation, self.keystore.digest
        signature = self._key.sign(said(self.home.centre, self.number, generation, digest))
        return {"generation": generation, "digest": digest, "ack": signature}

    def _ping(self, sock: ssl.SSLSocket, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            return self._acknowledged(), b""

    def _push(self, sock: ssl.SSLSocket, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        content = receive_content(sock, request["size"])
        with self._lock:
            self.take(int(request["generation"]), content, bytes(request["base"]), bytes(request["sig"]))
            return self._acknowledged(), b""

    def take(self, generation: int, content: bytes, base: bytes, signature: bytes) -> None:
        """Adopt a content; VaultError ``replica_primary``, ``replica_false``, ``generation_old``, ``replica_base``.

        ``base``: the digest that the sender believes to lie here. Who does not know it has not seen what this place
        has: a vaultd that was rolled back. ``signature``: the sender's over number 0, so that it knows its own again.
        """
        store = self.keystore
        if not self._taking:
            raise VaultError("replica_primary")
        if store.state is None and store.exists():
            # a write failed half way: the disk decides anew
            store.load()
        if not signs(self.primary, signature, said(self.home.centre, 0, generation, digest_of(content))):
            raise VaultError("replica_false", "0")
        if generation <= store.generation:
            raise VaultError("generation_old", f"{generation}, here {store.generation}")
        if store.digest not in (NOTHING, base):
            raise VaultError("replica_base", f"{generation}, here {store.generation}")
        self._origin.keep(generation, signature)
        store.adopt(generation, content)
        self._origin.only(generation)

    def _follow(self, sock: ssl.SSLSocket, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            state = self.keystore.state
            if not self._taking or state is None:
                raise VaultError("replica_primary" if state else "replica_base")
            self._head.follow(state, str(request["note"]), bytes(request["base"]))
            return {"note": self._head.note}, b""

    def _fetch(self, sock: ssl.SSLSocket, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            generation, content = content_of(self.keystore.file.read_bytes(), self.keystore.token)
        return {"generation": generation, "size": len(content), "origin": self._origin.of(generation)}, content

    def _drill(self, sock: ssl.SSLSocket, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        # the file must open for a process that has never held its content
        argv = [sys.executable, "-m", "gwanje.vault.drill", str(self.home.root)]
        with self._lock:
            done = subprocess.run(argv, capture_output=True, timeout=DRILL_S, check=False)
        if done.returncode != 0:
            raise VaultError("replica_drill", done.stderr.decode(errors="replace").strip()[-200:])
        found = json.loads(done.stdout)
        return {"generation": int(found["generation"]), "digest": bytes.fromhex(found["digest"]),
                "level": str(found["level"])}, b""  # fmt: skip

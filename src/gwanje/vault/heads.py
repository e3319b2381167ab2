"""Head of the ledger (관리대장 최종 검증 지점): the last checkpoint that was signed, kept in the token by itself.

A record there is replaced before a note leaves, so that signing costs two small writes and not a whole keystore. Each
write of the keystore repeats the head, and says from the first one on that a record stands: a record that is missing,
or older than the keystore's, is ``lost``, and nothing is signed (``checkpoint_lost``) until a replica shows what it was
told or two officers bring the published note. A head never goes back, at any place.
Record: HMAC-SHA-256(key, rest) ‖ canonical {v 1, note, told: [[place, size, [digest, …]], …]}; the key is derived from
``log_key``. ``told``: what each replica may truthfully hold, written before it is sent; another note of ours is a fork.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.kernel.canonical import NotCanonical, decode, encode
from gwanje.kernel.cose import public_bytes
from gwanje.kernel.ledger import note as notes
from gwanje.kernel.ledger import tree as ledger_tree
from gwanje.law import upholds
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import Failpoint
from gwanje.vault.state import State
from gwanje.vault.token import Token

if TYPE_CHECKING:
    from gwanje.vault.conversation import Conversation, Link
    from gwanje.vault.core import Vault

log = logging.getLogger(__name__)
LABEL: Final = b"gwanje/v1/head\0"
NOTHING: Final = b""
DIGESTS_MAX: Final = 16
STEPS: Final = ("begin", "kept", "repeated")


@upholds("security.internal_control", passes=True)
def continues(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a ledger still holds all that was signed before (위·변조된 관리대장은 서명하지 않음)."""
    return ledger_tree.verify_consistency(old_size, old_root, size, root, list(proof))


@dataclass(frozen=True)
class Told:
    """What a replica may hold: the size it acknowledged, digests of that note and of those sent to it since."""

    size: int = 0
    digests: tuple[bytes, ...] = ()

    def with_(self, digest: bytes) -> Told:
        """One more, the newest ``DIGESTS_MAX`` kept."""
        others = tuple(known for known in self.digests if known != digest)
        return Told(self.size, (*others[-DIGESTS_MAX + 1 :], digest))


def digest_of(note: str) -> bytes:
    """What two places compare: SHA-256 of the note; nothing of no note."""
    return sha256(note.encode()).digest() if note else NOTHING


class Kept:
    """What one place keeps of the last signed checkpoint. Not thread-safe: its owner has a lock.

    ``note`` "" and ``point`` None: nothing was signed, or told, yet.
    """

    def __init__(self, token: Token) -> None:
        self._token = token
        self.note = ""
        self.point: notes.Checkpoint | None = None
        self.told: dict[int, Told] = {}

    def load(self, state: State) -> None:
        """Read the token's newest record; one that is not this keystore's says nothing."""
        found = [record for blob in self._token.recalled() if (record := self._read(state, blob)) is not None]
        if found:
            self.note, self.point, self.told = max(found, key=lambda record: record[1].size)

    @staticmethod
    def _read(state: State, blob: bytes) -> tuple[str, notes.Checkpoint, dict[int, Told]] | None:
        if not hmac.compare_digest(blob[:32], _mac(state, blob[32:])):
            return None
        try:
            said = decode(blob[32:])
            told = {int(number): Told(int(size), tuple(digests)) for number, size, digests in said["told"]}
            return said["note"], signed(state, said["note"]), told
        except (NotCanonical, VaultError, KeyError, TypeError, ValueError):
            return None

    def put(self, state: State, note: str, told: Mapping[int, Told] | None = None) -> None:
        """Make a note the one that is kept; durable when this returns, else nothing has changed here."""
        point, told = signed(state, note), dict(self.told if told is None else told)
        rows = [[number, row.size, list(row.digests)] for number, row in sorted(told.items())]
        body = encode({"v": 1, "note": note, "told": rows})
        self._token.remember(_mac(state, body) + body)
        self.note, self.point, self.told = note, point, told

    def follow(self, state: State, note: str, base: bytes) -> None:
        """A replica takes its primary's newer note. VaultError ``replica_base``, ``checkpoint_head``, ``…_fork``.

        ``base``: the digest of what the sender believes to lie here, as with contents.
        """
        point = signed(state, note)
        if self.point is not None:
            if base != digest_of(self.note):
                raise VaultError("replica_base", f"{point.size}, here {self.point.size}")
            if point.size < self.point.size:
                raise VaultError("checkpoint_head", str(self.point.size))
            if point != self.point and not _later(point, self.point):
                raise VaultError("checkpoint_fork", f"{self.point.size} -> {point.size}")
        self.put(state, note)


def _key(state: State) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(state.checkpoint_key)


def _mac(state: State, body: bytes) -> bytes:
    return hmac.digest(hmac.digest(state.log_key, LABEL, "sha256"), body, "sha256")


def _later(one: notes.Checkpoint, other: notes.Checkpoint) -> bool:
    return one.origin == other.origin and one.size > other.size


def signed(state: State, note: str) -> notes.Checkpoint:
    """The checkpoint of a note that this centre's vaultd signed; VaultError ``checkpoint_note``."""
    try:
        return notes.verify(note, public_bytes(_key(state)))
    except notes.BadNote as error:
        raise VaultError("checkpoint_note", str(error)) from error


class Heads:
    """Checkpoints of one vaultd: signs them, and tells them to its replicas. Has a lock of its own."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._lock = threading.RLock()
        self._kept = Kept(vault.keystore.token)
        self._lost = False
        # what each replica said on its present connection, and what it may hold since
        self._base: dict[int, bytes] = {}
        self._told: dict[int, Told] = {}
        self.failpoint: Failpoint = lambda step: None

    def load(self, *, passive: bool) -> None:
        """At vaultd's start; ``passive``: a replica that waits for its promotion, whose record may lag behind."""
        state, kept = self._vault.state, self._kept
        kept.load(state)
        self._told = dict(kept.told)
        if state.head is None:
            return
        floor = notes.Checkpoint(*state.head)
        if kept.point == floor or (kept.point is not None and _later(kept.point, floor)):
            return
        kept.point, kept.note = floor, notes.sign(floor, _key(state))
        if passive:
            return
        if not state.headed:
            # a keystore from before there were records
            kept.put(state, kept.note)
            return
        self._lost = True
        log.critical("the token has no record of the last signed checkpoint: nothing is signed")
        detail = {"outcome": "refused", "size": self.size, "norms": ["security.internal_control"], "dies": "system"}
        self._vault.fact("vault.checkpoint.lost", detail)

    def settle(self) -> None:
        """This replica becomes the primary: what it signs on from is its own record first."""
        with self._lock:
            if self._kept.note:
                self._kept.put(self._vault.state, self._kept.note)

    @property
    def size(self) -> int:
        """Rows under the last signed checkpoint."""
        return self._kept.point.size if self._kept.point else 0

    def into(self, draft: State) -> None:
        """The keystore repeats it."""
        point = self._kept.point
        if point is not None and not self._lost:
            draft.head, draft.headed = (point.origin, point.size, point.root), True

    def checkpoint(self, origin: str, size: int, root: bytes, old_size: int, proof: Sequence[bytes]) -> str:
        """Sign a checkpoint after the consistency proof from the last one; the head is durable before the note is out.

        Refuses ``checkpoint_origin``, ``checkpoint_head`` (detail: the head's size), ``checkpoint_fork``,
        ``checkpoint_lost``; ``rolled_back`` while a replica contradicts.
        """
        vault, point = self._vault, notes.Checkpoint(origin, size, root)
        try:
            point.text()
        except notes.BadNote as error:
            raise VaultError("checkpoint_origin", str(error)) from error
        with self._lock:
            if vault.peers.standby:
                raise VaultError("replica_here")
            if vault.peers.problem is not None:
                raise VaultError("rolled_back", vault.peers.problem)
            if self._lost:
                raise VaultError("checkpoint_lost", str(self.size))
            head = self._kept.point or notes.Checkpoint(origin, 0, ledger_tree.EMPTY)
            if head.origin != origin:
                raise VaultError("checkpoint_origin")
            if old_size != head.size:
                raise VaultError("checkpoint_head", str(head.size))
            if not continues(head.size, head.root, size, root, proof):
                detail = {"outcome": "refused", "size": size, "old_size": old_size, "dies": "system"}
                vault.fact("vault.checkpoint.refused", {**detail, "norms": ["security.internal_control"]})
                raise VaultError("checkpoint_fork", f"{head.size} -> {size}")
            note = notes.sign(point, vault.checkpoint_key)
            if self._kept.point != point:
                self._put(note)
        vault.peers.wake()
        return note

    def _put(self, note: str) -> None:
        state = self._vault.state
        self.failpoint("begin")
        # a place that listens is told this note next: the record says so before it is sent
        fresh = {number: self._told[number].with_(digest_of(note)) for number in self._base}
        self._kept.put(state, note, {**self._told, **fresh})
        self._told, self._lost = dict(self._kept.told), False
        self.failpoint("kept")
        if not state.headed:
            # from here on a missing record is noticed
            with self._vault.change():
                pass
            self.failpoint("repeated")

    # --- another place, or officers, know more --------------------------------------------------------------------

    def raise_to(self, state: State) -> None:
        """A keystore's content that is about to be taken repeats a later head: it is kept first."""
        with self._lock:
            point = self._kept.point
            if state.head and (point is None or _later(notes.Checkpoint(*state.head), point)):
                self._kept.put(state, notes.sign(notes.Checkpoint(*state.head), _key(state)))

    def take(self, note: str) -> int:
        """A note that this vaultd signed and does not remember, brought by two officers; its size.

        VaultError ``checkpoint_note``, ``checkpoint_head`` when it is older than what is known to be signed.
        """
        with self._lock:
            state, point = self._vault.state, self._kept.point
            found = signed(state, note)
            if point is not None and found != point and not _later(found, point):
                raise VaultError("checkpoint_head", str(point.size))
            self._put(note)
        with self._vault.change():
            pass
        self._vault.peers.wake()
        return found.size

    def meet(self, number: int, note: str) -> bool:
        """What a replica says it was told, at the beginning of a connection. False: both are ours, it is a fork.

        A later one is taken: this place's record was rolled back. VaultError ``checkpoint_note``: it was never ours.
        """
        with self._lock:
            state, own, told = self._vault.state, self._kept.point, self._told.get(number)
            size = 0
            if note:
                theirs = signed(state, note)
                size = theirs.size
                if own is None or _later(theirs, own) or (self._lost and theirs == own):
                    self._raised(number, note, theirs)
                elif theirs != own and not self._truthful(theirs, digest_of(note), told, own):
                    return False
            self._base[number] = digest_of(note)
            # what was sent on an earlier connection may still arrive: it counts until this one has acknowledged
            self._told[number] = Told(size, told.digests if told else ()).with_(digest_of(note))
            return True

    @staticmethod
    def _truthful(theirs: notes.Checkpoint, digest: bytes, told: Told | None, own: notes.Checkpoint) -> bool:
        """May a replica still say this older note? Its own machine may have been put back, too (작아진 값)."""
        if theirs.origin != own.origin or theirs.size > own.size:
            return False
        # nothing was ever sent to it: a lost primary that two officers take in again holds what it signed
        unasked = told is None and theirs.size < own.size
        return unasked or (told is not None and (digest in told.digests or theirs.size < told.size))

    def left(self, number: int) -> None:
        """The connection is over: nothing more is sent on it."""
        with self._lock:
            self._base.pop(number, None)

    def _raised(self, number: int, note: str, theirs: notes.Checkpoint) -> None:
        log.critical("replica %d was told of a later checkpoint than this place remembers: %d", number, theirs.size)
        detail = {"outcome": "refused", "replica": number, "size": self.size, "newer": theirs.size,
                  "norms": ["security.internal_control"], "dies": "system"}  # fmt: skip
        self._vault.fact("vault.checkpoint.rolled_back", detail)
        self._put(note)

    def forgive(self, number: int, note: str) -> None:
        """Two officers ended a fork: a replica may hold this note and is told the newest one over it."""
        with self._lock:
            self._told[number] = self._told.get(number, Told()).with_(digest_of(note))

    def waits(self, link: Link) -> bool:
        """Has this place a note that a replica was not told?"""
        return bool(self._kept.note) and self._base.get(link.peer.number) != digest_of(self._kept.note)

    def send(self, link: Link, talk: Conversation) -> None:
        """Tell it the newest note; VaultError with its code when it refuses."""
        number = link.peer.number
        with self._lock:
            note, size = self._kept.note, self.size
            digest, base = digest_of(note), self._base.get(number, NOTHING)
            if digest not in self._kept.told.get(number, Told()).digests:
                self._put(note)
        answer: dict[str, Any] = talk.ask({"op": "head", "note": note, "base": base})
        if answer["note"] != note:
            raise VaultError("replica_false", str(number))
        with self._lock:
            self._told[number] = Told(size, (digest,))
            self._base[number] = digest

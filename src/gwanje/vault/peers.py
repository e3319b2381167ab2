"""vaultd's replicas (키 복제 관리): a thread for each, the newest content only, and what waits for their answer.

A change never waits here. What waits is what the change was for: the first lending of a new root (``replicas_needed``
acknowledgements) and the word that something is dead (all of them). A place that says it holds what this vaultd never
wrote, or wrote later than the file it started from, stops it: ``gate`` then opens nothing.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gwanje.kernel import wire
from gwanje.kernel.keys import raw_public, signing_key
from gwanje.vault import tls
from gwanje.vault.door import keep
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import NOTHING, content_of, digest_of, read
from gwanje.vault.records import Peer
from gwanje.vault.replica import Held, address_of, is_replica, receive_content, said, send_content, signs
from gwanje.vault.token import replica_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gwanje.vault.core import Vault

log = logging.getLogger(__name__)
PEERS_MAX: Final = 7
CONNECT_S: Final = 3.0
ANSWER_S: Final = 15.0
DRILL_ANSWER_S: Final = 90.0
PING_S: Final = 5.0
AGAIN_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
MISSING_US: Final = 30_000_000
LEND_WAIT_S: Final = 1.0
DRILL_EVERY_S: Final = 30 * 86_400
# a promoted place counts on from here: what the lost primary may still have written stays below
TERM: Final = 1 << 24


def above(generation: int) -> int:
    """The first generation of the next term: whatever another place still wrote stays below it."""
    return (generation // TERM + 1) * TERM


@dataclass
class Link:
    """One place as this process knows it. ``known``: contents it may truthfully hold, generation → digest."""

    peer: Peer
    known: dict[int, bytes]
    acknowledged: int = 0
    digest: bytes = b""
    signature: bytes = b""
    answered: bool = False
    trouble: str = "away"
    behind_us: int | None = None
    told: bool = False
    held: Held | None = None
    drill_after: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Conversation:
    """A connection to one place: what it says of itself, then questions in turn."""

    def __init__(self, vault: Vault, peer: Peer, answer_s: float = ANSWER_S) -> None:
        host, port = address_of(peer.address)
        context = tls.client_context(vault.home, tls.SERVICE, peer.certificate)
        plain = socket.create_connection((host, port), CONNECT_S)
        try:
            keep(plain)
            self.sock = context.wrap_socket(plain)
            self.sock.settimeout(answer_s)
            self.held = Held.of(wire.receive(self.sock), vault.state.centre, peer.key)
            if self.held.number != peer.number:
                raise VaultError("replica_false", f"{self.held.number}")
        except BaseException:
            plain.close()
            raise

    def ask(self, request: dict[str, Any], after: bytes = b"") -> dict[str, Any]:
        """One question; VaultError with the place's code when it refuses."""
        wire.send(self.sock, request)
        if after:
            send_content(self.sock, after)
        answer = wire.receive(self.sock)
        if answer.get("ok") is not True:
            raise VaultError(str(answer.get("error", "internal")), str(answer.get("detail", ""))[:200])
        return answer

    def close(self) -> None:
        """Leave."""
        with suppress(OSError):
            self.sock.close()


class Peers:
    """Every replica of one vault. ``start`` begins the threads; without peers everything passes."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._changed = threading.Condition()
        self._links: dict[int, Link] = {}
        self._started = False
        self._born: dict[tuple[int, int], int] = {}
        self._first = vault.keystore.generation
        self._blamed: int | None = None
        self.number = replica_number(vault.home)
        self.standby = is_replica(vault.state, self.number)
        self.problem: str | None = "standby" if self.standby else None
        self._sync()

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Ask every place, and go on asking."""
        self._started = True
        self._sync()

    def stop(self) -> None:
        """No thread goes on; one in the middle of an answer ends by itself."""
        self._started = False
        for link in self._links.values():
            link.stop.set()
        self.changed()

    def changed(self) -> None:
        """The keystore has a new generation, or other places."""
        self._sync()
        with self._changed:
            self._changed.notify_all()

    def _sync(self) -> None:
        # a replica that waits for its promotion asks nobody: it is nobody's primary
        peers = () if self.standby else self.vault.state.peers
        wanted = {peer.number: peer for peer in peers if not peer.retired}
        for number in [n for n, link in self._links.items() if n not in wanted or link.peer.key != wanted[n].key]:
            self._links.pop(number).stop.set()
        for number, peer in wanted.items():
            if number not in self._links:
                known = {peer.acknowledged: peer.digest, peer.offered: peer.offered_digest}
                self._links[number] = Link(peer, {0: NOTHING, **{g: d for g, d in known.items() if g}})
            link = self._links[number]
            if self._started and link.thread is None:
                link.thread = threading.Thread(target=self._run, args=(link,), name=f"replica-{number}", daemon=True)
                link.thread.start()

    def noted(self, peers: Iterable[Peer]) -> tuple[Peer, ...]:
        """The places as a draft keeps them: what each has acknowledged and what was last sent to it."""
        return tuple(self._noted(peer) for peer in peers)

    def _noted(self, peer: Peer) -> Peer:
        link = self._links.get(peer.number)
        if link is None or link.peer.key != peer.key:
            return peer
        newest = max(link.known, default=0)
        noted = replace(peer, offered=newest, offered_digest=link.known.get(newest, b""))
        return replace(noted, acknowledged=link.acknowledged, digest=link.digest) if link.acknowledged else noted

    # --- what may be done and told --------------------------------------------------------------------------------

    @property
    def needed(self) -> int:
        """Acknowledgements before a new root is lent: ``replicas_needed``, else all but one; at least 1."""
        count = len(self._links)
        if not count:
            return 0
        wanted = self.vault.home.config.get("replicas_needed")
        return max(1, min(count, int(wanted))) if wanted is not None else max(1, count - 1)

    def gate(self) -> None:
        """Raise VaultError ``rolled_back`` or ``replica_silent`` while nothing stored may be opened."""
        if self.problem is not None:
            raise VaultError("rolled_back", self.problem)
        if self._links and not any(link.answered for link in self._links.values()):
            raise VaultError("replica_silent")

    def born(self, keys: Iterable[tuple[int, int]]) -> None:
        """These roots came with the newest generation."""
        floor = self.vault.clock.now_s() // 3600
        self._born = {key: g for key, g in self._born.items() if key[1] >= floor}
        self._born.update(dict.fromkeys(keys, self.vault.keystore.generation))

    def lendable(self, key: tuple[int, int]) -> None:
        """Raise VaultError ``rolled_back``, or ``replica_missing`` while too few places have this root.

        Waits a second for places that answer, and for none that does not.
        """
        if self.problem is not None:
            raise VaultError("rolled_back", self.problem)
        born = self._born.get(key, self._first)

        def enough() -> bool:
            return sum(link.acknowledged >= born for link in self._links.values()) >= self.needed

        with self._changed:
            if enough():
                return
            if sum(not link.trouble for link in self._links.values()) >= self.needed:
                self._changed.wait_for(enough, LEND_WAIT_S)
            if not enough():
                raise VaultError("replica_missing")

    def settled(self, generation: int) -> bool:
        """Is the key of ``generation``, and of every one before, proved absent in every token that had it?"""
        return all(link.acknowledged > generation for link in self._links.values())

    def wait(self, generation: int, seconds: float) -> bool:
        """``settled``, after at most this long."""
        with self._changed:
            return self._changed.wait_for(lambda: self.settled(generation), seconds)

    def rows(self) -> list[dict[str, Any]]:
        """Each place for status and certificates: number, acknowledged generation with its signature, trouble."""
        return [
            {
                "number": number, "address": link.peer.address, "acknowledged": link.acknowledged,
                "signature": link.signature, "digest": link.digest, "trouble": link.trouble, "missing": link.told,
            }
            for number, link in sorted(self._links.items())
        ]  # fmt: skip

    # --- what officers decide -------------------------------------------------------------------------------------

    def renew(self, number: int) -> None:
        """Another address: the next connection uses it."""
        link = self._links.pop(number, None)
        if link is not None:
            link.stop.set()
        self.changed()

    def forgive(self, number: int) -> None:
        """A place that was retired says nothing any more."""
        if self.problem is not None and self._blamed == number:
            self.problem, self._blamed = None, None
        self.changed()

    def keep_own(self, number: int) -> None:
        """Write this place's content above the other's, and let the other take it whatever it holds."""
        link = self._links.get(number)
        if link is None or link.held is None or link.held.primary:
            raise VaultError("replica_unknown", str(number))
        held = link.held
        with self.vault.locked():
            store = self.vault.keystore
            store.raise_to(above(max(held.generation, store.generation)))
        link.known[held.generation] = held.digest
        self.forgive(number)

    def drill(self, peer: Peer) -> dict[str, Any]:
        """Let a place open its newest file afresh; a fact either way. VaultError ``replica_drill`` or its code."""
        detail: dict[str, Any] = {"replica": peer.number, "norms": ["retention.irrecoverable"], "dies": "system"}
        try:
            found = self._drill(peer)
        except VaultError as error:
            self.vault.fact("vault.replica.drilled", {**detail, "outcome": "refused", "problem": error.code})
            raise
        self.vault.fact("vault.replica.drilled", {**detail, **found})
        self._drilled(peer.number)
        return found

    def _drill(self, peer: Peer) -> dict[str, Any]:
        try:
            talk = Conversation(self.vault, peer, DRILL_ANSWER_S)
            try:
                answer = talk.ask({"op": "drill"})
            finally:
                talk.close()
            generation, digest, level = int(answer["generation"]), bytes(answer["digest"]), str(answer["level"])[:8]
        except (OSError, wire.WireError, KeyError, TypeError, ValueError) as error:
            raise VaultError("replica_drill", type(error).__name__) from error
        link = self._links.get(peer.number)
        if link is None or link.known.get(generation) != digest:
            raise VaultError("replica_drill", f"generation {generation}: another content")
        return {"generation": generation, "digest": digest, "level": level}

    def _drill_file(self) -> Path:
        return self.vault.home.vault / "drills.json"

    def _drills(self) -> dict[str, int]:
        try:
            told: dict[str, int] = json.loads(self._drill_file().read_text())
        except (OSError, ValueError):
            # a lost note makes the next drill come early
            return {}
        return told

    def _drilled(self, number: int) -> None:
        part = self._drill_file().with_suffix(".tmp")
        part.write_text(json.dumps({**self._drills(), str(number): self.vault.clock.now_s()}))
        part.replace(self._drill_file())

    # --- one place ------------------------------------------------------------------------------------------------

    def _run(self, link: Link) -> None:
        tries = 0
        while not link.stop.is_set():
            try:
                with self._talk(link) as talk:
                    tries = 0
                    self._serve(link, talk)
            except VaultError as error:
                link.trouble = error.code
                log.warning("replica %d: %s", link.peer.number, error)
            except (OSError, wire.WireError, ssl.SSLError, KeyError, TypeError, ValueError) as error:
                link.trouble = "away"
                log.info("replica %d is away: %s", link.peer.number, type(error).__name__)
            except Exception:
                link.trouble = "internal"
                log.exception("replica %d", link.peer.number)
            self._watch(link)
            link.stop.wait(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            tries += 1

    @contextmanager
    def _talk(self, link: Link) -> Iterator[Conversation]:
        talk = Conversation(self.vault, link.peer)
        try:
            self._judge(link, talk)
            yield talk
        finally:
            talk.close()

    def _serve(self, link: Link, talk: Conversation) -> None:
        link.trouble = ""
        while not link.stop.is_set():
            if self.vault.keystore.generation > link.acknowledged:
                self._push(link, talk)
            else:
                self._heard(link, talk.ask({"op": "ping"}))
                self._drill_monthly(link)
            self._watch(link)
            with self._changed:
                self._changed.wait_for(
                    lambda: link.stop.is_set() or self.vault.keystore.generation > link.acknowledged, PING_S
                )

    def _drill_monthly(self, link: Link) -> None:
        now, number = self.vault.clock.now_s(), link.peer.number
        if now - self._drills().get(str(number), 0) < DRILL_EVERY_S or now < link.drill_after:
            return
        # one that fails is tried again tomorrow, and is a fact each time
        link.drill_after = now + 86_400
        with suppress(VaultError):
            self.drill(link.peer)

    def _content(self) -> tuple[int, bytes]:
        # as it lies on the disk: what was sealed, and no key that a later change overwrites while it is sent
        with self.vault.locked():
            return content_of(self.vault.keystore.file.read_bytes(), self.vault.keystore.token)

    def _push(self, link: Link, talk: Conversation) -> None:
        generation, content = self._content()
        digest, base = digest_of(content), link.digest or NOTHING
        own = signing_key(self.vault.home, tls.SERVICE)
        link.known[generation] = digest
        request = {
            "op": "push", "generation": generation, "base": base, "size": len(content),
            "sig": own.sign(said(self.vault.state.centre, 0, generation, digest)),
        }  # fmt: skip
        self._heard(link, talk.ask(request, content), (generation, digest))

    def _heard(self, link: Link, answer: dict[str, Any], wanted: tuple[int, bytes] | None = None) -> None:
        generation, digest, signature = int(answer["generation"]), bytes(answer["digest"]), bytes(answer["ack"])
        if wanted is not None and (generation, digest) != wanted:
            raise VaultError("replica_false", f"{link.peer.number}")
        if not signs(link.peer.key, signature, said(self.vault.state.centre, link.peer.number, generation, digest)):
            raise VaultError("replica_false", f"{link.peer.number}")
        if link.known.get(generation) != digest:
            raise VaultError("replica_false", f"{link.peer.number}")
        with self._changed:
            link.acknowledged, link.digest, link.signature = generation, digest, signature
            link.known = {g: d for g, d in link.known.items() if g >= generation}
            self._changed.notify_all()

    # --- roll-back ------------------------------------------------------------------------------------------------

    def _judge(self, link: Link, talk: Conversation) -> None:
        """Compare what a place holds with what it can hold; VaultError when nothing more is to be said to it."""
        held, vault = talk.held, self.vault
        link.held = held
        with vault.locked():
            generation, digest = vault.keystore.generation, vault.keystore.digest
        known = link.known.get(held.generation) == held.digest or (generation, digest) == (held.generation, held.digest)
        # nothing was ever sent to it: a lost primary that two officers take in again holds what it held
        known = known or (max(link.known) == 0 and held.generation < generation) or held.digest == NOTHING
        if known and not held.primary:
            link.known[held.generation] = held.digest
            link.acknowledged, link.digest, link.answered = held.generation, held.digest, True
            return
        own = raw_public(signing_key(vault.home, tls.SERVICE))
        mine = signs(own, held.origin, said(vault.state.centre, 0, held.generation, held.digest))
        if held.primary:
            self._refuse(link, "superseded", held)
        if not mine:
            raise VaultError("replica_false", f"{held.number}")
        if held.generation > generation:
            self._refuse_and_take(link, talk, held)
        self._refuse(link, "forked", held)

    def _refuse(self, link: Link, why: str, held: Held) -> None:
        """From here on nothing opens; two officers decide."""
        here = self.vault.keystore.generation
        if self.problem is None:
            self.problem = f"{why}: {link.peer.number} = {held.generation}, {here}"
            self._blamed = link.peer.number
            log.critical("this keystore is not the newest: %s", self.problem)
            detail = {"outcome": "refused", "problem": why, "replica": held.number, "generation": here,
                      "newer": held.generation, "norms": ["retention.irrecoverable"], "dies": "system"}  # fmt: skip
            self.vault.fact("vault.keystore.rolled_back", detail)
        raise VaultError("rolled_back", self.problem)

    def _refuse_and_take(self, link: Link, talk: Conversation, held: Held) -> None:
        """This vaultd wrote it itself and has lost it: take it back, then start anew from it."""
        with suppress(VaultError):
            self._refuse(link, "older", held)
        answer = talk.ask({"op": "fetch"})
        content = receive_content(talk.sock, answer["size"])
        state = read(content)
        if digest_of(content) != held.digest or state.centre != self.vault.state.centre or is_replica(state, 0):
            raise VaultError("replica_false", f"{held.number}")
        self.vault.recover(held.generation, content)
        log.critical("took generation %d back from replica %d; starting again", held.generation, held.number)
        raise VaultError("rolled_back", f"{held.generation}")

    # --- alarm ----------------------------------------------------------------------------------------------------

    def _watch(self, link: Link) -> None:
        """Within a minute of the first unanswered change: a fact; another one when it is over."""
        now = self.vault.clock.tick_us()
        if not link.trouble and link.acknowledged >= self.vault.keystore.generation:
            link.behind_us = None
            if link.told:
                link.told = False
                self._tell(link, "vault.replica.back", "done")
        elif link.behind_us is None:
            link.behind_us = now
        elif now - link.behind_us > MISSING_US and not link.told:
            link.told = True
            self._tell(link, "vault.replica.missing", "refused")

    def _tell(self, link: Link, kind: str, outcome: str) -> None:
        waiting = sum(d.generation >= link.acknowledged for d in self.vault.state.destroyed)
        detail = {"outcome": outcome, "replica": link.peer.number, "acknowledged": link.acknowledged,
                  "generation": self.vault.keystore.generation, "waiting": waiting, "trouble": link.trouble,
                  "norms": ["retention.irrecoverable"], "dies": "system"}  # fmt: skip
        self.vault.fact(kind, detail)

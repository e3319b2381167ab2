"""vaultd's replicas (키 복제 관리): a thread for each, the newest content only, and what waits for their answer.

A change never waits here. What waits is what the change was for: the first lending of a new root (``replicas_needed``
acknowledgements) and the word that something is dead (all of them). A place that says it holds what this vaultd never
wrote, or wrote later than the file it started from, stops it: ``gate`` then opens nothing.
"""

from __future__ import annotations

import json
import logging
import ssl
import threading
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gwanje.kernel import wire
from gwanje.kernel.keys import raw_public, signing_key
from gwanje.vault import tls
from gwanje.vault.conversation import ANSWER_S, Conversation, Link, above
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import NOTHING, content_of, digest_of, read
from gwanje.vault.records import Peer
from gwanje.vault.replica import Held, is_replica, receive_content, said, signs
from gwanje.vault.token import replica_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gwanje.vault.core import Vault

log = logging.getLogger(__name__)
PEERS_MAX: Final = 7
DRILL_ANSWER_S: Final = 90.0
PING_S: Final = 5.0
AGAIN_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
MISSING_US: Final = 30_000_000
LEND_WAIT_S: Final = 1.0
HOURS_AHEAD: Final = 24
DRILL_EVERY_S: Final = 30 * 86_400


class Peers:
    """Every replica of one vault. ``start`` begins the threads; without peers everything passes."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._changed = threading.Condition()
        self._links: dict[int, Link] = {}
        self._started = False
        # roots that too few places are known to have, and those that enough have: this outlives a restart
        self._born: dict[tuple[int, int], int] = {}
        self._safe = self._read_safe()
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
        self.wake()

    def changed(self) -> None:
        """The keystore has a new generation, or other places."""
        self._sync()
        self.wake()

    def wake(self) -> None:
        """There is something to tell them."""
        with self._changed:
            self._changed.notify_all()

    def _sync(self) -> None:
        """Begin and end threads as the keystore names places; the table is replaced, never altered in place."""
        with self._changed:
            if not self.vault.whole:
                # about to start anew
                return
            # a replica that waits for its promotion asks nobody: it is nobody's primary
            peers = () if self.standby else self.vault.state.peers
            wanted = {peer.number: peer for peer in peers if not peer.retired}
            links: dict[int, Link] = {}
            for number, link in self._links.items():
                if number in wanted and link.peer.key == wanted[number].key:
                    links[number] = link
                else:
                    link.stop.set()
            for number, peer in wanted.items():
                link = links.setdefault(number, self._link(peer))
                if self._started and link.thread is None:
                    name = f"replica-{number}"
                    link.thread = threading.Thread(target=self._run, args=(link,), name=name, daemon=True)
                    link.thread.start()
            self._links = links

    def _link(self, peer: Peer) -> Link:
        known = {peer.acknowledged: peer.digest, peer.offered: peer.offered_digest}
        known = {0: NOTHING, **{g: d for g, d in known.items() if g}}
        if len(known) > 1:
            # what the process before this one had last may still arrive there
            known[self.vault.keystore.generation] = self.vault.keystore.digest
        return Link(peer, known, peer.acknowledged, peer.digest)

    def noted(self, peers: Iterable[Peer]) -> tuple[Peer, ...]:
        """The places as a draft keeps them: what each has acknowledged and what was last sent to it."""
        return tuple(self._noted(peer) for peer in peers)

    def _noted(self, peer: Peer) -> Peer:
        link = self._links.get(peer.number)
        if link is None or link.peer.key != peer.key:
            return peer
        newest = max(tuple(link.known), default=0)
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

    @property
    def ahead(self) -> int:
        """Hours whose roots are made before they are needed; 0 without replicas."""
        return HOURS_AHEAD if self._links else 0

    def born(self, keys: Iterable[tuple[int, int]]) -> None:
        """These roots came with the newest generation."""
        with self._changed:
            fresh = dict.fromkeys(keys, self.vault.keystore.generation)
            self._born.update(fresh)
            self._safe -= set(fresh)

    def _enough(self, key: tuple[int, int]) -> bool:
        born = self._born.get(key, self._first)
        return key in self._safe or sum(link.acknowledged >= born for link in self._links.values()) >= self.needed

    def lendable(self, key: tuple[int, int]) -> None:
        """Raise VaultError ``rolled_back``, or ``replica_missing`` while too few places have this root.

        Waits a second for places that answer, and for none that does not.
        """
        if self.problem is not None:
            raise VaultError("rolled_back", self.problem)
        with self._changed:
            if self._enough(key):
                return
            if sum(not link.trouble for link in self._links.values()) >= self.needed:
                self._changed.wait_for(lambda: self._enough(key), LEND_WAIT_S)
            if not self._enough(key):
                raise VaultError("replica_missing")

    def _safe_file(self) -> Path:
        return self.vault.home.vault / "replicated.json"

    def _read_safe(self) -> set[tuple[int, int]]:
        try:
            return {(int(class_), int(epoch)) for class_, epoch in json.loads(self._safe_file().read_text())}
        except (OSError, ValueError, TypeError):
            # without the note the replicas are asked again before anything is lent
            return set()

    def _note_safe(self) -> None:
        """Which roots enough places have; after a restart they are lent although a replica is away."""
        floor = self.vault.clock.now_s() // 3600
        with self._changed:
            safe = {key for key in (*self._safe, *self._born) if key[1] >= floor and self._enough(key)}
            self._born = {key: born for key, born in self._born.items() if key[1] >= floor and key not in safe}
            if safe == self._safe:
                return
            self._safe = safe
        part = self._safe_file().with_suffix(f".{threading.get_ident()}.tmp")
        part.write_text(json.dumps(sorted(safe)))
        part.replace(self._safe_file())

    def settled(self, generation: int) -> bool:
        """Is the key of ``generation``, and of every one before, proved absent in every token that had it?"""
        return all(link.acknowledged > generation for link in self._links.values())

    def wait(self, generation: int, seconds: float) -> bool:
        """``settled``, after at most this long."""
        with self._changed:
            return self._changed.wait_for(lambda: self.settled(generation), seconds)

    def kept(self, generation: int, seconds: float) -> bool:
        """Do ``needed`` places have this generation, after at most this long?"""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(link.acknowledged >= generation for link in self._links.values()) >= self.needed, seconds
            )

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
        with self._changed:
            link = self._links.get(number)
            if link is not None:
                link.stop.set()
                self._links = {other: kept for other, kept in self._links.items() if other != number}
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
        self.vault.heads.forgive(number, held.note)
        self.forgive(number)

    def take_theirs(self, number: int) -> None:
        """Take what this vaultd once wrote and the other still has, above both; then start anew from it."""
        link = self._links.get(number)
        if link is None or link.held is None or link.held.primary:
            raise VaultError("replica_unknown", str(number))
        talk = self._converse(link.peer)
        try:
            with suppress(VaultError):
                if self._wrote(talk.held):
                    newest = max(talk.held.generation, self.vault.keystore.generation)
                    self._take_back(link, talk, above(newest))
        finally:
            talk.close()
        if self.vault.whole:
            raise VaultError("replica_false", str(number))

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
            talk = self._converse(peer, DRILL_ANSWER_S)
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

    def _converse(self, peer: Peer, answer_s: float = ANSWER_S) -> Conversation:
        return Conversation(self.vault.home, self.vault.state.centre, peer, answer_s)

    # --- one place ------------------------------------------------------------------------------------------------

    def _run(self, link: Link) -> None:
        tries = 0
        while not link.stop.is_set():
            try:
                with self._talk(link) as talk:
                    tries = 0
                    self._serve(link, talk)
            except VaultError as error:
                if link.trouble != error.code:
                    log.warning("replica %d: %s", link.peer.number, error)
                link.trouble = error.code
            except (OSError, wire.WireError, ssl.SSLError, KeyError, TypeError, ValueError) as error:
                if link.trouble != "away":
                    log.warning("replica %d is away: %s", link.peer.number, type(error).__name__)
                link.trouble = "away"
            except Exception:
                link.trouble = "internal"
                log.exception("replica %d", link.peer.number)
            self._watch(link)
            link.stop.wait(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            tries += 1

    @contextmanager
    def _talk(self, link: Link) -> Iterator[Conversation]:
        talk = self._converse(link.peer)
        try:
            self._judge(link, talk)
            yield talk
        finally:
            self.vault.heads.left(link.peer.number)
            talk.close()

    def _serve(self, link: Link, talk: Conversation) -> None:
        link.trouble = ""
        while not link.stop.is_set():
            if self.vault.keystore.generation > link.acknowledged:
                self._push(link, talk)
            elif self.vault.heads.waits(link):
                self.vault.heads.send(link, talk)
                self._drill_monthly(link)
            else:
                self._heard(link, talk.ask({"op": "ping"}))
                self._drill_monthly(link)
            self._watch(link)
            with self._changed:
                self._changed.wait_for(lambda: self._asks(link), PING_S)

    def _asks(self, link: Link) -> bool:
        behind = self.vault.keystore.generation > link.acknowledged
        return link.stop.is_set() or behind or self.vault.heads.waits(link)

    def _drill_monthly(self, link: Link) -> None:
        now, number = self.vault.clock.now_s(), link.peer.number
        if now - self._drills().get(str(number), 0) < DRILL_EVERY_S or now < link.drill_after:
            return
        # one that fails is tried again tomorrow, and is a fact each time
        link.drill_after = now + 86_400
        with suppress(VaultError):
            self.drill(link.peer)

    def _content(self, link: Link) -> tuple[int, bytes, bytes]:
        # as it lies on the disk: what was sealed, and no key that a later change overwrites while it is sent
        with self.vault.locked():
            generation, content = content_of(self.vault.keystore.file.read_bytes(), self.vault.keystore.token)
            # the next write notes it: a place that has it after a crash is not taken for a fork
            link.known[generation] = digest = digest_of(content)
        return generation, content, digest

    def _push(self, link: Link, talk: Conversation) -> None:
        generation, content, digest = self._content(link)
        base, own = link.digest or NOTHING, signing_key(self.vault.home, tls.SERVICE)
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
        self._note_safe()

    # --- roll-back ------------------------------------------------------------------------------------------------

    def _judge(self, link: Link, talk: Conversation) -> None:
        """Compare what a place holds with what it can hold; VaultError when nothing more is to be said to it."""
        held, vault = talk.held, self.vault
        link.held = held
        with vault.locked():
            generation, digest = vault.keystore.generation, vault.keystore.digest
        same = held.digest == digest and held.generation <= generation
        known = same or link.known.get(held.generation) == held.digest
        # nothing was ever sent to it: a lost primary that two officers take in again holds what it held
        known = known or (max(link.known) == 0 and held.generation < generation) or held.digest == NOTHING
        if not held.primary and not known and held.generation < link.acknowledged and self._wrote(held):
            # its own machine was put back: it has acknowledged more than it says now
            detail = {
                "outcome": "refused", "replica": held.number, "generation": held.generation,
                "acknowledged": link.acknowledged, "norms": ["retention.irrecoverable"], "dies": "system",
            }  # fmt: skip
            vault.fact("vault.replica.rolled_back", detail)
            known = True
        if known and not held.primary:
            if not vault.heads.meet(held.number, held.note):
                self._refuse(link, "forked", held)
            link.known[held.generation] = held.digest
            link.acknowledged, link.digest, link.answered = held.generation, held.digest, True
            return
        if held.primary:
            self._refuse(link, "superseded", held)
        if not self._wrote(held):
            raise VaultError("replica_false", f"{held.number}")
        if held.generation <= generation:
            # both were written by this vaultd, after a roll-back that nobody noticed: people must look
            self._refuse(link, "forked", held)
        with suppress(VaultError):
            self._refuse(link, "older", held)
        self._take_back(link, talk, held.generation)

    def _wrote(self, held: Held) -> bool:
        """Does it carry this vaultd's own signature?"""
        own = raw_public(signing_key(self.vault.home, tls.SERVICE))
        return signs(own, held.origin, said(self.vault.state.centre, 0, held.generation, held.digest))

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

    def _take_back(self, link: Link, talk: Conversation, generation: int) -> None:
        """This vaultd wrote it itself and has lost it: take it back, then start anew from it."""
        answer = talk.ask({"op": "fetch"})
        content = receive_content(talk.sock, answer["size"])
        state = read(content)
        if digest_of(content) != talk.held.digest or is_replica(state, self.number):
            raise VaultError("replica_false", f"{link.peer.number}")
        self.vault.recover(generation, content)
        log.critical("took generation %d back from replica %d; starting again", talk.held.generation, talk.held.number)
        raise VaultError("rolled_back", f"{generation}")

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

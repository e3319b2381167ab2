"""Spoken codes (전화 승인코드): eight digits that a named officer gives over the telephone, once, for what cannot wait.

Viewing only, five cameras, two hours, grounds that the pack marks urgent. Each use leaves a duty: the officer signs
the same act within ``DUE_S``; vaultd knows no holidays, so that its ceiling is the longest run of days off, and the
centre's legal calendar asks sooner (next working day). A duty that lapses suspends the officer's codes by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from gwanje.law import upholds
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Code, Duty
from gwanje.vault.state import State

CODES_MAX: Final = 40
CAMERAS_MAX: Final = 5
RANGE_MAX_S: Final = 2 * 3600
DUE_S: Final = 5 * 86_400
LIFE_S: Final = 31 * 86_400
DUTIES_KEPT_S: Final = 400 * 86_400
DUTIES_MAX: Final = 20_000
WINDOW_S: Final = 600
WRONG_MAX: Final = 5
WRONG_ALL: Final = 20
LOCKED_S: Final = 3600


def mac_of(key: bytes, person: UUID, code: str) -> bytes:
    """What is kept of a code, 32 bytes."""
    return hmac.digest(key, b"gwanje/v1/code\0" + person.bytes + code.encode(), "sha256")


def name_of(code: Code) -> bytes:
    """A code's name in facts and proofs, 16 bytes; says nothing of its digits."""
    return hashlib.sha256(b"gwanje/v1/code-name\0" + code.mac).digest()[:16]


@upholds("playback.approval", passes=True)
def spoken_for(state: State, kind: str, body: Mapping[str, Any]) -> bool:
    """May this act be consented to by a spoken code at all?"""
    return (
        kind == "open"
        and body["action"] == "view"
        and body["ground"] in state.rules.get("urgent", ())
        and len(body["cameras"]) <= CAMERAS_MAX
        and body["until"] - body["first"] <= RANGE_MAX_S
    )


def within(state: State, kind: str, body: Mapping[str, Any]) -> None:
    """VaultError ``code_scope`` unless ``spoken_for``."""
    if not spoken_for(state, kind, body):
        raise VaultError("code_scope")


def overdue(state: State, person: UUID, now: int) -> bool:
    """Has this officer a written confirmation that was due and was not given?"""
    return any(duty.person == person and not duty.confirmed and duty.due <= now for duty in state.duties)


def standing(state: State, person: UUID, now: int) -> None:
    """VaultError ``code_suspended`` while a written confirmation is overdue."""
    if overdue(state, person, now):
        raise VaultError("code_suspended")


def make(draft: State, person: UUID, count: int, now: int) -> list[str]:
    """Put new codes into a draft and return their digits, to be shown once; at most ``CODES_MAX`` wait unspent."""
    if not 1 <= count <= CODES_MAX:
        raise VaultError("limit", f"1 to {CODES_MAX} codes")
    draft.code_key = draft.code_key or os.urandom(32)
    kept = [c for c in draft.codes if not c.spent and now < c.made + LIFE_S]
    waiting = sum(c.person == person for c in kept)
    if waiting + count > CODES_MAX:
        raise VaultError("limit", f"{CODES_MAX} codes an officer, {waiting} wait unused")
    known = {c.mac for c in kept}
    digits: list[str] = []
    while len(digits) < count:
        code = f"{secrets.randbelow(10**8):08d}"
        mac = mac_of(draft.code_key, person, code)
        if mac not in known:
            known.add(mac)
            digits.append(code)
            kept.append(Code(person, mac, now))
    draft.codes = tuple(kept)
    return digits


def find(state: State, person: UUID, code: str, now: int) -> Code | None:
    """The unspent code of an officer with these digits; every code of the officer is compared."""
    if not state.code_key:
        return None
    mac, found = mac_of(state.code_key, person, code), None
    for known in state.codes:
        fits = known.person == person and not known.spent and now < known.made + LIFE_S
        if hmac.compare_digest(known.mac, mac) and fits:
            found = known
    return found


def spend(draft: State, code: Code, digest: bytes, requester: UUID, now: int) -> Duty:
    """Single use: the code goes, the duty to confirm it in writing comes."""
    draft.codes = tuple(c for c in draft.codes if c.mac != code.mac)
    kept = [d for d in draft.duties if not d.confirmed or now < d.confirmed + DUTIES_KEPT_S]
    if len(kept) >= DUTIES_MAX:
        raise VaultError("limit", f"{DUTIES_MAX} duties")
    duty = Duty(code.person, digest, requester, now, now + DUE_S)
    draft.duties = (*kept, duty)
    return duty


def confirm(draft: State, person: UUID, digest: bytes, now: int) -> bool:
    """The officer signed the act that the code opened: in time the duty is done; a late one stays with two officers."""
    due = [d for d in draft.duties if (d.person, d.digest, d.confirmed) == (person, digest, 0) and now < d.due]
    draft.duties = tuple(replace(d, confirmed=now) if d in due else d for d in draft.duties)
    return bool(due)


def void(draft: State, person: UUID) -> int:
    """Take an officer's unspent codes away (분실·유출된 승인코드 폐기); returns how many."""
    kept = tuple(c for c in draft.codes if c.person != person)
    gone = len(draft.codes) - len(kept)
    draft.codes = kept
    return gone


def lift(draft: State, person: UUID, now: int) -> int:
    """Two officers lift a suspension; returns how many duties were settled."""
    late = [d for d in draft.duties if d.person == person and not d.confirmed and d.due <= now]
    draft.duties = tuple(replace(d, confirmed=now) if d in late else d for d in draft.duties)
    return len(late)


class Guesses:
    """Wrong codes in the last ten minutes (무차별 대입 차단): five a requester, twenty in all, then an hour locked.

    Times are the machine's monotonic seconds. In memory: starting vaultd again takes more than the web's rights.
    """

    def __init__(self) -> None:
        self._wrong: deque[tuple[float, UUID]] = deque(maxlen=WRONG_ALL)
        self._locked: dict[UUID | None, float] = {}

    def refuse(self, requester: UUID, now: float) -> None:
        """VaultError ``code_locked`` while this requester, or everybody, is locked out."""
        self._locked = {who: until for who, until in self._locked.items() if now < until}
        if requester in self._locked or None in self._locked:
            raise VaultError("code_locked")

    def wrong(self, requester: UUID, now: float) -> bool:
        """Count a wrong code; True when it locks."""
        self._wrong.append((now, requester))
        recent = [who for at, who in self._wrong if now - at < WINDOW_S]
        if len(recent) >= WRONG_ALL:
            self._locked[None] = now + LOCKED_S
            return True
        if recent.count(requester) >= WRONG_MAX:
            self._locked[requester] = now + LOCKED_S
            return True
        return False

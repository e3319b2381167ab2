"""Ceremony (키 생성식): makes a folder's keystore, token, service keys and first officers; may run again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.kernel.cose import public_bytes
from gwanje.kernel.home import Home
from gwanje.kernel.keys import SERVICES, publish, raw_public, sealing_key, signing_key
from gwanje.vault.client import ConsoleClient
from gwanje.vault.console import check_rules, enrol, officer_of
from gwanje.vault.errors import VaultError
from gwanje.vault.keystore import Keystore
from gwanje.vault.replica import is_replica
from gwanje.vault.state import State
from gwanje.vault.token import open_token, replica_number


@dataclass(frozen=True)
class NewOfficer:
    """An officer to register: person id, role id, agency id, console password (8 characters or more), dates Unix s."""

    id: UUID
    role: str
    agency: UUID
    password: str
    delegation: str = ""
    title: str = ""
    valid_from: int = 0
    valid_until: int | None = None

    def fields(self) -> dict[str, Any]:
        """As the console takes it."""
        return {
            "id": self.id.bytes,
            "role": self.role,
            "agency": self.agency.bytes,
            "password": self.password,
            "delegation": self.delegation,
            "title": self.title,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
        }


def open_keystore(home: Home) -> Keystore:
    """The folder's keystore with its token, not yet loaded."""
    return Keystore(home.vault, open_token(home), replica_number(home))


def create(
    home: Home, officers: Iterable[NewOfficer] = (), rules: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """Make what is missing and return the public facts (also in ``vault/public.json``).

    Officers are taken as they are while the registry has fewer than two persons; later ones need the console.
    ``rules``: requesters, approvers, console → role ids, for a new keystore. A running vaultd keeps the keystore:
    then nothing is changed here, and officers are asked for through its console.
    """
    for service in SERVICES:
        signing_key(home, service, create=True)
        publish(home, service)
    sealing_key(home, "recorder", create=True)
    keystore = open_keystore(home)
    wanted = list(officers)
    try:
        keystore.lock()
    except VaultError:
        if wanted:
            add_officers(home, wanted)
        return public(home)
    try:
        if keystore.exists():
            keystore.load()
            _complete(home, keystore, wanted)
        else:
            _first(home, keystore, wanted, rules)
        _publish(home, keystore)
    finally:
        keystore.unlock()
    return public(home)


def _services(home: Home) -> dict[str, bytes]:
    return {service: raw_public(signing_key(home, service)) for service in SERVICES}


def _first(
    home: Home, keystore: Keystore, officers: Sequence[NewOfficer], rules: Mapping[str, Sequence[str]] | None
) -> None:
    state = State(home.centre, os.urandom(32), os.urandom(32), os.urandom(32), services=_services(home))
    state.clock_us, state.settable = home.clock.now_us(), home.clock.settable
    file = home.root / "clock.json"
    if home.clock.settable and file.exists():
        state.offset_us = int(json.loads(file.read_text())["offset_us"])
    if rules is not None:
        state.rules = check_rules({name: list(roles) for name, roles in rules.items()})
    enrol(state, [officer_of(o.fields()) for o in officers])
    keystore.create(state)


def _complete(home: Home, keystore: Keystore, officers: Sequence[NewOfficer]) -> None:
    state = keystore.state
    assert state is not None
    if state.centre != home.centre:
        raise VaultError("permit_centre")
    if is_replica(state, replica_number(home)):
        # what a replica writes by itself, its primary would not know again
        raise VaultError("replica_here")
    known = {person for person, _ in state.officers}
    fresh = [o for o in officers if (o.id, o.role) not in state.officers]
    if fresh and len(known) >= 2:
        raise VaultError("console_two")
    own = _services(home)
    if fresh or any(state.services.get(name) != key for name, key in own.items()):
        with keystore.change() as draft:
            # services of other machines stay admitted
            draft.services.update(own)
            enrol(draft, [officer_of(o.fields()) for o in fresh])


def _publish(home: Home, keystore: Keystore) -> None:
    state = keystore.state
    assert state is not None
    facts = {
        "centre": str(home.centre),
        "level": keystore.token.level,
        "permit_key": public_bytes(Ed25519PrivateKey.from_private_bytes(state.permit_key)).hex(),
        "checkpoint_key": public_bytes(Ed25519PrivateKey.from_private_bytes(state.checkpoint_key)).hex(),
    }
    path = home.vault / "public.json"
    part = path.with_suffix(".tmp")
    part.write_text(json.dumps(facts, indent=1))
    os.replace(part, path)


def public(home: Home) -> dict[str, Any]:
    """``vault/public.json``: centre, level, permit_key and checkpoint_key (hex); VaultError when there is none."""
    try:
        loaded: dict[str, Any] = json.loads((home.vault / "public.json").read_text())
    except FileNotFoundError:
        raise VaultError("keystore_missing") from None
    return loaded


def add_officers(home: Home, officers: Sequence[NewOfficer], confirm: Sequence[tuple[UUID, str]] = ()) -> int:
    """Register officers through a running vaultd's console; returns how many are new or changed.

    ``confirm``: two registered officers (person id, password); not needed while fewer than two are registered.
    """
    answer = ConsoleClient(home).ask("officer_add", confirm, add=[o.fields() for o in officers])
    return int(answer["changed"])

"""Acts on replicas (키 복제본 등록·해제·승격): two officers on vaultd's console; a drill needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gwanje.kernel.home import Home
from gwanje.vault import tls
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.peers import PEERS_MAX
from gwanje.vault.records import Officer, Peer
from gwanje.vault.replica import Place, address_of
from gwanje.vault.token import replica_number

NUMBER_MAX: Final = 1000
Act = Callable[[Mapping[str, Any], Sequence[Officer]], dict[str, Any]]


def acts(vault: Vault) -> dict[str, Act]:
    """Name → act, for the console's table."""
    return {
        "replica_admit": lambda request, by: _admit(vault, request),
        "replica_retire": lambda request, by: _retire(vault, request),
        "replica_keep": lambda request, by: _keep(vault, request),
        "replica_take": lambda request, by: _take(vault, request),
        "replica_promote": lambda request, by: _promote(vault),
    }


def _place(number: int, address: str, certificate: bytes) -> Peer:
    address_of(address)
    if not 0 <= number <= NUMBER_MAX:
        raise VaultError("replica_field", f"number 0 to {NUMBER_MAX}")
    return Peer(number, tls.public_key(certificate), address, certificate=certificate)


def _admit(vault: Vault, request: Mapping[str, Any]) -> dict[str, Any]:
    """A new place, or another address of a known one."""
    fresh = _place(int(request["number"]), str(request["address"]), bytes(request["certificate"]))
    own = tls.public_key(tls.certificate_of(vault.home, tls.SERVICE))
    with vault.change() as draft:
        others = [peer for peer in draft.peers if peer.number != fresh.number]
        known = next((peer for peer in draft.peers if peer.number == fresh.number), None)
        if fresh.number == replica_number(vault.home) or fresh.key == own or fresh.key in {p.key for p in others}:
            raise VaultError("replica_field", "a place of its own: another number, another key")
        if known is not None and known.key != fresh.key:
            raise VaultError("replica_field", f"number {fresh.number} is another key's")
        if sum(not peer.retired for peer in others) >= PEERS_MAX:
            raise VaultError("limit", f"{PEERS_MAX} replicas")
        if known is not None and not known.retired:
            fresh = replace(known, address=fresh.address, certificate=fresh.certificate)
        draft.peers = (*others, fresh)
    vault.peers.renew(fresh.number)
    return {"service": f"replica/{fresh.number}"}


def _one(vault: Vault, number: int) -> Peer:
    for peer in vault.state.peers:
        if peer.number == number and not peer.retired:
            return peer
    raise VaultError("replica_unknown", str(number))


def _retire(vault: Vault, request: Mapping[str, Any]) -> dict[str, Any]:
    """What it holds is given up: the two officers answer for its token's end. Deaths that waited for it are told."""
    gone = _one(vault, int(request["number"]))
    ended = replace(gone, retired=vault.clock.now_s())
    with vault.change() as draft:
        draft.peers = tuple(ended if peer.number == gone.number else peer for peer in draft.peers)
    vault.peers.forgive(gone.number)
    return {"service": f"replica/{gone.number}"}


def _keep(vault: Vault, request: Mapping[str, Any]) -> dict[str, Any]:
    """Officers looked: this place's content counts, the other's is to be overwritten by it."""
    other = _one(vault, int(request["number"]))
    vault.peers.keep_own(other.number)
    return {"service": f"replica/{other.number}"}


def _take(vault: Vault, request: Mapping[str, Any]) -> dict[str, Any]:
    """Officers looked: the other's content counts, which this vaultd wrote and lost."""
    other = _one(vault, int(request["number"]))
    vault.peers.take_theirs(other.number)
    return {"service": f"replica/{other.number}"}


def _promote(vault: Vault) -> dict[str, Any]:
    """The centre's machine is lost: this place becomes vaultd. Its generations go on far above the lost one's."""
    number = replica_number(vault.home)
    if not vault.peers.standby:
        raise VaultError("replica_unknown", "not a replica")
    settings = vault.home.config.get("replica") or {}
    certificate = bytes.fromhex(str(settings.get("primary", "")))
    lost = Peer(int(settings.get("primary_number", 0)), tls.public_key(certificate), "", certificate=certificate)
    with vault.promoting() as draft:
        others = tuple(peer for peer in draft.peers if peer.number not in (number, lost.number))
        draft.peers = (*others, lost)
    generation = vault.keystore.generation
    detail = {"replica": number, "generation": generation, "norms": ["retention.irrecoverable"], "dies": "system"}
    vault.fact("vault.replica.promoted", detail)
    return {"service": f"replica/{number}", "generation": generation}


def drill(vault: Vault, number: int) -> dict[str, Any]:
    """A place's newest file, opened there by a process of its own; its content is the one that was acknowledged."""
    peer = _one(vault, number)
    found = vault.peers.drill(peer)
    return {"number": number, **found}


def beside(home: Home, vault: Vault) -> Place | None:
    """A promoted place goes on saying so where it was a replica: the lost primary, coming back, is to hear it."""
    settings = home.config.get("replica")
    if not settings or vault.peers.standby:
        return None
    place = Place(home, replica_number(home), bytes.fromhex(settings["primary"]), vault.keystore, taking=False)
    place.start(*address_of(settings["listen"]))
    return place

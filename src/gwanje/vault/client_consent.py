"""The client's requests of consents (서명 요청 접속): bring an act to be signed, fetch who signed it (role web)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gwanje.kernel.permit import Approval
from gwanje.vault.records import Delegation, Duty

REGISTRY_MAX = 2000


@dataclass(frozen=True)
class Signing:
    """``on``: officers' own signatures are asked for; ``people`` who have a key; ``duties`` not yet confirmed."""

    on: bool
    people: frozenset[UUID]
    duties: tuple[Duty, ...]


@dataclass(frozen=True)
class Registered:
    """An officer's entry in force, as vaultd has it (등록 담당공무원): dates Unix s, ``until`` None = until ended."""

    person: UUID
    role: str
    title: str
    delegation: str
    since: int
    until: int | None
    keys: int
    delegates: tuple[Delegation, ...]


@dataclass(frozen=True)
class Registry:
    """vaultd's registry of today: entries in force, and people with unspent spoken codes."""

    officers: tuple[Registered, ...]
    codes: frozenset[UUID]


def _registered(item: list[Any]) -> Registered:
    named = tuple(Delegation(UUID(bytes=d[0]), d[1], d[2], tuple(d[3])) for d in item[7])
    role, title, delegation, since, until, keys = item[1:7]
    return Registered(UUID(bytes=item[0]), role, title, delegation, since, until, keys, named)


class ConsentCalls:
    """Methods of ``VaultClient`` that have to do with signing."""

    def _call(self, request: dict[str, Any], *, once: bool = False, tail: bytes = b"") -> dict[str, Any]:
        # VaultClient has it: these requests stand in a file of their own, not in a client of their own
        raise NotImplementedError

    def pend(self, kind: str, body: Mapping[str, Any], said: Mapping[str, str] | None = None, back: str = "") -> bytes:
        """Bring an act to be signed: the id (16 bytes) of ``/sign/<id in hex>``, good for 15 minutes.

        ``said``: UUID → the centre's name for it; ``back``: where the page leads afterwards. ``consent_field``,
        ``consent_full``.
        """
        request = {"op": "pend", "kind": kind, "body": dict(body), "said": dict(said or {}), "back": back}
        return bytes(self._call(request, once=True)["id"])

    def consents(self, id_: bytes) -> list[Approval]:
        """Who signed so far, the requester first; ``consent_gone`` when the 15 minutes are over."""
        return [Approval.of(body) for body in self._call({"op": "consents", "id": id_})["consents"]]

    def signing(self) -> Signing:
        """Is signing on, who has keys, which spoken codes wait for their written confirmation."""
        a = self._call({"op": "signing"})
        return Signing(a["on"], frozenset(UUID(bytes=p) for p in a["people"]), tuple(map(Duty.of, a["duties"])))

    def registry(self) -> Registry:
        """Which officers' entries are in force, and who signs in their place (roles web, worker); 2,000 at most."""
        found: list[Registered] = []
        while True:
            a = self._call({"op": "registry", "after": len(found)})
            page = [_registered(item) for item in a["officers"]]
            found += page
            if not page or len(found) >= min(a["total"], REGISTRY_MAX):
                return Registry(tuple(found), frozenset(UUID(bytes=p) for p in a["codes"]))

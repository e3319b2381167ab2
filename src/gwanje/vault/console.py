"""Console of vaultd (금고 콘솔): what needs two officers, confirmed by two officer accounts until they have keys.

Every act is a ledger row that says ``unsigned``. While fewer than two persons are registered the first ones may be
added without confirmation (ceremony); the row says ``bootstrap``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gwanje.kernel.canonical import nfc
from gwanje.vault import door
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.records import Officer
from gwanje.vault.state import State

OFFICERS_MAX: Final = 10_000
FAILURES_MAX: Final = 5
LOCKED_US: Final = 60_000_000
ROLES: Final = (
    "chief_officer", "manager", "operator", "seconded_police", "privacy_officer", "auditor", "maintenance",
    "administrator",
)  # fmt: skip
RULE_NAMES: Final = ("requesters", "approvers", "console")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """argon2id hash of a console password (19 MiB, 2 passes); VaultError when it is shorter than 8 characters."""
    if not 8 <= len(password) <= 256:
        raise VaultError("officer_field", "password of 8 to 256 characters")
    return _HASHER.hash(nfc(password))


def officer_of(fields: Mapping[str, Any]) -> Officer:
    """An Officer from the fields id (16 bytes), role, agency (16 bytes), password or hash, delegation, dates."""
    try:
        officer = Officer(
            id=UUID(bytes=fields["id"]),
            role=fields["role"],
            agency=UUID(bytes=fields["agency"]),
            password=fields.get("hash") or hash_password(fields["password"]),
            delegation=nfc(fields.get("delegation", "")),
            valid_from=fields.get("valid_from", 0),
            valid_until=fields.get("valid_until"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError("officer_field", str(error)) from error
    if fields.get("key") is not None:
        # a signing key comes in by the ceremony, never beside a password
        raise VaultError("officer_key")
    if officer.role not in ROLES or len(officer.delegation) > 500 or not officer.password.startswith("$argon2"):
        raise VaultError("officer_field", officer.role)
    return officer


def enrol(draft: State, officers: Sequence[Officer]) -> int:
    """Put officers into a draft; returns how many are new or changed."""
    changed = 0
    for officer in officers:
        key = (officer.id, officer.role)
        if draft.officers.get(key) != officer:
            draft.officers[key] = officer
            changed += 1
    if len(draft.officers) > OFFICERS_MAX:
        raise VaultError("limit", f"{OFFICERS_MAX} officers")
    return changed


class Console:
    """Acts of two officers on one Vault."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self._failures = 0
        self._locked_until_us = 0

    def _verified(self, claims: Sequence[Mapping[str, Any]]) -> list[Officer]:
        now_us = self.vault.clock.tick_us()
        if now_us < self._locked_until_us:
            raise VaultError("console_locked")
        try:
            ids = [UUID(bytes=claim["id"]) for claim in claims]
            passwords = [str(claim["password"]) for claim in claims]
        except (KeyError, TypeError, ValueError) as error:
            raise VaultError("request") from error
        if len(ids) != 2 or ids[0] == ids[1]:
            raise VaultError("console_two")
        found = [self._one(*pair) for pair in zip(ids, passwords, strict=True)]
        if None in found:
            self._failures += 1
            if self._failures >= FAILURES_MAX:
                self._failures, self._locked_until_us = 0, now_us + LOCKED_US
            detail = {"outcome": "refused", "officers": [str(i) for i in ids], "norms": ["access.officers"]}
            self.vault.fact("vault.console.refused", {**detail, "dies": "rights"})
            raise VaultError("console_password")
        self._failures = 0
        return [officer for officer in found if officer is not None]

    def _one(self, person: UUID, password: str) -> Officer | None:
        state, now = self.vault.state, self.vault.clock.now_s()
        for officer in state.officers.values():
            if officer.id != person or officer.role not in state.rules["console"] or not officer.in_force(now):
                continue
            try:
                _HASHER.verify(officer.password, nfc(password))
            except (VerificationError, InvalidHashError):
                continue
            return officer
        return None

    def run(self, op: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One act; VaultError with its code when it is refused."""
        acts: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "confirm_clock": self._confirm_clock,
            "accept_single_replica": self._single_replica,
            "officer_add": self._officer_add,
            "officer_end": self._officer_end,
            "approver_rules": self._rules,
            "service_admit": self._admit,
            "service_dismiss": self._dismiss,
        }
        if op == "status":
            return self.vault.status()
        if op not in acts:
            raise VaultError("op_unknown", op[:40])
        bootstrap = op == "officer_add" and len({person for person, _ in self.vault.state.officers}) < 2
        confirmed = [] if bootstrap else self._verified(request.get("officers", ()))
        answer = acts[op](request)
        detail: dict[str, Any] = {
            "act": op,
            "officers": [{"id": str(o.id), "role": o.role} for o in confirmed],
            "signature": "unsigned",
            "bootstrap": bootstrap,
            "norms": ["access.officers"],
            "dies": "rights",
            **({"actor": confirmed[0].id, "role": confirmed[0].role} if confirmed else {}),
            "subject": [str(o.id) for o in answer.pop("_subjects", [])],
            **({"service": answer["service"]} if "service" in answer else {}),
        }
        self.vault.fact("vault.console.confirmed", detail)
        return answer

    def _confirm_clock(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.vault.confirm_clock()
        return {"clock": self.vault.state.clock_us}

    def _single_replica(self, request: Mapping[str, Any]) -> dict[str, Any]:
        people = [claim["id"] for claim in request["officers"]]
        with self.vault.change() as draft:
            draft.single_replica = [self.vault.clock.now_us(), people]
        return {}

    def _officer_add(self, request: Mapping[str, Any]) -> dict[str, Any]:
        added = [officer_of(fields) for fields in request.get("add", ())]
        if not added:
            raise VaultError("officer_field", "nobody")
        with self.vault.change() as draft:
            changed = enrol(draft, added)
        return {"changed": changed, "_subjects": added}

    def _officer_end(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            key = (UUID(bytes=request["id"]), str(request["role"]))
            old = self.vault.state.officers[key]
        except (KeyError, TypeError, ValueError) as error:
            raise VaultError("officer_unknown") from error
        ended = old.ended(self.vault.clock.now_s())
        with self.vault.change() as draft:
            draft.officers[key] = ended
        return {"_subjects": [ended]}

    def _admit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self.vault.change() as draft:
            name = door.admit(draft, str(request["role"]), bytes(request["certificate"]))
        return {"service": f"{request['role']}/{name}"}

    def _dismiss(self, request: Mapping[str, Any]) -> dict[str, Any]:
        with self.vault.change() as draft:
            if not door.dismiss(draft, str(request["service"])):
                raise VaultError("certificate", "not admitted")
        return {"service": str(request["service"])}

    def _rules(self, request: Mapping[str, Any]) -> dict[str, Any]:
        rules = request.get("rules")
        with self.vault.change() as draft:
            draft.rules = check_rules(rules)
        return {"rules": self.vault.state.rules_digest}


def check_rules(rules: Any) -> dict[str, list[str]]:
    """Approver rules: requesters, approvers, console → role ids; VaultError ``rules_field``."""
    if not isinstance(rules, dict) or set(rules) != set(RULE_NAMES):
        raise VaultError("rules_field")
    for roles in rules.values():
        if not roles or not set(roles) <= set(ROLES) - {"administrator", "maintenance"}:
            raise VaultError("rules_field")
    return {name: sorted(set(roles)) for name, roles in rules.items()}

"""Console of vaultd (금고 콘솔): what needs two officers, confirmed by two accounts until officers have keys.

Until then every act is a ledger row that says ``unsigned``; while fewer than two persons are registered the first ones
may be added without confirmation (ceremony), and the row says ``bootstrap``. Once ``signing`` is on an act waits here
(``pend``), officers sign it, and ``apply`` does it: passwords do nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gwanje.kernel.canonical import NotCanonical, encode, nfc
from gwanje.law import upholds
from gwanje.vault import approvals, attest, codes, door, officer_keys, ops_replica
from gwanje.vault.consent import Consents
from gwanje.vault.core import Vault
from gwanje.vault.errors import VaultError
from gwanje.vault.officer_keys import Tickets
from gwanje.vault.records import Officer
from gwanje.vault.state import State

OFFICERS_MAX: Final = 10_000
OFFICERS_A_PAGE: Final = 200
FAILURES_MAX: Final = 5
LOCKED_US: Final = 60_000_000
ROLES: Final = (
    "chief_officer", "manager", "operator", "seconded_police", "privacy_officer", "auditor", "maintenance",
    "administrator",
)  # fmt: skip
RULE_NAMES: Final = ("requesters", "approvers", "console")
QUORUM_MAX: Final = 5
COOLING_MAX_S: Final = 30 * 86_400
URGENT_MAX: Final = 32
# what may be asked of the console without two officers: it changes nothing in the registry by itself
_FREE: Final = (
    "status", "key_ticket", "key_candidate", "officers", "shown", "challenge", "sign", "make_codes", "pend_codes",
    "replica_drill",
)  # fmt: skip
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """argon2id hash of a console password (19 MiB, 2 passes); VaultError when it is shorter than 8 characters."""
    if not 8 <= len(password) <= 256:
        raise VaultError("officer_field", "password of 8 to 256 characters")
    return _HASHER.hash(nfc(password))


def officer_of(fields: Mapping[str, Any], *, signing: bool = False) -> Officer:
    """An Officer from the fields id (16 bytes), role, agency (16 bytes), password or hash, delegation, title, dates.

    ``signing``: officers have keys; a password is neither needed nor kept.
    """
    try:
        officer = Officer(
            id=UUID(bytes=fields["id"]),
            role=fields["role"],
            agency=UUID(bytes=fields["agency"]),
            password="" if signing else fields.get("hash") or hash_password(fields["password"]),
            delegation=nfc(fields.get("delegation", "")),
            valid_from=fields.get("valid_from", 0),
            valid_until=fields.get("valid_until"),
            title=nfc(fields.get("title", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VaultError("officer_field", str(error)) from error
    if fields.get("key") is not None:
        # a signing key comes in by the ceremony, never beside a password
        raise VaultError("officer_key")
    texts = len(officer.delegation) <= 500 and len(officer.title) <= 100
    if officer.role not in ROLES or not texts or not (signing or officer.password.startswith("$argon2")):
        raise VaultError("officer_field", officer.role)
    return officer


def enrol(draft: State, officers: Sequence[Officer]) -> int:
    """Put officers into a draft; returns how many are new or changed."""
    changed = 0
    for officer in officers:
        key = (officer.id, officer.role)
        known = draft.officers.get(key)
        # keys and delegations come and go by acts of their own
        fresh = replace(officer, keys=known.keys, delegates=known.delegates) if known else officer
        if known != fresh:
            draft.officers[key] = fresh
            changed += 1
    if len(draft.officers) > OFFICERS_MAX:
        raise VaultError("limit", f"{OFFICERS_MAX} officers")
    return changed


@upholds("access.officers")
def refuse_few(state: State, people: Collection[UUID]) -> None:
    """Nobody changes the registry alone (명부 변경): VaultError ``console_two`` below the quorum of signatures."""
    if len(people) < officer_keys.quorum(state):
        raise VaultError("console_two", f"{len(people)} of {officer_keys.quorum(state)} signed")


class Console:
    """Acts of two officers on one Vault."""

    def __init__(self, vault: Vault, consents: Consents) -> None:
        self.vault = vault
        self.consents = consents
        self.tickets = Tickets(vault)
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
        if op in _FREE:
            return self._free(op, request)
        if op == "pend":
            return {"id": self._pend(str(request["act"]), dict(request["fields"]))}
        if op == "apply":
            return self._apply(bytes(request["id"]))
        if op not in self._acts():
            raise VaultError("op_unknown", op[:40])
        if self.vault.state.signing:
            raise VaultError("console_signed")
        bootstrap = op == "officer_add" and len({person for person, _ in self.vault.state.officers}) < 2
        confirmed = [] if bootstrap else self._verified(request.get("officers", ()))
        return self._do(op, request, confirmed, "unsigned", bootstrap)

    def _acts(self) -> dict[str, Callable[[Mapping[str, Any], Sequence[Officer]], dict[str, Any]]]:
        return {
            "confirm_clock": self._confirm_clock,
            "take_head": self._take_head,
            "accept_single_replica": self._single_replica,
            "officer_add": self._officer_add,
            "officer_end": self._officer_end,
            "approver_rules": self._rules,
            "service_admit": self._admit,
            "service_dismiss": self._dismiss,
            "key_add": self._key_add,
            "key_retire": self._key_retire,
            "delegate": self._delegate,
            "codes_restore": self._codes_restore,
            "codes_void": self._codes_void,
            **ops_replica.acts(self.vault),
        }

    def _do(
        self, op: str, request: Mapping[str, Any], confirmed: Sequence[Officer], signature: str, bootstrap: bool
    ) -> dict[str, Any]:
        answer = self._acts()[op](request, confirmed)
        detail: dict[str, Any] = {
            "act": op,
            "officers": [{"id": str(o.id), "role": o.role} for o in confirmed],
            "signature": signature,
            "bootstrap": bootstrap,
            "norms": ["access.officers"],
            "dies": "rights",
            **({"actor": confirmed[0].id, "role": confirmed[0].role} if confirmed else {}),
            "subject": [str(o.id) for o in answer.pop("_subjects", [])],
            **({"service": answer["service"]} if "service" in answer else {}),
        }
        self.vault.fact("vault.console.confirmed", detail)
        return answer

    # --- signed acts ----------------------------------------------------------------------------------------------

    def _pend(self, op: str, fields: dict[str, Any]) -> bytes:
        """An act that waits for the officers' signatures, every field in words on their page."""
        if op not in self._acts():
            raise VaultError("op_unknown", op[:40])
        if "ticket" in fields:
            fields = {**self.tickets.fields(bytes(fields.pop("ticket"))), **fields}
        try:
            decision = sha256(encode([op, fields])).digest()
        except NotCanonical as error:
            raise VaultError("request", str(error)) from error
        return self.consents.pend("registry", {"op": op, "fields": fields, "decision": decision})

    def _apply(self, id_: bytes) -> dict[str, Any]:
        """Do what enough officers signed; each signature is checked again now. It can be done once."""
        vault, state = self.vault, self.vault.state
        now = vault.clock.now_s()
        shown = self.consents.shown(id_)
        if shown.kind != "registry":
            raise VaultError("consent_gone")
        act = approvals.Act("registry", UUID(int=0), shown.body)
        subjects = _subjects(shown.body["fields"])
        people: dict[UUID, Officer] = {}
        for approval in shown.signatures:
            approvals.attested(vault, act, approval)
            if approval.person.bytes in subjects:
                raise VaultError("key_own")
            if approval.role in state.rules["console"]:
                people[approval.person] = approvals.officer(vault, approval.person, approval.role, now)
        refuse_few(state, people)
        self.consents.take(id_, "registry")
        return self._do(str(act.body["op"]), act.body["fields"], list(people.values()), "signed", False)

    def _free(self, op: str, r: Mapping[str, Any]) -> dict[str, Any]:
        if op == "status":
            return self.vault.status()
        if op == "replica_drill":
            return ops_replica.drill(self.vault, int(r["number"]))
        if op == "officers":
            after = int(r.get("after", 0))
            found = [_public(o) for o in self._registry()[after : after + OFFICERS_A_PAGE]]
            state = self.vault.state
            return {"signing": state.signing, "officers": found, "rules": dict(state.rules)}
        if op == "key_ticket":
            return {"ticket": self.tickets.make(UUID(bytes=r["person"]), str(r["role"]), str(r.get("label", "")))}
        if op == "key_candidate":
            return self.tickets.fields(bytes(r["ticket"]))
        if op == "pend_codes":
            asked = {"person": bytes(r["person"]), "count": int(r["count"])}
            return {"id": self.consents.pend("codes", {**asked, "decision": sha256(encode(asked)).digest()})}
        id_ = bytes(r["id"])
        if op == "shown":
            shown = self.consents.shown(id_)
            lines = [[row.ko, row.en, row.value] for row in shown.rows]
            given = [[a.person.bytes, a.role, a.method] for a in shown.signatures]
            return {"kind": shown.kind, "rows": lines, "said": dict(shown.said), "signatures": given}
        if op == "make_codes":
            return {"codes": self.consents.make_codes(id_)}
        person = UUID(bytes=r["person"])
        if op == "challenge":
            return {"challenge": self.consents.challenge(id_, person)}
        given_now = self.consents.finish_key(id_, person, bytes(r["key"]), bytes(r["signature"]))
        return {"role": given_now.role, "at": given_now.at_us}

    def _registry(self) -> list[Officer]:
        return sorted(self.vault.state.officers.values(), key=lambda o: (o.role, str(o.id)))

    def _confirm_clock(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        self.vault.confirm_clock()
        return {"clock": self.vault.state.clock_us}

    def _take_head(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        """The token lost what was signed last (서명 기록 분실): officers bring the newest note that was published."""
        return {"size": self.vault.heads.take(str(request["note"]))}

    def _single_replica(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        people = [officer.id.bytes for officer in by]
        with self.vault.change() as draft:
            draft.single_replica = [self.vault.clock.now_us(), people]
        return {}

    def _officer_add(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        signing = self.vault.state.signing
        added = [officer_of(fields, signing=signing) for fields in request.get("add", ())]
        if not added:
            raise VaultError("officer_field", "nobody")
        with self.vault.change() as draft:
            changed = enrol(draft, added)
            officer_keys.enough(draft, self.vault.clock.now_s())
        return {"changed": changed, "_subjects": added}

    def _officer_end(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        try:
            key = (UUID(bytes=request["id"]), str(request["role"]))
            old = self.vault.state.officers[key]
        except (KeyError, TypeError, ValueError) as error:
            raise VaultError("officer_unknown") from error
        now = self.vault.clock.now_s()
        ended = old.ended(now)
        with self.vault.change() as draft:
            draft.officers[key] = ended
            officer_keys.enough(draft, now)
        return {"_subjects": [ended]}

    def _admit(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        with self.vault.change() as draft:
            name = door.admit(draft, str(request["role"]), bytes(request["certificate"]))
        return {"service": f"{request['role']}/{name}"}

    def _dismiss(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        with self.vault.change() as draft:
            if not door.dismiss(draft, str(request["service"])):
                raise VaultError("certificate", "not admitted")
        return {"service": str(request["service"])}

    def _rules(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        rules = request.get("rules")
        with self.vault.change() as draft:
            draft.rules = check_rules(rules)
            officer_keys.enough(draft, self.vault.clock.now_s())
        return {"rules": self.vault.state.rules_digest}

    def _key_add(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        fields = dict(request)
        if "ticket" in fields:
            fields = {**self.tickets.fields(bytes(fields.pop("ticket"))), **fields}
        with self.vault.change() as draft:
            entry, key, on = officer_keys.add(draft, fields, self.vault.clock.now_s())
        self._told(
            "vault.key.registered", entry, key.cose, {"since": key.since, "label": key.label, "method": key.kind}
        )
        if on:
            self.vault.fact("vault.signing.begun", {"norms": ["access.officers"], "dies": "rights"})
        return {"key": attest.key_id(key.cose), "since": key.since, "signing": on, "_subjects": [entry]}

    def _key_retire(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        with self.vault.change() as draft:
            entry, key = officer_keys.retire(draft, request, self.vault.clock.now_s())
        self._told("vault.key.retired", entry, key.cose, {"method": key.kind})
        return {"_subjects": [entry]}

    def _told(self, kind: str, entry: Officer, cose: bytes, more: Mapping[str, Any]) -> None:
        """A row with the public key: what an auditor verifies consents with, also after the key has gone."""
        detail = {"officer": str(entry.id), "officer_role": entry.role, "key": attest.key_id(cose).hex(), "cose": cose}
        self.vault.fact(kind, {**detail, **more, "norms": ["access.officers"], "dies": "rights"})

    def _delegate(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        with self.vault.change() as draft:
            entry = officer_keys.delegate(draft, request, self.vault.clock.now_s())
        named = [[str(d.person), d.since, d.until, list(d.scope)] for d in entry.delegates]
        detail = {"officer": str(entry.id), "officer_role": entry.role, "delegates": named}
        self.vault.fact("vault.officer.delegated", {**detail, "norms": ["access.officers"], "dies": "rights"})
        return {"_subjects": [entry]}

    def _codes_restore(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        entry = officer_keys.entry_of(self.vault.state, request)
        with self.vault.change() as draft:
            lifted = codes.lift(draft, entry.id, self.vault.clock.now_s())
        return {"lifted": lifted, "_subjects": [entry]}

    def _codes_void(self, request: Mapping[str, Any], by: Sequence[Officer]) -> dict[str, Any]:
        entry = officer_keys.entry_of(self.vault.state, request)
        with self.vault.change() as draft:
            gone = codes.void(draft, entry.id)
        return {"gone": gone, "_subjects": [entry]}


def _subjects(fields: Mapping[str, Any]) -> set[Any]:
    """Whose matter a change of the registry is (16-byte ids): they do not sign it themselves."""
    return {fields.get("person"), fields.get("id"), fields.get("to"), *(a.get("id") for a in fields.get("add", ()))}


def _public(o: Officer) -> dict[str, Any]:
    """An entry of the registry without its password."""
    keys = [{"key": attest.key_id(k.cose), "kind": k.kind, "since": k.since, "label": k.label} for k in o.keys]
    return {
        "id": o.id.bytes, "role": o.role, "title": o.title, "delegation": o.delegation, "from": o.valid_from,
        "until": o.valid_until, "keys": keys, "delegates": [d.body() for d in o.delegates],
    }  # fmt: skip


def check_rules(rules: Any) -> dict[str, Any]:
    """Approver rules: requesters, approvers, console → role ids; VaultError ``rules_field``.

    Also, where the pack says so: ``quorum`` (officers a change of the registry, 2 to 5), ``cooling_s`` (a new key waits
    so long, 30 days at most), ``urgent`` (grounds that a spoken code may open).
    """
    if not isinstance(rules, dict) or not set(RULE_NAMES) <= set(rules) <= {
        *RULE_NAMES,
        "quorum",
        "cooling_s",
        "urgent",
    }:
        raise VaultError("rules_field")
    found: dict[str, Any] = {}
    for name in RULE_NAMES:
        if not rules[name] or not set(rules[name]) <= set(ROLES) - {"administrator", "maintenance"}:
            raise VaultError("rules_field")
        found[name] = sorted(set(rules[name]))
    for name, least, most in (("quorum", 2, QUORUM_MAX), ("cooling_s", 0, COOLING_MAX_S)):
        if name in rules:
            if type(rules[name]) is not int or not least <= rules[name] <= most:
                raise VaultError("rules_field", name)
            found[name] = rules[name]
    if "urgent" in rules:
        grounds = rules["urgent"]
        if not isinstance(grounds, list) or len(grounds) > URGENT_MAX or not all(_ground(g) for g in grounds):
            raise VaultError("rules_field", "urgent")
        found["urgent"] = sorted(set(grounds))
    return found


def _ground(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 100 and value.isprintable()

"""Accounts of cameras and the recorders that can open them (접속 계정 봉인 현황): who has a slot, and who lacks one.

A camera's account is sealed once to each admitted recorder (``footage_source.sealed``): a row in the database admits
nobody, vaultd's list of keys does. A recorder admitted later lacks slots of older cameras until one that has them seals
for it (``media/admission.py``).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gwanje.kernel.footage import Cursor

NEWCOMERS_MAX = 100
REGISTERED_MAX = 1000
_LABEL = b"gwanje/v1/sealing\0"


class AccountOfAnotherHost(ValueError):
    """The account was typed for other hosts than the source names now; the recorder tells it to nobody."""


def hosts_of(*urls: str) -> frozenset[str]:
    """The hosts that addresses name."""
    return frozenset(host for url in urls if url and (host := urlsplit(url).hostname))


def account(user: str, password: str, hosts: frozenset[str]) -> bytes:
    """What is sealed: the account and the hosts it was typed for; none when no address was known yet."""
    return json.dumps({"user": user, "password": password, "hosts": sorted(hosts)}, ensure_ascii=False).encode()


def check_hosts(secret: bytes, hosts: frozenset[str]) -> None:
    """AccountOfAnotherHost when an opened account names hosts and these are not among them.

    Whoever can write the row of a source can change its address, but not what was sealed. An account of the older
    form (``user:password``), or typed before any address, names none.
    """
    if not secret.startswith(b"{"):
        return
    said = json.loads(secret).get("hosts") or []
    if said and not hosts <= frozenset(map(str, said)):
        raise AccountOfAnotherHost("the account was sealed for another host")


@dataclass(frozen=True)
class Newcomer:
    """A registered recorder, as its row says. ``proof``: its signature over its sealing key, empty when none."""

    id: UUID
    signing_key: bytes
    sealing_key: bytes
    proof: bytes


def sealing_words(recorder: UUID, sealing_key: bytes) -> bytes:
    """What a recorder signs to say that a sealing key is its own."""
    return _LABEL + recorder.bytes + sealing_key


def refusal(recorder: Newcomer, admitted: frozenset[bytes]) -> str:
    """Why a recorder gets no account: ``not admitted``, ``no proof``, or empty when it may have them. Pure.

    ``admitted``: Ed25519 keys, as vaultd says them (this machine's recorder, and those that two officers admitted).
    """
    if recorder.signing_key not in admitted:
        return "not admitted"
    try:
        words = sealing_words(recorder.id, recorder.sealing_key)
        Ed25519PublicKey.from_public_bytes(recorder.signing_key).verify(recorder.proof, words)
    except (InvalidSignature, ValueError):
        return "no proof"
    return ""


def registered(cursor: Cursor) -> list[Newcomer]:
    """Every registered recorder, at most 1,000, oldest first; being here admits nobody."""
    cursor.execute(
        f"select id, signing_key, sealing_key, sealing_proof from footage_recorder order by id limit {REGISTERED_MAX}"
    )
    return [_newcomer(row) for row in cursor.fetchall()]


def _newcomer(row: Sequence[Any]) -> Newcomer:
    return Newcomer(row[0], bytes(row[1]), bytes(row[2]), bytes(row[3] or b""))


def newcomers(cursor: Cursor, own: UUID) -> list[Newcomer]:
    """Recorders that lack an account which ``own`` can open; at most 100, oldest first."""
    cursor.execute(
        "select r.id, r.signing_key, r.sealing_key, r.sealing_proof from footage_recorder r where r.id <> %s "
        "and exists (select from footage_source s where s.sealed ? %s and not s.sealed ? r.id::text) "
        f"order by r.id limit {NEWCOMERS_MAX}",
        [own, str(own)],
    )
    return [_newcomer(row) for row in cursor.fetchall()]


def lacking(cursor: Cursor, own: UUID, newcomer: UUID, after: UUID, limit: int) -> list[tuple[UUID, bytes]]:
    """(camera, box for ``own``) of cameras after one in order, locked until the transaction ends.

    Whoever types the account anew waits for it, or is skipped here: a slot is never of an account that was replaced.
    """
    cursor.execute(
        "select camera, sealed ->> %s from footage_source where sealed ? %s and not sealed ? %s and camera > %s "
        "order by camera limit %s for update skip locked",
        [str(own), str(own), str(newcomer), after, max(1, min(limit, 1000))],
    )
    return [(row[0], base64.b64decode(row[1])) for row in cursor.fetchall()]


def add_slot(cursor: Cursor, camera: UUID, newcomer: UUID, box: bytes) -> None:
    """Give a recorder its slot of a camera's account; the recorders follow the version."""
    cursor.execute(
        "update footage_source set sealed = sealed || jsonb_build_object(%s::text, %s::text), version = version + 1 "
        "where camera = %s",
        [str(newcomer), base64.b64encode(box).decode(), camera],
    )


def slots(cursor: Cursor, camera: UUID) -> tuple[int, int]:
    """How many recorders can open a camera's account, and how many are registered; (0, n) when it has none."""
    cursor.execute(
        "select (select count(*) from footage_recorder r where s.sealed ? r.id::text), "
        "(select count(*) from footage_recorder) from footage_source s where s.camera = %s",
        [camera],
    )
    found = cursor.fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)

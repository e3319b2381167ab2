"""Shared helpers of the centre's rooms (공용 도구): data folder, clock, law of the day, refusals. Not a capability."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from gwanje.centre.common.refusal import Refused
from gwanje.kernel import policy
from gwanje.kernel.actor import Actor
from gwanje.kernel.clock import Clock
from gwanje.kernel.footage import Cursor
from gwanje.kernel.home import Home
from gwanje.kernel.rls import set_scope
from gwanje.law import Decision, InForce, Law, load

# beyond it a list is not read by a person any more: a filter is what helps
OFFSET_MAX = 1_000_000


def home() -> Home:
    """The data folder of this process."""
    return cast(Home, settings.GWANJE_HOME)


def clock() -> Clock:
    """The one clock of the data folder."""
    return home().clock


@cache
def packs() -> Law:
    """The stack of packs that the centre's config names, loaded once."""
    return load(tuple(home().config["packs"]))


def law(on: date | None = None) -> InForce:
    """The law in force on a day of the centre's zone, today by default; NotInForce before the first day."""
    return packs().on(on or clock().local().date())


def cursor() -> Cursor:
    """A cursor of the open transaction, for the kernel's SQL functions."""
    assert connection.in_atomic_block, "kernel rows join a transaction"
    return cast(Cursor, connection.cursor())


@contextmanager
def system_scope() -> Iterator[Any]:
    """A transaction that sees every agency's rows: for commands and services, never for a person's request."""
    with transaction.atomic():
        set_scope(cast(Cursor, connection.cursor()), "system")
        yield cursor()


def decide(actor: Actor, action: str, resource: policy.Resource | None = None, **context: Any) -> Decision:
    """Ask the one policy object; rules find ``law`` (of today) and ``now`` in the context."""
    return policy.decide(actor, action, resource, {"law": law(), "now": clock().now(), **context})


def absent(actor: Actor, action: str, kind: str, id_: object) -> Refused:
    """404 with its ledger row, to be raised: what is not there and what is another agency's are refused alike."""
    known = id_ if isinstance(id_, UUID) else str(id_)[:80]
    facts: dict[str, Any] = {"cameras": [known]} if kind == "camera" and known is id_ else {"detail": {kind: known}}
    return Refused(policy.hidden(action), action, actor, **facts)


def demand(
    actor: Actor,
    action: str,
    resource: policy.Resource | None = None,
    *,
    facts: dict[str, Any] | None = None,
    **context: Any,
) -> Decision:
    """``decide``, and Refused when the answer is no; ``facts`` go into the ledger row of the refusal."""
    decision = decide(actor, action, resource, **context)
    if not decision.allow:
        raise Refused(decision, action, actor, **(facts or {}))
    return decision

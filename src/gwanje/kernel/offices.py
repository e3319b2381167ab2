"""Acts that ask for an office and nothing more (직무에 따른 권한): who needs it may, a contractor's employee never."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import NOTHING, Resource, Rule, Scope, agencies
from gwanje.law import Decision, InForce, Reason

Needed = Mapping[str, tuple[str, ...]]


def own_agency(actor: Actor) -> Scope:
    """What the actor's own agency runs."""
    return NOTHING if actor.agency is None or actor.anonymous else agencies(actor.agency)


def rules(needed: Needed, refusal: Reason) -> dict[str, Rule]:
    """action → rule under ``access.least``: one of the offices of ``needed[action]``, else ``refusal``."""

    def rule_of(action: str) -> Rule:
        def rule(actor: Actor, resource: Resource | None, context: Mapping[str, Any]) -> Decision:
            law: InForce = context["law"]
            refused = not actor.has(*needed[action]) or actor.contractor
            return law.judge(action, "access.least", reasons=[refusal] if refused else [])

        return rule

    return {action: rule_of(action) for action in needed}


def register(policy: Any, made: Mapping[str, Rule]) -> None:
    """Give the policy object such rules, over what the actor's agency runs."""
    for action, rule in made.items():
        policy.register(action, rule, own_agency)

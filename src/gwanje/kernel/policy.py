"""Policy (접근 정책): one object answers "may X do Y to Z" and "all Z that X may see"; default deny.

A room registers, per action, a rule ``(actor, resource, context) -> Decision`` and a scope rule ``(actor) -> Scope``.
An action nobody registered, an attribute that is missing and an exception in a rule are a deny, and are logged.
``decide`` never allows what ``scope`` leaves out; what belongs to another agency is ``not_found``, not ``forbidden``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from gwanje.kernel.actor import Actor
from gwanje.kernel.clock import Clock
from gwanje.law import ArticleRef, Decision, Reason

NORM = "access.least"
NOT_FOUND = "not_found"
OUT_OF_SCOPE = "out_of_scope"
IDS_MAX = 100_000
_ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,4}")
# a refusal without a rule has no article of a pack; it says that the system itself refuses
SYSTEM_ARTICLE = ArticleRef("gwanje", "default-deny", "기본 거부 원칙", "관제 시스템", "방침")
_UNREGISTERED = ("등록되지 않은 행위입니다", "no rule is registered for this action")
_FAILED = ("규칙을 판단할 수 없어 거부합니다", "the rule could not decide, so it is denied")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resource:
    """What is acted on: its owner agency, its camera where there is one, and facts for the rule."""

    kind: str = ""
    id: UUID | None = None
    agency: UUID | None = None
    camera: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """Which resources, as data: ``nothing``, ``all``, ``agencies``/``cameras`` in ids, ``either``/``both`` of parts."""

    kind: str
    ids: frozenset[UUID] = frozenset()
    parts: tuple[Scope, ...] = ()

    def contains(self, resource: Resource | None) -> bool:
        """Is the resource inside? A resource without the attribute that is asked for is outside."""
        if self.kind in ("nothing", "all"):
            return self.kind == "all"
        if self.kind == "either":
            return any(part.contains(resource) for part in self.parts)
        if self.kind == "both":
            return all(part.contains(resource) for part in self.parts)
        if resource is None:
            return False
        return (resource.agency if self.kind == "agencies" else resource.camera) in self.ids

    def __or__(self, other: Scope) -> Scope:
        return Scope("either", parts=(self, other))

    def __and__(self, other: Scope) -> Scope:
        return Scope("both", parts=(self, other))


NOTHING = Scope("nothing")
ALL = Scope("all")


def agencies(*ids: UUID) -> Scope:
    """What these agencies own."""
    return Scope("agencies", frozenset(ids))


def cameras(*ids: UUID) -> Scope:
    """What these cameras saw or are."""
    return Scope("cameras", frozenset(ids))


Context = Mapping[str, Any]
ScopeRule = Callable[[Actor], Scope]
# a rule over all actions: its Decision, or None where it has nothing to say
Guard = Callable[[Actor, str, "Resource | None", Context], "Decision | None"]


class Rule(Protocol):
    """A room's rule: pure, gets the actor, the resource (None: none in particular) and the context."""

    def __call__(self, actor: Actor, resource: Resource | None, context: Context) -> Decision: ...


class Policy:
    """The registered actions of one process."""

    def __init__(self) -> None:
        self._rules: dict[str, tuple[Rule, ScopeRule]] = {}
        self._guards: list[Guard] = []
        self._clock = Clock()

    def use_clock(self, clock: Clock) -> None:
        """The data folder's clock: it gives the day of a refusal that no rule made."""
        self._clock = clock

    @property
    def actions(self) -> frozenset[str]:
        """Every registered action."""
        return frozenset(self._rules)

    def register(self, action: str, rule: Rule, scope_rule: ScopeRule) -> None:
        """Give an action its rules; the same pair again changes nothing, another pair is a ValueError."""
        if not _ACTION.fullmatch(action):
            raise ValueError(f"an action is dotted lower case: {action!r}")
        known = self._rules.get(action)
        if known is not None and known != (rule, scope_rule):
            raise ValueError(f"the action {action} has its rules already")
        self._rules[action] = (rule, scope_rule)

    def guard(self, guard: Guard) -> None:
        """Ask this of every action that its own rule allows; the same guard again changes nothing."""
        if guard not in self._guards:
            self._guards.append(guard)

    def scope(self, actor: Actor, action: str) -> Scope:
        """All that the actor may do the action to; nothing when the rule is missing or fails."""
        known = self._rules.get(action)
        if known is None:
            log.warning("scope of an unregistered action: %s", action)
            return NOTHING
        try:
            found = known[1](actor)
        except Exception:
            log.exception("the scope rule of %s failed: nothing is in scope", action)
            return NOTHING
        if not isinstance(found, Scope) or len(found.ids) > IDS_MAX:
            log.error("the scope rule of %s gave no Scope or too many ids", action)
            return NOTHING
        return found

    def decide(
        self, actor: Actor, action: str, resource: Resource | None = None, context: Context | None = None
    ) -> Decision:
        """May the actor do it? Allow only when the rule allows and the scope holds the resource."""
        known = self._rules.get(action)
        if known is None:
            log.warning("an unregistered action was asked for: %s", action)
            return self._deny(action, "unregistered", *_UNREGISTERED)
        inside = self.scope(actor, action).contains(resource)
        # what belongs to others does not exist for this actor: its rule is not even asked
        if not inside and resource is not None and resource.agency != actor.agency:
            return self.hidden(action)
        try:
            decision = self._guarded(known[0](actor, resource, context or {}), actor, action, resource, context or {})
        except Exception as error:
            log.exception("the rule of %s failed: denied", action)
            missing = isinstance(error, KeyError | AttributeError)
            return self._deny(action, "missing_attribute" if missing else "rule_failed", *_FAILED)
        if not isinstance(decision, Decision):
            log.error("the rule of %s gave no Decision: denied", action)
            return self._deny(action, "rule_failed", *_FAILED)
        if decision.allow and not inside:
            return self._deny(action, OUT_OF_SCOPE, "권한 범위 밖입니다", "outside the scope of this actor")
        return decision

    def _guarded(
        self, decision: Decision, actor: Actor, action: str, resource: Resource | None, context: Context
    ) -> Decision:
        """What the rule said, or the first guard's refusal; a guard never allows what a rule refused."""
        if not isinstance(decision, Decision) or not decision.allow:
            return decision
        said = (guard(actor, action, resource, context) for guard in self._guards)
        return next((no for no in said if no is not None and not no.allow), decision)

    def hidden(self, action: str) -> Decision:
        """The answer about what is not there, or is another agency's: both look alike."""
        return self._deny(action, NOT_FOUND, "찾을 수 없습니다", "not found")

    def _deny(self, action: str, code: str, ko: str, en: str) -> Decision:
        return Decision(
            allow=False,
            action=action,
            norms=(NORM,),
            articles=(SYSTEM_ARTICLE,),
            on=self._today(),
            packs=((SYSTEM_ARTICLE.pack, "1"),),
            reasons=(Reason(code, ko, en, "담당 관리책임자에게 문의하십시오", "ask the manager in charge", NORM),),
        )

    def _today(self) -> date:
        return self._clock.local().date()


POLICY = Policy()
register = POLICY.register
guard = POLICY.guard
decide = POLICY.decide
scope = POLICY.scope
hidden = POLICY.hidden
use_clock = POLICY.use_clock

"""Decision, Duty, Invariant (결정, 할 일·기한, 불변 조건): the three shapes in which law speaks.

A Decision says "may I?", a Duty "I must, by when?", an Invariant "always so". All are frozen; a Decision's
``body`` is a plain map that has one canonical form, so that the kernel can digest it and a Permit can bind it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

NEVER = date.max
FACTS_DEPTH_MAX = 8


class BadDecision(ValueError):
    """A Decision without an article, a reason or a plain form."""


@dataclass(frozen=True)
class ArticleRef:
    """One article of one pack (조문 인용): ``pack`` id, ``id`` as ``28(2)``, ``citation`` as 제28조제2항."""

    pack: str
    id: str
    citation: str
    title: str
    rank: str

    def __str__(self) -> str:
        return f"{self.title} {self.citation}"

    @property
    def key(self) -> str:
        """``pack:id``, the form that stands in a ledger row."""
        return f"{self.pack}:{self.id}"


@dataclass(frozen=True)
class Reason:
    """Why something is refused (거부 사유): a code, what and why in both languages, and what to do next.

    ``norm``: the norm that the reason belongs to; empty = the Decision's first norm.
    """

    code: str
    ko: str
    en: str
    remedy_ko: str = ""
    remedy_en: str = ""
    norm: str = ""

    def body(self) -> dict[str, str]:
        """The plain map."""
        return {
            "code": _text(self.code),
            "ko": _text(self.ko),
            "en": _text(self.en),
            "remedy_ko": _text(self.remedy_ko),
            "remedy_en": _text(self.remedy_en),
            "norm": _text(self.norm),
        }


@dataclass(frozen=True)
class Decision:
    """May this be done (결정): allow or deny, with the norms and the articles in force that day.

    ``on``: the day in the centre's zone. ``packs``: (pack id, version) of every pack that was asked.
    ``facts``: what was judged, plain values only. ``obligations``: what the actor owes when it is allowed
    (``document:official_letter``). A Decision without an article does not exist: BadDecision.
    """

    allow: bool
    action: str
    norms: tuple[str, ...]
    articles: tuple[ArticleRef, ...]
    on: date
    packs: tuple[tuple[str, str], ...]
    reasons: tuple[Reason, ...] = ()
    obligations: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.action or not self.norms:
            raise BadDecision("a Decision names its action and a norm (결정에는 행위와 규범이 있어야 합니다)")
        if not self.articles:
            raise BadDecision(f"no article in force carries {', '.join(self.norms)} (근거 조문이 없는 결정)")
        if not self.allow and not self.reasons:
            raise BadDecision("a refusal says why (사유 없는 거부)")

    def __bool__(self) -> bool:
        return self.allow

    @property
    def reason(self) -> Reason | None:
        """The first reason, or None when it is allowed."""
        return self.reasons[0] if self.reasons else None

    def body(self) -> dict[str, Any]:
        """Text, int, bool, list and map only, NFC: the form that is digested, stored and shown."""
        return {
            "v": 1,
            "allow": self.allow,
            "action": _text(self.action),
            "norms": [_text(n) for n in self.norms],
            "articles": [a.key for a in self.articles],
            "reasons": [r.body() for r in self.reasons],
            "obligations": [_text(o) for o in self.obligations],
            "on": self.on.isoformat(),
            "packs": [[name, version] for name, version in self.packs],
            "facts": plain(self.facts),
        }


def combine(action: str, decisions: Iterable[Decision]) -> Decision:
    """All must allow (모두 허용): one Decision with every norm, article, reason and obligation; same day only."""
    parts = list(decisions)
    if not parts or len({p.on for p in parts}) != 1:
        raise BadDecision("decisions of one day are combined, at least one")
    facts: dict[str, Any] = {}
    for part in parts:
        facts.update(part.facts)
    return Decision(
        allow=all(p.allow for p in parts),
        action=action,
        norms=_once(n for p in parts for n in p.norms),
        articles=_once(a for p in parts for a in p.articles),
        on=parts[0].on,
        packs=_once(k for p in parts for k in p.packs),
        reasons=_once(r for p in parts for r in p.reasons),
        obligations=_once(o for p in parts for o in p.obligations),
        facts=facts,
    )


@dataclass(frozen=True)
class Duty:
    """What must be done by when (할 일·기한). ``due_on``: the last day in time, NEVER = not owed.

    ``basis_ko``/``basis_en`` say how the day was counted, for the officer and for the court. A clock in hours has its
    end in ``due_at`` and the moment from which it runs in ``starts_at``.
    """

    kind: str
    norm: str
    articles: tuple[ArticleRef, ...]
    starts_on: date
    due_on: date
    owner_role: str
    basis_ko: str
    basis_en: str
    due_at: datetime | None = None
    starts_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.articles:
            raise BadDecision(f"no article in force carries {self.norm} (근거 조문이 없는 기한)")
        if any(at is not None and at.tzinfo is None for at in (self.due_at, self.starts_at)):
            raise BadDecision("due_at and starts_at are aware datetimes")

    def late(self, today: date) -> bool:
        """True after the last day in time (기한 경과); ``today`` in the centre's zone."""
        return today > self.due_on


@dataclass(frozen=True)
class Invariant:
    """What is always so (불변 조건): the norm, where it is upheld (code symbol), and as what."""

    norm: str
    symbol: str
    role: str


def plain(value: Any, depth: int = 0) -> Any:
    """Facts as text, int, bool, None, list and map; TypeError for floats and objects, dates become ISO text."""
    if depth > FACTS_DEPTH_MAX:
        raise TypeError("facts are nested too deeply")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {_text(str(k)): plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((plain(v, depth + 1) for v in value), key=str)
    if isinstance(value, list | tuple):
        return [plain(v, depth + 1) for v in value]
    raise TypeError(f"a fact of type {type(value).__name__} has no plain form")


def _text(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _once(items: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(items))

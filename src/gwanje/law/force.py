"""Law in force (시행 중인 법): a stack of packs asked about one day; before the first day there is no answer.

Ranks: a lower rule may only narrow what the operator may do. Where it would widen that, or narrow a right that a
higher rule gives the data subject, the higher rule stands and the conflict is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from gwanje.law.decision import ArticleRef, Decision, Duty, Reason
from gwanje.law.packs import RANKS, Article, Dated, GroundEntry, Pack, available, folder, load_packs
from gwanje.law.purposes import PurposeRow
from gwanje.law.registry import upholds
from gwanje.law.retention_rows import RetentionRow, chosen
from gwanje.law.words import NORMS, PARAMETERS, UNITS_KO, ParameterWord


class NotInForce(LookupError):
    """No rule answers for that day (시행 전이거나 효력 없음); there is never a default."""

    def __init__(self, what: str, on: date) -> None:
        self.what, self.on = what, on
        super().__init__(f"{what}: no rule in force on {on} ({on}에 시행 중인 규정이 없습니다)")


class _Timed(Protocol):
    def in_force(self, on: date) -> bool: ...


T = TypeVar("T", bound=_Timed)


@dataclass(frozen=True)
class Parameter:
    """A value in force with its article (기준값과 근거 조문)."""

    name: str
    value: Any
    unit: str
    article: ArticleRef
    pack: str
    note: str = ""


@dataclass(frozen=True)
class Ground:
    """A legal ground on one day (법적 근거): readable for ever, choosable only while ``in_force``.

    ``document``: kind of paper that must be named (``official_letter`` …) or empty; ``gates``: ``playback``,
    ``disclosure``, ``installation``; ``post_review``: reviewed afterwards because it was urgent; ``publish``: uses are
    published under 법 제18조제4항.
    """

    code: str
    ko: str
    en: str
    statute: str
    article: ArticleRef
    pack: str
    gates: tuple[str, ...]
    document: str
    document_ko: str
    document_en: str
    post_review: bool
    in_force: bool
    why_not_ko: str = ""
    why_not_en: str = ""
    publish: bool = False


@dataclass(frozen=True)
class Conflict:
    """A rule that does not stand against another one (법령 충돌): a lower one, or the laxer of two of one rank.

    ``kind`` parameter, ground or article; ``name`` the parameter, ground code or norm. ``higher`` is what stands;
    both texts as the packs have them.
    """

    kind: str
    name: str
    higher: ArticleRef
    lower: ArticleRef
    ko: str
    en: str
    higher_text: str = ""
    lower_text: str = ""


@upholds("law.in_force", passes=lambda candidates, on: tuple(candidates))
def in_force(candidates: Iterable[T], on: date) -> tuple[T, ...]:
    """Those in force and verified on that day (시행 중인 것만)."""
    return tuple(c for c in candidates if c.in_force(on))


@upholds("law.precedence", passes=True)
def may_stand(word: ParameterWord, higher: Any, lower: Any) -> bool:
    """Whether a lower rule's value may stand beside a higher rule's (하위 규정의 한계): equal or stricter only."""
    if higher == lower:
        return True
    if word.stricter == "lower":
        return bool(lower < higher)
    if word.stricter == "higher":
        return bool(lower > higher)
    if word.stricter == "subset":
        return set(lower) <= set(higher)
    if word.stricter == "superset":
        return set(lower) >= set(higher)
    return False


@upholds("law.precedence", passes=True)
def rests(entry: GroundEntry, above: Mapping[str, GroundEntry], on: date) -> bool:
    """Whether a lower rule's ground rests on one of a higher rule that is in force that day (상위 근거)."""
    return not entry.rests_on or any(c in above and _ground_on(above[c], on) for c in entry.rests_on)


class InForce:
    """The law of one day in the centre's zone: ``law.on(date)``. Immutable; ask it as often as you like."""

    def __init__(self, law: Law, on: date) -> None:
        self.law, self.on = law, on
        self.packs = tuple(p for p in law.packs if p.since <= on and (p.until is None or on <= p.until))
        self.versions = tuple((p.id, p.version) for p in law.packs)

    def parameter(self, name: str) -> Parameter:
        """The value in force; NotInForce when no verified rule of that day says one."""
        if name not in PARAMETERS:
            raise KeyError(f"unknown parameter word {name!r}")
        found = self._stand(name)[0]
        if found is None:
            raise NotInForce(name, self.on)
        article = found.article
        return Parameter(name, found.value, found.unit, article.ref, article.pack, found.note)

    def _stand(self, name: str) -> tuple[Dated | None, list[Conflict]]:
        word, stands, conflicts = PARAMETERS[name], None, []
        said = in_force((d for p in self.law.packs for d in p.parameters if d.name == name), self.on)
        for dated in sorted(said, key=lambda d: RANKS.index(d.article.ref.rank)):
            if stands is None or may_stand(word, stands.value, dated.value):
                stands = dated
                continue
            both = _together(word, stands, dated)
            ko, en = _told(word, stands, dated, both)
            conflicts.append(_conflict(("parameter", name), stands.article, dated.article, ko, en))
            stands = both
        return stands, conflicts

    def articles(self, norm: str) -> tuple[ArticleRef, ...]:
        """The articles in force that carry a norm, highest rank first; NotInForce when there is none."""
        if norm not in NORMS:
            raise KeyError(f"unknown norm {norm!r}")
        carrying = [a for p in self.law.packs for a in p.articles if norm in a.norms]
        found = tuple(a.ref for a in in_force(carrying, self.on))
        if not found:
            raise NotInForce(norm, self.on)
        return found

    def has(self, norm: str) -> bool:
        """Whether an article in force carries the norm; a rule that not every city has is asked only then."""
        if norm not in NORMS:
            raise KeyError(f"unknown norm {norm!r}")
        return bool(in_force((a for p in self.law.packs for a in p.articles if norm in a.norms), self.on))

    def article(self, pack: str, key: str) -> Article:
        """One article with its text, in force or not; KeyError when the pack has none such."""
        return self.law.pack(pack).by_id[key]

    def grounds(self, gate: str | None = None) -> tuple[Ground, ...]:
        """Grounds that may be chosen that day for a gate; a city's own list narrows the list above it."""
        found: list[Ground] = []
        for pack in self.law.packs:
            own = [g for g in pack.grounds if gate is None or gate in g.gates]
            if own and gate is not None:
                found.clear()
            found += [g for g in (self._ground(e) for e in own) if g.in_force]
        return tuple(found)

    def ground(self, code: str) -> Ground:
        """One ground, also a repealed one (then ``in_force`` is False and says why); KeyError when unknown."""
        entry = self.law.ground_entries().get(code)
        if entry is None:
            raise KeyError(f"unknown ground {code!r} (알 수 없는 근거)")
        return self._ground(entry)

    def _ground(self, entry: GroundEntry) -> Ground:
        ko = en = ""
        above = self.law.ground_entries()
        if not _ground_on(entry, self.on):
            ko, en = _when(entry, self.on)
        elif not rests(entry, above, self.on):
            ko = f"상위 법령의 근거가 시행 중이 아닙니다: {', '.join(entry.rests_on)}"
            en = f"no ground above it is in force: {', '.join(entry.rests_on)}"
        return Ground(
            entry.code, entry.ko, entry.en, entry.statute, entry.article.ref, entry.article.pack, entry.gates,
            entry.document, entry.document_ko, entry.document_en, entry.post_review, not ko, ko, en,
            entry.publish or any(above[c].publish for c in entry.rests_on if c in above),
        )  # fmt: skip

    def title(self, role: str, lang: str = "ko") -> str:
        """The city's own title of a role (직명), the lowest rank's word; KeyError when no pack names it."""
        for pack in reversed(self.law.packs):
            if role in pack.titles:
                return pack.titles[role][0 if lang == "ko" else 1]
        raise KeyError(f"no pack names the role {role!r}")

    def conflicts(self) -> tuple[Conflict, ...]:
        """Rules that do not stand that day: parameters first, then grounds, then articles of one norm."""
        found = [c for name in PARAMETERS for c in self._stand(name)[1]]
        above = self.law.ground_entries()
        for entry in above.values():
            if _ground_on(entry, self.on) and not rests(entry, above, self.on):
                higher = next((above[c] for c in entry.rests_on if c in above), entry)
                ko = f"{entry.ko}: 상위 근거({higher.statute})의 효력이 없습니다."
                en = f"{entry.en}: {higher.statute}, on which it rests, is not in force."
                found.append(_conflict(("ground", entry.code), higher.article, entry.article, ko, en))
        return (*found, *self._contradictions())

    def _contradictions(self) -> Iterable[Conflict]:
        """Articles that yield to another one that is loaded and in force that day, too."""
        loaded = {p.id: p.by_id for p in self.law.packs}
        for article in in_force((a for p in self.law.packs for a in p.articles if a.yields_to), self.on):
            for yields in article.yields_to:
                stands = loaded.get(yields.pack, {}).get(yields.article)
                if stands is not None and stands.in_force(self.on):
                    yield _conflict(("article", yields.norm), stands, article, yields.ko, yields.en)

    def retention_rows(self) -> tuple[RetentionRow, ...]:
        """Every row of retention in force that day (부서별 보관기간), highest rank first, in the order of its table."""
        return tuple(r for p in self.packs for r in p.retention if in_force([r.article], self.on))

    def retention(self, department: str, purposes: Sequence[str], group: str = "") -> RetentionRow:
        """The row that stands for a camera of a department; NotInForce when no row of that day speaks of it."""
        found = chosen(self.retention_rows(), department, purposes, group)
        if found is None:
            raise NotInForce(f"retention of {department or '-'} ({', '.join(purposes) or '-'})", self.on)
        return found

    def purposes(self, scheme: str) -> tuple[PurposeRow, ...]:
        """One classification of purposes in force that day, of the lowest rank that has it; empty when none has."""
        for pack in reversed(self.packs):
            own = tuple(r for r in pack.purposes if r.scheme == scheme and in_force([r.article], self.on))
            if own:
                return own
        return ()

    def _cite(self, norms: Sequence[str]) -> tuple[ArticleRef, ...]:
        return tuple(dict.fromkeys(a for n in norms for a in self.articles(n)))

    def allow(
        self, action: str, *norms: str, facts: Mapping[str, Any] | None = None, obligations: Sequence[str] = ()
    ) -> Decision:
        """A Decision that allows; NotInForce when a norm has no article in force."""
        articles = self._cite(norms)
        return Decision(
            True, action, norms, articles, self.on, self.versions, (), tuple(obligations), dict(facts or {})
        )

    def deny(
        self, action: str, *norms: str, reasons: Sequence[Reason], facts: Mapping[str, Any] | None = None
    ) -> Decision:
        """A Decision that refuses, with at least one Reason; NotInForce when a norm has no article in force."""
        articles = self._cite(norms)
        return Decision(False, action, norms, articles, self.on, self.versions, tuple(reasons), (), dict(facts or {}))

    def judge(
        self, action: str, *norms: str, reasons: Sequence[Reason] = (), facts: Mapping[str, Any] | None = None
    ) -> Decision:
        """Deny when there is a reason to, else allow."""
        if reasons:
            return self.deny(action, *norms, reasons=reasons, facts=facts)
        return self.allow(action, *norms, facts=facts)

    def duty(
        self, kind: str, norm: str, *, starts_on: date, due_on: date, owner_role: str, basis: tuple[str, str],
        due_at: datetime | None = None, starts_at: datetime | None = None,
    ) -> Duty:  # fmt: skip
        """A Duty with the articles in force that carry its norm; ``basis`` in Korean and English."""
        articles = self._cite([norm])
        return Duty(kind, norm, articles, starts_on, due_on, owner_role, basis[0], basis[1], due_at, starts_at)


class Law:
    """A stack of packs, highest rank first. ``on(date)`` or ``at(moment)`` gives the law of a day."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self.packs = tuple(packs)
        self.zone = ZoneInfo(self.packs[-1].zone)
        self._day = lru_cache(maxsize=64)(lambda on: InForce(self, on))
        self._entries: dict[str, GroundEntry] | None = None

    def on(self, day: date) -> InForce:
        """The law of a calendar day; TypeError for a datetime, whose day depends on a zone."""
        if isinstance(day, datetime) or not isinstance(day, date):
            raise TypeError("ask about a date; for a moment use at()")
        return self._day(day)

    def at(self, moment: datetime) -> InForce:
        """The law of an aware moment, on its day in the centre's zone."""
        if moment.tzinfo is None:
            raise TypeError("a moment needs its zone")
        return self.on(moment.astimezone(self.zone).date())

    def conflicts(self, on: date) -> tuple[Conflict, ...]:
        """Lower rules that do not stand on that day."""
        return self.on(on).conflicts()

    def pack(self, name: str) -> Pack:
        """One pack of the stack; KeyError when it is not in it."""
        for pack in self.packs:
            if pack.id == name:
                return pack
        raise KeyError(f"the pack {name!r} is not loaded")

    def ground_entries(self) -> dict[str, GroundEntry]:
        """Every ground by code, repealed ones too."""
        if self._entries is None:
            self._entries = {g.code: g for p in self.packs for g in p.grounds}
        return self._entries


@lru_cache(maxsize=32)
def _loaded(names: tuple[str, ...], root: Path) -> Law:
    return Law(load_packs(names, root))


def load(names: Iterable[str] | None = None, folder_: Path | None = None) -> Law:
    """The law of a centre (규칙 묶음 읽기): the named packs, once per process; None = every pack in the folder.

    A centre's own names stand in its settings (``home.config["packs"]``). PackError when one does not load.
    """
    root = (folder_ or folder()).resolve()
    chosen = tuple(available(root) if names is None else names)
    return _loaded(chosen, root)


def _together(word: ParameterWord, higher: Dated, lower: Dated) -> Dated:
    """What stands of two values: the higher rule's; of two lists of what is owed, both (합친 목록)."""
    if word.stricter != "superset":
        return higher
    return replace(higher, value=tuple(dict.fromkeys((*higher.value, *lower.value))))


def _told(word: ParameterWord, higher: Dated, lower: Dated, stands: Dated) -> tuple[str, str]:
    if stands is higher:
        ko = f"{word.ko}: 하위 규정의 {_show(lower, ko=True)} 대신 상위 규정의 {_show(higher, ko=True)}."
        return ko, f"{word.en}: {_show(lower)} gives way to {_show(higher)} of the higher rule."
    lacks = ", ".join(item for item in higher.value if item not in lower.value)
    ko = f"{word.ko}: {lower.article.ref}에 없는 상위 규정({higher.article.ref})의 항목을 더합니다: {lacks}."
    return ko, f"{word.en}: what {lower.article.ref} lacks is added from {higher.article.ref}: {lacks}."


def _conflict(about: tuple[str, str], stands: Article, yields: Article, ko: str, en: str) -> Conflict:
    kind, name = about
    return Conflict(kind, name, stands.ref, yields.ref, ko, en, stands.text, yields.text)


def _ground_on(entry: GroundEntry, on: date) -> bool:
    within = entry.since <= on and (entry.until is None or on <= entry.until)
    return entry.verified and within and entry.article.in_force(on)


def _when(entry: GroundEntry, on: date) -> tuple[str, str]:
    if not (entry.verified and entry.article.verified):
        return "원문을 확인하지 못한 근거입니다", "its text is not verified"
    if on < max(entry.since, entry.article.since):
        return f"{entry.since}부터 시행됩니다", f"comes into force on {entry.since}"
    return f"{entry.until or entry.article.until}까지만 효력이 있었습니다", f"was in force until {entry.until}"


def _show(dated: Dated, *, ko: bool = False) -> str:
    if isinstance(dated.value, tuple):
        return f"{', '.join(map(str, dated.value)) or '-'} ({dated.article.ref})"
    unit = UNITS_KO.get(dated.unit, "") if ko else f" {dated.unit}"
    return f"{dated.value}{unit} ({dated.article.ref})"

"""Packs (규칙 묶음): law as data, one folder per source; a lawyer reads it without reading Python.

``pack.yaml`` who and which rank · ``articles.yaml`` every article with its Korean text and its norms or a reasoned
status · ``parameters.yaml`` dated values, each with its article · ``grounds.yaml`` legal grounds with their dates ·
``titles.yaml`` officers' titles · ``retention.yaml`` periods by department · ``purposes.yaml`` its classification ·
``cases/*.yaml`` situations and outcomes. What does not fit the schema does not load.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from gwanje.law.decision import ArticleRef
from gwanje.law.purposes import PurposeRow, load_purposes
from gwanje.law.retention_rows import RetentionRow, load_retention
from gwanje.law.schema import PackError, Row, read, rows, text_hash
from gwanje.law.words import NORMS, PARAMETERS

RANKS = ("법", "시행령", "고시", "조례", "예규", "방침")
STATUSES = ("planned", "definition", "procedural", "out_of_scope", "recorded")


@dataclass(frozen=True)
class Yields:
    """One article that gives way (다른 조문에 밀리는 조문): ``pack`` and ``article`` of what stands, and why.

    Written where two articles of one norm contradict each other; the stricter stands for the operator.
    """

    pack: str
    article: str
    norm: str
    ko: str
    en: str


@dataclass(frozen=True)
class Article:
    """One article (조문): its text, when it is in force, and what it means for the code."""

    pack: str
    id: str
    obligation: str
    citation: str
    heading: str
    text: str
    digest: str
    since: date
    until: date | None
    norms: tuple[str, ...]
    notes: dict[str, str]
    status: str
    area: str
    why: str
    verified: bool
    ref: ArticleRef
    awaits: tuple[str, ...] = ()
    yields_to: tuple[Yields, ...] = ()

    def in_force(self, on: date) -> bool:
        """In force and verified on that day."""
        return self.verified and self.since <= on and (self.until is None or on <= self.until)


@dataclass(frozen=True)
class Dated:
    """One dated value of a parameter (기준값), first and last day in force included."""

    name: str
    since: date
    until: date | None
    value: Any
    unit: str
    article: Article
    note: str
    verified: bool

    def in_force(self, on: date) -> bool:
        """In force and verified on that day."""
        return self.verified and self.since <= on and (self.until is None or on <= self.until)


@dataclass(frozen=True)
class GroundEntry:
    """One legal ground (법적 근거) as the pack has it; ``rests_on``: codes above, one of which must be in force.

    ``publish``: uses on this ground are published (법 제18조제4항); a city's ground takes it from what it rests on.
    """

    code: str
    ko: str
    en: str
    statute: str
    article: Article
    since: date
    until: date | None
    gates: tuple[str, ...]
    document: str
    document_ko: str
    document_en: str
    rests_on: tuple[str, ...]
    post_review: bool
    verified: bool
    note: str
    publish: bool = False


@dataclass(frozen=True)
class Case:
    """One situation of ``cases/*.yaml`` (사례): facts in, outcome out; ``side`` deny, allow, late or in_time."""

    pack: str
    file: str
    title: str
    norm: str
    on: date
    facts: dict[str, Any]
    side: str
    reasons: tuple[str, ...]
    due_on: date | None
    today: date | None
    rule: str

    @property
    def id(self) -> str:
        """Name of the generated test."""
        return f"{self.pack}/{self.file}: {self.title}"


@dataclass(frozen=True)
class Pack:
    """One source of law, whole."""

    id: str
    title: str
    short: str
    en: str
    rank: str
    instrument: str
    since: date
    until: date | None
    zone: str
    version: str
    folder: Path
    source: dict[str, str]
    articles: tuple[Article, ...]
    parameters: tuple[Dated, ...]
    grounds: tuple[GroundEntry, ...]
    titles: dict[str, tuple[str, str]]
    cases: tuple[Case, ...]
    whole: int = 0
    retention: tuple[RetentionRow, ...] = ()
    purposes: tuple[PurposeRow, ...] = ()
    may_wait: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Article]:
        """Articles by their id."""
        return {a.id: a for a in self.articles}

    @property
    def partial(self) -> bool:
        """Only some rows of the source stand here so far (일부만 옮김); ``whole`` says how many it has."""
        return self.whole > 0

    @property
    def level(self) -> int:
        """0 = statute, the highest; a bigger number is a lower rank."""
        return RANKS.index(self.rank)


def folder() -> Path:
    """Where the packs lie: ``$GWANJE_PACKS``, else beside the sources, else inside the installed package."""
    named = os.environ.get("GWANJE_PACKS")
    here = Path(__file__).resolve()
    places = [Path(named)] if named else [here.parents[3] / "packs", here.parents[1] / "packs"]
    for place in places:
        if place.is_dir():
            return place
    raise PackError(str(places[0]), "규칙 묶음 폴더가 없습니다", "there is no folder of packs")


def available(root: Path | None = None) -> tuple[str, ...]:
    """Names of all packs in the folder."""
    return tuple(sorted(p.parent.name for p in (root or folder()).glob("*/pack.yaml")))


def load_pack(place: Path) -> Pack:
    """Read and check one pack folder; PackError names the file, the place and the remedy."""
    head = Row(read(place / "pack.yaml"), f"{place.name}/pack.yaml")
    name, rank = head.text("id"), head.text("rank")
    if name != place.name:
        raise head.fail("id", f"폴더 이름 {place.name}과 다릅니다", f"differs from the folder name {place.name}")
    if rank not in RANKS:
        raise head.fail("rank", f"{' > '.join(RANKS)} 가운데 하나여야 합니다", f"must be one of {', '.join(RANKS)}")
    since, until = head.since("in_force_from"), head.day("in_force_to", None)
    source = Row(head.get("source", dict), f"{name}/pack.yaml, source")
    facts = {key: source.text(key, "") for key in ("text", "sha256", "where", "read_on")}
    source.done()
    short = head.text("short")
    ref = (name, short, rank)
    articles = _articles(place, ref, since, until)
    by_id = {a.id: a for a in articles}
    pack = Pack(
        id=name,
        title=head.text("title"),
        short=short,
        en=head.text("en"),
        rank=rank,
        instrument=head.text("instrument"),
        since=since,
        until=until,
        zone=head.text("zone"),
        version=head.text("version"),
        folder=place,
        source=facts,
        articles=articles,
        parameters=_parameters(place, by_id),
        grounds=_grounds(place, by_id),
        titles=_titles(place),
        cases=_cases(place, name),
        whole=_whole(head, len(articles)),
        retention=load_retention(place, by_id),
        purposes=load_purposes(place, by_id),
        may_wait=_may_wait(head, by_id),
    )
    head.done()
    return pack


def _whole(head: Row, listed: int) -> int:
    """How many rows the source of a partial pack has; 0 for a pack that claims to be whole."""
    whole: int = head.get("whole", int, 0)
    if head.get("partial", bool, False) != bool(whole) or 0 < whole <= listed:
        ko, en = (
            "일부만 옮긴 묶음은 partial과 원문의 항목 수를 함께 적습니다",
            "a partial pack says how many rows there are",
        )
        raise head.fail("whole", ko, en)
    return whole


def _may_wait(head: Row, by_id: dict[str, Article]) -> tuple[str, ...]:
    """Articles that may be planned outside the areas that wait; each is there and is planned."""
    named = head.texts("may_wait", [])
    wrong = [key for key in named if key not in by_id or by_id[key].status != "planned"]
    if wrong:
        raise head.fail("may_wait", f"예정 조문이 아닙니다: {wrong}", f"is no planned article: {wrong}")
    return named


def _articles(place: Path, ref: tuple[str, str, str], since: date, until: date | None) -> tuple[Article, ...]:
    out: list[Article] = []
    name, short, rank = ref
    for row in rows(read(place / "articles.yaml"), f"{name}/articles.yaml", "id"):
        key, citation = row.text("id"), row.text("citation")
        norms = row.get("norms", list, [])
        notes = {n: "" for n in norms if isinstance(n, str)}
        notes |= {k: str(v) for n in norms if isinstance(n, dict) for k, v in n.items()}
        status, text = row.text("status", ""), row.text("text")
        article = Article(
            pack=name,
            id=key,
            obligation=row.text("obligation", ""),
            citation=citation,
            heading=row.text("heading", ""),
            text=text,
            digest=row.text("sha256"),
            since=row.day("from", since) or since,
            until=row.day("to", until),
            norms=tuple(notes),
            notes=notes,
            status=status,
            area=row.text("area", ""),
            why=row.text("why", ""),
            verified=row.get("verified", bool, True),
            ref=ArticleRef(name, key, citation, row.text("instrument", short), row.text("rank", rank)),
            awaits=row.texts("awaits", []),
            yields_to=_yields(row, name),
        )
        _check_article(row, article)
        out.append(article)
        row.done()
    twice = {a.id for a in out if sum(b.id == a.id for b in out) > 1}
    if twice:
        raise PackError(f"{name}/articles.yaml", f"두 번 나옵니다: {twice}", f"stands twice: {twice}")
    known = {a.id for a in out}
    lost = [(a.id, y.article) for a in out for y in a.yields_to if y.pack == name and y.article not in known]
    if lost:
        raise PackError(f"{name}/articles.yaml", f"밀리는 조문의 상대가 없습니다: {lost}", f"yields to nothing: {lost}")
    return tuple(out)


def _yields(row: Row, pack: str) -> tuple[Yields, ...]:
    out: list[Yields] = []
    for value in row.get("yields_to", list, []):
        inner = Row(value, f"{row.place}, yields_to")
        norm = inner.text("norm")
        if norm not in NORMS:
            raise inner.fail("norm", f"norms.yaml에 없는 규범: {norm}", f"not in norms.yaml: {norm}")
        out.append(Yields(inner.text("pack", pack), inner.text("article"), norm, inner.text("ko"), inner.text("en")))
        inner.done()
    return tuple(out)


def _check_article(row: Row, article: Article) -> None:
    if article.digest != text_hash(article.text):
        raise row.fail("sha256", "조문이 바뀌었습니다: 먼저 검토하십시오", "the text changed: review it first")
    if bool(article.norms) == bool(article.status):
        raise row.fail("norms", "규범 또는 사유 있는 상태 가운데 하나", "give either norms or a reasoned status")
    if article.status and article.status not in STATUSES:
        raise row.fail("status", f"{', '.join(STATUSES)} 가운데 하나", f"must be one of {', '.join(STATUSES)}")
    if article.status == "planned" and not article.area:
        raise row.fail("area", "예정 조문은 담당 영역을 적습니다", "a planned article names its area")
    if article.status and article.status != "planned" and not article.why:
        raise row.fail("why", "상태에는 이유가 있어야 합니다", "a status needs its reason")
    if article.awaits and article.status != "planned":
        raise row.fail("awaits", "예정 조문만 규범을 기다립니다", "only a planned article awaits a norm")
    unknown = [n for n in (*article.norms, *article.awaits) if n not in NORMS]
    if unknown:
        raise row.fail("norms", f"norms.yaml에 없는 규범: {unknown}", f"not in norms.yaml: {unknown}")


def _article(row: Row, key: str, by_id: dict[str, Article]) -> Article:
    named = row.get(key, str, "")
    if named not in by_id:
        raise row.fail(key, f"근거 조문이 없는 값은 읽지 않습니다: {named!r}", f"no such article: {named!r}")
    return by_id[named]


def _parameters(place: Path, by_id: dict[str, Article]) -> tuple[Dated, ...]:
    file = place / "parameters.yaml"
    out: list[Dated] = []
    content = read(file) if file.exists() else {}
    for name, values in Row(content or {}, f"{place.name}/parameters.yaml").value.items():
        where = f"{place.name}/parameters.yaml, {name}"
        if name not in PARAMETERS:
            raise PackError(where, "parameters.yaml 공통어에 없는 이름", "is not a shared parameter word")
        for row in rows(values, where, "from"):
            article = _article(row, "article", by_id)
            value = row.get("value", (int, str, bool, list))
            kind = PARAMETERS[name].kind
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise row.fail("value", f"{kind.__name__} 값이어야 합니다", f"must be of type {kind.__name__}")
            out.append(
                Dated(
                    name=name,
                    since=row.since("from"),
                    until=row.day("to", None),
                    value=tuple(value) if isinstance(value, list) else value,
                    unit=row.text("unit"),
                    article=article,
                    note=row.text("note", ""),
                    verified=row.get("verified", bool, True) and article.verified,
                )
            )
            row.done()
    return tuple(out)


def _grounds(place: Path, by_id: dict[str, Article]) -> tuple[GroundEntry, ...]:
    file = place / "grounds.yaml"
    out: list[GroundEntry] = []
    for row in rows(read(file) if file.exists() else [], f"{place.name}/grounds.yaml", "code"):
        article = _article(row, "article", by_id)
        document = Row(row.get("document", dict, {}), f"{row.place}, document")
        out.append(
            GroundEntry(
                code=row.text("code"),
                ko=row.text("ko"),
                en=row.text("en"),
                statute=row.text("statute"),
                article=article,
                since=row.since("valid_from"),
                until=row.day("valid_to", None),
                gates=row.texts("gates"),
                document=document.text("kind", ""),
                document_ko=document.text("ko", ""),
                document_en=document.text("en", ""),
                rests_on=row.texts("rests_on", []),
                post_review=row.get("post_review", bool, False),
                verified=row.get("verified", bool, True) and article.verified,
                note=row.text("note", ""),
                publish=row.get("publish", bool, False),
            )
        )
        document.done()
        row.done()
    return tuple(out)


def _titles(place: Path) -> dict[str, tuple[str, str]]:
    file = place / "titles.yaml"
    out: dict[str, tuple[str, str]] = {}
    if file.exists():
        for role, value in Row(read(file), f"{place.name}/titles.yaml").value.items():
            row = Row(value, f"{place.name}/titles.yaml, {role}")
            out[str(role)] = (row.text("ko"), row.text("en"))
            row.done()
    return out


SIDES = ("deny", "allow", "late", "in_time")


def _cases(place: Path, pack: str) -> tuple[Case, ...]:
    out: list[Case] = []
    for file in sorted((place / "cases").glob("*.yaml")):
        for row in rows(read(file), f"{place.name}/cases/{file.name}", "title"):
            side, norm = row.text("outcome"), row.text("norm")
            if side not in SIDES or norm not in NORMS:
                raise row.fail("outcome", f"{SIDES}와 알려진 규범", f"one of {SIDES} and a known norm")
            day = row.since("on")
            out.append(
                Case(
                    pack=pack,
                    file=file.name,
                    title=row.text("title"),
                    norm=norm,
                    on=day,
                    facts=dict(row.get("facts", dict)),
                    side=side,
                    reasons=row.texts("reasons", []),
                    due_on=row.day("due_on", None),
                    today=row.day("today", None),
                    rule=row.text("rule", ""),
                )
            )
            row.done()
    return tuple(out)


def load_packs(names: Sequence[str], root: Path | None = None) -> tuple[Pack, ...]:
    """The named packs, highest rank first; PackError when one is unknown or two cities stand side by side."""
    place = root or folder()
    unknown = [n for n in names if not (place / n / "pack.yaml").is_file()]
    if unknown or not names:
        raise PackError(
            str(place), f"없는 규칙 묶음: {unknown or '(이름 없음)'}", f"no such pack: {unknown or '(none)'}"
        )
    packs = tuple(sorted((load_pack(place / n) for n in dict.fromkeys(names)), key=lambda p: p.level))
    for above, below in itertools.pairwise(packs):
        if above.rank == below.rank == "조례":
            ko, en = "한 센터에는 한 도시의 조례만", "one centre follows one city's ordinance"
            raise PackError(str(place), f"{ko}: {above.id}, {below.id}", f"{en}: {above.id}, {below.id}")
    loaded = {p.id: p.by_id for p in packs}
    for article, stands in ((a, y) for p in packs for a in p.articles for y in a.yields_to):
        if stands.pack in loaded and stands.article not in loaded[stands.pack]:
            said = f"{stands.pack}:{stands.article}"
            raise PackError(article.ref.key, f"밀리는 조문의 상대가 없습니다: {said}", f"yields to nothing: {said}")
    return packs

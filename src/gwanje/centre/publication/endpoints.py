"""API of publication: the same as the public pages, for machines; anyone may read."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from gwanje.centre.common import law
from gwanje.centre.publication import evidence, reading

router = Router(tags=["publication"])


class ArticleLine(Schema):
    """One article in a list."""

    id: str
    citation: str
    instrument: str
    heading: str
    state: str
    norms: list[str]
    area: str
    why: str


class PackOut(Schema):
    """One source of law with its articles."""

    id: str
    title: str
    rank: str
    instrument: str
    version: str
    articles: list[ArticleLine]


class NormOut(Schema):
    """The evidence behind one norm."""

    norm: str
    ko: str
    en: str
    note: str
    symbols: list[str]
    tests: list[tuple[str, str, str]]
    cases: list[tuple[str, str]]
    granted: int
    refused: int
    done: int


class ArticleOut(ArticleLine):
    """One article with its text and its evidence on that day."""

    pack: str
    text: str
    sha256: str
    in_force_from: date
    in_force_to: date | None
    on: date
    evidence: list[NormOut]
    parameters: list[dict[str, str]]


@router.get("/law", response=list[PackOut], auth=None, operation_id="publication_law", url_name="publication-law")
def packs(request: HttpRequest) -> list[dict[str, Any]]:
    """The centre's packs, the city's own first."""
    on = law().on
    return [
        {
            "id": p.id,
            "title": p.title,
            "rank": p.rank,
            "instrument": p.instrument,
            "version": p.version,
            "articles": reading.lines(p, on),
        }
        for p in reading.packs()
    ]


@router.get(
    "/law/{pack}/{article}",
    response=ArticleOut,
    auth=None,
    operation_id="publication_article",
    url_name="publication-article",
)
def article(request: HttpRequest, pack: str, article: str) -> dict[str, Any]:
    """One article; 404 when the centre's packs have none such."""
    today = law()
    try:
        found = today.article(pack, article)
    except KeyError as error:
        raise Http404 from error
    return {
        **reading.line(found, today.on),
        "pack": pack,
        "text": found.text,
        "sha256": found.digest,
        "in_force_from": found.since,
        "in_force_to": found.until,
        "on": today.on,
        "evidence": [e.__dict__ for e in evidence.of(found)],
        "parameters": reading.parameters_of(found, today),
    }

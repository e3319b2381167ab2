"""What a page or the API says of a pack and an article: pure reading of the packs, no database."""

from __future__ import annotations

from datetime import date
from typing import Any

from gwanje.centre.common import law
from gwanje.law import InForce, NotInForce, Parameter
from gwanje.law.packs import Article, Pack
from gwanje.law.words import NORMS, PARAMETERS

STATES = {
    "enforced": ("집행 중", "Enforced", "ok"),
    "planned": ("예정", "Planned", "warn"),
    "definition": ("정의", "Definition", ""),
    "procedural": ("절차", "Procedural", ""),
    "recorded": ("기록", "Recorded", ""),
    "out_of_scope": ("범위 밖", "Out of scope", ""),
    "unverified": ("원문 미확인", "Text not verified", "warn"),
    "repealed": ("효력 없음", "Not in force", "bad"),
}
UNITS = {
    "day": "일",
    "hour": "시간",
    "year": "년",
    "time/month": "회(월)",
    "shift": "교대",
    "role": "",
    "purpose": "",
    "device": "",
    "reason": "",
    "trigger": "",
    "text": "",
    "flag": "",
}
AREAS = {
    "siting": ("설치 절차", "Siting"),
    "control": ("회전·확대 조작", "Camera control"),
    "inspection": ("점검", "Inspection"),
    "emergency": ("비상벨·단말기", "Bells and terminals"),
    "incidents": ("상황 보고", "Incidents"),
    "watching": ("관제", "Watching"),
    "federation": ("기관 연계", "Federation"),
    "publication": ("방침 공개", "Publication"),
    "staff": ("인력", "Staff"),
    "visitors": ("출입", "Visitors"),
    "requests": ("열람 등 청구", "Requests"),
    "disclosure": ("열람·제공", "Disclosure"),
    "staffing-training": ("인력·교육", "Staff and training"),
    "incidents-dispatch": ("상황 전파", "Incidents and dispatch"),
    "sensors-bells": ("비상벨·감지기", "Bells and sensors"),
    "installation-workflow": ("설치 절차", "Installation"),
    "site-selection": ("설치 장소 선정", "Site selection"),
    "federation-relay": ("기관 연계", "Federation"),
    "subject-requests": ("열람 등 청구", "Requests of data subjects"),
    "disclosure-ledger": ("열람·제공 대장", "Register of disclosures"),
    "privacy-masking": ("가림 처리", "Masking"),
    "statistics-cost": ("통계·비용", "Statistics and cost"),
    "security": ("보안", "Security"),
}


def state_of(article: Article, on: date) -> str:
    """A key of ``STATES`` for that day."""
    if not article.verified:
        return "unverified"
    if not article.in_force(on):
        return "repealed"
    return "enforced" if article.norms else article.status


def packs() -> list[Pack]:
    """The centre's packs, the city's own first."""
    return list(reversed(law().law.packs))


def lines(pack: Pack, on: date) -> list[dict[str, Any]]:
    """One line per article: id, citation, heading, state in both languages, norms, area."""
    return [line(a, on) for a in pack.articles]


def line(article: Article, on: date) -> dict[str, Any]:
    """What the list shows of one article."""
    state = state_of(article, on)
    ko, en, badge = STATES[state]
    area_ko, area_en = AREAS.get(article.area, (article.area, article.area))
    return {
        "id": article.id,
        "citation": article.citation,
        "instrument": article.ref.title,
        "heading": article.heading,
        "state": state,
        "state_ko": ko,
        "state_en": en,
        "badge": badge,
        "norms": list(article.norms),
        "words": [{"ko": NORMS[n].ko, "en": NORMS[n].en} for n in article.norms],
        "area": article.area,
        "area_ko": area_ko,
        "area_en": area_en,
        "why": article.why,
    }


def counts(pack: Pack, on: date) -> list[dict[str, Any]]:
    """How many articles are in each state, in the order of ``STATES``."""
    states = [state_of(a, on) for a in pack.articles]
    return [
        {"state": s, "ko": ko, "en": en, "badge": badge, "count": states.count(s)}
        for s, (ko, en, badge) in STATES.items()
        if s in states
    ]


def parameters_of(article: Article, today: InForce) -> list[dict[str, Any]]:
    """Values in force today that stand on this article."""
    found = []
    for name, word in PARAMETERS.items():
        try:
            value = today.parameter(name)
        except NotInForce:
            continue
        if (value.pack, value.article.id) == (article.pack, article.id):
            unit_ko = UNITS.get(value.unit, value.unit)
            shown = {"name": name, "ko": word.ko, "en": word.en, "value": _shown(value, today)}
            found.append({**shown, "unit": value.unit if unit_ko else "", "unit_ko": unit_ko, "note": value.note})
    return found


def _shown(value: Parameter, today: InForce) -> str:
    if isinstance(value.value, bool):
        return "예" if value.value else "아니오"
    if value.unit == "role":
        return ", ".join(today.title(role) for role in value.value)
    return ", ".join(map(str, value.value)) if isinstance(value.value, tuple) else str(value.value)


def grounds_of(article: Article, today: InForce) -> list[Any]:
    """Grounds that stand on this article, those that may not be chosen today with the reason."""
    entries = today.law.ground_entries().values()
    return [today.ground(e.code) for e in entries if (e.article.pack, e.article.id) == (article.pack, article.id)]


def neighbours(pack: Pack, article: Article) -> tuple[Article | None, Article | None]:
    """The article before and the one after."""
    at = pack.articles.index(article)
    before = pack.articles[at - 1] if at else None
    return before, pack.articles[at + 1] if at + 1 < len(pack.articles) else None

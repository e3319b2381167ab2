"""Clocks begun and prolonged by hand (기산 사실 등록·연장): what no room has a page for yet."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from gwanje.centre.common import clock, demand, law
from gwanje.centre.common.refusal import Problem
from gwanje.centre.duties import facts, rules, services
from gwanje.centre.duties.kinds import BEGINNINGS, Beginning
from gwanje.centre.duties.models import OPEN, Duty
from gwanje.centre.duties.services import Owed, judged
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import nfc
from gwanje.kernel.policy import Resource
from gwanje.law import Duty as LawDuty
from gwanje.law import NotInForce
from gwanje.law.clocks_requests import correct

LABEL_MIN, LABEL_MAX = 2, 80
EXTENDS = "correction.due"
# one fact may start two clocks: what tells their rows apart
PARTS = {
    "request.decide": ("결정", "decision"),
    "request.answer": ("처리", "answer"),
    "breach.subject": ("통지", "notice"),
    "breach.authority": ("신고", "report"),
}


def offered() -> list[Beginning]:
    """Beginnings that start at least one clock under the packs of today."""
    now = clock().local()
    return [one for one in BEGINNINGS.values() if _found(one, now if one.asks == "moment" else now.date())]


def _found(one: Beginning, at: date | datetime) -> list[tuple[LawDuty, str, dict[str, object]]]:
    said = [(rule, dict(make(at))) for rule, make in one.clocks]
    answers = [(judged(rule, known), known) for rule, known in said]
    return [(answer[0], answer[1], known) for answer, known in answers if answer is not None]


@transaction.atomic
def begin(actor: Actor, id_: str, label: str, at: date | datetime) -> list[Duty]:
    """Enter a fact that starts clocks (기산 사실 등록); Problem when it is entered already or no rule answers."""
    decision = demand(actor, rules.BEGIN, Resource("agency", agency=actor.agency))
    one, name = BEGINNINGS.get(id_), nfc(" ".join(label.split()))
    assert actor.agency is not None
    if one is None or not LABEL_MIN <= len(name) <= LABEL_MAX:
        raise Problem(
            "label", f"이름 또는 번호를 {LABEL_MIN}~{LABEL_MAX}자로 적으십시오.",
            f"Give its name or number in {LABEL_MIN} to {LABEL_MAX} characters.", rule="기한 관리",
        )  # fmt: skip
    found = _found(one, at)
    if not found:
        raise Problem(
            "no_rule", "이 기관에는 이 기한을 정한 규정이 없습니다.", "No rule of this centre sets this term.",
            next_="방침으로 기간을 정하십시오.", next_en="Set one in the centre's policy.", status=409,
        )  # fmt: skip
    if Duty.objects.filter(
        agency_id=actor.agency, subject_kind=one.id, subject=name, starts_on=found[0][0].starts_on
    ).exists():
        raise Problem(
            "begun", f"이미 등록한 기한입니다: {name}", f"Entered already: {name}", status=409,
            next_="기한 목록에서 찾으십시오.", next_en="Look for it in the list.",
        )  # fmt: skip
    rows = []
    for duty, symbol, known in found:
        title_ko, title_en = f"{one.title_ko} {name}", f"{one.title_en} {name}"
        if len(found) > 1 and duty.kind in PARTS:
            title_ko, title_en = (f"{t}: {p}" for t, p in zip((title_ko, title_en), PARTS[duty.kind], strict=True))
        row = services.owe(Owed(duty, actor.agency, one.id, name, title_ko, title_en, None, known, symbol), actor)
        assert row is not None
        rows.append(row)
    services.note(rows[0], "begun", by=actor, decision=decision, beginning=one.id, rows=len(rows))
    return rows


def _extensions(on: date) -> int:
    """How often a correction may be prolonged; a city whose rules do not say so prolongs none."""
    try:
        return int(law(on).parameter("correction.extensions").value)
    except NotInForce:
        return 0


def may_extend(row: Duty) -> bool:
    """Could it be prolonged now (연장 가능)? By the rule by which it was counted, before it is over."""
    if row.norm != EXTENDS or row.state != OPEN or row.ends_at < clock().now():
        return False
    return int(facts.read(row.facts).get("extended", 0)) < _extensions(row.judged_on)


@transaction.atomic
def extend(actor: Actor, row: Duty, why: str) -> Duty:
    """Prolong a correction's term (정정·삭제 기한의 연장), as often as the rule allows, before it is over."""
    decision = demand(actor, rules.CLOSE, services.resource(row))
    locked = Duty.objects.select_for_update().get(pk=row.pk)
    reason = services.words(why)
    if locked.norm != EXTENDS or locked.state != OPEN or locked.ends_at < clock().now():
        raise Problem(
            "extend", "연장할 수 없는 기한입니다.", "This term cannot be prolonged.", status=409,
            rule="정정·삭제 청구의 처리기한만, 끝나기 전에 연장합니다.",
        )  # fmt: skip
    known = facts.read(locked.facts)
    again = {**known, "extended": int(known.get("extended", 0)) + 1}
    found = judged(correct, again, locked.judged_on)
    most = _extensions(locked.judged_on)
    if found is None or again["extended"] > most:
        raise Problem(
            "extend", f"연장은 {most}회까지입니다.", f"It is prolonged {most} times at most.", status=409,
            rule="; ".join(str(a) for a in law(locked.judged_on).articles(EXTENDS)),
            next_="기한 안에 처리하십시오.", next_en="Deal with it in time.",
        )  # fmt: skip
    services.recount(locked, found[0], f"연장: {reason}"[:200], f"prolonged: {reason}"[:200], facts=again)
    services.note(locked, "extended", by=actor, decision=decision, why=reason, times=again["extended"])
    return locked

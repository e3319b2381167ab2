"""Writing duties (기한 기록): the only place that does; each act joins the caller's transaction with its ledger row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date
from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from gwanje.centre.common import absent, clock, cursor, demand, law
from gwanje.centre.common.refusal import Problem
from gwanje.centre.duties import facts as said
from gwanje.centre.duties import rules
from gwanje.centre.duties.models import DONE, LATE_DONE, OPEN, VOID, Duty
from gwanje.kernel import events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import nfc
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.law import REGISTRY, Decision, NotInForce
from gwanje.law import Duty as LawDuty
from gwanje.law.decision import NEVER

TITLE_MAX, BASIS_MAX, NOTE_MIN, NOTE_MAX, SUBJECT_MAX = 200, 800, 2, 500, 200
AT_ONCE = 100
Rule = Callable[..., Any]


@dataclass(frozen=True)
class Owed:
    """A duty to be written down: what law says of it, whose row it is about, and how it is called."""

    duty: LawDuty
    agency: UUID
    subject_kind: str
    subject: str
    title_ko: str
    title_en: str
    person: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    rule: str = ""
    hand: bool = True
    href: str = ""

    @property
    def key(self) -> tuple[UUID, str, str, str, Date]:
        """What makes it the same duty again."""
        return self.agency, self.duty.kind, self.subject_kind, self.subject, self.duty.starts_on


def judged(rule: Rule, facts: Mapping[str, Any], on: Date | None = None) -> tuple[LawDuty, str] | None:
    """What a registered rule says of the facts on a day, with the rule's symbol; None where no rule is in force.

    A clock that could not be counted is no duty: neither an article nor a number stands for it that day.
    """
    found = next((e for known in REGISTRY.rules.values() for e in known if e.rule is rule), None)
    if found is None:
        raise LookupError(f"{rule!r} is no registered rule")
    today = law(on)
    if not all(today.has(norm) for norm in found.norms):
        return None
    try:
        duty = rule(facts, today)
    except NotInForce:
        return None
    assert isinstance(duty, LawDuty)
    return None if duty.due_on == NEVER else (duty, found.symbol)


def ends_at(duty: LawDuty) -> datetime:
    """The last moment in time: of the hour clock, or of the last day in the centre's zone."""
    if duty.due_at is not None:
        return duty.due_at
    return datetime.combine(duty.due_on, time.max, tzinfo=clock().zone)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@transaction.atomic
def owe(owed: Owed, by: Actor | None = None) -> Duty | None:
    """Write a duty down, once (할 일 등록); None when law says that it is never due. Joins the caller's transaction."""
    duty = owed.duty
    if duty.due_on == NEVER:
        return None
    if not owed.subject or len(owed.subject) > SUBJECT_MAX:
        raise ValueError("a duty is about a row with an id of 1 to 200 characters")
    agency, kind, subject_kind, subject, starts_on = owed.key
    row, made = Duty.objects.get_or_create(
        agency_id=agency, kind=kind, subject_kind=subject_kind, subject=subject, starts_on=starts_on,
        defaults={
            **_counted(duty), "title_ko": _cut(nfc(owed.title_ko), TITLE_MAX),
            "title_en": _cut(nfc(owed.title_en), TITLE_MAX), "person": owed.person, "facts": said.stored(owed.facts),
            "rule": owed.rule, "judged_on": clock().local().date(), "hand": owed.hand, "href": owed.href,
            "made_at": clock().now(), "made_by": by.person if by else None,
        },
    )  # fmt: skip
    if made:
        note(row, "owed", by=by, due=_due(row), basis=_cut(row.basis_ko, 300))
    return row


def _counted(duty: LawDuty) -> dict[str, Any]:
    # starts_on is what names the row and stays; a clock that is counted anew may find another first day
    return {
        "norm": duty.norm, "owner_role": duty.owner_role, "starts_at": duty.starts_at, "due_on": duty.due_on,
        "due_at": duty.due_at, "ends_at": ends_at(duty), "basis_ko": _cut(duty.basis_ko, BASIS_MAX),
        "basis_en": _cut(duty.basis_en, BASIS_MAX), "articles": [a.key for a in duty.articles],
        "packs": [list(pack) for pack in law().versions],
    }  # fmt: skip


def _due(row: Duty) -> str:
    return row.due_at.isoformat() if row.due_at else str(row.due_on)


def note(row: Duty, act: str, *, by: Actor | None = None, decision: Decision | None = None, **detail: Any) -> None:
    """The ledger row of one act on a duty."""
    facts = {"duty": str(row.pk), "kind": row.kind, "subject": f"{row.subject_kind}:{row.subject}", **detail}
    fields: dict[str, Any] = {"agency": row.agency_id, "detail": facts, "dies": "registry"}
    kind = f"duties.duty.{act}"
    if decision is None:
        fields |= {"norms": (row.norm,), "articles": tuple(row.articles)}
    entry = Entry.by(by, kind, "done", decision, **fields) if by else Entry(kind, "done", **fields)
    ledger.append(cursor(), clock(), entry)


def tell(row: Duty, kind: str, severity: int, ko: str, en: str, **more: Any) -> None:
    """One event about a duty, to whom it concerns."""
    body = {"duty": str(row.pk), "kind": row.kind, "due": _due(row), "owner": row.owner_role, "ko": ko, "en": en}
    event = Event(kind, "duties", severity, body={**body, **more}, agency=row.agency_id)
    events.emit(cursor(), clock(), event)


def open_rows(kind: str, subject_kind: str, subject: str) -> QuerySet[Duty]:
    """Open duties about one row, locked, the oldest first."""
    rows = Duty.objects.select_for_update().filter(kind=kind, subject_kind=subject_kind, subject=subject, state=OPEN)
    return rows.order_by("ends_at", "id")


def finish(
    row: Duty, note_: str = "", *, by: Actor | None = None, at: datetime | None = None,
    decision: Decision | None = None,
) -> None:  # fmt: skip
    """Close a locked row as done, or as done late, for ever. ``at``: when the thing itself was done."""
    now = clock().now()
    # what was done before it was written down as owed was done in time, and never in the future
    row.done_at = min(at or now, now)
    row.done_on = row.done_at.astimezone(clock().zone).date()
    row.state = LATE_DONE if row.done_at > row.ends_at else DONE
    row.done_by, row.done_name = (by.person, by.name[:60]) if by else (None, "")
    row.note = _cut(nfc(note_.strip()), NOTE_MAX)
    row.save()
    note(row, row.state, by=by, decision=decision, due=_due(row), note=_cut(row.note, 200))


def cancel(row: Duty, why: str, *, by: Actor | None = None) -> None:
    """Close a locked row that is not owed any more (할 일의 소멸), with its reason; a missed one stays seen as late."""
    now = clock().now()
    row.state, row.done_at, row.done_on = VOID, now, now.astimezone(clock().zone).date()
    row.done_by, row.done_name = (by.person, by.name[:60]) if by else (None, "")
    row.note = _cut(nfc(why.strip()), NOTE_MAX)
    if not row.note:
        raise ValueError("a duty falls away for a reason")
    row.save()
    note(row, "voided", by=by, due=_due(row), why=_cut(row.note, 200), late=row.was_late)


def recount(row: Duty, duty: LawDuty, why_ko: str, why_en: str, facts: Mapping[str, Any] | None = None) -> bool:
    """Give a locked open row what law says now; False when nothing changes. A row and an event say what changed."""
    counted = _counted(duty)
    before, was = _due(row), row.ends_at
    changed = [name for name in ("due_on", "due_at", "owner_role", "basis_ko") if getattr(row, name) != counted[name]]
    if not changed:
        return False
    for name, value in counted.items():
        setattr(row, name, value)
    if facts is not None:
        row.facts = said.stored(facts)
    row.recounted += 1
    if row.ends_at > was:
        # there is time again: who was warned of the old date is warned of the new one
        row.warned, row.escalated = 0, 0
    row.save()
    note(row, "recounted", before=before, due=_due(row), why=why_ko)
    if before != _due(row):
        tell(
            row, "duties.recounted", 1,
            f"기한이 다시 계산되었습니다({why_ko}): {row.title_ko} · {before} → {_due(row)}",
            f"Counted anew ({why_en}): {row.title_en} · {before} → {_due(row)}",
        )  # fmt: skip
    return True


def resource(row: Duty) -> Resource:
    """A row as what is acted on."""
    return Resource("duty", row.pk, row.agency_id, facts={"owner_role": row.owner_role, "person": row.person})


def readable(actor: Actor, id_: UUID) -> Duty:
    """A duty of the actor's agency that the actor may read; 404 for another agency's."""
    row = Duty.objects.filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, rules.READ, "duty", id_)
    demand(actor, rules.READ, resource(row))
    return row


def words(text: str) -> str:
    """A person's note; Problem when it says nothing or too much."""
    made = nfc(text.strip())
    if not NOTE_MIN <= len(made) <= NOTE_MAX:
        raise Problem(
            "note", f"이행 내용을 {NOTE_MIN}자에서 {NOTE_MAX}자로 적으십시오.",
            f"Say in {NOTE_MIN} to {NOTE_MAX} characters what was done.", rule="기한 관리",
            next_="무엇을 언제 하였는지 적고 다시 보내십시오.", next_en="Write what was done and when, and send again.",
        )  # fmt: skip
    return made


@transaction.atomic
def close(actor: Actor, ids: Sequence[UUID], text: str) -> list[Duty]:
    """Close duties by hand (이행 기록), all or none; Refused when one is another office's, Problem."""
    chosen = list(dict.fromkeys(ids))
    if not 1 <= len(chosen) <= AT_ONCE:
        raise Problem(
            "choose", f"할 일을 1~{AT_ONCE}건 고르십시오.", f"Choose 1 to {AT_ONCE} duties.",
            next_="목록에서 고르고 다시 보내십시오.", next_en="Tick them in the list and send again.",
        )  # fmt: skip
    rows = list(Duty.objects.select_for_update().filter(pk__in=chosen, agency_id=actor.agency).order_by("id"))
    if missing := set(chosen) - {row.pk for row in rows}:
        raise absent(actor, rules.CLOSE, "duty", min(missing))
    made = words(text)
    for row in rows:
        decision = demand(actor, rules.CLOSE, resource(row))
        if row.state != OPEN:
            raise Problem(
                "closed", f"이미 끝난 할 일입니다: {row.title_ko}", f"Closed already: {row.title_en}", status=409,
                next_="목록을 새로 여십시오.", next_en="Open the list again.",
            )  # fmt: skip
        if not row.hand:
            raise Problem(
                "not_by_hand", f"이 할 일은 해당 화면에서 끝납니다: {row.title_ko}",
                f"This one is closed where it is done: {row.title_en}", status=409,
                next_="목록의 바로가기에서 처리하십시오.", next_en="Follow its link and do it there.",
            )  # fmt: skip
        finish(row, made, by=actor, decision=decision)
    return rows

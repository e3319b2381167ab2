"""Writing policies and plans (방침·계획 기록): the only place that writes them; each act has its ledger row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from gwanje.centre.common import absent, clock, cursor, demand, law
from gwanje.centre.common.refusal import Problem, Refused, clean
from gwanje.centre.duties import api as duties
from gwanje.centre.publication import bodies, items, reading_versions, rules
from gwanje.centre.publication.models import ANNOUNCED, DRAFT, WITHDRAWN, Department, Text, Version
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.law import Decision, NotInForce, combine

TEXT_MAX, LINE_MAX, REASON_MAX = 20_000, 200, 1000
AHEAD_DAYS_MAX = 366
LINES = {
    "officer": (100, "관리책임자", "The officer in charge"),
    "operator": (100, "운영자", "The operator"),
    "phone": (40, "전화", "The telephone"),
    "hours": (LINE_MAX, "촬영시간", "The hours"),
    "place": (LINE_MAX, "보관장소", "The place of storage"),
}


def own(actor: Actor) -> Resource:
    """The actor's own agency as what is acted on."""
    return Resource("agency", agency=actor.agency)


def _note(actor: Actor, kind: str, decision: Decision, detail: dict[str, Any]) -> None:
    entry = Entry.by(actor, kind, "done", decision, detail=detail, dies="registry")
    ledger.append(cursor(), clock(), entry)


def no_rule(document: str) -> Problem:
    """409: no rule of this city lists the items of the document."""
    ko, en = items.TITLES[document]
    return Problem(
        "no_rule", f"이 기관의 규정에는 '{ko}'에 적을 항목이 없습니다.",
        f"No rule of this city lists the items of: {en}.",
        next_="규칙 묶음에 항목을 정한 조문이 있는지 확인하십시오.", next_en="Look for an article that lists them.",
        status=409,
    )  # fmt: skip


def _known(document: str) -> str:
    if document not in items.DOCUMENTS:
        raise Problem("document", "알 수 없는 문서입니다.", "No such document.", status=404)
    return document


@transaction.atomic
def write_text(actor: Actor, document: str, item: str, ko: str, en: str) -> Text:
    """An item's text as an officer types it (항목 본문); the one before stays as it was."""
    decision = demand(actor, rules.WRITE, own(actor))
    try:
        known = law().parameter(rules.LISTS[_known(document)]).value
    except NotInForce:
        raise no_rule(document) from None
    if item not in known:
        raise Problem("item", "이 문서의 항목이 아닙니다.", "Not an item of this document.", status=404)
    row = Text.objects.create(
        agency_id=actor.agency, document=document, item=item, at=clock().now(), by=actor.person,
        ko=clean(ko, TEXT_MAX, "본문", "The text"), en=clean(en, TEXT_MAX, "영어 본문", "The English text"),
    )  # fmt: skip
    told = bodies.digest(bodies.canonical({"ko": row.ko, "en": row.en}))
    _note(actor, "publication.text.written", decision, {"document": document, "item": item, "sha256": told})
    return row


@transaction.atomic
def write_department(actor: Actor, name: str, values: dict[str, str]) -> Department:
    """A department's line (부서별 운영정보): ``officer``, ``operator``, ``phone``, ``hours``, ``place``."""
    decision = demand(actor, rules.WRITE, own(actor))
    title = clean(name, 100, "담당부서", "The department")
    if not title:
        raise Problem("department", "담당부서를 적으십시오.", "Name the department.")
    given = {key: clean(values.get(key, ""), most, *words) for key, (most, *words) in LINES.items()}
    row = Department.objects.create(
        agency_id=actor.agency, name=title, at=clock().now(), by=actor.person, **given
    )  # fmt: skip
    _note(actor, "publication.department.written", decision, {"department": title, "values": given})
    return row


@transaction.atomic
def draft(actor: Actor, document: str, effective_on: date, reason: str) -> Version:
    """Plan a version (방침 개정안): its day and reason, its body as the rows are now; drafting again replaces it."""
    decision = demand(actor, rules.ANNOUNCE, own(actor))
    assert actor.agency is not None
    today = clock().local().date()
    if not 0 <= (effective_on - today).days <= AHEAD_DAYS_MAX:
        raise Problem(
            "effective_on", f"시행일은 오늘부터 {AHEAD_DAYS_MAX}일 안이어야 합니다.",
            f"The day in force lies within {AHEAD_DAYS_MAX} days from today.",
        )  # fmt: skip
    said = clean(reason, REASON_MAX, "변경 사유", "The reason")
    text = _content(actor.agency, _known(document))
    row = Version.objects.select_for_update().filter(agency_id=actor.agency, document=document, state=DRAFT).first()
    if row is None:
        row = Version(agency_id=actor.agency, document=document, number=_next(actor.agency, document))
    was = row.effective_on
    row.body, row.sha256, row.reason, row.effective_on = text, bodies.digest(text), said, effective_on
    row.drafted_at, row.drafted_by = clock().now(), actor.person
    row.save()
    _owe(actor, row, was, today)
    detail = {"document": document, "number": row.number, "effective_on": str(effective_on), "sha256": row.sha256}
    _note(actor, "publication.version.drafted", decision, detail)
    return row


def _subject(row: Version, effective_on: date) -> str:
    return f"{row.pk}:{effective_on}"


def _owe(actor: Actor, row: Version, was: date | None, today: date) -> None:
    """A planned change has a last day to announce it; another day of coming into force is another duty."""
    if was is not None and was != row.effective_on:
        duties.void("policy.announce", "version", _subject(row, was), "시행일 변경", by=actor)
    if not reading_versions.standing(row.agency_id, row.document).exists():
        return
    ko, en = items.TITLES[row.document]
    duties.owe_by(
        rules.announce_by, {"effective_on": row.effective_on, "planned_on": today}, agency=row.agency_id,
        subject_kind="version", subject=_subject(row, row.effective_on), title_ko=f"{ko} 제{row.number}판 공지",
        title_en=f"Announce version {row.number}: {en}", hand=False, href=f"/law/desk/versions/{row.pk}/", by=actor,
    )  # fmt: skip


def _next(agency: UUID, document: str) -> int:
    found = Version.objects.filter(agency_id=agency, document=document).aggregate(last=Max("number"))["last"]
    return int(found or 0) + 1


def _content(agency: UUID, document: str) -> str:
    """What the document says now, as canonical JSON."""
    try:
        text = bodies.canonical(bodies.content(document, reading_versions.rows(agency)))
    except NotInForce:
        raise no_rule(document) from None
    if len(text.encode()) > bodies.BODY_BYTES_MAX:
        raise Problem("too_big", "방침이 너무 큽니다(16 MiB).", "The document is too big (16 MiB).")
    return text


def judge(row: Version, body: dict[str, Any], today: date) -> Decision | None:
    """May this version be announced today? All rules of this city together; None where it has none.

    The notice period is about changes: the first version of all needs none.
    """
    now = law(today)
    found: list[Decision] = []
    if now.has("policy.complete"):
        found.append(rules.complete({"document": row.document, "items": bodies.filled(body)}, now))
        found += _departments(body, now) if row.document == items.POLICY else []
    if now.has("policy.announce") and reading_versions.standing(row.agency_id, row.document).exists():
        facts = {"announced_on": today, "effective_on": row.effective_on, "reason": row.reason}
        found.append(rules.announced(facts, now))
    return combine(rules.ANNOUNCE, found) if found else None


def _departments(body: dict[str, Any], now: Any) -> list[Decision]:
    found = []
    for department in body["annexes"]["departments"]:
        filled = [item for item, value in department["items"] if value]
        try:
            found.append(rules.complete({"document": items.DEPARTMENT, "items": filled}, now))
        except NotInForce:
            return []
    # one look at what is wrong is enough: the same item of a hundred departments is one reason
    return [next((d for d in found if not d.allow), found[0])] if found else []


@transaction.atomic
def announce(actor: Actor, id_: UUID, seen: str) -> Version:
    """Announce a drafted version (방침 공지): whole, in time, and what was looked at (``seen``: its SHA-256)."""
    row = _version(actor, rules.ANNOUNCE, id_)
    decision = demand(actor, rules.ANNOUNCE, own(actor))
    if row.state != DRAFT:
        raise _gone_on(row)
    body = json.loads(row.body)
    if seen != row.sha256 or bodies.digest(_content(row.agency_id, row.document)) != row.sha256:
        raise Problem(
            "changed", "개정안을 만든 뒤 자료가 바뀌었습니다. 공지하지 않았습니다.",
            "Rows have changed since the draft was made; nothing was announced.",
            next_="개정안을 다시 만들어 확인한 뒤 공지하십시오.", next_en="Draft it again, read it, then announce it.",
            status=409,
        )  # fmt: skip
    today = clock().local().date()
    pending = reading_versions.standing(row.agency_id, row.document).filter(effective_on__gte=row.effective_on).first()
    if pending is not None or row.effective_on < today:
        raise Problem(
            "order", "이미 공지한 판보다 뒤이면서 오늘보다 앞서지 않는 시행일이어야 합니다.",
            "The day in force lies after that of every announced version and not before today.",
            next_="시행일을 고쳐 개정안을 다시 만드십시오.", next_en="Draft it again with another day.", status=409,
        )  # fmt: skip
    judged = judge(row, body, today)
    if judged is not None and not judged.allow:
        raise Refused(judged, rules.ANNOUNCE, actor, detail={"document": row.document, "number": row.number})
    before = reading_versions.standing(row.agency_id, row.document).order_by("-number").first()
    text = bodies.canonical(
        bodies.announced(body, row.number, (today, row.effective_on), row.reason, before.sha256 if before else "")
    )
    row.body, row.sha256, row.state = text, bodies.digest(text), ANNOUNCED
    row.announced_on, row.announced_by = today, actor.person
    row.save()
    duties.done("policy.announce", "version", _subject(row, row.effective_on), by=actor)
    detail = {"document": row.document, "number": row.number, "effective_on": str(row.effective_on),
              "sha256": row.sha256, "reason": row.reason}  # fmt: skip
    _note(actor, "publication.version.announced", judged or decision, detail)
    return row


@transaction.atomic
def withdraw(actor: Actor, id_: UUID, reason: str) -> Version:
    """Take back what was announced and is not yet in force (방침 공지 철회); it stays readable as withdrawn."""
    row = _version(actor, rules.ANNOUNCE, id_)
    decision = demand(actor, rules.ANNOUNCE, own(actor))
    if row.state != ANNOUNCED or row.effective_on <= clock().local().date():
        raise _gone_on(row)
    said = clean(reason, REASON_MAX, "철회 사유", "The reason")
    if len(said) < 2:
        raise Problem("reason", "철회 사유를 적으십시오.", "Say why it is withdrawn.")
    row.state, row.withdrawn_reason = WITHDRAWN, said
    row.withdrawn_at, row.withdrawn_by = clock().now(), actor.person
    row.save()
    detail = {"document": row.document, "number": row.number, "reason": said}
    _note(actor, "publication.version.withdrawn", decision, detail)
    return row


def _version(actor: Actor, action: str, id_: UUID) -> Version:
    row = Version.objects.select_for_update().filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, action, "version", id_)
    return row


def _gone_on(row: Version) -> Problem:
    return Problem(
        "state", "이 판에는 할 수 없는 일입니다.", "That cannot be done with this version.",
        next_="목록에서 지금 상태를 확인하십시오.", next_en="Look at its state in the list.", status=409,
    )  # fmt: skip


def missing(body: dict[str, Any], needed: Sequence[str]) -> list[str]:
    """Items without a text, in the order of the rule."""
    have = set(bodies.filled(body))
    return [item for item in needed if item not in have]

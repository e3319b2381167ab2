"""What breaks the glass and mends it (비상 열람 서비스): opened once, ends by itself, looked at by a second person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras
from gwanje.centre.cameras.api import CameraView
from gwanje.centre.common import absent, clock, cursor, decide, demand, law, system_scope
from gwanje.centre.common.refusal import Problem
from gwanje.centre.watching import rules, rules_glass, services
from gwanje.centre.watching.glass_reading import standing
from gwanje.centre.watching.models import MISUSE, VERDICTS, Glass
from gwanje.kernel import events, ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.events import Event
from gwanje.kernel.ledger import Entry
from gwanje.kernel.policy import Resource
from gwanje.law import Decision

KIND = "glass"
ALARM = 4
BATCH = 500


def beyond(actor: Actor, found: Iterable[CameraView]) -> list[UUID]:
    """Cameras of these that the actor's own right does not reach now."""
    seat, widened = services.seat_of(actor), services.open_emergency_of(actor)
    said: Mapping[str, Any] = {"seat_purposes": seat.purposes if seat else [], "emergency": widened is not None}
    return [camera.id for camera in found if not decide(actor, rules.WATCH, camera.resource, **said).allow]


def may_break(actor: Actor) -> Decision:
    """Could the glass be broken at all, were there an emergency: for a page that offers it or says why not."""
    ground = next((ground.code for ground in rules_glass.grounds(law())), "")
    asked = {"ground": ground, "words": "-" * rules_glass.WORDS_MIN, "cameras": 1, "beyond": 1}
    resource = Resource(KIND, agency=actor.agency)
    return decide(actor, rules_glass.BREAK, resource, glass=asked, standing=standing(actor.person))


def _named(actor: Actor, wanted: Sequence[UUID]) -> list[CameraView]:
    known = {camera.id: camera for camera in cameras.cameras(wanted)}
    unknown = next((id_ for id_ in wanted if id_ not in known), None)
    if unknown is not None:
        raise absent(actor, rules_glass.BREAK, "camera", unknown)
    found = [known[id_] for id_ in wanted]
    if still := next((camera for camera in found if camera.state != "active"), None):
        raise Problem(
            "not_active", f"운영 중인 기기가 아닙니다: {still.label}", f"Not in operation: {still.label}",
            next_="이 기기를 빼고 다시 여십시오. / Leave it out and try again.", status=409,
        )  # fmt: skip
    return found


@transaction.atomic
def open_glass(actor: Actor, ground: str, words: str, wanted: Sequence[UUID]) -> Glass:
    """Break the glass (비상 열람): these cameras live at this seat, once; in the ledger and loud before any picture."""
    ids = list(dict.fromkeys(wanted[: rules_glass.CAMERAS_MAX + 1]))
    found = _named(actor, ids)
    asked = {"ground": ground[:40], "words": words.strip(), "cameras": len(ids), "beyond": len(beyond(actor, found))}
    resource = Resource(KIND, agency=actor.agency)
    decision = demand(
        actor, rules_glass.BREAK, resource, glass=asked, standing=standing(actor.person),
        facts={"cameras": ids, "ground": ground[:40]},
    )  # fmt: skip
    assert actor.agency is not None
    assert actor.person is not None
    # two at the same moment: the second waits for the first one's row and is refused by it
    cursor().execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"glass {actor.person}"])
    if standing(actor.person)["waiting"]:
        raise Problem("review_waits", "이미 연 비상 열람이 있습니다.", "A break-glass is open already.", status=409)
    now, today = clock().now(), law()
    row = Glass.objects.create(
        agency_id=actor.agency, station=actor.station, person_id=actor.person, ground=ground, words=asked["words"],
        cameras=[str(id_) for id_ in ids], started_at=now,
        until=now + timedelta(minutes=rules_glass.minutes(today)),
        review_by=now + timedelta(hours=rules_glass.review_hours(today)),
    )  # fmt: skip
    detail = {"glass": str(row.id), "words": row.words, "until": int(row.until.timestamp())}
    entry = Entry.by(actor, "watching.glass.opened", "granted", decision, cameras=ids, ground=ground, detail=detail)
    ledger.append(cursor(), clock(), entry)
    labels = ", ".join(camera.number for camera in found)
    _say(
        row, "glass.opened", ALARM,
        f"비상 열람: {actor.name}({row.station}) · {labels} · {row.words}",
        f"Glass broken: {actor.name} ({row.station}) · {labels} · {row.words}",
        name=actor.name, count=len(ids), words=row.words, until=row.until.timestamp(),
    )  # fmt: skip
    return row


@transaction.atomic
def end_glass(actor: Actor, id_: UUID) -> Glass:
    """End it before its time (비상 열람 종료): by who opened it, or by an officer."""
    row = _row(actor, id_, rules_glass.END)
    decision = demand(actor, rules_glass.END, _resource(row))
    if row.ended_at is None and row.until > clock().now():
        mend(row, actor, decision)
    return row


def mend(row: Glass, by: Actor, decision: Decision | None, **because: str) -> None:
    """End an open one: row, ledger and event, whoever or whatever ends it (``because``)."""
    row.ended_at, row.ended_by = clock().now(), by.person
    row.save(update_fields=["ended_at", "ended_by"])
    _note(by, "watching.glass.ended", row, decision, **because)
    _say(row, "glass.ended", 1, f"비상 열람 종료: {row.station}", f"Break-glass ended: {row.station}")


@transaction.atomic
def review(actor: Actor, id_: UUID, verdict: str, text: str) -> Glass:
    """The second person's look (사후 검토): ``accepted`` or ``misuse``, with words."""
    row = _row(actor, id_, rules_glass.REVIEW)
    decision = demand(actor, rules_glass.REVIEW, _resource(row))
    if row.reviewed_at is not None or (row.ended_at is None and row.until > clock().now()):
        ko, en = "끝나지 않았거나 이미 검토한 비상 열람입니다.", "Still open, or reviewed already."
        raise Problem("review", ko, en, next_="먼저 끝내십시오. / End it first.", status=409)
    if verdict not in VERDICTS:
        raise Problem("verdict", "‘적정’과 ‘남용’ 가운데 고르십시오.", "Choose proper or misuse.")
    note = _words(text)
    row.reviewed_by, row.reviewed_at, row.verdict, row.review_note = actor.person, clock().now(), verdict, note
    row.save(update_fields=["reviewed_by", "reviewed_at", "verdict", "review_note"])
    _note(actor, "watching.glass.reviewed", row, decision, verdict=verdict, note=note)
    if verdict == MISUSE:
        _say(
            row, "glass.misused", 3, f"비상 열람이 남용으로 판단되었습니다: {row.station}",
            f"A break-glass was found a misuse: {row.station}",
        )  # fmt: skip
    return row


@transaction.atomic
def restore(actor: Actor, id_: UUID, text: str) -> Glass:
    """Let a person break the glass again after a misuse (정지 해제)."""
    row = _row(actor, id_, rules_glass.RESTORE)
    decision = demand(actor, rules_glass.RESTORE, _resource(row))
    if row.verdict != MISUSE or row.restored_at is not None:
        raise Problem("restore", "정지된 것이 아닙니다.", "Nothing is suspended by it.", status=409)
    note = _words(text)
    row.restored_by, row.restored_at, row.restore_note = actor.person, clock().now(), note
    row.save(update_fields=["restored_by", "restored_at", "restore_note"])
    _note(actor, "watching.glass.restored", row, decision, note=note)
    return row


def escalate() -> int:
    """Overdue reviews become an alarm and a ledger row, once each (검토 기한 경과); how many. Idempotent."""
    with system_scope():
        late = Glass.objects.select_for_update().filter(
            reviewed_at__isnull=True, escalated_at__isnull=True, review_by__lte=clock().now()
        )[:BATCH]
        rows = list(late)
        for row in rows:
            row.escalated_at = clock().now()
            row.save(update_fields=["escalated_at"])
            entry = Entry(
                "watching.glass.overdue", "done", agency=row.agency_id, norms=(rules_glass.REVIEWED,),
                cameras=_ids(row), detail={"glass": str(row.id), "person": str(row.person_id)},
            )  # fmt: skip
            ledger.append(cursor(), clock(), entry)
        for row in rows:
            _say(
                row, "glass.overdue", ALARM,
                f"비상 열람 검토 기한이 지났습니다({row.station}). 연 사람의 비상 열람이 정지되었습니다.",
                f"A break-glass was not reviewed in time ({row.station}): the person's is suspended.",
            )  # fmt: skip
    return len(rows)


def _words(text: str) -> str:
    note = text.strip()
    if not 2 <= len(note) <= 300:
        raise Problem("review_note", "의견을 2~300자로 적으십시오.", "Write what you found in 2 to 300 letters.")
    return note


def _ids(row: Glass) -> list[UUID]:
    return [UUID(id_) for id_ in row.cameras]


def _resource(row: Glass) -> Resource:
    return Resource(KIND, row.id, row.agency_id, facts={"opened_by": row.person_id})


def _row(actor: Actor, id_: UUID, action: str) -> Glass:
    row = Glass.objects.select_for_update().filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, action, KIND, id_)
    return row


def _note(actor: Actor, kind: str, row: Glass, decision: Decision | None, **detail: str) -> None:
    said = {"glass": str(row.id), **detail}
    entry = Entry.by(actor, kind, "done", decision, agency=row.agency_id, cameras=_ids(row), detail=said)
    ledger.append(cursor(), clock(), entry)


def _say(row: Glass, kind: str, severity: int, ko: str, en: str, **more: Any) -> None:
    body = {"id": str(row.id), "station": row.station, "ko": ko, "en": en, **more}
    event = Event(kind, "watching", severity, cameras=_ids(row), body=body, agency=row.agency_id)
    events.emit(cursor(), clock(), event)

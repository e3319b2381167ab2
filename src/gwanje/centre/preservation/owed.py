"""What preservation owes (보존 기한 찾기): holds are looked at before their end, applicants are told of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef

from gwanje.centre.common import clock
from gwanje.centre.duties import api as owing
from gwanje.centre.duties.api import Met, Owed
from gwanje.centre.preservation.models import AGREED, DIED, PROLONG, STANDING, Application, Hold, HoldAct
from gwanje.law.clocks_keeping import extension_ends, review_hold

REVIEW, EXPIRY = "hold.review", "extension.expiry"
HOLD, APPLICATION = "hold", "application"
BATCH = 1000


def _day(at: datetime) -> date:
    return at.astimezone(clock().zone).date()


def holds(now: datetime) -> Iterator[Owed | Met]:
    """Holds that stand and ask for a review; those where an officer asked for more or for the end; those that ended."""
    rows = owing.standing(REVIEW)
    known = {str(hold.pk): hold for hold in Hold.objects.filter(pk__in={UUID(row.subject) for row in rows})}
    acts: dict[str, list[HoldAct]] = {}
    for one in HoldAct.objects.filter(hold__in=[hold.pk for hold in known.values()]).order_by("asked_at"):
        acts.setdefault(str(one.hold_id), []).append(one)
    for row in rows:
        hold = known.get(row.subject)
        act = next((one for one in acts.get(row.subject, ()) if one.asked_at > row.made_at), None)
        if act is not None:
            note = "연장을 신청하며 검토함" if act.act == PROLONG else "종료를 신청하며 검토함"
            yield Met(REVIEW, HOLD, row.subject, act.asked_at, note, row.starts_on)
        elif hold is None or hold.state != STANDING:
            died = hold is not None and hold.state == DIED
            why = "검토한 기록 없이 보존이 끝남" if died else "보존이 먼저 끝남"
            yield Met(REVIEW, HOLD, row.subject, now, why, row.starts_on, void=True)
    standing = Hold.objects.filter(state=STANDING, ends_at__gt=now).order_by("ends_at", "id")[:BATCH]
    prolonged = dict(
        HoldAct.objects.filter(hold__in=[hold.pk for hold in standing], act=PROLONG, state=AGREED)
        .order_by("decided_at").values_list("hold_id", "decided_at")
    )  # fmt: skip
    reviewed = owing.finished(REVIEW, HOLD, map(str, prolonged))
    for hold in standing:
        since, last = _day(prolonged.get(hold.pk) or hold.made_at), reviewed.get(str(hold.pk))
        if last is not None and last.starts_on >= since and last.done_at <= prolonged[hold.pk]:
            # prolonged on the day on which its last review began: the next one is another row
            since = last.starts_on + timedelta(days=1)
        facts = {"ends_on": _day(hold.ends_at), "since": since}
        found = owing.judged(review_hold, facts)
        if found is None:
            return
        yield Owed(
            found[0], hold.agency_id, HOLD, str(hold.pk), f"보존의 검토: {hold.case}",
            f"Review of the hold {hold.case}", person=hold.reviewer_id, facts=facts, rule=found[1],
            href=f"/preservation/{hold.pk}/",
        )  # fmt: skip


def extensions(now: datetime) -> Iterator[Owed | Met]:
    """Applications to keep longer: who applied is told of the end; afterwards nothing is left to tell."""
    again = Application.objects.filter(hold=OuterRef("hold"), entered_at__gt=OuterRef("entered_at"))
    kept = Application.objects.filter(hold__state=STANDING)
    live = kept.filter(~Exists(again))
    rows = owing.standing(EXPIRY)
    subjects = {row.subject for row in rows}
    there, renewed = (
        set(map(str, found.filter(pk__in=subjects).values_list("pk", flat=True))) for found in (live, kept)
    )
    for row in rows:
        if row.subject not in there:
            why = "다시 신청하여 그 신청의 만료를 알림" if row.subject in renewed else "알린 기록 없이 보존이 끝남"
            yield Met(EXPIRY, APPLICATION, row.subject, now, why, row.starts_on, void=True)
    standing = live.filter(hold__ends_at__gt=now, keep_until__gte=_day(now)).order_by("keep_until", "id")
    found = list(standing.select_related("hold")[:BATCH])
    # its row runs by the law of the day on which it was written: a rule of today gives it no twin
    written = owing.ever(EXPIRY, APPLICATION, (str(one.pk) for one in found))
    for one in found:
        if str(one.pk) in written:
            continue
        facts = {"ends_on": one.keep_until}
        found = owing.judged(extension_ends, facts)
        if found is None:
            return
        yield Owed(
            found[0], one.agency_id, APPLICATION, str(one.pk), f"연장 만료 알림: 접수 {one.number}",
            f"Tell of the extension's end: {one.number}", facts=facts, rule=found[1],
            href=f"/preservation/{one.hold_id}/",
        )  # fmt: skip


SCANS = {"holds": holds, "extensions": extensions}

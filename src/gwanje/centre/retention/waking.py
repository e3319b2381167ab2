"""What the duty has to look at (파기할 것의 접수): dead hours, closed seconds, ended holds, late files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from gwanje.centre.common import system_scope
from gwanje.centre.retention import api, rows
from gwanje.centre.retention.models import (
    CERTIFIED,
    EMPTY,
    ERASED,
    HOUR,
    SEEN,
    SURVEYED,
    DestroyedHour,
)
from gwanje.kernel.home import Home
from gwanje.vault.client import VaultClient
from gwanje.vault.records import Destroyed, Released
from gwanje.vault.store import StoreAway, shelves

HOURS_A_RUN = 500
FINISHED = (CERTIFIED, EMPTY)
# an entry's first field is its hold's id, the sixth the hold's end (rows.held_of)
_OTHERWISE = ("exists (select from jsonb_array_elements(retention_destroyedhour.held) one "
              "where not %s::jsonb @> jsonb_build_object(one ->> 0, one -> 5))")  # fmt: skip
log = logging.getLogger(__name__)


def note(destroyed: Sequence[Destroyed]) -> int:
    """Remember what vaultd says it destroyed; what is known already is left as it is."""
    count = 0
    with system_scope():
        classes = {c.number: c for c in api.classes()}
        for root in destroyed:
            died = datetime.fromtimestamp(root.at_us / 1e6, UTC)
            class_ = classes.get(root.class_)
            due = api.dies_at(class_, root.epoch) if class_ else None
            known = DestroyedHour.objects.filter(
                class_number=root.class_, epoch=root.epoch, generation=root.generation, cause=HOUR
            )
            if not known.exists():
                _new(root.class_, root.epoch, root.generation, died=died, due=due or died)
                count += 1
    return count


def reference(item: Released) -> str:
    """The hold's id, or the digest of the deletion's Decision, as text."""
    return str(UUID(bytes=item.reference)) if item.cause == "hold" else item.reference.hex()


def note_released(released: Sequence[Released]) -> int:
    """Remember seconds that lost their last key apart from their hour: deletions, ended holds."""
    count = 0
    with system_scope():
        for item in released:
            died = datetime.fromtimestamp(item.at_us / 1e6, UTC)
            said = {"cause": item.cause, "reference": reference(item), "generation": item.generation}
            if not DestroyedHour.objects.filter(class_number=item.class_, epoch=item.epoch, **said).exists():
                named = reference(item)
                _new(item.class_, item.epoch, item.generation, died=died, due=died, cause=item.cause, named=named)
                count += 1
    return count


def _new(
    class_: int, epoch: int, generation: int, *, died: datetime, due: datetime, cause: str = HOUR, named: str = ""
) -> DestroyedHour:
    series = DestroyedHour.objects.filter(class_number=class_, epoch=epoch, generation=generation).count()
    return DestroyedHour.objects.create(
        class_number=class_, epoch=epoch, generation=generation, series=series, key_died_at=died, due_at=due,
        cause=cause, reference=named,
    )  # fmt: skip


def leftovers(home: Home) -> None:
    """Files or index rows of a dead hour that was dealt with already (a late spool, a restored backup) go again.

    What a hold keeps of an hour stands there rightly: such an hour is looked at again when its holds change.
    """
    with system_scope() as cursor:
        cursor.execute(
            "select distinct class, epoch from footage_standing where (class, epoch) in (select class_number, epoch "
            "from retention_destroyedhour where state in (%s, %s) and cause = %s) limit %s",
            [*FINISHED, HOUR, HOURS_A_RUN],
        )
        found = {(int(c), int(e)) for c, e in cursor.fetchall()}
        standing = set(_folders(home))
        finished = DestroyedHour.objects.filter(state__in=FINISHED, cause=HOUR, epoch__in={e for _, e in standing})
        found |= standing & set(finished.values_list("class_number", "epoch"))
        for class_, epoch in sorted(found):
            same = DestroyedHour.objects.filter(class_number=class_, epoch=epoch)
            last = same.order_by("-erased_at", "-series").first()
            if last is None or last.held or same.filter(state__in=[SEEN, SURVEYED, ERASED]).exists():
                continue
            _new(class_, epoch, last.generation, died=last.key_died_at, due=last.due_at)


def _folders(home: Home) -> Iterator[tuple[int, int]]:
    """(class, epoch) of every hour folder, on the disk and behind it."""
    for shelf in shelves(home):
        try:
            for class_ in shelf.folders():
                for epoch in shelf.folders(class_) if class_.isdigit() else ():
                    if epoch.isdigit():
                        yield int(class_), int(epoch)
        except StoreAway as away:
            log.warning("the object store is not looked through for leftovers: %s", away)


def holds_changed(client: VaultClient) -> int:
    """Hours that a hold kept something of: look again when it keeps less, note its new end; returns how many.

    vaultd tells ended holds as released too; this is for what the database has lost since (a restored backup).
    """
    count = 0
    ends = json.dumps({str(hold.id): hold.ends for hold in client.holds()})
    with system_scope():
        kept = DestroyedHour.objects.filter(state__in=FINISHED).exclude(held=[])
        # one question to vaultd for all of them: only where a hold is gone or ends otherwise is the hour asked for
        stale = list(kept.extra(where=[_OTHERWISE], params=[ends])[:HOURS_A_RUN])  # noqa: S610 - constant SQL
    for hour in stale:
        now = client.standing(hour.class_number, hour.epoch)
        with system_scope() as cursor:
            fresh = rows.held_of(now, rows.cameras_of(cursor, hour.class_number, hour.epoch))
            same = DestroyedHour.objects.filter(class_number=hour.class_number, epoch=hour.epoch)
            changed = [one[:5] for one in fresh] != [one[:5] for one in hour.held] and now.tree == "dead"
            if changed and not same.exclude(state__in=FINISHED).exists():
                _new(hour.class_number, hour.epoch, hour.generation, died=hour.key_died_at, due=hour.due_at)
                count += 1
            if fresh != hour.held:
                hour.held = fresh
                hour.save(update_fields=["held"])
    return count

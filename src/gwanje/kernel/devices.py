"""Device tasks (장치 작업): rows that the web asks by and a recorder answers; only recorders hold accounts.

The web writes what is wanted and the camera's account sealed to the recorders; a recorder takes one task at a time,
does it, and writes an answer without secrets. The sealed account leaves the row when the task ends.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gwanje.kernel.footage import Cursor
from gwanje.kernel.ids import uuid7

KINDS = ("probe", "discover", "configure", "masks")
ASKS_MAX = 16 * 1024
ANSWER_MAX = 64 * 1024
OPEN_MAX = 100
TAKES_MAX = 3
TAKEN_S = 90
# so long a task waits for the recorder that holds its camera; then any other that has the account takes it
HOLDER_S = 20
WAITS_S = 300
DONE, REFUSED, FAILED = "done", "refused", "failed"


class BadTask(ValueError):
    """The task passes a limit; nothing was written. The message is in Korean and English."""


@dataclass(frozen=True)
class Task:
    """One piece of work. ``asks``: plain JSON; ``sealed``: recorder id to base64 only that recorder opens."""

    kind: str
    agency: UUID
    camera: UUID | None = None
    asks: Mapping[str, Any] = field(default_factory=dict)
    sealed: Mapping[str, str] = field(default_factory=dict, repr=False)
    person: UUID | None = None
    id: UUID = field(default_factory=uuid7)
    asked_at: datetime | None = None
    done_at: datetime | None = None
    outcome: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    taken_at: datetime | None = None

    def sealed_for(self, recorder: UUID) -> bytes | None:
        """The account sealed to one recorder, None when the device needs none."""
        text = self.sealed.get(str(recorder))
        return base64.b64decode(text) if text else None


def ask(cursor: Cursor, task: Task, now: datetime) -> UUID:
    """Write a task; BadTask for an unknown kind, more than 16 KB, or 100 open ones of the agency."""
    asks = json.dumps(dict(task.asks), ensure_ascii=False)
    if task.kind not in KINDS or len(asks.encode()) > ASKS_MAX:
        raise BadTask("장치 작업의 종류나 길이가 맞지 않습니다 / the device task is unknown or over 16 KB")
    cursor.execute("select count(*) from device_task where done_at is null and agency = %s", [task.agency])
    if cursor.fetchone()[0] >= OPEN_MAX:
        raise BadTask("기다리는 장치 작업이 100개입니다 / 100 device tasks are waiting already")
    cursor.execute(
        "insert into device_task (id, agency, camera, kind, asks, sealed, person, asked_at) "
        # recorders that came later have slots in the source only (kernel.accounts)
        "values (%s, %s, %s, %s, %s::jsonb, coalesce((select sealed from footage_source where camera = %s "
        "and %s::jsonb <> '{}' and sealed @> %s::jsonb), %s::jsonb), %s, %s)",
        [
            task.id,
            task.agency,
            task.camera,
            task.kind,
            asks,
            task.camera,
            *[json.dumps(dict(task.sealed))] * 3,
            task.person,
            now,
        ],
    )
    return task.id


def take(cursor: Cursor, recorder: UUID, now: datetime) -> Task | None:
    """The oldest task that this recorder can do, now its own; None when there is none. Ends what waited too long."""
    cursor.execute(
        "update device_task set done_at = %s, outcome = 'failed', sealed = '{}', answer = %s::jsonb "
        "where done_at is null and (taken_at is null or taken_at < %s) and (takes >= %s or asked_at < %s)",
        [
            *(now, json.dumps({"faults": [unanswered()]}), now - timedelta(seconds=TAKEN_S), TAKES_MAX),
            now - timedelta(seconds=WAITS_S),
        ],
    )
    cursor.execute(
        "update device_task set taken_by = %s, taken_at = %s, takes = takes + 1 where id = ("
        "select id from device_task where done_at is null and (taken_at is null or taken_at < %s) "
        "and (sealed = '{}' or jsonb_exists(sealed, %s)) "
        "and (asked_at < %s or not exists (select 1 from footage_lease l join footage_recorder r on r.id = l.recorder "
        "where l.camera = device_task.camera and l.recorder <> %s and r.alive_until > clock_timestamp())) "
        # persons before the daily round
        "order by person is null, asked_at limit 1 for update skip locked) "
        f"returning {_COLUMNS}",
        [
            *(recorder, now, now - timedelta(seconds=TAKEN_S), str(recorder), now - timedelta(seconds=HOLDER_S)),
            recorder,
        ],
    )
    row = cursor.fetchone()
    return _task(row) if row else None


def unanswered() -> dict[str, Any]:
    """The fault of a task that no recorder finished."""
    return {
        "asked": "recorder", "fault": "network", "said": "", "status": 0,
        "ko": "작업을 마친 녹화기가 없습니다", "en": "no recorder finished the task",
    }  # fmt: skip


def finish(  # noqa: PLR0917 - one row's columns
    cursor: Cursor, task: UUID, recorder: UUID, outcome: str, answer: Mapping[str, Any], now: datetime
) -> bool:
    """Write a task's answer; False when it is no longer this recorder's. BadTask for an answer over 64 KB."""
    said = json.dumps(dict(answer), ensure_ascii=False)
    if len(said.encode()) > ANSWER_MAX or "\\u0000" in said:
        raise BadTask("장치의 응답이 너무 깁니다 / the device's answer is over 64 KB")
    cursor.execute(
        "update device_task set done_at = %s, outcome = %s, answer = %s::jsonb, sealed = '{}' "
        "where id = %s and taken_by = %s and done_at is null returning id",
        [now, outcome, said, task, recorder],
    )
    return cursor.fetchone() is not None


def cancel(cursor: Cursor, task: UUID, now: datetime) -> bool:
    """End a task that a person no longer wants (장치 작업 취소); False when it has ended already.

    A recorder that is doing it finishes for nobody: what it has set on the device by then stays set.
    """
    said = {"asked": "person", "fault": "cancelled", "said": "", "status": 0,
            "ko": "사람이 취소했습니다", "en": "cancelled by a person"}  # fmt: skip
    cursor.execute(
        "update device_task set done_at = %s, outcome = 'failed', answer = %s::jsonb, sealed = '{}' "
        "where id = %s and done_at is null returning id",
        [now, json.dumps({"faults": [said]}), task],
    )
    return cursor.fetchone() is not None


def unnoted(cursor: Cursor, limit: int = 100, *, camera: UUID | None = None) -> list[Task]:
    """Finished probes that the registry has not taken note of, oldest first, locked; of one camera when given."""
    where = "and camera = %s " if camera is not None else ""
    cursor.execute(
        f"select {_COLUMNS} from device_task where not noted and kind = 'probe' and done_at is not null {where}"
        "order by done_at limit %s for update skip locked",
        [*([camera] if camera is not None else []), max(1, min(limit, 1000))],
    )
    return [_task(row) for row in cursor.fetchall()]


def note(cursor: Cursor, task: UUID) -> None:
    """The registry has taken from a probe what it keeps."""
    cursor.execute("update device_task set noted = true where id = %s", [task])


def forget(cursor: Cursor, before: datetime, limit: int = 500) -> int:
    """Remove finished tasks older than a moment; how many. What the registry keeps of them stands with the camera."""
    cursor.execute(
        "delete from device_task where id in (select id from device_task where done_at < %s and (noted or kind <> "
        "'probe') order by done_at limit %s) returning id",
        [before, max(1, min(limit, 1000))],
    )
    return len(cursor.fetchall())


_COLUMNS = "id, agency, camera, kind, asks, sealed, person, asked_at, done_at, outcome, answer, taken_at"


def latest(cursor: Cursor, camera: UUID | None, limit: int = 10, *, agency: UUID | None = None) -> list[Task]:
    """A camera's newest tasks, newest first; for None the agency's own ones (discovery)."""
    most = max(1, min(limit, 100))
    where = "camera = %s" if camera is not None else "camera is null and agency = %s"
    values: list[Any] = [camera if camera is not None else agency]
    cursor.execute(
        f"select {_COLUMNS} from device_task where {where} order by asked_at desc, id desc limit %s", [*values, most]
    )
    return [_task(row) for row in cursor.fetchall()]


def find(cursor: Cursor, task: UUID) -> Task | None:
    """One task within the transaction's scope."""
    cursor.execute(f"select {_COLUMNS} from device_task where id = %s", [task])
    row = cursor.fetchone()
    return _task(row) if row else None


def _plain(said: Any) -> dict[str, Any]:
    return json.loads(said) if isinstance(said, str) else dict(said or {})


def _task(row: Any) -> Task:
    id_, agency, camera, kind, asks, sealed, person, asked_at, done_at, outcome, answer, taken_at = row
    return Task(
        kind, agency, camera, _plain(asks), _plain(sealed), person, id_, asked_at, done_at, outcome or "",
        _plain(answer), taken_at,
    )  # fmt: skip

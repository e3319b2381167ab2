"""The index, hour by hour (색인 전체 읽기): what the check compares with the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from uuid import UUID

from gwanje.kernel.footage import Cursor, Gap, Segment

PAGE = 5000
_SEGMENT = (
    "segment_id, camera, agency, slot, stream, class, epoch, first_tick, last_tick, parts, bytes, idr_ticks, "
    "codec, width, height, root, path, fence, writer, closed"
)
_GAP = "id, camera, agency, stream, reason, started_us, ended_us, detail, fence"


HOURS_MAX = 2_000_000


class Index(Protocol):
    """The index as the check asks it: one hour's rows at a time, so that memory does not grow with the store."""

    def hours(self) -> Iterator[tuple[int, int]]:
        """(class, hour) with rows that are not destroyed, or with garbage."""
        ...

    def segments(self, class_: int, epoch: int) -> list[Segment]:
        """Rows of an hour that are not destroyed."""
        ...

    def garbage(self, class_: int, epoch: int) -> dict[bytes, int]:
        """Segments of an hour of which seconds are another recorder's (무효 영상): id → first that does not count."""
        ...

    def dead(self, row: Segment) -> bool:
        """Has that row's camera-hour been destroyed? It dies whole, so that one marked row says it."""
        ...

    def gaps(self) -> Iterator[Gap]:
        """Every gap row."""
        ...

    def destroyed(self) -> Iterator[tuple[UUID, int, int]]:
        """(camera, stream, hour) with destroyed footage, not older than the oldest hour that lives."""
        ...


class Held:
    """An index that is in memory."""

    def __init__(
        self, rows: Iterable[Segment], gaps: Iterable[Gap] = (), destroyed: Iterable[tuple[UUID, int, int]] = ()
    ) -> None:
        self._hours: dict[tuple[int, int], list[Segment]] = {}
        for row in rows:
            self._hours.setdefault((row.class_, row.epoch), []).append(row)
        self._gaps, self._destroyed = list(gaps), list(destroyed)

    def hours(self) -> Iterator[tuple[int, int]]:
        """Hours with rows."""
        yield from self._hours

    def segments(self, class_: int, epoch: int) -> list[Segment]:
        """An hour's rows."""
        return self._hours.get((class_, epoch), [])

    def garbage(self, class_: int, epoch: int) -> dict[bytes, int]:
        """None: only the database knows other recorders."""
        return {}

    def dead(self, row: Segment) -> bool:
        """As given."""
        return (row.camera, row.stream, row.epoch) in self._destroyed

    def gaps(self) -> Iterator[Gap]:
        """Every gap."""
        yield from self._gaps

    def destroyed(self) -> Iterator[tuple[UUID, int, int]]:
        """As given."""
        yield from self._destroyed


class Stored:
    """The index in PostgreSQL, over a cursor with the system's scope."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def hours(self) -> Iterator[tuple[int, int]]:
        """One probe of the index (class, epoch) an hour, whatever the number of rows."""
        for table, lives in (("footage_segment", "destroyed_at is null and "), ("footage_garbage", "")):
            after = (-1, -1)
            for _ in range(HOURS_MAX):
                self._cursor.execute(
                    f"select class, epoch from {table} where {lives}(class, epoch) > (%s, %s) "
                    "order by class, epoch limit 1",
                    after,
                )
                found = self._cursor.fetchone()
                if found is None:
                    break
                after = (int(found[0]), int(found[1]))
                yield after

    def segments(self, class_: int, epoch: int) -> list[Segment]:
        """An hour of 2,362 cameras has 28,344 rows of five minutes each."""
        self._cursor.execute(
            f"select {_SEGMENT} from footage_segment where destroyed_at is null and class = %s and epoch = %s",
            [class_, epoch],
        )
        made: list[Segment] = []
        for row in self._cursor.fetchall():
            values: list[Any] = [bytes(v) if isinstance(v, memoryview) else v for v in row]
            made.append(Segment(*values))
        return made

    def garbage(self, class_: int, epoch: int) -> dict[bytes, int]:
        """Of one hour."""
        self._cursor.execute(
            "select segment_id, epoch * 3600 + first_tick from footage_garbage where class = %s and epoch = %s",
            [class_, epoch],
        )
        return {bytes(row[0]): int(row[1]) for row in self._cursor.fetchall()}

    def dead(self, row: Segment) -> bool:
        """One probe of the index (camera, stream, epoch)."""
        self._cursor.execute(
            "select exists (select from footage_segment where camera = %s and stream = %s and epoch = %s "
            "and class = %s and destroyed_at is not null)",
            [row.camera, row.stream, row.epoch, row.class_],
        )
        return bool((self._cursor.fetchone() or [False])[0])

    def gaps(self) -> Iterator[Gap]:
        """Page by page."""
        yield from gaps(self._cursor)

    def destroyed(self) -> Iterator[tuple[UUID, int, int]]:
        """Page by page, each from the index (camera, stream, epoch)."""
        self._cursor.execute("select min(epoch) from footage_segment where destroyed_at is null")
        (oldest,) = self._cursor.fetchone() or (None,)
        after = (UUID(int=0), -1, -1)
        while oldest is not None:
            self._cursor.execute(
                "select distinct camera, stream, epoch from footage_segment where destroyed_at is not null "
                "and epoch >= %s and (camera, stream, epoch) > (%s, %s, %s) "
                f"order by camera, stream, epoch limit {PAGE}",
                [oldest, *after],
            )
            page = self._cursor.fetchall()
            for camera, stream, epoch in page:
                after = (camera, stream, epoch)
                yield after
            if len(page) < PAGE:
                return


def gaps(cursor: Cursor) -> Iterator[Gap]:
    """Every gap row."""
    after = UUID(int=0)
    while True:
        cursor.execute(f"select {_GAP} from footage_gap where id > %s order by id limit {PAGE}", [after])
        page = cursor.fetchall()
        for row in page:
            yield Gap(*row)
            after = row[0]
        if len(page) < PAGE:
            return

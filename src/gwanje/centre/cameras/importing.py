"""Import and export of the standard list (표준데이터 가져오기·내보내기): report first, write when confirmed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from gwanje.centre.cameras import national, rules
from gwanje.centre.cameras.models import ImportBatch, InstallationPoint
from gwanje.centre.cameras.national.columns import PLACE_FIELDS
from gwanje.centre.cameras.national.normalise import degrees
from gwanje.centre.cameras.services import require
from gwanje.centre.common import absent, clock, cursor
from gwanje.centre.common.refusal import Problem
from gwanje.kernel import ledger, policy
from gwanje.kernel.actor import Actor
from gwanje.kernel.ids import uuid7
from gwanje.kernel.ledger import Entry

WEB_BYTES_MAX = 32 * 1024 * 1024
REFUSALS_KEPT = 5000
CHUNK = 4000
PREVIEW_LIFE = timedelta(days=1)
PREVIEWS_MAX = 20


def points(actor: Actor) -> QuerySet[InstallationPoint]:
    """All installation points that the actor may see, in file order."""
    scope = policy.scope(actor, rules.READ)
    if scope.kind != "agencies":
        return InstallationPoint.objects.none()
    return InstallationPoint.objects.filter(agency_id__in=scope.ids).order_by("batch_id", "position", "id")


def batch(actor: Actor, id_: UUID) -> ImportBatch:
    """One import of the actor's agency; another's is not there (404)."""
    require(actor, rules.WRITE)
    row = ImportBatch.objects.filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, rules.WRITE, "import", id_)
    return row


@transaction.atomic
def preview(actor: Actor, file_name: str, data: bytes) -> ImportBatch:
    """Read the file and report (미리보기); no place is written. Problem says what a file is that is no camera list."""
    require(actor, rules.WRITE)
    assert actor.agency is not None
    if ImportBatch.objects.filter(agency_id=actor.agency, confirmed_at__isnull=True).count() >= PREVIEWS_MAX:
        raise Problem(
            "previews", f"확정하지 않은 가져오기가 {PREVIEWS_MAX}건입니다.", f"{PREVIEWS_MAX} imports wait already.",
            next_="확정하거나 취소하십시오.", status=409,
        )  # fmt: skip
    report = _read(data)
    known = set(InstallationPoint.objects.filter(agency_id=actor.agency).values_list("identity", flat=True).iterator())
    refusals = [[r.line, r.code, r.column, list(r.cells)] for r in report.refused[:REFUSALS_KEPT]]
    return ImportBatch.objects.create(
        agency_id=actor.agency,
        person_id=actor.person,
        file_name=file_name.replace("\\", "/").rsplit("/", 1)[-1][:200],
        sha256=report.sha256,
        encoding=report.encoding,
        width=report.width,
        rows=report.rows,
        accepted=len(report.accepted),
        repaired=report.repaired,
        refused=len(report.refused),
        known=sum(1 for row in report.accepted if row.identity in known),
        counts=report.counts(),
        refusals=refusals,
        content=zlib.compress(data, 6),
        created_at=clock().now(),
    )


@transaction.atomic
def confirm(actor: Actor, id_: UUID) -> ImportBatch:
    """Write the accepted rows that are not there yet (확정); a second confirmation is a Problem and writes nothing."""
    require(actor, rules.WRITE)
    found = ImportBatch.objects.select_for_update().filter(pk=id_, agency_id=actor.agency).first()
    if found is None:
        raise absent(actor, rules.WRITE, "import", id_)
    if found.confirmed_at is not None:
        raise Problem("confirmed", "이미 확정한 가져오기입니다.", "This import was confirmed already.", status=409)
    report = _read(zlib.decompress(bytes(found.content)))
    found.added = _insert(found, report)
    found.confirmed_at, found.content = clock().now(), b""
    found.save()
    detail = {"file": found.file_name, "sha256": found.sha256, "rows": found.rows, "accepted": found.accepted,
              "repaired": found.repaired, "refused": found.refused, "added": found.added}  # fmt: skip
    ledger.append(cursor(), clock(), Entry.by(actor, "cameras.points.imported", "done", detail=detail, dies="registry"))
    return found


@transaction.atomic
def discard(actor: Actor, id_: UUID) -> None:
    """Throw a preview away (취소); its bytes go with it."""
    found = batch(actor, id_)
    if found.confirmed_at is not None:
        raise Problem("confirmed", "이미 확정한 가져오기입니다.", "This import was confirmed already.", status=409)
    found.delete()


def forget_previews(limit: int = 100) -> int:
    """Throw away previews that nobody confirmed within a day (미리보기 정리); how many. For the duty, system scope."""
    old = ImportBatch.objects.filter(confirmed_at__isnull=True, created_at__lt=clock().now() - PREVIEW_LIFE)
    ids = list(old.values_list("id", flat=True)[:limit])
    ImportBatch.objects.filter(pk__in=ids).delete()
    return len(ids)


def export(actor: Actor, *, columns: int = 18, encoding: str = "utf-8-sig") -> Iterator[bytes]:
    """The agency's places as a national standard file; Problem when cp949 cannot hold a letter."""
    require(actor, rules.EXPORT)
    if columns not in (13, 14, 18) or encoding not in ("cp949", "utf-8-sig"):
        raise Problem(
            "export", "열은 13·14·18, 인코딩은 cp949·utf-8-sig입니다.", "Columns are 13, 14 or 18; cp949 or utf-8-sig."
        )
    rows = points(actor)
    detail = {"rows": rows.count(), "columns": columns, "encoding": encoding}
    ledger.append(cursor(), clock(), Entry.by(actor, "cameras.points.exported", "done", detail=detail, dies="registry"))
    try:
        # the whole file is made first: a letter that cannot be written must not leave half a file with the user
        whole = b"".join(
            national.write((_place(row) for row in rows.iterator(CHUNK)), columns=columns, encoding=encoding)
        )
    except national.NotWritable as error:
        raise Problem(
            "cp949", str(error).split(" / ", maxsplit=1)[0], str(error).rsplit(" / ", maxsplit=1)[-1]
        ) from error
    return iter([whole])


def _read(data: bytes) -> national.Report:
    try:
        return national.read(data)
    except national.NotACameraList as error:
        raise Problem(
            f"not_a_list.{error.kind}",
            f"영상정보처리기기 목록이 아닙니다. {error.ko}",
            f"Not a camera list. {error.en}",
            rule="전국CCTV표준데이터(13·14·18열)",
            next_="표준데이터 열로 된 CSV를 올리십시오. / Upload a CSV with the standard's columns.",
        ) from error


def _insert(found: ImportBatch, report: national.Report) -> int:
    """Insert the rows that are not there yet, thousands a statement; how many were new.

    Arrays instead of values: one plan and one round trip for 4,000 rows. (COPY does not work under row-level security.)
    """
    names = ["id", "agency_id", "identity", "position", "batch_id", *PLACE_FIELDS]
    types = [field.db_type(connection) for field in map(_column, names)]
    arrays = ", ".join(f"%s::{kind.split('(')[0]}[]" for kind in types if kind)
    sql = (
        f"insert into {InstallationPoint._meta.db_table} ({', '.join(names)}) select * from unnest({arrays}) "
        "on conflict do nothing"
    )
    added = 0
    with connection.cursor() as rows:
        for start in range(0, len(report.accepted), CHUNK):
            chunk = report.accepted[start : start + CHUNK]
            places = [[getattr(row.place, name) for row in chunk] for name in PLACE_FIELDS]
            count = len(chunk)
            keys = [[uuid7() for _ in chunk], [found.agency_id] * count, [row.identity for row in chunk]]
            rows.execute(sql, [*keys, [row.line for row in chunk], [found.id] * count, *places])
            added += rows.rowcount
    return added


def _column(name: str) -> Any:
    return next(field for field in InstallationPoint._meta.concrete_fields if field.column == name)


def _place(row: InstallationPoint) -> national.Place:
    values = {name: getattr(row, name) for name in PLACE_FIELDS}
    return national.Place(**{**values, "lat": degrees(row.lat), "lon": degrees(row.lon)})

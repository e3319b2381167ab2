"""Reconciling (복원 대조): yesterday's database meets today's keystore. The vault is asked and never changed.

The ledger's rows that the backup has not are taken back from the published files, leaf by leaf, up to the head that
vaultd signed last: their openings are lost and are named. Hours whose keys are dead are put back on the way of
destruction. What vaultd opened or signed and the database no longer knows is named.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.apps import pairs
from gwanje.kernel import database, ledger
from gwanje.kernel.home import Home
from gwanje.kernel.ledger import Entry, note, publish, tiles, tree
from gwanje.kernel.ledger.sequence import Sequencer, origin, with_nodes
from gwanje.kernel.ledger.tiles import WIDTH, TileTree
from gwanje.vault.client import Status, VaultClient

NAMED_MAX = 1000
REFILL = 2000
FOLDER = "restored"


class CannotContinue(RuntimeError):
    """The ledger cannot be continued from what is left; says why. Nothing was written."""


@dataclass
class Report:
    """What was found and what was done; counts, and at most 1,000 names of each kind."""

    at: str = ""
    head: int = 0
    rows_found: int = 0
    rows_pending: int = 0
    rows_taken_back: int = 0
    openings_lost: list[str] = field(default_factory=list)
    ledger: str = ""
    hours_marked: list[str] = field(default_factory=list)
    hours_alive: int = 0
    certificates_unknown: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    generation: int = 0

    @property
    def ok(self) -> bool:
        """Is the database in step with the vault, whatever had to be named as lost?"""
        return not self.ledger.startswith("broken")

    def as_json(self) -> dict[str, Any]:
        """For the file and ``--json``."""
        return {**asdict(self), "ok": self.ok}


def run(home: Home, client: VaultClient | None = None) -> Report:
    """Reconcile; may run again. The worker must not run yet: it would number new rows where lost ones stood."""
    client = client or VaultClient(home, "worker")
    status = client.status()
    report = Report(at=home.clock.now().isoformat(timespec="seconds"), head=status.head, generation=status.generation)
    try:
        _ledger(home, status, report)
    except (CannotContinue, tiles.BadTile, note.BadNote) as why:
        report.ledger = f"broken: {why}"
    _hours(home, client, status, report)
    report.certificates_unknown = list(_certificates(home))[:NAMED_MAX]
    report.unexplained = pairs.check(home, client).unexplained
    _tell(home, report)
    if client.status().generation < status.generation:
        raise CannotContinue("금고가 되돌려졌습니다 / the vault itself went back meanwhile")
    return report


# --- ledger -----------------------------------------------------------------------------------------------------------


class Refill(Sequencer):
    """Puts leaves back at the places that they had."""

    def take_back(self, leaves: list[bytes]) -> None:
        """The next indexes are these leaves'; CannotContinue when a row of the same id has another leaf or place."""
        rows = [UUID(bytes=leaf[1:17]) for leaf in leaves]
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(
                "insert into ledger_leaf (row, leaf) select * from unnest(%s::uuid[], %s::bytea[]) "
                "on conflict (row) do nothing",
                [rows, leaves],
            )
            cursor.execute("select row, leaf, idx from ledger_leaf where row = any(%s)", [rows])
            stands = {row: (bytes(leaf), index) for row, leaf, index in cursor.fetchall()}
            if any(stands[row] != (leaf, None) for row, leaf in zip(rows, leaves, strict=True)):
                raise CannotContinue("기록이 공개된 것과 다릅니다 / a row is not the one that was published")
            self._place(cursor, list(zip(rows, leaves, strict=True)))


def _ledger(home: Home, status: Status, report: Report) -> None:
    with database.connect(home) as connection:
        with connection.cursor() as cursor:
            report.rows_found = ledger.size(cursor)
            cursor.execute("select count(*) from ledger_leaf where idx is null")
            (report.rows_pending,) = cursor.fetchone() or (0,)
        if report.rows_found >= status.head:
            report.ledger = "whole"
            return
        shown = _published(home, status)
        sequencer = Refill(connection, origin(home.centre), VaultClient(home, "worker"))
        _same_past(connection, shown, report.rows_found)
        for leaves in _leaves(shown, report.rows_found):
            sequencer.take_back(leaves)
            report.rows_taken_back += len(leaves)
            report.openings_lost += _unopened(connection, leaves)[: NAMED_MAX - len(report.openings_lost)]
        _checkpoint(home, connection, shown)
    report.ledger = "taken back"


def _published(home: Home, status: Status) -> TileTree:
    """The published tree, whose root vaultd signed at the very head that it still holds."""
    root = publish.folder(home)
    text = (root / tiles.CHECKPOINT).read_text() if (root / tiles.CHECKPOINT).exists() else ""
    if not text:
        raise CannotContinue("공개된 관리대장이 없습니다 / no published ledger to take rows back from")
    point = note.verify(text, status.checkpoint_key, origin(home.centre))
    if point.size != status.head:
        raise CannotContinue(
            f"공개된 관리대장은 {point.size}행까지, 금고가 서명한 것은 {status.head}행까지입니다 / "
            f"published up to {point.size}, signed up to {status.head}: rows {point.size} to {status.head - 1} are lost"
        )
    shown = TileTree(lambda path: (root / path).read_bytes(), point.size)
    if shown.root() != point.root:
        raise CannotContinue("공개된 파일이 서명과 다릅니다 / the published files are not what was signed")
    return shown


def _same_past(connection: Any, shown: TileTree, size: int) -> None:
    with connection.cursor() as cursor:
        mine = with_nodes(cursor, lambda nodes: tree.root(nodes, size)) if size else tree.EMPTY
    if size and tree.root(shown.node, size) != mine:
        raise CannotContinue(
            "복원한 관리대장이 공개된 것과 이미 갈라졌습니다(복원 뒤 작업 서비스가 돌았을 수 있음) / "
            "the restored ledger has already gone another way (did the worker run before this?)"
        )


def _leaves(shown: TileTree, first: int) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for index in range(first // WIDTH, -(-shown.size // WIDTH)):
        batch += shown.entries(index)[max(0, first - index * WIDTH) :]
        if len(batch) >= REFILL:
            yield batch
            batch = []
    if batch:
        yield batch


def _unopened(connection: Any, leaves: list[bytes]) -> list[str]:
    rows = [UUID(bytes=leaf[1:17]) for leaf in leaves]
    with connection.cursor() as cursor:
        cursor.execute("select row from ledger_opening where row = any(%s)", [rows])
        known = {row for (row,) in cursor.fetchall()}
    at = (datetime.fromtimestamp(int.from_bytes(leaf[17:25], "big") / 1e6, UTC) for leaf in leaves)
    return [
        f"{row} {when.isoformat(timespec='seconds')}" for row, when in zip(rows, at, strict=True) if row not in known
    ]


def _checkpoint(home: Home, connection: Any, shown: TileTree) -> None:
    text = (publish.folder(home) / tiles.CHECKPOINT).read_text()
    point = note.parse(text)[0]
    with connection.transaction(), connection.cursor() as cursor:
        if with_nodes(cursor, lambda nodes: tree.root(nodes, shown.size)) != point.root:
            raise CannotContinue("다시 채운 관리대장의 해시가 다릅니다 / the refilled ledger has another root")
        cursor.execute(
            "insert into ledger_checkpoint (size, root, note) values (%s, %s, %s) on conflict do nothing",
            [point.size, point.root, text],
        )


# --- destroyed hours, certificates, Permits ---------------------------------------------------------------------------


def _hours(home: Home, client: VaultClient, status: Status, report: Report) -> None:
    """Hours that the database thinks alive and vaultd has not: they are seen again, and go the way of destruction."""
    from gwanje.centre.common import clock, system_scope
    from gwanje.centre.retention import api
    from gwanje.centre.retention.models import SEEN, DestroyedHour

    with system_scope() as cursor:
        cursor.execute("select distinct class, epoch from footage_standing order by epoch, class")
        standing = [(int(class_), int(epoch)) for class_, epoch in cursor.fetchall()]
        classes = {class_.number: class_ for class_ in api.classes()}
    now = clock().now()
    for class_, epoch in standing:
        if client.standing(class_, epoch).tree != "dead":
            report.hours_alive += 1
            continue
        known = classes.get(class_)
        due = (api.dies_at(known, epoch) if known else None) or now
        with system_scope():
            same = DestroyedHour.objects.filter(class_number=class_, epoch=epoch)
            if same.exists():
                continue
            DestroyedHour.objects.create(
                class_number=class_, epoch=epoch, generation=status.generation - 1, state=SEEN,
                key_died_at=min(due, now), due_at=due,
            )  # fmt: skip
        if len(report.hours_marked) < NAMED_MAX:
            report.hours_marked.append(f"{class_}/{epoch}")


def _certificates(home: Home) -> Iterator[str]:
    """Certificates that lie as files and that the database has not."""
    from gwanje.centre.common import system_scope
    from gwanje.centre.retention.models import Certificate

    with system_scope():
        known = set(Certificate.objects.values_list("number", flat=True))
    for path in sorted((home.root / "out").rglob("*.json")):
        try:
            said = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(said, dict) and said.get("kind") == "destruction" and said.get("number") not in known:
            yield str(said["number"])[:80]


def _tell(home: Home, report: Report) -> None:
    """A row of the ledger, and the report as a file of its own."""
    counts = {name: len(value) if isinstance(value, list) else value for name, value in asdict(report).items()}
    with database.connect(home) as connection, connection.transaction(), connection.cursor() as cursor:
        cursor.execute(database.SYSTEM_SCOPE)
        norms = ("security.internal_control",)
        ledger.append(
            cursor,
            home.clock,
            Entry("centre.database.restored", "done", norms=norms, detail=counts, dies="destruction"),
        )
    place = home.root / "out" / FOLDER
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place / f"{home.clock.now():%Y%m%d-%H%M%S}.json"
    _write(path, json.dumps(report.as_json(), ensure_ascii=False, indent=1))


def _write(path: Path, text: str) -> None:
    part = path.with_suffix(".tmp")
    handle = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(part, path)

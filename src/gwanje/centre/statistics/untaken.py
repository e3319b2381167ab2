"""What a source says and nobody took (원문에서 옮기지 않은 것), and lists it prints twice and not alike; strict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gwanje.law.schema import Row, read, rows

UNTAKEN = "untaken.yaml"
LISTS = "lists.yaml"


@dataclass(frozen=True)
class Untaken:
    """One thing of a source that is no data here: what the text says of it, what it is, why it was left, which trap.

    ``words``: what may stand in no value, code, ground, title or list; a test looks for them.
    """

    id: str
    trap: str
    says: str
    fact: str
    ko: str
    en: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Repeated:
    """A list that a source prints in several places: ``places`` → what stands there for each of ``entries``, or None.

    ``parameter``: the value that has the list whole, one word for each entry.
    """

    id: str
    trap: str
    parameter: str
    entries: tuple[str, ...]
    places: Mapping[str, tuple[str | None, ...]]

    def lacks(self, place: str) -> tuple[str, ...]:
        """The entries that one place leaves out."""
        return tuple(e for e, printed in zip(self.entries, self.places[place], strict=True) if printed is None)

    @property
    def short(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Places that leave something out, each with what it leaves out."""
        return tuple((place, self.lacks(place)) for place in self.places if self.lacks(place))


def load_untaken(place: Path) -> tuple[Untaken, ...]:
    """What a pack's source has and the pack has not, in its order; none without the file; PackError for a bad one."""
    file = place / "tables" / UNTAKEN
    name = f"{place.name}/tables/{UNTAKEN}"
    return tuple(_untaken(row) for row in rows(read(file), name, "id")) if file.exists() else ()


def _untaken(row: Row) -> Untaken:
    made = Untaken(
        row.text("id"), row.text("trap"), row.text("says", ""), row.text("is"), row.text("ko"), row.text("en"),
        row.texts("words", []),
    )  # fmt: skip
    row.done()
    return made


def load_lists(place: Path) -> tuple[Repeated, ...]:
    """Lists that a pack's source repeats, in its order; none without the file; PackError for a bad one."""
    file = place / "tables" / LISTS
    name = f"{place.name}/tables/{LISTS}"
    return tuple(_repeated(row) for row in rows(read(file), name, "id")) if file.exists() else ()


def _repeated(row: Row) -> Repeated:
    entries, given = row.texts("entries"), row.get("places", dict)
    places: dict[str, tuple[str | None, ...]] = {}
    for label, printed in given.items():
        fits = isinstance(printed, list) and len(printed) == len(entries)
        if not fits or any(not isinstance(p, str | None) for p in printed):
            ko, en = f"{len(entries)}줄의 글자나 빈칸(~)입니다", f"is {len(entries)} lines of text or blank (~)"
            raise row.fail(f"places, {label}", ko, en)
        places[str(label)] = tuple(printed)
    made = Repeated(row.text("id"), row.text("trap"), row.text("parameter"), entries, places)
    row.done()
    return made

"""The table of obligations against the packs: 433 rows, each once, and none that it calls enforced is left idle."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gwanje.law.packs import folder, load_pack
from gwanje.law.trace import WAITING_AREAS, state

OBLIGATIONS = Path(__file__).resolve().parents[3] / "shared" / "law" / "obligations.tsv"
PACKS = ("kr_anyang", "kr_incheon", "kr_osan", "kr_seoul")
# the two rows of the area security that wait with the federation (0038)
WAITING_ROWS = {"ANY-24-2", "OSA-23"}

pytestmark = pytest.mark.skipif(not OBLIGATIONS.is_file(), reason="../shared/law/obligations.tsv is not here")


def table() -> dict[str, dict[str, str]]:
    with OBLIGATIONS.open(encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file, delimiter="\t")}


def test_every_row_stands_in_one_pack_once() -> None:
    said = [a.obligation for name in PACKS for a in load_pack(folder() / name).articles]
    assert len(said) == len(set(said)) == 433
    assert set(said) == set(table())


@pytest.mark.parametrize("name", PACKS)
def test_a_row_that_the_table_calls_enforced_is_enforced_or_may_wait(name: str) -> None:
    rows, idle = table(), []
    for article in load_pack(folder() / name).articles:
        row = rows[article.obligation]
        waits = row["area"] in WAITING_AREAS or article.obligation in WAITING_ROWS
        if row["mode"] == "enforced" and state(article) != "enforced" and not waits:
            idle.append((article.obligation, state(article), row["area"]))
    assert idle == []

"""Lines of the index spool: one that the database would refuse keeps no other waiting and names no other file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gwanje.media.gaps import REASONS
from gwanje.media.spool import parse_line, read_rows

SQL = Path(__file__).parents[2] / "src/gwanje/kernel/sql/footage.sql"


def segment(**changes: Any) -> bytes:
    row: dict[str, Any] = {
        "k": "s", "segment_id": "00" * 32, "camera": str(uuid4()), "agency": str(uuid4()), "slot": 1, "stream": 0,
        "class_": 1, "epoch": 500_000, "first_tick": 1, "last_tick": 2, "parts": 3, "size": 4, "idr_ticks": "01",
        "codec": "avc1.64001f", "width": 640, "height": 360, "root": None, "path": "1/500000/1/0-0001-ab.gws",
        "fence": 1, "writer": "00" * 16, "closed": False,
    }  # fmt: skip
    return json.dumps({**row, **changes}).encode()


def gap(**changes: Any) -> bytes:
    row: dict[str, Any] = {
        "k": "g", "id": str(uuid4()), "camera": str(uuid4()), "agency": str(uuid4()), "stream": 0,
        "reason": "network", "started_us": 1, "ended_us": None, "detail": "",
    }  # fmt: skip
    return json.dumps({**row, **changes}).encode()


BAD = [
    segment(path="../../vault/keystore.gwk"), segment(path="/etc/passwd"), segment(path="1/500000/1/a\0.gws"),
    segment(codec="a\0"), segment(slot=1 << 31), segment(epoch=1 << 63), segment(parts=-1), segment(width=True),
    segment(segment_id="00" * 31), segment(closed="yes"), segment(writer=None), gap(reason="hunger"),
    gap(detail="\0"), gap(started_us=1.5), b"[]", b"7", b"[" * 50_000, b"{",
]  # fmt: skip


def test_a_line_that_no_recorder_writes_is_left_out_and_the_next_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "index-1.jsonl"
    path.write_bytes(b"\n".join([*BAD, segment(), gap()]) + b"\n")
    assert len(read_rows(path)) == 2
    for line in BAD:
        with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
            parse_line(line)


def test_the_reasons_are_the_databases() -> None:
    text = SQL.read_text()
    for reason in REASONS:
        assert f"'{reason}'" in text

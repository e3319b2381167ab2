"""The open-log: chained, sealed, one file a month, gone after the access log's two years and never before."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gwanje.vault.errors import VaultError
from gwanje.vault.openlog import HEAD, OpenLog


def us(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


def row(tick: int, at: int | None = None) -> dict:
    return {
        "permit": bytes(16), "session": b"s", "person": bytes(16), "station": "열람실", "camera": bytes(16),
        "class": 1, "slot": 2, "epoch": 3, "tick": tick, "segments": 1, "at": us(2026, 11) if at is None else at,
    }  # fmt: skip


def code(call) -> str:
    with pytest.raises(VaultError) as refused:
        call()
    return refused.value.code


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_open_log_is_chained_and_survives(tmp_path):
    folder, key = tmp_path / "open", os.urandom(32)
    log = OpenLog(folder, key)
    assert [log.append(row(t)) for t in range(5)] == [0, 1, 2, 3, 4]
    log.sync()
    log.close()
    (path,) = folder.iterdir()
    data = path.read_bytes()
    path.write_bytes(data + b"\0\0\0\x50torn")
    log = OpenLog(folder, key)
    assert len(log) == 5
    assert log.append(row(5)) == 5
    assert [r.tick for r in log.rows(2, 2)] == [2, 3]
    assert log.rows(6, 10) == []
    log.close()
    size = HEAD + 4 + int.from_bytes(data[HEAD : HEAD + 4], "big")
    path.write_bytes(data[:HEAD] + data[size:])
    assert code(lambda: OpenLog(folder, key).rows(0, 1)) == "open_log"
    assert "열람실".encode() not in data


def test_a_month_is_a_file_and_the_chain_goes_through_it(tmp_path):
    folder, key = tmp_path / "open", os.urandom(32)
    log = OpenLog(folder, key)
    for number, month in enumerate((9, 9, 10, 11)):
        assert log.append(row(number, us(2026, month, number + 1))) == number
    # a clock that goes back stays in the newest month
    assert log.append(row(4, us(2026, 8))) == 4
    log.close()
    assert files(folder) == ["000000000000-202609.log", "000000000002-202610.log", "000000000003-202611.log"]
    log = OpenLog(folder, key)
    assert [r.tick for r in log.rows(0, 10)] == [0, 1, 2, 3, 4]
    log.close()
    # another month's file put in its place does not open
    (folder / "000000000002-202610.log").write_bytes((folder / "000000000003-202611.log").read_bytes())
    assert code(lambda: OpenLog(folder, key).rows(0, 10)) == "open_log"


def test_months_go_whole_at_two_years_and_never_before(tmp_path):
    folder, key = tmp_path / "open", os.urandom(32)
    log = OpenLog(folder, key)
    for number, month in enumerate((9, 10, 11)):
        log.append(row(number, us(2026, month, 28)))
    assert log.drop_old(us(2028, 9, 30)) == 0
    assert log.drop_old(us(2028, 10, 1)) == 1
    assert [r.tick for r in log.rows(0, 10)] == [1, 2]
    assert (len(log), log.append(row(3, us(2028, 10, 2)))) == (3, 3)
    log.close()
    log = OpenLog(folder, key)
    assert [(r.number, r.tick) for r in log.rows(0, 10)] == [(1, 1), (2, 2), (3, 3)]
    # nobody has looked for years: everything goes, the numbers go on
    assert log.drop_old(us(2033, 1)) == 3
    assert log.rows(0, 10) == []
    assert log.append(row(4, us(2033, 1, 2))) == 4
    log.close()
    assert [r.tick for r in OpenLog(folder, key).rows(0, 10)] == [4]


def test_the_first_versions_single_file_is_taken_over(tmp_path):
    folder, key = tmp_path / "open", os.urandom(32)
    log = OpenLog(folder, key)
    log.append(row(0))
    log.append(row(1))
    log.close()
    (path,) = folder.iterdir()
    (tmp_path / "open.log").write_bytes(path.read_bytes()[HEAD:])
    path.unlink()
    log = OpenLog(folder, key)
    assert [r.tick for r in log.rows(0, 10)] == [0, 1]
    assert not (tmp_path / "open.log").exists()

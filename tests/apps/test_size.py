"""`gwanje size`: 0012 shows what the command prints, each figure can be recomputed, no cell is a formula."""

from __future__ import annotations

import json
import math
import re
import zipfile
from pathlib import Path

import pytest

from gwanje.apps import cli
from gwanje.apps.sizing import Node, Sizing, constants, figure, value

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs/design/0012-cost-model.md"


def rows(sizing: Sizing) -> dict[str, float]:
    return {row.en: row.value for row in sizing.rows()}


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *argv: str) -> tuple[int, str, str]:
    monkeypatch.setattr(cli.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(cli.os, "umask", lambda *_: 0)
    code = cli.main(["--data", "/nonexistent", "size", *argv])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("cameras", [2362, 16601])
def test_the_document_shows_what_the_command_prints(cameras: int, capsys, monkeypatch) -> None:
    code, out, _ = run(capsys, monkeypatch, "--cameras", str(cameras), "--lang", "en")
    assert code == 0
    text = DOC.read_text()
    table = [line for line in out.splitlines() if line.startswith("|")]
    assert len(table) > 20
    assert "\n".join(table) in text


@pytest.mark.parametrize(("cameras", "days", "mbit"), [(2362, 30, 2.0), (16601, 30, 2.0), (100, 7, 4.0)])
def test_figures_recomputed_by_hand(cameras: int, days: int, mbit: float) -> None:
    sizing = Sizing(cameras, days, mbit)
    said = rows(sizing)
    day_tb = cameras * mbit * 1e6 / 8 * 86400 / 1e12 * value("stored_over_sent")
    assert said["stored a day"] == pytest.approx(day_tb)
    assert said[f"stored in {days} days"] == pytest.approx(day_tb * days)
    assert said["index rows a day"] == cameras * 13 * 24
    assert said["in from cameras"] == pytest.approx(cameras * mbit / 1000)
    cpu = value("cpu_s_per_camera_minute") * (0.35 + 0.65 * mbit / 2)
    assert said["cores of recording, all nodes"] == pytest.approx(cameras * cpu / 60)
    disk_nodes = math.ceil(day_tb * days / (144 * value("disk_fill")))
    net_nodes = math.ceil(cameras * mbit / 1000 / 5)
    assert said["nodes, one spare included"] >= max(disk_nodes, net_nodes) + 1
    assert said["key store"] * 1000 == pytest.approx(864 + 20 * cameras + 44 * 24 * days * value("classes"))


def test_more_asks_for_more_and_the_tightest_limit_is_named() -> None:
    few, many = Sizing(500, 30, 2.0), Sizing(1000, 30, 2.0)
    assert all(rows(many)[name] >= one for name, one in rows(few).items())
    assert Sizing(500, 90, 2.0).nodes > few.nodes
    tight = {
        "process": Node(cores=3, disk_tb=1e6, gbit=1000), "disk": Node(disk_tb=1, gbit=1000),
        "network": Node(disk_tb=1e6, gbit=0.1),
    }  # fmt: skip
    for limit, node in tight.items():
        assert f"limited by {limit}" in Sizing(5000, 30, 2.0, node).rows()[0].why


def test_every_constant_names_its_source_and_measured_ones_are_the_benchs() -> None:
    for one in constants().values():
        assert one.source, one.name
        for path in re.findall(r"bench/results/[\w.-]+\.json", one.source):
            assert (ROOT / path).is_file(), path
    measured = json.loads((ROOT / "bench/results/record-200.json").read_text())
    cpu = measured["ours"]["cpu_s_per_camera_minute"]
    # the model may promise less than the bench, not more
    assert cpu * 0.97 <= value("cpu_s_per_camera_minute") <= cpu * 1.5
    rss = value("rss_mb_process") + 200 * value("rss_mb_per_camera")
    assert rss >= 0.97 * 200 * measured["ours"]["rss_mb_per_camera"]
    footage = measured["footage"]
    assert (measured["gaps"], footage["strange"], footage["jumps"], footage["errors"]) == (0, 0, 0, 0)
    assert footage["compared"] == footage["pictures"] > 0


def test_the_workbook_holds_the_table_as_text_and_numbers(tmp_path: Path, capsys, monkeypatch) -> None:
    path = tmp_path / "size.xlsx"
    assert run(capsys, monkeypatch, "--cameras", "2362", "--xlsx", str(path))[0] == 0
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name]
        strings = book.read("xl/sharedStrings.xml").decode()
    assert len(sheets) == 2
    assert not any("<f>" in sheet or "<hyperlink" in sheet for sheet in sheets)
    assert "녹화 프로세스" in strings
    assert "bench/results/record-200.json" in strings
    numbers = {float(found) for found in re.findall(r'<c r="C\d+" s="\d+"><v>([^<]+)</v>', sheets[0])}
    assert {2362.0, 736944.0} <= numbers
    assert all(
        any(abs(row.value - n) <= 1e-6 * max(1, abs(n)) for n in numbers) for row in Sizing(2362, 30, 2.0).rows()
    )


def test_bad_figures_and_a_place_that_cannot_be_written_are_said_in_both_languages(
    tmp_path: Path, capsys, monkeypatch
) -> None:
    for argv in (["--cameras", "0"], ["--cameras", "10", "--mbit", "-1"], ["--cameras", "10", "--node-cores", "1"]):
        code, out, said = run(capsys, monkeypatch, *argv)
        assert (code, out) == (2, "")
        assert re.search("[가-힣]", said)
        assert "out of range" in said
    code, _, said = run(capsys, monkeypatch, "--cameras", "10", "--xlsx", str(tmp_path / "no" / "such.xlsx"))
    assert code == 1
    assert "cannot be written" in said
    assert "Traceback" not in said


def test_korean_and_english_tables_have_the_same_figures(capsys, monkeypatch) -> None:
    _, korean, _ = run(capsys, monkeypatch, "--cameras", "777")
    _, english, _ = run(capsys, monkeypatch, "--cameras", "777", "--lang", "en")
    assert "777대" in korean
    figures = [
        [line.split("|")[2].strip() for line in text.splitlines() if line.startswith("|")][2:]
        for text in (korean, english)
    ]
    assert figures[0] == figures[1]
    assert figure(1234567) == "1,234,567"
    code, out, _ = run(capsys, monkeypatch, "--cameras", "777", "--json")
    assert code == 0
    assert len(json.loads(out)) == len(figures[0])

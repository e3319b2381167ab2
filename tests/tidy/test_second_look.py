"""A few tests that failed beside others are run once more, alone, and named (docs/design/0029)."""

from pathlib import Path

import pytest

from tools.dev import checks

# fails until it has been called `times` times
STUBBORN = """
from pathlib import Path

def test_it():
    calls = Path(__file__).with_suffix(".calls")
    calls.write_text((calls.read_text() if calls.exists() else "") + "x")
    assert len(calls.read_text()) > {times}

def test_beside_it():
    pass
"""


def house(root: Path, **tests: int) -> None:
    for place, times in tests.items():
        area, name = place.split("_", 1)
        (root / "tests" / area).mkdir(parents=True, exist_ok=True)
        (root / "tests" / area / f"test_{name}.py").write_text(STUBBORN.format(times=times))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:django\n")
    return tmp_path


def test_what_passes_alone_is_named_and_passes(place, capsys):
    house(place, media_late=1, kernel_sure=0)
    code, closing = checks._tests(["tests"])
    said = capsys.readouterr().out
    assert code == 0, said
    assert closing.startswith("4 passed, 0 skipped in ")
    assert "unsteady, passed when alone: 1\n    tests/media/test_late.py::test_it" in said
    # the first failure is shown whole, not only counted
    assert "FAILED tests/media/test_late.py::test_it" in said


def test_what_fails_twice_fails(place, capsys):
    house(place, media_broken=9)
    code, closing = checks._tests(["tests"])
    assert code == 1
    assert closing.startswith("1 failed, 1 passed")
    assert "second look: 1 failed" in closing


@pytest.mark.parametrize("tests", [{"kernel_sum": 1}, {"law_day": 1, "media_late": 1}])
def test_what_only_reckons_gets_no_second_look(place, tests):
    house(place, **tests)
    code, closing = checks._tests(["tests"])
    assert code == 1
    assert closing.startswith(f"{len(tests)} failed")


def test_many_failures_get_none(place):
    house(place, **{f"media_{n}": 1 for n in range(checks.SECOND_LOOKS + 1)})
    assert checks._tests(["tests"])[0] == 1


def test_a_file_that_cannot_be_read_gets_none(place):
    house(place, media_late=0)
    (place / "tests/media/test_late.py").write_text("import nothing_of_this_name\n")
    assert checks._tests(["tests"])[0] == 2


def test_no_failure_no_second_look(place, capsys):
    house(place, media_sure=0)
    assert checks._tests(["tests"])[1].startswith("2 passed in ")
    assert "second look" not in capsys.readouterr().out

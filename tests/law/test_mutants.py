"""The mutants run finds a norm that nothing would miss, and a switch that is refused outside it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gwanje.law import Duty, Reason, switch
from gwanje.law.decision import NEVER
from gwanje.law.force import InForce
from gwanje.law.registry import REGISTRY, enforces, upholds

ROOT = Path(__file__).resolve().parents[2]
HEAD = "import pytest\nfrom datetime import date\nfrom gwanje import law\nfrom gwanje.law.force import in_force\n"
REAL = HEAD + (
    "@pytest.mark.norm('law.in_force', 'deny')\n"
    "def test_real():\n    rows = law.load(['kr_national']).packs[0].articles\n"
    "    assert in_force(rows, date(1999, 1, 1)) == ()\n"
)
VACUOUS = HEAD + "@pytest.mark.norm('law.in_force', 'deny')\ndef test_no():\n    assert in_force([], date.max) == ()\n"
RED = HEAD + "@pytest.mark.norm('law.in_force', 'deny')\ndef test_red():\n    assert False\n"


def mutants(file: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GWANJE_", "DJANGO_", "PYTEST_"))}
    command = [sys.executable, "-m", "tools.law_mutants", str(file)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [(REAL, 0, "1 red"), (VACUOUS, 1, "SURVIVES"), (RED, 1, "red with nothing switched off")],
)
def test_what_a_run_says(tmp_path: Path, source: str, code: int, words: str) -> None:
    file = tmp_path / "test_planted.py"
    file.write_text(source)
    done = mutants(file)
    assert words in done.stdout, done.stdout + done.stderr
    assert done.returncode == code


def test_the_switch_is_refused_outside_the_mutants_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GWANJE_TESTING", raising=False)
    with pytest.raises(switch.SwitchRefused), switch.off("law.in_force"):
        pass
    assert switch.switched_off() == frozenset()


def test_a_process_with_a_norm_off_does_not_load_the_law() -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("GWANJE_TESTING", "PYTEST_CURRENT_TEST")}
    done = subprocess.run(
        [sys.executable, "-c", "import gwanje.law"],
        env={**env, "GWANJE_NORM_OFF": "playback.default_deny"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "GWANJE_NORM_OFF" in done.stderr


@pytest.fixture
def testing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GWANJE_TESTING", "1")


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REGISTRY, "rules", dict(REGISTRY.rules))
    monkeypatch.setattr(REGISTRY, "guards", dict(REGISTRY.guards))


@pytest.mark.usefixtures("testing")
def test_off_takes_only_its_own_norms_reasons_away(today: InForce) -> None:
    mine = Reason("mine", "가", "a")
    other = Reason("other", "나", "b", norm="playback.ground")

    @enforces("playback.approval", "playback.ground")
    def rule(facts: dict[str, bool], law: InForce):
        reasons = [r for r in (mine, other) if facts[r.code]]
        return law.judge("playback.view", "playback.approval", "playback.ground", reasons=reasons)

    both = {"mine": True, "other": True}
    with switch.off("playback.approval"):
        assert [r.code for r in rule(both, today).reasons] == ["other"]
        assert rule({"mine": True, "other": False}, today).allow
        assert os.environ["GWANJE_NORM_OFF"] == "playback.approval"
    assert not rule({"mine": True, "other": False}, today).allow
    assert "GWANJE_NORM_OFF" not in os.environ


@pytest.mark.usefixtures("testing")
def test_a_duty_switched_off_is_never_due(today: InForce) -> None:
    @enforces("inspection.monthly")
    def rule(facts: dict[str, str], law: InForce) -> Duty:
        day = date(2026, 11, 1)
        return law.duty("x", "inspection.monthly", starts_on=day, due_on=day, owner_role="manager", basis=("가", "a"))

    with switch.off("inspection.monthly"):
        assert rule({}, today).due_on == NEVER
    with switch.off("request.due"):
        assert rule({}, today).late(date(2026, 11, 2))
    assert replace(rule({}, today), due_on=NEVER) != rule({}, today)


@pytest.mark.usefixtures("testing")
def test_guards_pass_when_off() -> None:
    @upholds("audio.never", passes=lambda tracks: tracks)
    def video_only(tracks: list[str]) -> list[str]:
        return [t for t in tracks if t == "video"]

    assert video_only(["video", "soun"]) == ["video"]
    for name in ("audio.never", f"audio.never@{__name__}:{video_only.__qualname__}"):
        with switch.off(name):
            assert video_only(["video", "soun"]) == ["video", "soun"]
    with switch.off("audio.never@another:guard"):
        assert video_only(["video", "soun"]) == ["video"]

"""The trace: nothing is counted as enforced that has no code, no case and no test behind it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gwanje.law import PackError, trace
from gwanje.law.packs import folder
from gwanje.law.registry import REGISTRY
from gwanje.law.trace import Evidence, MarkedTest


def test_the_city_is_whole() -> None:
    built = trace.build()
    counts = {p.id: built.counts(p) for p in built.packs}
    assert counts["kr_anyang"]["all"] == 103
    assert sum(v for k, v in counts["kr_anyang"].items() if k != "all") == 103
    assert "103 of 103 mapped" in built.summary(next(p for p in built.packs if p.id == "kr_anyang"))
    assert "145 of 145 mapped" in built.summary(next(p for p in built.packs if p.id == "kr_osan"))
    assert built.findings == []


def test_marks_are_read_from_functions_classes_and_modules(tmp_path: Path) -> None:
    place = tmp_path / "tests"
    place.mkdir()
    (place / "test_x.py").write_text(
        "import pytest\npytestmark = [pytest.mark.norm('a.b', 'deny')]\n"
        "@pytest.mark.norm('c.d', 'allow')\nclass TestIt:\n    def test_one(self): ...\n"
        "@pytest.mark.norm('e.f', 'late')\ndef test_two(): ...\ndef helper(): ...\n"
    )
    assert [(t.name, t.norm, t.side) for t in trace.marked_tests(place)] == [
        ("test_one", "a.b", "deny"),
        ("test_one", "c.d", "allow"),
        ("test_two", "a.b", "deny"),
        ("test_two", "e.f", "late"),
    ]


def test_an_unknown_norm_on_a_test_is_a_finding() -> None:
    built = trace.build(tests=[MarkedTest("tests/x.py", "test_x", "playback.anything", "deny")])
    assert any("playback.anything" in f for f in built.findings)


def test_what_an_enforced_norm_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REGISTRY, "rules", {})
    monkeypatch.setattr(REGISTRY, "guards", {})
    told = " ".join(trace.lacking("playback.default_deny", Evidence("playback.default_deny")))
    for word in ("no rule", "'deny'", "'allow'", "no marked test"):
        assert word in told
    told = " ".join(trace.lacking("audio.never", Evidence("audio.never")))
    assert "no guard" in told
    assert "plants the violation" in told
    assert "'late'" in " ".join(trace.lacking("request.due", Evidence("request.due")))


def test_a_changed_text_stops_the_trace(tmp_path: Path) -> None:
    shutil.copytree(folder(), tmp_path / "packs")
    file = tmp_path / "packs" / "kr_anyang" / "articles.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("최대 30일을", "최대 60일을"), encoding="utf-8")
    with pytest.raises(PackError, match="sha256"):
        trace.build(tmp_path / "packs")


def test_an_unused_norm_is_a_finding(tmp_path: Path) -> None:
    shutil.copytree(folder(), tmp_path / "packs")
    file = tmp_path / "packs" / "model_policy" / "articles.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("    - live.glass:", "    - live.glass_review:"), encoding="utf-8")
    built = trace.build(tmp_path / "packs")
    assert any(f.startswith("live.glass: no article") for f in built.findings)


def test_the_sum_over_the_transcribed_sources() -> None:
    built = trace.build(tests=[])
    assert built.total().startswith("433 of 433 mapped over 4 packs: ")
    own = [p for p in built.packs if p.id in ("kr_anyang", "kr_incheon", "kr_osan", "kr_seoul")]
    counted = [built.counts(p) for p in own]
    assert sum(c["enforced"] + c["planned"] + c["recorded"] for c in counted) == 433
    assert sorted(c["all"] for c in counted) == [42, 103, 143, 145]


def test_planned_in_an_area_that_may_not_wait_is_a_finding(tmp_path: Path) -> None:
    shutil.copytree(folder(), tmp_path / "packs")
    file = tmp_path / "packs" / "kr_incheon" / "articles.yaml"
    text = file.read_text(encoding="utf-8")
    assert "area: privacy-masking" in text
    file.write_text(text.replace("area: privacy-masking", "area: retention-destruction"), encoding="utf-8")
    head = tmp_path / "packs" / "kr_anyang" / "pack.yaml"
    head.write_text(head.read_text(encoding="utf-8").replace('may_wait: ["24(2)"]\n', ""), encoding="utf-8")
    told = [f for f in trace.build(tmp_path / "packs", tests=[]).findings if "may not wait" in f]
    assert any("INC-4-d-2" in f and "retention-destruction" in f for f in told)
    assert any("ANY-24-2" in f for f in told)
    assert not [f for f in trace.build(tests=[]).findings if "may not wait" in f]


def test_what_may_wait_is_planned(tmp_path: Path) -> None:
    shutil.copytree(folder(), tmp_path / "packs")
    head = tmp_path / "packs" / "kr_anyang" / "pack.yaml"
    head.write_text(head.read_text(encoding="utf-8").replace('["24(2)"]', '["28(2)"]'), encoding="utf-8")
    with pytest.raises(PackError, match="may_wait"):
        trace.build(tmp_path / "packs")


def test_a_norm_used_as_another_kind_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(folder(), tmp_path / "packs")
    file = tmp_path / "packs" / "kr_anyang" / "cases" / "clocks.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("outcome: late", "outcome: deny", 1), encoding="utf-8")
    monkeypatch.setattr(REGISTRY, "rules", {**REGISTRY.rules, "audio.never": REGISTRY.rules["request.due"]})
    found = " ".join(trace.build(tmp_path / "packs").findings)
    assert "has no side 'deny'" in found
    assert "audio.never is an invariant" in found

"""Incheon's policy: 42 of 42 rows, word for word, and the seven tables of departments exactly as printed."""

from __future__ import annotations

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from gwanje import law
from gwanje.law import NotInForce, PackError
from gwanje.law.packs import folder, load_pack
from gwanje.law.schema import text_hash

SHARED = Path(__file__).resolve().parents[3] / "shared"
OBLIGATIONS = SHARED / "law" / "obligations.tsv"
PACK = load_pack(folder() / "kr_incheon")
TODAY = law.load(("kr_national", "kr_incheon")).on(date(2026, 11, 21))


@pytest.mark.skipif(not OBLIGATIONS.is_file(), reason="../shared/law/obligations.tsv is not here")
def test_every_row_of_the_table_and_every_text_of_the_source() -> None:
    with OBLIGATIONS.open(encoding="utf-8") as file:
        rows = [r["id"] for r in csv.DictReader(file, delimiter="\t") if r["source"].startswith("004")]
    assert [a.obligation for a in PACK.articles] == rows
    source = next((SHARED / "seeds").glob("004_*.txt")).read_text(encoding="utf-8")
    bare = "".join(source.split())
    assert PACK.source["sha256"] == text_hash(source)
    assert [a.id for a in PACK.articles if "".join(a.text.split()) not in bare] == []
    assert all("".join(s.name.split()) in bare for r in PACK.retention for s in r.sites)


def test_the_seven_departments_as_printed() -> None:
    assert [(r.department, r.cameras, r.kind, r.value, r.printed) for r in PACK.retention] == [
        ("정보화담당관실", 50, "days", 30, "30일"),
        ("총무과", 35, "days", 7, "7일"),
        ("시민봉사과", 8, "days", 15, "15일"),
        ("교통기획과", 111, "months", 3, "3개월"),
        ("교통관리과", 23, "permanent", 0, "준영구"),
        ("소방안전본부 재난관리과", 8, "none", 0, "미보유"),
        ("소방안전본부 119종합방재센터", 16, "days", 30, "30일"),
    ]
    assert sum(r.cameras for r in PACK.retention) == 251
    rows = {r.id: r for r in PACK.retention}
    # a joint controller and no location; 23 printed places; 15 lines of which one has two cameras
    assert (rows["INC-D4"].joint, rows["INC-D4"].sites) == ("인천지방경찰청", ())
    assert [len(rows[k].sites) for k in ("INC-D5", "INC-D6", "INC-D7")] == [23, 8, 15]
    assert [s.name for s in rows["INC-D7"].sites if s.cameras == 2] == ["부평구 신라저축은행(2대)"]
    told = [(f.days, f.since, f.until, f.part) for f in rows["INC-D5"].filming]
    assert told[:2] == [("weekday", "07:00", "09:00", ""), ("weekday", "17:00", "20:00", "")]
    assert told[2] == ("daily", "00:00", "24:00", "BRT구간")


def test_a_row_is_found_by_department_purpose_and_group() -> None:
    assert TODAY.retention("총 무 과", ["생활방범"]).value == 7
    assert TODAY.retention("교통기획과", ["교통정보수집"], "교통정보 수집용 CCTV").kind == "months"
    assert TODAY.retention("소방안전본부 재난관리과", ["재난재해"]).live_only
    for department, purposes in (("공원과", ["생활방범"]), ("총무과", ["재난재해"]), ("", [])):
        with pytest.raises(NotInForce):
            TODAY.retention(department, purposes)
    with pytest.raises(NotInForce):
        law.load(("kr_national", "kr_incheon")).on(date(2014, 5, 28)).retention("총무과", ["생활방범"])


def test_what_the_policy_lacks_is_added_and_shown_with_both_texts() -> None:
    told = {c.name: c for c in TODAY.conflicts()}
    assert {"policy.items", "sign.items", "sign.exemptions", "statistics"} <= set(told)
    assert "영상정보 확인 방법·장소" in told["policy.items"].ko
    assert set(TODAY.parameter("policy.items").value) > {"영상정보 확인 방법·장소", "방침 변경"}
    assert TODAY.parameter("sign.items").value[-2:] == ("수탁자 명칭·연락처", "관리책임자 성명")
    assert all(c.higher_text and c.lower_text and c.higher_text != c.lower_text for c in told.values())


def test_published_grounds_are_two_to_six_and_eight_to_ten() -> None:
    national = law.load(("kr_national",)).on(date(2026, 11, 21))
    published = {g.code for g in national.grounds("disclosure") if g.publish}
    assert published == {f"pipa.18.2.{n}" for n in (2, 3, 5, 6, 8, 9, 10)} | {"missing.9-2.1"}
    assert TODAY.ground("trial").publish
    assert not TODAY.ground("investigation").publish


def _refused(tmp_path: Path, edit) -> None:
    place = tmp_path / "kr_incheon"
    shutil.copytree(folder() / "kr_incheon", place)
    rows = yaml.safe_load((place / "retention.yaml").read_text(encoding="utf-8"))
    edit(rows)
    (place / "retention.yaml").write_text(yaml.safe_dump(rows, allow_unicode=True), encoding="utf-8")
    with pytest.raises(PackError, match=r"retention\.yaml"):
        load_pack(place)


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows[0].update(kind="weeks"),
        lambda rows: rows[0].update(value=0),
        lambda rows: rows[5].update(value=30),
        lambda rows: rows[6].update(cameras=15),
        lambda rows: rows[0].update(article="현황9"),
        lambda rows: rows[1].update(id="INC-D1"),
        lambda rows: rows[4]["filming"][0].update(until="06:00"),
        lambda rows: rows[4]["filming"][0].update(days="monday"),
        lambda rows: rows[0].update(colour="red"),
    ],
)
def test_a_faulty_row_does_not_load(tmp_path: Path, edit) -> None:
    _refused(tmp_path, edit)

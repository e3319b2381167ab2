"""Packs: what does not fit the schema does not load, and says where, why and in both languages."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gwanje.law import PackError, load
from gwanje.law.packs import folder, load_pack
from gwanje.law.schema import text_hash
from gwanje.law.trace import Trace

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
OBLIGATIONS = SHARED / "law" / "obligations.tsv"
CITY = "kr_anyang"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(folder(), tmp_path / "packs")
    return tmp_path / "packs"


def change(file: Path, edit: Callable[[list[dict]], None]) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    edit(content)
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")


def test_the_real_packs_load() -> None:
    city = load_pack(folder() / CITY)
    assert (len(city.articles), city.rank, city.since.isoformat()) == (103, "조례", "2020-07-10")
    assert len({a.id for a in city.articles}) == 103


@pytest.mark.skipif(not OBLIGATIONS.is_file(), reason="../shared/law/obligations.tsv is not here")
def test_every_obligation_of_the_source_stands_in_the_pack() -> None:
    with OBLIGATIONS.open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file, delimiter="\t") if r["source"].startswith("000")]
    assert [a.obligation for a in load_pack(folder() / CITY).articles] == [r["id"] for r in rows]
    assert len(rows) == 103


@pytest.mark.skipif(not list((SHARED / "seeds").glob("000_*.txt")), reason="../shared/seeds is not here")
def test_every_text_stands_in_the_source_verbatim() -> None:
    source = next((SHARED / "seeds").glob("000_*.txt")).read_text(encoding="utf-8")
    bare = "".join(source.split())
    pack = load_pack(folder() / CITY)
    assert pack.source["sha256"] == text_hash(source)
    missing = [a.id for a in pack.articles if "".join(a.text.split()) not in bare]
    assert missing == []


def test_a_partial_pack_never_claims_the_whole(copy: Path) -> None:
    head = copy / CITY / "pack.yaml"
    text = head.read_text(encoding="utf-8")
    for wrong in ("whole: 999\n", "partial: true\n", "partial: true\nwhole: 9\n"):
        head.write_text(text + wrong, encoding="utf-8")
        with pytest.raises(PackError, match="partial"):
            load_pack(copy / CITY)
    head.write_text(text + "partial: true\nwhole: 999\n", encoding="utf-8")
    part = load_pack(copy / CITY)
    assert part.partial
    told = Trace((part,), {}, []).summary(part)
    assert "partial, 103 of 999 listed so far" in told
    assert "mapped" not in told
    head.write_text(text, encoding="utf-8")
    assert not load_pack(copy / CITY).partial


ARTICLE_FAULTS = {
    "waits for nothing": lambda a: a.update(awaits=["ptz.purpose"]),
    "neither norm nor status": lambda a: a.pop("status", None) or a.pop("norms", None),
    "both norm and status": lambda a: a.update(norms=["law.in_force"], status="planned", area="x"),
    "unknown norm": lambda a: (a.pop("status"), a.update(norms=["camera.anything"])),
    "unknown status": lambda a: a.update(status="later"),
    "status without why": lambda a: a.pop("why"),
    "planned without area": lambda a: a.update(status="planned"),
    "text changed": lambda a: a.update(text=a["text"] + "!"),
    "unknown key": lambda a: a.update(colour="red"),
    "no text": lambda a: a.pop("text"),
}


@pytest.mark.parametrize("fault", ARTICLE_FAULTS)
def test_a_faulty_article_does_not_load(copy: Path, fault: str) -> None:
    change(copy / CITY / "articles.yaml", lambda rows: ARTICLE_FAULTS[fault](rows[0]))
    with pytest.raises(PackError) as refused:
        load_pack(copy / CITY)
    assert "articles.yaml" in refused.value.place
    assert refused.value.ko != refused.value.en


def test_spaces_are_no_change_of_the_text(copy: Path) -> None:
    change(copy / CITY / "articles.yaml", lambda rows: rows[0].update(text=rows[0]["text"].replace(" ", "\n")))
    assert len(load_pack(copy / CITY).articles) == 103


PARAMETER_FAULTS = {
    "without article": lambda p: p["retention.days_max"][0].pop("article"),
    "unknown article": lambda p: p["retention.days_max"][0].update(article="999"),
    "unknown word": lambda p: p.update({"retention.weeks": p["retention.days_max"]}),
    "another type": lambda p: p["retention.days_max"][0].update(value="thirty"),
    "a truth as a number": lambda p: p["retention.days_max"][0].update(value=True),
    "without a first day": lambda p: p["retention.days_max"][0].pop("from"),
}


@pytest.mark.parametrize("fault", PARAMETER_FAULTS)
def test_a_value_without_its_article_does_not_load(copy: Path, fault: str) -> None:
    change(copy / CITY / "parameters.yaml", PARAMETER_FAULTS[fault])
    with pytest.raises(PackError, match=r"parameters\.yaml"):
        load_pack(copy / CITY)


def test_two_cities_do_not_stand_side_by_side(copy: Path) -> None:
    shutil.copytree(copy / CITY, copy / "kr_other")
    change(copy / "kr_other" / "pack.yaml", lambda p: p.update(id="kr_other"))
    with pytest.raises(PackError, match="kr_other"):
        load([CITY, "kr_other"], copy)


def test_a_key_that_stands_twice_and_bad_yaml(copy: Path) -> None:
    file = copy / CITY / "pack.yaml"
    whole = file.read_text(encoding="utf-8")
    for text in (whole + "\nrank: 법\n", whole + "\n\t- x", "[]"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(PackError):
            load_pack(copy / CITY)


def test_on_and_no_are_words(copy: Path) -> None:
    file = copy / CITY / "titles.yaml"
    file.write_text("operator: {ko: on, en: no}\n", encoding="utf-8")
    assert load_pack(copy / CITY).titles["operator"] == ("on", "no")

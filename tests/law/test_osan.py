"""Osan's guideline, whole: each row of the table verbatim, its traps decided, and only data between it and Anyang."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
import yaml

from gwanje.law import load
from gwanje.law.force import InForce, NotInForce
from gwanje.law.forms import load_forms
from gwanje.law.packs import folder, load_pack
from gwanje.law.schema import text_hash
from gwanje.law.words import NORMS, PARAMETERS

SHARED = Path(__file__).resolve().parents[3] / "shared"
ON = date(2026, 11, 21)
PACK = load_pack(folder() / "kr_osan")
OSAN, ANYANG = (load(["kr_national", name]).on(ON) for name in ("kr_osan", "kr_anyang"))
PAGE = "오산시영상정보처리기기설치및운영지침"
# what the reading of the print broke, and how the pack mends it: list marks, boxes, paragraph marks, a middle dot
REPAIRS = {
    '<inputtype="checkbox"/>': "□",
    "<p>": "",
    "</p>": "",
    '<pstyle="text-align:center;">': "",
    '<pstyle="text-align:right;">': "",
    "변조-누출": "변조·누출",
}
PARAGRAPHS = "①②③④⑤⑥⑦⑧"
MISREAD = ("방법용", "방법 등", "수입 받아", "권한의 수입", "채납", "방제")
# areas in which an article may wait, and the one row besides
PLANNED = {
    "staffing-training", "visitors", "incidents-dispatch", "sensors-bells", "installation-workflow", "site-selection",
    "federation-relay", "subject-requests", "disclosure-ledger", "privacy-masking", "statistics-cost",
}  # fmt: skip
# what Anyang's ordinance answers and Osan's guideline does not, and why
SILENT_PARAMETERS = {
    "inspection.per_month": "제26조 leaves the interval to a guideline whose article nobody verified",
    "live.emergency_triggers": "no article widens live watching in an emergency",
    "operation.shifts": "제21조제1항 names no number",
    "playback.purposes": "제32조제1항 lists grounds instead",
    "extension.warn_days": "no form prolongs a keeping",
}
SILENT_NORMS = {
    "inspection.monthly": "제26조 and 제31조제4항 name no interval",
    "live.emergency": "제12조제2항 is about sharing with agencies only",
    "extension.form": "no form prolongs a keeping; 제35조제1항제3호 allows the hold",
    "extension.expiry": "as extension.form",
}
# a higher rule may come to name the kinds of device; this guideline defines one kind and limits nothing
KINDS = {"camera.device_types", "camera.scope"}


def bare(text: str) -> str:
    return "".join(text.split())


def silent(law: InForce) -> tuple[set[str], set[str]]:
    """Parameters and norms that a day's law does not answer."""
    parameters = set()
    for name in PARAMETERS:
        try:
            law.parameter(name)
        except NotInForce:
            parameters.add(name)
    return parameters, {norm for norm in NORMS if not law.has(norm)}


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not here")
def test_each_of_the_145_rows_stands_in_the_pack_in_the_tables_order() -> None:
    with (SHARED / "law" / "obligations.tsv").open(encoding="utf-8") as file:
        rows = [r["id"] for r in csv.DictReader(file, delimiter="\t") if r["source"].startswith("002")]
    assert [a.obligation for a in PACK.articles] == rows
    assert len(rows) == 145
    assert not PACK.partial


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not here")
def test_every_text_stands_in_the_source_but_for_the_named_repairs() -> None:
    source = next((SHARED / "seeds").glob("002_*.txt")).read_text(encoding="utf-8")
    assert PACK.source["sha256"] == text_hash(source)
    # the title heads every printed page, also in the middle of a paragraph; a paragraph's sign may be a list's mark
    printed = bare(source).replace(PAGE, "")
    for mark in PARAGRAPHS:
        printed = printed.replace(f"-{mark}", "").replace(mark, "")
    for broken, mended in REPAIRS.items():
        assert broken in printed, broken
        printed = printed.replace(broken, mended)
    printed = printed.replace("-가.", "가.").replace("-나.", "나.")
    missing = [a.id for a in PACK.articles if bare(a.text).replace(PAGE, "") not in printed]
    assert missing == []


def test_what_waits_waits_only_where_it_may_and_says_why() -> None:
    planned = [a for a in PACK.articles if a.status == "planned"]
    assert {a.area for a in planned} <= PLANNED
    assert [a.id for a in PACK.articles if a.status and not a.why] == []
    assert len({a.id for a in PACK.articles}) == 145


def test_a_misread_word_is_no_code() -> None:
    """T20: the text keeps what was printed; headings, values, titles, grounds and cases' allowed facts do not."""
    files = ("parameters.yaml", "titles.yaml", "grounds.yaml", "purposes.yaml")
    for name in files:
        content = yaml.safe_load((folder() / "kr_osan" / name).read_text(encoding="utf-8"))
        assert [word for word in MISREAD if word in str(content)] == [], name
    assert [a.id for a in PACK.articles if any(word in a.heading for word in MISREAD)] == []
    # each misprint that the text keeps is said where it stands
    text = (folder() / "kr_osan" / "articles.yaml").read_text(encoding="utf-8")
    for article in PACK.articles:
        if any(word in article.text for word in MISREAD):
            before = text.split(f"obligation: {article.obligation}\n", 1)[0].rsplit("\n- id:", 1)[0].rsplit("\n", 1)[-1]
            assert "오기" in before, article.id


def test_the_classification_has_six_classes_and_sixteen_items_and_maps_to_the_other_three() -> None:
    tree = OSAN.parameter("camera.purpose_tree").value
    assert (len(tree), len({word.split("/")[0] for word in tree})) == (16, 6)
    rows = [r for r in PACK.purposes if r.scheme == "ordinance"]
    assert [r.code for r in rows] == list(tree)
    assert all(r.ordinance == (r.code,) and r.act and r.national for r in rows)
    assert OSAN.purposes("ordinance") == tuple(rows)
    printed = bare(PACK.by_id["별표1"].text).replace("채납차량", "체납차량")
    assert all(bare(word.split("/")[1]) in printed for word in tree)


def test_who_decides_is_osans_own() -> None:
    assert OSAN.title("chief_officer") == "총괄책임관"
    # T21: 제9조 designates an 운영책임자, a sign's item calls the same officer 운영책임관
    assert OSAN.title("manager") == "운영책임자"
    assert "운영책임관" in PACK.by_id["10(2)"].text
    assert OSAN.title("centre_head") == "통합관제센터의 장"
    assert ANYANG.title("chief_officer") == "총괄책임자"
    assert OSAN.parameter("playback.approver_roles").value == ("chief_officer",)
    assert OSAN.parameter("disclosure.approver_roles").value == ("chief_officer",)
    assert ANYANG.parameter("disclosure.approver_roles").value == ("mayor",)
    urgent = OSAN.parameter("disclosure.urgent_approver_roles")
    assert (urgent.value, urgent.article.citation) == (("centre_head",), "제32조제3항")


def test_grounds_and_refusals_are_osans_own() -> None:
    codes = {g.code for g in OSAN.grounds("disclosure")}
    assert codes == {
        "consent", "subject_request", "other_law", "imminent", "investigation", "trial", "urgent_relief",
    }  # fmt: skip
    repealed = OSAN.ground("press_statistics")
    assert (repealed.in_force, repealed.statute) == (False, "지침 제32조제1항제4호")
    early = load(["kr_national", "kr_osan"]).on(date(2020, 8, 4))
    assert early.ground("press_statistics").in_force
    assert "evidence" not in codes
    assert len(OSAN.parameter("refusal.grounds").value) == 4
    assert len(ANYANG.parameter("refusal.grounds").value) == 3


def test_reports_searches_and_the_committee_are_osans_own() -> None:
    chain = OSAN.parameter("incident.chain").value
    assert chain[0].startswith("관제요원 →")
    assert chain[0].endswith("경찰공무원")
    # the operator tells the police officer, who tells the agencies; the fire service is not named
    assert all(step.startswith("경찰공무원 →") for step in chain[1:])
    assert "119" not in " ".join(chain)
    assert OSAN.parameter("search.at_shift_end").value is True
    assert OSAN.parameter("search.subjects").value == ("근무자", "방문 출입자")
    assert not ANYANG.has("search.shift_end")
    assert OSAN.parameter("committee.term_years").value == 2
    assert OSAN.parameter("committee.renewals").value == 1
    assert len(OSAN.parameter("committee.matters").value) == 5
    assert "위원장(시장)" in OSAN.parameter("committee.seats").value
    assert not ANYANG.has("committee.seats")


def test_its_forms_are_there() -> None:
    assert {form.article.id for form in load_forms(PACK)} == {"별표1", "별지1", "별지2", "별지3", "별지4"}
    # the request: five boxes, an answer within ten days, and no form to prolong a keeping
    request = next(f for f in load_forms(PACK) if f.id == "OSA-F4")
    assert request.deadline == "10일 이내"
    assert not [f for f in load_forms(PACK) if "연장" in f.title]


def test_contradictions_inside_the_text_are_shown_with_both_clauses() -> None:
    found = {(c.lower.id, c.higher.key): c for c in OSAN.conflicts() if c.kind == "article"}
    steering = found["18(1)", "kr_osan:29(1)"]
    assert "그러하지 아니하다" in steering.lower_text
    assert "다만" not in steering.higher_text
    assert OSAN.parameter("ptz.exceptions").value == ()
    # T19: a wiretap is no exception, neither of 18(2) nor of the Act
    assert ("29(2)", "kr_osan:18(2)") in found
    assert ("29(2)", "kr_national:25(5)") in found
    # T18: 'may delete' gives way to the duty to destroy
    may = found["35(1)", "kr_national:21(1)"]
    assert "삭제할 수 있다" in may.lower_text
    assert OSAN.parameter("retention.days_max").value == 30
    # a homepage instead of a sign because 'the risk is small' is the guideline's alone
    assert ("10(5)", "kr_national:영24(2)") in found
    assert not [word for word in OSAN.parameter("sign.exemptions").value if "침해" in word]
    # no value of the guideline widens what a higher rule has
    assert [c for c in OSAN.conflicts() if c.kind == "parameter"] == []


def test_what_has_no_number_gets_none() -> None:
    """T24: 추가설치 needs opinions and is excused in one sentence, and nobody wrote how near is near."""
    proximity = PACK.by_id["8(1)"]
    assert proximity.status == "planned"
    assert "추가설치" in proximity.text.split("다만")[0]
    assert "근접 장소" in proximity.text.split("다만")[1]
    assert "면제를 쓰지 않습니다" in proximity.why
    assert not [d.name for d in PACK.parameters if d.article.id.startswith("8(1)")]


def test_the_subject_is_told_of_an_investigation_unless_unknown() -> None:
    """T29: secrecy of an investigation is no exception of 제35조제2항."""
    told = OSAN.parameter("disclosure.notify_subject")
    assert (told.value, told.article.citation) == (True, "제35조제2항")
    assert "밀행" in told.note
    assert "밀행" not in PACK.by_id["35(2)"].text


def test_what_anyang_answers_osan_answers_but_for_the_listed() -> None:
    (osan_values, osan_norms), (anyang_values, anyang_norms) = silent(OSAN), silent(ANYANG)
    assert (osan_values - anyang_values) - KINDS == set(SILENT_PARAMETERS)
    assert (osan_norms - anyang_norms) - KINDS == set(SILENT_NORMS)

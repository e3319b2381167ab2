"""Traps of the texts (T18-T32), and where each of the 32 is proved: a name that an auditor finds, resolved by AST."""

from __future__ import annotations

import ast
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from gwanje.centre.preservation import rules as preservation
from gwanje.centre.publication import rules as publication
from gwanje.centre.retention import rules as retention
from gwanje.centre.retention.rules_class import by_class
from gwanje.centre.statistics import misread
from gwanje.kernel.actor import ROLES
from gwanje.law import NotInForce, load
from gwanje.law.clocks import answer_request, calendar_of
from gwanje.law.force import InForce
from gwanje.law.forms import Checks, FormSchema, Text, load_forms
from gwanje.law.packs import Pack, available, folder, load_pack
from gwanje.law.words import NORMS, PARAMETERS

TESTS = Path(__file__).resolve().parents[1]
HERE = ("test_traps.py", "test_traps_figures.py")
ON = date(2026, 11, 21)
NATION = load(["kr_national"]).on(ON)
ANYANG, OSAN, INCHEON = (load(["kr_national", f"kr_{city}"]).on(ON) for city in ("anyang", "osan", "incheon"))
# what proves a trap beside the tests of its name: the way through services, pages, wires and keys
# file names are unique below tests/
ELSEWHERE: dict[str, tuple[tuple[str, str], ...]] = {
    "T1": (("test_report_tables.py", "test_exactly_the_sentences_that_contradict_the_tables_are_found"),),
    "T2": (("test_report_tables.py", "test_a_table_of_the_report_that_is_wrong_is_not_taken"),),
    "T4": (("test_report_tables.py", "test_exactly_the_totals_that_are_wrong_are_found"),),
    "T9": (("test_statistics_pages.py", "test_printed_tables_of_the_centres_own_packs_are_shown_with_what_is_wrong"),),
    "T14": (("test_seoul_pack.py", "test_the_fuller_of_two_lists_of_refusal_grounds_stands"),),
    "T16": (("test_seoul_pack.py", "test_a_repealed_penalty_is_no_value_and_a_lost_figure_no_classification"),),
    "T18": (
        ("test_osan.py", "test_contradictions_inside_the_text_are_shown_with_both_clauses"),
        ("test_retention_story.py", "test_thirty_days_on"),
    ),
    "T19": (
        ("test_publication.py", "test_another_citys_conflicts_show_both_texts"),
        ("test_ptz_rules.py", "test_of_two_clauses_the_one_without_exception_stands_and_both_are_shown"),
        ("test_rtsp.py", "test_the_audio_track_of_a_real_camera_is_never_set_up"),
    ),
    "T20": (
        ("test_osan.py", "test_a_misread_word_is_no_code"),
        ("test_report_tables.py", "test_no_misread_word_is_a_code_anywhere"),
        ("test_statistics_pages.py", "test_a_pasted_table_is_counted_again_and_nothing_is_stored"),
    ),
    "T21": (("test_osan.py", "test_who_decides_is_osans_own"),),
    "T22": (
        ("test_preservation_requests.py", "test_a_reapplication_goes_on_with_the_same_hold_and_only_before_its_end"),
        ("test_preservation_holds.py", "test_it_warns_seven_days_and_one_day_before_once_each"),
    ),
    "T23": (("test_form_schemas.py", "test_the_seed_text_has_every_label_box_and_sentence"),),
    "T24": (("test_publication.py", "test_a_rule_that_waits_is_told_on_its_page"),),
    "T25": (("test_incheon.py", "test_a_row_is_found_by_department_purpose_and_group"),),
    "T26": (("test_signs.py", "test_a_sign_without_a_contact_is_not_recorded"),),
    "T27": (("test_playback_flow.py", "test_an_emergency_live_view_opens_nothing_that_is_stored"),),
    "T28": (
        ("test_driver_children.py", "test_rtmp_with_a_sound_beside_it_is_recorded_without_it"),
        ("test_check.py", "test_a_planted_audio_track_turns_the_check_red"),
    ),
    "T29": (
        ("test_osan.py", "test_the_subject_is_told_of_an_investigation_unless_unknown"),
        ("test_publication.py", "test_a_rule_that_waits_is_told_on_its_page"),
    ),
    "T30": (("test_calendar.py", "test_days_end_in_time_and_roll_to_the_next_working_day"),),
    "T31": (
        ("test_staff_contracts.py", "test_who_decides_today_and_where_accounts_and_signatures_differ"),
        ("test_vault_officer_keys.py", "test_a_delegation_is_signed_and_has_limits"),
    ),
    "T32": (("test_incheon.py", "test_published_grounds_are_two_to_six_and_eight_to_ten"),),
}


def functions(file: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of one test file, by name; the file is found by its own."""
    (place,) = TESTS.rglob(file)
    tree = ast.parse(place.read_text(encoding="utf-8"))
    return {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}


def checks(test: ast.AST) -> bool:
    """Has a test an assertion, or an error that it expects?"""
    raised = (n for n in ast.walk(test) if isinstance(n, ast.Attribute) and n.attr == "raises")
    return any(isinstance(n, ast.Assert) for n in ast.walk(test)) or any(True for _ in raised)


def test_each_of_the_32_traps_has_a_test_of_its_name() -> None:
    named = {m[1] for file in HERE for name in functions(file) if (m := re.match(r"test_t(\d\db?)_", name))}
    assert named == {*(f"{n:02}" for n in range(1, 33)), "06b"}
    assert set(ELSEWHERE) <= {f"T{n}" for n in range(1, 33)}


@pytest.mark.parametrize(("trap", "file", "name"), [(t, f, n) for t, found in ELSEWHERE.items() for f, n in found])
def test_a_proof_elsewhere_is_there_and_checks_something(trap: str, file: str, name: str) -> None:
    found = functions(file)
    assert name in found, f"{trap}: {file} has no {name}; name what proves the trap now"
    assert checks(found[name])


def article(law: InForce, pack: str, key: str) -> str:
    return law.article(pack, key).text


def boxes(form: FormSchema) -> tuple[str, ...]:
    return tuple(o.ko for block in form.blocks if isinstance(block, Checks) for o in block.options)


def form(pack: Pack, key: str) -> FormSchema:
    return next(f for f in load_forms(pack) if f.id == key)


def kept(kind: str, value: int, statute: str = "") -> dict[str, object]:
    return {"kind": kind, "value": value, "statute": statute}


def test_t18_must_within_30_days_stands_above_may_after_30_days() -> None:
    text = article(OSAN, "kr_osan", "35(1)")
    assert "30일 이내로 보관하여야" in text
    assert "삭제할 수 있다" in text
    assert OSAN.parameter("retention.days_max").value == 30
    assert retention.class_allowed(kept("days", 30), OSAN).allow
    for wished in (kept("days", 31), kept("permanent", 0, "총괄책임관의 판단")):
        assert [r.code for r in retention.class_allowed(wished, OSAN).reasons] == ["too_long"]


def test_t19_neither_a_wiretap_nor_a_public_interest_is_an_exception() -> None:
    assert "통신비밀보호법" in article(OSAN, "kr_osan", "29(2)")
    keys = {a.key for a in OSAN.articles("audio.never")}
    assert {"kr_osan:18(2)", "kr_national:25(5)"} <= keys
    found = {(c.lower.id, c.higher.key) for c in OSAN.conflicts() if c.kind == "article"}
    assert {("29(2)", "kr_osan:18(2)"), ("29(2)", "kr_national:25(5)"), ("18(1)", "kr_osan:29(1)")} <= found
    assert OSAN.parameter("ptz.exceptions").value == ()
    # sound has no value that could be set to yes
    assert not [name for name in PARAMETERS if "audio" in name or "sound" in name]


def test_t20_each_misread_word_comes_back_with_its_fix_and_is_no_code() -> None:
    assert {"방법", "채납", "수입", "권한의 수입", "데이타", "방제"} <= set(misread.fixes())
    for wrong, right in misread.fixes().items():
        assert misread.code_of(wrong, [right]) == misread.Refused(wrong, right)
        assert misread.code_of(right, [right]) == right


def test_t21_the_officer_is_the_one_who_is_designated_and_the_slip_stays_in_the_text() -> None:
    assert "운영책임자" in article(OSAN, "kr_osan", "9(1)")
    assert "운영책임관" in article(OSAN, "kr_osan", "10(2)")
    assert OSAN.title("manager") == "운영책임자"
    assert "운영책임관" not in {OSAN.title(role) for role in ROLES}


def test_t22_a_prolonged_keeping_has_an_end_a_notice_and_a_new_application() -> None:
    """No length is given by the ordinance, so none is a value; the hook is 제31조제1항제3호."""
    assert {a.id for a in ANYANG.articles("extension.form")} >= {"31(1)3"}
    assert not [name for name in PARAMETERS if name.startswith("extension.") and name != "extension.warn_days"]
    whole = dict.fromkeys(("name", "phone", "birth", "address"), "x")
    agent = dict.fromkeys(("name", "phone", "birth", "relation", "address"), "")
    facts = {"subject": whole, "agent": agent, "purpose": "주차 사고 확인", "keep_from": "2026-11-21",
             "keep_until": "2026-12-31", "today": "2026-11-21", "consent": True, "ended": False}  # fmt: skip
    assert preservation.form_stands(facts, ANYANG).allow
    for changed, code in (({"keep_until": ""}, "period_missing"), ({"ended": True}, "too_late")):
        assert [r.code for r in preservation.form_stands({**facts, **changed}, ANYANG).reasons] == [code]
    assert ANYANG.parameter("extension.warn_days").value == 7
    assert not OSAN.has("extension.form")


def test_t23_a_box_is_printed_as_in_the_source_and_gives_and_takes_no_right() -> None:
    """The room that takes requests is to come; today the forms are the source's, and deletion rests on the text."""
    ours, theirs = form(load_pack(folder() / "kr_anyang"), "ANY-F2"), form(load_pack(folder() / "kr_incheon"), "INC-F1")
    assert boxes(ours) == ("존재확인", "열람", "이용", "제공", "삭제")
    assert boxes(theirs) == ("존재확인", "열람")
    for schema in (ours, theirs):
        claims = [b.ko for b in schema.blocks if isinstance(b, Text) and "청구합니다" in b.ko]
        assert len(claims) == 1
        assert "존재확인, 열람을 청구합니다" in claims[0]
    assert "삭제" in article(INCHEON, "kr_incheon", "4.가")
    assert "deletion.exact" in INCHEON.article("kr_incheon", "4.가").norms
    wanted = {"cameras": 1, "first": 0, "until": 60, "case": "청구-1", "applicant": "홍길동", "reason": "집 안이 보임"}
    assert preservation.deletion_stands(wanted, INCHEON).allow


def test_t24_near_is_no_number_of_metres_and_no_rule_uses_the_exemption_yet() -> None:
    """The rule is to come with siting: a written reason of the officer who decides, and never a distance."""
    for law, pack, key in ((ANYANG, "kr_anyang", "9-p"), (OSAN, "kr_osan", "8(1)")):
        found = law.article(pack, key)
        assert "근접 장소" in found.text
        assert not re.search(r"\d+ ?(미터|m\b|M\b)", found.text)
        assert (found.status, found.area, tuple(found.norms)) == ("planned", "installation-workflow", ())
        assert "사유를 글로 남길 때에만" in found.why
        assert not [d.name for d in load_pack(folder() / pack).parameters if d.article.id == key]
    text = article(OSAN, "kr_osan", "8(1)")
    assert ("추가설치" in text.split("다만")[0], "추가 설치" in text.split("다만")[1]) == (True, True)
    units = {d.unit for name in available() for d in load_pack(folder() / name).parameters}
    assert not {"m", "metre", "meter", "km", "미터"} & units
    assert not [n for n in (*NORMS, *PARAMETERS) if "distance" in n or "proximity" in n or "metre" in n]


def test_t25_three_months_are_the_calendars_and_for_ever_needs_a_statute() -> None:
    row = INCHEON.retention("교통기획과", ["교통정보수집"], "교통정보 수집용 CCTV")
    assert (row.kind, row.value, row.printed) == ("months", 3, "3개월")
    counted = {begun: calendar_of("Asia/Seoul").months(begun, row.value, rolls=False).due_on
               for begun in (date(2026, 11, 30), date(2026, 6, 15))}  # fmt: skip
    assert counted == {date(2026, 11, 30): date(2027, 2, 28), date(2026, 6, 15): date(2026, 9, 15)}
    assert counted[date(2026, 6, 15)] - date(2026, 6, 15) == timedelta(days=92)
    # the source prints no statute for its bus lanes: nothing is kept there for ever until somebody cites one
    lane = next(r for r in INCHEON.retention_rows() if r.printed == "준영구")
    assert (lane.kind, lane.statute) == ("permanent", "")
    facts = {"department": lane.department, "purposes": list(lane.purposes), "group": lane.group, "kind": "permanent",
             "value": 0, "statute": ""}  # fmt: skip
    assert [r.code for r in by_class(facts, INCHEON).reasons] == ["statute_missing"]
    assert by_class({**facts, "statute": "○○법 제12조"}, INCHEON).allow
    assert [r.code for r in by_class({**facts, "kind": "days", "value": 90}, INCHEON).reasons] == ["not_the_rule"]


def test_t26_the_contractor_is_added_to_a_sign_that_omits_it_and_a_name_is_no_duty_of_the_act() -> None:
    own = next(p for p in load_pack(folder() / "kr_incheon").parameters if p.name == "sign.items").value
    both = INCHEON.parameter("sign.items").value
    assert ("수탁자 명칭·연락처" in own, "수탁자 명칭·연락처" in both) == (False, True)
    assert "관리책임자 성명" not in NATION.parameter("sign.items").value
    refused = publication.sign_items({"items": list(own)}, INCHEON)
    assert [r.code for r in refused.reasons] == ["item_missing"]
    assert "수탁자" in refused.reasons[0].ko
    assert publication.sign_items({"items": list(both)}, INCHEON).allow


def test_t27_what_widens_live_watching_is_another_norm_than_what_opens_stored_video() -> None:
    def norms(key: str) -> set[str]:
        return set(ANYANG.article("kr_anyang", key).norms)

    assert norms("17(2)") == {"live.emergency"}
    assert norms("5(3)") == {"playback.ground"}
    assert norms("28(2)") == {"playback.default_deny", "playback.ground", "playback.approval"}
    triggers = set(ANYANG.parameter("live.emergency_triggers").value)
    assert triggers
    assert not triggers & {g.code for g in ANYANG.grounds("playback")}


def test_t28_the_bells_voice_has_no_place_and_the_bells_wait_without_it() -> None:
    """The room of bells is to come; what can be proved today is that no rule and no value is about their sound."""
    for law, pack, key in ((ANYANG, "kr_anyang", "11(3)"), (OSAN, "kr_osan", "18(3)")):
        bell = law.article(pack, key)
        assert (bell.area, tuple(bell.norms)) == ("sensors-bells", ())
        assert "통화 음성은 이 프로그램에 들어오지 않습니다" in bell.why
    assert {n for n in NORMS if "audio" in n or "sound" in n or "voice" in n} == {"audio.never"}


def test_t29_the_subject_is_told_unless_unknown_and_secrecy_is_no_reason() -> None:
    """Who was told, or why not, is kept when the register of disclosures comes: today a value stands, no default."""
    clause = OSAN.article("kr_osan", "35(2)")
    assert "특정할 수 없거나 소재지를 파악할 수 없는" in clause.text
    assert (clause.status, clause.area) == ("planned", "disclosure-ledger")
    assert "밀행은 예외로 적혀 있지 않습니다" in clause.why
    assert OSAN.parameter("disclosure.notify_subject").value is True
    with pytest.raises(NotInForce):
        ANYANG.parameter("disclosure.notify_subject")


def test_t30_whether_a_last_day_rolls_is_a_value_and_the_counting_is_told() -> None:
    rolls = OSAN.parameter("deadline.rolls_on_holiday")
    assert (rolls.value, rolls.article.id) == (True, "민161")
    for law, pack in ((ANYANG, "kr_anyang"), (OSAN, "kr_osan"), (INCHEON, "kr_incheon")):
        duty = answer_request({"received_on": date(2026, 11, 12)}, law)
        # the tenth day is a Sunday
        assert (duty.starts_on, duty.due_on) == (date(2026, 11, 12), date(2026, 11, 23))
        assert pack in {a.pack for a in duty.articles}
        assert "일요일" in duty.basis_ko or "휴일" in duty.basis_ko, duty.basis_ko
    unrolled = calendar_of("Asia/Seoul").days(date(2026, 11, 12), 10, rolls=False)
    assert unrolled.due_on == date(2026, 11, 22)


def test_t31_the_mayor_is_no_account_and_delegation_no_value_of_the_ordinance() -> None:
    for matter in ("disclosure.approver_roles", "visitors.approver_roles"):
        assert ANYANG.parameter(matter).value == ("mayor",)
    assert "mayor" not in ROLES
    assert "위임표에 따로 기록" in ANYANG.parameter("disclosure.approver_roles").note
    assert not [a.id for a in load_pack(folder() / "kr_anyang").articles if "전결" in a.text]


def test_t32_uses_for_a_court_are_published_and_those_for_an_investigation_are_not() -> None:
    published = {g.code: g.publish for g in NATION.grounds("disclosure")}
    items = {code.rpartition(".")[2] for code, told in published.items() if told and code.startswith("pipa.18.2.")}
    assert items == {"2", "3", "5", "6", "8", "9", "10"}
    assert (published["pipa.18.2.8"], published["pipa.18.2.7"], published["pipa.18.2.1"]) == (True, False, False)
    for law in (ANYANG, OSAN, INCHEON):
        assert {c: law.ground(c).publish for c in ("trial", "investigation")} == {"trial": True, "investigation": False}

"""Versions of a policy: made of rows, refused with an empty item, announced in time, never changed afterwards."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.duties.models import Duty
from gwanje.centre.publication import bodies, items, reading_versions, services
from gwanje.centre.publication.models import Version
from gwanje.kernel.rls import set_scope
from support.centre import ledger_rows

pytestmark = pytest.mark.django_db


def today():
    return clock().local().date()


def announce(actor, days=0, reason="처음 정함", document="policy"):
    row = services.draft(actor, document, today() + timedelta(days), reason)
    return services.announce(actor, row.pk, row.sha256)


def kinds():
    return [kind for kind, _, _ in ledger_rows() if kind.startswith("publication.")]


def test_the_first_policy_is_made_of_rows_and_stands_at_once(written):
    row = announce(written)
    body = reading_versions.body(row)
    assert [s["item"] for s in body["sections"]] == list(services.law().parameter("policy.items").value)
    assert all(s["parts"] for s in body["sections"])
    said = "\n".join(line for own in bodies.lines(body).values() for line in own)
    for words in ("정보통신과장", "031-000-1234", "24시간", "열람실", "2대", "P-1", "북쪽 90°, 약 50 m", "생활방범"):
        assert words in said, words
    assert row.sha256 == bodies.digest(row.body)
    assert (body["number"], body["before"]) == (1, "")
    assert reading_versions.current(row.agency_id, "policy", today()) == row
    assert kinds()[-2:] == ["publication.version.drafted", "publication.version.announced"]


@pytest.mark.norm("policy.complete", "deny")
def test_an_empty_item_is_named_and_nothing_is_published(written):
    services.write_text(written, "policy", "이웃과의 약속", "  ", "")
    row = services.draft(written, "policy", today(), "처음 정함")
    with pytest.raises(Refused) as no:
        services.announce(written, row.pk, row.sha256)
    assert [(r.code, "'이웃과의 약속'" in r.ko) for r in no.value.decision.reasons] == [("item_missing", True)]
    row.refresh_from_db()
    assert row.state == "draft"


@pytest.mark.norm("policy.complete", "deny")
def test_a_department_without_its_hours_is_no_whole_policy(written, register):
    register("P-3", department="교통과")
    row = services.draft(written, "policy", today(), "처음 정함")
    with pytest.raises(Refused) as no:
        services.announce(written, row.pk, row.sha256)
    assert {r.ko.split("'")[1] for r in no.value.decision.reasons} == {"관리책임자 및 운영자", "촬영시간", "보관장소"}


@pytest.mark.norm("policy.announce", "deny")
def test_a_change_waits_its_days_and_has_a_reason(written):
    announce(written)
    services.write_text(written, "policy", "이웃과의 약속", "밤에는 소리를 내지 않습니다.", "")
    for days, reason, code in ((6, "증설", "too_soon"), (7, "", "reason_missing")):
        row = services.draft(written, "policy", today() + timedelta(days), reason)
        with pytest.raises(Refused) as no:
            services.announce(written, row.pk, row.sha256)
        assert [r.code for r in no.value.decision.reasons] == [code]
    assert announce(written, 7, "증설").announced_on == today()


def test_old_and_new_stand_side_by_side_until_the_day(written, advance):
    first = announce(written)
    services.write_text(written, "policy", "이웃과의 약속", "밤에는 소리를 내지 않습니다.", "")
    second = announce(written, 8, "이웃의 부탁")
    agency = first.agency_id
    assert reading_versions.current(agency, "policy", today()) == first
    assert reading_versions.body(second)["before"] == first.sha256
    changes = bodies.diff(reading_versions.body(first), reading_versions.body(second))
    assert [(c.title, c.removed, c.added) for c in changes] == [
        ("이웃과의 약속", ("따로 정한 것이 없습니다.",), ("밤에는 소리를 내지 않습니다.",))
    ]
    advance(8 * 86400)
    now = reading_versions.current(agency, "policy", today())
    assert now == second
    assert [reading_versions.state_of(row, now, today()) for row in (first, second)] == ["past", "in_force"]


def test_what_was_drafted_is_what_is_announced(written, register):
    row = services.draft(written, "policy", today(), "처음 정함")
    register("P-4")
    with pytest.raises(Problem, match="changed"):
        services.announce(written, row.pk, row.sha256)
    again = services.draft(written, "policy", today(), "처음 정함")
    assert again.pk == row.pk
    with pytest.raises(Problem, match="changed"):
        services.announce(written, row.pk, row.sha256)
    assert services.announce(written, again.pk, again.sha256).state == "announced"


def test_a_planned_change_is_a_duty_with_its_last_day(written):
    announce(written)
    assert not Duty.objects.filter(kind="policy.announce").exists()
    services.write_text(written, "policy", "이웃과의 약속", "밤에는 소리를 내지 않습니다.", "")
    services.draft(written, "policy", today() + timedelta(20), "이웃의 부탁")
    row = services.draft(written, "policy", today() + timedelta(30), "이웃의 부탁")
    states = dict(Duty.objects.filter(kind="policy.announce").values_list("due_on", "state"))
    assert states == {today() + timedelta(13): "void", today() + timedelta(23): "open"}
    services.announce(written, row.pk, row.sha256)
    assert Duty.objects.get(kind="policy.announce", due_on=today() + timedelta(23)).state == "done"


def test_an_announced_version_never_changes_not_even_by_sql(written):
    row = announce(written, 1)
    for change in ("body = '{}'", "sha256 = ''", "effective_on = effective_on + 1", "state = 'draft'"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as sql:
            sql.execute(f"update publication_version set {change} where id = %s", [row.pk])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as sql:
        sql.execute("delete from publication_version")


def test_announced_is_public_and_a_draft_is_not(written):
    row = announce(written)
    services.draft(written, "policy", today() + timedelta(9), "다음")
    set_scope(connection.cursor(), "none")
    assert list(Version.objects.values_list("pk", flat=True)) == [row.pk]
    assert Version.objects.filter(pk=row.pk).update(withdrawn_reason="남이 씀") == 0
    set_scope(connection.cursor(), "system")


def test_what_is_not_yet_in_force_is_withdrawn_with_a_reason(written):
    first = announce(written)
    with pytest.raises(Problem, match="state"):
        services.withdraw(written, first.pk, "잘못 적음")
    services.write_text(written, "policy", "이웃과의 약속", "바꿈", "")
    second = announce(written, 7, "바꿈")
    with pytest.raises(Problem, match="reason"):
        services.withdraw(written, second.pk, " ")
    services.withdraw(written, second.pk, "잘못 적음")
    third = announce(written, 7, "다시")
    assert third.number == 3
    assert reading_versions.body(third)["before"] == first.sha256


def test_bodies_are_canonical(written):
    row = announce(written)
    assert bodies.canonical(json.loads(row.body)) == row.body
    assert bodies.diff(json.loads(row.body), json.loads(row.body)) == []


def test_the_plan_is_a_document_of_its_own(written):
    services.write_text(written, "plan", "그 밖의 보호 사항", "없음", "")
    row = announce(written, document="plan")
    assert reading_versions.body(row)["title"]["ko"] == items.TITLES["plan"][0]


def test_what_no_item_is_and_who_may_not(written, officers, seat, police):
    with pytest.raises(Problem, match="item"):
        services.write_text(written, "policy", "없는 항목", "글", "")
    with pytest.raises(Problem, match="too_long"):
        services.write_text(written, "policy", "이웃과의 약속", "가" * 20_001, "")
    operator = services_actor(officers["operator"], seat)
    with pytest.raises(Refused):
        services.write_department(operator, "정보통신과", {})


def services_actor(person, seat):
    from gwanje.centre.staff import api as staff

    return staff.actor_for(person, seat.code)


def test_hundreds_of_lines_are_compared_and_thousands_too():
    def body(lines):
        section = {"title": {"ko": "목록"}, "parts": [{"text": {"ko": "\n".join(lines)}}]}
        return {"sections": [section], "annexes": {"departments": []}}

    for count in (300, 3000):
        old, new = [f"줄 {n}" for n in range(count)], [f"줄 {n}" for n in range(1, count)] + ["새 줄"]
        assert bodies.diff(body(old), body(new)) == [bodies.Change("목록", ("줄 0",), ("새 줄",))]

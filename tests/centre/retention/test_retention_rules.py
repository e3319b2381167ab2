"""Rules of retention against the real packs: the maximum, the other statute, the due moment, the certificate."""

from datetime import UTC, datetime

import pytest

from gwanje.centre.retention.certificate import Attempt, objection
from gwanje.centre.retention.rules import class_allowed, destruction_due
from gwanje.law import load

LAW = load(("kr_national", "kr_anyang"))
TODAY = LAW.on(datetime(2026, 11, 20, tzinfo=UTC).date())


def facts(kind, value, statute=""):
    return {"kind": kind, "value": value, "statute": statute}


@pytest.mark.norm("retention.max", "deny")
@pytest.mark.parametrize(
    "said", [facts("days", 31), facts("months", 1), facts("permanent", 0), facts("days", 31, "내부 방침")]
)
def test_longer_than_the_maximum_is_refused(said):
    found = class_allowed(said, TODAY)
    assert not found.allow
    assert found.reasons[0].code == "too_long"
    assert "30일" in found.reasons[0].ko
    assert any(article.id == "31(1)" for article in found.articles)


@pytest.mark.norm("retention.max", "allow")
@pytest.mark.parametrize(
    "said",
    [
        facts("days", 30),
        facts("days", 1),
        facts("none", 0),
        facts("days", 60, "○○법 제12조"),
        facts("months", 3, "여객자동차 운수사업법 시행규칙 제5조의2"),
        facts("permanent", 0, "○○법 제12조제1항"),
    ],
)
def test_the_maximum_and_another_statute_are_allowed(said):
    found = class_allowed(said, TODAY)
    assert found.allow
    assert found.articles


@pytest.mark.norm("retention.max", "deny")
@pytest.mark.parametrize("said", [facts("days", 0), facts("months", -1), facts("weeks", 2, "○○법 제12조")])
def test_a_class_without_a_value_is_refused(said):
    assert class_allowed(said, TODAY).reasons[0].code == "value_missing"


@pytest.mark.norm("retention.max", "late")
def test_the_duty_is_due_at_the_moment_of_death():
    started, dies = datetime(2026, 11, 20, 15, tzinfo=UTC), datetime(2026, 12, 20, 15, tzinfo=UTC)
    duty = destruction_due({"started_at": started, "dies_at": dies, "reference": "제31조제1항"}, TODAY)
    assert duty.due_at == dies
    # 15:00 UTC is midnight in Seoul: the day is counted there
    assert str(duty.starts_on) == "2026-11-21"
    assert str(duty.due_on) == "2026-12-21"
    assert duty.late(datetime(2026, 12, 22, tzinfo=UTC).date())
    assert not duty.late(duty.due_on)
    assert "30일" in duty.basis_ko


GOOD = Attempt(tried=4, opened=0, generation_key_absent=True, keystores=1, keys=1, contents=1)


@pytest.mark.norm("retention.irrecoverable", "deny")
@pytest.mark.parametrize(
    ("found", "word"),
    [
        (Attempt(4, 1, True, 1, 1, 1), "opened"),
        (Attempt(4, 0, False, 1, 1, 1), "generation key"),
        (Attempt(3, 0, True, 1, 1, 1), "not every sample"),
        (Attempt(4, 0, True, 1, 1, 1, ("vault",)), "nobody could search"),
        (Attempt(4, 0, True, 1, 1, 0), "not every sample"),
    ],
)
def test_no_certificate_without_a_failed_attempt(found, word):
    assert objection(GOOD, 4) == ""
    assert word in objection(found, 4)

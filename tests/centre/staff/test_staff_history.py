"""The history of rights: its rows outlive what every pack asks, and nobody of the centre can delete one."""

from __future__ import annotations

import pytest
from django.db import connection

from gwanje.centre.staff import api, services
from gwanje.kernel import ledger
from gwanje.law import NotInForce, load
from gwanje.law.packs import available

pytestmark = pytest.mark.django_db


def dying(kind):
    with connection.cursor() as cursor:
        cursor.execute(
            "select dies_at, extract(epoch from at) from ledger_opening where kind = %s order by 2 desc limit 1",
            [kind],
        )
        return cursor.fetchone()


@pytest.mark.norm("access.history", "deny")
def test_a_row_of_rights_outlives_the_longest_time_of_any_pack(hire):
    admin = api.actor_for(hire("administrator"), "")
    person = hire("operator")
    services.grant_role(person, "privacy_officer", "인사발령 가온-2", by=admin)
    services.revoke_role(person.grants.get(role="privacy_officer"), "전보", admin)
    years = [asked(name) for name in available() if name.startswith("kr_")]
    assert max(years) >= 3, "no pack asks for anything"
    for kind in ("staff.right.granted", "staff.right.revoked"):
        dies, at = dying(kind)
        assert dies.timestamp() - float(at) >= max(years) * 365 * 86400
    assert ledger.KEEP_YEARS["rights"] >= max(years)


def asked(name):
    """Years that a city's stack asks for, 0 for none."""
    from datetime import date

    stack = ["kr_national"] if name == "kr_national" else ["kr_national", name]
    try:
        return int(load(stack).on(date(2026, 11, 21)).parameter("log.rights_years_min").value)
    except NotInForce:
        return 0

"""Hours of a camera or a mandate as a page says them: days alone are no "always"."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from gwanje.centre.common.dates import hours


@pytest.mark.parametrize(
    ("value", "korean", "english"),
    [
        ({}, "항상", "Always"),
        ({"days": [0, 1, 2, 3, 4, 5, 6], "spans": []}, "항상", "Always"),
        ({"days": [0, 4], "spans": []}, "월·금 종일", "Mon·Fri all day"),
        ({"days": [], "spans": [["07:00", "09:00"], ["17:00", "20:00"]]}, "매일 07:00~09:00, 17:00~20:00",
         "Daily 07:00~09:00, 17:00~20:00"),
        ({"days": [6], "spans": [["22:00", "06:00"]]}, "일 22:00~06:00", "Sun 22:00~06:00"),
    ],
)  # fmt: skip
def test_hours_are_said_with_their_days(value, korean, english):
    with override("ko"):
        assert hours(value) == korean
    with override("en"):
        assert hours(value) == english

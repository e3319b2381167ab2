"""Dates on pages (날짜 표기): the forms of official papers, in letters and in tables; in the centre's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.template import Library
from django.utils.timezone import localtime
from django.utils.translation import get_language

register = Library()
WEEKDAYS = {"ko": "월화수목금토일", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}


@register.filter
def letters(value: date | datetime) -> str:
    """2026. 11. 20.(금), and 03:12 behind it when the value has a time of day."""
    at = localtime(value) if isinstance(value, datetime) else value
    day = WEEKDAYS["en" if get_language() == "en" else "ko"][at.weekday()]
    clock = f" {at:%H:%M}" if isinstance(at, datetime) else ""
    return f"{at.year}. {at.month}. {at.day}.({day}){clock}"


@register.filter
def hours(value: Mapping[str, Any]) -> str:
    """월·화·수·목·금 07:00~09:00, 17:00~20:00 of ``{"days": [0-6], "spans": [[…, …]]}``; 항상 when it says nothing."""
    english = get_language() == "en"
    days, spans = value.get("days") or [], value.get("spans") or []
    if len(days) in (0, 7) and not spans:
        return "Always" if english else "항상"
    names = WEEKDAYS["en" if english else "ko"]
    said = "·".join(names[day] for day in days) if len(days) not in (0, 7) else ("Daily" if english else "매일")
    times = ", ".join("~".join(pair) for pair in spans) or ("all day" if english else "종일")
    return f"{said} {times}"


@register.filter
def span(first: datetime, until: datetime) -> str:
    """2026-11-20 03:12:45 ~ 03:13:10; the second day is named only where it is another one."""
    begin, end = localtime(first), localtime(until)
    same = begin.date() == end.date()
    return f"{begin:%Y-%m-%d %H:%M:%S} ~ {end.strftime('%H:%M:%S' if same else '%Y-%m-%d %H:%M:%S')}"

"""Numbers on a page (수 표시)."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.filter
def comma(value: Any) -> str:
    """12345 → 12,345; what is no whole number stays as it is."""
    return f"{value:,}" if isinstance(value, int) else str(value)

"""Facts of a clock as they lie in a row (기산 사실): dates and moments survive as what they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

DATE, MOMENT = "date", "moment"


def stored(facts: Mapping[str, Any]) -> dict[str, Any]:
    """JSON of the facts; TypeError for what a clock never asks about."""
    return {name: _stored(value) for name, value in facts.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return {MOMENT: value.isoformat()}
    if isinstance(value, date):
        return {DATE: value.isoformat()}
    if value is None or isinstance(value, str | int | bool):
        return value
    raise TypeError(f"no fact of a clock: {value!r}")


def read(body: Mapping[str, Any]) -> dict[str, Any]:
    """The facts again."""
    return {name: _read(value) for name, value in body.items()}


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value[MOMENT]) if MOMENT in value else date.fromisoformat(value[DATE])
    return value

"""Grounds on pages (열람·재생 근거): a row keeps the Korean words of its day, an English page says them in English."""

from __future__ import annotations

from typing import Protocol

from django.template import Library
from django.utils.translation import get_language

from gwanje.centre.common import law

register = Library()


class Grounded(Protocol):
    """A row that rests on a ground: its code, and its title as it stood when the row was written."""

    ground: str
    ground_title: str


@register.filter
def ground_word(row: Grounded) -> str:
    """The row's own Korean title; on an English page the English of the ground, as long as its Korean is still that."""
    if get_language() != "en":
        return row.ground_title
    try:
        found = law().ground(row.ground)
    except KeyError:
        return row.ground_title
    return found.en if found.ko == row.ground_title else row.ground_title

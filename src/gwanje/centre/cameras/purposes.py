"""Purposes of installation (설치목적): four classifications, one table of data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@dataclass(frozen=True)
class Purpose:
    """One purpose: ``name`` of the national standard, and where the other classifications put it.

    ``ordinance``: class/item pairs. ``act``: item of the Act's Article 25(1). ``public``: the shared word that a
    pack lists among its public purposes.
    """

    name: str
    ordinance: tuple[str, ...]
    survey: str
    act: int
    public: str


@cache
def purposes() -> dict[str, Purpose]:
    """All ten, by their national name, in the standard's order."""
    text = (files("gwanje.centre.cameras") / "purposes.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return {
        name: Purpose(name, tuple(row["ordinance"]), row["survey"], int(row["act"]), row["public"])
        for name, row in table.items()
    }


def public_words(names: list[str]) -> list[str]:
    """The shared words of some national purposes; a name that is none of the ten stays as it is (and is no word)."""
    known = purposes()
    return sorted({known[name].public if name in known else name for name in names})


def classified(names: list[str]) -> dict[str, Any]:
    """All four classifications of a camera's purposes, as they are stored on it."""
    known = [purposes()[name] for name in names if name in purposes()]
    return {
        "national": [p.name for p in known],
        "ordinance": sorted({item for p in known for item in p.ordinance}),
        "survey": sorted({p.survey for p in known}),
        "act": sorted({p.act for p in known}),
    }

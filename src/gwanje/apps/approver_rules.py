"""Approver rules from the law of the day (승인 규칙): what the pack says of officers, as vaultd keeps it.

vaultd reads no pack: two officers put these rules into its keystore, where their digest stands in ``status``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.kernel.home import Home
from gwanje.law import InForce, NotInForce, load


def of_law(law: InForce, now: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of a day, from those in force: approvers, quorum, cooling time (s) and urgent grounds are the law's.

    A value that no rule of that day says stays as it is. Urgent are grounds of playback that are reviewed afterwards.
    """
    rules = dict(now)
    for name, word, factor in (
        ("approvers", "playback.approver_roles", None), ("quorum", "officers.quorum", 1),
        ("cooling_s", "officers.key_cooling_hours", 3600),
    ):  # fmt: skip
        try:
            value = law.parameter(word).value
        except NotInForce:
            continue
        rules[name] = sorted(value) if factor is None else int(value) * factor
    rules["urgent"] = sorted(g.code for g in law.grounds("playback") if g.post_review)
    return rules


def of_home(home: Home, now: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of a folder's packs today; without packs of its own those in force."""
    if not home.config.get("packs"):
        return dict(now)
    return of_law(load(tuple(home.config["packs"])).on(home.clock.local().date()), now)

"""What preservation asks of vaultd (영상 키 관리 장치에 대한 요청); its refusals in words for people."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar

from gwanje.centre.common import home
from gwanje.centre.common.refusal import Problem, vault_away
from gwanje.vault.client import VaultAway, VaultClient, VaultRefused

T = TypeVar("T")


@cache
def client() -> VaultClient:
    """The web's connection."""
    return VaultClient(home(), "web")


def said(act: Callable[[], T]) -> T:
    """The answer of one request; Problem 409 when vaultd refuses, 503 when it is away (nothing was written here)."""
    try:
        return act()
    except VaultRefused as no:
        ko, _, en = no.message.partition(" / ")
        detail = f" ({no.detail})" if no.detail else ""
        raise Problem(
            f"vault_{no.code}", f"{ko}{detail}", f"{en or ko}{detail}", rule="영상 키 관리 장치", status=409,
            next_="구간과 담당자 등록을 확인하십시오.", next_en="Check the range and the officers' registry.",
        ) from no  # fmt: skip
    except VaultAway as away:
        raise vault_away() from away

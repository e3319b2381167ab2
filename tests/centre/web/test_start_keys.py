"""Start page: who answers for the keys sees how many places hold them, and nobody else."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from gwanje.vault.client import VaultAway, VaultClient

pytestmark = pytest.mark.django_db


def status(monkeypatch, copies=2, replicas=2, rolled_back=None):
    said = SimpleNamespace(copies=copies, replicas=replicas, rolled_back=rolled_back)
    monkeypatch.setattr(VaultClient, "status", lambda self: said)


def page(sign_in, officers, role) -> str:
    return re.sub(r"\s+", " ", sign_in(officers[role]).get("/").content.decode())


@pytest.mark.parametrize(("copies", "replicas", "tone"), [(2, 2, "ok"), (1, 2, "bad"), (1, 1, "bad"), (3, 3, "ok")])
def test_the_copies_of_the_keys_stand_on_the_start_page(sign_in, officers, monkeypatch, copies, replicas, tone):
    status(monkeypatch, copies, replicas)
    text = page(sign_in, officers, "privacy_officer")
    assert f'<span class="badge {tone}">키 복제 {copies}/{replicas}</span>' in text
    assert ("이 장비를 잃으면" in text) == (replicas == 1)
    assert ("파기 확인서가 늦어집니다" in text) == (copies < replicas)


def test_an_operator_is_not_told(sign_in, officers, monkeypatch):
    status(monkeypatch)
    assert "키 복제" not in page(sign_in, officers, "operator")


def test_a_keystore_that_was_rolled_back_is_said_first(sign_in, officers, monkeypatch):
    status(monkeypatch, rolled_back="forked: 1 = 9, 12")
    text = page(sign_in, officers, "privacy_officer")
    assert "키 저장소가 최신이 아닙니다" in text
    assert "키 복제 2/2" not in text


def test_a_vaultd_that_is_away_is_said(sign_in, officers, monkeypatch):
    def away(self):
        raise VaultAway("away")

    monkeypatch.setattr(VaultClient, "status", away)
    assert "키 관리 장치가 응답하지 않습니다" in page(sign_in, officers, "privacy_officer")

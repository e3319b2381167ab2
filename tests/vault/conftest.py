"""Fixtures of the vault's tests; the helpers lie in ``conftest_vault``."""

from conftest_vault import centre, desk, served, vault

__all__ = ["centre", "desk", "served", "vault"]

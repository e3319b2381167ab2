"""Tokens as a browser carries them: one form, and nothing that only looks like it."""

from __future__ import annotations

import os

import pytest

from gwanje.kernel import base64url


def test_what_is_written_is_read_back() -> None:
    for size in range(70):
        data = os.urandom(size)
        said = base64url.to_text(data)
        assert "=" not in said
        assert base64url.from_text(said, 100) == data


@pytest.mark.parametrize("wrong", ["a b c", "ab\ncd", "a+b/", "열람", "a", "ab==x", None, 5, b"YQ", ["YQ"], "A" * 101])
def test_nothing_else_is_a_token(wrong: object) -> None:
    """The recorder's own decoder skipped every sign outside the alphabet."""
    with pytest.raises(ValueError, match=r"base64url|too long"):
        base64url.from_text(wrong, 100)

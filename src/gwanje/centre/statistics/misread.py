"""Misread words (잘못 읽은 글자): a word of a scan becomes a code only when the classification has it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gwanje.law.schema import read

WORD_MAX = 60
# dots between two words: each print has another one
_DOTS = re.compile(r"[․･ㆍ·‧∙/,]")


@dataclass(frozen=True)
class Refused:
    """A word that is no code; ``proposed``: the code it looks like, or empty."""

    word: str
    proposed: str


@cache
def fixes() -> dict[str, str]:
    """Misread letters and what they are, the longest first."""
    content = read(Path(__file__).with_name("misread.yaml"))
    return {str(k): str(content[k]) for k in sorted(content, key=lambda k: (-len(str(k)), str(k)))}


def _bare(word: str) -> str:
    return "".join(_DOTS.sub("", unicodedata.normalize("NFC", word)).split())


def code_of(word: str, known: Iterable[str]) -> str | Refused:
    """The code that a printed word is, white space and dots apart; else what it may be a misreading of.

    Nothing is guessed: a misread word comes back as ``Refused`` with the proposal, for a person to look up.
    """
    codes = {_bare(code): code for code in known}
    bare = _bare(word[: WORD_MAX + 1])
    if bare in codes and len(word) <= WORD_MAX:
        return codes[bare]
    mended = bare
    for wrong, right in fixes().items():
        mended = mended.replace(_bare(wrong), _bare(right))
    return Refused(word[:WORD_MAX], codes.get(mended, ""))

"""Korean first, English second: every word of the project's, staff's and playback's pages has its English."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.pofile import read_po

import gwanje

ROOT = Path(gwanje.__file__).parent
FOLDERS = ("apps/web/templates", "centre/staff", "centre/playback")
NEVER = ("퍼밋", "볼트", "틱", "티켓")


def words(text):
    """Source strings of a template or module."""
    found = re.findall(r"""{%\s*translate\s+["']([^"']+)["']""", text)
    found += re.findall(r"""_(?:lazy)?\(\s*"([^"]+)"\s*\)""", text)
    for inner in re.findall(r"{%\s*blocktranslate[^%]*%}(.*?){%\s*endblocktranslate", text, re.S):
        found.append(re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", inner))
    return found


def sources():
    """Every template and module that speaks to people."""
    for folder in FOLDERS:
        for pattern in ("**/*.html", "*.py"):
            yield from (ROOT / folder).glob(pattern)


def test_every_word_has_its_english():
    known = set()
    for file in ROOT.rglob("locale/en/LC_MESSAGES/django.po"):
        with file.open("rb") as handle:
            known |= {message.id for message in read_po(handle) if message.id and message.string}
    asked = {word for file in sources() for word in words(file.read_text())}
    assert len(asked) > 120
    assert not sorted(asked - known)


def test_words_that_never_stand_on_a_screen():
    for file in sources():
        said = " ".join(words(file.read_text()))
        assert not [word for word in NEVER if word in said], file.name

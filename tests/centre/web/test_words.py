"""Korean first, English second: every word of every page has its English, and the same one everywhere."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.pofile import read_po

import gwanje

ROOT = Path(gwanje.__file__).parent
FOLDERS = ("apps/web", "centre")
NEVER = ("퍼밋", "볼트", "틱 ", "티켓", "금고")


def words(text):
    """Source strings of a template or module."""
    found = re.findall(r"""{%\s*translate\s+["']([^"']+)["']""", text)
    found += re.findall(r"""_(?:lazy)?\(\s*"([^"]+)"\s*\)""", text)
    for inner in re.findall(r"{%\s*blocktranslate[^%]*%}(.*?){%\s*endblocktranslate", text, re.S):
        for part in re.split(r"{%\s*plural\s*%}", inner):
            found.append(re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", part))
    return found


def sources():
    """Every template and module that speaks to people."""
    for folder in FOLDERS:
        for pattern in ("**/*.html", "**/*.py"):
            yield from (ROOT / folder).glob(pattern)


def english():
    """Korean word → every English word that a catalogue gives it."""
    known = {}
    for file in ROOT.rglob("locale/en/LC_MESSAGES/django.po"):
        with file.open("rb") as handle:
            for message in read_po(handle):
                ids, strings = ([m] if isinstance(m, str) else list(m) for m in (message.id, message.string))
                for word in filter(None, ids):
                    known.setdefault(word, set()).add(strings[0])
    return {word: said for word, said in known.items() if all(said)}


def test_every_word_has_its_english():
    known = english()
    asked = {word for file in sources() for word in words(file.read_text()) if re.search("[가-힣]", word)}
    assert len(asked) > 400
    assert not sorted(asked - set(known))


def test_a_word_has_one_english_in_all_rooms():
    # catalogues are merged: where two rooms differ, every page would show the last one's
    assert not {word: said for word, said in english().items() if len(said) > 1}


def test_words_that_never_stand_on_a_screen():
    for file in sources():
        said = " ".join(words(file.read_text()))
        assert not [word for word in NEVER if word in said], file.name

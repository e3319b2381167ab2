"""Documents (문서 출력): PDF/A-2b of a Typst template, whatever letters people, devices and files have in them."""

from __future__ import annotations

import json
import re
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders

from gwanje.centre.common import letters

# ours first; Hanja and signs of Korea's own shapes before China's, which has the rest; pictograms in one colour
FAMILIES = ("Pretendard", "Noto Sans KR", "Noto Sans SC", "Noto Sans Symbols 2", "Noto Emoji")
FILES = tuple(f"{family.replace(' ', '')}-Regular.ttf" for family in FAMILIES)
SYSTEM_FONTS = ("NanumGothic", "Noto Sans CJK KR", "Noto Sans KR")
# letters that every Korean font has: printable ASCII, Hangul, and the signs that our own words use
_SHOWN = re.compile(r"[\n -~가-힣ㄱ-ㅎㅏ-ㅣ·…–—‘’“”「」『』○●°※→□■ㆍ]*")


def fonts() -> Path | None:
    """Folder of the document fonts, or None for the system's."""
    found = finders.find(f"vendor/fonts/{FILES[0]}")
    return Path(found).parent if isinstance(found, str) else None


def render(package: str, name: str, data: dict[str, Any], fonts_folder: Path | None) -> bytes:
    """PDF/A-2b of ``documents/NAME`` in a package; every text is data of the template, never its source.

    PDF/A refuses a whole document for one letter without a shape (a rare Hanja, a control character in a device's
    name): letters that no font has are written as their codes, ``[U+20BB7]``. Where the fonts' tables promised too
    much (marks that a font cannot join), the document is made a second time with codes for all but Korean and ASCII.
    """
    # a large library, and most pages print nothing
    import typst

    # a font that is not there yet costs its letters, never the document
    known = letters.of_files(fonts_folder, _there(fonts_folder)) if fonts_folder else ()
    data = {**data, "font": list(FAMILIES if fonts_folder else SYSTEM_FONTS)}
    with as_file(files(package) / "documents" / name) as template:
        try:
            return _compiled(template, shown(data, known) if known else data, fonts_folder)
        except typst.TypstError:
            return _compiled(template, spelt(data), fonts_folder)


def _there(folder: Path) -> tuple[str, ...]:
    return tuple(name for name in FILES if (folder / name).is_file())


def shown(value: Any, known: tuple[frozenset[int], ...]) -> Any:
    """The same with each letter that none of the ``known`` fonts has as its code; keys and numbers stay."""
    if isinstance(value, str):
        # people paste from tables: a tab is a space between words, and no letter
        text = value.replace("\t", " ")
        return text if _SHOWN.fullmatch(text) else letters.spelt(text, known)
    if isinstance(value, dict):
        return {key: shown(one, known) for key, one in value.items()}
    return [shown(one, known) for one in value] if isinstance(value, list | tuple) else value


def spelt(value: Any) -> Any:
    """The same with every letter that any font may lack as its code; keys and numbers stay."""
    if isinstance(value, str):
        text = value.replace("\t", " ")
        return "".join(letter if _SHOWN.fullmatch(letter) else f"[U+{ord(letter):04X}]" for letter in text)
    if isinstance(value, dict):
        return {key: spelt(one) for key, one in value.items()}
    return [spelt(one) for one in value] if isinstance(value, list | tuple) else value


def _compiled(template: Path, data: dict[str, Any], fonts_folder: Path | None) -> bytes:
    import typst

    made = typst.compile(
        template,
        root=template.parent,
        font_paths=[fonts_folder] if fonts_folder else [],
        ignore_system_fonts=fonts_folder is not None,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=["a-2b"],
    )
    assert isinstance(made, bytes)
    return made

"""Documents (문서 출력): PDF/A-2b of a Typst template, whatever letters people, devices and files have in them."""

from __future__ import annotations

import json
import re
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders

SYSTEM_FONTS = ("NanumGothic", "Noto Sans CJK KR", "Noto Sans KR")
# letters that every font of our documents has: printable ASCII, Hangul, and the signs that our own words use
_SHOWN = re.compile(r"[\n -~가-힣ㄱ-ㅎㅏ-ㅣ·…–—‘’“”「」『』○●°※→□■ㆍ]")


def fonts() -> Path | None:
    """Folder of the document fonts, or None for the system's."""
    found = finders.find("vendor/fonts/Pretendard-Regular.otf")
    return Path(found).parent if isinstance(found, str) else None


def render(package: str, name: str, data: dict[str, Any], fonts_folder: Path | None) -> bytes:
    """PDF/A-2b of ``documents/NAME`` in a package; every text is data of the template, never its source.

    PDF/A refuses a whole document for one letter without a shape in its font (a rare Hanja, a pictogram, a control
    character in a device's name): then such letters are written as their codes, ``[U+1F600]``.
    """
    # a large library, and most pages print nothing
    import typst

    data = {**data, "font": ["Pretendard"] if fonts_folder else list(SYSTEM_FONTS)}
    with as_file(files(package) / "documents" / name) as template:
        try:
            return _compiled(template, data, fonts_folder)
        except typst.TypstError:
            return _compiled(template, spelt(data), fonts_folder)


def spelt(value: Any) -> Any:
    """The same with every letter that a font may lack as its code; keys and numbers stay."""
    if isinstance(value, str):
        return "".join(letter if _SHOWN.match(letter) else f"[U+{ord(letter):04X}]" for letter in value)
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

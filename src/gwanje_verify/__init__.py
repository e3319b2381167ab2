"""Verifier of evidence bundles (증거 묶음 검증): nothing of gwanje in it; a bundle carries it as ``verify.py``."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
PAGE = _FOLDER / "verify.html"


def single() -> bytes:
    """Both halves as the one file that stands in a bundle: formats first, their import in the second half taken out."""
    first, second = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("formats.py", "verify.py"))
    head, _, _ = second.partition("from __future__")
    _, _, first = first.partition("from __future__ import annotations\n")
    start, _, rest = second.partition("from gwanje_verify.formats import (")
    imports = start.partition("from __future__ import annotations\n")[2]
    return (head + "from __future__ import annotations\n" + first + imports + rest.partition(")\n")[2]).encode()

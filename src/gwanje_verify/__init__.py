"""Verifier of evidence bundles (증거 묶음 검증): nothing of gwanje in it; a bundle carries it as ``verify.py``."""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
PAGE = _FOLDER / "verify.html"


_OWN = re.compile(r"from gwanje_verify\.\w+ import (?:\([^)]*\)|[^\n]*)\n")
_FUTURE = "from __future__ import annotations\n"


def single() -> bytes:
    """All three as the one file that stands in a bundle: formats, camera, then the steps, without their own imports."""
    heads, bodies = [], []
    for name in ("formats.py", "camera.py", "verify.py"):
        head, _, body = (_FOLDER / name).read_text(encoding="utf-8").partition(_FUTURE)
        heads.append(head)
        bodies.append(_OWN.sub("", body))
    return (heads[-1] + _FUTURE + "".join(bodies)).encode()

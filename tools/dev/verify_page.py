"""The page that stands in every evidence bundle: scripts, style and words put into one offline HTML file."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from collections.abc import Callable

from tools.dev.shell import CACHE, ROOT, Stamp, digest, run, say

SOURCE = ROOT / "frontend/verify"
PAGE = ROOT / "src/gwanje_verify/verify.html"
BUILT = CACHE / "verify-page"


def _hash(content: str) -> str:
    """What the page's own policy names: nothing else may run in it or style it."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def verify_page(compiler: Callable[[], list[str]]) -> bool:
    """Compile ``frontend/verify`` and write the page when a source has changed; ``compiler``: gives tsc as argv."""
    sources = sorted(path for path in SOURCE.iterdir() if path.suffix in (".ts", ".json", ".html", ".css"))
    stamp = Stamp("verify-page", digest([*sources, ROOT / "frontend/tsconfig.json", ROOT / "package-lock.json"]))
    if stamp.fresh(PAGE):
        return False
    say("증거 묶음 확인 화면 / the bundle's page (tsc) …")
    shutil.rmtree(BUILT, ignore_errors=True)
    run([*compiler(), "-p", SOURCE, "--outDir", BUILT], what="tsc")
    script = "".join(path.read_text(encoding="utf-8") for path in sorted(BUILT.glob("*.js")))
    style = (SOURCE / "page.css").read_text(encoding="utf-8")
    page = (SOURCE / "page.html").read_text(encoding="utf-8")
    parts = {"@@SCRIPT-HASH@@": _hash(script), "@@STYLE-HASH@@": _hash(style), "@@STYLE@@": style, "@@SCRIPT@@": script}
    for mark, content in parts.items():
        page = page.replace(mark, content)
    part = PAGE.with_suffix(".new")
    part.write_text(page, encoding="utf-8")
    os.replace(part, PAGE)
    stamp.done()
    return True

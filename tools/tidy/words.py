"""Banned words, each with what to write instead; a ban that lint has already (print, bare except) is not repeated.

An exemption stands on the line it concerns, with its reason: ``# tidy: the reason in words``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.tidy.files import ROOT, Finding, ours, relative


@dataclass(frozen=True)
class Ban:
    """``where``: a regular expression on the path; ``but``: paths that are the word's own home."""

    word: str
    instead: str
    where: str
    but: str = "(?!)"


CODE = r"^src/gwanje/.*\.py$"
EXEMPT = re.compile(r"tidy: \S+ \S+ \S+")
PAGES = r"^(src/gwanje/.*\.(html|css|po)|frontend/(src|sign)/.*\.ts)$"
BANS = (
    Ban(
        r"\b(datetime|date)\.(now|today|utcnow)\(|\btime\.time(_ns)?\(|\btimezone\.now\b|\bauto_now",
        "kernel.clock (Home.clock) is the one clock",
        CODE,
        r"^src/gwanje/kernel/(clock|ids)\.py$",
    ),
    Ban(
        r"\.(create|bulk_create|bulk_update|get_or_create|update_or_create)\(|\.(save|delete)\(\)",
        "a function of services.py: act and ledger row in one transaction",
        r"^src/gwanje/(centre|apps/web)/(.*/)?(views|endpoints|api|rules|forms|urls|context)(/.*|_[a-z]+)?\.py$",
    ),
    Ban(r"(?<!IP4 )\b0\.0\.0\.0\b", "127.0.0.1: a listener elsewhere needs TLS", CODE),
    Ban(r"\b(TODO|FIXME|XXX)\b", "an issue, or do it", r"^(src|tests|frontend/src|bench)/.*\.(py|ts|html|sql)$"),
    Ban(r"\.(innerHTML|outerHTML)\b|insertAdjacentHTML|document\.write\(", "textContent or elements", PAGES),
    Ban(r"\beval\(|new Function\(", "nothing: the pages' CSP forbids it", PAGES),
    Ban(r"\b(local|session)Storage\b", "the server: a seat's browser keeps nothing", PAGES),
    Ban(
        r"(?:https?:)?//(?!localhost|127\.0\.0\.1|www\.w3\.org)[a-z0-9-]+\.[a-z]{2,}",
        "a file of our own: a control centre has no internet",
        r"^(src/gwanje/.*\.(html|css)|frontend/src/.*\.ts)$",
    ),
    Ban(r"퍼밋", "열람·재생 허가", PAGES),
    Ban(r"볼트", "키 저장소 or nothing: not a word for a screen", PAGES),
    Ban(r"(?<![가-힣])틱(?![가-힣])", "초: not a word for a screen", PAGES),
    Ban(r"<script(?![^>]*\b(src=|type=\"application/json\"))", "a module file: the CSP forbids inline scripts", PAGES),
    Ban(r"\sstyle=\"|\son[a-z]+=\"", "a class or a listener: the CSP forbids inline style and handlers", PAGES),
    Ban(r"/(work|home|root|tmp/parts)/[a-z]", "a path relative to the clone", r"^(src|tests|tools|bench|demo|docs)/"),
)


def banned(root: Path = ROOT) -> Iterator[Finding]:
    """Every banned word in its scope."""
    compiled = [(ban, re.compile(ban.word), re.compile(ban.where), re.compile(ban.but)) for ban in BANS]
    files = ours(
        ".py", ".ts", ".html", ".css", ".po", ".sql", ".md", ".yaml", under=("src", "tests", "tools", "bench",
        "demo", "docs", "frontend/src"), root=root,
    )  # fmt: skip
    for path in files:
        name = relative(path, root)
        mine = [(b, word) for b, word, where, but in compiled if where.search(name) and not but.search(name)]
        if not mine or name == "tools/tidy/words.py" or name.startswith("tests/tidy/"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for ban, word in mine:
                if (found := word.search(line)) and not EXEMPT.search(line):
                    yield Finding(name, number, f"`{found[0]}`: write {ban.instead}")

"""The static site (홈페이지 자료): public pages as plain HTML in one ZIP, for a centre without the internet.

The same rows on the same day make the same bytes: names sorted, one fixed time, nothing compressed. No script, no
address of anybody else, two languages; ``checksums.txt`` lists every file's SHA-256.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import translation

from gwanje.centre.common import clock, home, law
from gwanje.centre.publication import bodies, items, pages, reading, reading_versions

LANGUAGES = ("ko", "en")
STAMP = (1980, 1, 1, 0, 0, 0)
BASE = "publication/site/base.html"


def archive(agency: UUID, on: date | None = None) -> bytes:
    """The ZIP of an agency's public pages on a day, today by default."""
    day = on or clock().local().date()
    files = {name: text.encode() for name, text in _files(agency, day)}
    sums = "".join(f"{bodies.digest_of(data)}  {name}\n" for name, data in sorted(files.items()))
    files["checksums.txt"] = sums.encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as out:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, STAMP)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            out.writestr(entry, files[name])
    return made.getvalue()


def _files(agency: UUID, day: date) -> Iterator[tuple[str, str]]:
    yield "style.css", render_to_string("publication/site/style.css")
    for lang in LANGUAGES:
        folder = "" if lang == "ko" else f"{lang}/"
        site = pages.Site(agency, day, lang, _link)
        with translation.override(lang):
            for name, text in _pages(site):
                yield f"{folder}{name}", text
    for name in items.DOCUMENTS:
        for row in reading_versions.history(agency, name):
            # the very bytes whose digest stands on the page
            yield f"data/{name}-{row.number}.json", reading_versions.text_of(row)


def _link(name: str, number: int | None = None) -> str:
    return f"{name}-{number}.html" if number else f"{name}.html"


def _pages(site: pages.Site) -> Iterator[tuple[str, str]]:
    yield "index.html", _render(site, "index.html", "publication/site/index.html", {
        **site.common, "documents": [pages.document(site, name) for name in items.DOCUMENTS],
        "packs": reading.packs(),
    })  # fmt: skip
    for name in items.DOCUMENTS:
        first = pages.document(site, name)
        yield f"{name}.html", _render(site, f"{name}.html", "publication/document.html", first)
        for version in first["versions"] if first else ():
            number = version["row"].number
            file = _link(name, number)
            yield file, _render(site, file, "publication/document.html", pages.document(site, name, number))
    for name, maker in pages.MAKERS.items():
        yield f"{name}.html", _render(site, f"{name}.html", f"publication/public_{name}.html", maker(site))
    yield from _law(site)


def _law(site: pages.Site) -> Iterator[tuple[str, str]]:
    today = law(site.on)
    packs = reading.packs()
    context = {**site.common, "packs": packs, "conflicts": today.conflicts()}
    yield "law.html", _render(site, "law.html", "publication/site/law.html", context)
    for pack in packs:
        lines = [
            {
                **reading.line(a, site.on),
                "text": a.text,
                "parameters": reading.parameters_of(a, today),
                "since": a.since,
            }
            for a in pack.articles
        ]
        file = f"law-{pack.id}.html"
        yield file, _render(site, file, "publication/site/pack.html", {**site.common, "pack": pack, "lines": lines})


def _render(site: pages.Site, file: str, template: str, context: dict[str, Any] | None) -> str:
    up = "" if site.lang == "ko" else "../"
    other = f"en/{file}" if site.lang == "ko" else f"../{file}"
    known = {"base": BASE, "up": up, "other": other, "centre_name": str(home().config.get("name") or ""),
             "LANGUAGE_CODE": site.lang, "static": True}  # fmt: skip
    return render_to_string(template, {**known, **(context or {})})

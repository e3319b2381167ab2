"""`./dev prints --out FOLDER [--only NAME] [--dpi N]`: every paper as PDF and PNG, to be looked at by a person.

Forms blank, filled and with hostile values, and every other document, each asked of the PDF/A checker as well.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import support

ON = date(2026, 11, 21)


def papers(only: str) -> Iterator[tuple[str, bytes]]:
    """Name and PDF of each paper whose name holds ``only``; made when it is asked for."""
    from gwanje.centre.common.papers import pdf
    from support.papers import filled, forms, hostile
    from support.printed import DOCUMENTS

    for name, schema in sorted(forms().items()):
        states = {"blank": lambda: None, "filled": partial(filled, schema), "hostile": partial(hostile, schema, 2)}
        for state, values in states.items():
            if only in f"{name}-{state}":
                yield f"{name}-{state}", pdf.render(schema, values(), on=ON, author="가온시 통합관제센터")
    for name, make in DOCUMENTS.items():
        if only in name:
            yield name, make()


def main() -> int:
    """Print, write the files, and say what the checker says; 1 when it says anything."""
    parser = argparse.ArgumentParser(prog="./dev prints")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", default="", help="papers whose name holds this")
    parser.add_argument("--dpi", type=int, default=110)
    given = parser.parse_args()
    support.django()
    from support.pdfa import remarks

    given.out.mkdir(parents=True, exist_ok=True)
    found = count = 0
    for name, made in papers(given.only):
        file = given.out / f"{name}.pdf"
        file.write_bytes(made)
        subprocess.run(["pdftoppm", "-q", "-r", str(given.dpi), "-png", file, file.with_suffix("")], check=True)
        said = remarks(made)
        found, count = found + len(said), count + 1
        for line in said:
            sys.stdout.write(f"{name}: {line}\n")
    sys.stdout.write(f"{count} papers in {given.out}, {found} remarks of the PDF/A checker\n")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())

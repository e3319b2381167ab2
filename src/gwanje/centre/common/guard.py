"""Cells that a spreadsheet would run (수식 방지): an apostrophe before them in what we write, taken off when read.

Both ways are exact: what was guarded once reads back as it was, also a text that had apostrophes of its own.
"""

from __future__ import annotations

import re

# behind spaces too, and behind a tab or a line end; a lone hyphen is how lists write that there is nothing
_RUNS = re.compile(r"'* *(?:[=+@\t\r]|-.)", re.DOTALL)


def guarded(cell: str) -> str:
    """The cell as it is written into a file."""
    return f"'{cell}" if _RUNS.match(cell) else cell


def restored(cell: str) -> str:
    """The cell as it was before ``guarded``."""
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell, 1) else cell

"""Objects of the project's own addresses."""

from __future__ import annotations

from typing import Any

from gwanje.centre.common import home
from gwanje.kernel.ledger.publish import folder


def checkpoint(world: Any) -> str:
    """A published checkpoint."""
    folder(home()).mkdir(parents=True, exist_ok=True)
    (folder(home()) / "checkpoint").write_text("a note\n")
    return "checkpoint"


OBJECTS = {"checkpoint": checkpoint}

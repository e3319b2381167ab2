"""Environment of child processes (하위 프로세스 환경): what they need to start, and nothing that opens anything.

The recorder's own environment may hold the database's address with its password; a child that reads what strangers
send must not.
"""

from __future__ import annotations

import os
from typing import Final

KEPT: Final = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL")


def environment() -> dict[str, str]:
    """The variables of ``KEPT`` that are set."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}

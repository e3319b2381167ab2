"""Fixtures of the bundle's tests; they lie in ``evidence_conftest``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from evidence_conftest import scene

__all__ = ["scene"]

"""The papers' tests: Django's templates, fonts and words; no database."""

from __future__ import annotations

import support

support.django()

"""The centre's tests: Django on real PostgreSQL as the app's role, every test in a transaction that is rolled back."""

from __future__ import annotations

import support

support.django()

from support.centre import *  # noqa: E402, F403

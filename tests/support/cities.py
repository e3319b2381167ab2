"""A centre's city for a test (도시 바꾸기): the one setting, ``packs`` of config.json, and back again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gwanje.centre import common

OSAN = ("kr_national", "kr_osan")


@contextmanager
def switching() -> Iterator[Callable[[Sequence[str] | None], None]]:
    """A function that names the packs in force from now on (None: the run's own); what was comes back at the end."""
    config = common.home().config
    before = config["packs"]

    def switch(names: Sequence[str] | None) -> None:
        config["packs"] = list(names or before)
        common.packs.cache_clear()

    try:
        yield switch
    finally:
        switch(None)

"""Work of processes of their own that mostly waits (미리 시작): begun with the session, taken by the test it is for.

A test module names it: ``AHEAD = ("name", make)``. What ``make`` gives has ``end()``; nobody waits for it before its
test asks, and what no test took is ended with the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar


class Begun(Protocol):
    """Something that runs."""

    def end(self) -> None:
        """Stop it, whatever it is at."""
        ...


T = TypeVar("T", bound=Begun)
_running: dict[str, Begun] = {}


def begin(modules: Iterable[Any]) -> None:
    """Start what these test modules name, each once."""
    for module in modules:
        said = getattr(module, "AHEAD", None)
        if said is not None and said[0] not in _running:
            _running[said[0]] = said[1]()


def take(name: str, make: Callable[[], T]) -> T:
    """What was begun, or a new one; whoever takes it ends it."""
    found: Any = _running.pop(name, None)
    return make() if found is None else found


def drop() -> None:
    """End what nobody took."""
    while _running:
        _running.popitem()[1].end()

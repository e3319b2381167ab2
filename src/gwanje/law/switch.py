"""Norm switch (규범 차단기): makes one enforced norm permissive, for the mutants run and for nothing else.

It refuses outside a pytest run that set ``GWANJE_TESTING=1``. A process that finds ``GWANJE_NORM_OFF`` in its
environment without those two refuses to load the law at all: a centre never runs with a norm switched off.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "GWANJE_NORM_OFF"


class SwitchRefused(RuntimeError):
    """A norm was to be switched off outside the tests."""


def _testing() -> bool:
    return os.environ.get("GWANJE_TESTING") == "1" and "PYTEST_CURRENT_TEST" in os.environ


def _inherited() -> frozenset[str]:
    named = frozenset(filter(None, os.environ.get(VARIABLE, "").split(",")))
    if named and not _testing():
        raise SwitchRefused(f"{VARIABLE} is set outside a test run: remove it (시험 밖에서 규범을 끌 수 없습니다)")
    if named:
        logging.getLogger(__name__).critical("a test run switched these norms off: %s", ", ".join(sorted(named)))
    return named


_off: frozenset[str] = _inherited()


def switched_off() -> frozenset[str]:
    """The norms that are off in this process; empty in every centre."""
    return _off


def is_off(norm: str, symbol: str) -> bool:
    """Whether a norm is off as a whole (``norm``) or only where this symbol keeps it (``norm@symbol``)."""
    return norm in _off or f"{norm}@{symbol}" in _off


@contextmanager
def off(norm: str) -> Iterator[None]:
    """Switch one norm off in this process and in the children it starts meanwhile; SwitchRefused outside tests.

    ``norm@module:name`` switches off one rule or guard of the norm and leaves the others.
    """
    global _off  # noqa: PLW0603 -- one switch per process is the point: every wrapped rule looks at this name
    if not _testing():
        raise SwitchRefused("a norm is switched off only by the mutants run (규범은 변이 시험에서만 끌 수 있습니다)")
    before, variable = _off, os.environ.get(VARIABLE)
    _off = before | {norm}
    os.environ[VARIABLE] = ",".join(sorted(_off))
    try:
        yield
    finally:
        _off = before
        if variable is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = variable

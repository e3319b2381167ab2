"""Tests of the media plane: an ``async def`` test runs in an event loop of its own."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from gwanje.kernel.reach import Reach
from gwanje.media import outward

# simulated cameras live on this machine, clips in its folders: what a demo's configuration says
outward.govern(Reach(loopback=True, files="/"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True

"""Factory accounts (출고 시 계정): is a device still under the password it left the factory with?

Norm `camera.default_password`. Asked of the device only when a registrar asks, at most twice, because cameras lock
themselves after a few wrong answers. The accounts are published in the makers' own manuals.
"""

from __future__ import annotations

from typing import Any

from gwanje.kernel.clock import Clock
from gwanje.media.auth import Credentials
from gwanje.media.onvif import device, profiles
from gwanje.media.onvif.outcome import GONE, DeviceFault
from gwanje.media.onvif.session import Place, Session
from gwanje.media.tls import Trust

TRIES_MAX = 2
# maker's name in lower case (beginning) to accounts; "" for any other
ACCOUNTS: dict[str, tuple[tuple[str, str], ...]] = {
    "hanwha": (("admin", "4321"), ("admin", "1111")),
    "samsung": (("admin", "4321"), ("admin", "1111")),
    "hikvision": (("admin", "12345"), ("admin", "admin")),
    "dahua": (("admin", "admin"), ("888888", "888888")),
    "axis": (("root", "pass"), ("root", "root")),
    "bosch": (("service", "service"), ("user", "user")),
    "reolink": (("admin", ""), ("admin", "admin")),
    "idis": (("admin", ""), ("admin", "12345678")),
    "": (("admin", "admin"), ("admin", "1234")),
}
COMMON = frozenset(
    ["", "0000", "1111", "1234", "12345", "123456", "12345678", "4321", "admin", "password", "pass", "root"]
)


def accounts(maker: str) -> tuple[tuple[str, str], ...]:
    """The accounts to try for a maker, two at most."""
    name = maker.strip().lower()
    found = next((pairs for start, pairs in ACCOUNTS.items() if start and name.startswith(start)), ACCOUNTS[""])
    return found[:TRIES_MAX]


def is_factory(account: Credentials, maker: str = "") -> bool:
    """Is the recorded account itself a factory's? Known without asking anybody."""
    pair = (account.user, account.password)
    every = {known for pairs in ACCOUNTS.values() for known in pairs}
    return pair in every or pair in accounts(maker) or account.password.lower() in COMMON


async def anonymous(place: Place, clock: Clock, trust: Trust | None = None) -> bool:
    """Does the device tell its profiles to whoever asks? Then it has no password, which is worse than a known one."""
    session = Session(place, None, clock, trust=trust)
    try:
        return bool(await profiles.best_profiles(session, await device.services(session)))
    except DeviceFault as fault:
        if fault.kind in GONE:
            raise
        return False
    finally:
        session.close()


async def check(place: Place, clock: Clock, maker: str, offset_s: float, trust: Trust | None = None) -> dict[str, Any]:
    """Is the device open to everybody, or to its maker's factory accounts? ``{"anonymous", "tried", "open"}``.

    A fault of the network is raised.
    """
    if await anonymous(place, clock, trust):
        return {"anonymous": True, "tried": 0, "open": True}
    tried = 0
    for user, password in accounts(maker):
        session = Session(place, Credentials(user, password), clock, trust=trust)
        session.offset_s = offset_s
        tried += 1
        try:
            # an account that lets in where nobody is let in without one
            await profiles.best_profiles(session, await device.services(session))
            return {"anonymous": False, "tried": tried, "open": True}
        except DeviceFault as fault:
            if fault.kind in GONE:
                raise
        finally:
            session.close()
    return {"anonymous": False, "tried": tried, "open": False}

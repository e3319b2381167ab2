"""Faults of simulated cameras (모의 장애): what a test or an engineer can make a camera do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Faults:
    """State of one camera's misbehaviour; ``close`` and ``jump`` are acts, the rest are switches.

    stall: sends no media while the connection stays open. loss: leaves out every n-th packet (0 none; sequence
    numbers go on). spread: one send per packet, 112 µs apart, as a camera on a 100 Mbit/s port. deaf: answers no
    keep-alive (OPTIONS, GET_PARAMETER, SET_PARAMETER) after PLAY. midgop: a new viewer starts in the middle of a
    group of pictures and of a picture. locked: refuses every login. nosets: no parameter sets in the description.
    audio: offers and sends a PCMU track. jump_s: seconds added to RTP time so far. Over UDP: swap: every n-th packet
    changes places with the next; twice: every n-th packet is sent twice; elsewhere: another address sends as well.
    tcponly, udponly: SETUP for the other transport gets 461. drip: answers a byte a second (handshake), or media a byte
    a second once it plays. bare: line ends of LF only, no Content-Base, no session timeout. noparameter: GET_PARAMETER
    gets 501. redirect: DESCRIBE of /main gets 302 to /sub.
    """

    stall: bool = False
    loss: int = 0
    spread: bool = False
    deaf: bool = False
    midgop: bool = False
    locked: bool = False
    nosets: bool = False
    audio: bool = False
    jump_s: float = 0.0
    swap: int = 0
    twice: int = 0
    elsewhere: bool = False
    tcponly: bool = False
    udponly: bool = False
    drip: bool = False
    bare: bool = False
    noparameter: bool = False
    redirect: bool = False

    def set(self, name: str, value: float) -> None:
        """Change one fault; ``jump`` adds seconds; ValueError for an unknown name or a value out of range."""
        if not -1e7 < value < 1e7:
            raise ValueError(f"{name}: {value} is out of range")
        if name == "jump":
            self.jump_s += float(value)
        elif name in _EVERY:
            if value < 0:
                raise ValueError(f"{name} is 0 or every how manieth packet it meets")
            setattr(self, name, int(value))
        elif name in _SWITCHES:
            setattr(self, name, bool(value))
        else:
            raise ValueError(f"no fault is called {name}; there are {', '.join(NAMES)}")

    def as_dict(self) -> dict[str, Any]:
        """For the status page."""
        return asdict(self)


_SWITCHES = (
    "stall", "spread", "deaf", "midgop", "locked", "nosets", "audio", "elsewhere", "tcponly", "udponly", "drip", "bare",
    "noparameter", "redirect",
)  # fmt: skip
_EVERY = ("loss", "swap", "twice")
NAMES = (*_SWITCHES, *_EVERY, "jump", "close")

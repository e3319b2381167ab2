"""What a codec's headers say of its pictures, and the bits they are read from."""

from __future__ import annotations

from dataclasses import dataclass

SET_MAX = 4096
SIDE_MAX = 16384


class BadParameterSet(ValueError):
    """A parameter set is cut off or contradicts itself."""


@dataclass(frozen=True)
class Picture:
    """Size in pixels, codec by RFC 6381, and how many frames may be reordered."""

    width: int
    height: int
    codec: str
    reorder: int


class Bits:
    """Big-endian bit reader; ``escaped``: without the emulation prevention bytes of H.264 and H.265."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes, *, escaped: bool = True) -> None:
        clean = data.replace(b"\0\0\3", b"\0\0") if escaped else data
        self._value = int.from_bytes(clean, "big")
        self._left = 8 * len(clean)

    def u(self, count: int) -> int:
        """``count`` bits as a number."""
        self._left -= count
        if self._left < 0:
            raise BadParameterSet("a parameter set is cut off")
        return self._value >> self._left & (1 << count) - 1

    def ue(self) -> int:
        """An Exp-Golomb number."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 31:
                raise BadParameterSet("a number in a parameter set is too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """A signed Exp-Golomb number."""
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def sized(width: int, height: int, codec: str, reorder: int) -> Picture:
    """A picture within the limits (16,384 pixels a side, 16 reordered frames); BadParameterSet else."""
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX) or reorder > 16:
        raise BadParameterSet("the picture size or the reordering depth is out of range")
    return Picture(width, height, codec, reorder)

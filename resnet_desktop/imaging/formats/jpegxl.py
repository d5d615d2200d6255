"""The header of a JPEG XL (ISO/IEC 18181-1): how many bits its samples have, and in which colours they are."""

from __future__ import annotations

from dataclasses import dataclass

_CODESTREAM = b"\xff\x0a"
_ICC, _CUSTOM, _LINEAR, _SRGB = "an ICC profile", 2, 8, 13
_SIZES = ((1, 9), (1, 13), (1, 18), (1, 30))
_ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
_GREY, _RGB = 1, 0
_PRIMARIES = {2: "colours of its own", 9: "BT.2100", 11: "P3"}
_TRANSFERS = {1: "", 2: "", 8: "linear", 13: "", 16: "PQ (HDR)", 17: "DCI", 18: "HLG (HDR)"}


@dataclass(frozen=True, slots=True)
class Header:
    """Bits of a sample, 0 of floating-point numbers; the colours in words, "" for sRGB and where they are unknown."""

    bits: int = 0
    space: str = ""


class _Bits:
    """Reads numbers from bytes, lowest bits first. Raises ValueError at their end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("truncated in its header")
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return found

    def choice(self, kinds: tuple[tuple[int, int], ...]) -> int:
        """A number as one of four pairs says: what is added to how many bits."""
        base, count = kinds[self.take(2)]
        return base + self.take(count)


def header(data: bytes) -> Header:
    """What the header of a file, or of its bare codestream, says; never raises."""
    at = 0
    if not data.startswith(_CODESTREAM):
        boxes = [data.find(name) + skipped for name, skipped in ((b"jxlc", 4), (b"jxlp", 8)) if name in data[: 1 << 20]]
        at = min(boxes, default=-1)
    if at < 0 or data[at : at + 2] != _CODESTREAM:
        return Header()
    bits = _Bits(data[at + 2 : at + 400])
    try:
        return _metadata(bits)
    except ValueError:
        return Header()


def _metadata(bits: _Bits) -> Header:
    _size(bits)
    if bits.take(1):  # all as usual
        return Header(8)
    if bits.take(1):
        bits.take(3)
        if bits.take(1):
            _size(bits)
        if bits.take(1):  # a preview
            return Header()
        if bits.take(1):
            _animation(bits)
    if bits.take(1):  # floating-point numbers
        bits.choice(((32, 0), (16, 0), (24, 0), (1, 6)))
        bits.take(4)
        depth = 0
    else:
        depth = bits.choice(((8, 0), (10, 0), (12, 0), (1, 6)))
    bits.take(1)
    for _ in range(bits.choice(((0, 0), (1, 0), (2, 4), (1, 12)))):
        if not bits.take(1):  # a further channel that is more than plain alpha
            return Header(depth)
    bits.take(1)
    return Header(depth, _colours(bits))


def _size(bits: _Bits) -> None:
    small = bits.take(1)
    for is_width in (False, True):
        if is_width and bits.take(3):
            return
        bits.take(5) if small else bits.choice(_SIZES)


def _animation(bits: _Bits) -> None:
    bits.choice(((100, 0), (1000, 0), (1, 10), (1, 30)))
    bits.choice(((1, 0), (1001, 0), (1, 8), (1, 10)))
    bits.choice(((0, 0), (0, 3), (0, 16), (0, 32)))
    bits.take(1)


def _colours(bits: _Bits) -> str:
    if bits.take(1):
        return ""
    if bits.take(1):
        return _ICC
    space = bits.choice(_ENUM)
    if space not in (_RGB, _GREY):
        return ""
    if bits.choice(_ENUM) == _CUSTOM:
        return _PRIMARIES[_CUSTOM]
    primaries = bits.choice(_ENUM) if space == _RGB else 1
    if primaries == _CUSTOM:
        return _PRIMARIES[_CUSTOM]
    if bits.take(1):
        gamma = bits.take(24) / 1e7
        curve = "" if 0.43 < gamma < 0.48 else f"gamma {1 / max(gamma, 1e-7):.1f}"
    else:
        curve = _TRANSFERS.get(bits.choice(_ENUM), "")
    return " ".join(filter(None, (_PRIMARIES.get(primaries, ""), curve)))

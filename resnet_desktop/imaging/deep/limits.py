"""Which values of a picture of more than 8 bits are black and white, from a sample of its pixels.

Its extremes alone would mislead: one hot pixel, a scale bar burnt in or values that stand for none lie far outside of
the others. So what lies beyond a wide gap is left out, and how much of a range is used is judged by all but the
darkest and the brightest thousandth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.imaging.notes import Note

Range = Literal["tags", "stored", "stretched"]
Limits = tuple[float, float, Note | None]

MOST_SAMPLED = 100_000  # pixels, about
_TAILS = (0.1, 99.9)  # percent
_SENSORS = (255, 1023, 4095)  # largest values of 8, 10 and 12 bits
_USUAL = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 32767.0, 65535.0)
_FULL = (1.0, 255.0, 65535.0)  # ranges that need no explanation
_LEAST_SHARE = 1 / 16  # of a range; with less of it a picture is nearly black, or nearly of one grey
_FEW = 1 / 4
_MOST_OUTSIDE = 1 / 4  # of the pixels
_GAP = 3  # times the range of all others: what lies beyond is not of the picture
_LEAST_LEVELS = 16  # fewer values are a drawing or a mask, which may have gaps


@dataclass(slots=True)
class Seen:
    """What was seen of the values while they were read.

    Attributes:
        low: the least; infinity before any was seen.
        high: the largest.
        gaps: whether some are marked as no value.
        whole: the largest value of their type, where it is a whole number with a sign; else 0.
        parts: samples of them.
    """

    low: float = np.inf
    high: float = -np.inf
    gaps: bool = False
    whole: float = 0.0
    parts: list[NDArray[Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Spread:
    """Where the values lie: the ends of all that belong together, of nearly all, and how much lies outside."""

    low: float
    high: float
    darkest: float
    brightest: float
    outside: str

    @property
    def ends(self) -> tuple[float, float]:
        """Black and white of a stretched picture: the extremes, unless few values make most of that range."""
        if self.brightest - self.darkest < (self.high - self.low) / 2 and self.darkest < self.brightest:
            return self.darkest, self.brightest
        return self.low, self.high

    def share(self, whole: float) -> float:
        """How much of a range nearly all values take."""
        return (self.brightest - self.darkest) / whole


def limits(
    seen: Seen, wanted: Range, *, bits: int = 0, named: tuple[float, float] | None = None
) -> tuple[float, float, Note | None]:
    """The values of black and white, and what is to be said of that.

    ``bits``: of whole numbers without a sign, else 0; ``named``: black and white as the file names them.
    """
    whole = float((1 << bits) - 1) if bits else 0.0
    if wanted == "stretched" and whole != 255:
        spread = _spread(seen)
        if spread.darkest < spread.brightest:
            return spread.darkest, spread.brightest, None
        if spread.low < spread.high:
            return spread.low, spread.high, None
    if wanted == "tags" and named is not None and named != (0.0, whole):
        black, white = named
        return black, white, Note("range_from_tags", f"The file sets black to {black:g} and white to {white:g}.")
    if not 0 < bits <= 16:
        return _of_any_type(_spread(seen), seen.whole or whole, wanted, signed=seen.whole > 0)
    if wanted == "stored" or bits <= 8 or seen.high <= 0:
        return 0.0, whole, None
    return _of_whole_numbers(_spread(seen), whole)


def _of_whole_numbers(spread: _Spread, whole: float) -> Limits:
    """Of 9 to 16 bits without a sign."""
    high = spread.high
    if high <= whole * _LEAST_SHARE:
        assumed = float(next(limit for limit in (*_SENSORS, 65535) if high <= limit))
        told = (
            f"Its values only reach {high:g} of {whole:g}{spread.outside}; {assumed:g} was used as white. "
            "--range stored keeps it dark."
        )
        return 0.0, assumed, Note("range_assumed", told)
    if high <= whole * _FEW:
        told = (
            f"Its values only reach {high:g} of {whole:g}{spread.outside}, so it looks dark. "
            "Use --range stretched to brighten it."
        )
        return 0.0, whole, Note("range_narrow", told)
    return _part(spread, whole)


def _part(spread: _Spread, whole: float) -> Limits:
    """Of values that reach far up: whether nearly all of them lie in a small part of the range nevertheless."""
    low, high = spread.darkest, spread.brightest
    if low >= high or spread.share(whole) > _FEW:
        return 0.0, whole, None
    if spread.high - spread.low <= whole * _LEAST_SHARE and spread.low > whole * _LEAST_SHARE:
        told = (
            f"Its values lie between {spread.low:g} and {spread.high:g} of {whole:g}{spread.outside}; "
            f"{low:g} and {high:g} were used as black and white. --range stored keeps it pale."
        )
        return low, high, Note("range_stretched", told)
    looks = "looks dark" if high <= whole * _FEW else "has little contrast"
    told = (
        f"Nearly all of its values lie between {low:g} and {high:g} of {whole:g}{spread.outside}, so it {looks}. "
        "Use --range stretched to use all levels."
    )
    return 0.0, whole, Note("range_narrow", told)


def _of_any_type(spread: _Spread, whole: float, wanted: Range, *, signed: bool) -> Limits:
    """Of numbers with a sign, of 32 bits or with a point, for which there is no custom."""
    low, high = spread.low, spread.high
    if low >= 0:
        if wanted == "stored" and whole and not signed:
            return 0.0, whole, None
        white = _usual(high, whole if signed else 0.0)
        if white is not None:
            return _of_usual(spread, white, whole)
        if whole and high > whole / 2:
            return 0.0, whole, None
    low, high = spread.ends
    if low == high:
        low, high = min(0.0, low), max(1.0, high)
    black = min(low, 0.0) if low >= 0 and low < high - low else low
    return black, high, _stretched(spread, black, high)


def _usual(high: float, whole: float) -> float | None:
    """The white that values up to ``high`` suggest; ``whole``: the largest value of a type with a sign."""
    known = sorted({*_USUAL, whole} - {0.0}) if whole else list(_USUAL)
    fitting = (limit for limit in known if high <= limit and (high >= limit * _LEAST_SHARE or limit == 1.0))
    return next((limit for limit in fitting if not whole or limit <= whole), None)


def _of_usual(spread: _Spread, white: float, whole: float) -> Limits:
    """Of values none of which is below zero, and for whose largest one ``white`` is usual."""
    low, high = spread.ends
    if spread.high - spread.low <= white * _LEAST_SHARE and spread.low < spread.high:
        black = 0.0 if low < high - low else low
        return black, high, _stretched(spread, black, high)
    told = f"Its values only reach {spread.high:g}{spread.outside}; {white:g} was used as white."
    if spread.outside or (white not in _FULL and white != whole):
        return 0.0, white, Note("range_assumed", told)
    if spread.high < white / 2 and white == 65535:  # of 16 bits without a sign, or is it half of that?
        return 0.0, white, Note("range_assumed", told)
    return _part(spread, white)


def _stretched(spread: _Spread, black: float, white: float) -> Note:
    told = (
        f"Its values range from {spread.low:g} to {spread.high:g}{spread.outside}; "
        f"{black:g} and {white:g} were used as black and white."
    )
    if (black, white) == (spread.low, spread.high) and not spread.outside:
        told = f"Its values range from {black:g} to {white:g}, which were used as black and white."
    return Note("range_stretched", told)


def _spread(seen: Seen) -> _Spread:
    if not seen.low <= seen.high:
        return _Spread(0.0, 0.0, 0.0, 0.0, "")
    values = np.sort(np.concatenate(seen.parts)).astype(np.float64) if seen.parts else np.empty(0)
    if not values.size:
        return _Spread(seen.low, seen.high, seen.low, seen.high, "")
    missed = [[seen.low] if seen.low < values[0] else [], [seen.high] if seen.high > values[-1] else []]
    ends = np.concatenate((missed[0], values, missed[1]))
    first, last = _belonging(ends)
    inner = ends[first : last + 1]
    darkest, brightest = (float(value) for value in np.percentile(inner, _TAILS))
    apart = ([float(ends[0])] if first else []) + ([float(ends[-1])] if last < len(ends) - 1 else [])
    outside = f", but for some pixels of up to {apart[-1]:g}" if apart else ""
    if apart and last == len(ends) - 1:
        outside = f", but for some pixels of down to {apart[0]:g}"
    return _Spread(float(inner[0]), float(inner[-1]), darkest, brightest, outside)


def _belonging(values: NDArray[np.float64]) -> tuple[int, int]:
    """The first and last place, in sorted values, of those that no wide gap parts from the others."""
    first, last = 0, len(values) - 1
    most = max(2, int(len(values) * _MOST_OUTSIDE))
    for _ in range(2):  # what lies above may hide what lies below
        last = _before_gap(values[first : last + 1], most) + first
        first = last - _before_gap(-values[first : last + 1][::-1], most)
    return first, last


def _before_gap(values: NDArray[np.float64], most: int) -> int:
    """The last place before the first wide gap among the ``most`` largest of sorted values; the last one without."""
    start = max(0, len(values) - 1 - most)
    below = values[start:-1]
    wide = np.flatnonzero(values[start + 1 :] - below > _GAP * (below - values[0]))
    for place in wide:
        inner = values[: start + place + 1]
        if inner[-1] > inner[0] and np.count_nonzero(np.diff(inner)) >= _LEAST_LEVELS:
            return start + int(place)
    return len(values) - 1

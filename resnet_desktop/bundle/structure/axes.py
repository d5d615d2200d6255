"""What the axes of a tensor stand for: the batch, channels, and rows and columns of a grid over the picture.

Networks lay tokens end to end, cut grids into windows and put these into the batch, roll them round, mirror them, and
turn channels to the end. Every axis is written as the factors that it is made of, so that all of it can be undone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from resnet_desktop.bundle.structure.shapes import Shape

Kind = Literal["batch", "channel", "row", "column", "unknown", "displaced"]
"""``displaced`` are rows or columns that are known not to lie where the picture has them, such as those of a crop.
A convolution does not make rows and columns of them again, as it does of what is merely ``unknown``."""

_EDGE = 16
"""Of a side, a piece of this part, or one cell, may be cut off or added at each end: less than half a cell of 7 x 7."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A part of an axis: one digit of the place along it.

    Attributes:
        kind: what it counts.
        size: how many; None for a batch of any size.
        step: how many cells lie between one and the next, for rows and columns; 4 for windows of 4 cells.
        roll: by how many cells the whole grid is rolled: the cell at place p was at p + roll.
        flipped: whether it counts from the end: the grid was mirrored, before it was rolled.
    """

    kind: Kind
    size: int | None
    step: int = 1
    roll: int = 0
    flipped: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a tensor.

    Attributes:
        factors: from the slowest to the fastest; none for a size of 1.
        before: how many entries that are no part of the grid lie before it, such as a class token.
        after: how many lie behind it.
        part: start and end, if it is only that part of the single factor's; or more, where a border was added.
    """

    factors: tuple[Factor, ...]
    before: int = 0
    after: int = 0
    part: tuple[int, int] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is just the product of its factors."""
        return not self.before and not self.after and self.part is None

    @property
    def cells(self) -> int:
        """The product of its factors, but for a batch of any size."""
        return math.prod(factor.size or 1 for factor in self.factors)

    @property
    def kinds(self) -> set[Kind]:
        """What its factors count."""
        return {factor.kind for factor in self.factors}

    @property
    def has_cells(self) -> bool:
        """Whether rows or columns lie along it."""
        return not self.kinds.isdisjoint(("row", "column"))


Axes = tuple[Axis, ...]


def single(kind: Kind, size: int | None) -> Axis:
    """An axis that counts one thing."""
    return Axis(()) if size == 1 else Axis((Factor(kind, size),))


def picture_axes(shape: Shape) -> Axes:
    """The axes of ``[batch, channels, height, width]``."""
    kinds: tuple[Kind, ...] = ("batch", "channel", "row", "column")
    return tuple(single(kind, size) for kind, size in zip(kinds, shape, strict=True))


def merged(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """The same with neighbours joined that count one thing, windows and the cells within them for one."""
    found: list[Factor] = []
    for factor in factors:
        last = found[-1] if found else None
        if last is not None and factor.size is not None and _joins(last, factor):
            found[-1] = replace(factor, size=(last.size or 1) * factor.size)
        elif factor.size != 1:
            found.append(factor)
    return tuple(found)


def _joins(outer: Factor, inner: Factor) -> bool:
    if outer.kind != inner.kind or outer.size is None:
        return False
    if outer.kind in ("row", "column"):
        return alike(outer, inner) and outer.step == inner.step * (inner.size or 1)
    return True


def alike(outer: Factor, inner: Factor) -> bool:
    """Whether two digits of one side belong to a grid that is rolled and mirrored in one way."""
    return outer.roll == inner.roll and outer.flipped == inner.flipped


def reshaped(axes: Axes, shape: Shape) -> Axes | None:
    """The axes of the same numbers in another shape; None if they would be cut across."""
    items: list[Factor | Axis] = []
    for axis in axes:
        items += axis.factors if axis.is_plain else [axis]
    sizes = _sizes(items, shape)
    if sizes is None:
        return None
    found = []
    for size, free in sizes:
        taken = _taken(items, size, free=free)
        if taken is None:
            return None
        found.append(taken)
    return tuple(found) if not items else None


def length(axis: Axis) -> int:
    """How many entries it has, but for a batch of any size."""
    if axis.part is not None:
        return axis.part[1] - axis.part[0]
    return axis.cells + axis.before + axis.after


def _sizes(items: Sequence[Factor | Axis], shape: Shape) -> list[tuple[int, bool]] | None:
    """What each target takes besides the batch, and whether it takes that too."""
    total = math.prod((item.size or 1) if isinstance(item, Factor) else length(item) for item in items)
    free = sum(isinstance(item, Factor) and item.size is None for item in items)
    if shape.count(None) != free or free > 1 or 0 in shape:
        return None
    fixed = math.prod(size or 1 for size in shape)
    if total % fixed:
        return None
    found = [(total // fixed if size is None else size, size is None) for size in shape]
    return found if math.prod(size for size, _ in found) == total else None


def _taken(items: list[Factor | Axis], size: int, *, free: bool) -> Axis | None:
    """Take one axis of ``size`` (times the batch if ``free``) from the front of ``items``."""
    factors: list[Factor] = []
    while size > 1 or free:
        if not items:
            return None
        item = items.pop(0)
        if isinstance(item, Axis):
            return item if not factors and not free and length(item) == size else None
        if item.size is None:
            if not free:
                return None
            free = False
        elif size % item.size == 0:
            size //= item.size
        elif item.size % size == 0 and size > 1:
            inner = item.size // size
            items.insert(0, replace(item, size=inner))
            item = replace(item, size=size, step=item.step * inner)
            size = 1
        else:
            return None
        factors.append(item)
    return Axis(merged(factors))


def cut(axis: Axis, start: int, count: int, step: int) -> Axis:
    """A part of an axis: ``count`` entries from ``start`` on, each ``step`` behind the one before."""
    if step == 1 and count == length(axis):
        return axis
    if not axis.has_cells:
        return other_size(axis, count)
    if axis.before or axis.after:
        return _without_tokens(axis, start, count) if step == 1 else single("unknown", count)
    if len(axis.factors) != 1:
        return single("unknown", count)
    if step > 1:
        return picked(axis, range(start, start + count * step, step))
    first = start + (axis.part[0] if axis.part is not None else 0)
    return _from_to(axis.factors[0], first, first + count)


def other_size(axis: Axis, size: int | None) -> Axis:
    """The same without cells in another size: channels stay channels, and what is displaced stays so."""
    kinds = axis.kinds
    return single(next(iter(kinds)) if kinds in ({"channel"}, {"displaced"}) else "unknown", size)


def _from_to(factor: Factor, start: int, end: int) -> Axis:
    return Axis((factor,), part=None if (start, end) == (0, factor.size) else (start, end))


def picked(axis: Axis, places: Sequence[int]) -> Axis:
    """A side of the grid of which the cells at ``places`` are taken: coarser or finer if they are spread over it."""
    size, count = length(axis), len(places)
    if not axis.has_cells:
        return axis if count == size else other_size(axis, count)
    if list(places) == list(range(size))[::-1]:
        return reversed_axis(axis)
    if len(axis.factors) != 1 or not axis.is_plain or axis.factors[0].roll:
        return single("displaced", count)
    expected = ((i + 0.5) * size / count - 0.5 for i in range(count))
    slack = max(1.0, size / count)
    if any(abs(place - right) > slack for place, right in zip(places, expected, strict=True)):
        return single("displaced", count)
    return Axis(merged((replace(axis.factors[0], size=count, step=1),)))


def reversed_axis(axis: Axis) -> Axis:
    """The axis from its last entry to its first."""
    rolled = any(factor.roll for factor in axis.factors)
    if rolled and (len(axis.factors) > 1 or axis.factors[0].step > 1 or axis.part is not None):
        return single("displaced", length(axis))
    if not axis.kinds <= {"row", "column"}:
        return single("unknown", length(axis))
    factors = tuple(
        replace(factor, flipped=not factor.flipped, roll=-factor.roll % (factor.size or 1)) for factor in axis.factors
    )
    part = axis.part and ((factors[0].size or 0) - axis.part[1], (factors[0].size or 0) - axis.part[0])
    return Axis(factors, axis.after, axis.before, part)


def bordered(axis: Axis, before: int, after: int) -> Axis:
    """The axis with entries added at its ends, or with some cut off where the numbers are negative."""
    size = length(axis) + before + after
    if not axis.has_cells:
        return axis if size == length(axis) else other_size(axis, size)
    if len(axis.factors) == 1 and not axis.before and not axis.after:
        start, end = axis.part or (0, axis.factors[0].size or 0)
        return _from_to(axis.factors[0], start - before, end + after)
    if min(before, after) < 0 or axis.part is not None:
        return single("unknown", size)
    return replace(axis, before=axis.before + before, after=axis.after + after)


def settled(axis: Axis, size: int | None, reach: int = 0) -> Axis:
    """One side of the grid in another size, behind windows or a change of resolution.

    Args:
        axis: the side before, its cells alone on the axis.
        size: cells behind.
        reach: how far a window reaches from its first entry to its last: borders of that width are there for it.

    Returns:
        ``displaced`` if it is not the whole side, but for little at its ends.
    """
    (factor,) = axis.factors
    whole = factor.size or 0
    start, end = axis.part or (-axis.before, whole + axis.after)
    slack = max(1, whole // _EDGE)
    if max(start, whole - end) > slack or max(-start, end - whole) > max(slack, reach):
        return single("displaced", size)
    if factor.roll and size != whole:
        roll, rest = divmod(factor.roll * (size or 0), whole)
        if rest or factor.step > 1:
            return single("displaced", size)
        factor = replace(factor, roll=roll)
    return Axis(merged((replace(factor, size=size),)))


def _without_tokens(axis: Axis, start: int, count: int) -> Axis:
    """Some of the entries beside the grid are left away; or the grid is."""
    first, last = axis.before, axis.before + axis.cells
    if start <= first and start + count >= last:
        return replace(axis, before=first - start, after=start + count - last)
    return single("unknown", count)


def joined(parts: Sequence[Axis]) -> Axis | None:
    """The axis of which these are the parts, one behind the other; rolled where they are exchanged. None if it is none.

    Parts of rows or columns alone; channels are for the caller.
    """
    first = parts[0]
    if any(one.part is None or one.factors != first.factors for one in parts):
        return None
    (factor,) = first.factors
    size = factor.size or 0
    ranges = [one.part for one in parts if one.part is not None]
    follow = all(a[1] % size == b[0] for a, b in pairwise(ranges))
    if not follow or sum(end - start for start, end in ranges) != size:
        return None
    return Axis((replace(factor, roll=(factor.roll + ranges[0][0] * factor.step) % (size * factor.step)),))

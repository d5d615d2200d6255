"""How a tensor is seen as channels over a grid of rows and columns, whatever way it lies in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.structure.axes import Axes, Factor, Kind, alike, length
from resnet_desktop.bundle.structure.shapes import Shape

_KINDS: tuple[Kind, ...] = ("batch", "channel", "row", "column")


@dataclass(frozen=True, slots=True)
class Grid:
    """The way from a tensor to ``(n, channels, height, width)``.

    Attributes:
        channels: how many.
        height: rows.
        width: columns.
        channels_last: whether channels do not come right behind the batch, with rows and columns behind them.
        left_out: entries beside the grid, such as a class token.
        tokens: whether rows and columns are laid end to end.
        windowed: whether the grid lies cut into windows, or into the cells that windows have at one place.
        kept: start and end of what is taken of each axis.
        factors: the sizes into which the axes are then split; -1 for the batch.
        order: the split axes: batch, channels, rows, columns, each from slow to fast.
        rolls: by how many rows and columns the grid is turned back.
        flips: whether rows and columns are then put in reverse, since the network sees the picture mirrored here.
    """

    channels: int
    height: int
    width: int
    channels_last: bool
    left_out: int
    tokens: bool
    windowed: bool
    kept: tuple[tuple[int, int] | None, ...]
    factors: tuple[int, ...]
    order: tuple[int, ...]
    rolls: tuple[int, int]
    flips: tuple[bool, bool]

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(channels, height, width)``."""
        return self.channels, self.height, self.width

    @property
    def is_plain(self) -> bool:
        """Whether the tensor is ``(n, channels, height, width)`` already."""
        moved = any((*self.rolls, *self.flips))
        return not (self.channels_last or self.left_out or self.tokens or self.windowed or moved)

    def picture(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """The tensor as ``(n, channels, height, width)``."""
        if self.is_plain:
            return tensor
        part = tensor[tuple(slice(None) if kept is None else slice(*kept) for kept in self.kept)]
        turned = part.reshape(self.factors).transpose(self.order)
        grid = turned.reshape(-1, *self.shape)
        grid = np.roll(grid, self.rolls, (2, 3)) if any(self.rolls) else grid
        return np.ascontiguousarray(np.flip(grid, tuple(i for i, flip in enumerate(self.flips, 2) if flip)))

    @property
    def note(self) -> str:
        """What to know of a map of this layer, in words; empty for a plain one."""
        words = []
        if any(self.flips):
            words.append("Here the network sees the picture mirrored; the map is turned back.")
        if self.windowed:
            words.append(
                "Inside the network the grid is split into pieces, such as windows; here the cells are back in place "
                "the picture again."
            )
        elif self.tokens:
            words.append(
                "Each cell is a token that may carry information from others, so evidence can appear away from where "
                "it comes from."
            )
        if self.left_out:
            words.append(
                "The class token has no position in the picture and is left out."
                if self.left_out == 1
                else f"{self.left_out} tokens without a position (including the class token) are left out."
            )
        return " ".join(words)


def grid_of(axes: Axes, shape: Shape) -> Grid | None:
    """How a tensor of these axes is seen as a grid; None if it has no whole one, or only one cell."""
    if any(axis.part is not None or not axis.kinds <= set(_KINDS) for axis in axes) or _is_framed(axes):
        return None
    split = [factor for axis in axes for factor in axis.factors]
    places = {kind: [i for i, factor in enumerate(split) if factor.kind == kind] for kind in _KINDS}
    down, across = (_sorted(split, places[kind]) for kind in ("row", "column"))
    if down is None or across is None or not (down or across) or sum(not axis.is_plain for axis in axes) > 1:
        return None
    height, width = (math.prod(split[i].size or 1 for i in chain) for chain in (down, across))
    if height * width < 2:
        return None
    order = [*places["channel"], *down, *across]
    sizes = [factor.size or -1 for factor in split]
    match places["batch"]:
        case []:  # a batch of one; runs of several pictures are laid one behind the other
            sizes, order = [-1, *sizes], [0, *(i + 1 for i in order)]
        case [place] if place == 0 or split[place].size is None:
            sizes[place] = -1
            order = [place, *order]
        case _:
            return None
    beside = sum(axis.before + axis.after for axis in axes)
    return Grid(
        channels=math.prod(split[i].size or 1 for i in places["channel"]),
        height=height,
        width=width,
        channels_last=not _is_picture(axes, shape),
        left_out=beside,
        tokens=any({"row", "column"} <= axis.kinds for axis in axes),
        windowed=len(down) > 1 or len(across) > 1,
        kept=tuple((axis.before, length(axis) - axis.after) if axis.before or axis.after else None for axis in axes),
        factors=tuple(sizes),
        order=tuple(order),
        rolls=(_roll(split, down), _roll(split, across)),
        flips=(_is_flipped(split, down), _is_flipped(split, across)),
    )


def _is_framed(axes: Axes) -> bool:
    """Whether rows or columns that lie on an axis each have something beside them: a frame, and no token."""
    with_cells = [axis for axis in axes if axis.has_cells]
    alone = len(with_cells) > 1 and all(len(axis.kinds) == 1 for axis in with_cells)
    return alone and any(axis.before or axis.after for axis in with_cells)


def _sorted(split: Sequence[Factor], places: Sequence[int]) -> list[int] | None:
    """The factors of one side of the grid from slow to fast; None if some are lacking or there are two of a kind."""
    chain = sorted(places, key=lambda i: -split[i].step)
    for outer, inner in pairwise(chain):
        if split[outer].step != split[inner].step * (split[inner].size or 1) or not alike(split[outer], split[inner]):
            return None
    if chain and split[chain[-1]].roll % split[chain[-1]].step:
        return None
    return chain


def _roll(split: Sequence[Factor], chain: Sequence[int]) -> int:
    return split[chain[-1]].roll // split[chain[-1]].step if chain else 0


def _is_flipped(split: Sequence[Factor], chain: Sequence[int]) -> bool:
    return bool(chain) and split[chain[-1]].flipped


def _is_picture(axes: Axes, shape: Shape) -> bool:
    """Whether the axes are the batch, channels, rows and columns, one each."""
    if len(axes) != 4:
        return False
    return all(axis.kinds <= {kind} for axis, kind in zip(axes, _KINDS, strict=True)) and len(shape) == 4

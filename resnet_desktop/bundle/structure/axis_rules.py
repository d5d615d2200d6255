"""How operators hand on what axes stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import onnx

from resnet_desktop.bundle.structure.axes import Axes, Axis, cut, joined, length, picked, reshaped, settled, single
from resnet_desktop.bundle.structure.shapes import Shape

if TYPE_CHECKING:
    from resnet_desktop.bundle.structure.graph_view import GraphView


@dataclass(frozen=True, slots=True)
class At:
    """A node whose outputs' axes are asked for.

    Attributes:
        view: the graph.
        node: the node.
        given: its attributes.
        axes: of the tensors so far that hold something of the picture and are understood.
        free: the tensors that hold nothing of the picture.
    """

    view: GraphView
    node: onnx.NodeProto
    given: Mapping[str, Any]
    axes: Mapping[str, Axes]
    free: set[str]

    def input(self, place: int) -> Axes | None:
        """The axes of an input; None if they are not known."""
        return self.axes.get(self.name(place))

    def name(self, place: int) -> str:
        """The name of an input; empty if it is left out."""
        return str(self.node.input[place]) if place < len(self.node.input) else ""

    def shape(self, place: int) -> Shape:
        """The shape of an input."""
        return self.view.shape(self.name(place))

    @property
    def made(self) -> Shape:
        """The shape of the first output."""
        return self.view.shape(self.node.output[0])

    def numbers(self, key: str, place: int) -> list[int] | None:
        """A list of numbers that is an attribute or an input; None if it is neither, or computed."""
        if key in self.given:
            return [int(i) for i in self.given[key]]
        return self.view.integers(self.name(place)) if self.name(place) else None


AxisRule = Callable[[At], Axes | None]


def same(at: At) -> Axes | None:
    """One number in, one number out."""
    return at.input(0)


def broadcast(*places: int) -> AxisRule:
    """Several tensors number by number, those at ``places`` or all."""

    def rule(at: At) -> Axes | None:
        rank = len(at.made)
        chosen = places or tuple(range(len(at.node.input)))
        known = [(axes, at.shape(place)) for place in chosen if (axes := at.input(place)) is not None]
        if not known or not rank:
            return None
        found: list[Axis] = []
        for i, size in enumerate(at.made):
            here = [
                axes[i - rank]
                for axes, shape in known
                if len(shape) >= rank - i and shape[i - rank] == size and not _is_gate(axes[i - rank], shape, at.made)
            ]
            found.append(_agreed(here, size))
        return tuple(found)

    return rule


def _is_gate(axis: Axis, shape: Shape, made: Shape) -> bool:
    """Whether a displaced axis is one of a tensor that only weighs another: a number for each row, say."""
    return "displaced" in axis.kinds and shape != made


def _agreed(axes: Sequence[Axis], size: int | None) -> Axis:
    """What several tensors say of one axis: cells where one has them, else what they agree on."""
    if any("displaced" in axis.kinds for axis in axes):
        return single("displaced", size)
    with_cells = list(dict.fromkeys(_by_itself(axis) for axis in axes if axis.has_cells))
    if len(with_cells) > 1 and all(len(axis.factors) == 1 for axis in with_cells):
        with_cells = list(dict.fromkeys(settled(axis, size) for axis in with_cells))
        if len(with_cells) > 1 and len({kind for axis in with_cells for kind in axis.kinds} - {"displaced"}) == 1:
            return single("displaced", size)  # of a mirrored picture and the picture, of a part and the whole
    if with_cells:
        return with_cells[0] if len(with_cells) == 1 else single("unknown", size)
    different = list(dict.fromkeys(axes))
    return different[0] if len(different) == 1 else single("channel" if different else "unknown", size)


def _by_itself(axis: Axis) -> Axis:
    """The axis without the steps of the finer grid that it came from."""
    if len(axis.factors) == 1 and axis.is_plain and not axis.factors[0].roll:
        return Axis((replace(axis.factors[0], step=1),))
    return axis


def in_another_shape(at: At) -> Axes | None:
    """The same numbers in another shape."""
    before = at.input(0)
    return None if before is None or not at.made else reshaped(before, at.made)


def transposed(at: At) -> Axes | None:
    """Axes exchanged."""
    before = at.input(0)
    if before is None:
        return None
    return tuple(before[i] for i in at.given.get("perm", range(len(before))[::-1]))


def sliced(at: At) -> Axes | None:
    """A piece."""
    before, shape = at.input(0), at.shape(0)
    starts, ends = at.numbers("starts", 1), at.numbers("ends", 2)
    if before is None or starts is None or ends is None:
        return None
    listed = at.numbers("axes", 3) or list(range(len(starts)))
    steps = at.numbers("steps", 4) or [1] * len(starts)
    found = list(before)
    for axis, start, step in zip(listed, starts, steps, strict=True):
        size, count = shape[axis], at.made[axis]
        if size is None or count is None:
            if start or step != 1:
                return None
            continue
        first = min(max(start + size if start < 0 else start, 0), size)
        found[axis] = (
            cut(before[axis], first, count, step)
            if step > 0
            else picked(before[axis], range(min(first, size - 1), min(first, size - 1) + count * step, step))
        )
    return tuple(found)


def split(at: At, output: int) -> Axes | None:
    """One of several pieces."""
    before = at.input(0)
    if before is None:
        return None
    axis = int(at.given.get("axis", 0)) % len(before)
    sizes = [at.view.shape(name)[axis] if at.view.shape(name) else None for name in at.node.output]
    if None in sizes[: output + 1]:
        return None
    start = sum(size or 0 for size in sizes[:output])
    return (*before[:axis], cut(before[axis], start, sizes[output] or 0, 1), *before[axis + 1 :])


def concatenated(*, first: int = 0, every: int = 1) -> AxisRule:
    """Tensors put together: channels, pieces of a grid, or a grid and tokens beside it."""

    def rule(at: At) -> Axes | None:
        names = list(at.node.input[first::every])
        known = [(name, at.axes[name]) for name in names if name in at.axes]
        if not known or not at.made:
            return None
        axis = int(at.given["axis"]) % len(at.made)
        along = _along(at, names, axis)
        others = [
            _agreed([axes[i] for _, axes in known], size) for i, size in enumerate(at.made) if i != axis
        ]  # fmt: skip
        return (*others[:axis], along, *others[axis:])

    return rule


def _along(at: At, names: Sequence[str], axis: int) -> Axis:
    """The axis along which tensors are put together."""
    size = at.made[axis]
    sizes = [at.view.shape(name)[axis] or 0 for name in names]
    parts = [at.axes[name][axis] for name in names if name in at.axes]
    whole = [i for i, name in enumerate(names) if name in at.axes and at.axes[name][axis].has_cells]
    if not whole:
        kinds = {kind for part in parts for kind in part.kinds}
        if "displaced" in kinds:
            return single("displaced", size)
        return single("channel" if kinds <= {"channel", "unknown"} else "unknown", size)
    if len(parts) == len(names) and len(names) > 1:
        together = joined(parts)
        if together is not None:
            return together
    if len(whole) == 1 and all(i in whole or _is_beside(at, name) for i, name in enumerate(names)):
        (place,) = whole
        grid = at.axes[names[place]][axis]
        if grid.part is None:
            before, after = sum(sizes[:place]), sum(sizes[place + 1 :])
            return replace(grid, before=grid.before + before, after=grid.after + after)
    cells = [part for part in parts if part.has_cells]
    alone = all(len(part.factors) == 1 for part in cells) and len({kind for x in cells for kind in x.kinds}) == 1
    return single("displaced" if alone else "unknown", size)


def _is_beside(at: At, name: str) -> bool:
    """Whether a tensor holds no cells of the picture: a token that is learnt, or one made of the others."""
    return name in at.free or (name in at.axes and not any(axis.has_cells for axis in at.axes[name]))


def gathered(at: At) -> Axes | None:
    """Entries picked along one axis."""
    before, shape = at.input(0), at.shape(1)
    if before is None or not at.made:
        return None
    axis = int(at.given.get("axis", 0)) % len(before)
    places = at.view.integers(at.name(1))
    if len(shape) == 1 and places:
        places = [place % length(before[axis]) for place in places] if before[axis].has_cells else places
        if places == list(range(places[0], places[0] + len(places))):
            return (*before[:axis], cut(before[axis], places[0], len(places), 1), *before[axis + 1 :])
        if len(before[axis].factors) == 1 and not before[axis].kinds.isdisjoint(("row", "column", "displaced")):
            return (*before[:axis], picked(before[axis], places), *before[axis + 1 :])
    kind = "channel" if before[axis].kinds <= {"channel"} else "batch" if before[axis].kinds == {"batch"} else "unknown"
    taken = tuple(single(kind, size) for size in at.made[axis : axis + len(shape)])  # type: ignore[arg-type]
    return (*before[:axis], *taken, *before[axis + 1 :])


def reduced(at: At) -> Axes | None:
    """Sums, means and maxima over axes."""
    before = at.input(0)
    if before is None:
        return None
    axes = at.numbers("axes", 1)
    if axes is None and at.name(1):
        return None
    gone = {axis % len(before) for axis in axes} if axes else set(range(len(before)))
    if not at.given.get("keepdims", 1):
        return tuple(axis for i, axis in enumerate(before) if i not in gone)
    return tuple(Axis(()) if i in gone else axis for i, axis in enumerate(before))


def product(a: int = 0, b: int = 1) -> AxisRule:
    """A matrix product of the inputs at the places ``a`` and ``b``."""

    def rule(at: At) -> Axes | None:
        one, other = at.input(a), at.input(b)
        rank = len(at.made)
        if rank < 2 or (one is None and other is None) or min(len(at.shape(a)), len(at.shape(b))) < 2:
            return None
        if one is not None and at.given.get("transA"):
            one = (*one[:-2], one[-1], one[-2])
        if other is not None and at.given.get("transB"):
            other = (*other[:-2], other[-1], other[-2])
        leading = []
        for i in range(-rank, -2):
            both = [(x, at.shape(p)) for x, p in ((one, a), (other, b)) if x is not None and len(x) >= -i]
            leading.append(_agreed([x[i] for x, shape in both if shape[i] == at.made[i]], at.made[i]))
        row = single("channel", at.made[-2]) if one is None else one[-2]
        last = single("channel", at.made[-1]) if other is None else other[-1]
        return (*leading, row, last)

    return rule


def einsum(at: At) -> Axes | None:
    """Products and sums after a formula."""
    formula = at.given["equation"].decode().replace(" ", "")
    if "." in formula or "->" not in formula:
        return None
    sources, target = formula.split("->")
    known: dict[str, list[Axis]] = {}
    for place, letters in enumerate(sources.split(",")):
        for letter, axis in zip(letters, at.input(place) or (), strict=False):
            known.setdefault(letter, []).append(axis)
    if not known:
        return None
    pairs = zip(target, at.made, strict=True)
    return tuple(_agreed(known[x], size) if x in known else single("channel", size) for x, size in pairs)

"""How operators hand on what axes stand for that work on the rows and columns of a grid, or put them elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from resnet_desktop.bundle.structure.axes import (
    Axes,
    Axis,
    Kind,
    bordered,
    length,
    other_size,
    picture_axes,
    reversed_axis,
    settled,
    single,
)
from resnet_desktop.bundle.structure.axis_rules import At
from resnet_desktop.bundle.structure.shapes import Shape


def convolved(at: At) -> Axes | None:
    """Windows over the spatial axes; whatever was unknown before, these are the batch, channels, rows and columns."""
    before, shape = at.input(0), at.made
    if not shape:
        return None
    if len(shape) == 4 and before is None:
        return picture_axes(shape)
    if before is None or len(before) != len(shape):
        return None
    kinds: Sequence[Kind] = ("row", "column") if _may_be_picture(before) else ["unknown"] * (len(shape) - 2)
    reach = _reach(at)
    spatial = [
        _windowed(axis, size, kind, far)
        for axis, size, kind, far in zip(before[2:], shape[2:], kinds, reach, strict=True)
    ]
    return (before[0], single("channel", shape[1]), *spatial)


def _may_be_picture(axes: Axes) -> bool:
    allowed = ({"batch"}, {"channel", "unknown"}, *(({kind, "unknown", "displaced"}) for kind in ("row", "column")))
    return len(axes) == len(allowed) and all(
        axis.kinds <= kinds and len(axis.factors) < 2 for axis, kinds in zip(axes, allowed, strict=True)
    )


def _windowed(axis: Axis, size: int | None, kind: Kind, reach: int) -> Axis:
    """One spatial axis behind windows over it; ``kind`` is what it is taken for if it is unknown."""
    if size == 1:
        return Axis(())
    if axis.kinds == {"displaced"}:
        return single("displaced", size)
    if len(axis.factors) == 1 and axis.has_cells:
        found = settled(axis, size, reach)
        is_own = axis.kinds == {kind} and not axis.factors[0].roll
        return Axis(tuple(single(kind, size).factors)) if is_own and not _is_turned(found) else found
    if kind != "unknown" and not axis.has_cells:
        return single(kind, size)
    if size == length(axis):
        return axis
    return single("displaced" if axis.has_cells else "unknown", size)


def _is_turned(axis: Axis) -> bool:
    return "displaced" in axis.kinds or any(factor.flipped for factor in axis.factors)


def _reach(at: At) -> list[int]:
    """How far the windows reach along each spatial axis, from their first entry to their last."""
    count = len(at.made) - 2
    kernel: Shape = tuple(at.given.get("kernel_shape", ()))
    if not kernel and "Conv" in at.node.op_type:
        kernel = at.shape(3 if at.node.op_type == "QLinearConv" else 1)[2:]
    if len(kernel) != count:
        return [0] * count
    dilations = at.given.get("dilations") or [1] * count
    strides = at.given.get("strides") or [1] * count
    last = [(size or 1) * dilation for size, dilation in zip(kernel, dilations, strict=True)]
    return [max(end - 1, stride - 1) for end, stride in zip(last, strides, strict=True)]


def pictured(at: At) -> Axes | None:
    """Operators that give ``[batch, channels, height, width]`` and nothing else."""
    return convolved(at) if len(at.made) == 4 else None


def resized(at: At) -> Axes | None:
    """Other sizes, the same axes; displaced if a part is cut out on the way."""
    before, shape = at.input(0), at.made
    if before is None:
        return None
    part = at.given.get("coordinate_transformation_mode") == b"tf_crop_and_resize"
    found = []
    for axis, size in zip(before, shape, strict=True):
        if part and axis.has_cells:
            found.append(single("displaced", size))
        elif size is None or size == length(axis):
            found.append(axis)
        elif len(axis.factors) == 1 and axis.has_cells:
            found.append(settled(axis, size))
        else:
            found.append(single("displaced", size) if axis.has_cells else other_size(axis, size))
    return tuple(found)


def padded(at: At) -> Axes | None:
    """Borders added, or cut off; what is not known beforehand counts as displaced."""
    before = at.input(0)
    if before is None or len(at.made) != len(before):
        return None
    pads, listed = at.numbers("pads", 1), at.numbers("axes", 3)
    places = [place % len(before) for place in listed] if listed is not None else list(range(len(before)))
    if pads is None or len(pads) != 2 * len(places):
        return tuple(
            axis if size is None or size == length(axis) else single("displaced", size)
            for axis, size in zip(before, at.made, strict=True)
        )
    found = list(before)
    for place, first, last in zip(places, pads, pads[len(places) :], strict=False):
        if first or last:
            found[place] = bordered(before[place], first, last)
    return tuple(found)


def reversed_sequence(at: At) -> Axes | None:
    """One axis from the end to the start, as TensorFlow's exporters mirror; displaced if only a part may be."""
    before, shape = at.input(0), at.shape(0)
    if before is None:
        return None
    axis = int(at.given.get("time_axis", 0)) % len(before)
    lengths = at.view.integers(at.name(1))
    whole = lengths is not None and set(lengths) == {shape[axis]}
    turned = reversed_axis(before[axis]) if whole else single("displaced", shape[axis])
    return (*before[:axis], turned, *before[axis + 1 :])


def repeated(at: At) -> Axes | None:
    """Copies laid beside one another: displaced where they are of rows or columns."""
    before, shape = at.input(0), at.made
    if before is None or len(shape) != len(before):
        return None
    return tuple(
        axis if size is None or size == length(axis) else single("displaced", size) if axis.has_cells
        else other_size(axis, size)
        for axis, size in zip(before, shape, strict=True)
    )  # fmt: skip


def moved(at: At) -> Axes | None:
    """Cells taken from anywhere: a grid that is warped, or regions cut out."""
    before, shape = at.input(0), at.made
    if before is None or len(shape) != 4:
        return None
    batch = before[0] if len(before) == 4 and shape[0] == at.shape(0)[0] else single("unknown", shape[0])
    return (batch, single("channel", shape[1]), *(single("displaced", size) for size in shape[2:]))

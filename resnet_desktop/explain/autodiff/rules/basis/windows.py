"""Where the windows of convolutions and poolings lie."""

from __future__ import annotations

from dataclasses import dataclass

from resnet_desktop.explain.autodiff.rules.basis.step import Step


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows that slide over the spatial axes, one entry for each axis.

    Attributes:
        inputs: sizes of what they slide over.
        outputs: how many there are.
        kernel: their sizes, without gaps.
        strides: the steps between them.
        dilations: the distances of their cells.
        before: padding at the start of each axis.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]

    @property
    def reach(self) -> tuple[int, ...]:
        """The distance of the last cell of a window from its first."""
        return tuple(d * (k - 1) for k, d in zip(self.kernel, self.dilations, strict=True))

    @property
    def after(self) -> tuple[int, ...]:
        """How far the last window reaches beyond the end of each axis; negative where it does not get there."""
        axes = zip(self.inputs, self.outputs, self.strides, self.before, self.reach, strict=True)
        return tuple((o - 1) * s + r + 1 - b - i for i, o, s, b, r in axes)


def windows(step: Step, kernel: tuple[int, ...]) -> Windows:
    """The windows of a node whose input and output have batch and channels before the spatial axes."""
    count = len(kernel)
    axes = range(2, 2 + count)
    inputs, outputs = step.write.extents(step.x, axes), step.write.extents(step.y, axes)
    strides = tuple(step.integers("strides", [1] * count))
    dilations = tuple(step.integers("dilations", [1] * count))
    before = tuple(step.integers("pads", [0] * 2 * count)[:count])
    mode = step.given.get("auto_pad", b"NOTSET")
    if mode == b"VALID":
        before = (0,) * count
    elif mode in (b"SAME_UPPER", b"SAME_LOWER"):
        totals = [
            max((o - 1) * s + d * (k - 1) + 1 - i, 0)
            for i, o, s, d, k in zip(inputs, outputs, strides, dilations, kernel, strict=True)
        ]
        before = tuple((t + (mode == b"SAME_LOWER")) // 2 for t in totals)
    return Windows(inputs, outputs, kernel, strides, dilations, before)

"""Which values of pixels a foreign network takes, by what its first operators make of them.

A file says nothing of how its photos were prepared, and a network that is fed other values than it has learnt from
answers wrongly without a word. Many a graph gives it away, though: it divides by 255, subtracts the means of ImageNet,
rounds its input to whole numbers by a scale that was measured on prepared photos, or begins with a batch norm.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from resnet_desktop.bundle.adapt.inputs import BYTES, ImageInput
from resnet_desktop.bundle.structure.constants import Array
from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.imaging.transforms import PIXEL_VALUES

_VIEWS = ("Identity", "Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Dropout", "Pad", "Resize", "Upsample")
"""What leaves values as they are, but for margins and what lies between two pixels."""
_MOST_STEPS = 24
_NEAR = 0.06
"""Of its span, how far the end of a measured range may be from that of a usual one: photos hardly reach all of it."""


def values_taken(view: GraphView, image: ImageInput) -> str | None:
    """The key of ``transforms.PIXEL_VALUES`` that a graph was made for; None where it does not show.

    Args:
        view: the graph as it is in the file.
        image: its input.
    """
    if image.type in BYTES:
        return "0..255" if image.scale is None else _of_range(image.scale[0], image.scale[1], BYTES[image.type])
    found = _Followed(view, image.name)
    if found.rounded is not None:
        return _of_range(*found.rounded)
    if found.statistics is not None:
        return _of_statistics(*found.statistics)
    return _of_line(found.factor, found.shift) if found.changed else None


class _Followed:
    """What the operators behind the input make of a value: ``factor * value + shift``, channel by channel.

    Attributes:
        factor: one number, or one for each channel.
        shift: likewise.
        changed: whether any operator changed a value.
        rounded: where values are rounded as they come in: scale, zero point, and the least whole number.
        statistics: where a batch norm comes first: mean and standard deviation of the values that it has seen.
    """

    def __init__(self, view: GraphView, name: str) -> None:
        self.factor, self.shift = np.ones(1), np.zeros(1)
        self.changed = False
        self.rounded: tuple[float, int, int] | None = None
        self.statistics: tuple[Array, Array] | None = None
        self._view = view
        for _ in range(_MOST_STEPS):
            readers = view.consumers(name)
            if len(readers) != 1 or not self._passes(readers[0], name):
                return
            name = readers[0].output[0]

    def _passes(self, node: onnx.NodeProto, name: str) -> bool:
        """Take an operator along; False where it is none of these."""
        if node.op_type in _VIEWS or self._picks_channels(node):
            return str(node.input[0]) == name
        if node.op_type == "QuantizeLinear" and not self.changed:
            self._round(node)
            return False
        if node.op_type == "BatchNormalization":  # whose own scale is learnt, and says nothing
            self.statistics = None if self.changed else self._statistics(node)
            return False
        line = self._arithmetic(node, name)
        if line is None:
            return False
        factor, shift = line
        with np.errstate(all="ignore"):
            self.factor, self.shift = self.factor * factor, self.shift * factor + shift
        self.changed = self.changed or bool(np.any(factor != 1) or np.any(shift != 0))
        return bool(np.isfinite(self.factor).all() and np.isfinite(self.shift).all())

    def _picks_channels(self, node: onnx.NodeProto) -> bool:
        """Whether colours change places: the kind of their values is the same for all."""
        order = self._view.constant(node.input[1]) if node.op_type == "Gather" else None
        return order is not None and sorted(order.reshape(-1).tolist()) == [0, 1, 2]

    def _arithmetic(self, node: onnx.NodeProto, name: str) -> tuple[Array, Array] | None:
        if node.op_type not in ("Mul", "Div", "Add", "Sub") or len(node.input) != 2:
            return None
        first = node.input[0] == name
        other = self._constant(node.input[1] if first else node.input[0])
        if other is None or (node.op_type == "Div" and (not first or not other.all())):
            return None
        nothing = np.zeros(1)
        match node.op_type:
            case "Mul":
                return other, nothing
            case "Div":
                return 1 / other, nothing
            case "Add":
                return np.ones(1), other
        return (np.ones(1), -other) if first else (-np.ones(1), other)

    def _statistics(self, node: onnx.NodeProto) -> tuple[Array, Array] | None:
        mean, variance = (self._constant(name) for name in node.input[3:5])
        if mean is None or variance is None or not (variance > 0).all():
            return None
        return mean, np.sqrt(variance)

    def _round(self, node: onnx.NodeProto) -> None:
        scale, zero = self._view.constant(node.input[1]), np.zeros(1, np.uint8)
        if len(node.input) > 2 and node.input[2]:
            given = self._view.constant(node.input[2])
            if given is None:
                return
            zero = given
        if scale is None or scale.size != 1 or zero.size != 1 or zero.dtype not in (np.uint8, np.int8):
            return
        least = int(np.iinfo(zero.dtype).min)
        self.rounded = (float(scale.reshape(-1)[0]), int(zero.reshape(-1)[0]), least)

    def _constant(self, name: str) -> Array | None:
        """A constant of one number, or of one for each of three channels."""
        found = self._view.constant(name)
        if found is None or found.dtype.kind != "f" or found.size not in (1, 3):
            return None
        return found.reshape(-1).astype(np.float64)


def _of_range(scale: float, zero: int, least: int) -> str | None:
    """By the range that whole numbers of 8 bits stand for."""
    low, high = (scale * (end - zero) for end in (least, least + 255))
    for name, (means, deviations) in PIXEL_VALUES.items():
        ends = [((value - np.array(means)) / np.array(deviations)) for value in (0.0, 1.0)]
        least_end, last_end = float(ends[0].min()), float(ends[1].max())
        span = _NEAR * (last_end - least_end)
        if abs(low - least_end) < span and abs(high - last_end) < span:
            return name
    return None


_SEEN: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "imagenet": ((-0.5, 0.5), (0.75, 1.4)),
    "-1..1": ((-0.5, 0.3), (0.3, 0.7)),
    "0..1": ((0.25, 0.7), (0.12, 0.38)),
    "0..255": ((60.0, 180.0), (35.0, 95.0)),
}
"""Between which ends mean and standard deviation of photos lie, by the values that they are given."""


def _of_statistics(mean: Array, deviation: Array) -> str | None:
    """By what a batch norm has seen of its pictures."""
    for name, ends in _SEEN.items():
        if all(low <= one <= high for part, (low, high) in zip((mean, deviation), ends, strict=True) for one in part):
            return name
    return None


def _of_line(factor: Array, shift: Array) -> str | None:
    """By what is made of a value: networks reckon with numbers of about 1 around 0, or with bytes less their mean.

    All channels have to agree. Where both of two kinds would do, neither is told.
    """
    factor, shift = np.broadcast_arrays(factor, shift)
    found = {_of_channel(float(a), float(b)) for a, b in zip(factor, shift, strict=True)}
    return found.pop() if len(found) == 1 else None


def _of_channel(a: float, b: float) -> str | None:
    made_small = 0.3 <= 255 * a <= 12 and -4 <= b <= 1  # bytes become numbers of about 1
    centred = abs(a - 1) < 1e-3 and -150 <= b <= -80  # bytes, less their mean
    if made_small or centred:
        return "0..255"
    if 1.5 <= a <= 12:
        middle, zero = abs(0.5 * a + b), abs(b)  # of pixels from 0 to 1, and from -1 to 1, what their middle becomes
        if middle <= 0.35 * a < zero:
            return "0..1"
        return "-1..1" if zero <= 0.25 * a and a <= 5 else None
    if 200 <= a <= 300:
        return "0..1"
    if abs(a - 1) < 1e-3 and -0.6 <= b <= -0.35:
        return "0..1"
    if abs(a - 0.5) < 1e-3 and abs(b - 0.5) < 1e-3:
        return "-1..1"
    return "-1..1" if 100 <= a <= 150 and abs(b - a) < 0.05 * a else None

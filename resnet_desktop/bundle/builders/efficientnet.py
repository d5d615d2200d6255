"""EfficientNet-Lite networks as ONNX graphs, written from named arrays.

Sources: Tan and Le 2019, "EfficientNet" (arXiv:1905.11946) for the order of the stages; the Lite variants have ReLU6 in
place of swish and no squeeze-and-excitation, and keep the widths of stem and head whatever the size of the network.
Blocks are inverted residual blocks with linear ends (Sandler et al. 2018, "MobileNetV2", arXiv:1801.04381): a block
hands on the sum x + F(x), or F(x) alone where width or resolution change, with no activation behind.

Widths, depths and kernels are read from the shapes of the arrays. Tensors that matter have readable names:
``blocks.3``, ``blocks.3.residual``, ``blocks.3.skip``, ``head``, ``avgpool``, ``logits``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.writer import (
    INPUT,
    OUTPUT,
    GraphWriter,
    Storage,
    check_shape,
    norm_shapes,
    wrong_shapes,
)

PREFIX = "efficientnet-lite"
"""What the names of these networks begin with."""
EPSILON = 1e-3
"""The batch norms' epsilon, TensorFlow's default."""
STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Of the first block of each stage; shapes of weights do not tell them."""
STEM_STRIDE = 2


@dataclass(frozen=True, slots=True)
class InvertedBlock:
    """An inverted residual block: 1x1 expansion (none where ``expanded`` is ``channels_in``), depthwise, 1x1."""

    name: str
    channels_in: int
    expanded: int
    channels_out: int
    kernel: int
    stride: int

    @property
    def expands(self) -> bool:
        """Whether it begins with a 1x1 convolution."""
        return self.expanded != self.channels_in

    @property
    def residual(self) -> bool:
        """Whether x is added to F(x): where the two have the same shape."""
        return self.stride == 1 and self.channels_in == self.channels_out

    @property
    def convolutions(self) -> tuple[tuple[str, str, tuple[int, int, int]], ...]:
        """Name, name of the batch norm, and outputs, inputs of a group and kernel of each convolution, in order."""
        first = ("expand_conv", "bn0", (self.expanded, self.channels_in, 1))
        return (
            *((first,) if self.expands else ()),
            ("depthwise_conv", "bn1", (self.expanded, 1, self.kernel)),
            ("project_conv", "bn2", (self.channels_out, self.expanded, 1)),
        )


@dataclass(frozen=True, slots=True)
class EfficientNetLite:
    """The shape of one network, without its weights: name, width of stem and head, blocks from input to output."""

    name: str
    stem: int
    head: int
    blocks: tuple[InvertedBlock, ...]


def is_efficientnet_lite(name: str | None) -> bool:
    """Whether an architecture's name is that of a network that this module builds."""
    return name is not None and name.startswith(PREFIX)


def read_shape(name: str, shapes: Mapping[str, tuple[int, ...]]) -> EfficientNetLite:
    """The network that arrays of these shapes make up.

    Args:
        name: what it is called, such as ``efficientnet-lite0``.
        shapes: of the arrays by name, the head included.

    Raises:
        ModelError: ``wrong_shapes`` names the first array that is missing, too many or of the wrong shape.
    """
    stem, head = (_channels(name, shapes, f"{layer}.weight", 4) for layer in ("conv_stem", "conv_head"))
    network = EfficientNetLite(name, stem, head, _blocks(name, shapes, stem))
    expected = _expected_shapes(network)
    for array, shape in expected.items():
        check_shape(name, shapes, array, shape)
    classes = _channels(name, shapes, "fc.bias", 1)
    check_shape(name, shapes, "fc.weight", (classes, head))
    unknown = next((array for array in shapes if array not in (*expected, "fc.weight", "fc.bias")), None)
    if unknown is not None:
        raise wrong_shapes(name, f"{unknown} is not part of the network")
    return network


def build_efficientnet_lite(
    name: str, arrays: Mapping[str, NDArray[Any]], *, side: int, storage: Storage = "float32"
) -> onnx.ModelProto:
    """Write a network as an ONNX model: ``input`` ``[batch, 3, side, side]`` to ``logits`` ``[batch, classes]``.

    Args:
        name: what it is called.
        arrays: ``conv_stem.weight``, ``bn0.*``; of each block ``blocks.N.expand_conv.weight``, ``blocks.N.bn0.*``,
            ``blocks.N.depthwise_conv.weight``, ``blocks.N.bn1.*``, ``blocks.N.project_conv.weight``,
            ``blocks.N.bn2.*``; ``conv_head.weight``, ``bn1.*``, ``fc.weight``, ``fc.bias``.
        side: pixels of the input. Padding is that of TensorFlow's SAME at this size, which is not symmetric where the
            stride is 2.
        storage: the type in which convolution and linear weights are stored; all else stays float32.

    Raises:
        ModelError: as ``read_shape``; ``damaged_model`` as ``writer.stored``.
    """
    network = read_shape(name, {key: array.shape for key, array in arrays.items()})
    writer = _Writer(arrays, storage, EPSILON)
    x, size = writer.activated(INPUT, "conv_stem", "bn0", "stem", 3, STEM_STRIDE, side)
    for block in network.blocks:
        x, size = writer.block(x, block, size)
    x, _ = writer.activated(x, "conv_head", "bn1", "head", 1, 1, size)
    writer.linear(writer.pooled(x), "fc", OUTPUT)
    return writer.model(name, side, side, int(arrays["fc.bias"].shape[0]))


class _Writer(GraphWriter):
    """The parts of an EfficientNet-Lite. Sizes are pixels of one side."""

    def activated(
        self, x: str, conv: str, norm: str, output: str, kernel: int, stride: int, size: int
    ) -> tuple[str, int]:
        """Convolution, batch norm, ReLU6; the tensor and its size."""
        x = self.conv(x, conv, kernel=kernel, stride=stride, pads=_same(size, kernel, stride))
        x = self.norm(x, norm, norm)
        bounds = [self.constant("relu6.min", 0.0), self.constant("relu6.max", 6.0)]
        return self.op("Clip", [x, *bounds], output), -(-size // stride)

    def block(self, x: str, block: InvertedBlock, size: int) -> tuple[str, int]:
        """One block: the residual path with its linear end and, where shapes allow, the sum with x."""
        name, y = block.name, x
        if block.expands:
            y, _ = self.activated(y, f"{name}.expand_conv", f"{name}.bn0", f"{name}.expand", 1, 1, size)
        y, size = self.activated(
            y, f"{name}.depthwise_conv", f"{name}.bn1", f"{name}.depthwise", block.kernel, block.stride, size
        )
        y = self.conv(y, f"{name}.project_conv", kernel=1, stride=1, pads=[0] * 4)
        if not block.residual:
            return self.norm(y, f"{name}.bn2", name), size
        y = self.norm(y, f"{name}.bn2", f"{name}.residual")
        return self.op("Add", [y, self.op("Identity", [x], f"{name}.skip")], name), size


def _same(size: int, kernel: int, stride: int) -> Sequence[int]:
    """TensorFlow's SAME padding of a side of ``size`` pixels: the odd pixel goes below and to the right."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return [total // 2] * 2 + [total - total // 2] * 2


def _blocks(name: str, shapes: Mapping[str, tuple[int, ...]], stem: int) -> tuple[InvertedBlock, ...]:
    found: list[InvertedBlock] = []
    channels, stage = stem, -1
    for i in itertools.count():
        block = f"blocks.{i}"
        if f"{block}.depthwise_conv.weight" not in shapes:
            break
        _channels(name, shapes, f"{block}.depthwise_conv.weight", 4)
        expanded, _, kernel, _ = shapes[f"{block}.depthwise_conv.weight"]
        out = _channels(name, shapes, f"{block}.project_conv.weight", 4)
        starts = out != channels or not found
        stage += starts
        if stage >= len(STAGE_STRIDES):
            raise wrong_shapes(name, f"it has more than {len(STAGE_STRIDES)} stages")
        found.append(InvertedBlock(block, channels, expanded, out, kernel, STAGE_STRIDES[stage] if starts else 1))
        channels = out
    if stage != len(STAGE_STRIDES) - 1:
        raise wrong_shapes(name, f"it has {stage + 1} stages instead of {len(STAGE_STRIDES)}")
    return tuple(found)


def _expected_shapes(network: EfficientNetLite) -> dict[str, tuple[int, ...]]:
    """The shape of every array but the classifier's, from input to output."""
    shapes = {"conv_stem.weight": (network.stem, 3, 3, 3), **norm_shapes("bn0", network.stem)}
    for block in network.blocks:
        for conv, norm, (outputs, inputs, kernel) in block.convolutions:
            shapes[f"{block.name}.{conv}.weight"] = (outputs, inputs, kernel, kernel)
            shapes |= norm_shapes(f"{block.name}.{norm}", outputs)
    shapes["conv_head.weight"] = (network.head, network.blocks[-1].channels_out, 1, 1)
    return shapes | norm_shapes("bn1", network.head)


def _channels(name: str, shapes: Mapping[str, tuple[int, ...]], array: str, rank: int) -> int:
    """The first dimension of an array that must be there with ``rank`` dimensions, all above 0."""
    shape = shapes.get(array)
    if shape is None:
        raise wrong_shapes(name, f"{array} is missing")
    if len(shape) != rank or 0 in shape:
        raise wrong_shapes(name, f"{array} has shape {list(shape)}")
    return shape[0]

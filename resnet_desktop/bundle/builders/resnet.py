"""ResNets as ONNX graphs, written straight from named NumPy arrays.

Arrays carry torchvision's parameter names. Tensors that matter have readable names (``layer3.5``,
``layer3.5.residual``, ``layer3.5.skip``, ``avgpool``, ``logits``), which explanations, lesions and other programs can
ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from resnet_desktop.bundle.builders.architectures import Architecture, Block
from resnet_desktop.bundle.builders.writer import (
    INPUT,
    IR_VERSION,
    OPSET,
    OUTPUT,
    POOLED,
    PRODUCER,
    GraphWriter,
    Storage,
    check_shape,
    norm_shapes,
    stored,
    wrong_shapes,
)

__all__ = [
    "INPUT",
    "IR_VERSION",
    "OPSET",
    "OUTPUT",
    "POOLED",
    "PRODUCER",
    "Storage",
    "build_resnet",
    "check_arrays",
    "expected_shapes",
    "head_names",
    "read_arrays",
    "stored_arrays",
]

EPSILON = 1e-5
"""The batch norms' epsilon: PyTorch's default, which all networks of the family are trained with."""


def build_resnet(
    arch: Architecture,
    arrays: Mapping[str, NDArray[Any]],
    *,
    height: int,
    width: int,
    storage: Storage = "float16",
) -> onnx.ModelProto:
    """Write a ResNet as an ONNX model: ``input`` ``[batch, 3, height, width]`` to ``logits`` ``[batch, classes]``.

    Args:
        arch: the network's shape.
        arrays: parameters and running statistics by torchvision's names; the head is ``fc``, or ``head.0``,
            ``head.1`` … with a ReLU behind all but the last.
        height: pixels of the input.
        width: pixels of the input.
        storage: the type in which convolution and linear weights are stored; all else stays float32.

    Raises:
        ModelError: ``wrong_shapes`` names the first array that is missing, too many or of the wrong shape;
            ``damaged_model`` one with values that are not finite, or too large for ``storage``.
    """
    check_arrays(arch, {name: array.shape for name, array in arrays.items()})
    writer = _ResNetWriter(arrays, storage, EPSILON)
    x = writer.stem(arch)
    for block in arch.blocks:
        x = writer.block(x, block)
    return writer.model(arch.name, height, width, writer.head(x))


def stored_arrays(arrays: Mapping[str, NDArray[Any]], storage: Storage) -> dict[str, NDArray[np.float32]]:
    """The values that a model stored with ``storage`` computes with: rounded, then float32 again.

    Raises ModelError ``damaged_model`` as ``build_resnet`` does.
    """
    return {name: stored(name, array, storage).astype(np.float32) for name, array in arrays.items()}


def read_arrays(model: onnx.ModelProto) -> dict[str, NDArray[np.float32]]:
    """The named arrays of a model that ``build_resnet`` wrote (or of any, by its initializers), as float32 copies.

    The model must have been checked (``bundle.read`` does). Initializers that are not of a float type are left out.
    """
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    return {
        t.name: numpy_helper.to_array(t).astype(np.float32) for t in model.graph.initializer if t.data_type in floats
    }


def expected_shapes(arch: Architecture) -> dict[str, tuple[int, ...]]:
    """The shape of every array that ``arch`` needs, in order from input to output, without the head."""
    width = arch.widths[0]
    shapes = {"conv1.weight": (width, 3, *_stem(arch)[:1] * 2), **norm_shapes("bn1", width)}
    for block in arch.blocks:
        for c in block.convolutions:
            shapes[f"{block.name}.{c.name}.weight"] = (c.channels_out, c.channels_in, c.kernel, c.kernel)
            shapes |= norm_shapes(f"{block.name}.{c.norm}", c.channels_out)
        if block.projects:
            shapes[f"{block.name}.downsample.0.weight"] = (block.channels_out, block.channels_in, 1, 1)
            shapes |= norm_shapes(f"{block.name}.downsample.1", block.channels_out)
    return shapes


def check_arrays(arch: Architecture, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Check that arrays of these shapes make up the whole network ``arch`` with a head, and nothing else.

    Raises ModelError ``wrong_shapes`` with the name of the first array that is missing, wrong, or too many.
    """
    expected = expected_shapes(arch)
    for name, shape in expected.items():
        check_shape(arch.name, shapes, name, shape)
    features = arch.features
    for name in head_names(shapes):
        outputs = shapes.get(f"{name}.bias", ())
        if len(outputs) != 1 or not outputs[0]:
            raise wrong_shapes(arch.name, f"{name}.bias is missing or not a list of numbers")
        check_shape(arch.name, shapes, f"{name}.weight", (outputs[0], features))
        expected |= {f"{name}.weight": (), f"{name}.bias": ()}
        features = outputs[0]
    unknown = next((name for name in shapes if name not in expected), None)
    if unknown is not None:
        raise wrong_shapes(arch.name, f"{unknown} is not part of the network")


def head_names(names: Mapping[str, Any]) -> tuple[str, ...]:
    """The linear layers of the head, in order: ``fc``, or ``head.0``, ``head.1`` …."""
    if "head.0.weight" not in names:
        return ("fc",)
    count = next(i for i in range(len(names) + 1) if f"head.{i}.weight" not in names)
    return tuple(f"head.{i}" for i in range(count))


def _stem(arch: Architecture) -> tuple[int, int, int]:
    """Kernel, stride and padding of the first convolution."""
    return (7, 2, 3) if arch.stem == "imagenet" else (3, 1, 1)


class _ResNetWriter(GraphWriter):
    """The parts of a ResNet; every method takes the name of its input tensor and returns its output's."""

    def stem(self, arch: Architecture) -> str:
        """From the picture to what the first stage sees."""
        kernel, stride, padding = _stem(arch)
        x = self.conv(INPUT, "conv1", kernel=kernel, stride=stride, pads=[padding] * 4)
        x = self.op("Relu", [self.norm(x, "bn1", "bn1")], "relu")
        if arch.stem == "imagenet":
            x = self.op("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        return x

    def block(self, x: str, block: Block) -> str:
        """One block: the residual path, the skip path, their sum, ReLU."""
        last = len(block.convolutions) - 1
        y = x
        for i, c in enumerate(block.convolutions):
            y = self.conv(y, f"{block.name}.{c.name}", kernel=c.kernel, stride=c.stride, pads=[c.padding] * 4)
            is_f = i == last and block.residual
            y = self.norm(y, f"{block.name}.{c.norm}", f"{block.name}.residual" if is_f else f"{block.name}.{c.norm}")
            if i < last:
                y = self.op("Relu", [y], f"{block.name}.relu{i + 1}")
        if block.residual:
            y = self.op("Add", [y, self._skip(x, block)], f"{block.name}.sum")
        return self.op("Relu", [y], block.name)

    def head(self, x: str) -> int:
        """Pooling and the linear layers; returns the number of classes."""
        x = self.pooled(x)
        names = head_names(self._arrays)
        for name in names[:-1]:
            x = self.op("Relu", [self.linear(x, name, f"{name}.linear")], name)
        self.linear(x, names[-1], OUTPUT)
        return int(self._arrays[f"{names[-1]}.bias"].shape[0])

    def _skip(self, x: str, block: Block) -> str:
        """The skip path: x itself under its own name (the runtime drops the Identity), or the projection."""
        name = f"{block.name}.skip"
        if not block.projects:
            return self.op("Identity", [x], name)
        y = self.conv(x, f"{block.name}.downsample.0", kernel=1, stride=block.stride, pads=[0] * 4)
        return self.norm(y, f"{block.name}.downsample.1", name)

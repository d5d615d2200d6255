"""ResNets as ONNX graphs, written straight from named NumPy arrays.

Arrays carry torchvision's parameter names. The graph is the plain one: Conv, BatchNormalization, Relu and Add over
initializers, which a runtime fuses when it loads the file; folding here would lose the names and win nothing. Tensors
that matter have readable names (``layer3.5``, ``layer3.5.residual``, ``layer3.5.skip``, ``avgpool``, ``logits``), which
explanations, lesions and other programs can ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.architectures import Architecture, Block
from resnet_desktop.core.errors import ModelError

Storage = Literal["float16", "float32"]

OPSET = 17
IR_VERSION = 8
PRODUCER = "resnet-desktop"
INPUT = "input"
OUTPUT = "logits"
POOLED = "avgpool"
EPSILON = 1e-5
"""The batch norms' epsilon: PyTorch's default, which all networks of the family are trained with."""

_NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


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
    writer = _Writer(arrays, storage)
    x = writer.stem(arch)
    for block in arch.blocks:
        x = writer.block(x, block)
    classes = writer.head(x)
    graph = helper.make_graph(
        writer.nodes,
        arch.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 3, height, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", classes])],
        writer.initializers,
    )
    return helper.make_model(
        graph,
        producer_name=PRODUCER,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )


def stored_arrays(arrays: Mapping[str, NDArray[Any]], storage: Storage) -> dict[str, NDArray[np.float32]]:
    """The values that a model stored with ``storage`` computes with: rounded, then float32 again.

    Raises ModelError ``damaged_model`` as ``build_resnet`` does.
    """
    return {name: _stored(name, array, storage).astype(np.float32) for name, array in arrays.items()}


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
    shapes = {"conv1.weight": (width, 3, *_stem(arch)[:1] * 2), **_norm_shapes("bn1", width)}
    for block in arch.blocks:
        for c in block.convolutions:
            shapes[f"{block.name}.{c.name}.weight"] = (c.channels_out, c.channels_in, c.kernel, c.kernel)
            shapes |= _norm_shapes(f"{block.name}.{c.norm}", c.channels_out)
        if block.projects:
            shapes[f"{block.name}.downsample.0.weight"] = (block.channels_out, block.channels_in, 1, 1)
            shapes |= _norm_shapes(f"{block.name}.downsample.1", block.channels_out)
    return shapes


def check_arrays(arch: Architecture, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Check that arrays of these shapes make up the whole network ``arch`` with a head, and nothing else.

    Raises ModelError ``wrong_shapes`` with the name of the first array that is missing, wrong, or too many.
    """
    expected = expected_shapes(arch)
    for name, shape in expected.items():
        _check_shape(arch, shapes, name, shape)
    features = arch.features
    for name in head_names(shapes):
        outputs = shapes.get(f"{name}.bias", ())
        if len(outputs) != 1 or not outputs[0]:
            raise _wrong_shapes(arch, f"{name}.bias is missing or not a list of numbers")
        _check_shape(arch, shapes, f"{name}.weight", (outputs[0], features))
        expected |= {f"{name}.weight": (), f"{name}.bias": ()}
        features = outputs[0]
    unknown = next((name for name in shapes if name not in expected), None)
    if unknown is not None:
        raise _wrong_shapes(arch, f"{unknown} is not part of the network")


def head_names(names: Mapping[str, Any]) -> tuple[str, ...]:
    """The linear layers of the head, in order: ``fc``, or ``head.0``, ``head.1`` …."""
    if "head.0.weight" not in names:
        return ("fc",)
    count = next(i for i in range(len(names) + 1) if f"head.{i}.weight" not in names)
    return tuple(f"head.{i}" for i in range(count))


def _check_shape(
    arch: Architecture, shapes: Mapping[str, tuple[int, ...]], name: str, expected: tuple[int, ...]
) -> None:
    if name not in shapes:
        raise _wrong_shapes(arch, f"{name} is missing")
    if tuple(shapes[name]) != expected:
        raise _wrong_shapes(arch, f"{name} has shape {list(shapes[name])} where {list(expected)} is needed")


def _wrong_shapes(arch: Architecture, reason: str) -> ModelError:
    return ModelError("wrong_shapes", f"The weights do not fit {arch.name}: {reason}.")


def _norm_shapes(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": (channels,) for part in _NORM_PARTS}


def _stem(arch: Architecture) -> tuple[int, int, int]:
    """Kernel, stride and padding of the first convolution."""
    return (7, 2, 3) if arch.stem == "imagenet" else (3, 1, 1)


def _is_weight(name: str, array: NDArray[Any]) -> bool:
    """Whether ``name`` is a convolution or linear weight (the only arrays of more than one dimension)."""
    return name.endswith(".weight") and array.ndim > 1


def _stored(name: str, array: NDArray[Any], storage: Storage) -> NDArray[Any]:
    if not np.isfinite(array).all():
        raise ModelError("damaged_model", f"The weights {name} have values that are not finite.")
    wanted = np.float16 if storage == "float16" and _is_weight(name, array) else np.float32
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(array, dtype=wanted)
    if not np.isfinite(stored).all():
        raise ModelError("damaged_model", f"The weights {name} have values too large for {storage}.")
    return stored


class _Writer:
    """Collects nodes and initializers; every method takes the name of its input tensor and returns its output's."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], storage: Storage) -> None:
        self._arrays = arrays
        self._storage: Storage = storage
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def stem(self, arch: Architecture) -> str:
        """From the picture to what the first stage sees."""
        kernel, stride, padding = _stem(arch)
        x = self._conv(INPUT, "conv1", kernel, stride, padding)
        x = self._op("Relu", [self._norm(x, "bn1", "bn1")], "relu")
        if arch.stem == "imagenet":
            x = self._op("MaxPool", [x], "maxpool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        return x

    def block(self, x: str, block: Block) -> str:
        """One block: the residual path, the skip path, their sum, ReLU."""
        last = len(block.convolutions) - 1
        y = x
        for i, c in enumerate(block.convolutions):
            y = self._conv(y, f"{block.name}.{c.name}", c.kernel, c.stride, c.padding)
            is_f = i == last and block.residual
            y = self._norm(y, f"{block.name}.{c.norm}", f"{block.name}.residual" if is_f else f"{block.name}.{c.norm}")
            if i < last:
                y = self._op("Relu", [y], f"{block.name}.relu{i + 1}")
        if block.residual:
            y = self._op("Add", [y, self._skip(x, block)], f"{block.name}.sum")
        return self._op("Relu", [y], block.name)

    def head(self, x: str) -> int:
        """Pooling and the linear layers; returns the number of classes."""
        x = self._op("Flatten", [self._op("GlobalAveragePool", [x], "pool")], POOLED, axis=1)
        names = head_names(self._arrays)
        for name in names[:-1]:
            x = self._op("Relu", [self._linear(x, name, f"{name}.linear")], name)
        self._linear(x, names[-1], OUTPUT)
        return int(self._arrays[f"{names[-1]}.bias"].shape[0])

    def _skip(self, x: str, block: Block) -> str:
        """The skip path: x itself under its own name (the runtime drops the Identity), or the projection."""
        name = f"{block.name}.skip"
        if not block.projects:
            return self._op("Identity", [x], name)
        y = self._conv(x, f"{block.name}.downsample.0", 1, block.stride, 0)
        return self._norm(y, f"{block.name}.downsample.1", name)

    def _conv(self, x: str, name: str, kernel: int, stride: int, padding: int) -> str:
        return self._op(
            "Conv",
            [x, self._parameter(f"{name}.weight")],
            name,
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[padding] * 4,
        )

    def _norm(self, x: str, name: str, output: str) -> str:
        parts = [self._parameter(f"{name}.{part}") for part in _NORM_PARTS]
        return self._op("BatchNormalization", [x, *parts], output, epsilon=EPSILON)

    def _linear(self, x: str, name: str, output: str) -> str:
        inputs = [x, self._parameter(f"{name}.weight"), self._parameter(f"{name}.bias")]
        return self._op("Gemm", inputs, output, transB=1)

    def _parameter(self, name: str) -> str:
        """Store an array; the name under which nodes read it as float32."""
        stored = _stored(name, self._arrays[name], self._storage)
        self.initializers.append(numpy_helper.from_array(stored, name))
        if stored.dtype == np.float16:
            return self._op("Cast", [name], f"{name}.f32", to=TensorProto.FLOAT)
        return name

    def _op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401 - ONNX attributes
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

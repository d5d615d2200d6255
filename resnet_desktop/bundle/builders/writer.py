"""What the builders of graphs have in common: nodes and initializers out of named arrays.

Graphs are the plain ones: Conv, BatchNormalization, activation and Add over initializers, which a runtime fuses when it
loads the file; folding here would lose the names and win nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.core.errors import ModelError

Storage = Literal["float16", "float32"]

OPSET = 17
IR_VERSION = 8
PRODUCER = "resnet-desktop"
INPUT = "input"
OUTPUT = "logits"
POOLED = "avgpool"

NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
"""The arrays of a batch norm, in the order in which the operator takes them."""


class GraphWriter:
    """Collects nodes and initializers; every method takes the name of its input tensor and returns its output's.

    Args:
        arrays: parameters and running statistics by name.
        storage: the type in which convolution and linear weights are stored; all else stays float32.
        epsilon: of the batch norms.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], storage: Storage, epsilon: float) -> None:
        self._arrays = arrays
        self._storage: Storage = storage
        self._epsilon = epsilon
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def model(self, name: str, height: int, width: int, classes: int) -> onnx.ModelProto:
        """The model: ``input`` ``[batch, 3, height, width]`` to ``logits`` ``[batch, classes]``."""
        graph = helper.make_graph(
            self.nodes,
            name,
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", 3, height, width])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", classes])],
            self.initializers,
        )
        return helper.make_model(
            graph, producer_name=PRODUCER, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
        )

    def conv(
        self, x: str, name: str, *, kernel: int, stride: int, pads: Sequence[int], output: str | None = None
    ) -> str:
        """A convolution without bias of square ``kernel``; ``pads``: above, left, below, right.

        The groups follow from the shape of the weights: those of one input channel are depthwise.
        """
        weight = self._arrays[f"{name}.weight"]
        depthwise = {"group": int(weight.shape[0])} if weight.shape[1] == 1 and weight.shape[0] > 1 else {}
        return self.op(
            "Conv",
            [x, self.parameter(f"{name}.weight")],
            output or name,
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=list(pads),
            **depthwise,
        )

    def norm(self, x: str, name: str, output: str) -> str:
        """A batch norm with the running statistics."""
        parts = [self.parameter(f"{name}.{part}") for part in NORM_PARTS]
        return self.op("BatchNormalization", [x, *parts], output, epsilon=self._epsilon)

    def linear(self, x: str, name: str, output: str) -> str:
        """A linear layer with bias."""
        inputs = [x, self.parameter(f"{name}.weight"), self.parameter(f"{name}.bias")]
        return self.op("Gemm", inputs, output, transB=1)

    def pooled(self, x: str) -> str:
        """The average over height and width, ``[batch, channels]``."""
        return self.op("Flatten", [self.op("GlobalAveragePool", [x], "pool")], POOLED, axis=1)

    def constant(self, name: str, value: float) -> str:
        """A number as an initializer, written once."""
        if all(tensor.name != name for tensor in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def parameter(self, name: str) -> str:
        """Store an array; the name under which nodes read it as float32."""
        array = stored(name, self._arrays[name], self._storage)
        self.initializers.append(numpy_helper.from_array(array, name))
        if array.dtype == np.float16:
            return self.op("Cast", [name], f"{name}.f32", to=TensorProto.FLOAT)
        return name

    def op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401 - ONNX attributes
        """Any operator with one output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def stored(name: str, array: NDArray[Any], storage: Storage) -> NDArray[Any]:
    """An array as it is stored: weights of convolutions and linear layers as ``storage``, all else float32.

    Raises ModelError ``damaged_model``: values that are not finite, or too large for ``storage``.
    """
    if not np.isfinite(array).all():
        raise ModelError("damaged_model", f"The weights {name} contain values that are not finite.")
    wanted = np.float16 if storage == "float16" and _is_weight(name, array) else np.float32
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype=wanted)
    if not np.isfinite(result).all():
        raise ModelError("damaged_model", f"The weights {name} contain values too large for {storage}.")
    return result


def check_shape(network: str, shapes: Mapping[str, tuple[int, ...]], name: str, expected: tuple[int, ...]) -> None:
    """Raises ModelError ``wrong_shapes`` if the array ``name`` of a network is missing or of another shape."""
    if name not in shapes:
        raise wrong_shapes(network, f"{name} is missing")
    if tuple(shapes[name]) != expected:
        raise wrong_shapes(network, f"{name} has shape {list(shapes[name])} where {list(expected)} is needed")


def norm_shapes(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    """The arrays of a batch norm and their shapes."""
    return {f"{name}.{part}": (channels,) for part in NORM_PARTS}


def wrong_shapes(network: str, reason: str) -> ModelError:
    """Arrays do not make up the network that they should."""
    return ModelError("wrong_shapes", f"The weights do not fit {network}: {reason}.")


def _is_weight(name: str, array: NDArray[Any]) -> bool:
    """Whether ``name`` is a convolution or linear weight (the only arrays of more than one dimension)."""
    return name.endswith(".weight") and array.ndim > 1

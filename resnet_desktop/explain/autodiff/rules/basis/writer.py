"""Writing ONNX nodes that are valid in the model's own opset, and reading the model's constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, GraphView, Shape
from resnet_desktop.core.errors import LayerError
from resnet_desktop.explain.autodiff.rules.basis.constants import Array, Constants

PREFIX = "resnet_desktop."
"""What the names of all added tensors begin with."""

OLDEST_OPSET = 7
"""Older operators do not broadcast; ONNX Runtime has no kernels for most of them."""


class Writer:
    """Collects nodes and constants that are appended to a model's graph. Operators return their output's name.

    Args:
        model: the model; its initializers are read.
        view: its graph.
        scope: keeps the names of several writers apart.

    Attributes:
        part: what was written.
        opset: the version of the ONNX operators.

    Raises:
        LayerError: ``no_gradient_rule``: the model's operators are too old.
    """

    def __init__(self, model: onnx.ModelProto, view: GraphView, scope: str) -> None:
        self.view = view
        self.part = onnx.GraphProto()
        self.opset = max((o.version for o in model.opset_import if o.domain in ONNX_DOMAINS), default=1)
        if self.opset < OLDEST_OPSET:
            raise LayerError(
                "no_gradient_rule", f"The model uses ONNX operator set {self.opset}, which is too old for gradients."
            )
        self._constants = Constants(model, view)
        self._taken = {
            name for node in model.graph.node for name in (*node.output, node.name) if name.startswith(PREFIX)
        }
        self._taken |= {name for name in (*view.inputs, *view.initializers) if name.startswith(PREFIX)}
        self._scope = f"{PREFIX}{scope}"
        self._count = 0
        self._small: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def op(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:  # noqa: ANN401 - ONNX attributes
        """A node with one output."""
        return self.ops(kind, inputs, 1, **attributes)[0]

    def ops(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:  # noqa: ANN401
        """A node with several outputs."""
        names = [self.name(kind) for _ in range(outputs)]
        given = {key: value for key, value in attributes.items() if value is not None}
        self.part.node.append(helper.make_node(kind, list(inputs), names, name=names[0], **given))
        return names

    def name(self, kind: str) -> str:
        """A name that no tensor of the model has."""
        while True:
            self._count += 1
            name = f"{self._scope}:{self._count}.{kind}"
            if name not in self._taken:
                return name

    def constant(self, array: Array) -> str:
        """An initializer. Small ones of the same value are one."""
        array = np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size <= 64 else None
        if key is not None and key in self._small:
            return self._small[key]
        name = self.name("constant")
        self.part.initializer.append(numpy_helper.from_array(array, name))
        if key is not None:
            self._small[key] = name
        return name

    def integers(self, values: Sequence[int]) -> str:
        """A list of numbers: a shape, axes …."""
        return self.constant(np.array(values, np.int64))

    def value(self, tensor: str) -> Array | None:
        """The value of a constant of the model; None if it is not constant, or made in a way that is not known."""
        return self._constants.value(tensor)

    def shape(self, tensor: str) -> Shape:
        """The shape of a tensor of the model. Raises LayerError ``no_gradient_rule`` if it is not known."""
        found = self.view.tensors.get(tensor)
        if found is None or found.shape is None:
            raise LayerError("no_gradient_rule", f"The shape of {tensor!r} in the model is unknown.")
        return found.shape

    def extents(self, tensor: str, axes: Sequence[int]) -> tuple[int, ...]:
        """The sizes of a tensor of the model along ``axes``. Raises LayerError ``no_gradient_rule``."""
        shape = self.shape(tensor)
        sizes = tuple(size for axis in axes if (size := shape[axis]) is not None)
        if len(sizes) != len(axes):
            raise LayerError("no_gradient_rule", f"The shape of {tensor!r} in the model is unknown.")
        return sizes

    def dtype(self, tensor: str) -> np.dtype[np.generic]:
        """The type in which the gradient of a tensor of the model is computed: its own, or float32 if it is whole."""
        found = self.view.tensors.get(tensor)
        kind = onnx.TensorProto.FLOAT if found is None else found.type
        if kind not in (onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16):
            kind = onnx.TensorProto.FLOAT
        return np.dtype(helper.tensor_dtype_to_np_dtype(kind))

    def number(self, value: float, like: str) -> str:
        """A scalar of the type of ``like``."""
        return self.constant(np.array(value, self.dtype(like)))

    # The operators whose form has changed over the versions.

    def reshape(self, x: str, dims: Sequence[int]) -> str:
        """``x`` in another shape; 0 keeps a dimension, -1 takes what is left."""
        return self.op("Reshape", [x, self.integers(dims)])

    def reshape_like(self, x: str, tensor: str, source: str) -> str:
        """``x``, which has the shape of the model's tensor ``source``, in the shape of its tensor ``tensor``."""
        shape, old = self.shape(tensor), self.shape(source)
        if shape.count(None) > 1:
            return self.op("Reshape", [x, self.op("Shape", [tensor])])
        dims = [-1 if size is None else size for size in shape]
        if shape[:1] == old[:1] == (None,) and math.prod(dims[1:]) == math.prod(size or 0 for size in old[1:]):
            dims[0] = 0  # the same batch: said so, the runtime knows that too, and plans better
        return self.reshape(x, dims)

    def sum(self, x: str, axes: Sequence[int], *, keep: bool = True) -> str:
        """The sum over ``axes``."""
        if self.opset < 13:
            return self.op("ReduceSum", [x], axes=list(axes), keepdims=int(keep))
        return self.op("ReduceSum", [x, self.integers(axes)], keepdims=int(keep))

    def mean(self, x: str, axes: Sequence[int]) -> str:
        """The mean over ``axes``, which stay with a size of 1."""
        if self.opset < 18:
            return self.op("ReduceMean", [x], axes=list(axes), keepdims=1)
        return self.op("ReduceMean", [x, self.integers(axes)], keepdims=1)

    def zeros(self, tensor: str) -> str:
        """Zeros of the shape of a tensor of the model, and of the type of its gradient."""
        zero = numpy_helper.from_array(np.zeros(1, self.dtype(tensor)))
        return self.op("ConstantOfShape", [self.op("Shape", [tensor])], value=zero)

    def unsqueeze(self, x: str, axes: Sequence[int]) -> str:
        """``x`` with further axes of size 1."""
        if self.opset < 13:
            return self.op("Unsqueeze", [x], axes=list(axes))
        return self.op("Unsqueeze", [x, self.integers(axes)])

    def along(self, x: str, rank: int, axis: int, matrix: Array) -> str:
        """The products of ``matrix``, ``(n, size)``, with what lies along one axis: n entries there."""
        order = [i for i in range(rank) if i != axis] + [axis]
        last = axis == rank - 1
        moved = x if last else self.op("Transpose", [x], perm=order)
        product = self.op("MatMul", [moved, self.constant(matrix.T)])
        return product if last else self.op("Transpose", [product], perm=[order.index(i) for i in range(rank)])

    def real(self, tensor: str) -> str:
        """A tensor of the model in the type of its gradient: whole numbers as floating ones."""
        found = self.view.tensors.get(tensor)
        dtype = self.dtype(tensor)
        if found is None or found.type == helper.np_dtype_to_tensor_dtype(dtype):
            return tensor
        return self.cast(tensor, dtype)

    def tiny(self, like: str) -> str:
        """A very small number of the type of ``like``: what to divide by in place of 0."""
        return self.number(1e-4 if self.dtype(like) == np.float16 else 1e-37, like)

    def spread(self, x: str, tensor: str) -> str:
        """``x``, whose sizes of 1 are repeated to the shape of a tensor of the model."""
        shape = self.shape(tensor)
        if None not in shape[1:]:  # a product, which old versions have too; the batch is that of x already
            return self.op("Mul", [x, self.constant(np.ones((1, *shape[1:]), self.dtype(tensor)))])  # type: ignore[arg-type]
        return self.op("Expand", [x, self.op("Shape", [tensor])])

    def slice(self, x: str, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int]) -> str:
        """A piece of ``x``."""
        if self.opset < 10:
            return self.op("Slice", [x], starts=list(starts), ends=list(ends), axes=list(axes))
        return self.op("Slice", [x, *(self.integers(values) for values in (starts, ends, axes))])

    def pad(self, x: str, before: Sequence[int], after: Sequence[int], like: str, value: float = 0.0) -> str:
        """``x`` with a constant around it; negative numbers cut off."""
        pads = [*before, *after]
        if not any(pads):
            return x
        if self.opset < 11:
            return self.op("Pad", [x], pads=pads, value=value)
        return self.op("Pad", [x, self.integers(pads), self.number(value, like)])

    def cast(self, x: str, dtype: np.dtype[np.generic]) -> str:
        """``x`` as another type."""
        return self.op("Cast", [x], to=helper.np_dtype_to_tensor_dtype(dtype))


def per_channel(scale: NDArray[np.generic], rank: int) -> NDArray[np.generic]:
    """One number for each channel, in a shape that broadcasts along axis 1 of a tensor of ``rank`` axes."""
    return scale.reshape(1, -1, *[1] * (rank - 2))

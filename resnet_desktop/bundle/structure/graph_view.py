"""A model's graph without its weights: who makes a tensor, who reads it, what shape it has.

Shapes come from ONNX shape inference on a copy in which large initializers are mere inputs, so that checking a network
takes milliseconds and no copy of its weights. Where it gives up, on shapes that the graph computes itself, ``shapes``
computes them.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, checker, helper, numpy_helper, shape_inference

from resnet_desktop.bundle.structure.constants import Array, computed
from resnet_desktop.bundle.structure.shapes import Shape, known
from resnet_desktop.core.errors import ModelError

if TYPE_CHECKING:
    from resnet_desktop.bundle.structure.tensor_layout import Layout

__all__ = ["GraphView", "Shape", "Tensor", "attributes", "declared", "readable_name", "type_name"]

ONNX_DOMAINS = ("", "ai.onnx")
RUNTIME_DOMAINS = (*ONNX_DOMAINS, "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
"""Sets of operators that ONNX Runtime carries; any other would need a library that the app does not load."""

_FREE_INITIALIZERS = 4
_KEPT_ELEMENTS = 1024
"""Initializers up to this size stay in the copy: the shapes given to Reshape and its like are among them."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Type (as in ``TensorProto.DataType``) and shape of a tensor; shape None if not even the rank is known."""

    type: int
    shape: Shape | None


class GraphView:
    """The graph of a checked model.

    Args:
        model: a parsed model with sound tensors; it is not kept.
        input_shape: for shape inference, in place of the declared shape of the model's (single) input.
        strict: whether a node whose shapes do not fit is an error (else its outputs stay without shape).

    Raises:
        ModelError: ``damaged_model``, ``wrong_shapes``, ``unsupported_model``.
    """

    def __init__(self, model: onnx.ModelProto, *, input_shape: Shape | None = None, strict: bool = False) -> None:
        _check_versions(model)
        self.initializers: dict[str, Tensor] = {
            t.name: Tensor(t.data_type, tuple(t.dims)) for t in model.graph.initializer
        }
        if len(self.initializers) != len(model.graph.initializer):
            raise ModelError("damaged_model", "The model has two weights with the same name.")
        self.opset: int = max((o.version for o in model.opset_import if o.domain in ONNX_DOMAINS), default=1)
        self.inputs: tuple[str, ...] = tuple(i.name for i in model.graph.input if i.name not in self.initializers)
        self.outputs: tuple[str, ...] = tuple(o.name for o in model.graph.output)
        skeleton = _inferred(_skeleton(model, self.inputs, input_shape), strict=strict)
        self.nodes: tuple[onnx.NodeProto, ...] = tuple(skeleton.graph.node)
        self.tensors: dict[str, Tensor] = dict(self.initializers)
        for values in (skeleton.graph.input, skeleton.graph.value_info, skeleton.graph.output):
            self.tensors |= {v.name: _tensor(v) for v in values if v.name not in self.initializers}
        self._kept: dict[str, TensorProto] = {t.name: t for t in skeleton.graph.initializer}
        small = [t for t in skeleton.graph.initializer if t.data_type == TensorProto.INT64]
        self._folded: dict[str, Array] = {t.name: numpy_helper.to_array(t) for t in small}
        if self._has_gaps():
            self._fill_gaps(skeleton)
        self._constants = {*self.initializers, *self._folded, ""}
        for node in self.nodes:  # sorted: what a node reads comes before it
            if self._constants.issuperset(node.input):
                self._constants.update(node.output)
        self._producers = {name: node for node in self.nodes for name in node.output if name}
        self._consumers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self._consumers[name].append(node)

    def producer(self, tensor: str) -> onnx.NodeProto | None:
        """The node that makes ``tensor``; None for inputs and initializers."""
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> tuple[onnx.NodeProto, ...]:
        """The nodes that read ``tensor``."""
        return tuple(self._consumers.get(tensor, ()))

    def shape(self, tensor: str) -> Shape:
        """The shape of ``tensor``, () if it is not known."""
        found = self.tensors.get(tensor)
        return found.shape or () if found is not None else ()

    def integers(self, tensor: str) -> list[int] | None:
        """The values of a small constant of whole numbers, such as axes or a shape; None if it is none."""
        value = self._small(tensor)
        return [int(i) for i in value.reshape(-1)] if value is not None and value.dtype == np.int64 else None

    def constant(self, tensor: str) -> Array | None:
        """The value of a small constant of any type, computed from other small ones if need be; None if it is none."""
        if tensor in self._kept:
            return numpy_helper.to_array(self._kept[tensor])
        node = self._producers.get(tensor)
        if node is None or not self.is_constant(tensor):
            return None
        inputs = [self.constant(name) if name else None for name in node.input]
        if any(value is None for value, name in zip(inputs, node.input, strict=True) if name):
            return None
        value = computed(node, inputs, attributes(node))
        return value if value is not None and value.size <= _KEPT_ELEMENTS else None

    def is_constant(self, tensor: str) -> bool:
        """Whether ``tensor`` depends on no input: an initializer, or made of initializers and fixed sizes alone."""
        return tensor in self._constants

    @cached_property
    def layout(self) -> Layout:
        """What the axes of the tensors stand for: which of them are channels, rows and columns."""
        from resnet_desktop.bundle.structure.tensor_layout import Layout

        return Layout(self)

    def folded(self, tensor: str) -> Array | None:
        """The value of a small tensor of whole numbers, or made from shapes, if it is always the same and known."""
        return self._folded.get(tensor)

    def _small(self, tensor: str) -> Array | None:
        """The value of a small constant, computed from other small ones if need be."""
        if tensor not in self._folded and tensor and self.is_constant(tensor):
            node = self._producers.get(tensor)
            inputs = [self._small(name) if name else None for name in node.input] if node is not None else []
            lacking = node is None or any(v is None for v, name in zip(inputs, node.input, strict=True) if name)
            value = None if lacking or node is None else computed(node, inputs, attributes(node))
            if value is None or value.size > _KEPT_ELEMENTS:
                return None
            self._folded[tensor] = value
        return self._folded.get(tensor)

    def _has_gaps(self) -> bool:
        """Whether a tensor of numbers has axes, besides its first, of unknown size."""
        for node in self.nodes:
            for name in node.output:
                found = self.tensors.get(name)
                if name and (found is None or found.shape is None or None in found.shape[1:]):
                    return True
        return False

    def _fill_gaps(self, skeleton: onnx.ModelProto) -> None:
        """Look closer at a graph that computes shapes of its own; see ``shapes``."""
        found = known(skeleton.graph, self.nodes, skeleton.opset_import)
        for name, (kind, shape) in found.shapes.items():
            before = self.tensors.get(name)
            if before is None or before.shape is None or before.shape.count(None) > shape.count(None):
                self.tensors[name] = Tensor(kind, shape)
        made = {name for node in self.nodes for name in node.output}
        self._folded |= {name: value for name, value in found.values.items() if name in made}


def attributes(node: onnx.NodeProto) -> dict[str, object]:
    """The attributes of a node as Python values. Attributes that refer to a function's parameters are left out."""
    return {a.name: helper.get_attribute_value(a) for a in node.attribute if not a.ref_attr_name}


def readable_name(view: GraphView, tensor: str) -> str:
    """A tensor's name for people: without an exporter's slashes, suffixes and repeated scopes.

    ``/layer4/layer4.2/relu_2/Relu_output_0`` becomes ``layer4.2.relu_2``; a bare number gets its operator before it.
    """
    node = view.producer(tensor)
    kind = node.op_type if node is not None else ""
    name = re.sub(r"(_output_\d+|:\d+)$", "", tensor)
    parts: list[str] = []
    for part in (p for p in name.split("/") if p):
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    if len(parts) > 1 and kind and re.fullmatch(rf"{kind}(_\d+)?", parts[-1]):
        parts.pop()
    name = ".".join(parts)
    return f"{kind.lower()}_{name}" if kind and (not name or name.isdigit()) else name


def _check_versions(model: onnx.ModelProto) -> None:
    """Refuse operators that the runtime does not have. Raises ModelError ``unsupported_model``."""
    newest = onnx.defs.onnx_opset_version()
    asked = max((o.version for o in model.opset_import if o.domain in ONNX_DOMAINS), default=0)
    if model.ir_version > onnx.IR_VERSION or asked > newest:
        raise ModelError(
            "unsupported_model",
            f"The model uses a newer ONNX version than {onnx.__version__}, which is installed here.",
        )
    own = {f.domain for f in model.functions}
    # What the file only declares is not needed: ONNX Runtime's own tools declare every set that it knows.
    for node in with_inner([*model.graph.node, *(node for each in model.functions for node in each.node)]):
        if node.domain not in RUNTIME_DOMAINS and node.domain not in own:
            raise ModelError(
                "unsupported_model",
                f"The model needs the operator {node.op_type[:80]!r} of {node.domain[:80]!r}, which ONNX Runtime does "
                "not have.",
                f"If that only works on the scores of classes, give these as --output-name: {node.input[0][:80]!r}."
                if node.input
                else None,
            )
        if node.domain in ONNX_DOMAINS and node.domain not in own and not onnx.defs.has(node.op_type, asked or 1, ""):
            newer = onnx.defs.has(node.op_type, newest, "")
            lack = f"is not in operator set {asked} of ONNX, which it declares" if newer else "ONNX does not have"
            message = f"The model needs the operator {node.op_type[:80]!r}, which {lack}."
            raise ModelError(
                "unsupported_model",
                message,
                "What wrote the file left it unconverted: export again, with another tool or version of it.",
            )


def with_inner(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """These nodes and those of the graphs inside them."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            waiting += attribute.g.node
            for graph in attribute.graphs:
                waiting += graph.node


def _skeleton(model: onnx.ModelProto, inputs: tuple[str, ...], input_shape: Shape | None) -> onnx.ModelProto:
    """A copy of the model without large initializers and without the shapes that it claims for what it computes."""
    # Before IR version 4 every initializer had to be an input as well; here none is.
    light = onnx.ModelProto(ir_version=max(model.ir_version, _FREE_INITIALIZERS))
    light.opset_import.extend(model.opset_import)
    light.functions.extend(model.functions)
    light.graph.name = model.graph.name or "graph"
    light.graph.node.extend(model.graph.node)
    for value in model.graph.input:
        if value.name in inputs:
            copy = light.graph.input.add()
            copy.CopyFrom(value)
            if input_shape is not None:
                _set_shape(copy, input_shape)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _KEPT_ELEMENTS:
            light.graph.initializer.add().CopyFrom(tensor)
        else:
            light.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    light.graph.output.extend(model.graph.output)
    return light


def _inferred(light: onnx.ModelProto, *, strict: bool) -> onnx.ModelProto:
    try:
        checker.check_model(light)
    except (checker.ValidationError, RuntimeError, ValueError) as error:  # ValueError: text that is not UTF-8
        raise ModelError("damaged_model", f"The model's graph is not valid ({_said(error)}).") from error
    for output in light.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        return shape_inference.infer_shapes(light, check_type=strict, strict_mode=strict, data_prop=True)
    except (shape_inference.InferenceError, RuntimeError, ValueError) as error:
        raise ModelError("wrong_shapes", f"The model's layers do not fit together ({_said(error)}).") from error


def _said(error: Exception) -> str:
    """What ONNX says, without where it was in its own walk; it breaks its sentences into lines."""
    text = " ".join(str(error).partition("==> Context")[0].split()).strip(" .:")
    return text[:300] if text else type(error).__name__


def _set_shape(value: onnx.ValueInfoProto, shape: Shape) -> None:
    value.type.tensor_type.ClearField("shape")
    for dim in shape:
        added = value.type.tensor_type.shape.dim.add()
        if dim is None:
            added.dim_param = "batch"
        else:
            added.dim_value = dim


def _tensor(value: onnx.ValueInfoProto) -> Tensor:
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        return Tensor(TensorProto.UNDEFINED, None)
    if not tensor.HasField("shape"):
        return Tensor(tensor.elem_type, None)
    # Some exporters write -1 where any size will do.
    sizes = (d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else None for d in tensor.shape.dim)
    return Tensor(tensor.elem_type, tuple(sizes))


def type_name(number: int) -> str:
    """The name of a tensor type; its number if it has none."""
    return str(TensorProto.DataType.Name(number)) if number in TensorProto.DataType.values() else str(number)


def declared(value: onnx.ValueInfoProto) -> Tensor:
    """The type and shape that a model claims for one of its inputs or outputs."""
    return _tensor(value)

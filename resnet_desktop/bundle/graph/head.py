"""The last linear layer of a classifier: where it is, what it reads, and the same graph with another one in its place.

All that lies between the features and the logits is replaced together: what stands behind the linear layer (a bias, a
scale, views, the averaging of a convolution's cells, quantizing and its reverse) is linear as well, or changes no
order. So the new graph always ends in one Gemm, whatever the old one ended in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.writer import INPUT, OUTPUT, POOLED
from resnet_desktop.bundle.file import tensors
from resnet_desktop.bundle.file.bundle import Bundle, serialized
from resnet_desktop.bundle.graph import free_batch, head_search
from resnet_desktop.bundle.structure.graph_view import GraphView, Shape
from resnet_desktop.core.errors import ModelError

__all__ = ["FEATURES", "Head", "features_model", "find_head", "logits_graph", "with_head"]

FEATURES = "features"
"""The output of ``features_model``."""
_OWN_HIDDEN = "head.0.weight"
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)


@dataclass(frozen=True, slots=True)
class Head:
    """The last linear layer of a graph.

    Attributes:
        output: the logits ``[batch, classes]`` that all of it leads to.
        linear: the tensor that the linear operator itself makes.
        operator: such as ``Gemm``, ``MatMul``, ``Conv`` or ``QLinearMatMul``.
        source: the tensor that holds the features, of whatever rank.
        averaged: whether the features are the averages over height and width of ``source``, since the graph averages
            behind a 1×1 convolution.
        quantized: scale and zero point of ``source`` where it holds whole numbers; else empty.
        source_type: of ``source``, as in ``TensorProto.DataType``.
        width: how many features there are.
        classes: how many logits.
        weight: the initializer that the weights come from; "" where it is no array of floats.
        bias: the same of the bias; "" where there is none.
        transposed: whether the weight lies as ``[width, classes]``.
        half: whether the weight is stored as float16.
    """

    output: str
    linear: str
    operator: str
    source: str
    averaged: bool
    quantized: tuple[str, ...]
    source_type: int
    width: int
    classes: int
    weight: str
    bias: str
    transposed: bool
    half: bool
    view: GraphView = field(repr=False, compare=False)

    @property
    def features(self) -> str:
        """The tensor that a new last layer reads (``with_head``): float32 ``[batch, width]``."""
        return _bridge(self, f"{self.output}/{FEATURES}")[1]


def logits_graph(bundle: Bundle) -> onnx.ModelProto:
    """The graph of a bundle with its logits as the first output, and all weights inside.

    Raises ModelError: the file is gone or has changed since it was read.
    """
    model = tensors.parse(serialized(bundle), bundle.path).model
    _retain(model.graph.output, lambda _, value: value.name == bundle.output_name)
    return model


def find_head(model: onnx.ModelProto, input_shape: Shape | None = None) -> Head:
    """The last linear layer of a classifier whose first output is logits.

    Args:
        model: as ``bundle.serialized`` gives it; not changed.
        input_shape: in place of what the model declares, for one that leaves height and width open.

    Raises:
        ModelError: ``unsupported_model``: the last layer is not linear.
    """
    view = GraphView(_typed(model), input_shape=input_shape)
    output = model.graph.output[0].name
    types = {t.name: t.data_type for t in model.graph.initializer}
    own = _own_hidden_head(view, output, types)
    if own is not None:
        return own
    found = head_search.linear_behind(view, output)
    shape = view.shape(output)
    classes = shape[1] if len(shape) == 2 and shape[1] else found.classes
    if classes is None or found.classes not in (None, classes):
        raise head_search.not_linear(f"it has {found.classes} outputs for {classes} classes")
    weight, bias = (name if types.get(name) in _FLOATS else "" for name in (found.weight, found.bias))
    return Head(
        output=output,
        linear=found.linear,
        operator=found.operator,
        source=found.source,
        averaged=found.averaged,
        quantized=found.quantized,
        source_type=_type(view, found.source),
        width=_width(view, found),
        classes=classes,
        weight=weight,
        bias=bias,
        transposed=found.transposed,
        half=types.get(weight) == TensorProto.FLOAT16,
        view=view,
    )


def features_model(model: onnx.ModelProto, head: Head | None = None) -> onnx.ModelProto:
    """A model from the same input to ``features``, float32 ``[batch, width]``: all that lies before the head.

    Raises ModelError as ``find_head`` does.
    """
    head = head or find_head(model)
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    if head.view.producer(head.source) is None:
        raise head_search.not_linear("nothing comes before it")
    nodes, name = _bridge(head, FEATURES)
    if name != FEATURES:
        nodes.append(helper.make_node("Identity", [name], [FEATURES], name=FEATURES))
    cut.graph.node.extend(nodes)
    _keep_only(cut, helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, [None, head.width]))
    return cut


def with_head(
    model: onnx.ModelProto, weight: NDArray[np.float32], bias: NDArray[np.float32], head: Head | None = None
) -> onnx.ModelProto:
    """The same graph with a new last layer: logits = features @ weight.T + bias, as ``logits`` of a bundle.

    All other nodes and their names stay; the input is called ``input`` and takes any number of pictures where the graph
    admits that. The new weights are stored as float16 where the old ones were, if they fit into it.

    Args:
        model: as for ``find_head``; not changed.
        weight: float32 ``(classes, width)``.
        bias: float32 ``(classes,)``.
        head: of this model, where it is known already.

    Raises:
        ModelError: as ``find_head``; ``damaged_model``: weights that are not finite.
        ValueError: the shapes are not those of a head of this model.
    """
    head = head or find_head(model)
    if weight.ndim != 2 or weight.shape[1] != head.width or bias.shape != weight.shape[:1]:
        raise ValueError(f"a head on {head.width} features, not {weight.shape} and {bias.shape}")
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise ModelError("damaged_model", "The new last layer has weights that are not finite.")
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    nodes, features = _bridge(head, f"{head.output}/{FEATURES}")
    changed.graph.node.extend(nodes)
    end = onnx.ValueInfoProto(name=features)
    _keep_only(changed, end)
    del changed.graph.output[:]
    taken = _names(changed)
    arrays = ((head.weight or "head.weight", weight), (head.bias or "head.bias", bias))
    names = []
    for wanted, array in arrays:
        name = _unused(wanted, taken)
        taken.add(name)
        names.append(_stored(changed, name, array, half=head.half and array is weight, taken=taken))
    output = _unused(OUTPUT, taken)
    changed.graph.node.append(helper.make_node("Gemm", [features, *names], [output], name=output, transB=1))
    changed.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", len(bias)]))
    _rename_input(changed)
    return free_batch.freed(changed)


def _typed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with a type for its output: that of a peeled-off Softmax has none, which the checker refuses."""
    if model.graph.output[0].HasField("type"):
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    name = copy.graph.output[0].name
    copy.graph.output[0].CopyFrom(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]))
    return copy


def _own_hidden_head(view: GraphView, output: str, types: dict[str, int]) -> Head | None:
    """A bundle's head of several layers goes as a whole: what its hidden layers see is what the old classes needed."""
    shape, classes = view.shape(POOLED), view.shape(output)
    if _OWN_HIDDEN not in types or view.producer(POOLED) is None or len(shape) != 2 or not shape[1]:
        return None
    return Head(
        output=output,
        linear=output,
        operator="Gemm",
        source=POOLED,
        averaged=False,
        quantized=(),
        source_type=_type(view, POOLED),
        width=shape[1],
        classes=classes[1] or 0,
        weight="fc.weight",
        bias="fc.bias",
        transposed=False,
        half=types[_OWN_HIDDEN] == TensorProto.FLOAT16,
        view=view,
    )


def _type(view: GraphView, tensor: str) -> int:
    found = view.tensors.get(tensor)
    return found.type if found is not None and found.type else TensorProto.FLOAT


def _width(view: GraphView, found: head_search.Linear) -> int:
    """The number of features. Raises ModelError where they do not lie in a row."""
    shape = view.shape(found.source)
    if found.averaged:
        width = shape[1] if len(shape) == 4 else None
    else:
        known = len(shape) > 1 and None not in shape[1:]
        width = math.prod(side or 0 for side in shape[1:]) if known else found.width
    if width != (found.width or width) or not width:
        raise head_search.not_linear(f"it reads {list(shape)}, not one row of numbers for each picture")
    return width


def _bridge(head: Head, name: str) -> tuple[list[onnx.NodeProto], str]:
    """The nodes from ``head.source`` to float32 ``[batch, width]``, and its name: the source itself if it is that."""
    nodes, x = [], head.source

    def add(kind: str, inputs: list[str], part: str, **attributes: Any) -> str:  # noqa: ANN401 - ONNX attributes
        nodes.append(helper.make_node(kind, inputs, [part], name=part, **attributes))
        return part

    if head.quantized:
        x = add("DequantizeLinear", [x, *head.quantized], f"{name}/floats")
    elif head.source_type != TensorProto.FLOAT:
        x = add("Cast", [x], f"{name}/floats", to=TensorProto.FLOAT)
    if head.averaged:
        x = add("GlobalAveragePool", [x], f"{name}/pooled")
    if head.averaged or len(head.view.shape(head.source)) != 2:
        x = add("Flatten", [x], name, axis=1)
    return nodes, x


def _keep_only(model: onnx.ModelProto, output: onnx.ValueInfoProto) -> None:
    """Make ``output`` the only one, and leave out what it does not need; the rest keeps its order."""
    graph = model.graph
    makers = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    needed, waiting, kept = set[str](), [output.name], set[int]()
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        if name in makers and makers[name] not in kept:
            kept.add(makers[name])
            waiting += _read_by(graph.node[makers[name]])
    weights = {t.name for t in graph.initializer}
    _retain(graph.node, lambda i, _: i in kept)
    _retain(graph.initializer, lambda _, tensor: tensor.name in needed)
    _retain(graph.input, lambda _, value: value.name in needed or value.name not in weights)
    _retain(graph.value_info, lambda _, value: value.name in needed)
    del graph.output[:]
    graph.output.append(output)


def _retain(items: Any, wanted: Callable[[int, Any], bool]) -> None:  # noqa: ANN401 - a repeated field of protobuf
    for i in reversed(range(len(items))):
        if not wanted(i, items[i]):
            del items[i]


def _read_by(node: onnx.NodeProto) -> Iterable[str]:
    """The tensors that a node reads, those of graphs inside it included."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _read_by(inner)
            yield from (o.name for o in graph.output)


def _names(model: onnx.ModelProto) -> set[str]:
    graph = model.graph
    made = {name for node in graph.node for name in node.output}
    return made | {i.name for i in graph.input} | {t.name for t in graph.initializer}


def _unused(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}.{number}"
    return found


def _stored(model: onnx.ModelProto, name: str, array: NDArray[np.float32], *, half: bool, taken: set[str]) -> str:
    """Store an array; the name under which it is read as float32."""
    array = np.ascontiguousarray(array, np.float32)
    if not half or np.abs(array).max(initial=0) > np.finfo(np.float16).max:
        model.graph.initializer.append(numpy_helper.from_array(array, name))
        return name
    model.graph.initializer.append(numpy_helper.from_array(array.astype(np.float16), name))
    floats = _unused(f"{name}.f32", taken)
    taken.add(floats)
    model.graph.node.append(helper.make_node("Cast", [name], [floats], name=floats, to=TensorProto.FLOAT))
    return floats


def _rename_input(model: onnx.ModelProto) -> None:
    weights = {t.name for t in model.graph.initializer}
    (given,) = (i for i in model.graph.input if i.name not in weights)
    old = given.name
    if old == INPUT or INPUT in _names(model) or any(a.HasField("g") for n in model.graph.node for a in n.attribute):
        return
    given.name = INPUT
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == old:
                node.input[i] = INPUT

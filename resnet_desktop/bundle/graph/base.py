"""A classifier as the base of others: its graph to train, and the same graph again with what was learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.writer import Storage
from resnet_desktop.bundle.file.bundle import Bundle
from resnet_desktop.bundle.graph.free_batch import freed
from resnet_desktop.bundle.graph.head import Head, features_model, find_head, logits_graph, with_head
from resnet_desktop.bundle.graph.nodes import Graph, read_graph
from resnet_desktop.bundle.graph.stages import tensor_stages
from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.core.errors import ModelError

Floats = NDArray[np.float32]


HALVED = 1024
"""Elements from which a weight is worth being stored as float16."""


@dataclass(frozen=True, eq=False)
class Base:
    """What a network is made from.

    Attributes:
        graph: from the picture to the features, as plain data.
        stages: the stage of each tensor.
        width: how many features.
        reduction: input pixels along one side for each cell of the coarsest grid that a batch norm sees.
        single: whether its weights are stored as float32.
    """

    graph: Graph
    stages: Mapping[str, int]
    width: int
    reduction: int
    single: bool
    _model: onnx.ModelProto = field(repr=False)
    _head: Head = field(repr=False)

    def __deepcopy__(self, memo: object) -> Base:
        """Itself: nothing in it ever changes, and it may be large."""
        return self

    def whole(self) -> Graph:
        """The graph with the base's own head, up to its logits."""
        return read_graph(self._model)

    def exported(
        self, arrays: Mapping[str, Floats], linears: Sequence[tuple[Floats, Floats]], side: int, storage: Storage
    ) -> Exported:
        """The base's graph with these weights and a new head.

        Args:
            arrays: by the initializers' names; what is not among them stays.
            linears: weight and bias of each linear layer of the head, with a ReLU between two.
            side: pixels of the pictures that it shall take.
            storage: how large weights are stored that the base stores as float32.

        Raises:
            ModelError: ``damaged_model``: values that are not finite, or too large for how they are stored.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        _put(model, arrays)
        model = with_head(model, *linears[0], self._head)
        features = str(model.graph.node[-1].input[0])
        gemm = model.graph.node[-1]
        more = _add_hidden(model, linears[1:])
        heads = [(str(gemm.input[1]), str(gemm.input[2])), *more]
        if storage == "float16":
            _halve(model)
        _set_side(model, side)
        values = _Values(model)
        return Exported(
            model=model,
            features=features,
            stored={name: values(name) for name in arrays},
            linears=[(values(weight), values(bias)) for weight, bias in heads],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """A model.

    Attributes:
        model: logits from pictures.
        features: its tensor ``[batch, width]`` of features.
        stored: the weights of its body as they are stored, float32.
        linears: the same of its head.
    """

    model: onnx.ModelProto
    features: str
    stored: Mapping[str, Floats]
    linears: Sequence[tuple[Floats, Floats]]


def read_base(bundle: Bundle) -> Base:
    """Look at a classifier as a base.

    Raises:
        ModelError: ``unsupported_model``: its last layer is not linear; ``missing_model``, ``damaged_model``: the file
            has changed.
    """
    model = logits_graph(bundle)
    claimed = [bundle.batch, bundle.classes]  # what a Softmax was peeled off has no type yet
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info(bundle.output_name, TensorProto.FLOAT, claimed))
    model = freed(model)
    shape = (bundle.batch, *bundle.input_shape)
    _unshare(model)
    head = find_head(model, shape)
    body = features_model(model, head)
    view = GraphView(body, input_shape=shape)
    graph = read_graph(body)
    kinds = {t.name: t.data_type for t in model.graph.initializer}
    return Base(
        graph=graph,
        stages=tensor_stages(view, graph.output),
        width=head.width,
        reduction=_reduction(view, bundle.input_shape[-1]),
        single=all(kinds.get(name) == TensorProto.FLOAT for name in graph.weights),
        _model=model,
        _head=head,
    )


def _put(model: onnx.ModelProto, arrays: Mapping[str, Floats]) -> None:
    """Put arrays into the initializers (and constants) of a model by name, in the types that these have.

    Raises ModelError ``damaged_model``: values that are not finite, or too large.
    """
    tensors = _tensors(model)
    for name, array in arrays.items():
        tensor = tensors[name]
        kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(array.reshape(tuple(tensor.dims)).astype(kind))
        if not np.isfinite(values.astype(np.float32)).all():
            raise ModelError("damaged_model", f"The weights {name} have values that are not finite, or too large.")
        kept = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values, kept))


def _tensors(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """The initializers of a model, and its constants, by name."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            tensors[node.output[0]] = next((a.t for a in node.attribute if a.name == "value"), onnx.TensorProto())
    return tensors


class _Values:
    """The arrays of a model by name, float32, through the Cast of those that are stored as float16."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._tensors = _tensors(model)
        self._casts = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "Cast"}

    def __call__(self, name: str) -> Floats:
        array = numpy_helper.to_array(self._tensors[self._casts.get(name, name)])
        return array.astype(np.float32)


def _is_large(array: Floats) -> bool:
    return array.ndim > 1 and array.size >= HALVED


def _unshare(model: onnx.ModelProto) -> None:
    """Give each batch norm arrays of its own: exporters write those that are equal only once, but they may part."""
    uses = Counter(name for node in model.graph.node for name in node.input)
    arrays = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "BatchNormalization":
            continue
        for place in range(1, 5):
            name = node.input[place]
            if name in arrays and uses[name] > 1:
                uses[name] -= 1
                own = f"{name}.{place}.{node.output[0]}"
                copy = model.graph.initializer.add()
                copy.CopyFrom(arrays[name])
                copy.name = node.input[place] = own


def _reduction(view: GraphView, side: int) -> int:
    """How many pixels a cell of the coarsest grid has of those that batch norms see."""
    shapes = [view.shape(node.input[0]) for node in view.nodes if node.op_type == "BatchNormalization"]
    cells = [int(np.prod([n or side for n in shape[2:]])) for shape in shapes if len(shape) > 2]
    flat = any(len(shape) == 2 for shape in shapes)  # one value for each picture, whatever its size
    least = min(cells, default=side * side)
    return 1 << 20 if flat else max(1, round(side / float(np.sqrt(least))))


def _set_side(model: onnx.ModelProto, side: int) -> None:
    """Let the model take pictures of ``side`` pixels; what was said of sizes inside it does not hold any more."""
    weights = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        if value.name not in weights:
            for dim in value.type.tensor_type.shape.dim[2:]:
                if dim.dim_value != side:
                    dim.dim_value = side
                    del model.graph.value_info[:]


def _add_hidden(model: onnx.ModelProto, linears: Sequence[tuple[Floats, Floats]]) -> list[tuple[str, str]]:
    """Add linear layers behind the last one, each behind a ReLU, under the names of a bundle's head; their arrays."""
    if not linears:
        return []
    output, first, made = model.graph.output[0].name, model.graph.node[-1], []
    _rename_array(model, first.input[1], "head.0.weight")
    _rename_array(model, first.input[2], "head.0.bias")
    first.output[0] = first.name = x = "head.0.linear"
    for number, (weight, bias) in enumerate(linears, start=1):
        model.graph.node.append(helper.make_node("Relu", [x], [f"head.{number - 1}"], name=f"head.{number - 1}"))
        names = (f"head.{number}.weight", f"head.{number}.bias")
        model.graph.initializer.extend(map(numpy_helper.from_array, (weight, bias), names))
        x = output if number == len(linears) else f"head.{number}.linear"
        model.graph.node.append(helper.make_node("Gemm", [f"head.{number - 1}", *names], [x], name=x, transB=1))
        made.append(names)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = len(linears[-1][1])
    return made


def _rename_array(model: onnx.ModelProto, name: str, wanted: str) -> None:
    """Rename an initializer, or the one that a Cast reads."""
    for node in model.graph.node:
        if node.op_type == "Cast" and name in node.output:
            name = node.input[0]
    for tensor in model.graph.initializer:
        if tensor.name == name:
            tensor.name = wanted
    for node in model.graph.node:
        for i, read in enumerate(node.input):
            if read == name:
                node.input[i] = wanted


def _halve(model: onnx.ModelProto) -> None:
    """Store large weights as float16; a runtime casts them back when it loads the file."""
    casts, renamed = [], {}
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and _is_large(array):
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if not np.isfinite(half).all():
                raise ModelError("damaged_model", f"The weights {tensor.name} have values too large for float16.")
            tensor.CopyFrom(numpy_helper.from_array(half, tensor.name))
            renamed[tensor.name] = f"{tensor.name}.f32"
            casts.append(helper.make_node("Cast", [tensor.name], [f"{tensor.name}.f32"], to=TensorProto.FLOAT))
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)

"""Gradients as ONNX nodes: reverse-mode differentiation over a model's graph.

What is written here is appended to a model, so that one run gives activations and the gradient of a logit with respect
to them, with no other library than the one that classifies. Source of the method: Linnainmaa 1976 (BIT 16:146);
Griewank and Walther 2008, Evaluating Derivatives, chapter 3.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.core.errors import LayerError
from resnet_desktop.explain.autodiff.rules import is_known, rule_for
from resnet_desktop.explain.autodiff.rules.basis.step import Gradient, Step, scaled, whole
from resnet_desktop.explain.autodiff.rules.basis.writer import PREFIX, Writer

SEED = f"{PREFIX}seed"
"""The added input, float32 ``[batch, classes]``: the gradient is that of sum(seed * logits)."""

_GRAPH_FIELD = bytes([onnx.ModelProto.DESCRIPTOR.fields_by_name["graph"].number << 3 | 2])
"""What protobuf writes before the length of a model's graph: the field's number, and that a length follows."""

_CARRYING = (
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.DOUBLE,
    TensorProto.BFLOAT16,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT16,
    TensorProto.UINT16,
    TensorProto.UNDEFINED,
)
"""Types of tensors that gradients pass through: numbers, and numbers that QuantizeLinear made whole."""

_INTEGER_SUMS = ("ConvInteger", "MatMulInteger")
"""Operators that give sums of such whole numbers, in a wider type that otherwise holds places and sizes."""

_ONE_PATH = ("DynamicQuantizeLinear", "MaxPool", "Dropout")
"""Operators whose further outputs, such as a scale, are taken as given."""


def gradient_name(tensor: str, variant: str = "") -> str:
    """The output that holds the gradient with respect to ``tensor``."""
    return f"{PREFIX}gradient{f'.{variant}' if variant else ''}:{tensor}"


def appended(model: bytes, *parts: onnx.GraphProto) -> bytes:
    """A serialized model with ``parts`` appended to its graph: the second graph.

    The same as ``model + ModelProto(graph=part).SerializeToString()``, without a copy of the part in between.
    """
    pieces = [model]
    for part in parts:
        data = part.SerializeToString()
        pieces += [_GRAPH_FIELD, _varint(len(data)), data]
    return b"".join(pieces)


def _varint(number: int) -> bytes:
    """A number as protobuf writes it: seven bits to a byte, the lowest first; the eighth says that more follow."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes((*groups, number))


def gradient_part(
    model: onnx.ModelProto,
    view: GraphView,
    logits: str,
    layers: Sequence[str],
    *,
    cut: Collection[tuple[str, str]] = (),
    variant: str = "",
    seed: bool = True,
) -> onnx.GraphProto:
    """What to append to the graph of ``model`` for the gradient of sum(seed * logits) with respect to ``layers``.

    Protobuf merges messages that follow each other, so that ``appended`` gives the second graph.

    Args:
        model: the model; its initializers are read.
        view: its graph.
        logits: the tensor ``[batch, classes]`` to differentiate.
        layers: the tensors to differentiate with respect to. They share one pass, which ends at the earliest.
        cut: pairs of a sum's output and one of its inputs: no gradient goes into that input there.
        variant: keeps the names of two passes in one graph apart.
        seed: whether the part brings the input ``SEED``; one pass of a graph must.

    Returns:
        Nodes, initializers, the input ``SEED`` and an output ``gradient_name(layer, variant)`` for each layer, of the
        layer's shape, float32.

    Raises:
        LayerError: ``unknown_layer`` if a layer does not lie before the logits; ``no_gradient_rule`` names the operator
            on the way that has no rule.
    """
    taken = {SEED, *(gradient_name(layer, variant) for layer in layers)} & {*view.tensors, *view.inputs}
    if taken:
        raise LayerError("no_gradient_rule", f"The model already has a tensor {min(taken)!r}.")
    behind = _behind(view, layers)
    for layer in layers:
        if logits not in _behind(view, [layer]):
            raise LayerError("unknown_layer", f"The model has no layer {layer!r} before its logits.")
    write = Writer(model, view, f"backward.{variant}" if variant else "backward")
    back = _Pass(write, behind, frozenset(cut))
    back.arrive(logits, Gradient(_seeded(write, logits)))
    for node in reversed(view.nodes):
        back.through(node)
    for layer in dict.fromkeys(layers):
        _deliver(write, back, layer, gradient_name(layer, variant))
    if seed:
        write.part.input.append(_seed_input(model, view, logits))
    return write.part


def has_rules(view: GraphView, logits: str, layer: str) -> str | None:
    """The type of the first operator without a rule on the way from ``logits`` back to ``layer``; None if all have.

    An operator of which only a form has no rule comes second: shapes are unknown behind one that nobody knows.
    """
    lacking = None
    behind = _behind(view, [layer])
    before = {logits}
    for node in reversed(view.nodes):
        if before.isdisjoint(node.output) or behind.isdisjoint(node.output) or node.output[0] == layer:
            continue
        before.update(node.input)
        wanted = [i for i, name in enumerate(node.input) if name in behind]
        if wanted and rule_for(view, node, wanted) is None:
            if not is_known(node):
                return str(node.op_type)
            lacking = lacking or _cause(view, node)
    return lacking


def _cause(view: GraphView, node: onnx.NodeProto) -> str:
    """The operator that is to be named for one whose form has no rule: where shapes stop being known, if they do."""
    maker: onnx.NodeProto | None = node
    shapeless = None
    while maker is not None:
        name = next((name for name in maker.input if name and not _has_shape(view, name)), None)
        maker = view.producer(name) if name is not None else None
        shapeless = maker or shapeless
    kind = str((shapeless or node).op_type)
    return kind if shapeless is None else f"{kind} (the shape of its result is unknown)"


def _has_shape(view: GraphView, tensor: str) -> bool:
    found = view.tensors.get(tensor)
    return found is not None and found.shape is not None


class _Pass:
    """One walk from the logits back to the layers."""

    def __init__(self, write: Writer, behind: set[str], cut: frozenset[tuple[str, str]]) -> None:
        self._write = write
        self._behind = behind
        self._cut = cut
        self._arrived: dict[str, list[Gradient]] = {}

    def arrive(self, tensor: str, gradient: Gradient) -> None:
        """One of the ways from ``tensor`` to the logits adds ``gradient``."""
        self._arrived.setdefault(tensor, []).append(gradient)

    def through(self, node: onnx.NodeProto) -> None:
        """Take the gradients at a node's outputs to those of its inputs that are wanted."""
        arriving = tuple(self.total(name) if name else None for name in node.output)
        wanted = tuple(
            i for i, name in enumerate(node.input) if name in self._behind and (node.output[0], name) not in self._cut
        )
        if not wanted or all(gradient is None for gradient in arriving):
            return
        rule = rule_for(self._write.view, node, wanted)
        if rule is None:
            raise LayerError("no_gradient_rule", f"There is no rule for the gradient of {node.op_type}.")
        found = rule(Step(self._write, node, arriving, wanted))
        for place, gradient in found.items():
            if place in wanted:
                self.arrive(node.input[place], gradient)

    def total(self, tensor: str) -> Gradient | None:
        """The sum of what arrived at ``tensor``; None if nothing did."""
        arrived = self._arrived.get(tensor, [])
        if not arrived:
            return None
        while len(arrived) > 1:
            pair = [scaled(self._write, gradient, tensor) for gradient in arrived[:2]]
            loose = all(gradient.loose for gradient in pair)
            name = self._write.op("Add", [gradient.name for gradient in pair])
            arrived[:2] = [Gradient(name, loose=loose)]
        return arrived[0]


def _behind(view: GraphView, layers: Sequence[str]) -> set[str]:
    """The layers and the tensors computed from them that carry gradients."""
    behind = {name for name in layers if view.producer(name) is not None or name in view.inputs}
    for node in view.nodes:
        if not behind.isdisjoint(node.input):
            made = node.output[:1] if node.op_type in _ONE_PATH else node.output
            behind.update(name for name in made if name and _carries(view, name, node))
    return behind


def _carries(view: GraphView, tensor: str, node: onnx.NodeProto) -> bool:
    found = view.tensors.get(tensor)
    return found is None or found.type in _CARRYING or node.op_type in _INTEGER_SUMS


def _seeded(write: Writer, logits: str) -> str:
    name = SEED
    if write.dtype(logits) != np.float32:
        name = write.cast(name, write.dtype(logits))
    return name if len(write.shape(logits)) == 2 else write.op("Reshape", [name, write.op("Shape", [logits])])


def _seed_input(model: onnx.ModelProto, view: GraphView, logits: str) -> onnx.ValueInfoProto:
    """The input for the seed; its batch goes by the same name as that of the pictures."""
    shape = view.shape(logits)
    named = [i.type.tensor_type.shape.dim for i in model.graph.input if i.name in view.inputs]
    batch = next((dims[0].dim_param for dims in named if dims and dims[0].dim_param), f"{PREFIX}batch")
    fixed = shape[0] if shape else None
    return helper.make_tensor_value_info(SEED, TensorProto.FLOAT, [batch if fixed is None else fixed, None])


def _deliver(write: Writer, back: _Pass, layer: str, output: str) -> None:
    """Give the gradient at ``layer`` the name of the output."""
    gradient = back.total(layer)
    assert gradient is not None
    name = whole(write, gradient, layer)
    if write.dtype(layer) != np.float32:
        name = write.cast(name, np.dtype(np.float32))
    write.part.node.append(helper.make_node("Identity", [name], [output], name=output))
    write.part.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, write.shape(layer)))

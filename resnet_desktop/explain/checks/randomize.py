"""Networks with scrambled weights: what a heatmap is compared with to learn whether it is about the network.

The numbers inside each filter (each row of a linear layer) are shuffled. That destroys what the filter had learnt to
look for, yet keeps its mean, spread and range, so that every channel goes on answering at about its own scale: the
statistics in the batch norms go on fitting, activations stay finite through a hundred layers, and quantized or float16
weights stay what they are. Fresh random numbers would need a rule for each of these (Adebayo et al. 2018 initialize
anew, by a recipe that a model file does not carry). Biases and batch norms are kept: they are one number for a channel,
without any pattern in space or between channels.

In the layers that make the logits signs are drawn anew as well. No batch norm stands behind them, and the mean of a
class's weights is learnt, not a scale: where all activity speaks against a class by default (training with a loss for
each class does that), a shuffle alone would leave maps without any positive place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from resnet_desktop.bundle.structure.graph_view import GraphView

# Where each operator has its weights, and whether the axis of its filters is the first (0) or the last (-1).
_WEIGHTED = {
    "Conv": (1, 0),
    "FusedConv": (1, 0),
    "QLinearConv": (3, 0),
    "ConvTranspose": (1, 1),
    "Gemm": (1, -1),
    "MatMul": (1, -1),
    "QLinearMatMul": (3, -1),
}
_CARRIERS = ("Cast", "Identity", "DequantizeLinear")
_OWN_NAME = re.compile(r"(layer\d+|fc|head|conv1|bn1)\.")
_MOST_GROUPS = 8
_LEAST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class WeightGroup:
    """Weights that are scrambled together.

    Attributes:
        name: ``fc`` (or ``head``), ``layer4`` … ``stem``; in a foreign graph ``head``, ``stage 4`` … ``stage 1``.
        weights: the tensors (initializers, or outputs of Constant nodes), each with the axis of its filters.
        signs: whether signs are drawn anew too.
    """

    name: str
    weights: tuple[tuple[str, int], ...]
    signs: bool = False


def weight_groups(view: GraphView, logits: str) -> tuple[WeightGroup, ...]:
    """The weights of a network in groups, from the logits down to the input; each weight is in one of them.

    A network with torchvision's names has its linear layers, its stages and its stem. In any other the layer that makes
    the logits comes first, and the rest is cut where the resolution changes; a network that keeps one resolution is cut
    in equal parts. Empty if the network has no weights that it multiplies with.
    """
    found = _weights(view, logits)
    if not found:
        return ()
    if all(_OWN_NAME.match(weight) for weight, _, _ in found):
        groups: dict[str, list[tuple[str, int]]] = {}
        for weight, axis, _ in found:
            name = weight.partition(".")[0]
            groups.setdefault("stem" if name in ("conv1", "bn1") else name, []).append((weight, axis))
        return tuple(WeightGroup(name, tuple(weights), name in ("fc", "head")) for name, weights in groups.items())
    head, *stages = _stages(found)
    last = len(stages)
    return (
        WeightGroup("head", tuple(head), signs=True),
        *(WeightGroup(f"stage {last - i}", tuple(weights)) for i, weights in enumerate(stages)),
    )


def scramble(model: onnx.ModelProto, group: WeightGroup, seed: int) -> None:
    """Shuffle the numbers inside each filter of a group's weights, in place; the same seed gives the same weights."""
    axes = dict(group.weights)
    for name, tensor in _tensors(model, axes):
        if not tensor.dims:
            continue
        # A generator for each tensor, so that its numbers do not hang on the order of the graph.
        rng = np.random.default_rng([seed, *name.encode()])
        array = numpy_helper.to_array(tensor)
        filters = np.ascontiguousarray(np.moveaxis(array, axes[name], 0))
        shuffled = rng.permuted(filters.reshape(len(filters), -1), axis=1).reshape(filters.shape)
        if group.signs and shuffled.dtype.kind != "u":  # numbers without a sign are quantized around a middle
            shuffled = np.where(rng.random(shuffled.shape) < 0.5, _negative(shuffled), shuffled)
        tensor.CopyFrom(
            numpy_helper.from_array(np.ascontiguousarray(np.moveaxis(shuffled, 0, axes[name])), tensor.name)
        )


def _negative(values: NDArray[Any]) -> NDArray[Any]:
    """The numbers with the other sign; the least integer, which has no counterpart, becomes the greatest."""
    if values.dtype.kind == "i":
        values = np.maximum(values, -np.iinfo(values.dtype).max)
    return np.asarray(-values)


_Weight = tuple[str, int, tuple[int, int] | None]
"""A tensor, the axis of its filters, and the resolution of what it makes (None: it has none)."""


def _weights(view: GraphView, logits: str) -> list[_Weight]:
    """The weights behind ``logits``, the last ones first."""
    wanted = {logits}
    found: list[_Weight] = []
    taken: set[str] = set()
    for node in reversed(view.nodes):  # sorted: what reads a tensor comes after what makes it
        if not wanted.intersection(node.output):
            continue
        wanted.update(node.input)
        place = _WEIGHTED.get(node.op_type)
        if place is None or len(node.input) <= place[0]:
            continue
        source = _source(view, node.input[place[0]], _axis(node, place[1]))
        if source is None or source[0] in taken:  # two layers that share weights: the upper one has them
            continue
        taken.add(source[0])
        shape = view.shape(node.output[0])
        height, width = shape[2:] if len(shape) == 4 else (1, 1)
        found.append((*source, (height, width) if height and width and height * width > 1 else None))
    return found


def _axis(node: onnx.NodeProto, usual: int) -> int:
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return 0 if node.op_type == "Gemm" and transposed else usual


def _source(view: GraphView, tensor: str, axis: int) -> tuple[str, int] | None:
    """The stored tensor behind ``tensor`` and the axis of its filters; None if it depends on the picture."""
    while tensor not in view.initializers:
        node = view.producer(tensor)
        if node is None:
            return None
        if node.op_type == "Constant":
            return tensor, axis
        if node.op_type == "Transpose" and len(view.shape(tensor)) == 2:
            axis = 1 - axis % 2
        elif node.op_type not in _CARRIERS:
            return None
        tensor = node.input[0]
    return tensor, axis


def _stages(found: list[_Weight]) -> list[list[tuple[str, int]]]:
    """The layer that makes the logits with those beside it that have no resolution, then the rest by resolution."""
    groups: list[list[tuple[str, int]]] = [[found[0][:2]]]
    current: tuple[int, int] | None = None
    for weight, axis, size in found[1:]:
        if size is not None and size != current:
            current = size
            groups.append([])
        groups[-1].append((weight, axis))
    if len(groups) < _LEAST_GROUPS:
        rest = [weight[:2] for weight in found[1:]]
        parts = min(len(rest), _LEAST_GROUPS)
        groups[1:] = [rest[i * len(rest) // parts : (i + 1) * len(rest) // parts] for i in range(parts)]
        groups[0] = [found[0][:2]]
    elif len(groups) > _MOST_GROUPS:
        rest = [weight for group in groups[_MOST_GROUPS - 1 :] for weight in group]
        groups[_MOST_GROUPS - 1 :] = [rest]
    return groups


def _tensors(model: onnx.ModelProto, wanted: Mapping[str, int]) -> Iterator[tuple[str, TensorProto]]:
    for tensor in model.graph.initializer:
        if tensor.name in wanted:
            yield tensor.name, tensor
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output[0] in wanted:
            yield from ((node.output[0], a.t) for a in node.attribute if a.name == "value")

"""The lesion test: what a network says when one of its residual blocks does nothing but hand on its skip.

Veit et al. 2016, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks" (arXiv:1605.06431), section
4.1: F(x) of one block is removed, x + F(x) becomes x (or its projection), and the rest of the network runs as it is.

All lesions of one picture fit into one run. Up to the first block there is nothing but the picture; behind every block
the batch grows by one row, the output of that block without its F(x). So row 0 is the whole network, row i the network
without block i, and what several rows have in common, all that lies before their block, is computed once. A network
whose blocks cost about the same is run half as far as by one run for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.structure.blocks import ResidualBlock, leading_to
from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.explain.autodiff.gradient_sessions import GradientSessions, Graph
from resnet_desktop.inference.classifier import Classifier

PREFIX = "resnet_desktop.lesion"
_CLEAN = (0,)
Rows = tuple[int, ...]
"""What the rows of a tensor are: 0 is the whole network, i the network without its i-th block, in rising order."""


class LesionTest:
    """The lesion test of one model.

    Args:
        classifier: the model.
        blocks: its residual blocks, in network order.
        sessions: where the session is kept that is opened for the first picture; None keeps it here.
        grown: False runs the network once for each block, as graphs that fix their batch are run in any case.

    Attributes:
        runs: how many runs one picture takes.
    """

    def __init__(
        self,
        classifier: Classifier,
        blocks: Sequence[ResidualBlock],
        sessions: GradientSessions | None = None,
        *,
        grown: bool = True,
    ) -> None:
        self._classifier = classifier
        self._sessions = sessions or GradientSessions(classifier, most=1)
        self._blocks = tuple(blocks)
        bundle = classifier.bundle
        grows = grown and bundle.batch is None and can_grow(bundle.view, bundle.output_name, self._blocks)
        self.runs = 1 if grows else len(self._blocks)
        self._grows = grows

    def logits(
        self, picture: NDArray[np.float32], cancelled: Cancelled = never, progress: Progress = unheard
    ) -> NDArray[np.float32]:
        """The logits without each block in turn.

        Args:
            picture: as the network takes it, float32 ``(3, H, W)``.
            cancelled: asked before every run.
            progress: told after every run.

        Returns:
            float32 ``(blocks, classes)``.

        Raises:
            CancelledError: somebody asked for it.
            ModelError: the file is gone or has changed.
            ProviderError: ``provider_failed``.
        """
        stop_if(cancelled)
        session = self._sessions.session(("lesions", self._grows, self._blocks), self._graph)
        output = self._classifier.bundle.output_name
        if self._grows:
            found = session.run(picture[None])[output]
            progress(1, 1)
            return found[1:]
        rows = []
        for i in range(len(self._blocks)):
            stop_if(cancelled)
            kept = np.ones((1, len(self._blocks)), np.float32)
            kept[0, i] = 0.0
            rows.append(session.run(picture[None], {f"{PREFIX}.kept": kept})[output][0])
            progress(i + 1, len(self._blocks))
        return np.stack(rows)

    def _graph(self) -> Graph:
        bundle = self._classifier.bundle
        model = onnx.load_from_string(bundles.serialized(bundle))
        rewrite = grow if self._grows else add_switches
        rewrite(model, bundle.view, bundle.output_name, self._blocks)
        return model.SerializeToString(), (bundle.output_name,)


def can_grow(view: GraphView, logits: str, blocks: Sequence[ResidualBlock]) -> bool:
    """Whether the batch may grow on its way through the graph.

    It may not where a tensor behind a block has no batch of any size as its first axis (a Reshape to a fixed number of
    rows would mix pictures, and a shape that is not known could hide one), nor where the shape of one tensor is given
    to another that has more rows.
    """
    return _Grower(view, logits, blocks).works


def grow(model: onnx.ModelProto, view: GraphView, logits: str, blocks: Sequence[ResidualBlock]) -> None:
    """Rewrite ``model`` in place: from one picture to logits (1 + blocks, classes).

    Needs ``can_grow``. Ensures that row 0 is the whole network and row i the network without the i-th block.
    """
    grower = _Grower(view, logits, blocks)
    _rewrite(model, logits, grower.nodes, grower.initializers)


def add_switches(model: onnx.ModelProto, view: GraphView, logits: str, blocks: Sequence[ResidualBlock]) -> None:
    """Rewrite ``model`` in place: a second input, float32 ``[batch, blocks]``, multiplies each block's F(x).

    It works for any graph and any batch: 1 leaves a block as it is, 0 removes it.
    """
    switched = {block.total: (i, block) for i, block in enumerate(blocks)}
    kept = f"{PREFIX}.kept"
    nodes = []
    initializers = [numpy_helper.from_array(np.array([0]), f"{PREFIX}.first")]
    for node in view.nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if node.output[0] in switched:
            i, block = switched[node.output[0]]
            initializers.append(numpy_helper.from_array(np.array([i]), f"{PREFIX}.{i}"))
            ones = [1] * (len(view.shape(block.residual)) - 1)
            initializers.append(numpy_helper.from_array(np.array([0, *ones]), f"{PREFIX}.{i}.shape"))
            nodes += _switch(view, kept, i, block.residual)
            _set_inputs(copy, [f"{PREFIX}.{i}.kept" if name == block.residual else name for name in node.input])
        nodes.append(copy)
    _rewrite(model, logits, nodes, initializers)
    model.graph.input.append(helper.make_tensor_value_info(kept, TensorProto.FLOAT, [None, len(blocks)]))


def _switch(view: GraphView, kept: str, i: int, residual: str) -> list[onnx.NodeProto]:
    name = f"{PREFIX}.{i}"
    nodes = []
    if _is_merged(view, residual):  # several rows to each picture: all of them by the first picture's switch
        nodes.append(helper.make_node("Gather", [kept, f"{PREFIX}.first"], [f"{name}.row"], axis=0))
        kept = f"{name}.row"
    return [
        *nodes,
        helper.make_node("Gather", [kept, name], [f"{name}.column"], axis=1),
        helper.make_node("Reshape", [f"{name}.column", f"{name}.shape"], [f"{name}.switch"]),
        helper.make_node("Cast", [f"{name}.switch"], [f"{name}.cast"], to=view.tensors[residual].type),
        helper.make_node("Mul", [residual, f"{name}.cast"], [f"{name}.kept"]),
    ]


def _rewrite(
    model: onnx.ModelProto, logits: str, nodes: Sequence[onnx.NodeProto], initializers: Sequence[onnx.TensorProto]
) -> None:
    graph = model.graph
    del graph.node[:], graph.output[:], graph.value_info[:]  # value_info: shapes that may not be true any more
    graph.node.extend(nodes)
    graph.output.append(onnx.ValueInfoProto(name=logits))
    graph.initializer.extend(initializers)


class _Grower:
    """Writes the graph in which the batch grows.

    Attributes:
        nodes: of the new graph, sorted.
        initializers: besides the model's own.
        works: whether the graph can be rewritten so; else the others are worth nothing.
    """

    def __init__(self, view: GraphView, logits: str, blocks: Sequence[ResidualBlock]) -> None:
        self._view = view
        self._rows: dict[str, Rows] = {}
        self._named: dict[str, str] = {}
        self._grown: dict[tuple[str, Rows], str] = {}
        self._ends = {_end(view, block): (i, block) for i, block in enumerate(blocks, start=1)}
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        leading = leading_to(view, logits)
        self.works = all(self._take(node) for node in view.nodes if not leading.isdisjoint(node.output))
        self.works = self.works and self._rows.get(logits) == tuple(range(len(blocks) + 1))

    def _take(self, node: onnx.NodeProto) -> bool:
        """Copy one node, all of its inputs brought to the same rows; False if that cannot be done."""
        data = [name for name in node.input if not self._view.is_constant(name)]
        rows = tuple(sorted(set().union(*(self._rows.get(name, _CLEAN) for name in data))))
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        if data:
            expandable = all(self._may_grow(name) for name in data if self._rows.get(name, _CLEAN) != rows)
            if not expandable or any(a.HasField("g") or len(a.graphs) for a in node.attribute):
                return False
            _set_inputs(copy, [self._expanded(name, rows) if name in data else name for name in node.input])
        self.nodes.append(copy)
        for name in node.output:
            if data and len(rows) > 1:
                self._rows[name] = rows
            if name in self._ends:
                self._append(name, *self._ends[name])
            if len(self._rows.get(name, _CLEAN)) > 1 and not (self._may_grow(name) or self._is_shape(name)):
                return False
        return True

    def _append(self, end: str, i: int, block: ResidualBlock) -> None:
        """Behind block ``i``: one more row, what the block hands on if F(x) is removed."""
        row = self._expanded(block.skip, _CLEAN)
        if end != block.total:
            activation = onnx.NodeProto()
            made_by = self._view.producer(end)
            assert made_by is not None
            activation.CopyFrom(made_by)
            activation.name = f"{PREFIX}.{i}.activation"
            _set_inputs(activation, [row if name == block.total else name for name in made_by.input])
            activation.output[0] = row = f"{PREFIX}.{i}.row"
            self.nodes.append(activation)
        grown = f"{PREFIX}.{i}"
        self.nodes.append(helper.make_node("Concat", [end, row], [grown], axis=0))
        self._named[end] = grown
        self._rows[end] = (*self._rows.get(end, _CLEAN), i)

    def _expanded(self, name: str, rows: Rows) -> str:
        """The name of ``name`` with these rows: where a lesion comes later or elsewhere, its row is the clean one."""
        own = self._rows.get(name, _CLEAN)
        current = self._named.get(name, name)
        if own == rows:
            return current
        key = (name, rows)
        if key not in self._grown:
            self._grown[key] = grown = f"{PREFIX}.rows.{len(self._grown)}"
            places = np.array([own.index(row) if row in own else 0 for row in rows])
            self.initializers.append(numpy_helper.from_array(places, f"{grown}.places"))
            self.nodes.append(helper.make_node("Gather", [current, f"{grown}.places"], [grown], axis=0))
        return self._grown[key]

    def _may_grow(self, name: str) -> bool:
        """Whether the first axis is a batch of any size."""
        shape = self._view.shape(name)
        return bool(shape) and shape[0] is None and not _is_merged(self._view, name) and not self._is_shape(name)

    def _is_shape(self, name: str) -> bool:
        """Whether a tensor holds a shape or an index, and no row for each picture."""
        found = self._view.tensors.get(name)
        return found is not None and found.type == TensorProto.INT64


def _is_merged(view: GraphView, tensor: str) -> bool:
    """Whether a tensor's first axis is more than the batch: windows lie in it, too."""
    axes = view.layout.axes(tensor)
    return axes is not None and len(axes[0].factors) > 1


def _end(view: GraphView, block: ResidualBlock) -> str:
    """Where the new row is put in: behind the activation, which the runtime can then fuse with the sum."""
    node = view.producer(block.output)
    return block.output if node is not None and node.input[0] == block.total else block.total


def _set_inputs(node: onnx.NodeProto, names: Sequence[str]) -> None:
    del node.input[:]
    node.input.extend(names)

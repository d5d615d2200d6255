"""Values of the tensors of a model that depend on weights alone."""

from __future__ import annotations

import onnx
from onnx import numpy_helper

from resnet_desktop.bundle.structure.constants import Array, computed
from resnet_desktop.bundle.structure.graph_view import ONNX_DOMAINS, GraphView, attributes

__all__ = ["Array", "Constants"]


class Constants:
    """Computes constants of a model in NumPy.

    Args:
        model: its initializers are read.
        view: its graph.
    """

    def __init__(self, model: onnx.ModelProto, view: GraphView) -> None:
        self._view = view
        self._initializers = {t.name: t for t in model.graph.initializer}
        self._known: dict[str, Array | None] = {}

    def value(self, tensor: str) -> Array | None:
        """The value of ``tensor``; None if it is not constant, or made by an operator that is not known here."""
        if tensor not in self._known:
            self._known[tensor] = self._computed(tensor) if tensor and self._view.is_constant(tensor) else None
        return self._known[tensor]

    def _computed(self, tensor: str) -> Array | None:
        if tensor in self._initializers:
            return numpy_helper.to_array(self._initializers[tensor])
        folded = self._view.folded(tensor)
        if folded is not None:
            return folded
        node = self._view.producer(tensor)
        if node is None or node.domain not in (*ONNX_DOMAINS, "com.microsoft"):
            return None
        inputs = [self.value(name) if name else None for name in node.input]
        if any(value is None for value, name in zip(inputs, node.input, strict=True) if name):
            return None
        return computed(node, inputs, attributes(node))

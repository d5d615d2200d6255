"""Classifiers as other people's tools write them, small: one body, many beginnings and endings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.file.bundle import Bundle, Chosen, read
from resnet_desktop.imaging.notes import Note
from resnet_desktop.inference.classifier import Classifier

Array = NDArray[Any]
FEATURES, CLASSES = 6, 4
FLOAT = TensorProto.FLOAT


@dataclass
class Graph:
    """Nodes from ``x`` on: convolution, ReLU, pooling, a linear layer that makes ``scores``; and what is added to that.

    Attributes:
        classes: numbers that the linear layer gives.
        nodes: the nodes so far.
        weights: their constants.
        channels: of the picture.
    """

    classes: int = CLASSES
    channels: int = 3
    seed: int = 3
    sharp: float = 3.0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)

    def add(self, kind: str, inputs: Sequence[str], *to: str, **given: Any) -> str:
        """A node; the first tensor that it makes."""
        self.nodes.append(helper.make_node(kind, list(inputs), list(to), name=to[0], **given))
        return to[0]

    def constant(self, name: str, value: Any) -> str:
        """A constant of the graph."""
        self.weights[name] = np.asarray(value)
        return name

    def body(self, picture: str = "x") -> str:
        """From pictures ``[n, channels, height, width]`` to ``scores`` ``[n, classes]``."""
        rng = np.random.default_rng(self.seed)
        self.constant("cw", rng.standard_normal((FEATURES, self.channels, 3, 3)).astype(np.float32))
        self.constant("w", (rng.standard_normal((self.classes, FEATURES)) * self.sharp).astype(np.float32))
        self.constant("b", rng.standard_normal(self.classes).astype(np.float32))
        self.add("Conv", [picture, "cw"], "conv", strides=[2, 2])
        self.add("Relu", ["conv"], "relu")
        self.add("GlobalAveragePool", ["relu"], "pool")
        self.add("Flatten", ["pool"], "features")
        return self.add("Gemm", ["features", "w", "b"], "scores", transB=1)

    def model(
        self,
        outputs: Sequence[tuple[str, int, Sequence[Any]]],
        *,
        shape: Sequence[Any] = ("N", 3, 16, 16),
        dtype: int = FLOAT,
        opset: int = 17,
        ir: int = 8,
        domains: Sequence[tuple[str, int]] = (),
    ) -> onnx.ModelProto:
        """The model; outputs by name, type and shape."""
        made = [helper.make_tensor_value_info(name, kind, list(dims)) for name, kind, dims in outputs]
        given = helper.make_tensor_value_info("x", dtype, list(shape))
        weights = [numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = helper.make_graph(self.nodes, "elsewhere", [given], made, weights)
        sets = [helper.make_opsetid("", opset), *(helper.make_opsetid(*pair) for pair in domains)]
        return helper.make_model(graph, ir_version=ir, opset_imports=sets)


def started(**given: Any) -> Graph:
    """A graph with its body."""
    graph = Graph(**given)
    graph.body()
    return graph


def opened(tmp_path: Path, model: onnx.ModelProto, chosen: Chosen | None = None) -> Bundle:
    """The model as the app reads it from a file."""
    path = tmp_path / "elsewhere.onnx"
    path.write_bytes(model.SerializeToString())
    return read(path) if chosen is None else read(path, chosen)


def codes(notes: Sequence[Note]) -> list[str]:
    """Of notes on a graph, but for what is known of the values of pixels (see ``test_values``)."""
    return [note.code for note in notes if not note.code.startswith("values")]


def pictures(bundle: Bundle, count: int = 3, seed: int = 5) -> NDArray[np.float32]:
    """Prepared pictures of noise."""
    numbers: NDArray[np.float32] = np.random.default_rng(seed).standard_normal((count, *bundle.input_shape), np.float32)
    return numbers


def app(bundle: Bundle, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probabilities that the app gives, ``(n, classes)``."""
    classifier = Classifier(bundle, provider="cpu")
    return classifier.probabilities(classifier.session.run(x)[bundle.output_name])


def theirs(model: onnx.ModelProto, x: Array, output: str) -> Array:
    """What ONNX Runtime makes of the file as it is, picture by picture."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    rows = [session.run([output], {name: picture[None]})[0] for picture in x]
    return np.concatenate([np.asarray(row, np.float64).reshape(1, -1) for row in rows])


def softmax(scores: Array) -> Array:
    """Along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def sigmoid(scores: Array) -> Array:
    """Of each number."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(scores, np.float64))))

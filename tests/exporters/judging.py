"""Whether the app answers as a file does by itself, and whether its gradient is that of small steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from onnx import TensorProto, helper

from resnet_desktop.bundle.adapt import tried
from resnet_desktop.bundle.file.bundle import Bundle, read
from resnet_desktop.bundle.file.tensors import file_sha256
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference import admission
from resnet_desktop.inference.classifier import Classifier
from tests.exporters.case import Array, Case, quiet
from tests.unit.explain.graphs import noise

CLOSE, STEP = 2e-3, 1e-2
GRADIENT = 1e-2
"""Steps of float32 numbers over the kinks of ReLUs measure a gradient no better."""
TELLING = 0.02
"""By so much the pictures' answers have to differ, or they would say little."""


def judged(case: Case, folder: Path) -> tuple[str, str]:
    """``right``, ``answers only``, ``refused``, ``refused wrongly`` or ``wrong``, and what there is to say."""
    path = folder / "case.onnx"
    path.write_bytes(case.model.SerializeToString())
    try:
        found = admission.trial(path)
        tried.remember(file_sha256(path)[0], path.stat().st_size, found)
        bundle = read(path)
        answers = _answers(bundle, case)
    except ResNetDesktopError as error:
        if case.refused is not None and case.refused in error.message:
            return "refused", error.message
        return "refused wrongly", error.message
    if case.refused is not None:
        return "wrong", "it should have been refused"
    if answers > CLOSE:
        return "wrong", f"probabilities off by {answers:.2g}"
    off = _gradient(bundle)
    notes = " ".join(note.code for note in bundle.notes)
    return ("right" if off < GRADIENT else "answers only"), f"probabilities {answers:.1g}, gradient {off:.1g} {notes}"


def _answers(bundle: Bundle, case: Case) -> float:
    """How far probabilities are off at most."""
    x = noise(3, *bundle.input_shape) + 2 * noise(3, 3, 1, 1, seed=3)
    if "bytes" in case.name:
        x = np.random.default_rng(0).integers(0, 256, x.shape).astype(np.float32)
    classifier = Classifier(bundle, provider="cpu")
    found = classifier.probabilities(classifier.session.run(x)[bundle.output_name])
    session = onnxruntime.InferenceSession(onnx_lowered(case.model), quiet(), providers=["CPUExecutionProvider"])
    given = case.feed(x)
    batches = [given[i : i + 1] for i in range(len(given))] if case.one_by_one else [given]
    rows = [case.answer(np.asarray(session.run([case.output], {"x": batch})[0], np.float64)) for batch in batches]
    right = np.concatenate(rows)
    if found.shape != right.shape or np.ptp(right, axis=0).max() < TELLING:
        return float("inf")
    return float(np.abs(found - right).max())


def onnx_lowered(model: onnx.ModelProto) -> bytes:
    """The file itself, its numbers of versions as ONNX Runtime takes them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = min(copy.ir_version, 10)
    for one in copy.opset_import:
        if one.domain == "":
            one.version = min(one.version, 26)
    return bytes(copy.SerializeToString())


def _gradient(bundle: Bundle) -> float:
    """The gradient of a score at the recommended layer, against central differences along one random direction.

    The differences are those of the app's graph with a small step added to the layer's tensor.
    """
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    offered = [layer for layer in explainer.layers if not explainer.why_no_gradient(layer)]
    if not offered:
        return float("inf")
    layer = next((one for one in offered if one.recommended), offered[-1])
    x = noise(1, *bundle.input_shape, seed=7)
    run = explainer.gradient(x, explainer.seed(1), [layer.tensor])
    raw = Probe(bundle, layer.tensor)
    shape = raw.shape(x)
    grid = bundle.view.layout.grid(layer.tensor)
    assert grid is not None
    step = np.zeros(shape, np.float32)
    cells = grid.picture(np.arange(step.size).reshape(shape)).reshape(-1)  # not the class token
    step.reshape(-1)[cells] = np.random.default_rng(1).standard_normal(cells.size)
    ahead, behind = (raw.score(x, step * (STEP * sign), 1) for sign in (1, -1))
    measured = (ahead - behind) / (2 * STEP)
    told = float((run.gradients[layer.tensor].astype(np.float64) * grid.picture(step)).sum())
    return abs(told - measured) / max(abs(measured), 1e-3)


class Probe:
    """The bundle's graph with something added to one of its tensors."""

    def __init__(self, bundle: Bundle, tensor: str) -> None:
        from resnet_desktop.bundle.file.bundle import serialized

        model = onnx.load_from_string(serialized(bundle, [tensor]))
        for node in model.graph.node:
            for i, name in enumerate(node.input):
                if name == tensor:
                    node.input[i] = "moved"
        place = next(i for i, node in enumerate(model.graph.node) if tensor in node.output)
        model.graph.node.insert(place + 1, helper.make_node("Add", [tensor, "step"], ["moved"]))
        model.graph.input.append(helper.make_tensor_value_info("step", TensorProto.FLOAT, None))
        options = quiet()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._tensor, self._input, self._output = tensor, bundle.input_name, bundle.output_name

    def shape(self, x: Array) -> tuple[int, ...]:
        """Of the tensor."""
        found = self._session.run([self._tensor], {self._input: x, "step": np.zeros((), np.float32)})[0]
        return tuple(np.asarray(found).shape)

    def score(self, x: Array, step: Array, target: int) -> float:
        """The logit of a class."""
        return float(self._session.run([self._output], {self._input: x, "step": step})[0][0, target])

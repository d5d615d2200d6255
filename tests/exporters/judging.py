"""Whether the app answers as a file does by itself, and whether its gradient is that of small steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from onnx import TensorProto, helper

from resnet_desktop.bundle.adapt import tried
from resnet_desktop.bundle.file.bundle import Bundle, read, serialized
from resnet_desktop.bundle.file.tensors import file_sha256
from resnet_desktop.core.errors import ResNetDesktopError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference import admission
from resnet_desktop.inference.classifier import Classifier
from tests.exporters.case import Array, Case, quiet
from tests.unit.explain.graphs import gradients, noise

GRADIENT = 1e-2
"""Steps of float32 numbers over the kinks of ReLUs measure a gradient no better."""
STEPS = (1e-2, 1e-3)
"""Between these a gradient is measured: long ones reach over kinks, short ones are lost in the digits of float32."""
TELLING = 0.02
"""By so much the pictures' answers have to differ, or they would say little."""


def judged(case: Case, folder: Path) -> tuple[str, str]:
    """What became of a file, and what there is to say.

    ``right``; ``answers only``, with no gradient or a wrong one; ``refused``; ``refused wrongly``; ``wrong``; or ``no
    trial``, where its own answers hardly differ from picture to picture, so that nothing follows from them.
    """
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
    if answers is None:
        return "no trial", "its answers are the same for every picture"
    if answers > case.close:
        return "wrong", f"probabilities off by {answers:.2g}"
    off = _gradient(bundle, case)
    notes = " ".join(note.code for note in bundle.notes)
    return ("right" if off < GRADIENT else "answers only"), f"probabilities {answers:.1g}, gradient {off:.1g} {notes}"


def _pictures(bundle: Bundle, case: Case, count: int) -> Array:
    """Prepared ones that differ in colour, too."""
    x = noise(count, *bundle.input_shape) + 2 * noise(count, 3, 1, 1, seed=3)
    return np.clip(np.round(x * 40 + 128), 0, 255) if case.whole else x


def _answers(bundle: Bundle, case: Case) -> float | None:
    """How far probabilities are off at most; None where the file's own say nothing."""
    x = _pictures(bundle, case, 3)
    classifier = Classifier(bundle, provider="cpu")
    found = classifier.probabilities(classifier.session.run(x)[bundle.output_name])
    plain = onnx_lowered(case.runs or case.model)
    session = onnxruntime.InferenceSession(plain, quiet(), providers=["CPUExecutionProvider"])
    name, given = session.get_inputs()[0].name, case.feed(x)
    batches = [given[i : i + 1] for i in range(len(given))] if case.one_by_one else [given]
    rows = [case.answer(np.asarray(session.run([case.output], {name: batch})[0], np.float64)) for batch in batches]
    right = np.concatenate(rows)
    if np.ptp(right, axis=0).max() < TELLING:
        return None
    return float(np.abs(found - right).max()) if found.shape == right.shape else float("inf")


def onnx_lowered(model: onnx.ModelProto) -> bytes:
    """The file itself, its numbers of versions as ONNX Runtime takes them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = min(copy.ir_version, 10)
    for one in copy.opset_import:
        if one.domain == "":
            one.version = min(one.version, 26)
    return bytes(copy.SerializeToString())


def _gradient(bundle: Bundle, case: Case) -> float:
    """How far the gradient is off: at the picture from the maker's own, else at the recommended layer from steps."""
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    offered = [layer for layer in explainer.layers if not explainer.why_no_gradient(layer)]
    if not offered:
        return float("inf")
    layer = next((one for one in offered if one.recommended), offered[-1])
    if case.gradient is None:
        return _steps(bundle, explainer, layer.tensor)
    x = _pictures(bundle, case, 2)
    seed = explainer.seed(1, 0, count=2)
    run = explainer.sessions.gradient(x, seed, [layer.tensor])
    if not run.gradients[layer.tensor].any():
        return float("inf")
    model = onnx.load_from_string(serialized(bundle))
    (found,) = gradients(model, [bundle.input_name], x, seed, logits=bundle.output_name, view=bundle.view)
    right = case.gradient(x)
    # Both are of float32. Where a network drawn at random magnifies its last digits a million times (EfficientNetV2 on
    # one of these pictures) they say nothing; what is wrong in a rule is wrong on the other picture, too.
    sizes = [np.linalg.norm(one) for one in right]
    return float(min(np.linalg.norm(a - b) / size for a, b, size in zip(found, right, sizes, strict=True)))


def _steps(bundle: Bundle, explainer: Explainer, tensor: str) -> float:
    """The gradient of a score at a layer, against central differences along one random direction.

    The differences are those of the app's graph with a small step added to the layer's tensor.
    """
    x = noise(1, *bundle.input_shape, seed=7)
    run = explainer.sessions.gradient(x, explainer.seed(1), [tensor])
    raw = Probe(bundle, tensor)
    shape = raw.shape(x)
    grid = bundle.view.layout.grid(tensor)
    assert grid is not None
    step = np.zeros(shape, np.float32)
    cells = grid.picture(np.arange(step.size).reshape(shape)).reshape(-1)  # not the class token
    step.reshape(-1)[cells] = np.random.default_rng(1).standard_normal(cells.size)
    told = float((run.gradients[tensor].astype(np.float64) * grid.picture(step)).sum())
    return min(abs(told - raw.slope(x, step, size)) / max(abs(told), 1e-3) for size in STEPS)


class Probe:
    """The bundle's graph with something added to one of its tensors."""

    def __init__(self, bundle: Bundle, tensor: str) -> None:
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

    def slope(self, x: Array, step: Array, size: float) -> float:
        """How fast the logit of class 1 grows along ``step``, by a step of ``size`` to either side."""
        ahead, behind = (self.score(x, step * np.float32(size * sign), 1) for sign in (1, -1))
        return (ahead - behind) / (2 * size)

    def score(self, x: Array, step: Array, target: int) -> float:
        """The logit of a class."""
        return float(self._session.run([self._output], {self._input: x, "step": step})[0][0, target])

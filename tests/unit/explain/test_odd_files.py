"""Gradients through files that say wrong things of their tensors, and through limits on whole numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from resnet_desktop.explain.autodiff.gradient_sessions import GradientRun
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier
from tests.unit.explain.block_graphs import SIDE, Net, opened, post_activation

NOISE = np.random.default_rng(2).standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)


def run(folder: Path, net: Net, *claims: tuple[str, list[int | str]]) -> tuple[Explainer, GradientRun]:
    """The gradients at all layers of a file that claims shapes of its tensors."""
    folder.mkdir()
    model = net.model()
    model.graph.value_info.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, at) for name, at in claims)
    explainer = Explainer(Classifier(opened(folder, model), provider="cpu"))
    layers = [layer.tensor for layer in explainer.layers]
    return explainer, explainer.sessions.gradient(NOISE, explainer.seed(1), layers)


def test_wrong_claims_of_shapes_are_not_believed(tmp_path: Path) -> None:
    explainer, right = run(tmp_path / "right", post_activation())
    _, found = run(tmp_path / "wrong", post_activation(), ("1", ["N", 16, 16, 4]), ("4", ["N", 16, 16, 4]))
    assert explainer.layers
    for tensor, gradient in right.gradients.items():
        np.testing.assert_allclose(found.gradients[tensor], gradient, atol=1e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_a_limit_on_whole_numbers_cuts_the_gradient(kind: type[np.uint8 | np.int8], tmp_path: Path) -> None:
    """As quantizers of fewer than 8 bits write it: between rounding and what the numbers stand for."""
    net = Net()
    x = net.conv("x", 3, 4)
    scale, zero = net.constant(0.25), net.constant(0, kind)
    whole = net.op("QuantizeLinear", x, scale, zero)
    cut = net.op("Clip", whole, net.constant(0, kind), net.constant(3, kind), output="cut")
    net.head(net.op("DequantizeLinear", cut, scale, zero, output="seen"), 4)
    explainer = Explainer(Classifier(opened(tmp_path, net.model()), provider="cpu"))
    inner = explainer.sessions.gradient(NOISE, explainer.seed(1), [x, "seen"])
    steps = np.round(inner.activations["seen"] / 0.25)
    assert {0, 3} < set(steps.reshape(-1).astype(int))
    between = (steps > 0) & (steps < 3)
    assert (inner.gradients[x][between] != 0).all()
    assert (inner.gradients[x][~between] == 0).all()

"""Gradients through files that say wrong things of their tensors, and through limits on whole numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from resnet_desktop.bundle.file.bundle import serialized
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier
from tests.unit.explain.block_graphs import SIDE, Net, opened, post_activation

NOISE = np.random.default_rng(2).standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)


def test_wrong_claims_of_shapes_are_left_out(tmp_path: Path) -> None:
    """ONNX Runtime takes the claim where it cannot infer a side, and then refuses what computes the gradient."""
    model = post_activation().model()
    right = [layer.shape for layer in layers(opened(tmp_path, model))]
    model.graph.value_info.append(helper.make_tensor_value_info("2", TensorProto.FLOAT, ["N", 16, 16, 4]))
    bundle = opened(tmp_path, model)
    assert not onnx.load_from_string(serialized(bundle)).graph.value_info
    assert [layer.shape for layer in layers(bundle)] == right
    model.graph.value_info[0].CopyFrom(helper.make_tensor_value_info("2", TensorProto.FLOAT, ["N", 4, 16, 16]))
    assert not opened(tmp_path, model).rewritten, "what is right stays"


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

"""Residual sums that ONNX Runtime's optimizers have joined with the norm behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from resnet_desktop.bundle.file.bundle import read, serialized
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.structure.blocks import find_blocks
from resnet_desktop.bundle.structure.graph_view import GraphView

from .making import foreign_model, images, run, save

WIDTH = 8


def transformer(opset: int = 17, *, norms: str = "") -> onnx.ModelProto:
    """Patches, and two residual blocks of one product each, as ``optimize_model`` leaves them."""
    rng = np.random.default_rng(2)
    sizes = {"pw": (WIDTH, 3, 4, 4), "w1": (WIDTH, WIDTH), "w2": (WIDTH, WIDTH), "b": (WIDTH,), "hw": (WIDTH, 4)}
    weights = {name: rng.standard_normal(size).astype(np.float32) for name, size in sizes.items()}
    weights |= {"g": np.linspace(0.5, 2, WIDTH, dtype=np.float32), "flat": np.array([0, WIDTH, -1])}
    norm: dict[str, Any] = {"domain": "com.microsoft", "epsilon": 1e-6}
    nodes = [
        helper.make_node("Conv", ["x", "pw"], ["p"], strides=[4, 4]),
        helper.make_node("Reshape", ["p", "flat"], ["f"]),
        helper.make_node("Transpose", ["f"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["t", "w1"], ["m1"]),
        helper.make_node("SkipLayerNormalization", ["m1", "t", "g", "b", "b"], ["n1", norms, "", "s1"], **norm),
        helper.make_node("MatMul", ["n1", "w2"], ["m2"]),
        helper.make_node("SkipLayerNormalization", ["m2", "s1", "g"], ["n2"], **norm),
        helper.make_node("ReduceMean", ["n2"], ["r"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["r", "hw"], ["y"]),
    ]
    model = foreign_model(nodes, weights, opset=opset)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


def test_residual_sums_are_found_and_answers_stay(tmp_path: Path) -> None:
    model = transformer()
    bundle = read(save(tmp_path / "fused.onnx", model))
    assert [(block.total, block.source) for block in find_blocks(bundle.view)] == [("s1", "t"), ("n2.sum", "s1")]
    assert [layer.kind for layer in layers(bundle)] == ["convolution", "residual block", "residual block"]
    x = images(2, 16)
    given = serialized(bundle, ["s1"])
    found, _ = run(given, x, [bundle.output_name, "s1"])
    np.testing.assert_allclose(found, run(model.SerializeToString(), x)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("opset", "norms"), [(16, ""), (17, "mean")])
def test_where_they_stay_joined_all_outputs_have_a_shape(opset: int, norms: str) -> None:
    model = transformer(opset, norms=norms)
    view = GraphView(model)
    assert view.shape("s1") == view.shape("n1") == view.shape("t") == (None, 16, WIDTH)
    assert view.shape("n2") == (None, 16, WIDTH)
    assert not norms or view.shape("mean") == (None, 16, 1)

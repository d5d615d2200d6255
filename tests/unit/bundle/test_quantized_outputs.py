"""Graphs that end in whole numbers, as full-integer exports do: read as what these stand for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from resnet_desktop.bundle.file.bundle import Chosen, serialized
from resnet_desktop.core.errors import ModelError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier

from .elsewhere import CLASSES, FLOAT, Graph, app, opened, pictures, softmax, started, theirs

CLOSE = 1e-5
UINT8, INT8, INT16 = TensorProto.UINT8, TensorProto.INT8, TensorProto.INT16
TYPES: dict[int, Any] = {UINT8: np.uint8, INT8: np.int8, INT16: np.int16}
OWN = {"domain": "com.microsoft"}


def scale(graph: Graph, name: str, step: float, zero: int, kind: int) -> list[str]:
    """A scale and a zero point as constants."""
    return [
        graph.constant(f"{name}_scale", np.float32(step)),
        graph.constant(f"{name}_zero", np.array(zero, TYPES[kind])),
    ]


def rounded(graph: Graph, tensor: str, step: float, zero: int, kind: int, *, own: bool = False) -> str:
    return graph.add("QuantizeLinear", [tensor, *scale(graph, "y", step, zero, kind)], "q", **(OWN if own else {}))


def shares_as_bytes(graph: Graph) -> tuple[str, int, float, int]:
    graph.add("Softmax", ["scores"], "p", axis=1)
    return rounded(graph, "p", 1 / 256, 0, UINT8), UINT8, 1 / 256, 0


def logits_as_bytes(graph: Graph) -> tuple[str, int, float, int]:
    graph.add("Reshape", [rounded(graph, "scores", 0.1, 3, INT8), graph.constant("form", np.array([-1, 1, 1, 4]))], "y")
    return "y", INT8, 0.1, 3


def logits_of_16_bits(graph: Graph) -> tuple[str, int, float, int]:
    return rounded(graph, "scores", 0.001, 0, INT16, own=True), INT16, 0.001, 0


def product_of_bytes(graph: Graph) -> tuple[str, int, float, int]:
    low, high = graph.weights["w"].min(), graph.weights["w"].max()
    step, zero = (high - low) / 255, round(-low / ((high - low) / 255))
    whole = np.clip(np.round(graph.weights["w"].T / step) + zero, 0, 255).astype(np.uint8)
    graph.add("QuantizeLinear", ["features", *scale(graph, "f", 0.05, 0, UINT8)], "f")
    weight = [graph.constant("whole", whole), *scale(graph, "w", float(step), zero, UINT8)]
    data = ["f", "f_scale", "f_zero"]
    graph.add("QLinearMatMul", [*data, *weight, *scale(graph, "y", 0.1, 60, UINT8)], "y")
    return "y", UINT8, 0.1, 60


def softmax_of_bytes(graph: Graph) -> tuple[str, int, float, int]:
    product_of_bytes(graph)
    given = ["y", "y_scale", "y_zero", *scale(graph, "z", 1 / 256, 0, UINT8)]
    graph.add("QLinearSoftmax", given, "z", axis=1, opset=13, **OWN)
    return "z", UINT8, 1 / 256, 0


CONTRASTS = np.array([0.1, 0.4, 1, 1.5, 2], np.float32).reshape(5, 1, 1, 1)
SHARES = (shares_as_bytes, softmax_of_bytes)


@pytest.mark.parametrize(
    "end", [shares_as_bytes, logits_as_bytes, logits_of_16_bits, product_of_bytes, softmax_of_bytes]
)
def test_whole_numbers_are_read_as_what_they_stand_for(
    tmp_path: Path, end: Callable[[Graph], tuple[str, int, float, int]]
) -> None:
    graph = started(sharp=1.0)
    name, kind, step, zero = end(graph)
    form = ("N", 1, 1, CLASSES) if end is logits_as_bytes else ("N", CLASSES)
    model = graph.model([(name, kind, form)], domains=[("com.microsoft", 1)])
    bundle = opened(tmp_path, model)
    x = pictures(bundle, 5) * CONTRASTS
    real = (theirs(model, x, name) - zero) * step
    right = real if end in SHARES else softmax(real)
    found = app(bundle, x)
    assert np.ptp(right, axis=0).max() > 0.1
    assert np.abs(found - right).max() < (step if end in SHARES else CLOSE)
    assert bundle.metadata.output == ("probabilities" if end in SHARES else "logits")
    explainer = Explainer(Classifier(bundle))
    run = explainer.sessions.gradient(x[:1], explainer.seed(1), ["relu"])
    assert np.abs(run.gradients["relu"]).max() > 0
    assert opened(tmp_path, model, Chosen(output_name=name)).classes == CLASSES


@pytest.mark.parametrize("clip", [True, False])
def test_probabilities_that_were_rounded_get_no_second_softmax(tmp_path: Path, clip: bool) -> None:
    """As ONNX Runtime's quantizer ends a network with a Softmax."""
    graph = started(sharp=1.0)
    graph.add("Softmax", ["scores"], "p", axis=1)
    if clip:
        graph.add("Clip", ["p", graph.constant("low", np.float32(1e-3)), graph.constant("high", np.float32(1))], "c")
    q = rounded(graph, "c" if clip else "p", 1 / 256, 0, UINT8)
    model = graph.model([(graph.add("DequantizeLinear", [q, "y_scale", "y_zero"], "y"), FLOAT, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle, 5) * CONTRASTS
    assert np.abs(app(bundle, x) - theirs(model, x, "y")).max() < 1 / 128


@pytest.mark.parametrize("end", ["Sigmoid", "QLinearSigmoid"])
def test_ratings_as_bytes(tmp_path: Path, end: str) -> None:
    graph = started(sharp=1.0)
    if end == "Sigmoid":
        graph.add("Sigmoid", ["scores"], "p")
        name = rounded(graph, "p", 1 / 256, 0, UINT8)
    else:
        product_of_bytes(graph)
        given = ["y", "y_scale", "y_zero", *scale(graph, "z", 1 / 256, 0, UINT8)]
        name = graph.add("QLinearSigmoid", given, "z", **OWN)
    model = graph.model([(name, UINT8, ("N", CLASSES))], domains=[("com.microsoft", 1)])
    bundle = opened(tmp_path, model)
    x = pictures(bundle, 5) * CONTRASTS
    assert bundle.metadata.output == "ratings"
    assert np.abs(app(bundle, x) - theirs(model, x, name) / 256).max() < 1 / 256


def test_whole_numbers_without_a_scale_are_refused_for_that(tmp_path: Path) -> None:
    graph = started(sharp=1.0)
    graph.add("Cast", ["scores"], "y", to=UINT8)
    model = graph.model([("y", UINT8, ("N", CLASSES))])
    with pytest.raises(ModelError, match=r"output is UINT8 \[None, 4\].*no operator before it has their scale"):
        opened(tmp_path, model)
    assert opened(tmp_path, model, Chosen(output_name="scores")).classes == CLASSES


def test_the_rounding_of_shares_is_left_out(tmp_path: Path) -> None:
    graph = started()
    name, kind, *_ = shares_as_bytes(graph)
    assert b"QuantizeLinear" not in serialized(opened(tmp_path, graph.model([(name, kind, ("N", CLASSES))])))


def test_whole_numbers_whose_scale_comes_with_the_picture(tmp_path: Path) -> None:
    graph = started(sharp=1.0)
    graph.add("DynamicQuantizeLinear", ["scores"], "y", "step", "zero")
    model = graph.model([("y", UINT8, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    plain = started(sharp=1.0).model([("scores", FLOAT, ("N", CLASSES))])
    assert np.abs(app(bundle, x) - softmax(theirs(plain, x, "scores"))).max() < CLOSE


@pytest.mark.parametrize("end", ["q", "scores"])
def test_sums_of_products_of_bytes_do_not_saturate(tmp_path: Path, end: str) -> None:
    """Two products of 255 and 127 are more than 16 bits hold, which processors without VNNI add them in."""
    rng = np.random.default_rng(0)
    whole = rng.choice(np.array([-127, 127, 120, 5], np.int8), (64, CLASSES))
    graph = Graph()
    graph.add("Conv", ["x", graph.constant("cw", rng.standard_normal((64, 3, 3, 3)).astype(np.float32))], "conv")
    graph.add("Relu", ["conv"], "relu")
    graph.add("GlobalMaxPool", ["relu"], "pool")
    graph.add("Flatten", ["pool"], "features")
    graph.add("QuantizeLinear", ["features", *scale(graph, "f", 0.06, 0, UINT8)], "fq")
    graph.add("DequantizeLinear", ["fq", "f_scale", "f_zero"], "f")
    graph.add("DequantizeLinear", [graph.constant("whole", whole), *scale(graph, "w", 1e-3, 0, INT8)], "w")
    graph.add("MatMul", ["f", "w"], "product")
    rounded(graph, "product", 0.5, 128, UINT8)
    graph.add("DequantizeLinear", ["q", "y_scale", "y_zero"], "scores")
    model = graph.model([(end, UINT8 if end == "q" else FLOAT, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    features = theirs(graph.model([("fq", UINT8, ("N", 64))]), x, "fq") * 0.06
    right = (np.round(features @ (whole * 1e-3) / 0.5)) * 0.5
    assert np.ptp(right) > 2
    assert np.abs(app(bundle, x) - softmax(right)).max() < CLOSE

"""Outputs that hold only the highest scores, and scores of classifiers of ONNX's domain for machine learning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from resnet_desktop.bundle.adapt import tried
from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.file.tensors import file_sha256
from resnet_desktop.inference import admission

from .elsewhere import CLASSES, FLOAT, Graph, app, codes, opened, pictures, softmax, started, theirs

CLOSE = 1e-5


def topk(graph: Graph, scores: str, count: int = 2) -> str:
    k = graph.constant("k", np.array([count], np.int64))
    return graph.add("TopK", [scores, k], "values", "indices", axis=1)


def top_of_softmax(graph: Graph) -> str:
    return topk(graph, graph.add("Softmax", ["scores"], "p", axis=1))


def softmax_of_top(graph: Graph) -> str:
    return graph.add("Softmax", [topk(graph, "scores")], "y", axis=1)


def sorted_scores(graph: Graph) -> str:
    return topk(graph, "scores", CLASSES)


def surest(graph: Graph) -> str:
    shares = graph.add("Softmax", ["scores"], "p", axis=1)
    return graph.add("ReduceMax", [shares], "conf", axes=[1], keepdims=0)


def surest_kept(graph: Graph) -> str:
    return graph.add("Identity", [graph.add("ReduceMax", ["scores"], "most", axes=[1], keepdims=1)], "conf")


@pytest.mark.parametrize("end", [top_of_softmax, softmax_of_top, sorted_scores, surest, surest_kept])
def test_the_scores_of_all_classes_are_taken(end: Callable[[Graph], str], tmp_path: Path) -> None:
    graph = started()
    name = end(graph)
    width = {"conf": None, "values": CLASSES if end is sorted_scores else 2, "y": 2}[name]
    outputs: list[tuple[str, int, tuple[str | int | None, ...]]] = [
        (name, FLOAT, ("N",) if width is None else ("N", width))
    ]
    if end is not surest and end is not surest_kept:
        outputs.append(("indices", TensorProto.INT64, ("N", width)))
    model = graph.model(outputs)
    bundle = opened(tmp_path, model)
    assert (bundle.classes, "scores_before" in codes(bundle.notes)) == (CLASSES, True)
    x = pictures(bundle)
    whole = started().model([("scores", FLOAT, ("N", CLASSES))])
    assert np.abs(app(bundle, x) - softmax(theirs(whole, x, "scores"))).max() < CLOSE


def test_a_maximum_over_places_is_no_choice_of_classes(tmp_path: Path) -> None:
    graph = started()
    graph.constant("cw2", np.random.default_rng(1).standard_normal((CLASSES, 6, 1, 1)).astype(np.float32))
    graph.add("Conv", ["relu", "cw2"], "maps")
    graph.add("ReduceMax", ["maps"], "y", axes=[2, 3], keepdims=0)
    model = graph.model([("y", FLOAT, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    assert codes(bundle.notes) == []
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - softmax(theirs(model, x, "y"))).max() < CLOSE


@pytest.mark.parametrize("mapped", [False, True])
def test_a_classifier_of_the_domain_for_machine_learning(mapped: bool, tmp_path: Path) -> None:
    names = ["ant", "bee", "crane"]
    graph = started()
    rng = np.random.default_rng(4)
    given = {"coefficients": rng.standard_normal(18).tolist(), "intercepts": rng.standard_normal(3).tolist()}
    given |= {"domain": "ai.onnx.ml", "classlabels_strings": names, "post_transform": "SOFTMAX"}
    graph.add("LinearClassifier", ["features"], "label", "linear", **given)
    graph.add("Normalizer", ["linear"], "p", domain="ai.onnx.ml", norm="L1")
    if mapped:
        graph.add("ZipMap", ["p"], "maps", domain="ai.onnx.ml", classlabels_strings=names)
    outputs = [("label", TensorProto.STRING, ("N",)), ("p", FLOAT, ("N", 3))]
    model = graph.model(outputs, domains=[("ai.onnx.ml", 1)])
    if mapped:
        model.graph.output[1].name = "maps"
        model.graph.output[1].ClearField("type")
        item = model.graph.output[1].type.sequence_type.elem_type.map_type
        item.key_type = TensorProto.STRING
        item.value_type.tensor_type.elem_type = FLOAT
    path = opened(tmp_path, model).path
    tried.remember(file_sha256(path)[0], path.stat().st_size, admission.trial(path))
    bundle = read(path)
    assert (bundle.metadata.categories, bundle.named) == (tuple(names), True)
    x = pictures(bundle)
    plain = graph.model([("p", FLOAT, ("N", 3))], domains=[("ai.onnx.ml", 1)])
    assert np.abs(app(bundle, x) - theirs(plain, x, "p")).max() < CLOSE

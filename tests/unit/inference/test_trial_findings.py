"""What only a run shows: probabilities that no look at the graph finds, and a batch of 1 inside."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
from onnx import TensorProto, helper

from resnet_desktop.bundle.adapt import tried
from resnet_desktop.bundle.adapt.tried import Found
from resnet_desktop.bundle.file.bundle import Chosen, read
from resnet_desktop.bundle.library.importing import ModelHints
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core import paths
from resnet_desktop.inference import admission
from resnet_desktop.inference.classifier import Classifier
from tests.unit.bundle.elsewhere import CLASSES, FLOAT, Graph, app, opened, pictures, softmax, started, theirs

CLOSE = 1e-5


def hidden_softmax(*, given: bool = True) -> onnx.ModelProto:
    """A softmax in a branch: which one is taken depends on the picture, as far as the graph shows."""

    def branch(kind: str) -> onnx.GraphProto:
        out = helper.make_tensor_value_info(f"{kind}y", FLOAT, None)
        return helper.make_graph([helper.make_node(kind, ["scores"], [f"{kind}y"])], kind, [], [out])

    graph = started()
    graph.add("ReduceMax", ["relu"], "most", keepdims=0)
    graph.add("Less", ["most", graph.constant("bound", np.float32(-1 if given else 1e9))], "low")
    kinds = ("Identity", "Softmax") if given else ("Identity", "Sigmoid")
    graph.add("If", ["low"], "y", then_branch=branch(kinds[0]), else_branch=branch(kinds[1]))
    return graph.model([("y", FLOAT, ("N", CLASSES))])


def test_rows_that_sum_to_one_are_probabilities(tmp_path: Path) -> None:
    model = hidden_softmax()
    bundle = opened(tmp_path, model)
    assert bundle.metadata.output == "logits"
    assert admission.trial(bundle.path) == Found(probabilities="y")
    admission.admit(bundle.path)
    bundle = read(bundle.path)
    assert bundle.metadata.output == "probabilities"
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - theirs(model, x, "y")).max() < CLOSE


def test_a_second_trial_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = opened(tmp_path, hidden_softmax()).path
    admission.admit(path)
    monkeypatch.setattr(admission, "__version__", "another")  # a new version of the app tries all files again
    admission.admit(path)
    assert read(path).metadata.output == "probabilities"
    assert admission.trial(path) == Found(probabilities="y")


@pytest.mark.parametrize("lost", ["{}", "damaged", None])
def test_a_file_whose_findings_are_lost_is_tried_again(lost: str | None, tmp_path: Path) -> None:
    path = opened(tmp_path, hidden_softmax()).path
    admission.admit(path)
    kept = paths.cache_folder() / "tried.json"
    if lost is None:
        kept.unlink()
    else:
        kept.write_text(lost, "utf-8")
    assert read(path).metadata.output == "logits"
    admission.admit(path)
    assert read(path).metadata.output == "probabilities"


def test_what_was_found_of_one_output_says_nothing_of_another(tmp_path: Path) -> None:
    model = hidden_softmax()
    model.graph.output.append(helper.make_tensor_value_info("scores", FLOAT, ["N", CLASSES]))
    bundle = opened(tmp_path, model, Chosen(output_name="y"))
    tried.remember(bundle.file_sha256, bundle.size, Found(probabilities="y"))
    assert read(bundle.path, Chosen(output_name="y")).metadata.output == "probabilities"
    other = read(bundle.path, Chosen(output_name="scores"))
    assert other.metadata.output == "logits"
    x = pictures(other)
    assert np.abs(app(other, x) - softmax(theirs(model, x, "scores"))).max() < CLOSE


def test_an_installed_copy_knows_it_too(tmp_path: Path) -> None:
    path = opened(tmp_path, hidden_softmax()).path
    entry = Library().install(path, known=ModelHints(("ant", "bee", "crane", "wasp")), copy=admission.copy)
    assert read(entry.path).metadata.output == "probabilities"
    (paths.cache_folder() / "tried.json").unlink()
    assert read(entry.path).metadata.output == "logits"
    (paths.cache_folder() / "admitted.json").unlink()
    admission.admit(entry.path)  # tried again, it is found again
    assert read(entry.path).metadata.output == "probabilities"


def test_rows_that_do_not_are_logits(tmp_path: Path) -> None:
    assert admission.trial(opened(tmp_path, hidden_softmax(given=False)).path) == Found()


def with_token() -> onnx.ModelProto:
    """A class token that is not repeated for every picture, in a shape that no inference sees through."""
    graph = started()
    graph.add("Reshape", ["features", graph.constant("form", np.array([-1, 1, 6], np.int64))], "tokens")
    graph.constant("token", np.ones((1, 1, 6), np.float32))
    graph.add("Concat", ["token", "tokens"], "both", axis=1)
    graph.add("ReduceMean", ["both"], "mean", axes=[1], keepdims=0)
    graph.add("Gemm", ["mean", "w", "b"], "y", transB=1)
    return graph.model([("y", FLOAT, ("N", CLASSES))])


def test_a_batch_of_one_inside(tmp_path: Path) -> None:
    """It fails on two pictures: they run one by one, and the trial remembers that."""
    model = with_token()
    bundle = opened(tmp_path, model)
    x = pictures(bundle, 4)
    assert np.abs(app(bundle, x) - softmax(theirs(model, x, "y"))).max() < CLOSE
    admission.admit(bundle.path)
    assert read(bundle.path).batch == 1


def over_the_batch() -> onnx.ModelProto:
    """As a batch norm that was exported while it trained: each answer depends on the pictures beside it."""
    graph = started()
    graph.add("ReduceMean", ["features"], "mean", axes=[0], keepdims=1)
    graph.add("Sub", ["features", "mean"], "rest")
    graph.add("Mul", ["rest", graph.constant("much", np.float32(5))], "strong")
    graph.add("Gemm", ["strong", "w", "b"], "y", transB=1)
    return graph.model([("y", FLOAT, ("N", CLASSES))])


def test_answers_that_depend_on_the_pictures_beside(tmp_path: Path) -> None:
    model = over_the_batch()
    bundle = opened(tmp_path, model)
    assert admission.trial(bundle.path) == Found(batch=1)
    admission.admit(bundle.path)
    bundle = read(bundle.path)
    assert bundle.batch == 1
    assert "batch_1" in [note.code for note in bundle.notes]
    x = pictures(bundle, 3)
    assert np.abs(app(bundle, x) - softmax(theirs(model, x, "y"))).max() < CLOSE


def test_what_is_remembered_belongs_to_the_file(tmp_path: Path) -> None:
    data = b"some bytes"
    assert tried.recall(data) == Found()
    tried.remember(hashlib.sha256(data).hexdigest(), len(data), Found(batch=1))
    assert tried.recall(data) == Found(batch=1)
    assert tried.recall(b"same bytes") == Found()
    for text in ("", "[]", '{"format": 2}', '{"format": 1, "models": 5}'):
        (paths.cache_folder() / "tried.json").write_text(text)
        assert tried.recall(data) == Found()


def test_a_model_that_passes_has_nothing_to_remember(tmp_path: Path) -> None:
    model = started().model([("scores", FLOAT, ("N", CLASSES))])
    assert admission.trial(opened(tmp_path, model).path) == Found()
    assert not (paths.cache_folder() / "tried.json").exists()


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.FLOAT16])
def test_the_trial_runs_what_is_adapted(tmp_path: Path, kind: int) -> None:
    graph = Graph()
    graph.add("Cast", ["x"], "real", to=FLOAT)
    graph.add("Transpose", ["real"], "front", perm=[0, 3, 1, 2])
    graph.body("front")
    graph.add("Sigmoid", ["scores"], "y")
    model = graph.model([("y", FLOAT, ("N", CLASSES))], shape=("N", 16, 16, 3), dtype=kind)
    bundle = opened(tmp_path, model)
    assert admission.trial(bundle.path) == Found()
    assert Classifier(bundle, provider="cpu").session.fixed_batch is None


def in_doubles() -> onnx.ModelProto:
    """A graph that ends in float64: ONNX Runtime 1.31 merges the Relu with the Clip behind it, and then cannot load."""
    graph = started()
    graph.add("Cast", ["scores"], "double", to=TensorProto.DOUBLE)
    graph.add("Relu", ["double"], "positive")
    bounds = [graph.constant("low", np.float64(0)), graph.constant("high", np.float64(6))]
    graph.add("Clip", ["positive", *bounds], "y")
    return graph.model([("y", TensorProto.DOUBLE, ("N", CLASSES))])


def test_a_lower_level_of_optimization(tmp_path: Path) -> None:
    model = in_doubles()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail):
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    bundle = opened(tmp_path, model)
    assert admission.trial(bundle.path) == Found()
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - softmax(plain.run(["y"], {"x": x})[0])).max() < CLOSE

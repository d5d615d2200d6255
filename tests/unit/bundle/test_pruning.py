"""Parts of other people's graphs that cannot run and that the chosen output does not need are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from resnet_desktop.bundle.file.bundle import Chosen, read, serialized
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.file.summary import summarize
from resnet_desktop.bundle.library.importing import ModelHints, copy_model
from resnet_desktop.core.errors import ModelError

from .elsewhere import CLASSES, FLOAT, Graph, app, opened, pictures, softmax, started, theirs

CLOSE = 1e-5
OWN = [("made.up", 1)]
SCORES = ("scores", FLOAT, ("N", CLASSES))


def own_operator(graph: Graph) -> str:
    return graph.add("Wish", ["relu"], "wishes", domain="made.up")


def no_operator(graph: Graph) -> str:
    return graph.add("Erfc", ["relu"], "wishes")


def within_a_branch(graph: Graph) -> str:
    inner = helper.make_graph([helper.make_node("Wish", ["relu"], ["w"], domain="made.up")], "inner", [], [])
    inner.output.append(helper.make_tensor_value_info("w", FLOAT, None))
    graph.constant("yes", np.array(True))
    return graph.add("If", ["yes"], "wishes", then_branch=inner, else_branch=inner)


def misfit(graph: Graph) -> str:
    graph.constant("nine", np.ones((9, 9), np.float32))
    return graph.add("MatMul", ["features", "nine"], "wishes")


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("branch", [own_operator, no_operator, within_a_branch, misfit])
def test_an_output_that_cannot_be_computed_does_not_hinder_another(tmp_path: Path, branch: object, first: bool) -> None:
    graph = started()
    name = branch(graph)  # type: ignore[operator]
    outputs = [(name, FLOAT, ("N", 6, 7, 7)), SCORES]
    model = graph.model(outputs if first else outputs[::-1], domains=OWN)
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    plain = started().model([SCORES])
    assert np.abs(app(bundle, x) - softmax(theirs(plain, x, "scores"))).max() < CLOSE
    assert [layer.name for layer in layers(bundle)] == ["relu"]
    assert bundle.plan.outputs == tuple(name for name, *_ in (outputs if first else outputs[::-1]))
    copied = copy_model(bundle.path, tmp_path / "copy.onnx", ModelHints(labels=("a", "b", "c", "d")))
    assert copied.metadata.output_name == ("scores" if first else None)
    assert np.abs(app(read(copied.path), x) - app(bundle, x)).max() < CLOSE


def test_what_no_output_needs_does_not_hinder(tmp_path: Path) -> None:
    graph = started()
    graph.constant("large", np.ones((2000, 3), np.float32))
    graph.add("Wish", ["scores", "large"], "wishes", domain="made.up")
    model = graph.model([SCORES], domains=OWN)
    model.graph.input.append(helper.make_tensor_value_info("keep_prob", FLOAT, []))
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - softmax(theirs(started().model([SCORES]), x, "scores"))).max() < CLOSE
    kept = onnx.load_from_string(serialized(bundle, ["relu"]))
    assert {tensor.name for tensor in kept.graph.initializer} == {"cw", "w", "b"}
    assert [value.name for value in kept.graph.input] == ["x"]
    assert [row.name for row in summarize(bundle).rows] == ["conv", "scores"]


def test_an_input_that_only_another_output_needs_is_left_out(tmp_path: Path) -> None:
    """A loss takes the right classes besides; scores do without."""
    graph = started()
    graph.add("SoftmaxCrossEntropyLoss", ["scores", "right"], "loss")
    model = graph.model([("loss", FLOAT, ()), SCORES])
    model.graph.input.append(helper.make_tensor_value_info("right", TensorProto.INT64, ["N"]))
    assert opened(tmp_path, model).classes == CLASSES
    with pytest.raises(ModelError, match="has 2: x, right"):
        opened(tmp_path, model, Chosen(output_name="loss"))


def test_what_lies_before_an_operator_of_somebodys_own_can_be_chosen(tmp_path: Path) -> None:
    graph = started()
    graph.add("Decode", ["scores"], "boxes", domain="made.up")
    model = graph.model([("boxes", FLOAT, ("N", 7))], domains=OWN)
    with pytest.raises(ModelError, match=r"'Decode' of 'made\.up'") as caught:
        opened(tmp_path, model)
    assert caught.value.hint is not None
    assert "--output-name: 'scores'" in caught.value.hint
    bundle = opened(tmp_path, model, Chosen(output_name="scores"))
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - softmax(theirs(started().model([SCORES]), x, "scores"))).max() < CLOSE


def test_nothing_is_left_out_of_what_is_whole(tmp_path: Path) -> None:
    assert not opened(tmp_path, started().model([SCORES])).rewritten

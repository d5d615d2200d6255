"""Endings of other people's graphs: which output is taken, and that its numbers become the right probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from resnet_desktop.bundle.file.bundle import Bundle, Chosen
from resnet_desktop.core.errors import ModelError

from .elsewhere import CLASSES, FLOAT, Graph, app, codes, opened, pictures, sigmoid, softmax, started, theirs

CLOSE = 1e-5


def written_out(graph: Graph) -> str:
    graph.add("ReduceMax", ["scores"], "most", axes=[1], keepdims=1)
    graph.add("Sub", ["scores", "most"], "less")
    graph.add("Exp", ["less"], "raised")
    graph.constant("axis", np.array([1], np.int64))
    graph.add("ReduceSum", ["raised", "axis"], "total", keepdims=1)
    return graph.add("Div", ["raised", "total"], "y")


def clipped(graph: Graph) -> str:
    graph.add("Softmax", ["scores"], "p", axis=1)
    return graph.add("Clip", ["p", graph.constant("low", np.float32(1e-7)), graph.constant("high", np.float32(1))], "y")


def averaged(graph: Graph) -> str:
    graph.constant("w2", graph.weights["w"][::-1].copy())
    graph.add("Gemm", ["features", "w2", "b"], "others", transB=1)
    graph.add("Softmax", ["scores"], "p", axis=1)
    graph.add("Softmax", ["others"], "q", axis=1)
    graph.add("Add", ["p", "q"], "both")
    return graph.add("Mul", ["both", graph.constant("half", np.float32(0.5))], "y")


def in_percent(graph: Graph) -> str:
    graph.add("Softmax", ["scores"], "p", axis=1)
    return graph.add("Mul", ["p", graph.constant("hundred", np.float32(100))], "y")


def two_columns(graph: Graph) -> str:
    graph.constant("w1", graph.weights["w"][:1].copy())
    graph.add("Gemm", ["features", "w1"], "one", transB=1)
    graph.add("Sigmoid", ["one"], "yes")
    graph.add("Sub", [graph.constant("unit", np.float32(1)), "yes"], "no")
    return graph.add("Concat", ["no", "yes"], "y", axis=1)


def normalized(graph: Graph) -> str:
    graph.add("Relu", ["scores"], "positive")
    graph.add("Add", ["positive", graph.constant("bit", np.float32(0.01))], "some")
    graph.add("ReduceL1", ["some"], "total", axes=[1], keepdims=1)
    return graph.add("Div", ["some", "total"], "y")


@pytest.mark.parametrize("end", [written_out, clipped, averaged, in_percent, two_columns, normalized])
def test_probabilities_get_no_second_softmax(tmp_path: Path, end: Callable[[Graph], str]) -> None:
    graph = started()
    model = graph.model([(end(graph), FLOAT, ("N", None))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    right = theirs(model, x, "y")
    right /= right.sum(axis=1, keepdims=True)
    assert bundle.metadata.output == "probabilities"
    assert np.abs(app(bundle, x) - right).max() < CLOSE
    assert np.ptp(right) > 0.3
    assert codes(bundle.notes) == ["probabilities"]


@pytest.mark.parametrize("opset", [11, 17])
def test_a_softmax_over_any_form_of_a_row(tmp_path: Path, opset: int) -> None:
    """``[n, 1, 1, classes]`` as Keras' converters leave it, its softmax over the last axis."""
    graph = started()
    graph.add("Reshape", ["scores", graph.constant("form", np.array([-1, 1, 1, CLASSES], np.int64))], "wide")
    graph.add("Softmax", ["wide"], "y", axis=3)
    model = graph.model([("y", FLOAT, ("N", 1, 1, CLASSES))], opset=opset)
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - theirs(model, x, "y")).max() < CLOSE
    assert bundle.classes == CLASSES
    assert codes(bundle.notes) == ["softmax_peeled"]


def test_the_logarithm_of_a_softmax(tmp_path: Path) -> None:
    graph = started()
    model = graph.model([(graph.add("LogSoftmax", ["scores"], "y", axis=1), FLOAT, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - np.exp(theirs(model, x, "y"))).max() < CLOSE


def test_numbers_that_only_look_like_shares_stay_logits(tmp_path: Path) -> None:
    """Scores between 0 and 5 that do not sum to anything: a softmax is due."""
    graph = started()
    low, high = graph.constant("low", np.float32(0)), graph.constant("high", np.float32(5))
    model = graph.model([(graph.add("Clip", ["scores", low, high], "y"), FLOAT, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert bundle.metadata.output == "logits"
    assert np.abs(app(bundle, x) - softmax(theirs(model, x, "y"))).max() < CLOSE


@pytest.mark.parametrize("shape", [("N", 1), ("N",), ("N", 1, 1, 1)])
@pytest.mark.parametrize("rated", [True, False])
def test_one_number_is_two_classes(tmp_path: Path, shape: tuple[object, ...], rated: bool) -> None:
    graph = started(classes=1, sharp=6.0)
    graph.add("Reshape", ["scores", graph.constant("form", np.array([-1, *[1] * (len(shape) - 1)], np.int64))], "z")
    graph.add("Sigmoid" if rated else "Identity", ["z"], "y")
    model = graph.model([("y", FLOAT, shape)])
    bundle = opened(tmp_path, model)
    x = pictures(bundle, 5)
    right = theirs(model, x, "y") if rated else sigmoid(theirs(model, x, "y"))
    assert bundle.classes == 2
    assert np.abs(app(bundle, x) - np.concatenate([1 - right, right], axis=1)).max() < CLOSE
    assert codes(bundle.notes) == ["one_logit" if rated else "logit_assumed"]
    assert codes(bundle.doubts) == ([] if rated else ["logit_assumed"])


def test_one_clipped_probability(tmp_path: Path) -> None:
    graph = started(classes=1, sharp=6.0)
    graph.add("Sigmoid", ["scores"], "p")
    graph.add("Clip", ["p", graph.constant("low", np.float32(1e-6)), graph.constant("high", np.float32(1))], "y")
    model = graph.model([("y", FLOAT, ("N", 1))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle, 5)
    right = theirs(model, x, "y")
    assert np.abs(app(bundle, x) - np.concatenate([1 - right, right], axis=1)).max() < CLOSE


@pytest.mark.parametrize("clip", [False, True])
def test_labels_that_are_rated_by_themselves(tmp_path: Path, clip: bool) -> None:
    graph = started()
    graph.add("Sigmoid", ["scores"], "p")
    bounds = [graph.constant("low", np.float32(1e-6)), graph.constant("high", np.float32(1))]
    graph.add("Clip" if clip else "Identity", ["p", *bounds] if clip else ["p"], "y")
    model = graph.model([("y", FLOAT, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle, 5)
    right = theirs(model, x, "y")
    assert bundle.metadata.output == "ratings"
    assert np.abs(app(bundle, x) - right).max() < CLOSE
    assert np.abs(right.sum(axis=1) - 1).max() > 0.1
    assert codes(bundle.notes) == ["independent_labels"]


def two_outputs(first: str, second: str) -> Graph:
    graph = started()
    graph.add("Identity", ["features"], first)
    graph.add("Identity", ["scores"], second)
    return graph


def test_features_before_logits_are_not_taken(tmp_path: Path) -> None:
    model = two_outputs("output_0", "output_1").model(
        [("output_0", FLOAT, ("N", 6)), ("output_1", FLOAT, ("N", CLASSES))]
    )
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert bundle.classes == CLASSES
    assert np.abs(app(bundle, x) - softmax(theirs(model, x, "output_1"))).max() < CLOSE
    assert codes(bundle.doubts) == []


def test_the_output_with_as_many_numbers_as_names(tmp_path: Path) -> None:
    graph = started()
    graph.constant("w2", np.ones((2, 6), np.float32))
    graph.add("Gemm", ["features", "w2"], "age", transB=1)
    graph.add("Identity", ["scores"], "kind")
    model = graph.model([("age", FLOAT, ("N", 2)), ("kind", FLOAT, ("N", CLASSES))])
    assert opened(tmp_path, model).classes == 2
    assert codes(opened(tmp_path, model).doubts) == ["output_assumed"]
    assert "'kind'" in opened(tmp_path, model).doubts[0].message
    assert opened(tmp_path, model, Chosen(classes=CLASSES)).classes == CLASSES
    chosen = opened(tmp_path, model, Chosen(output_name="kind"))
    x = pictures(chosen)
    assert np.abs(app(chosen, x) - softmax(theirs(model, x, "kind"))).max() < CLOSE
    assert codes(chosen.doubts) == []
    model.metadata_props.add(key="names", value='["a", "b", "c", "d"]')
    assert opened(tmp_path, model).metadata.categories == ("a", "b", "c", "d")


def test_an_output_of_another_name_is_refused_with_those_there_are(tmp_path: Path) -> None:
    model = two_outputs("one", "two").model([("one", FLOAT, ("N", 6)), ("two", FLOAT, ("N", CLASSES))])
    with pytest.raises(ModelError) as caught:
        opened(tmp_path, model, Chosen(output_name="three"))
    assert "'three'" in caught.value.message
    assert caught.value.hint == "Its outputs are 'one', 'two'."
    with pytest.raises(ModelError, match=r"'relu' is FLOAT .*not a row of numbers"):
        opened(tmp_path, model, Chosen(output_name="relu"))
    inside = opened(tmp_path, model, Chosen(output_name="features"))
    assert inside.classes == 6


def labelled(names: list[str]) -> Graph:
    """As skl2onnx ends a classifier: a label of whole numbers, and the probabilities as a list of maps."""
    graph = started()
    graph.add("Softmax", ["scores"], "p", axis=1)
    graph.add("ArgMax", ["p"], "label", axis=1, keepdims=0)
    graph.add("ZipMap", ["p"], "maps", domain="ai.onnx.ml", classlabels_strings=names)
    return graph


def test_a_label_beside_a_list_of_maps(tmp_path: Path) -> None:
    names = ["ant", "bee", "crane", "wasp"]
    model = labelled(names).model([("label", TensorProto.INT64, ("N",))], domains=[("ai.onnx.ml", 2)])
    share = helper.make_tensor_type_proto(FLOAT, [])
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(TensorProto.STRING, share))
    model.graph.output.append(helper.make_value_info("maps", maps))
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert bundle.metadata.categories == tuple(names)
    assert bundle.named
    plain = labelled(names).model([("p", FLOAT, ("N", CLASSES))], domains=[("ai.onnx.ml", 2)])
    assert np.abs(app(bundle, x) - theirs(plain, x, "p")).max() < CLOSE


def test_a_label_beside_probabilities(tmp_path: Path) -> None:
    model = labelled(["a", "b", "c", "d"]).model(
        [("label", TensorProto.INT64, ("N",)), ("p", FLOAT, ("N", CLASSES))], domains=[("ai.onnx.ml", 2)]
    )
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - theirs(model, x, "p")).max() < CLOSE


def test_a_label_alone_names_what_lies_behind_it(tmp_path: Path) -> None:
    graph = started()
    graph.add("ArgMax", ["scores"], "label", axis=1, keepdims=0)
    model = graph.model([("label", TensorProto.INT64, ("N",))])
    with pytest.raises(ModelError) as caught:
        opened(tmp_path, model)
    assert "INT64" in caught.value.message
    assert caught.value.hint is not None
    assert "'scores'" in caught.value.hint
    assert opened(tmp_path, model, Chosen(output_name="scores")).classes == CLASSES


def one_row(tmp_path: Path, shape: tuple[object, ...], form: list[int]) -> tuple[Bundle, object]:
    graph = started()
    graph.add("Reshape", ["scores", graph.constant("form", np.array(form, np.int64))], "y")
    model = graph.model([("y", FLOAT, shape)])
    return opened(tmp_path, model), model


@pytest.mark.parametrize(("shape", "form"), [((CLASSES,), [CLASSES]), ((1, CLASSES), [1, CLASSES])])
def test_a_row_without_a_batch(tmp_path: Path, shape: tuple[object, ...], form: list[int]) -> None:
    """The input says any number of pictures, the end takes one: they run one by one."""
    bundle, model = one_row(tmp_path, shape, form)
    x = pictures(bundle, 4)
    assert bundle.batch == 1
    assert np.abs(app(bundle, x) - softmax(theirs(model, x, "y"))).max() < CLOSE  # type: ignore[arg-type]
    assert "batch_1" in codes(bundle.notes)


def test_what_is_always_one_tells_no_classes_apart(tmp_path: Path) -> None:
    graph = started(classes=1)
    model = graph.model([(graph.add("Softmax", ["scores"], "y", axis=1), FLOAT, ("N", 1))])
    with pytest.raises(ModelError, match="always 1"):
        opened(tmp_path, model)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_other_floats(tmp_path: Path, kind: int) -> None:
    graph = started()
    graph.add("Softmax", ["scores"], "p", axis=1)
    graph.add("Cast", ["p"], "y", to=kind)
    model = graph.model([("y", kind, ("N", CLASSES))])
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - theirs(model, x, "y")).max() < 1e-3

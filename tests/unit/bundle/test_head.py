"""The last linear layer is found in many guises; the graph in front of it gives what it reads, and takes a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.builders.efficientnet import build_efficientnet_lite
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import Bundle, read, write
from resnet_desktop.bundle.graph.head import FEATURES, features_model, find_head, logits_graph, with_head
from resnet_desktop.core.errors import ModelError
from tests.efficientnets import random_lite

from .making import LABELS, SIDE, TINY, foreign_model, images, metadata, random_arrays, run, save, tiny_bundle
from .test_features import CHANNELS, CLASSES, FLATTEN, FOUND, GEMM, POOL, WEIGHTS, Step, classifier

NEW = 3
_RNG = np.random.default_rng(8)


def new_head(width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(width)
    return rng.standard_normal((NEW, width)).astype(np.float32), rng.standard_normal(NEW).astype(np.float32)


def check(model: onnx.ModelProto, side: int, tmp_path: Path, atol: float = 1e-4) -> Bundle:
    """Features of the cut graph, weighed by a new head, are what the graph with that head gives."""
    head = find_head(model)
    x = images(2, side)
    (features,) = run(features_model(model).SerializeToString(), x)
    assert features.shape == (2, head.width)
    assert features.dtype == np.float32
    weight, bias = new_head(head.width)
    made = with_head(model, weight, bias)
    (logits,) = run(made.SerializeToString(), x)
    np.testing.assert_allclose(logits, features @ weight.T + bias, rtol=1e-3, atol=atol * head.width)
    onnx.checker.check_model(made, full_check=True)
    given = {"categories": LABELS[:NEW], "transforms": metadata().transforms}
    given["transforms"] = type(metadata().transforms)(resize=side, crop=side)
    bundle = write(tmp_path / "new.onnx", made, metadata(arch=None, **given))
    assert (bundle.input_name, bundle.output_name, bundle.classes) == ("input", "logits", NEW)
    return bundle


@pytest.mark.parametrize("name", FOUND)
def test_in_foreign_networks(tmp_path: Path, name: str) -> None:
    steps, opset = FOUND[name]
    bundle = read(save(tmp_path / "m.onnx", classifier(steps, opset)))
    model = logits_graph(bundle)
    head = find_head(model)
    assert (head.width, head.classes) == (CHANNELS, CLASSES)
    made = check(model, 16, tmp_path, 1e-3 if head.half else 1e-4)
    assert made.features is not None
    assert made.features.name == "activations"
    assert {n.op_type for n in made.view.nodes[:2]} <= {"Conv", "Relu"}
    assert made.batch is None


@pytest.mark.parametrize("name", FOUND)
def test_the_old_head_put_back_changes_nothing(tmp_path: Path, name: str) -> None:
    steps, opset = FOUND[name]
    bundle = read(save(tmp_path / "m.onnx", classifier(steps, opset)))
    assert bundle.features is not None
    model, x = logits_graph(bundle), images(3, 16)
    (before,) = run(model.SerializeToString(), x)
    (after,) = run(with_head(model, bundle.features.fc_weight, bundle.features.fc_bias).SerializeToString(), x)
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5)


RELU: Step = ("Relu", (), {})
CELL: Step = ("Conv", ("w1", "b"), {})
OTHER: dict[str, tuple[list[Step], int]] = {
    "averaged behind the convolution": ([CELL, POOL, FLATTEN], CHANNELS),
    "averaged behind convolution and ReLU": ([CELL, RELU, POOL, FLATTEN], CHANNELS),
    "a hidden layer": ([POOL, FLATTEN, ("MatMul", ("hw",), {}), RELU, GEMM], CHANNELS),
    "largest instead of average": ([("GlobalMaxPool", (), {}), FLATTEN, GEMM], CHANNELS),
    "a scale behind": ([POOL, FLATTEN, GEMM, ("Mul", ("half",), {})], CHANNELS),
    "logarithms of probabilities": ([POOL, FLATTEN, GEMM, ("LogSoftmax", (), {"axis": 1})], CHANNELS),
    "a convolution that sees all": ([("Conv", ("w7", "b"), {}), FLATTEN], CHANNELS * 49),
}


@pytest.mark.parametrize("name", OTHER)
def test_other_ends(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    w7 = _RNG.standard_normal((CLASSES, CHANNELS, 7, 7)).astype(np.float32)
    monkeypatch.setitem(WEIGHTS, "w7", w7)
    monkeypatch.setitem(WEIGHTS, "half", np.array(0.5, np.float32))
    steps, width = OTHER[name]
    model = classifier(steps, 17)
    assert find_head(model).width == width
    check(model, 16, tmp_path)


NOT_LINEAR: dict[str, list[Step]] = {
    "Relu": [POOL, FLATTEN, GEMM, RELU],
    "Tanh": [POOL, FLATTEN, GEMM, ("Tanh", (), {})],
    "Conv": [("Conv", ("k3", "b"), {}), ("GlobalMaxPool", (), {}), FLATTEN],
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_not_linear(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WEIGHTS, "k3", _RNG.standard_normal((CLASSES, CHANNELS, 3, 3)).astype(np.float32))
    with pytest.raises(ModelError, match="not a linear layer") as told:
        find_head(classifier(NOT_LINEAR[name], 17))
    assert told.value.code == "unsupported_model"
    assert told.value.hint is not None


def test_a_bundle_keeps_its_names(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny.onnx")
    model = logits_graph(bundle)
    made = with_head(model, *new_head(TINY.features))
    assert [n.name for n in made.graph.node] == [n.name for n in model.graph.node]
    kept = {t.name: t for t in made.graph.initializer}
    assert set(kept) == {t.name for t in model.graph.initializer}
    assert kept["fc.weight"].data_type == TensorProto.FLOAT16
    assert kept["fc.bias"].data_type == TensorProto.FLOAT
    found = write(tmp_path / "new.onnx", made, metadata(categories=LABELS[:NEW]))
    assert found.features is not None
    assert found.features.layer == "layer2.0"


def test_a_hidden_head_of_ours_goes_as_a_whole(tmp_path: Path) -> None:
    model = logits_graph(tiny_bundle(tmp_path / "tiny.onnx", hidden=(6,)))
    assert find_head(model).source == "avgpool"
    made = with_head(model, *new_head(TINY.features))
    assert not any(t.name.startswith("head.") for t in made.graph.initializer)
    assert write(tmp_path / "new.onnx", made, metadata(categories=LABELS[:NEW])).features is not None


def test_values_too_large_for_float16_stay_float32(tmp_path: Path) -> None:
    model = logits_graph(tiny_bundle(tmp_path / "tiny.onnx"))
    weight, bias = new_head(TINY.features)
    weight[0, 0] = 1e6
    kept = {t.name: t for t in with_head(model, weight, bias).graph.initializer}
    assert kept["fc.weight"].data_type == TensorProto.FLOAT


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    model = logits_graph(tiny_bundle(tmp_path / "tiny.onnx"))
    weight, bias = new_head(TINY.features)
    bias[1] = np.nan
    with pytest.raises(ModelError, match="not finite"):
        with_head(model, weight, bias)


def test_efficientnet(tmp_path: Path) -> None:
    model = build_efficientnet_lite("efficientnet-lite0", random_lite(), side=32)
    made = check(model, 32, tmp_path)
    assert made.features is not None


def test_old_initializers_that_are_inputs_too_go_with_the_head(tmp_path: Path) -> None:
    model = build_resnet(TINY, random_arrays(TINY, len(LABELS)), height=SIDE, width=SIDE, storage="float32")
    for tensor in model.graph.initializer:
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        model.graph.input.append(value)
    found = with_head(model, *new_head(TINY.features))
    weights = {t.name for t in found.graph.initializer}
    assert [i.name for i in found.graph.input if i.name not in weights] == ["input"]
    run(found.SerializeToString(), images(1, SIDE))


def whole(name: str, array: NDArray[Any]) -> onnx.TensorProto:
    return numpy_helper.from_array(array, name)


def quantized(kind: str) -> onnx.ModelProto:
    """Convolution, ReLU, averaging, and a head of whole numbers as quantizers write it."""
    q8 = _RNG.integers(-100, 100, (CHANNELS, CLASSES)).astype(np.int8)
    weights: dict[str, NDArray[Any]] = {
        "cw": WEIGHTS["cw"],
        "cb": WEIGHTS["cb"],
        "q": q8,
        "qt": np.ascontiguousarray(q8.T),
        "s": np.array(0.02, np.float32),
        "z": np.array(0, np.int8),
        "xs": np.array(0.05, np.float32),
        "xz": np.array(3, np.uint8),
        "ys": np.array(0.1, np.float32),
        "b": WEIGHTS["b"],
        "qb": _RNG.integers(-50, 50, CLASSES).astype(np.int32),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "cw", "cb"], ["conv"], strides=[2, 2]),
        node("Relu", ["conv"], ["activations"]),
        node("GlobalAveragePool", ["activations"], ["pool"]),
    ]
    flat = node("Flatten", ["pool"], ["flat"])
    quantize = node("QuantizeLinear", ["flat", "xs", "xz"], ["fq"])
    match kind:
        case "QDQ":
            nodes += [flat, quantize, node("DequantizeLinear", ["fq", "xs", "xz"], ["fd"])]
            nodes += [node("DequantizeLinear", ["qt", "s", "z"], ["w"])]
            nodes += [node("Gemm", ["fd", "w", "b"], ["g"], transB=1)]
            nodes += [node("QuantizeLinear", ["g", "ys", "xz"], ["gq"])]
            nodes += [node("DequantizeLinear", ["gq", "ys", "xz"], ["y"])]
        case "QOperator":
            nodes += [node("QuantizeLinear", ["pool", "xs", "xz"], ["pq"]), node("Flatten", ["pq"], ["fq"])]
            inputs = ["fq", "xs", "xz", "q", "s", "z", "qb", "ys", "xz"]
            nodes += [node("QGemm", inputs, ["gq"], domain="com.microsoft")]
            nodes += [node("DequantizeLinear", ["gq", "ys", "xz"], ["y"])]
        case "QLinearMatMul, nothing but whole numbers before":
            nodes += [node("QuantizeLinear", ["activations", "xs", "xz"], ["aq"])]
            pooling = ["aq", "xs", "xz", "xs", "xz"]
            nodes += [node("QLinearGlobalAveragePool", pooling, ["pq"], domain="com.microsoft", channels_last=0)]
            nodes += [node("Flatten", ["pq"], ["fq"])]
            nodes += [node("QLinearMatMul", ["fq", "xs", "xz", "q", "s", "z", "ys", "xz"], ["gq"])]
            nodes += [node("DequantizeLinear", ["gq", "ys", "xz"], ["y"])]
        case _:
            nodes += [flat, node("DynamicQuantizeLinear", ["flat"], ["fq", "fs", "fz"])]
            nodes += [node("MatMulInteger", ["fq", "q", "fz", "z"], ["i"]), node("Cast", ["i"], ["f"], to=1)]
            nodes += [node("Mul", ["fs", "s"], ["both"]), node("Mul", ["f", "both"], ["m"])]
            nodes += [node("Add", ["m", "b"], ["y"])]
    used = {name for n in nodes for name in n.input}
    model = foreign_model(nodes, {k: v for k, v in weights.items() if k in used})
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


KINDS = ("QDQ", "QOperator", "QLinearMatMul, nothing but whole numbers before", "dynamic")


@pytest.mark.parametrize("kind", KINDS)
def test_a_quantized_head(tmp_path: Path, kind: str) -> None:
    model = quantized(kind)
    head = find_head(model)
    assert (head.width, head.classes, head.weight) == (CHANNELS, CLASSES, "")
    assert bool(head.quantized) == ("whole numbers" in kind)
    (features,) = run(features_model(model).SerializeToString(), images(2, 16))
    assert features.dtype == np.float32
    made = check(model, 16, tmp_path)
    assert not any(n.op_type in ("QGemm", "MatMulInteger", "DynamicQuantizeLinear") for n in made.view.nodes)


def fixed(count: int, first: int) -> onnx.ModelProto:
    """A network for exactly ``count`` pictures, one of whose Reshapes asks for ``first`` rows."""
    shape = np.array([first, CHANNELS], np.int64)
    nodes = [
        helper.make_node("Conv", ["x", "cw", "cb"], ["conv"], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["conv"], ["pool"]),
        helper.make_node("Reshape", ["pool", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["y"], transB=1),
    ]
    weights = {k: WEIGHTS[k] for k in ("cw", "cb", "w", "b")} | {"shape": shape}
    return foreign_model(nodes, weights, shape=(count, 3, 16, 16), output=(count, CLASSES))


def test_a_fixed_number_of_pictures_becomes_free(tmp_path: Path) -> None:
    model = fixed(1, 1)
    made = with_head(model, *new_head(CHANNELS))
    x = images(2, 16)
    (both,) = run(made.SerializeToString(), x)
    singly = [run(made.SerializeToString(), x[i : i + 1])[0] for i in range(2)]
    np.testing.assert_allclose(both, np.concatenate(singly), rtol=1e-5, atol=1e-6)
    given = metadata(arch=None, categories=LABELS[:NEW], transforms=type(metadata().transforms)(resize=16, crop=16))
    assert write(tmp_path / "new.onnx", made, given).batch is None


def test_a_number_that_a_layer_needs_stays() -> None:
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Concat", ["flat", "rows"], ["wide"], axis=1),
        helper.make_node("MatMul", ["wide", "w"], ["y"]),
    ]
    weights = {"rows": np.zeros((2, 1), np.float32), "w": np.ones((3 * 256 + 1, CLASSES), np.float32)}
    model = foreign_model(nodes, weights, shape=(2, 3, 16, 16), output=(2, CLASSES))
    made = with_head(model, *new_head(3 * 256 + 1))
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2
    assert made.graph.output[0].type.tensor_type.shape.dim[0].dim_value == 2
    assert run(made.SerializeToString(), images(2, 16))[0].shape == (2, NEW)


def test_the_given_model_is_not_changed(tmp_path: Path) -> None:
    model = classifier([POOL, FLATTEN, GEMM], 17)
    before = model.SerializeToString()
    features_model(model)
    with_head(model, *new_head(CHANNELS))
    assert model.SerializeToString() == before
    assert features_model(model).graph.output[0].name == FEATURES

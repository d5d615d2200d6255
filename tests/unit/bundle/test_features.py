"""The closed form: activations, pooling and one linear layer are found in many guises, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from resnet_desktop.bundle.file.bundle import Bundle, read, serialized

from .making import LABELS, SIDE, TINY, foreign_model, images, plain_classifier, run, save, tiny_bundle

CHANNELS, CLASSES = 6, 4
_RNG = np.random.default_rng(4)
WEIGHTS: dict[str, NDArray[Any]] = {
    "cw": _RNG.standard_normal((CHANNELS, 3, 3, 3)).astype(np.float32),
    "cb": _RNG.standard_normal(CHANNELS).astype(np.float32),
    "w": _RNG.standard_normal((CLASSES, CHANNELS)).astype(np.float32),
    "wt": _RNG.standard_normal((CHANNELS, CLASSES)).astype(np.float32),
    "wh": _RNG.standard_normal((CLASSES, CHANNELS)).astype(np.float16),
    "w1": _RNG.standard_normal((CLASSES, CHANNELS, 1, 1)).astype(np.float32),
    "b": _RNG.standard_normal(CLASSES).astype(np.float32),
    "b2": _RNG.standard_normal((1, CLASSES)).astype(np.float32),
    "flat_shape": np.array([-1, CHANNELS], np.int64),
    "cells_shape": np.array([0, CHANNELS, -1], np.int64),
    "axes": np.array([-1, -2], np.int64),
    "last": np.array([2], np.int64),
    "hw": _RNG.standard_normal((CHANNELS, CHANNELS)).astype(np.float32),
}

Step = tuple[str, Sequence[str], dict[str, Any]]
POOL: Step = ("GlobalAveragePool", (), {})
FLATTEN: Step = ("Flatten", (), {})
GEMM: Step = ("Gemm", ("w", "b"), {"transB": 1})

FOUND: dict[str, tuple[list[Step], int]] = {
    "flatten, transposed gemm": ([POOL, FLATTEN, GEMM], 17),
    "gemm as it is": ([POOL, FLATTEN, ("Gemm", ("wt", "b2"), {})], 17),
    "gemm without bias, scaled": ([POOL, FLATTEN, ("Gemm", ("wt",), {"alpha": 0.5})], 17),
    "gemm with scaled bias": ([POOL, FLATTEN, ("Gemm", ("w", "b"), {"transB": 1, "alpha": 2.0, "beta": 3.0})], 17),
    "reshape": ([POOL, ("Reshape", ("flat_shape",), {}), GEMM], 17),
    "squeeze and dropout": ([POOL, ("Squeeze", ("axes",), {}), ("Dropout", (), {}), GEMM], 17),
    "mean over both axes": ([("ReduceMean", (), {"axes": [2, 3], "keepdims": 0}), GEMM], 17),
    "mean, axes from behind": ([("ReduceMean", (), {"axes": [-1, -2]}), FLATTEN, GEMM], 13),
    "mean, axes as an input": ([("ReduceMean", ("axes",), {"keepdims": 0}), GEMM], 18),
    "mean over cells in a row": (
        [("Reshape", ("cells_shape",), {}), ("ReduceMean", ("last",), {"keepdims": 0}), GEMM],
        18,
    ),
    "pooling with a window of all": ([("AveragePool", (), {"kernel_shape": [7, 7]}), FLATTEN, GEMM], 17),
    "matmul and add": ([POOL, FLATTEN, ("MatMul", ("wt",), {}), ("Add", ("b",), {})], 17),
    "matmul alone": ([POOL, FLATTEN, ("MatMul", ("wt",), {}), ("Identity", (), {})], 17),
    "pointwise convolution": ([POOL, ("Conv", ("w1", "b"), {}), FLATTEN], 17),
    "softmax": ([POOL, FLATTEN, GEMM, ("Softmax", (), {"axis": -1})], 17),
    "float16 weights": ([POOL, FLATTEN, ("Gemm", ("wh.f32", "b"), {"transB": 1})], 17),
}

ABSENT: dict[str, list[Step]] = {
    "a hidden layer": [POOL, FLATTEN, ("MatMul", ("hw",), {}), ("Relu", (), {}), GEMM],
    "two linear layers": [POOL, FLATTEN, ("MatMul", ("hw",), {}), GEMM],
    "largest instead of average": [("GlobalMaxPool", (), {}), FLATTEN, GEMM],
    "scaled features": [POOL, FLATTEN, ("Mul", ("scale",), {}), GEMM],
    "average of part": [("AveragePool", (), {"kernel_shape": [4, 4], "strides": [4, 4]}), FLATTEN, GEMM],
}


def classifier(steps: Sequence[Step], opset: int, output: tuple[int | str, ...] = ("N", CLASSES)) -> onnx.ModelProto:
    """A convolution (its batch norm folded into it), ReLU, then ``steps`` one behind the other."""
    nodes = [
        helper.make_node("Cast", ["wh"], ["wh.f32"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "cw", "cb"], ["conv"], strides=[2, 2]),
        helper.make_node("Relu", ["conv"], ["activations"]),
    ]
    x = "activations"
    for i, (kind, inputs, attributes) in enumerate(steps):
        y = "y" if i == len(steps) - 1 else f"t{i}"
        nodes.append(helper.make_node(kind, [x, *inputs], [y], **attributes))
        x = y
    weights = WEIGHTS | {"scale": np.full(CHANNELS, 2.0, np.float32)}
    return foreign_model(nodes, weights, output=output, opset=opset)


def check_closed_form(bundle: Bundle, x: NDArray[np.float32]) -> None:
    """The linear layer on averaged activations gives the logits."""
    features = bundle.features
    assert features is not None
    logits, activations = run(serialized(bundle, [features.name]), x, [bundle.output_name, features.name])
    assert activations.shape[1:] == (features.channels, features.height, features.width)
    assert features.fc_weight.dtype == features.fc_bias.dtype == np.float32
    expected = activations.mean(axis=(2, 3)) @ features.fc_weight.T + features.fc_bias
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_in_a_bundle(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "tiny.onnx")
    assert bundle.features is not None
    assert (bundle.features.name, bundle.features.layer) == ("layer2.0", "layer2.0")
    assert bundle.features.fc_weight.shape == (len(LABELS), TINY.features)
    assert not bundle.features.fc_weight.flags.writeable
    check_closed_form(bundle, images(3, SIDE))


def test_not_before_a_hidden_head(tmp_path: Path) -> None:
    assert tiny_bundle(tmp_path / "tiny.onnx", hidden=(6,)).features is None


@pytest.mark.parametrize("name", FOUND)
def test_found_in_foreign_networks(tmp_path: Path, name: str) -> None:
    steps, opset = FOUND[name]
    bundle = read(save(tmp_path / "m.onnx", classifier(steps, opset)))
    assert bundle.features is not None
    assert bundle.features.name == "activations"
    check_closed_form(bundle, images(2, 16))


@pytest.mark.parametrize("name", ABSENT)
def test_absent(tmp_path: Path, name: str) -> None:
    model = classifier(ABSENT[name], 17)
    if name == "average of part":  # one of its cells is not all of the image
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 12
        model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 12
    assert read(save(tmp_path / "m.onnx", model)).features is None


def test_without_pooling(tmp_path: Path) -> None:
    weight = _RNG.standard_normal((3 * 16 * 16, CLASSES)).astype(np.float32)
    nodes = [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["y"])]
    assert read(save(tmp_path / "m.onnx", foreign_model(nodes, {"w": weight}))).features is None


def test_a_final_softmax_is_peeled_off(tmp_path: Path) -> None:
    steps = [POOL, FLATTEN, GEMM]
    x = images(2, 16)
    logits = run(classifier(steps, 17).SerializeToString(), x)[0]
    ends: list[list[Step]] = [[], [FLATTEN], [("Identity", (), {})]]
    for behind in ends:
        model = classifier([*steps, ("Softmax", (), {}), *behind], 17)
        bundle = read(save(tmp_path / "m.onnx", model))
        assert bundle.metadata.output == "probabilities"
        found = run(serialized(bundle), x)
        assert len(found) == 1
        np.testing.assert_allclose(found[0], logits, rtol=1e-5, atol=1e-6)
    assert read(save(tmp_path / "m.onnx", classifier(steps, 17))).metadata.output == "logits"


@pytest.mark.parametrize(
    ("softmax", "opset"), [(None, 17), (("Softmax", (), {}), 9), (("Softmax", (), {"axis": 1}), 17)]
)
@pytest.mark.parametrize("behind", [False, True], ids=["convolution behind the pooling", "pooling last"])
def test_one_cell_for_each_class_is_flattened(
    tmp_path: Path, softmax: Step | None, opset: int, *, behind: bool
) -> None:
    cell: Step = ("Conv", ("w1", "b"), {})
    steps = [cell, POOL] if behind else [POOL, cell]
    x = images(2, 16)
    plain = run(classifier([*steps, FLATTEN], opset).SerializeToString(), x)[0]
    model = classifier([*steps, softmax] if softmax else steps, opset, ("N", CLASSES, 1, 1))
    bundle = read(save(tmp_path / "m.onnx", model))
    assert (bundle.classes, bundle.metadata.output) == (CLASSES, "probabilities" if softmax else "logits")
    (logits,) = run(serialized(bundle), x)
    np.testing.assert_allclose(logits, plain, rtol=1e-5, atol=1e-6)
    assert (bundle.features is None) == behind
    if not behind:
        check_closed_form(bundle, x)


def test_the_layer_has_a_readable_name(tmp_path: Path) -> None:
    bundle = read(save(tmp_path / "m.onnx", plain_classifier()))
    assert bundle.features is not None
    assert bundle.features.layer == "features.1"

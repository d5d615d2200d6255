"""The gradient rules of pooling, normalization, products, resizing and quantization against PyTorch in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from tests.trainer.gradient_cases import Case, check
from tests.unit.explain.graphs import Array, node, noise

POOLS = [
    (kind, kernel, strides, pads, shape, given)
    for kind in ("MaxPool", "AveragePool")
    for kernel, strides, pads, shape, given in (
        ((2, 2), (2, 2), (0, 0, 0, 0), (2, 4, 6, 8), {}),
        ((3, 3), (2, 2), (1, 1, 1, 1), (2, 4, 8, 7), {}),
        ((3, 3), (2, 2), (0, 0, 0, 0), (2, 4, 8, 8), {"ceil_mode": 1}),
        ((3, 3), (2, 2), (1, 1, 1, 1), (2, 4, 8, 7), {"ceil_mode": 1}),
        ((3, 3), (1, 1), (1, 1, 1, 1), (2, 4, 6, 5), {}),
        ((3, 2), (3, 1), (1, 0, 1, 0), (2, 4, 9, 5), {}),
        ((2, 2), (3, 3), (0, 0, 0, 0), (2, 4, 8, 8), {}),
        ((6, 5), (1, 1), (0, 0, 0, 0), (2, 4, 6, 5), {}),
    )
]


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("flat", [False, True], ids=["", "ties"])
@pytest.mark.parametrize("pool", POOLS, ids=lambda p: f"{p[0]} {p[1]} {p[2]} {p[3]} {p[5]}")
def test_pooling(pool: Any, flat: bool, opset: int) -> None:
    kind, kernel, strides, pads, shape, given = pool
    x = noise(*shape, seed=7)
    if flat:  # as behind a ReLU: many windows have no single greatest
        x = np.maximum(np.round(x), 0)
    top, left, bottom, right = pads
    assert (top, left) == (bottom, right)

    def same(x: Tensor, _: dict[str, Tensor]) -> Tensor:
        ceil = bool(given)
        if kind == "MaxPool":
            return f.max_pool2d(x, kernel, strides, (top, left), ceil_mode=ceil)
        return f.avg_pool2d(x, kernel, strides, (top, left), ceil_mode=ceil, count_include_pad=False)

    nodes = [node(kind, "x", kernel_shape=kernel, strides=strides, pads=pads, **given)]
    check(Case("pool", nodes, same, x=x, opset=opset))


@pytest.mark.parametrize("opset", [10, 17])
def test_pooling_with_dilated_and_three_dimensional_windows(opset: int) -> None:
    dilated = [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 1], dilations=[2, 2], pads=[1, 1, 1, 1])]
    x = np.maximum(noise(2, 3, 9, 8), 0)
    check(Case("max", dilated, lambda x, _: f.max_pool2d(x, 3, (2, 1), 1, 2), x=x, opset=opset))
    solid = [node("MaxPool", "x", kernel_shape=[2, 2, 2], strides=[2, 2, 1])]
    check(Case("3d", solid, lambda x, _: f.max_pool3d(x, 2, (2, 2, 1)), shape=(2, 3, 4, 6, 5), opset=opset))
    mean = [node("AveragePool", "x", kernel_shape=[2, 2, 2], strides=[2, 2, 1])]
    check(Case("3d", mean, lambda x, _: f.avg_pool3d(x, 2, (2, 2, 1)), shape=(2, 3, 4, 6, 5), opset=opset))


def test_average_pooling_that_counts_the_padding() -> None:
    for strides in (1, 2):
        nodes = [
            node("AveragePool", "x", kernel_shape=[3, 3], strides=[strides] * 2, pads=[1] * 4, count_include_pad=1)
        ]

        def same(x: Tensor, _: dict[str, Tensor], strides: int = strides) -> Tensor:
            return f.avg_pool2d(x, 3, strides, 1)

        check(Case("padding", nodes, same))


def test_pooling_with_automatic_padding() -> None:
    for kind in ("MaxPool", "AveragePool"):
        nodes = [node(kind, "x", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")]

        def same(x: Tensor, _: dict[str, Tensor], kind: str = kind) -> Tensor:
            if kind == "MaxPool":
                return f.max_pool2d(f.pad(x, (0, 1, 0, 1), value=-1e9), 2)
            return f.avg_pool2d(f.pad(x, (0, 1, 0, 1)), 2) / f.avg_pool2d(f.pad(torch.ones_like(x), (0, 1, 0, 1)), 2)

        check(Case("automatic", nodes, same, shape=(2, 4, 7, 7)))


def test_global_pooling() -> None:
    check(Case("mean", [node("GlobalAveragePool", "x")], lambda x, _: x.mean((2, 3), keepdim=True)))
    x = np.maximum(noise(2, 4, 3, 3), 0)
    x[0, 1] = 0
    check(Case("max", [node("GlobalMaxPool", "x")], lambda x, _: f.adaptive_max_pool2d(x, 1), x=x))


@pytest.mark.parametrize("stored", [np.float32, np.float16])
@pytest.mark.parametrize("made", [False, True], ids=["", "computed"])
def test_batch_normalization(stored: Any, made: bool) -> None:
    rng = np.random.default_rng(0)
    weights: dict[str, Array] = {n: rng.uniform(0.5, 2, 4).astype(stored) for n in ("s", "b", "m", "v")}
    names = list(weights)
    nodes = []
    if stored == np.float16:
        nodes = [onnx.helper.make_node("Cast", [n], [f"{n}.32"], to=onnx.TensorProto.FLOAT) for n in names]
        names = [f"{n}.32" for n in names]
    if made:  # by operators that are not computed beforehand
        nodes += [node("Abs", names[0], to="s.abs"), node("Abs", names[3], to="v.abs")]
        names = ["s.abs", names[1], names[2], "v.abs"]
    nodes.append(node("BatchNormalization", "x", *names, epsilon=0.01, to="n"))
    nodes += [node("Relu", "n", to="r"), node("Conv", "r", "w", pads=[1] * 4)]
    weights["w"] = noise(3, 4, 3, 3)

    def same(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        x = f.batch_norm(x, w["m"], w["v"], w["s"], w["b"], eps=0.01)
        return f.conv2d(f.relu(x), w["w"], padding=1)

    check(Case("norm", nodes, same, weights))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response_normalization(size: int) -> None:
    nodes = [node("LRN", "x", size=size, alpha=0.5, beta=0.6, bias=1.5)]

    def same(x: Tensor, _: dict[str, Tensor]) -> Tensor:
        squares = f.pad(x * x, (0, 0, 0, 0, (size - 1) // 2, size // 2))
        total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
        return x / (1.5 + 0.5 / size * total) ** 0.6

    check(Case("lrn", nodes, same, shape=(2, 7, 3, 4)))


@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("opset", [9, 17])
def test_linear_layers(trans_b: int, opset: int) -> None:
    weights: dict[str, Array] = {"w": noise(*((5, 6) if trans_b else (6, 5))), "c": noise(5)}
    nodes = [node("Gemm", "x", "w", "c", transB=trans_b, alpha=0.7, beta=1.3)]

    def same(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        return 0.7 * x @ (w["w"].T if trans_b else w["w"]) + 1.3 * w["c"]

    check(Case("gemm", nodes, same, weights, (3, 6), opset))


@pytest.mark.parametrize(("trans_a", "trans_b"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_products_of_two_tensors_that_both_depend_on_the_layer(trans_a: int, trans_b: int) -> None:
    nodes = [
        node("Tanh", "x", to="a"),
        node("Sigmoid", "x", to="b"),
        node("Relu", "x", to="c"),
        node("Gemm", "a", "b", "c", transA=trans_a, transB=trans_b, beta=0.5),
    ]

    def same(x: Tensor, _: dict[str, Tensor]) -> Tensor:
        a, b = torch.tanh(x), torch.sigmoid(x)
        return (a.T if trans_a else a) @ (b.T if trans_b else b) + 0.5 * f.relu(x)

    check(Case("gemm", nodes, same, shape=(5, 5)), dynamic=False)


def test_matrix_products() -> None:
    check(Case("weight", [node("MatMul", "x", "w")], lambda x, w: x @ w["w"], {"w": noise(6, 5)}, (3, 6)))
    check(Case("many", [node("MatMul", "x", "w")], lambda x, w: x @ w["w"], {"w": noise(6, 5)}))
    check(Case("left", [node("MatMul", "w", "x")], lambda x, w: w["w"] @ x, {"w": noise(5, 6)}))
    both = [node("Transpose", "x", to="t", perm=[0, 1, 3, 2]), node("MatMul", "x", "t")]
    check(Case("both", both, lambda x, _: x @ x.transpose(2, 3), shape=(2, 4, 5, 6)))
    mean = [node("ReduceMean", "x", to="m", axes=[1]), node("MatMul", "x", "m")]
    check(Case("repeated", mean, lambda x, _: x @ x.mean(1, keepdim=True)))
    flat = [node("ReduceMean", "x", to="m", axes=[0, 1], keepdims=0), node("MatMul", "m", "x")]
    check(Case("fewer axes", flat, lambda x, _: x.mean((0, 1)) @ x), dynamic=False)


RESIZES: list[tuple[str, dict[str, Any], Callable[[Tensor], Tensor]]] = [
    ("nearest", {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
     lambda x: f.interpolate(x, scale_factor=(2.0, 3.0))),
    ("linear", {"coordinate_transformation_mode": "half_pixel"},
     lambda x: f.interpolate(x, scale_factor=(2.0, 3.0), mode="bilinear")),
    ("linear", {"coordinate_transformation_mode": "pytorch_half_pixel"},
     lambda x: f.interpolate(x, scale_factor=(2.0, 3.0), mode="bilinear")),
    ("linear", {"coordinate_transformation_mode": "align_corners"},
     lambda x: f.interpolate(x, scale_factor=(2.0, 3.0), mode="bilinear", align_corners=True)),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "given", "same"), RESIZES)
def test_resizing(mode: str, given: dict[str, Any], same: Callable[[Tensor], Tensor]) -> None:
    weights = {"s": np.array([1, 1, 2, 3], np.float32)}
    nodes = [node("Resize", "x", "", "s", mode=mode, **given)]
    check(Case("scales", nodes, lambda x, _: same(x), weights, (2, 4, 3, 5)))
    weights = {"s": np.array([2, 4, 6, 15])}
    nodes = [node("Resize", "x", "", "", "s", mode=mode, **given)]
    check(Case("sizes", nodes, lambda x, _: same(x), weights, (2, 4, 3, 5)), dynamic=False)


@pytest.mark.parametrize("size", [(2, 7), (5, 3), (1, 1)])
def test_resizing_by_fractions(size: tuple[int, int]) -> None:
    weights = {"s": np.array([2, 4, *size])}
    nodes = [node("Resize", "x", "", "", "s", mode="linear", coordinate_transformation_mode="half_pixel")]
    check(Case("linear", nodes, lambda x, _: f.interpolate(x, size, mode="bilinear"), weights), dynamic=False)
    nodes = [
        node("Resize", "x", "", "", "s", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    ]
    check(Case("nearest", nodes, lambda x, _: f.interpolate(x, size), weights), dynamic=False)


@pytest.mark.parametrize("opset", [7, 9, 10])
def test_old_resizing(opset: int) -> None:
    kind, weights = ("Resize" if opset == 10 else "Upsample"), {"s": np.array([1, 1, 2, 2], np.float32)}
    nodes = [node(kind, "x", "s")]
    if opset == 7:
        nodes, weights = [node(kind, "x", scales=[1.0, 1.0, 2.0, 2.0])], {}
    check(Case("old", nodes, lambda x, _: f.interpolate(x, scale_factor=2.0), weights, opset=opset))


def test_quantization_is_passed_straight_through() -> None:
    weights: dict[str, Array] = {"s": np.array(0.05, np.float32), "z": np.array(128, np.uint8)}
    nodes = [
        node("QuantizeLinear", "x", "s", "z", to="q"),
        node("DequantizeLinear", "q", "s", "z", to="d"),
        node("Sigmoid", "d"),
    ]
    x = noise(2, 4, 6, 6)

    def same(x: Tensor, _: dict[str, Tensor]) -> Tensor:
        rounded = (x.detach() / 0.05).round().clamp(-128, 127) * 0.05
        return torch.sigmoid(x + (rounded - x).detach())

    check(Case("qdq", nodes, same, weights, x=x))

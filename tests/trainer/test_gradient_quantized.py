"""Gradients through integers: straight through, against PyTorch in float64 with the numbers that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor
from torch.nn import functional as f

from tests.unit.explain.graphs import Array, error, gradients, noise, outputs

CLOSE = 1e-5
MICROSOFT = "com.microsoft"


def q(kind: str, *inputs: str, to: str, domain: str = "", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [to], domain=domain, **attributes)


def graph(nodes: Sequence[onnx.NodeProto], weights: Mapping[str, Any], shape: Sequence[int]) -> onnx.ModelProto:
    """From the float input ``x``, quantized to ``xq``, over ``nodes`` to the integers ``yq`` and the flat logits."""
    ends = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        *nodes,
        helper.make_node("DequantizeLinear", ["yq", "ys", "yz"], ["y"]),
        helper.make_node("Flatten", ["y"], ["logits"]),
    ]
    scales = {"xs": np.float32(0.03), "xz": np.uint8(128), "ys": np.float32(0.2), "yz": np.uint8(128)}
    values = {name: np.asarray(value) for name, value in {**scales, **weights}.items()}
    built = helper.make_graph(
        ends,
        "quantized",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape[1:]])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", None])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(built, ir_version=8, opset_imports=opsets)


def compare(model: onnx.ModelProto, same: Callable[[Tensor], Tensor], x: Array) -> None:
    exact = torch.from_numpy(x).double().requires_grad_()
    y = same(exact)
    seed = noise(len(x), y[0].numel(), seed=2)
    (right,) = torch.autograd.grad(y, exact, torch.from_numpy(seed).double().reshape(y.shape))
    (found,) = gradients(model, ["x"], x, seed)
    assert error(found, right.numpy()) <= CLOSE


def integers(*shape: int, seed: int = 3) -> Array:
    return np.random.default_rng(seed).integers(-100, 100, shape).astype(np.int8)


def real(array: Array, scale: float | Array, zero: int = 0) -> Tensor:
    return torch.from_numpy((array.astype(np.float64) - zero) * scale)


X = np.clip(noise(2, 4, 6, 6, seed=1), -3, 3)
STRIDED: dict[str, Any] = {"pads": [1, 1, 1, 1], "strides": [2, 2]}


@pytest.mark.parametrize("scale", [np.float32(0.01), np.linspace(0.01, 0.03, 5).astype(np.float32)])
def test_quantized_convolution(scale: Array) -> None:
    w = integers(5, 4, 3, 3)
    zeros = np.zeros(np.shape(scale), np.int8)
    nodes = [q("QLinearConv", "xq", "xs", "xz", "w", "ws", "wz", "ys", "yz", to="yq", **STRIDED)]
    model = graph(nodes, {"w": w, "ws": scale, "wz": zeros}, X.shape)
    wide = np.broadcast_to(scale, 5).astype(np.float64)[:, None, None, None]
    compare(model, lambda x: f.conv2d(x, real(w, wide), stride=2, padding=1), X)


def test_a_relu_that_is_folded_into_the_rounding_cuts_the_gradient() -> None:
    w = integers(5, 4, 3, 3)
    nodes = [q("QLinearConv", "xq", "xs", "xz", "w", "ws", "wz", "ys", "yz", to="yq")]
    model = graph(nodes, {"w": w, "ws": np.float32(0.01), "wz": np.int8(0), "yz": np.uint8(0)}, X.shape)
    (y,) = outputs(model, X)
    assert 0.2 < (y == 0).mean() < 0.8
    on = torch.from_numpy(y > 0).reshape(2, 5, 4, 4)
    compare(model, lambda x: f.conv2d(x, real(w, 0.01)) * on, X)


def test_quantized_products_and_sums() -> None:
    w = integers(6, 5)
    weights = {"w": w, "ws": np.float32(0.01), "wz": np.int8(3)}
    nodes = [q("QLinearMatMul", "xq", "xs", "xz", "w", "ws", "wz", "ys", "yz", to="yq")]
    compare(graph(nodes, weights, X.shape), lambda x: x @ real(w, 0.01, 3), X)
    nodes = [
        q("Transpose", "xq", to="t", perm=[0, 1, 3, 2]),
        q("QLinearMatMul", "xq", "xs", "xz", "t", "xs", "xz", "ys", "yz", to="yq"),
    ]
    rounded = torch.from_numpy(np.round(X / np.float32(0.03)) * np.float64(0.03))

    def product(x: Tensor) -> Tensor:
        x = x + (rounded - x).detach()
        return x @ x.transpose(2, 3)

    compare(graph(nodes, {}, X.shape), product, X)
    c = np.random.default_rng(1).integers(0, 255, (4, 1, 1)).astype(np.uint8)
    scales = {"c": c, "cs": np.float32(0.02), "cz": np.uint8(100)}
    for kind, same in (("QLinearAdd", torch.add), ("QLinearMul", torch.mul)):
        nodes = [q(kind, "xq", "xs", "xz", "c", "cs", "cz", "ys", "yz", to="yq", domain=MICROSOFT)]
        compare(graph(nodes, scales, X.shape), lambda x, same=same: same(x, real(c, 0.02, 100)), X)  # type: ignore[misc]


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("scale", [np.float32(0.002), np.linspace(0.001, 0.003, 5).astype(np.float32)])
def test_quantized_linear_layer(turned: int, scale: Array) -> None:
    w = integers(5, 144) if turned else integers(144, 5)
    nodes = [
        q("Flatten", "xq", to="flat"),
        q("QGemm", "flat", "xs", "xz", "w", "ws", "wz", "b", "ys", "yz", to="yq", domain=MICROSOFT, transB=turned),
    ]
    zeros = np.zeros(np.shape(scale), np.int8)
    weights = {"w": w, "ws": scale, "wz": zeros, "b": np.arange(5, dtype=np.int32)}
    right = real(w.T if turned else w, np.asarray(scale).astype(np.float64))
    compare(graph(nodes, weights, X.shape), lambda x: x.flatten(1) @ right, X)


def test_a_quantized_linear_layer_with_as_many_outputs_as_inputs_has_a_scale_for_each_output() -> None:
    w, scale = integers(4, 4), np.linspace(0.002, 0.03, 4).astype(np.float32)
    nodes = [
        q("QLinearGlobalAveragePool", "xq", "xs", "xz", "xs", "xz", to="m", domain=MICROSOFT),
        q("Flatten", "m", to="flat"),
        q("QGemm", "flat", "xs", "xz", "w", "ws", "wz", "", "ys", "yz", to="yq", domain=MICROSOFT, transB=1),
    ]
    model = graph(nodes, {"w": w, "ws": scale, "wz": np.zeros(4, np.int8)}, X.shape)
    compare(model, lambda x: x.mean((2, 3)) @ real(w.T, scale.astype(np.float64)), X)


NARROW = {"xs": np.float32(0.02), "xz": np.uint8(50)}


def test_what_lies_beyond_the_integers_gets_no_gradient_as_in_fake_quantize() -> None:
    c = noise(1, 4, 6, 6, seed=7)
    nodes = [
        q("DequantizeLinear", "xq", "xs", "xz", to="r"),
        q("Mul", "r", "c", to="m"),
        q("QuantizeLinear", "m", "ys", "yz", to="yq"),
    ]
    model = graph(nodes, {**NARROW, "c": c}, X.shape)

    def same(x: Tensor) -> Tensor:
        return torch.fake_quantize_per_tensor_affine(x.float(), 0.02, 50, 0, 255).double() * torch.from_numpy(c)

    inside = (X > -1.01) & (X < 4.11)
    assert 0.05 < (~inside).mean() < 0.5
    compare(model, same, X)
    edge = np.full_like(X, 4.1)  # the highest number of the range is in it
    edge[:, :2] = -1.0
    compare(model, same, edge)


def test_ends_of_the_integers_of_each_channel() -> None:
    scale, zero = np.linspace(0.01, 0.02, 4).astype(np.float32), np.array([0, 255, 128, 30], np.uint8)
    nodes = [
        q("QuantizeLinear", "x", "cs", "cz", to="c", axis=1),
        q("DequantizeLinear", "c", "cs", "cz", to="r", axis=1),
        q("Neg", "r", to="m"),
        q("QuantizeLinear", "m", "ys", "yz", to="yq"),
    ]
    zeros = torch.from_numpy(zero.astype(np.int32))

    def same(x: Tensor) -> Tensor:
        x = torch.fake_quantize_per_channel_affine(x.float(), torch.from_numpy(scale), zeros, 1, 0, 255)
        return -x.double()

    compare(graph(nodes, {"cs": scale, "cz": zero}, X.shape), same, X)


def test_a_relu6_that_is_folded_into_an_operator_of_integers_cuts_at_both_ends() -> None:
    w = integers(5, 4, 3, 3).astype(np.int16) + 128
    step = 6 / 255
    nodes = [
        q("QLinearConv", "xq", "xs", "xz", "w", "ws", "wz", "cs", "cz", to="c"),
        q("QLinearGlobalAveragePool", "c", "cs", "cz", "ys", "yz", to="yq", domain=MICROSOFT),
    ]
    scales = {"w": w.astype(np.uint8), "ws": np.float32(0.02), "wz": np.uint8(128)}
    model = graph(nodes, {**scales, "cs": np.float32(step), "cz": np.uint8(0)}, X.shape)
    rounded = torch.from_numpy(np.round(X / np.float32(0.03)) * np.float64(np.float32(0.03)))
    kernel = real(w, 0.02, 128)
    before = f.conv2d(rounded, kernel)
    on = (before > step / 2) & (before < 6 - step / 2)
    assert (before > 6).double().mean() > 0.1
    compare(model, lambda x: (f.conv2d(x, kernel) * on).mean((2, 3)), X)


def test_an_answer_beyond_the_integers_still_has_a_gradient() -> None:
    w = integers(144, 5)
    nodes = [
        q("Flatten", "xq", to="flat"),
        q("QGemm", "flat", "xs", "xz", "w", "ws", "wz", "", "ys", "yz", to="yq", domain=MICROSOFT),
    ]
    weights = {"w": w, "ws": np.float32(0.01), "wz": np.int8(0), "ys": np.float32(0.001)}
    model = graph(nodes, weights, X.shape)
    assert set(np.unique(outputs(model, X)[0])) <= {np.float32(-128 * 0.001), np.float32(127 * 0.001)}
    compare(model, lambda x: x.flatten(1) @ real(w, 0.01), X)


def test_quantized_pools_and_concatenations() -> None:
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [q("QLinearAveragePool", "xq", "xs", "xz", "ys", "yz", to="yq", domain=MICROSOFT, **pool)]
    compare(graph(nodes, {}, X.shape), lambda x: f.avg_pool2d(x, 2), X)
    nodes = [q("QLinearGlobalAveragePool", "xq", "xs", "xz", "ys", "yz", to="yq", domain=MICROSOFT)]
    compare(graph(nodes, {}, X.shape), lambda x: x.mean((2, 3), keepdim=True), X)
    twice = ["ys", "yz", "xq", "xs", "xz", "xq", "xs", "xz"]
    nodes = [q("QLinearConcat", *twice, to="yq", domain=MICROSOFT, axis=1)]
    compare(graph(nodes, {}, X.shape), lambda x: torch.cat([x, x], 1), X)


def test_quantized_activations() -> None:
    nodes = [q("QLinearLeakyRelu", "xq", "xs", "xz", "ys", "yz", to="yq", domain=MICROSOFT, alpha=0.2)]
    slope = torch.from_numpy(np.where(np.round(X / np.float32(0.03)) > 0, 1.0, 0.2))
    compare(graph(nodes, {}, X.shape), lambda x: x * slope, X)
    nodes = [q("QLinearSigmoid", "xq", "xs", "xz", "ys", "yz", to="yq", domain=MICROSOFT)]
    model = graph(nodes, {"ys": np.float32(1 / 256), "yz": np.uint8(0)}, X.shape)
    y = torch.from_numpy(outputs(model, X)[0].astype(np.float64).reshape(X.shape))
    assert float((y - torch.sigmoid(torch.from_numpy(X))).abs().max()) < 0.02
    compare(model, lambda x: x * (y * (1 - y)), X)


@pytest.mark.parametrize(("axis", "opset"), [(-1, 13), (1, 13), (-1, 12), (2, 12)])
def test_quantized_softmax(axis: int, opset: int) -> None:
    given: dict[str, Any] = {"axis": axis, "opset": opset}
    nodes = [q("QLinearSoftmax", "xq", "xs", "xz", "ys", "yz", to="yq", domain=MICROSOFT, **given)]
    model = graph(nodes, {"ys": np.float32(1 / 256), "yz": np.uint8(0)}, X.shape)
    model.opset_import[0].version = opset
    rounded = torch.from_numpy(np.round(X / np.float32(0.03)) * np.float64(np.float32(0.03)))

    def same(x: Tensor) -> Tensor:
        x = x + (rounded - x).detach()
        return x.softmax(axis) if axis != 2 else x.flatten(2).softmax(2).reshape(x.shape)

    compare(model, same, X)


@pytest.mark.parametrize(
    ("bits", "zero"), [(4, "none"), (4, "packed"), (4, "float"), (8, "none"), (8, "packed"), (2, "packed")]
)
def test_products_with_weights_of_few_bits(bits: int, zero: str) -> None:
    inputs, outputs_, block, blocks = 40, 5, 16, 3
    rng = np.random.default_rng(0)
    weights: dict[str, Any] = {
        "w": rng.integers(0, 256, (outputs_, blocks, block * bits // 8)).astype(np.uint8),
        "ws": rng.uniform(0.01, 0.1, (outputs_, blocks)).astype(np.float32),
    }
    if zero == "packed":
        weights["wz"] = rng.integers(0, 256, (outputs_, -(-blocks * bits // 8))).astype(np.uint8)
    elif zero == "float":
        weights["wz"] = rng.uniform(3, 9, (outputs_, blocks)).astype(np.float32)
    node = q("MatMulNBits", "x", *weights, to="logits", domain=MICROSOFT, K=inputs, N=outputs_, bits=bits,
             block_size=block)  # fmt: skip
    built = helper.make_graph(
        [node],
        "few bits",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", inputs])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", outputs_])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(built, ir_version=8, opset_imports=opsets)
    (whole,) = outputs(model, np.eye(inputs, dtype=np.float32))
    seed = noise(3, outputs_, seed=2)
    (found,) = gradients(model, ["x"], noise(3, inputs), seed)
    assert error(found, seed @ whole.T) <= CLOSE


@pytest.mark.parametrize("opset", [13, 17])
def test_pooling_of_integers(opset: int) -> None:
    x = np.random.default_rng(0).permutation(144).reshape(1, 4, 6, 6).astype(np.float32) * np.float32(0.03) - 2
    model = graph([q("MaxPool", "xq", to="yq", kernel_shape=[2, 2], strides=[2, 2])], {"ys": np.float32(0.03)}, x.shape)
    model.opset_import[0].version = opset
    compare(model, lambda x: f.max_pool2d(x, 2), x)


def dynamic(nodes: Sequence[onnx.NodeProto], weights: dict[str, Array], shape: Sequence[int]) -> onnx.ModelProto:
    """From ``x`` over integers that are scaled as each picture needs: what ``quantize_dynamic`` writes."""
    ends = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["xq", "xs", "xz"]),
        *nodes,
        helper.make_node("Cast", ["i"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["xs", "ws"], ["scale"]),
        helper.make_node("Mul", ["float", "scale"], ["y"]),
        helper.make_node("Flatten", ["y"], ["logits"]),
    ]
    values = {"ws": np.asarray(np.float32(0.01)), **weights}
    built = helper.make_graph(
        ends,
        "dynamic",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape[1:]])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", None])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(built, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def test_dynamically_quantized_products_and_convolutions() -> None:
    w = integers(6, 5)
    model = dynamic([q("MatMulInteger", "xq", "w", "xz", "wz", to="i")], {"w": w, "wz": np.array(2, np.int8)}, X.shape)
    compare(model, lambda x: x @ real(w, 0.01, 2), X)
    kernel = integers(5, 4, 3, 3)
    nodes = [q("ConvInteger", "xq", "k", "xz", to="i", **STRIDED)]
    compare(dynamic(nodes, {"k": kernel.astype(np.int16).clip(0).astype(np.uint8)}, X.shape),
            lambda x: f.conv2d(x, real(kernel.clip(0), 0.01), stride=2, padding=1), X)  # fmt: skip


@pytest.mark.parametrize("kind", ["MatMulInteger", "ConvInteger"])
def test_sums_of_integers_of_a_fixed_scale(kind: str) -> None:
    w = integers(6, 5) if kind == "MatMulInteger" else integers(5, 4, 3, 3)
    nodes = [
        q(kind, "xq", "w", "xz", to="i"),
        helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        q("Mul", "f", "s", to="m"),
        q("QuantizeLinear", "m", "ys", "yz", to="yq"),
    ]
    weights = {"w": w.clip(0).astype(np.uint8), "s": np.float32(0.03 * 0.01)}
    kernel = real(w.clip(0), 0.01)
    same = (lambda x: x @ kernel) if kind == "MatMulInteger" else (lambda x: f.conv2d(x, kernel))
    compare(graph(nodes, weights, X.shape), same, X)


def test_weights_with_a_scale_for_each_block() -> None:
    w, scale = integers(5, 4, 3, 3), np.random.default_rng(4).uniform(0.002, 0.02, (5, 2, 3, 3)).astype(np.float32)
    nodes = [
        q("DequantizeLinear", "xq", "xs", "xz", to="r"),
        q("DequantizeLinear", "w", "ws", "wz", to="wr", axis=1, block_size=2),
        q("Conv", "r", "wr", to="c"),
        q("Neg", "c", to="n"),  # with a quantizer right behind it the runtime would take it for one of its own
        q("QuantizeLinear", "n", "ys", "yz", to="yq"),
    ]
    model = graph(nodes, {"w": w, "ws": scale, "wz": np.full(scale.shape, 3, np.int8)}, X.shape)
    model.opset_import[0].version = 21
    compare(model, lambda x: -f.conv2d(x, real(w, np.repeat(scale, 2, 1), 3)), X)


def test_half_precision_before_a_pool() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["y"], ["logits"]),
    ]
    x = noise(2, 4, 6, 6).astype(np.float16)
    w = noise(5, 4, 3, 3, seed=2).astype(np.float16)
    half = TensorProto.FLOAT16
    built = helper.make_graph(
        nodes,
        "half",
        [helper.make_tensor_value_info("x", half, ["N", 4, 6, 6])],
        [helper.make_tensor_value_info("logits", half, ["N", None])],
        [numpy_helper.from_array(w, "w")],
    )
    exact = torch.from_numpy(x).double().requires_grad_()
    y = f.max_pool2d(f.relu(f.conv2d(exact, torch.from_numpy(w).double())), 2).flatten(1)
    seed = noise(*y.shape, seed=3)
    (right,) = torch.autograd.grad(y, exact, torch.from_numpy(seed).double())
    for opset in (13, 17):
        model = helper.make_model(built, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])
        (found,) = gradients(model, ["x"], x, seed)
        assert error(found, right.numpy()) <= 5e-3

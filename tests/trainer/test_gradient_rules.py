"""The gradient rules of convolutions, activations, arithmetic and movements, against PyTorch in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from tests.trainer.gradient_cases import Case, check, ids
from tests.unit.explain.graphs import Array, gradients, graph, node, noise


def conv(
    name: str,
    weight: tuple[int, ...],
    shape: tuple[int, ...],
    *,
    bias: bool = False,
    pads: Sequence[int] = (0, 0, 0, 0),
    **attributes: Any,
) -> Case:
    weights = {"w": noise(*weight, seed=3)} | ({"b": noise(weight[0], seed=4)} if bias else {})
    top, left, bottom, right = pads

    def same(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        x = f.pad(x, (left, right, top, bottom))
        given = {"stride": attributes.get("strides", 1), "dilation": attributes.get("dilations", 1)}
        return f.conv2d(x, w["w"], w.get("b"), groups=attributes.get("group", 1), **given)

    given = {**attributes, **({"pads": list(pads)} if any(pads) else {})}
    return Case(f"conv-{name}", [node("Conv", "x", *weights, **given)], same, weights, shape)


CONVOLUTIONS = [
    conv("1x1", (5, 4, 1, 1), (2, 4, 6, 6), bias=True),
    conv("3x3", (5, 4, 3, 3), (2, 4, 6, 7), pads=(1, 1, 1, 1)),
    conv("valid", (5, 4, 3, 2), (2, 4, 6, 7)),
    conv("wide padding", (5, 4, 2, 1), (2, 4, 5, 6), pads=(3, 2, 2, 1)),
    conv("uneven padding", (5, 4, 3, 3), (2, 4, 5, 6), pads=(0, 2, 1, 0)),
    conv("groups", (6, 2, 3, 3), (2, 4, 6, 6), pads=(1, 1, 1, 1), group=2),
    conv("depthwise", (8, 1, 3, 3), (3, 4, 6, 6), pads=(1, 1, 1, 1), group=4),
    conv("dilated", (5, 4, 3, 3), (2, 4, 9, 8), pads=(2, 2, 2, 2), dilations=[2, 2]),
    conv("stride 2", (5, 4, 3, 3), (2, 4, 8, 8), pads=(1, 1, 1, 1), strides=[2, 2]),
    conv("stride 2, odd", (5, 4, 3, 3), (2, 4, 7, 9), pads=(1, 1, 1, 1), strides=[2, 2]),
    conv("stride 2, even and odd", (5, 4, 3, 3), (2, 4, 8, 9), pads=(0, 1, 0, 1), strides=[2, 2]),
    conv("stride 2, 7x7", (5, 3, 7, 7), (2, 3, 16, 15), pads=(3, 3, 3, 3), strides=[2, 2]),
    conv("stride 2, 2x2", (5, 4, 2, 2), (2, 4, 9, 8), strides=[2, 2]),
    conv("stride 2 down", (5, 4, 3, 3), (2, 4, 8, 8), pads=(1, 1, 1, 1), strides=[2, 1]),
    conv("stride 2, grouped", (8, 1, 3, 3), (2, 4, 8, 7), pads=(1, 1, 1, 1), strides=[2, 2], group=4),
    conv("stride 2, dilated", (5, 4, 3, 3), (2, 4, 12, 11), pads=(2, 2, 2, 2), strides=[2, 2], dilations=[2, 2]),
    conv("stride 2, dilated by 3", (5, 4, 3, 3), (2, 4, 12, 11), pads=(1, 1, 1, 1), strides=[2, 2], dilations=[3, 3]),
    conv("stride 2, wide padding", (5, 4, 3, 3), (2, 4, 8, 7), pads=(4, 3, 3, 4), strides=[2, 2]),
    conv("stride 2, 1x1", (5, 4, 1, 1), (2, 4, 8, 8), strides=[2, 2]),
    conv("stride 2, 1x1, odd", (5, 4, 1, 1), (2, 4, 7, 9), strides=[2, 2]),
    conv("stride 2, 1x1, grouped", (6, 2, 1, 1), (2, 4, 8, 7), strides=[2, 2], group=2),
    conv("stride 2, 1x1, padded", (5, 4, 1, 1), (2, 4, 8, 7), strides=[2, 2], pads=(1, 1, 1, 1)),
    conv("stride 2, cells never seen", (5, 4, 3, 3), (2, 4, 8, 8), strides=[2, 2]),
    conv("stride 3 and 4", (5, 4, 5, 3), (2, 4, 14, 15), pads=(1, 1, 1, 1), strides=[4, 3]),
    conv("stride 4, 11x11", (5, 3, 11, 11), (1, 3, 35, 35), strides=[4, 4]),
    conv("kernel smaller than stride", (5, 4, 2, 2), (2, 4, 11, 11), strides=[3, 3]),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=ids)
def test_convolutions(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [7, 8])
def test_automatic_padding(mode: str, stride: int, side: int) -> None:
    count = -(-side // stride) if mode != "VALID" else (side - 3) // stride + 1
    total = max((count - 1) * stride + 3 - side, 0) if mode != "VALID" else 0
    first = total // 2 if mode == "SAME_UPPER" else total - total // 2

    def same(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        x = f.pad(x, (first, total - first) * 2)
        return f.conv2d(x, w["w"], stride=stride)

    nodes = [node("Conv", "x", "w", auto_pad=mode, strides=[stride] * 2)]
    check(Case("auto", nodes, same, {"w": noise(5, 4, 3, 3)}, (2, 4, side, side)))


def test_convolutions_of_one_and_three_axes() -> None:
    check(
        Case(
            "1d",
            [node("Conv", "x", "w", strides=[2], pads=[1, 1])],
            lambda x, w: f.conv1d(x, w["w"], stride=2, padding=1),
            {"w": noise(5, 4, 3)},
            (2, 4, 9),
        )
    )
    check(
        Case(
            "3d",
            [node("Conv", "x", "w", pads=[1] * 6)],
            lambda x, w: f.conv3d(x, w["w"], padding=1),
            {"w": noise(5, 4, 3, 3, 3)},
            (2, 4, 4, 5, 3),
        )
    )


def unit(name: str, kind: str, same: Callable[[Tensor], Tensor], opset: int = 17, **attributes: Any) -> Case:
    return Case(name, [node(kind, "x", **attributes)], lambda x, _: same(x), opset=opset, x=4 * noise(2, 4, 6, 6))


UNITS = [
    unit("relu", "Relu", f.relu),
    unit("leaky relu", "LeakyRelu", lambda x: f.leaky_relu(x, 0.2), alpha=0.2),
    unit("leaky relu, default", "LeakyRelu", f.leaky_relu),
    unit("sigmoid", "Sigmoid", torch.sigmoid),
    unit("hard sigmoid", "HardSigmoid", lambda x: f.hardsigmoid(x), alpha=1 / 6, beta=0.5),
    unit("hard sigmoid, default", "HardSigmoid", lambda x: (0.2 * x + 0.5).clamp(0, 1)),
    unit("hard swish", "HardSwish", f.hardswish),
    unit("tanh", "Tanh", torch.tanh),
    unit("elu", "Elu", lambda x: f.elu(x, 0.7), alpha=0.7),
    unit("erf", "Erf", torch.erf),
    unit("softplus", "Softplus", f.softplus),
    unit("exp", "Exp", torch.exp),
    unit("neg", "Neg", torch.neg),
    unit("clip 6", "Clip", lambda x: x.clamp(-1, 6), opset=10, min=-1.0, max=6.0),
    unit("clip above", "Clip", lambda x: x.clamp(max=1), opset=7, max=1.0),
    unit("softmax", "Softmax", lambda x: x.softmax(1), axis=1),
    unit("softmax, last", "Softmax", lambda x: x.softmax(-1)),
    unit("softmax, old", "Softmax", lambda x: x.flatten(1).softmax(1).reshape(x.shape), opset=9),
    unit("softmax, old, axis", "Softmax", lambda x: x.flatten(2).softmax(2).reshape(x.shape), opset=11, axis=2),
    unit("log softmax", "LogSoftmax", lambda x: x.log_softmax(1), axis=1),
    Case(
        "sqrt",
        [node("Mul", "x", "x", to="s"), node("Add", "s", "one", to="t"), node("Sqrt", "t")],
        lambda x, w: (x * x + w["one"]).sqrt(),
        {"one": np.ones(1, np.float32)},
    ),
    Case("clip, inputs", [node("Clip", "x", "l", "h")], lambda x, _: x.clamp(-0.5, 0.8), {
        "l": np.array(-0.5, np.float32), "h": np.array(0.8, np.float32)}),
    Case("clip, no limit", [node("Clip", "x")], lambda x, _: x * 1),
    Case("clip below", [node("Clip", "x", "l")], lambda x, _: x.clamp(min=0.1), {"l": np.array(0.1, np.float32)}),
    Case("silu", [node("Sigmoid", "x", to="s"), node("Mul", "x", "s")], lambda x, _: f.silu(x)),
]  # fmt: skip


@pytest.mark.parametrize("case", UNITS, ids=ids)
def test_activations(case: Case) -> None:
    check(case)


def test_a_unit_that_is_exactly_off_gets_nothing() -> None:
    x = np.array([[-1.0, 0.0, -0.0, 1e-30, 2.0, 6.0, 7.0]], np.float32)
    seed = np.ones_like(x)
    (relu,) = gradients(graph([node("Relu", "x")], shape=("N", 7)), ["x"], x, seed)
    assert relu.tolist() == [[0, 0, 0, 1, 1, 1, 1]]
    (six,) = gradients(graph([node("Clip", "x", min=0.0, max=6.0)], shape=("N", 7), opset=9), ["x"], x, seed)
    assert six.tolist() == [[0, 0, 0, 1, 1, 0, 0]]


def pair(kind: str, same: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, ...], *, first: bool = True) -> Case:
    names = ("x", "w") if first else ("w", "x")
    weight = np.abs(noise(*shape, seed=5)) + np.float32(0.5)

    def function(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        return same(x, w["w"]) if first else same(w["w"], x)

    return Case(f"{kind} {shape} {'first' if first else 'second'}", [node(kind, *names)], function, {"w": weight},
                x=np.abs(noise(2, 4, 6, 6, seed=6)) + np.float32(0.5))  # fmt: skip


ARITHMETIC = [
    pair(kind, same, shape, first=first)
    for kind, same in (("Add", torch.add), ("Sub", torch.sub), ("Mul", torch.mul), ("Div", torch.div))
    for shape in ((1,), (4, 1, 1), (2, 4, 6, 6), (6,), (1, 4, 1, 1), (1, 1, 6, 6))
    for first in (True, False)
]


@pytest.mark.parametrize("case", ARITHMETIC, ids=ids)
def test_arithmetic_with_constants(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("axes", [[2, 3], [1], [1, 2, 3]])
def test_arithmetic_of_a_tensor_and_something_smaller_made_of_it(kind: str, axes: list[int]) -> None:
    pairwise: dict[str, Any] = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": torch.div}
    x = np.abs(noise(2, 4, 6, 6)) + np.float32(0.5)
    mean = node("ReduceMean", "x", to="m", axes=axes)
    for names in (("x", "m"), ("m", "x")):

        def function(x: Tensor, _: dict[str, Tensor], names: tuple[str, str] = names) -> Tensor:
            given = {"x": x, "m": x.mean(axes, keepdim=True)}
            found: Tensor = pairwise[kind](given[names[0]], given[names[1]])
            return found

        check(Case("broadcast", [mean, node(kind, *names)], function, x=x))


def test_the_smaller_one_may_have_fewer_axes() -> None:
    nodes = [node("ReduceMean", "x", to="m", axes=[0, 1], keepdims=0), node("Mul", "x", "m")]
    check(Case("fewer axes", nodes, lambda x, _: x * x.mean((0, 1))), dynamic=False)


def test_one_tensor_used_twice_by_one_node() -> None:
    check(Case("square", [node("Mul", "x", "x")], lambda x, _: x * x))
    check(Case("double", [node("Add", "x", "x")], lambda x, _: x + x))
    check(Case("concat", [node("Concat", "x", "x", axis=1)], lambda x, _: torch.cat([x, x], 1)))


def test_sums_of_many() -> None:
    nodes = [node("Relu", "x", to="a"), node("Tanh", "x", to="b"), node("Sum", "a", "b", "x", "w")]
    check(Case("sum", nodes, lambda x, w: f.relu(x) + torch.tanh(x) + x + w["w"], {"w": noise(2, 4, 6, 6)}))
    check(Case("sum of one", [node("Sum", "x")], lambda x, _: x * 1))


def moved(name: str, kind: str, same: Callable[[Tensor], Tensor], opset: int = 17, *, inputs: Any = (),
          shape: tuple[int, ...] = (2, 4, 6, 6), **attributes: Any) -> Case:  # fmt: skip
    weights = {f"i{i}": np.array(values, np.int64) for i, values in enumerate(inputs)}
    nodes = [node(kind, "x", *weights, **attributes)]
    return Case(name, nodes, lambda x, _: same(x), weights, shape, opset)


MOVES = [
    moved("flatten", "Flatten", lambda x: x.flatten(1)),
    moved("reshape", "Reshape", lambda x: x.reshape(2, 2, 72), inputs=[[0, 2, -1]]),
    moved("reshape, batch mixed in", "Reshape", lambda x: x.reshape(-1, 6), inputs=[[-1, 6]]),
    moved("transpose", "Transpose", lambda x: x.permute(0, 2, 3, 1), perm=[0, 2, 3, 1]),
    moved("transpose, all", "Transpose", lambda x: x.permute(3, 2, 1, 0)),
    moved("squeeze", "Squeeze", lambda x: x.squeeze(2), inputs=[[2]], shape=(2, 4, 1, 6)),
    moved("squeeze, old", "Squeeze", lambda x: x.squeeze(2), opset=9, axes=[2], shape=(2, 4, 1, 6)),
    moved("unsqueeze", "Unsqueeze", lambda x: x[:, None], inputs=[[1]]),
    moved("unsqueeze, old", "Unsqueeze", lambda x: x[:, None], opset=9, axes=[1]),
    moved("identity", "Identity", lambda x: x * 1),
    moved("dropout", "Dropout", lambda x: x * 1),
    moved("dropout, old", "Dropout", lambda x: x * 1, opset=9, ratio=0.3),
    moved("slice", "Slice", lambda x: x[:, 1:3, 2:], inputs=[[1, 2], [3, 1 << 40], [1, 2]]),
    moved("slice, from the end", "Slice", lambda x: x[..., -4:-1], inputs=[[-4], [-1], [3]]),
    moved("slice, steps", "Slice", lambda x: x[:, :, 1::2, ::3], inputs=[[1, 0], [9, 9], [2, 3], [2, 3]]),
    moved("slice, steps of channels", "Slice", lambda x: x[:, ::2], inputs=[[0], [4], [1], [2]]),
    moved("slice, old", "Slice", lambda x: x[:, 1:3, :-1], opset=9, starts=[1, 0], ends=[3, -1], axes=[1, 2]),
    moved("slice, no axes", "Slice", lambda x: x[:, 1:], opset=9, starts=[0, 1], ends=[2**31 - 1, 9]),
    moved("pad", "Pad", lambda x: f.pad(x, (1, 2, 0, 3)), inputs=[[0, 0, 0, 1, 0, 0, 3, 2]]),
    moved("pad, negative", "Pad", lambda x: f.pad(x, (-1, 2, 1, -2)), inputs=[[0, 0, 1, -1, 0, 0, -2, 2]]),
    moved("pad, old", "Pad", lambda x: f.pad(x, (-1, 2, 1, 0)), opset=9, pads=[0, 0, 1, -1, 0, 0, 0, 2]),
    moved("pad, channels", "Pad", lambda x: f.pad(x, (0, 0, 0, 0, 0, 4)), inputs=[[0] * 5 + [4, 0, 0]]),
    moved("sum", "ReduceSum", lambda x: x.sum((2, 3), keepdim=True), inputs=[[2, 3]]),
    moved("sum, no axes kept", "ReduceSum", lambda x: x.sum((-1, 1)), inputs=[[-1, 1]], keepdims=0),
    moved("sum, old", "ReduceSum", lambda x: x.sum((2, 3)), opset=9, axes=[2, 3], keepdims=0),
    moved("mean", "ReduceMean", lambda x: x.mean((2, 3), keepdim=True), axes=[2, 3]),
    moved("mean, flat", "ReduceMean", lambda x: x.mean((2, 3)), axes=[-2, -1], keepdims=0),
    moved("mean, new", "ReduceMean", lambda x: x.mean((2, 3)), opset=18, inputs=[[2, 3]], keepdims=0),
    moved("mean of channels", "ReduceMean", lambda x: x.mean(1, keepdim=True), axes=[1]),
]  # fmt: skip


@pytest.mark.parametrize("case", MOVES, ids=ids)
def test_movements_and_reductions(case: Case) -> None:
    check(case)


def test_a_pad_of_some_axes() -> None:
    weights = {"p": np.array([1, 2, 0, 1]), "axes": np.array([3, 1])}
    nodes = [node("Pad", "x", "p", "", "axes")]
    check(Case("pad", nodes, lambda x, _: f.pad(x, (1, 0, 0, 0, 2, 1)), weights, opset=18))


@pytest.mark.parametrize("opset", [9, 17])
def test_splits_and_concatenations(opset: int) -> None:
    sizes: dict[str, Any] = {"split": [1, 3]} if opset < 13 else {}
    inputs = [] if opset < 13 else ["s"]
    nodes = [
        onnx.helper.make_node("Split", ["x", *inputs], ["a", "b"], axis=1, **sizes),
        node("Relu", "b", to="c"),
        node("Concat", "c", "a", "x", "w", axis=1),
    ]
    weights: dict[str, Array] = {"s": np.array([1, 3]), "w": noise(2, 2, 6, 6)}
    check(Case("all", nodes, lambda x, w: torch.cat([f.relu(x[:, 1:]), x[:, :1], x, w["w"]], 1), weights, opset=opset))
    some = [nodes[0], node("Relu", "b")]
    check(Case("some", some, lambda x, _: f.relu(x[:, 1:]), weights, opset=opset))


def test_a_concatenation_behind_which_factors_wait() -> None:
    rng = np.random.default_rng(0)
    weights: dict[str, Array] = {n: rng.uniform(0.5, 2, 7).astype(np.float32) for n in ("s", "b", "m", "v")}
    weights |= {"w": noise(3, 4, 1, 1)}
    nodes = [
        node("Conv", "x", "w", to="a"),
        node("Concat", "x", "a", axis=1, to="c"),
        node("BatchNormalization", "c", "s", "b", "m", "v"),
    ]

    def same(x: Tensor, w: dict[str, Tensor]) -> Tensor:
        joined = torch.cat([x, f.conv2d(x, w["w"])], 1)
        return f.batch_norm(joined, w["m"], w["v"], w["s"], w["b"])

    check(Case("factors", nodes, same, weights))

"""The gradient rules of norms, smooth activations, reductions and of what picks, against PyTorch in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from tests.trainer.gradient_cases import Case, check, ids
from tests.unit.explain.graphs import Array, node, noise

POSITIVE = np.abs(noise(2, 4, 6, 6, seed=8)) + np.float32(0.5)


def one(
    name: str,
    kind: str,
    same: Callable[[Tensor], Tensor],
    opset: int = 18,
    *,
    x: Array | None = None,
    inputs: tuple[Array, ...] = (),
    **attributes: Any,
) -> Case:
    """One operator of ``x`` and constants that PyTorch is not told of."""
    weights = {f"i{i}": values for i, values in enumerate(inputs)}
    return Case(name, [node(kind, "x", *weights, **attributes)], lambda x, _: same(x), weights, opset=opset, x=x)


UNITS = [
    one("selu", "Selu", f.selu),
    one("selu, other numbers", "Selu", lambda x: 2 * f.elu(x, 0.5), alpha=0.5, gamma=2.0),
    one("celu", "Celu", lambda x: f.celu(x, 0.7), alpha=0.7),
    one("mish", "Mish", f.mish),
    one("gelu", "Gelu", f.gelu, 20),
    one("gelu by tanh", "Gelu", lambda x: f.gelu(x, approximate="tanh"), 20, approximate="tanh"),
    one("swish", "Swish", lambda x: x * torch.sigmoid(1.5 * x), 24, alpha=1.5),
    one("softsign", "Softsign", f.softsign),
    one("abs", "Abs", torch.abs),
    one("log", "Log", torch.log, x=POSITIVE),
    one("reciprocal", "Reciprocal", torch.reciprocal, x=POSITIVE),
    one("sin", "Sin", torch.sin),
    one("cos", "Cos", torch.cos),
    one("square", "Pow", lambda x: x**2, inputs=(np.array(2, np.float32),)),
    one("cube, whole exponent", "Pow", lambda x: x**3, inputs=(np.array([3], np.int64),)),
    one("root by a power", "Pow", lambda x: x**0.5, x=POSITIVE, inputs=(np.array(0.5, np.float32),)),
    one("reciprocal by a power", "Pow", lambda x: x**-1, x=POSITIVE, inputs=(np.array(-1, np.float32),)),
]


@pytest.mark.parametrize("case", UNITS, ids=ids)
def test_units(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("shape", [(1,), (4, 1, 1)])
def test_prelu(shape: tuple[int, ...]) -> None:
    weights = {"w": noise(*shape, seed=3)}
    check(Case("prelu", [node("PRelu", "x", "w")], lambda x, w: f.prelu(x, w["w"].reshape(-1)), weights))


def test_powers_that_are_not_all_the_same() -> None:
    weights = {"w": np.abs(noise(4, 1, 1)) + np.float32(0.3)}
    check(Case("powers", [node("Pow", "x", "w")], lambda x, w: x ** w["w"], weights, x=POSITIVE))


def spatial(count: int) -> tuple[int, ...]:
    return (-1, *[1] * count)


NORMS = [
    Case(
        "layer norm",
        [node("LayerNormalization", "x", "s", "b", epsilon=1e-3)],
        lambda x, w: f.layer_norm(x, (6,), w["s"], w["b"], 1e-3),
        {"s": noise(6, seed=3), "b": noise(6, seed=4)},
    ),
    Case(
        "layer norm of two axes, no bias",
        [node("LayerNormalization", "x", "s", axis=2)],
        lambda x, w: f.layer_norm(x, (6, 6), w["s"]),
        {"s": noise(6, 6, seed=3)},
    ),
    Case(
        "instance norm",
        [node("InstanceNormalization", "x", "s", "b", epsilon=1e-3)],
        lambda x, w: f.instance_norm(x, weight=w["s"], bias=w["b"], eps=1e-3),
        {"s": noise(4, seed=3), "b": noise(4, seed=4)},
    ),
    Case(
        "group norm",
        [node("GroupNormalization", "x", "s", "b", num_groups=2)],
        lambda x, w: f.group_norm(x, 2, w["s"], w["b"]),
        {"s": noise(4, seed=3), "b": noise(4, seed=4)},
        opset=21,
    ),
    Case(
        "root mean square norm",
        [node("RMSNormalization", "x", "s", epsilon=1e-3)],
        lambda x, w: f.rms_norm(x, (6,), w["s"], 1e-3),
        {"s": noise(6, seed=3)},
        opset=23,
    ),
    one("unit length", "LpNormalization", lambda x: f.normalize(x, dim=1), axis=1, p=2),
    Case(
        "layer norm, written out",
        [
            node("ReduceMean", "x", to="m", axes=[-1]),
            node("Sub", "x", "m", to="c"),
            node("Pow", "c", "two", to="q"),
            node("ReduceMean", "q", to="v", axes=[-1]),
            node("Add", "v", "e", to="a"),
            node("Sqrt", "a", to="d"),
            node("Div", "c", "d"),
        ],
        lambda x, _: f.layer_norm(x, (6,), eps=1e-3),
        {"two": np.array(2, np.float32), "e": np.array(1e-3, np.float32)},
    ),
]


@pytest.mark.parametrize("case", NORMS, ids=ids)
def test_norms(case: Case) -> None:
    check(case)


REDUCTIONS = [
    one("max", "ReduceMax", lambda x: x.amax((2, 3), keepdim=True), 17, axes=[2, 3]),
    one("max, new", "ReduceMax", lambda x: x.amax((1, 2)), inputs=(np.array([1, -2]),), keepdims=0),
    one("min", "ReduceMin", lambda x: x.amin(3), 17, axes=[3], keepdims=0),
    one("l1", "ReduceL1", lambda x: x.abs().sum(1, keepdim=True), 17, axes=[1]),
    one("l2", "ReduceL2", lambda x: x.norm(dim=(1, 3)), 17, axes=[1, 3], keepdims=0),
    one("squares", "ReduceSumSquare", lambda x: x.square().sum(2, keepdim=True), inputs=(np.array([2]),)),
    one("log sum exp", "ReduceLogSumExp", lambda x: x.logsumexp((2, 3)), 17, axes=[2, 3], keepdims=0),
    Case(
        "mean, axes from a node",
        [node("Constant", to="axes", value_ints=[2, 3]), node("ReduceMean", "x", "axes", keepdims=0)],
        lambda x, _: x.mean((2, 3)),
        opset=18,
    ),
    Case(
        "sum, axes computed",
        [node("Concat", "two", "three", axis=0, to="axes"), node("ReduceSum", "x", "axes")],
        lambda x, _: x.sum((2, 3), keepdim=True),
        {"two": np.array([2]), "three": np.array([3])},
    ),
]


@pytest.mark.parametrize("case", REDUCTIONS, ids=ids)
def test_reductions(case: Case) -> None:
    check(case)


def test_a_length_of_zero_has_no_gradient() -> None:
    x = noise(2, 4, 6, 6)
    x[:, 0] = 0
    check(Case("zeros", [node("ReduceL2", "x", axes=[2])], lambda x, _: x.norm(dim=2, keepdim=True), x=x))


def test_equal_greatest_numbers_share() -> None:
    x = np.ones((2, 4, 6, 6), np.float32)
    check(Case("ties", [node("ReduceMax", "x", axes=[3])], lambda x, _: x.amax(3, keepdim=True), x=x))
    nodes = [node("Max", "x", "w")]
    check(Case("max of two", nodes, lambda x, w: torch.maximum(x, w["w"]), {"w": np.ones(1, np.float32)}, x=x))


BOUND = {"w": noise(4, 1, 1, seed=3)}
PICKS = [
    one("gather, one", "Gather", lambda x: x[:, :, 2], inputs=(np.array(2),), axis=2),
    one("gather, one from the end", "Gather", lambda x: x[:, -1], inputs=(np.array(-1),), axis=1),
    one("gather, a range", "Gather", lambda x: x[:, 1:3], inputs=(np.array([1, 2]),), axis=1),
    one("gather, some", "Gather", lambda x: x[:, :, [4, 0, 4]], inputs=(np.array([4, 0, -2]),), axis=2),
    one("gather, a table", "Gather", lambda x: x[:, [[0, 1], [3, 3]]], inputs=(np.array([[0, 1], [3, 3]]),), axis=1),
    one("slice, backwards", "Slice", lambda x: x.flip(2), inputs=(*(np.array([v]) for v in (-1, -99, 2, -1)),)),
    one(
        "slice, backwards by twos",
        "Slice",
        lambda x: x.flip(3)[..., 1::2],
        inputs=(*(np.array([v]) for v in (4, -99, 3, -2)),),
    ),
    Case("max of two", [node("Max", "x", "w")], lambda x, w: torch.maximum(x, w["w"]), BOUND),
    Case("min of two", [node("Min", "x", "w")], lambda x, w: torch.minimum(x, w["w"]), BOUND),
    Case(
        "expand",
        [node("ReduceMean", "x", axes=[2], to="m"), node("Expand", "m", "s")],
        lambda x, _: x.mean(2, keepdim=True).expand(2, 4, 5, 6),
        {"s": np.array([1, 4, 5, 1])},
    ),
    Case(
        "tile",
        [node("Tile", "x", "r", to="t"), node("Mul", "t", "w")],
        lambda x, w: x.repeat(1, 3, 2, 1) * w["w"],
        {"r": np.array([1, 3, 2, 1]), "w": noise(12, 12, 6, seed=4)},
    ),
    Case(
        "tile of pictures",
        [node("Tile", "x", "r", to="t"), node("Mul", "t", "t", to="s"), node("ReduceSum", "s", "first", keepdims=1)],
        lambda x, _: (x.repeat(2, 1, 1, 1) ** 2).sum(0, keepdim=True),
        {"r": np.array([2, 1, 1, 1]), "first": np.array([0])},
    ),
    Case(
        "expand to more axes",
        [node("Expand", "x", "s", to="e"), node("ReduceSum", "e", "first", keepdims=0)],
        lambda x, _: 3 * x,
        {"s": np.array([3, 1, 1, 1, 1]), "first": np.array([0])},
    ),
    Case(
        "where",
        [node("Greater", "x", "w", to="c"), node("Relu", "x", to="r"), node("Where", "c", "x", "r")],
        lambda x, w: torch.where(x > w["w"], x, f.relu(x)),
        BOUND,
    ),
    Case(
        "where, a constant",
        [node("Greater", "x", "w", to="c"), node("Where", "c", "w", "x")],
        lambda x, w: torch.where(x > w["w"], w["w"], x),
        BOUND,
    ),
    Case(
        "einsum",
        [node("Relu", "x", to="r"), node("Einsum", "x", "r", equation="bcij, bdkj -> bcdik")],
        lambda x, _: torch.einsum("bcij,bdkj->bcdik", x, f.relu(x)),
    ),
    Case(
        "einsum with a weight",
        [node("Einsum", "x", "w", equation="bchw,cd->bdhw")],
        lambda x, w: torch.einsum("bchw,cd->bdhw", x, w["w"]),
        {"w": noise(4, 3)},
    ),
]


@pytest.mark.parametrize("case", PICKS, ids=ids)
def test_picking_and_products(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_places_that_are_computed_from_the_picture(axis: int) -> None:
    nodes = [
        node("ArgMax", "x", to="i", axis=axis, keepdims=0),
        node("Gather", "x", "i", axis=axis, to="g"),
        node("Reshape", "g", "flat"),
    ]

    def same(x: Tensor, _: dict[str, Tensor]) -> Tensor:
        places = x.argmax(axis)
        picked = torch.index_select(x, axis, places.flatten())
        return picked.reshape(2, -1)

    check(Case("computed", nodes, same, {"flat": np.array([2, -1])}), dynamic=False)


def test_places_that_are_counted_as_pytorch_writes_flatten() -> None:
    """What torch.export makes of the end of an adaptive pooling: as_strided, a Gather at numbers that are computed."""
    nodes = [
        node("ReduceMean", "x", "axes", to="m"),
        node("Reshape", "m", "minus", to="flat"),
        node("Shape", "x", to="n", start=0, end=1),
        node("Squeeze", "n", to="batch"),
        node("Range", "zero", "batch", "one", to="range"),
        node("Unsqueeze", "range", "one1", to="rows"),
        node("Mul", "rows", "four", to="starts"),
        node("Add", "starts", "channels", to="places"),
        node("Gather", "flat", "places", axis=0),
    ]
    weights: dict[str, Array] = {
        "axes": np.array([2, 3]),
        "minus": np.array([-1]),
        "zero": np.array(0),
        "one": np.array(1),
        "one1": np.array([1]),
        "four": np.array(4),
        "channels": np.arange(4)[None],
    }
    check(Case("as strided", nodes, lambda x, _: x.mean((2, 3)), weights, opset=18))

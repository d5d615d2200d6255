"""Gradients through attention as one operator, against PyTorch in float64."""

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

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.explain.autodiff.backward import has_rules
from tests.unit.explain.graphs import Array, error, gradients, noise

CLOSE = 1e-5
MICROSOFT = "com.microsoft"
TOKENS, WIDTH, HEADS = 6, 8, 2


def model(
    nodes: Sequence[onnx.NodeProto], weights: Mapping[str, Array], shape: Sequence[Any], opset: int = 23
) -> onnx.ModelProto:
    built = helper.make_graph(
        [*nodes, helper.make_node("Flatten", ["y"], ["logits"])],
        "attention",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", None])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(built, ir_version=10, opset_imports=opsets)


def compare(made: onnx.ModelProto, same: Callable[[Tensor], Tensor], x: Array) -> None:
    exact = torch.from_numpy(x).double().requires_grad_()
    y = same(exact)
    seed = noise(len(x), y[0].numel(), seed=2)
    (right,) = torch.autograd.grad(y, exact, torch.from_numpy(seed).double().reshape(y.shape))
    (found,) = gradients(made, ["x"], x, seed)
    assert error(found, right.numpy()) <= CLOSE


def real(array: Array) -> Tensor:
    return torch.from_numpy(array).double()


FLAT = noise(2, TOKENS, WIDTH, seed=1)
FOUR = noise(2, HEADS, TOKENS, 4, seed=1)
FACTORS = {"a": noise(1, 1, 1, 4, seed=3), "b": noise(1, 1, 1, 4, seed=4), "c": noise(1, 1, 1, 4, seed=5)}
MASK = noise(HEADS, TOKENS, TOKENS, seed=6)[None]
ALLOWED = (noise(TOKENS, TOKENS, seed=7) > -0.5) | np.eye(TOKENS, dtype=bool)


def attended(x: Tensor, **given: Any) -> Tensor:
    q, k, v = (x * real(value) for value in FACTORS.values())
    return f.scaled_dot_product_attention(q, k, v, **given)


@pytest.mark.parametrize("opset", [23, 24])
@pytest.mark.parametrize(
    ("mask", "given", "wanted"),
    [
        (None, {}, {}),
        (None, {"scale": 0.9}, {"scale": 0.9}),
        (None, {"is_causal": 1}, {"is_causal": True}),
        (MASK, {}, {"attn_mask": real(MASK)}),
        (ALLOWED, {}, {"attn_mask": torch.from_numpy(ALLOWED)}),
    ],
    ids=["plain", "scale", "causal", "added mask", "mask"],
)
def test_attention_of_heads(opset: int, mask: Array | None, given: dict[str, Any], wanted: dict[str, Any]) -> None:
    nodes = [helper.make_node("Mul", ["x", name], [to]) for name, to in zip("abc", "qkv", strict=True)]
    weights = dict(FACTORS)
    inputs = ["q", "k", "v"]
    if mask is not None:
        weights["mask"] = mask
        inputs.append("mask")
    nodes.append(helper.make_node("Attention", inputs, ["y"], **given))
    made = model(nodes, weights, ("N", *FOUR.shape[1:]), opset)
    compare(made, lambda x: attended(x, **wanted), FOUR)


def apart(x: Tensor) -> Tensor:
    return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)


def test_attention_of_flat_tokens_with_a_cap() -> None:
    w = {name: noise(WIDTH, WIDTH, seed=i) for i, name in enumerate("abc")}
    nodes = [helper.make_node("MatMul", ["x", name], [to]) for name, to in zip("abc", "qkv", strict=True)]
    nodes.append(
        helper.make_node("Attention", ["q", "k", "v"], ["y"], q_num_heads=HEADS, kv_num_heads=HEADS, softcap=2.0)
    )

    def same(x: Tensor) -> Tensor:
        q, k, v = (apart(x @ real(weight)) for weight in w.values())
        scores = 2 * torch.tanh(q @ k.transpose(2, 3) / 2 / 2)
        return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)

    compare(model(nodes, w, ("N", TOKENS, WIDTH)), same, FLAT)


def test_groups_of_heads_have_no_rule() -> None:
    weights = {"k": noise(1, 1, TOKENS, 4), "flat": np.array([0, -1])}
    made = model([helper.make_node("Attention", ["x", "k", "k"], ["y"])], weights, ("N", *FOUR.shape[1:]))
    assert has_rules(GraphView(made), "logits", "x") == "Attention"


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("causal", [0, 1])
def test_attention_of_the_runtime(mask: bool, causal: int) -> None:
    weights = {"w": noise(WIDTH, 3 * WIDTH, seed=2), "b": noise(3 * WIDTH, seed=3), "m": MASK}
    inputs = ["x", "w", "b", *(["", "", "m"] if mask else [])]
    nodes = [helper.make_node("Attention", inputs, ["y"], domain=MICROSOFT, num_heads=HEADS, unidirectional=causal)]

    def same(x: Tensor) -> Tensor:
        q, k, v = map(apart, (x @ real(weights["w"]) + real(weights["b"])).chunk(3, 2))
        added = torch.zeros(TOKENS, TOKENS).double() if not mask else real(MASK)
        if causal:
            added = added + torch.full((TOKENS, TOKENS), -1e30).double().triu(1)
        return f.scaled_dot_product_attention(q, k, v, attn_mask=added).transpose(1, 2).flatten(2)

    made = model(nodes, weights, ("N", TOKENS, WIDTH), 17)
    assert GraphView(made).shape("y") == (None, TOKENS, WIDTH)
    compare(made, same, FLAT)


@pytest.mark.parametrize("bias", [False, True])
def test_attention_of_the_runtime_with_three_inputs(bias: bool) -> None:
    weights = {name: noise(WIDTH, WIDTH, seed=i) for i, name in enumerate("ijk")} | {"b": noise(3 * WIDTH, seed=3)}
    nodes = [helper.make_node("MatMul", ["x", name], [to]) for name, to in zip("ijk", "qlv", strict=True)]
    inputs = ["q", "l", "v", *(["b"] if bias else [])]
    nodes.append(helper.make_node("MultiHeadAttention", inputs, ["y"], domain=MICROSOFT, num_heads=HEADS, scale=0.7))

    def same(x: Tensor) -> Tensor:
        added = (real(weights["b"]) * int(bias)).chunk(3)
        q, k, v = (apart(x @ real(weights[n]) + b) for n, b in zip("ijk", added, strict=True))
        return f.scaled_dot_product_attention(q, k, v, scale=0.7).transpose(1, 2).flatten(2)

    compare(model(nodes, weights, ("N", TOKENS, WIDTH), 17), same, FLAT)


@pytest.mark.parametrize("opset", [16, 17])
def test_norm_of_a_sum_and_the_sum_itself(opset: int) -> None:
    weights = {"c": noise(WIDTH, seed=3), "g": noise(WIDTH, seed=4), "s": noise(WIDTH, seed=5)}
    norm = helper.make_node(
        "SkipLayerNormalization", ["m", "x", "g", "s", "c"], ["n", "", "", "t"], domain=MICROSOFT, epsilon=1e-5
    )
    nodes = [helper.make_node("Tanh", ["x"], ["m"]), norm, helper.make_node("Mul", ["n", "t"], ["y"])]

    def same(x: Tensor) -> Tensor:
        total = torch.tanh(x) + x + real(weights["c"])
        return f.layer_norm(total, (WIDTH,), real(weights["g"]), real(weights["s"])) * total

    compare(model(nodes, weights, ("N", TOKENS, WIDTH), opset), same, FLAT)


def test_a_form_without_a_rule_is_named_by_what_hides_its_shape() -> None:
    weights = {"w": noise(WIDTH, WIDTH), "first": np.array(0)}
    nodes = [
        helper.make_node("Wish", ["x"], ["u"], domain=MICROSOFT),
        helper.make_node("Add", ["u", "x"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["y"], axis=1),
    ]
    assert has_rules(GraphView(model(nodes, weights, ("N", TOKENS, WIDTH), 17)), "logits", "x") == "Wish"
    nodes[0] = helper.make_node("QuickGelu", ["v"], ["u"], domain=MICROSOFT)
    nodes.insert(0, helper.make_node("Wish", ["w"], ["v"], domain=MICROSOFT))
    named = has_rules(GraphView(model(nodes, weights, ("N", TOKENS, WIDTH), 17)), "logits", "x")
    assert named == "Wish (the shape of its result is unknown)"

"""Layers whose tokens have no part in the answer are not offered, whatever way only the class token goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.bundle.structure.heard import heard_places
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier
from tests.unit.explain.block_graphs import SIDE, Net, opened

WIDTH = 8
NOISE = np.random.default_rng(2).standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)


def started(net: Net) -> str:
    """The picture as 16 tokens behind a class token, ``[n, 17, 8]``."""
    patches = net.op("Conv", "x", net.random(WIDTH, 3, 4, 4), strides=[4, 4])
    rows = net.op("Transpose", net.op("Reshape", patches, net.constant([0, WIDTH, -1], np.int64)), perm=[0, 2, 1])
    first = net.op("Slice", rows, *(net.constant([i], np.int64) for i in (0, 1, 1)))
    token = net.op("Mul", first, net.constant(0))
    return net.op("Concat", net.op("Add", token, net.random(1, 1, WIDTH)), rows, axis=1)


def mlp(net: Net, x: str) -> str:
    inner = net.op("Sigmoid", net.op("MatMul", x, net.random(WIDTH, 16)))
    return net.op("MatMul", inner, net.random(16, WIDTH))


def attended(net: Net, x: str, query: str = "") -> str:
    """Attention of one head; ``query`` in place of ``x`` asks."""
    q, k, v = (net.op("MatMul", source, net.random(WIDTH, WIDTH)) for source in (query or x, x, x))
    scores = net.op("MatMul", q, net.op("Transpose", k, perm=[0, 2, 1]))
    return net.op("MatMul", net.op("Softmax", scores, axis=-1), v)


def part(net: Net, x: str, start: int, end: int) -> str:
    return net.op("Slice", x, *(net.constant([i], np.int64) for i in (start, end, 1)))


def ended(net: Net, x: str) -> None:
    """The answer by the class token alone."""
    last = net.op("LayerNormalization", x, net.constant(np.ones(WIDTH)), axis=-1)
    token = net.op("Gather", last, net.constant(0, np.int64), axis=1)
    net.op("Gemm", token, net.random(WIDTH, 6), output="y")


def parallel(net: Net) -> str:
    """Two branches stacked and summed up."""
    x = net.op("Add", started(net), net.random(1, 17, WIDTH))
    x = net.op("Add", mlp(net, x), x, output="alive")
    x = net.op("Add", attended(net, x), x)
    branches = [net.op("Unsqueeze", mlp(net, x), net.constant([0], np.int64)) for _ in range(2)]
    total = net.op("ReduceSum", net.op("Concat", *branches, axis=0), net.constant([0], np.int64), keepdims=0)
    return net.op("Add", total, x)


def by_class(net: Net) -> str:
    """Only the class token asks, and is put back before the others."""
    x = net.op("Add", started(net), net.random(1, 17, WIDTH))
    x = net.op("Add", mlp(net, x), x, output="alive")
    token = attended(net, x, part(net, x, 0, 1))
    x = net.op("Add", net.op("Concat", token, part(net, x, 1, 1 << 30), axis=1), x)
    token = mlp(net, part(net, x, 0, 1))
    return net.op("Add", net.op("Concat", token, part(net, x, 1, 1 << 30), axis=1), x)


def as_rows(net: Net) -> str:
    """Each linear layer over the tokens of all pictures, one behind the other, as it is written with a free batch."""

    def linear(x: str, before: int, behind: int) -> str:
        rows = net.op("Reshape", x, net.constant([-1, before], np.int64))
        return net.op("Gemm", rows, net.random(before, behind), net.random(behind))

    def inner(x: str) -> str:
        again = net.constant([-1, 17, WIDTH], np.int64)
        return net.op("Reshape", linear(net.op("Sigmoid", linear(x, WIDTH, 16)), 16, WIDTH), again)

    x = net.op("Add", started(net), net.random(1, 17, WIDTH))
    x = net.op("Add", inner(x), x, output="alive")
    x = net.op("Add", attended(net, x), x)
    return net.op("Add", inner(x), x)


def with_rotated_query(net: Net) -> str:
    """Of the last attention's query only the tokens are turned, by a table of their places."""
    x = net.op("Add", started(net), net.random(1, 17, WIDTH))
    x = net.op("Add", mlp(net, x), x, output="alive")
    q, k, v = (net.op("MatMul", x, net.random(WIDTH, WIDTH)) for _ in range(3))
    turned = []
    for source in (q, k):
        tokens = part(net, source, 1, 1 << 30)
        half = [net.op("Slice", tokens, *(net.constant([i], np.int64) for i in (a, a + 4, 2))) for a in (0, 4)]
        other = net.op("Concat", net.op("Neg", half[1]), half[0], axis=2)
        sums = [net.op("Mul", one, net.random(1, 16, WIDTH)) for one in (tokens, other)]
        turned.append(net.op("Concat", part(net, source, 0, 1), net.op("Add", *sums), axis=1))
    scores = net.op("MatMul", turned[0], net.op("Transpose", turned[1], perm=[0, 2, 1]))
    return net.op("Add", net.op("MatMul", net.op("Softmax", scores, axis=-1), v), x)


@pytest.mark.parametrize("kind", [parallel, by_class, as_rows, with_rotated_query])
def test_every_layer_that_is_offered_is_heard(tmp_path: Path, kind: Callable[[Net], str]) -> None:
    net = Net()
    ended(net, kind(net))
    bundle = opened(tmp_path, net.model(opset=17))
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    found = [layer.tensor for layer in explainer.layers]
    run = explainer.sessions.gradient(NOISE, explainer.seed(1), found)
    assert [name for name in found if not run.gradients[name].any()] == []
    assert [layer.tensor for layer in layers(bundle) if layer.recommended] == ["alive"]


def test_what_is_heard_of_a_tensor_in_another_shape() -> None:
    """Of four bands of four rows the answer takes the second of these, and of the bands every other one."""
    net = Net()
    x = net.op("Conv", "x", net.random(4, 3, 1, 1), output="cells")
    windows = net.op("Reshape", x, net.constant([0, 4, 4, 4, SIDE], np.int64))
    net.op("Gather", windows, net.constant(1, np.int64), axis=3, output="second")
    net.op("Slice", "second", *(net.constant([i], np.int64) for i in (-1, -(1 << 40), 2, -2)), output="odd")
    net.op("Gemm", net.op("Flatten", "odd"), net.random(4 * 2 * SIDE, 6), output="y")
    found = heard_places(GraphView(net.model(opset=17), input_shape=(None, 3, SIDE, SIDE)), "y")
    mask = found["cells"]
    assert mask is not None
    rows = mask[2]
    assert rows is not None
    assert list(np.flatnonzero(rows)) == [5, 13]

"""Networks that mirror, turn, crop or frame the picture in the graph: cells are shown where they lie in it, or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from resnet_desktop.bundle.file.bundle import Bundle, read
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier

from .making import foreign_model, save

SIDE = 32
FAR = -(1 << 40)
RNG = np.random.default_rng(5)
WEIGHTS: dict[str, NDArray[Any]] = {
    "w0": RNG.standard_normal((6, 3, 3, 3)).astype(np.float32),
    "w1": RNG.standard_normal((6, 6, 3, 3)).astype(np.float32),
    "w": RNG.standard_normal((4, 6)).astype(np.float32),
    "two": np.array(2, np.float32),
}


def node(kind: str, inputs: Sequence[str], to: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [to], **attributes)


def net(source: str, prefix: str = "") -> list[onnx.NodeProto]:
    """Two convolutions of half the resolution each, and the probabilities ``{prefix}p``."""
    return [
        node("Conv", [source, "w0"], f"{prefix}c0", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", [f"{prefix}c0"], f"{prefix}r0"),
        node("Conv", [f"{prefix}r0", "w1"], f"{prefix}c1", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", [f"{prefix}c1"], f"{prefix}r1"),
        node("GlobalAveragePool", [f"{prefix}r1"], f"{prefix}g"),
        node("Flatten", [f"{prefix}g"], f"{prefix}f"),
        node("Gemm", [f"{prefix}f", "w"], f"{prefix}l", transB=1),
        node("Softmax", [f"{prefix}l"], f"{prefix}p"),
    ]


def opened(path: Path, before: Sequence[onnx.NodeProto], given: dict[str, NDArray[Any]], *, straight: bool) -> Bundle:
    """A network behind ``before``, which makes ``v`` of the picture, averaged with the plain one if ``straight``."""
    nodes = [*before, *net("v", "v")]
    if straight:
        nodes = [*net("x"), *nodes, node("Add", ["p", "vp"], "sum"), node("Div", ["sum", "two"], "y")]
    else:
        nodes[-1].output[0] = "y"
    model = foreign_model(nodes, WEIGHTS | given, shape=("N", 3, SIDE, SIDE))
    return read(save(path / "m.onnx", model))


def sliced(*cuts: tuple[int, int, int, int], source: str = "x", to: str = "v") -> tuple[Any, dict[str, NDArray[Any]]]:
    """A Slice: axis, start, end and step of each cut."""
    axes, starts, ends, steps = (np.array(column) for column in zip(*cuts, strict=True))
    names = [f"{to}.{part}" for part in ("starts", "ends", "axes", "steps")]
    return (
        [node("Slice", [source, *names], to)],
        dict(zip(names, (starts, ends, axes, steps), strict=True)),
    )


def rolled(by: int = 8) -> tuple[Any, dict[str, NDArray[Any]]]:
    (a, given_a), (b, given_b) = sliced((2, by, SIDE, 1), to="a"), sliced((2, 0, by, 1), to="b")
    return [*a, *b, node("Concat", ["a", "b"], "v", axis=2)], given_a | given_b


def mirrored_and_rolled() -> tuple[Any, dict[str, NDArray[Any]]]:
    nodes, given = rolled()
    nodes[-1].output[0] = "rolled"
    flip, more = sliced((2, -1, FAR, -1), source="rolled")
    return [*nodes, *flip], given | more


def gathered() -> tuple[Any, dict[str, NDArray[Any]]]:
    return [node("Gather", ["x", "places"], "v", axis=3)], {"places": np.arange(SIDE)[::-1].copy()}


RIGHT = {
    "as it is": ([node("Identity", ["x"], "v")], {}),
    "mirrored": sliced((3, -1, FAR, -1)),
    "upside down": sliced((2, -1, FAR, -1)),
    "turned round": sliced((2, -1, FAR, -1), (3, -1, FAR, -1)),
    "transposed": ([node("Transpose", ["x"], "v", perm=[0, 1, 3, 2])], {}),
    "turned by a quarter": (
        [node("Transpose", ["x"], "t", perm=[0, 1, 3, 2]), *sliced((3, -1, FAR, -1), source="t")[0]],
        sliced((3, -1, FAR, -1), source="t")[1],
    ),
    "mirrored by places": gathered(),
    "mirrored by sequence": (
        [
            node("Transpose", ["x"], "t", perm=[3, 1, 0, 2]),
            node("ReverseSequence", ["t", "lengths"], "u", time_axis=0, batch_axis=1),
            node("Transpose", ["u"], "v", perm=[2, 1, 3, 0]),
        ],
        {"lengths": np.full(3, SIDE)},
    ),
    "rolled": rolled(),
    "rolled and mirrored": mirrored_and_rolled(),
    "framed by little": ([node("Pad", ["x", "pads"], "v")], {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}),
    "of half the size": sliced((2, 0, SIDE, 2), (3, 1, SIDE, 2)),
    "enlarged": ([node("Resize", ["x", "", "sizes"], "v")], {"sizes": np.array([1, 1, 1.5, 1.5], np.float32)}),
    "mirrored and enlarged": (
        [*sliced((3, -1, FAR, -1), to="u")[0], node("Resize", ["u", "", "sizes"], "v")],
        sliced((3, -1, FAR, -1), to="u")[1] | {"sizes": np.array([1, 1, 1.5, 1.5], np.float32)},
    ),
}
ELSEWHERE = {
    "cropped at a corner": sliced((2, 0, 24, 1), (3, 0, 24, 1)),
    "cropped in the middle": sliced((2, 8, 24, 1), (3, 8, 24, 1)),
    "cropped and enlarged": (
        [*sliced((2, 8, 24, 1), (3, 8, 24, 1), to="u")[0], node("Resize", ["u", "", "sizes"], "v")],
        sliced((2, 8, 24, 1), (3, 8, 24, 1), to="u")[1] | {"sizes": np.array([1, 1, 2, 2], np.float32)},
    ),
    "every other of a half": sliced((2, 0, SIDE // 2, 2), (3, 0, SIDE // 2, 2)),
    "framed": ([node("Pad", ["x", "pads"], "v")], {"pads": np.array([0, 0, 8, 8, 0, 0, 0, 0])}),
    "framed and mirrored by places": (
        [node("Pad", ["x", "pads"], "u"), node("Gather", ["u", "places"], "v", axis=3)],
        {"pads": np.array([0, 0, 0, 8, 0, 0, 0, 0]), "places": np.arange(SIDE + 8)[::-1].copy()},
    ),
    "mirrored band by band": (
        [
            node("Reshape", ["x", "bands"], "t"),
            *sliced((3, -1, FAR, -1), source="t", to="u")[0],
            node("Reshape", ["u", "back"], "v"),
        ],
        sliced((3, -1, FAR, -1), source="t", to="u")[1]
        | {"bands": np.array([0, 3, 2, 16, SIDE]), "back": np.array([0, 3, SIDE, SIDE])},
    ),
    "rolled by half a cell": rolled(9),
    "framed by a tensor": ([node("Concat", ["x", "frame"], "v", axis=3)], {"frame": np.zeros((1, 3, SIDE, 8), "f4")}),
    "twice side by side": ([node("Concat", ["x", "x"], "v", axis=3)], {}),
    "tiled": ([node("Tile", ["x", "often"], "v")], {"often": np.array([1, 1, 2, 2])}),
    "halves exchanged with one mirrored": (
        [
            *sliced((3, 0, 16, 1), to="a")[0],
            *sliced((3, SIDE - 1, 15, -1), to="b")[0],
            node("Concat", ["b", "a"], "v", axis=3),
        ],
        sliced((3, 0, 16, 1), to="a")[1] | sliced((3, SIDE - 1, 15, -1), to="b")[1],
    ),
    "warped": (
        [node("GridSample", ["x", "grid"], "v")],
        {"grid": RNG.uniform(-1, 1, (1, SIDE, SIDE, 2)).astype(np.float32)},
    ),
    "mixed with its mirror": (
        [*sliced((3, -1, FAR, -1), to="u")[0], node("Add", ["x", "u"], "v")],
        sliced((3, -1, FAR, -1), to="u")[1],
    ),
}


def seen_at(explainer: Explainer, tensors: Sequence[str], row: int, column: int) -> dict[str, tuple[float, float]]:
    """Where in the picture, from 0 to 1, the maps of layers show that a small patch has changed."""
    x = RNG.standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)
    y = x.copy()
    y[:, :, row : row + 4, column : column + 4] += 3
    before, after = (explainer.sessions.activations(one, tensors) for one in (x, y))
    found = {}
    for name in tensors:
        change = np.abs(after[name] - before[name]).sum((0, 1))
        rows, columns = ((np.arange(size) + 0.5) / size for size in change.shape)
        found[name] = float(change.sum(1) @ rows / change.sum()), float(change.sum(0) @ columns / change.sum())
    return found


@pytest.mark.parametrize("straight", [False, True])
@pytest.mark.parametrize("case", RIGHT)
def test_cells_are_shown_where_they_lie(tmp_path: Path, case: str, straight: bool) -> None:
    nodes, given = RIGHT[case]
    bundle = opened(tmp_path, nodes, given, straight=straight)
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    found = {layer.tensor: layer for layer in explainer.layers}
    assert {"vr0", "vr1"} <= set(found)
    for row, column in ((4, 8), (20, 12), (12, 24)):
        for name, place in seen_at(explainer, tuple(found), row, column).items():
            tolerance = 1 / min(found[name].shape[1:])  # a cell
            assert np.allclose(place, ((row + 2) / SIDE, (column + 2) / SIDE), atol=tolerance), (name, place)


def test_the_closed_form_is_not_taken_of_a_mirrored_picture(tmp_path: Path) -> None:
    assert opened(tmp_path, *RIGHT["as it is"], straight=False).features is not None
    assert opened(tmp_path, *RIGHT["mirrored"], straight=False).features is None
    (last,) = [x for x in layers(opened(tmp_path, *RIGHT["mirrored"], straight=False)) if x.recommended]
    assert "mirrored" in last.note


@pytest.mark.parametrize("case", ELSEWHERE)
def test_what_lies_elsewhere_is_not_offered(tmp_path: Path, case: str) -> None:
    nodes, given = ELSEWHERE[case]
    bundle = opened(tmp_path, nodes, given, straight=True)
    found = layers(bundle)
    assert {layer.tensor for layer in found}.isdisjoint(("vr0", "vr1"))
    assert [layer.tensor for layer in found if layer.recommended] == ["r1"]
    alone = opened(tmp_path, nodes, given, straight=False)
    assert {layer.tensor for layer in layers(alone)}.isdisjoint(("vr0", "vr1"))
    assert alone.features is None

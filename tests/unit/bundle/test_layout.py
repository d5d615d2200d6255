"""Which axes of a tensor are channels, rows and columns: by the operators, never by its rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from onnx import helper

from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.structure.axes import Axis, Factor, cut, joined, picture_axes, reshaped, single
from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.bundle.structure.grids import grid_of
from tests.unit.bundle.making import foreign_model, save

Array = NDArray[Any]
RNG = np.random.default_rng(0)


def node(kind: str, inputs: Sequence[str], to: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [to], **attributes)


def noise(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def head(source: str, *, axes: Sequence[int] = (1, 2)) -> list[onnx.NodeProto]:
    return [
        node("ReduceMean", [source], "pooled", axes=list(axes), keepdims=0),
        node("Gemm", ["pooled", "w"], "y", transB=1),
    ]


def keras(end: str = "HardSwish") -> onnx.ModelProto:
    """A convolution between transposes and an activation of channels at the end, as tf2onnx writes them."""
    nodes = [
        node("Conv", ["x", "w0"], "conv/nchw", pads=[1, 1, 1, 1]),
        node("Transpose", ["conv/nchw"], "conv", perm=[0, 2, 3, 1]),
        node("Add", ["conv", "bias"], "biased"),
        node(end, ["biased"], "act"),
        node("Transpose", ["act"], "act/nchw", perm=[0, 3, 1, 2]),
        node("Conv", ["act/nchw", "w1"], "conv_1/nchw", pads=[1, 1, 1, 1]),
        node("Transpose", ["conv_1/nchw"], "conv_1", perm=[0, 2, 3, 1]),
        node(end, ["conv_1"], "act_1"),
        node("Concat", ["act", "act_1"], "joined", axis=3),
        *head("joined"),
    ]
    weights = {"w0": noise(7, 3, 3, 3), "bias": noise(7), "w1": noise(5, 7, 3, 3), "w": noise(4, 12)}
    return foreign_model(nodes, weights)


def test_channels_at_the_end_are_channels(tmp_path: Path) -> None:
    bundle = read(save(tmp_path / "m.onnx", keras()))
    found = {layer.tensor: layer for layer in layers(bundle)}
    assert {name: (layer.kind, layer.shape) for name, layer in found.items()} == {
        "act": ("activation", (7, 16, 16)),
        "act_1": ("activation", (5, 16, 16)),
        "joined": ("concatenation", (12, 16, 16)),
    }
    assert [name for name, layer in found.items() if layer.recommended] == ["joined"]
    assert not any(layer.note for layer in found.values())
    grid = bundle.view.layout.grid("act")
    assert grid is not None
    values = noise(2, 16, 16, 7)
    assert np.array_equal(grid.picture(values), values.transpose(0, 3, 1, 2))


def test_a_hard_swish_that_is_written_out_is_one_layer(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w0"], "conv/nchw"),
        node("Transpose", ["conv/nchw"], "conv", perm=[0, 2, 3, 1]),
        node("Add", ["conv", "three"], "shifted"),
        node("Clip", ["shifted", "nothing", "six"], "relu6"),
        node("Mul", ["relu6", "sixth"], "gate"),
        node("Mul", ["conv", "gate"], "swish"),
        *head("swish"),
    ]
    numbers = {"three": 3, "nothing": 0, "six": 6, "sixth": 1 / 6}
    weights = {name: np.array(value, np.float32) for name, value in numbers.items()}
    bundle = read(
        save(tmp_path / "m.onnx", foreign_model(nodes, weights | {"w0": noise(7, 3, 1, 1), "w": noise(4, 7)}))
    )
    assert [(layer.tensor, layer.shape) for layer in layers(bundle)] == [("swish", (7, 16, 16))]


def test_the_closed_form_reaches_through_the_last_transpose(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w0"], "conv"),
        node("Relu", ["conv"], "relu"),
        node("Transpose", ["relu"], "last", perm=[0, 2, 3, 1]),
        *head("last"),
    ]
    bundle = read(save(tmp_path / "m.onnx", foreign_model(nodes, {"w0": noise(7, 3, 3, 3), "w": noise(4, 7)})))
    assert bundle.features is not None
    assert (bundle.features.name, bundle.features.channels) == ("relu", 7)
    assert [layer.name for layer in layers(bundle) if layer.recommended] == ["relu"]


def layout_of(
    nodes: Sequence[onnx.NodeProto], weights: Mapping[str, Array] | None = None, shape: Any = None
) -> GraphView:
    model = foreign_model(list(nodes), dict(weights or {}))
    return GraphView(model, input_shape=shape)


@pytest.mark.parametrize(("perm", "layout"), [([0, 1, 2, 3], "nchw"), ([0, 3, 1, 2], "nhwc"), ([0, 2, 3, 1], None)])
def test_how_pictures_are_put_in_is_what_the_first_convolution_reads(perm: list[int], layout: str | None) -> None:
    nodes = [
        node("Mul", ["x", "scale"], "scaled"),
        node("Transpose", ["scaled"], "turned", perm=perm),
        node("Conv", ["turned", "w0"], "conv"),
        *head("conv", axes=(2, 3)),
    ]
    weights = {"scale": np.ones(1, np.float32), "w0": noise(7, 3, 1, 1), "w": noise(4, 7)}
    shape = (None, 3, 16, 16) if layout != "nhwc" else (None, 16, 16, 3)
    assert layout_of(nodes, weights, shape).layout.input == layout


def test_a_tensor_of_which_nothing_says_what_it_is_is_no_layer(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w0"], "conv"),
        node("Relu", ["conv"], "relu"),
        node("Reshape", ["relu", "odd"], "odd_shape"),
        node("Relu", ["odd_shape"], "unknown"),
        node("ReduceMean", ["unknown"], "pooled", axes=[2, 3], keepdims=0),
        node("Gemm", ["pooled", "w"], "y", transB=1),
    ]
    # 6 channels of 16 x 16 are cut across: 8 x 12 x 16.
    weights = {"w0": noise(6, 3, 1, 1), "odd": np.array([-1, 8, 12, 16]), "w": noise(4, 8)}
    bundle = read(save(tmp_path / "m.onnx", foreign_model(nodes, weights)))
    assert [layer.tensor for layer in layers(bundle)] == ["relu"]


def test_products_of_all_cells_with_all_are_no_grid() -> None:
    nodes = [
        node("Conv", ["x", "w0"], "conv"),
        node("Reshape", ["conv", "flat"], "rows"),
        node("Transpose", ["rows"], "columns", perm=[0, 2, 1]),
        node("MatMul", ["columns", "rows"], "scores"),
        node("Softmax", ["scores"], "weights"),
        node("MatMul", ["rows", "weights"], "mixed"),
        node("Reshape", ["mixed", "back"], "again"),
        *head("again", axes=(2, 3)),
    ]
    given = {"w0": noise(7, 3, 1, 1), "flat": np.array([0, 7, -1]), "back": np.array([0, 7, 16, 16]), "w": noise(4, 7)}
    layout = layout_of(nodes, given, (None, 3, 16, 16)).layout
    assert layout.grid("scores") is None
    assert layout.grid("weights") is None
    shapes = [None if grid is None else (grid.shape, grid.tokens) for grid in map(layout.grid, ("columns", "again"))]
    assert shapes == [((7, 16, 16), True), ((7, 16, 16), False)]


def test_windows_rolls_and_tokens_are_undone() -> None:
    """The way there in NumPy, and the way back that its axes say."""
    picture = noise(2, 5, 8, 12)
    axes = picture_axes((None, 5, 8, 12))
    rolled = np.roll(picture, -3, 2)
    row = joined([cut(axes[2], 3, 5, 1), cut(axes[2], 0, 3, 1)])
    assert row is not None
    turned = (axes[0], row, axes[3], axes[1])
    split = reshaped(turned, (None, 2, 4, 3, 4, 5))
    assert split is not None
    windows = reshaped(tuple(split[i] for i in (0, 1, 3, 2, 4, 5)), (None, 16, 5))
    assert windows is not None
    there = rolled.transpose(0, 2, 3, 1).reshape(2, 2, 4, 3, 4, 5).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 16, 5)
    grid = grid_of(windows, (None, 16, 5))
    assert grid is not None
    assert grid.windowed
    assert np.array_equal(grid.picture(there), picture)
    tokens = (axes[0], Axis((*axes[2].factors, *axes[3].factors), before=2, after=1), axes[1])
    flat = picture.reshape(2, 5, -1).transpose(0, 2, 1)
    beside = noise(2, 3, 5)
    grid = grid_of(tokens, (None, 99, 5))
    assert grid is not None
    assert grid.left_out == 3
    assert "3 tokens" in grid.note
    assert np.array_equal(grid.picture(np.concatenate([beside[:, :2], flat, beside[:, 2:]], 1)), picture)


def test_a_grid_that_is_not_whole_is_none() -> None:
    axes = picture_axes((None, 5, 8, 12))
    assert grid_of((*axes[:2], cut(axes[2], 1, 5, 1), axes[3]), (None, 5, 5, 12)) is None
    assert grid_of((*axes[:2], single("unknown", 8), axes[3]), (None, 5, 8, 12)) is None
    inner = Axis((Factor("row", 4, 1),)), Axis((Factor("row", 2, 8),))
    assert grid_of((axes[0], *inner, axes[3]), (None, 4, 2, 12)) is None
    assert grid_of(picture_axes((None, 5, 1, 1)), (None, 5, 1, 1)) is None
    assert reshaped(axes, (None, 7, 69)) is None


def test_shapes_that_the_graph_computes_are_known() -> None:
    """Shape, Gather, Div, Cast, Concat and Reshape, as the exporter by tracing writes a window's view."""
    nodes = [
        node("Conv", ["x", "w0"], "conv"),
        node("Shape", ["conv"], "shape"),
        node("Gather", ["shape", "zero"], "n"),
        node("Gather", ["shape", "three"], "width"),
        helper.make_node("Cast", ["width"], ["width/float"], to=onnx.TensorProto.FLOAT),
        node("Div", ["width/float", "four/float"], "quarter/float"),
        node("Floor", ["quarter/float"], "quarter/whole"),
        helper.make_node("Cast", ["quarter/whole"], ["quarter"], to=onnx.TensorProto.INT64),
        node("Mul", ["n", "quarter"], "rows"),
        node("Unsqueeze", ["rows", "zeros"], "rows/1"),
        node("Unsqueeze", ["quarter", "zeros"], "quarter/1"),
        node("Concat", ["rows/1", "seven", "minus"], "wanted", axis=0),
        node("Reshape", ["conv", "wanted"], "windows"),
        node("Flatten", ["x"], "flat"),
        node("Gemm", ["flat", "w"], "y", transB=1),
    ]
    weights = {
        "w0": noise(7, 3, 1, 1),
        "zero": np.array(0),
        "three": np.array(3),
        "four/float": np.array(4, np.float32),
        "zeros": np.array([0]),
        "seven": np.array([7]),
        "minus": np.array([-1]),
        "w": noise(4, 3 * 16 * 16),
    }
    view = layout_of(nodes, weights, (None, 3, 16, 16))
    assert view.shape("windows") == (None, 7, 64)
    assert view.integers("quarter/1") == [4]
    assert view.is_constant("quarter")
    assert not view.is_constant("rows")
    assert view.integers("rows/1") is None


def test_the_grid_of_a_keras_like_graph_is_what_the_runtime_gives(tmp_path: Path) -> None:
    model = keras("Relu")
    view = GraphView(model, input_shape=(None, 3, 16, 16))
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in ("act", "conv/nchw"))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    act, conv = session.run(["act", "conv/nchw"], {"x": noise(2, 3, 16, 16)})
    grid = view.layout.grid("act")
    assert grid is not None
    bias = next(onnx.numpy_helper.to_array(t) for t in model.graph.initializer if t.name == "bias")
    assert np.allclose(grid.picture(act), np.maximum(conv + bias[:, None, None], 0), atol=1e-6)

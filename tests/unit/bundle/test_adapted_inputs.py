"""Beginnings of other people's graphs: layouts, types, sizes and channels, against the file as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
from onnx import TensorProto

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import Bundle, Chosen, serialized, write
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.file.summary import summarize
from resnet_desktop.core.errors import ModelError
from resnet_desktop.explain.cam.explainer import Explainer
from resnet_desktop.inference.classifier import Classifier
from tests.unit.explain.graphs import error

from .elsewhere import CLASSES, FLOAT, Array, Graph, app, codes, opened, pictures, softmax, started, theirs
from .making import LABELS, SIDE, metadata, random_arrays, run

CLOSE = 1e-5
_TO_FRONT = [0, 3, 1, 2]


def channels_last(**given: Any) -> Graph:
    """As TensorFlow's converters write it: pictures are turned round first."""
    graph = Graph(**given)
    graph.add("Transpose", ["x"], "front", perm=_TO_FRONT)
    graph.body("front")
    return graph


def model_of(graph: Graph, shape: tuple[Any, ...], **given: Any) -> onnx.ModelProto:
    return graph.model([("scores", FLOAT, ("N", CLASSES))], shape=shape, **given)


def agrees(bundle: Bundle, model: onnx.ModelProto, x: Array, given: Array, close: float = CLOSE) -> None:
    """Compare the app's answers on prepared pictures with the file's own on what it takes."""
    assert np.abs(app(bundle, x) - softmax(theirs(model, given, "scores"))).max() < close


@pytest.mark.parametrize(
    "shape", [("N", 16, 16, 3), ("N", None, None, 3), (-1, -1, -1, 3), ("N", "h", "w", 3), ("N", None, None, None)]
)
def test_channels_last(tmp_path: Path, shape: tuple[Any, ...]) -> None:
    """A free side is never taken for the channels."""
    model = model_of(channels_last(), shape)
    bundle = opened(tmp_path, model)
    side = 16 if 16 in shape else 224
    assert bundle.input_shape == (3, side, side)
    x = pictures(bundle)
    agrees(bundle, model, x, x.transpose(0, 2, 3, 1))
    assert "layout_nhwc" in codes(bundle.notes)
    assert codes(bundle.doubts) == []


def test_a_heatmap_behind_channels_last(tmp_path: Path) -> None:
    """Layers keep their names and lie as they are; the gradient is that of finite differences."""
    graph = channels_last()
    model = model_of(graph, ("N", 16, 16, 3))
    bundle = opened(tmp_path, model)
    found = {layer.tensor: layer.shape for layer in layers(bundle)}
    assert found["relu"] == (6, 7, 7)
    explainer = Explainer(Classifier(bundle, provider="cpu"))
    x = pictures(bundle, 1)
    run_ = explainer.sessions.gradient(x, explainer.seed(1), ["relu"])
    weights = graph.weights["w"][1][None, :, None, None] / 49
    assert error(run_.gradients["relu"], np.broadcast_to(weights, (1, 6, 7, 7))) < CLOSE


@pytest.mark.parametrize("shape", [("N", 3, None, None), ("N", 3, -1, -1), (-1, 3, 0, 0), ("N", None, None, None)])
def test_free_sides(tmp_path: Path, shape: tuple[Any, ...]) -> None:
    model = model_of(started(), shape)
    bundle = opened(tmp_path, model)
    assert bundle.input_shape == (3, 224, 224)
    assert "free_size" in codes(bundle.notes)
    if 0 not in shape:
        x = pictures(bundle, 2)
        agrees(bundle, model, x, x)
    smaller = opened(tmp_path, model, Chosen(size=(32, 48)))
    assert smaller.input_shape == (3, 32, 48)
    if 0 not in shape:
        x = pictures(smaller, 2)
        agrees(smaller, model, x, x)


def test_sides_that_are_not_equal(tmp_path: Path) -> None:
    model = model_of(started(), ("N", 3, 16, 24))
    bundle = opened(tmp_path, model)
    assert bundle.input_shape == (3, 16, 24)
    assert bundle.metadata.transforms.size == (16, 24)
    photo = np.random.default_rng(0).integers(0, 256, (40, 70, 3), np.uint8)
    classifier = Classifier(bundle, provider="cpu")
    found = classifier.classify_pixels(photo)
    prepared = bundle.metadata.transforms.apply(photo)
    assert prepared.shape == (3, 16, 24)
    assert np.abs(found.probabilities - softmax(theirs(model, prepared[None], "scores"))[0]).max() < CLOSE


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_types(tmp_path: Path, kind: int, last: bool) -> None:
    graph = Graph()
    graph.add("Cast", ["x"], "real", to=FLOAT)
    if last:
        graph.add("Transpose", ["real"], "front", perm=_TO_FRONT)
    graph.add("Div", ["front" if last else "real", graph.constant("scale", np.float32(255))], "unit")
    graph.body("unit")
    model = model_of(graph, ("N", 16, 16, 3) if last else ("N", 3, 16, 16), dtype=kind)
    bundle = opened(tmp_path, model)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 3, 16, 16)).astype(np.float32)
    given = pixels.transpose(0, 2, 3, 1) if last else pixels
    agrees(bundle, model, pixels, given.astype(onnx.helper.tensor_dtype_to_np_dtype(kind)), 1e-4)
    if kind == TensorProto.UINT8:  # what it takes are pixels as they are, and halves are rounded, not cut off
        photo = np.full((40, 40, 3), (200, 10, 77), np.uint8)
        assert np.abs(bundle.metadata.transforms.apply(photo)[:, 3, 3] - photo[3, 3]).max() < 1e-3
        agrees(bundle, model, np.clip(pixels + 0.4, 0, 255), given.astype(np.uint8), 1e-4)


def in_whole_numbers(kind: int, scale: float, zero: int) -> onnx.ModelProto:
    """As a full-integer export begins: channels last, and whole numbers that are made real ones."""
    graph = Graph()
    value = np.array(zero, onnx.helper.tensor_dtype_to_np_dtype(kind))
    graph.add("Transpose", ["x"], "front", perm=_TO_FRONT)
    graph.constant("scale", np.array([scale], np.float32))
    graph.add("DequantizeLinear", ["front", "scale", graph.constant("zero", value.reshape(1))], "real")
    graph.body("real")
    return model_of(graph, ("N", 16, 16, 3), dtype=kind)


@pytest.mark.parametrize(("scale", "zero"), [(1 / 255, -128), (2 / 255, -1), (1.0, -128)])
def test_bytes_from_minus_128_on(tmp_path: Path, scale: float, zero: int) -> None:
    """As TensorFlow Lite has pictures: bytes less 128, whatever range they stand for."""
    model = in_whole_numbers(TensorProto.INT8, scale, zero)
    bundle = opened(tmp_path, model)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 3, 16, 16)).astype(np.float32)
    given = (pixels - 128).transpose(0, 2, 3, 1).astype(np.int8)
    agrees(bundle, model, pixels + 0.4, given, 1e-4)
    agrees(bundle, model, pixels - 0.4, given, 1e-4)
    photo = np.full((40, 40, 3), (200, 10, 77), np.uint8)
    assert np.abs(bundle.metadata.transforms.apply(photo)[:, 3, 3] - photo[3, 3]).max() < 1e-3


@pytest.mark.parametrize(("kind", "zero"), [(TensorProto.INT8, -14), (TensorProto.UINT8, 114)])
def test_prepared_pictures_in_whole_numbers(tmp_path: Path, kind: int, zero: int) -> None:
    """Measured on pictures prepared as ImageNet's: no bytes of pixels, though they have the type."""
    scale = 0.0187
    model = in_whole_numbers(kind, scale, zero)
    bundle = opened(tmp_path, model)
    x = np.clip(pictures(bundle), -2, 2)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
    whole = (np.round(x / np.float32(scale)) + zero).astype(dtype)
    agrees(bundle, model, x, whole.transpose(0, 2, 3, 1), 1e-4)
    assert bundle.metadata.transforms.mean == pytest.approx((0.485, 0.456, 0.406))
    assert "by its own scale" in next(note.message for note in bundle.notes if note.code == "input_type")


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("opset", [11, 17])
def test_grey(tmp_path: Path, last: bool, opset: int) -> None:
    graph = channels_last(channels=1) if last else started(channels=1)
    model = model_of(graph, ("N", 16, 16, 1) if last else ("N", 1, 16, 16), opset=opset)
    bundle = opened(tmp_path, model)
    assert bundle.input_shape == (3, 16, 16)
    x = pictures(bundle)
    grey = (x * np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]).sum(axis=1, keepdims=True)
    agrees(bundle, model, x, grey.transpose(0, 2, 3, 1) if last else grey)
    assert len(set(bundle.metadata.transforms.mean)) == 1


def test_the_layout_that_is_told(tmp_path: Path) -> None:
    """A graph that flattens its pictures at once shows nothing; what the user says holds, and only that."""
    graph = Graph()
    graph.add("Flatten", ["x"], "flat")
    graph.constant("w", np.random.default_rng(2).standard_normal((CLASSES, 27)).astype(np.float32))
    graph.add("Gemm", ["flat", "w"], "scores", transB=1)
    model = model_of(graph, ("N", 3, 3, 3))
    assert codes(opened(tmp_path, model).doubts) == ["layout_assumed"]
    for order, perm in (("nchw", (0, 1, 2, 3)), ("nhwc", (0, 2, 3, 1))):
        bundle = opened(tmp_path, model, Chosen(layout=order))  # type: ignore[arg-type]
        x = pictures(bundle)
        agrees(bundle, model, x, x.transpose(perm))
        assert codes(bundle.doubts) == []


def test_a_layout_that_cannot_be_is_refused(tmp_path: Path) -> None:
    model = model_of(started(), ("N", 3, 16, 16))
    with pytest.raises(ModelError, match=r"\[any, 3, 16, 16\] cannot be nhwc; it is nchw"):
        opened(tmp_path, model, Chosen(layout="nhwc"))


@pytest.mark.parametrize("shape", [("N", 4, 16, 16), ("N", 16, 16, 7), ("N", 3, 16), (1, 5, 3, 16, 16), ("N", 27)])
def test_what_takes_no_pictures_says_what_it_takes(tmp_path: Path, shape: tuple[Any, ...]) -> None:
    with pytest.raises(ModelError, match="an image classifier takes"):
        opened(tmp_path, model_of(started(), shape))


def test_further_inputs_are_named(tmp_path: Path) -> None:
    graph = started()
    graph.add("Mul", ["scores", "keep_prob"], "kept")
    model = graph.model([("kept", FLOAT, ("N", CLASSES))])
    model.graph.input.append(onnx.helper.make_tensor_value_info("keep_prob", FLOAT, []))
    with pytest.raises(ModelError, match="has 2: x, keep_prob"):
        opened(tmp_path, model)


@pytest.mark.parametrize(("ir", "opset"), [(14, 17), (14, 28), (10, 27), (3, 9)])
def test_versions(tmp_path: Path, ir: int, opset: int) -> None:
    """Newer numbers are lowered where the operators are the same; the oldest files list their weights as inputs."""
    graph = started()
    model = model_of(graph, ("N", 3, 16, 16), ir=ir, opset=opset)
    if ir == 3:
        for name, array in graph.weights.items():
            model.graph.input.append(onnx.helper.make_tensor_value_info(name, FLOAT, array.shape))
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    plain = model_of(started(), ("N", 3, 16, 16))
    agrees(bundle, plain, x, x)
    assert run(serialized(bundle), x)[0].shape == (3, CLASSES)


@pytest.mark.parametrize("version", [1, 23])
def test_functions_of_the_models_own(version: int, tmp_path: Path) -> None:
    """Written out, also where one calls another, and names another version of its own domain than the model does."""
    graph = started()
    nodes = [onnx.helper.make_node("Twice", ["scores"], ["y"], domain="own")]
    graph.nodes += nodes
    model = graph.model([("y", FLOAT, ("N", CLASSES))], domains=[("own", 1)])
    sets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("own", version)]
    add = onnx.helper.make_function("own", "Sum", ["a"], ["b"], [onnx.helper.make_node("Add", ["a", "a"], ["b"])], sets)
    call = [onnx.helper.make_node("Sum", ["a"], ["b"], domain="own")]
    model.functions.extend([onnx.helper.make_function("own", "Twice", ["a"], ["b"], call, sets), add])
    bundle = opened(tmp_path, model)
    x = pictures(bundle)
    plain = model_of(started(), ("N", 3, 16, 16))
    assert np.abs(app(bundle, x) - softmax(2 * theirs(plain, x, "scores"))).max() < CLOSE
    assert [layer.name for layer in layers(bundle)][-1] == "relu"


def test_functions_in_a_circle_are_refused(tmp_path: Path) -> None:
    graph = started()
    graph.nodes.append(onnx.helper.make_node("A", ["scores"], ["y"], domain="own"))
    model = graph.model([("y", FLOAT, ("N", CLASSES))], domains=[("own", 1)])
    sets = [onnx.helper.make_opsetid("own", 1)]
    for name, other in (("A", "B"), ("B", "A")):
        call = [onnx.helper.make_node(other, ["a"], ["b"], domain="own")]
        model.functions.append(onnx.helper.make_function("own", name, ["a"], ["b"], call, sets))
    with pytest.raises(ModelError, match="calls itself"):
        opened(tmp_path, model)


def test_a_network_of_ours_whose_norms_were_folded(tmp_path: Path) -> None:
    """It is no longer what the trainer builds, so that it goes as a network from elsewhere, with its own labels."""
    arch = ARCHITECTURES["resnet18"]
    model = build_resnet(arch, random_arrays(arch, len(LABELS)), height=SIDE, width=SIDE)
    ours = write(tmp_path / "ours.onnx", model, metadata(arch=arch.name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    onnxruntime.InferenceSession(ours.path.read_bytes(), options, providers=["CPUExecutionProvider"])
    folded = onnx.load(tmp_path / "folded.onnx")
    assert not any(node.op_type == "BatchNormalization" for node in folded.graph.node)
    del folded.metadata_props[:]
    folded.metadata_props.extend(onnx.load(ours.path).metadata_props)
    bundle = opened(tmp_path, folded)
    assert (bundle.metadata.arch, bundle.metadata.categories) == (None, LABELS)
    x = pictures(bundle)
    assert np.abs(app(bundle, x) - app(ours, x)).max() < 1e-4
    assert sum(layer.residual for layer in layers(bundle)) > 5, [one.name for one in layers(bundle)]


def test_what_the_app_puts_before_a_graph_is_no_layer_and_no_part_of_it(tmp_path: Path) -> None:
    graph = Graph()
    graph.add("Cast", ["x"], "real", to=FLOAT)
    graph.add("Transpose", ["real"], "front", perm=_TO_FRONT)
    graph.body("front")
    graph.add("Sigmoid", ["scores"], "p")
    bounds = [graph.constant("low", np.float32(1e-6)), graph.constant("high", np.float32(1))]
    graph.add("Clip", ["p", *bounds], "y")
    model = graph.model([("y", FLOAT, ("N", CLASSES))], shape=("N", 16, 16, 3), dtype=TensorProto.UINT8)
    bundle = opened(tmp_path, model)
    assert [layer.name for layer in layers(bundle)] == ["relu"]
    assert [row.name for row in summarize(bundle).rows] == ["conv", "scores"]

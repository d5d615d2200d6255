"""Layers that can be explained, and the summary of a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file.bundle import read, write
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.bundle.file.summary import summarize
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.bundle.structure.graph_view import GraphView, readable_name
from resnet_desktop.imaging.transforms import Transforms

from .making import foreign_model, images, plain_classifier, random_arrays, run, save


def test_layers_of_a_bundle(tmp_path: Path) -> None:
    arch = ARCHITECTURES["resnet18"]
    model = build_resnet(arch, random_arrays(arch, 3), height=64, width=64)
    meta = Metadata(arch="resnet18", categories=("a", "b", "c"), transforms=Transforms(resize=72, crop=64))
    bundle = write(tmp_path / "m.onnx", model, meta)
    found = layers(bundle)
    assert [layer.name for layer in found] == ["relu", "maxpool", *(block.name for block in arch.blocks)]
    # 2 x 2 cells are coarse: the stage before is where to start.
    assert [layer.name for layer in found if layer.recommended] == ["layer3.1"]
    assert all(layer.residual == layer.name.startswith("layer") for layer in found)
    assert found[-3].as_dict() == {
        "name": "layer3.1",
        "kind": "residual block",
        "shape": [256, 4, 4],
        "residual": True,
        "recommended": True,
        "note": "",
    }
    outputs = run(model.SerializeToString(), images(1, 64))
    assert outputs[0].shape == (1, 3)
    rows = summarize(bundle).rows
    assert [row.name for row in rows] == ["conv1", "maxpool", *(b.name for b in arch.blocks), "avgpool", "fc"]


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [("resnet18", 11_689_512, 1_814_073_344), ("resnet50", 25_557_032, 4_089_184_256)],
)
def test_totals_are_the_published_ones(tmp_path: Path, name: str, parameters: int, multiply_adds: int) -> None:
    arch = ARCHITECTURES[name]
    model = build_resnet(arch, random_arrays(arch, 1000), height=224, width=224)
    labels = tuple(f"label {i}" for i in range(1000))
    summary = summarize(
        write(tmp_path / "m.onnx", model, Metadata(arch=name, categories=labels, transforms=Transforms()))
    )
    assert summary.total_parameters == parameters
    assert summary.total_multiply_adds == multiply_adds
    assert sum(row.parameters for row in summary.rows) == parameters
    assert summary.rows[-1].shape == (1000,)


def test_the_head_has_rows_of_its_own(tmp_path: Path) -> None:
    arch = ARCHITECTURES["plain20-cifar"]
    model = build_resnet(arch, random_arrays(arch, 2, hidden=(8,)), height=32, width=32)
    meta = Metadata(arch=arch.name, categories=("a", "b"), transforms=Transforms(resize=32, crop=32))
    bundle = write(tmp_path / "m.onnx", model, meta)
    rows = summarize(bundle).rows
    assert [(row.name, row.shape, row.parameters) for row in rows[-2:]] == [
        ("head.0", (8,), 64 * 8 + 8),
        ("head.1", (2,), 8 * 2 + 2),
    ]
    found = layers(bundle)
    assert found[-1].recommended
    assert {layer.kind for layer in found[1:]} == {"plain block"}
    assert not any(layer.residual for layer in found)


def _residual_classifier() -> onnx.ModelProto:
    """Two convolutions with a skip, as exporters write it, and what may not be taken for a layer."""
    rng = np.random.default_rng(1)
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "w0"], ["11"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["11"], ["12"]),
        helper.make_node("Conv", ["12", "w1"], ["/block/conv/Conv_output_0"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["/block/conv/Conv_output_0", "12"], ["/block/Add_output_0"]),
        helper.make_node("Relu", ["/block/Add_output_0"], ["/block/relu/Relu_output_0"]),
        helper.make_node("GlobalAveragePool", ["/block/relu/Relu_output_0"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["y"], transB=1),
    ]
    shapes = {"w0": (5, 3, 3, 3), "w1": (5, 5, 3, 3), "w": (4, 5), "scale": (1, 3, 1, 1)}
    return foreign_model(nodes, {name: rng.standard_normal(s).astype(np.float32) for name, s in shapes.items()})


def test_layers_and_summary_of_a_foreign_network(tmp_path: Path) -> None:
    bundle = read(save(tmp_path / "m.onnx", _residual_classifier()))
    found = layers(bundle)
    assert [(layer.name, layer.kind, layer.residual, layer.recommended) for layer in found] == [
        ("relu_12", "activation", False, False),
        ("block.conv", "convolution", False, False),
        ("block", "residual block", True, True),
    ]
    assert all(layer.shape == (5, 16, 16) for layer in found)
    summary = summarize(bundle)
    assert summary.total_parameters == 3 + 5 * 3 * 9 + 5 * 5 * 9 + 20
    assert summary.total_multiply_adds == (5 * 3 * 9 + 5 * 5 * 9) * 256 + 20
    assert [row.kind for row in summary.rows] == ["Mul", "Conv", "Conv", "Gemm"]


def test_layers_of_one_name_keep_the_graphs(tmp_path: Path) -> None:
    model = plain_classifier()
    model.graph.node[0].output[0] = "/a/Conv_output_0"
    model.graph.node[1].input[0] = "/a/Conv_output_0"
    model.graph.node[1].output[0] = "/a/Relu_output_0"
    model.graph.node[2].input[0] = "again"
    model.graph.node.insert(2, helper.make_node("Relu", ["/a/Relu_output_0"], ["middle"]))
    model.graph.node.insert(3, helper.make_node("MaxPool", ["middle"], ["/a/MaxPool_output_0"], kernel_shape=[1, 1]))
    model.graph.node.insert(4, helper.make_node("Relu", ["/a/MaxPool_output_0"], ["again"]))
    found = layers(read(save(tmp_path / "m.onnx", model)))
    names = [layer.name for layer in found]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("tensor", "name"),
    [
        ("/layer4/layer4.2/relu_2/Relu_output_0", "layer4.2.relu_2"),
        ("/layer1/layer1.0/Relu_1_output_0", "layer1.0"),
        ("resnetv17_relu0_fwd", "resnetv17_relu0_fwd"),
        ("493", "relu_493"),
        ("model/block/Relu:0", "model.block"),
    ],
)
def test_readable_names(tensor: str, name: str) -> None:
    model = plain_classifier()
    model.graph.node[1].output[0] = tensor
    model.graph.node[2].input[0] = tensor
    assert readable_name(GraphView(model), tensor) == name


@pytest.mark.parametrize(("side", "expected"), [(224, "layer4.1"), (192, "layer3.1"), (256, "layer4.1")])
def test_a_fine_last_stage_is_where_to_start(tmp_path: Path, side: int, expected: str) -> None:
    arch = ARCHITECTURES["resnet18"]
    model = build_resnet(arch, random_arrays(arch, 3), height=side, width=side)
    meta = Metadata(arch="resnet18", categories=("a", "b", "c"), transforms=Transforms(resize=side, crop=side))
    found = layers(write(tmp_path / "m.onnx", model, meta))
    assert [layer.name for layer in found if layer.recommended] == [expected]


@pytest.mark.parametrize("batch", ["N", 1, 2])
def test_windows_that_lie_in_the_batch_are_counted(tmp_path: Path, batch: int | str) -> None:
    """A linear layer over 4 windows of 8 x 8 cells computes as much as over 16 x 16; so does one over rows."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("MatMul", ["last", "w0"], ["plain"]),
        helper.make_node("Reshape", ["plain", "split"], ["cut"]),
        helper.make_node("Transpose", ["cut"], ["turned"], perm=[0, 1, 3, 2, 4, 5]),
        helper.make_node("Reshape", ["turned", "windows"], ["windowed"]),
        helper.make_node("MatMul", ["windowed", "w1"], ["query"]),
        helper.make_node("Reshape", ["query", "flat"], ["rows"]),
        helper.make_node("MatMul", ["rows", "w1"], ["dense"]),
        helper.make_node("Reshape", ["dense", "back"], ["again"]),
        helper.make_node("Transpose", ["again"], ["turned back"], perm=[0, 1, 3, 2, 4, 5]),
        helper.make_node("Reshape", ["turned back", "grid"], ["whole"]),
        helper.make_node("Transpose", ["whole"], ["first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w2"], ["conv"]),
        helper.make_node("GlobalAveragePool", ["conv"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("MatMul", ["features", "w3"], ["y"]),
    ]
    shapes = {
        "split": [-1, 2, 8, 2, 8, 5],
        "windows": [-1, 64, 5],
        "flat": [-1, 5],
        "back": [-1, 2, 2, 8, 8, 5],
        "grid": [-1, 16, 16, 5],
    }
    weights = {"w0": (3, 5), "w1": (5, 5), "w2": (7, 5, 1, 1), "w3": (7, 4)}
    given = {name: np.array(values) for name, values in shapes.items()}
    given |= {name: np.ones(shape, np.float32) for name, shape in weights.items()}
    model = foreign_model(nodes, given, shape=(batch, 3, 16, 16), output=(batch, 4))
    rows = {row.name: row for row in summarize(read(save(tmp_path / "m.onnx", model))).rows}
    assert {rows[name].multiply_adds for name in ("query", "dense")} == {256 * 5 * 5}
    assert rows["plain"].multiply_adds == 256 * 3 * 5
    assert rows["query"].shape == (4, 64, 5)
    assert rows["dense"].shape == (256, 5)
    assert rows["y"].shape == (4,)

"""Graphs whose nodes are not sorted, which ONNX Runtime takes: tools that make models smaller write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, checker, helper

from resnet_desktop.bundle.adapt.order import sort_nodes
from resnet_desktop.bundle.file.bundle import read, serialized
from resnet_desktop.bundle.file.layers import layers
from resnet_desktop.core.errors import ModelError

from .making import foreign_model, images, plain_classifier, run, save

COUNT = 20_000


def shuffled(model: onnx.ModelProto, order: list[int]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.node[:]
    copy.graph.node.extend(model.graph.node[i] for i in order)
    return copy


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [0, 2, 3, 4, 1], [1, 2, 3, 4, 0]])
def test_nodes_in_any_order(tmp_path: Path, order: list[int]) -> None:
    model = plain_classifier()
    bundle = read(save(tmp_path / "any.onnx", shuffled(model, order)))
    sound = read(save(tmp_path / "sound.onnx", model))
    given = serialized(bundle)
    checker.check_model(onnx.load_from_string(given))
    assert [node.op_type for node in bundle.view.nodes] == [node.op_type for node in sound.view.nodes]
    assert [layer.tensor for layer in layers(bundle)] == [layer.tensor for layer in layers(sound)]
    x = images(2, 16)
    np.testing.assert_array_equal(run(given, x, ["y"])[0], run(model.SerializeToString(), x)[0])


def test_sorted_graphs_stay_as_they_are(tmp_path: Path) -> None:
    model = plain_classifier()
    data = model.SerializeToString()
    assert not sort_nodes(model)
    assert model.SerializeToString() == data
    assert not read(save(tmp_path / "sound.onnx", model)).rewritten


def test_graphs_inside_nodes_and_functions_are_sorted() -> None:
    given = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
    backwards = [helper.make_node("Neg", ["i"], ["o"]), helper.make_node("Relu", ["flat"], ["i"])]
    inner = helper.make_graph(backwards, "inner", [], [given])
    outer = helper.make_graph([helper.make_node("Identity", ["flat"], ["o"])], "outer", [], [given])
    nodes = [
        helper.make_node("Twice", ["either"], ["y"], domain="own"),
        helper.make_node("If", ["yes"], ["either"], then_branch=inner, else_branch=outer),
        helper.make_node("Flatten", ["x"], ["flat"]),
    ]
    model = foreign_model(nodes, {"yes": np.array(True)}, output=("N", 768))
    model.opset_import.append(helper.make_opsetid("own", 1))
    parts = [helper.make_node("Add", ["h", "h"], ["b"]), helper.make_node("Identity", ["a"], ["h"])]
    model.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], parts, [helper.make_opsetid("", 17)]))
    assert sort_nodes(model)
    checker.check_model(model)
    x = images(2, 16)
    np.testing.assert_array_equal(run(model.SerializeToString(), x)[0], -2 * np.maximum(x, 0).reshape(2, -1))


def test_a_circle_is_refused_in_a_whole_sentence(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Add", ["p", "back"], ["s"]),
        helper.make_node("Neg", ["s"], ["back"]),
        helper.make_node("Flatten", ["s"], ["y"]),
    ]
    with pytest.raises(ModelError, match="is not output of any previous nodes") as raised:
        read(save(tmp_path / "circle.onnx", foreign_model(nodes, {}, output=("N", 3))))
    assert raised.value.code == "damaged_model"


def test_a_long_chain_from_its_end_takes_no_depth() -> None:
    names = ["x", *(f"t{i}" for i in range(COUNT - 1)), "y"]
    nodes = [helper.make_node("Neg", [names[i]], [names[i + 1]]) for i in range(COUNT)]
    model = foreign_model(nodes[::-1], {})
    assert sort_nodes(model)
    assert [node.output[0] for node in model.graph.node] == names[1:]

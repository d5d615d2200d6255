"""Models and pickles that would spread are refused before anything is done with them."""

from __future__ import annotations

import io
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from resnet_desktop.bundle.file import extent
from resnet_desktop.bundle.file.bundle import read
from resnet_desktop.bundle.file.extent import check_extent
from resnet_desktop.bundle.file.pickle_extent import MAX_DEPTH, SpreadError, check_pickle
from resnet_desktop.bundle.file.tensors import parse
from resnet_desktop.bundle.file.torch_file import _instructions, read_state_dict
from resnet_desktop.bundle.library.library import Library
from resnet_desktop.core.errors import ModelError

from .making import plain_classifier, save

OPSET = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]


def calling(levels: int, width: int) -> onnx.ModelProto:
    """A classifier whose functions call each other: each the next one, ``width`` times."""
    model = plain_classifier()
    model.opset_import.append(helper.make_opsetid("own", 1))
    for level in range(levels):
        last = level + 1 == levels
        kind = {"op_type": "Identity"} if last else {"op_type": f"f{level + 1}", "domain": "own"}
        names = ["x", *(f"t{i}" for i in range(width - 1)), "y"]
        nodes = [helper.make_node(inputs=[a], outputs=[b], **kind) for a, b in pairwise(names)]
        model.functions.append(helper.make_function("own", f"f{level}", ["x"], ["y"], nodes, OPSET))
    return model


def nested(depth: int) -> onnx.ModelProto:
    """A classifier with an If in an If in an If."""
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["o"])], "g", [], [])
    for _ in range(depth):
        node = helper.make_node("If", ["c"], ["o"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([node], "g", [], [])
    model = plain_classifier()
    model.graph.node.extend(graph.node)
    return model


def test_ordinary_models_pass() -> None:
    for model in (plain_classifier(), calling(3, 4), nested(2)):
        check_extent(model)
    read(Library().default().path)


@pytest.mark.parametrize(
    "model", [calling(10, 8), calling(17, 1), nested(6), calling(4, 100)], ids=["wide", "deep", "subgraphs", "many"]
)
def test_what_stands_for_too_much_is_refused_at_once(model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    """Harmless sizes; the bounds are made small for it."""
    monkeypatch.setattr(extent, "MAX_NODES", 50)
    monkeypatch.setattr(extent, "MAX_DEPTH", 8)
    with pytest.raises(ModelError) as caught:
        parse(model.SerializeToString(), Path("m.onnx"))
    assert caught.value.code == "unsupported_model"


def test_each_function_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[int] = []
    original = extent._Counter.nodes

    def noted(self: Any, nodes: Any, depth: int) -> tuple[int, int]:
        bodies.append(depth)
        return original(self, nodes, depth)

    monkeypatch.setattr(extent._Counter, "nodes", noted)
    model = calling(4, 6)
    functions = {("own", f.name, ""): f for f in model.functions}
    assert extent._Counter(functions).function(("own", "f0", ""), 0)[0] == 6 + 6**2 + 6**3 + 6**4
    assert len(bodies) == 4, "not once for each call"


def test_a_function_that_calls_itself_is_refused() -> None:
    model = plain_classifier()
    nodes = [helper.make_node("f", ["x"], ["y"], domain="own")]
    model.functions.append(helper.make_function("own", "f", ["x"], ["y"], nodes, OPSET))
    with pytest.raises(ModelError, match="calls itself"):
        check_extent(model)


@pytest.mark.parametrize("where", ["initializer", "constant", "input"])
def test_tensors_have_few_dimensions(where: str) -> None:
    model = plain_classifier()
    many = onnx.TensorProto(name="many", data_type=TensorProto.FLOAT, dims=[1] * 65, raw_data=bytes(4))
    if where == "initializer":
        model.graph.initializer.append(many)
    elif where == "constant":
        model.graph.node.append(helper.make_node("Constant", [], ["k"], value=many))
    else:
        model.graph.input.append(helper.make_tensor_value_info("many", TensorProto.FLOAT, [1] * 65))
    with pytest.raises(ModelError, match="65 dimensions"):
        parse(model.SerializeToString(), Path("m.onnx"))


def tuples(depth: int, width: int) -> tuple[Any, ...]:
    inner: tuple[Any, ...] = ()
    for _ in range(depth):
        inner = (inner,) * width
    return inner


def checked(value: object, protocol: int) -> None:
    check_pickle(_instructions(pickle.dumps(value, protocol)))


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_pickles_that_would_spread_are_refused(protocol: int) -> None:
    spread: list[object] = [tuples(20, 2), tuples(MAX_DEPTH + 1, 1), [tuples(18, 2)], {"a": tuples(12, 3)}]
    for value in spread:
        with pytest.raises(SpreadError):
            checked(value, protocol)
    shared = ("x",) * 3
    fine: list[object] = [tuples(5, 3), [[[]]], {"a": [1, 2.0, None, True]}, [shared] * 50, ((1, 2), {"b": shared})]
    for value in fine:
        checked(value, protocol)


def test_a_file_of_weights_that_would_spread_is_refused(tmp_path: Path) -> None:
    """Not as a key, where it would be hashed: only its size is tried."""
    data = io.BytesIO()
    parts: list[object] = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {"w": tuples(20, 2)}, []]
    for part in parts:
        pickle.dump(part, data, 2)
    (tmp_path / "w.pth").write_bytes(data.getvalue())
    with pytest.raises(ModelError, match="nested inside each other") as caught:
        read_state_dict(tmp_path / "w.pth")
    assert caught.value.code == "unsupported_model"


def test_numbers_of_a_tensor_are_bounded(tmp_path: Path) -> None:
    model = plain_classifier()
    model.graph.initializer.append(onnx.TensorProto(name="w", data_type=1, dims=[2**40] * 8, raw_data=bytes(4)))
    with pytest.raises(ModelError) as caught:
        read(save(tmp_path / "m.onnx", model))
    assert caught.value.code == "wrong_shapes"

"""Gradients as ONNX nodes: what is appended, what is refused, batches, types, cuts; numbers by central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.core.errors import LayerError
from resnet_desktop.explain.autodiff.backward import SEED, appended, gradient_name, gradient_part, has_rules
from tests.unit.bundle.making import images, tiny_model
from tests.unit.explain.graphs import Array, error, gradients, graph, node, noise, outputs, second_graph, session

CLASSES = 5


def test_gradients_of_a_small_network_by_central_differences() -> None:
    model = tiny_model(seed=3)
    x, seed = images(1, 32), noise(1, CLASSES)
    values = session(_with_outputs(model, ["layer2.0"]))(["layer2.0"], {"input": x})[0]
    (found,) = gradients(model, ["layer2.0"], x, seed)
    tail = _tail(model, "layer2.0", values.shape)
    direction = noise(*values.shape, seed=4)
    direction[values == 0] = 0  # away from the kink of the ReLU before
    step = np.float32(0.25) * np.float32(np.abs(values).max() / np.abs(direction).max())
    # The way from the last block to the logits is linear, so that the step may be wide.
    above, below = (outputs(tail, values + sign * step * direction)[0] for sign in (1, -1))
    slope = float(((above - below) * seed).sum() / (2 * step))
    assert slope == pytest.approx(float((found * direction).sum()), rel=1e-4)


def _with_outputs(model: ModelProto, names: list[str]) -> bytes:
    part = onnx.GraphProto(output=[onnx.ValueInfoProto(name=name) for name in names])
    data: bytes = model.SerializeToString() + ModelProto(graph=part).SerializeToString()
    return data


def _tail(model: ModelProto, layer: str, shape: tuple[int, ...]) -> ModelProto:
    view = GraphView(model)
    behind, nodes = {layer}, []
    for n in view.nodes:
        if n.output[0] != layer and not behind.isdisjoint(n.input):
            behind.update(n.output)
            nodes.append(n)
    needed = {name for n in nodes for name in n.input} - behind
    for n in reversed(view.nodes):
        if not needed.isdisjoint(n.output):
            needed.update(n.input)
            nodes.insert(0, n)
    entry = [helper.make_tensor_value_info(layer, TensorProto.FLOAT, list(shape))]
    kept = [t for t in model.graph.initializer if t.name in needed]
    built = helper.make_graph(nodes, "tail", entry, model.graph.output, kept)
    return helper.make_model(built, ir_version=8, opset_imports=list(model.opset_import))


def test_layers_share_one_pass_that_ends_at_the_earliest() -> None:
    model = tiny_model()
    view, layers = GraphView(model), ["layer2.0", "layer1.1"]
    part = gradient_part(model, view, "logits", layers)
    assert [o.name for o in part.output] == [gradient_name(layer) for layer in layers]
    assert [i.name for i in part.input] == [SEED]
    alone = gradient_part(model, view, "logits", ["layer1.1"])
    assert len(part.node) <= len(alone.node) + 3  # the output of the other, no second pass
    assert len(gradient_part(model, view, "logits", ["layer1.0"]).node) > len(part.node)
    x, seed = images(1, 32), noise(1, CLASSES)
    together = gradients(model, layers, x, seed)
    for layer, found in zip(layers, together, strict=True):
        np.testing.assert_allclose(gradients(model, [layer], x, seed)[0], found, rtol=1e-5, atol=1e-7)


def test_a_batch_gives_what_its_pictures_give_alone() -> None:
    model = tiny_model()
    run = session(second_graph(model, ["layer1.0"]))
    x, seed, names = images(4, 32), noise(4, CLASSES), [gradient_name("layer1.0")]
    (together,) = run(names, {"input": x, SEED: seed})
    for i in range(4):
        (alone,) = run(names, {"input": x[i : i + 1], SEED: seed[i : i + 1]})
        assert error(together[i : i + 1], alone) < 1e-5


def test_appending_is_what_protobuf_calls_merging() -> None:
    model = tiny_model()
    for layers in (["layer2.0"], ["layer1.0", "layer1.1"]):  # lengths of more than one byte
        part = gradient_part(model, GraphView(model), "logits", layers)
        data = model.SerializeToString()
        assert appended(data, part) == data + ModelProto(graph=part).SerializeToString()
        both = onnx.load_from_string(appended(data, part, onnx.GraphProto(doc_string="more")))
        assert len(both.graph.node) == len(model.graph.node) + len(part.node)
        assert both.graph.doc_string == "more"


def test_the_logits_stay_as_they_are() -> None:
    model = tiny_model()
    x = images(2, 32)
    (found,) = session(second_graph(model, ["layer1.0"]))(["logits"], {"input": x, SEED: noise(2, CLASSES)})
    np.testing.assert_allclose(found, outputs(model, x)[0], rtol=1e-5, atol=1e-6)


def test_a_cut_sum_passes_nothing_into_that_input() -> None:
    nodes = [node("Relu", "x", to="a"), node("Add", "a", "x")]
    model = graph(nodes, shape=("N", 3))
    x, seed = np.array([[1, -1, 2]], np.float32), np.array([[3, 4, 5]], np.float32)
    assert gradients(model, ["x"], x, seed)[0].tolist() == [[6, 4, 10]]
    assert gradients(model, ["x"], x, seed, cut=[("y", "x")])[0].tolist() == [[3, 0, 5]]
    assert gradients(model, ["x"], x, seed, cut=[("y", "a")])[0].tolist() == [[3, 4, 5]]


def test_an_operator_without_a_rule_is_named() -> None:
    model = graph([node("Relu", "x", to="a"), node("Acos", "a", to="b"), node("Relu", "b")])
    view = GraphView(model)
    with pytest.raises(LayerError, match="Acos") as caught:
        gradient_part(model, view, "logits", ["a"])
    assert caught.value.code == "no_gradient_rule"
    assert has_rules(view, "logits", "a") == "Acos"
    assert has_rules(view, "logits", "b") is None
    gradient_part(model, view, "logits", ["b"])


FORMS: list[tuple[str, list[onnx.NodeProto], dict[str, Any]]] = [
    ("Resize", [node("Resize", "x", "", "s", mode="cubic")], {"s": np.array([1, 1, 2, 2], np.float32)}),
    ("Pad", [node("Pad", "x", "p", mode="reflect")], {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1])}),
    (  # from where the picture is brightest on
        "Slice",
        [
            node("Reshape", "x", "flat", to="row"),
            node("ArgMax", "row", to="a", axis=0),
            node("Slice", "x", "a", "b", "c"),
        ],
        {"flat": np.array([-1]), "b": np.array([6]), "c": np.array([2])},
    ),
    ("Conv", [node("ReduceMean", "x", to="m", axes=[0]), node("Unsqueeze", "m", "a", to="w"), node("Conv", "x", "w")],
     {"a": np.array([0])}),
    ("BatchNormalization", [helper.make_node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y", "m", "v"],
                                             training_mode=1)], {"w": np.ones(4, np.float32)}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "nodes", "weights"), FORMS, ids=[form[0] for form in FORMS])
def test_forms_of_an_operator_that_have_no_rule(
    kind: str, nodes: list[onnx.NodeProto], weights: dict[str, Any]
) -> None:
    model = graph(nodes, weights)
    if kind == "Conv":  # one kernel made of the picture itself
        model.graph.node[0].attribute[0].ints[:] = [0]
        model.graph.node[0].attribute.append(helper.make_attribute("keepdims", 0))
    view = GraphView(model)
    assert has_rules(view, "logits", "x") == kind
    with pytest.raises(LayerError, match=kind):
        gradient_part(model, view, "logits", ["x"])


def test_operators_beside_the_way_need_no_rule() -> None:
    nodes = [node("Acos", "x", to="a"), node("Relu", "x", to="b"), node("Add", "a", "b"), node("Asin", "b", to="other")]
    model = graph(nodes)
    assert has_rules(GraphView(model), "logits", "b") is None
    (found,) = gradients(model, ["b"], np.full((1, 4, 6, 6), 0.5, np.float32), noise(1, 144))
    assert found.shape == (1, 4, 6, 6)


@pytest.mark.parametrize("layer", ["nothing", "side", "w"])
def test_a_layer_that_is_not_before_the_logits(layer: str) -> None:
    model = graph([node("Relu", "x", to="side"), node("Add", "x", "w")], {"w": noise(6)})
    with pytest.raises(LayerError) as caught:
        gradient_part(model, GraphView(model), "logits", [layer])
    assert caught.value.code == "unknown_layer"


def test_shapes_that_are_computed_carry_no_gradient() -> None:
    nodes = [
        node("Relu", "x", to="a"),
        node("Shape", "a", to="s"),
        node("Gather", "s", "zero", to="n", axis=0),
        node("Concat", "n", "rest", to="dims", axis=0),
        node("Reshape", "a", "dims"),
    ]
    model = graph(nodes, {"zero": np.array([0]), "rest": np.array([-1])})
    x, seed = noise(3, 4, 6, 6), noise(3, 144)
    (found,) = gradients(model, ["a"], x, seed)
    np.testing.assert_array_equal(found, seed.reshape(x.shape))


def test_added_names_never_clash() -> None:
    model = tiny_model()
    first = gradient_part(model, GraphView(model), "logits", ["layer1.0"])
    ours = [name for n in first.node for name in n.output if not name.startswith(gradient_name(""))]
    taken = ModelProto()
    taken.CopyFrom(model)
    for name in ours[:6]:
        taken.graph.node.append(helper.make_node("Identity", ["input"], [name]))
    x, seed = images(1, 32), noise(1, CLASSES)
    assert error(gradients(taken, ["layer1.0"], x, seed)[0], gradients(model, ["layer1.0"], x, seed)[0]) < 1e-6
    taken.graph.node.append(helper.make_node("Identity", ["input"], [gradient_name("layer1.0")]))
    with pytest.raises(LayerError, match="already"):
        gradient_part(taken, GraphView(taken), "logits", ["layer1.0"])


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_gradients_of_other_types_are_given_as_float32(kind: int) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    weights = {"w": noise(4, 5).astype(dtype)}
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=kind),
        node("Tanh", "a", to="b") if kind == TensorProto.DOUBLE else node("Relu", "a", to="b"),
        node("MatMul", "b", "w", to="c"),
        helper.make_node("Cast", ["c"], ["y"], to=TensorProto.FLOAT),
    ]
    model = graph(nodes, weights, shape=("N", 4))
    x, seed = noise(2, 4), noise(2, 5)
    for layer in ("x", "b"):
        (found,) = gradients(model, [layer], x, seed)
        assert found.dtype == np.float32
        expected = seed @ weights["w"].astype(np.float32).T
        if layer == "x":
            expected *= 1 - np.tanh(x) ** 2 if kind == TensorProto.DOUBLE else x > 0
        assert error(found, expected) < (1e-5 if kind == TensorProto.DOUBLE else 3e-3)


def test_operators_that_are_too_old_are_refused() -> None:
    model = graph([node("Relu", "x")])
    model.opset_import[0].version = 6
    with pytest.raises(LayerError, match="operator set 6") as caught:
        gradient_part(model, GraphView(model), "logits", ["x"])
    assert caught.value.code == "no_gradient_rule"


def test_a_fixed_batch_and_logits_of_more_axes() -> None:
    model = graph([node("GlobalAveragePool", "x")], shape=(2, 4, 6, 6), opset=9)
    x, seed = noise(2, 4, 6, 6), noise(2, 4)
    for logits in ("logits", "y"):
        (found,) = gradients(model, ["x"], x, seed, logits=logits)
        assert error(found, np.broadcast_to(seed[..., None, None] / 36, x.shape)) < 1e-6


def test_weights_that_are_computed_from_constants() -> None:
    weight = noise(3, 4, 3, 3)
    weights: dict[str, Array] = {
        "whole": np.round(weight * 20).astype(np.int8),
        "scale": np.array([0.05, 0.04, 0.06], np.float32),
        "zero": np.zeros(3, np.int8),
        "flat": np.ascontiguousarray(weight.transpose(1, 0, 2, 3)).reshape(4, 27),
        "dims": np.array([4, 3, 3, 3]),
    }
    made = [
        node("DequantizeLinear", "whole", "scale", "zero", to="w1", axis=0),
        node("Reshape", "flat", "dims", to="w2.turned"),
        node("Transpose", "w2.turned", to="w2", perm=[1, 0, 2, 3]),
        helper.make_node("Constant", [], ["w3"], value=numpy_helper.from_array(weight)),
        node("Relu", "w3", to="w4"),  # no value known beforehand: left to the runtime
    ]
    arrays = [weights["whole"] * weights["scale"][:, None, None, None], weight, weight, np.maximum(weight, 0)]
    x, seed = noise(2, 4, 5, 5), noise(2, 3 * 25)
    for i, array in enumerate(arrays, start=1):
        conv = node("Conv", "x", f"w{i}", pads=[1] * 4)
        (found,) = gradients(graph([*made, conv], weights, shape=("N", 4, 5, 5)), ["x"], x, seed)
        plain = graph([node("Conv", "x", "w", pads=[1] * 4)], {"w": array.astype(np.float32)}, shape=("N", 4, 5, 5))
        (expected,) = gradients(plain, ["x"], x, seed)
        assert error(found, expected) < 1e-5


def test_what_stands_before_the_layer_may_be_anything() -> None:
    model = tiny_model()
    first = next(n for n in model.graph.node if n.op_type == "Conv")
    first.input[0] = "waves"
    model.graph.node.insert(0, helper.make_node("Asinh", ["input"], ["waves"]))
    view = GraphView(model)
    assert has_rules(view, "logits", "input") == "Asinh"
    assert has_rules(view, "logits", "layer1.0") is None
    gradient_part(model, view, "logits", ["layer1.0"])

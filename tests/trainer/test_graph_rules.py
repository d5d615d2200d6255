"""Each rule by which PyTorch computes an ONNX operator against ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.graph.nodes import read_graph
from resnet_desktop.core.errors import JobError
from resnet_desktop.trainer.graph import RULES
from resnet_desktop.trainer.network.graph_network import GraphNetwork
from tests.unit.explain.graphs import Array, error, noise, session

CLOSE = 2e-5


@dataclass(frozen=True)
class Case:
    """An operator with attributes, and its inputs behind the picture ``[2, 4, 7, 6]``."""

    op: str
    given: dict[str, Any] = field(default_factory=dict)
    others: tuple[Any, ...] = ()
    opset: int = 17
    shape: tuple[int, ...] = (2, 4, 7, 6)
    outputs: int = 1
    positive: bool = False
    domain: str = ""

    def __str__(self) -> str:
        said = "-".join(f"{k}={v}" for k, v in self.given.items())
        return f"{self.op}-{self.opset}-{said}"


def r(*shape: int) -> Array:
    return noise(*shape, seed=len(shape) + sum(shape))


def i(*values: int) -> Array:
    return np.array(values, np.int64)


HALF = np.array(0.5, np.float32)
W = r(6, 4, 3, 3)
SCALES = np.array([1, 1, 2, 1.5], np.float32)
FLOOR = {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
CASES = [
    Case("Conv", {"pads": [1, 1, 1, 1]}, (W, r(6))),
    Case("Conv", {"pads": [0, 1, 2, 3], "strides": [2, 1]}, (W,)),
    Case("Conv", {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, (W, r(6))),
    Case("Conv", {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, (W, r(6))),
    Case("Conv", {"auto_pad": "VALID", "dilations": [2, 1]}, (W,)),
    Case("Conv", {"group": 4, "pads": [1, 1, 1, 1]}, (r(8, 1, 3, 3),)),
    Case("Conv", {}, (r(5, 4, 3),), shape=(2, 4, 9)),
    Case("ConvTranspose", {"strides": [2, 2], "pads": [1, 0, 1, 1], "output_padding": [1, 0]}, (r(4, 5, 3, 3), r(5))),
    Case("BatchNormalization", {"epsilon": 1e-3}, (r(4), r(4), r(4), abs(r(4)) + 0.5)),
    Case("LayerNormalization", {"axis": -1, "epsilon": 1e-3}, (r(6), r(6))),
    Case("LayerNormalization", {"axis": 2}, (r(7, 6),)),
    Case("InstanceNormalization", {"epsilon": 1e-3}, (r(4), r(4))),
    Case("GroupNormalization", {"num_groups": 2}, (r(2), r(2)), opset=18),
    Case("GroupNormalization", {"num_groups": 2}, (r(4), r(4)), opset=21),
    Case("LpNormalization", {"axis": 1, "p": 2}),
    Case("LRN", {"size": 3, "alpha": 0.1}),
    Case("MeanVarianceNormalization", {"axes": [0, 2, 3]}),
    Case("Relu"),
    Case("LeakyRelu", {"alpha": 0.2}),
    Case("PRelu", {}, (r(4, 1, 1),)),
    Case("Elu", {"alpha": 0.7}),
    Case("Selu"),
    Case("Celu", {"alpha": 2.0}),
    Case("Clip", {}, (np.array(0, np.float32), np.array(6, np.float32))),
    Case("Clip", {}, (np.array(-0.3, np.float32),)),
    Case("Clip", {"min": -0.2, "max": 0.4}, opset=10),
    Case("Sigmoid"),
    Case("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    Case("HardSwish"),
    Case("Tanh"),
    Case("Gelu", {"approximate": "tanh"}, opset=20),
    Case("Gelu", opset=20),
    Case("Mish", opset=18),
    Case("Softplus"),
    Case("Softsign"),
    Case("ThresholdedRelu", {"alpha": 0.3}),
    Case("Erf"),
    Case("Softmax", {"axis": 1}),
    Case("Softmax", {"axis": 2}, opset=11),
    Case("LogSoftmax", {"axis": -1}),
    Case("Add", {}, (r(4, 1, 1),)),
    Case("Mul", {}, (HALF,)),
    Case("Sub", {}, (r(1, 4, 1, 1),)),
    Case("Div", {}, (np.array([[[[[2.0]]]]], np.float32),)),
    Case("Pow", {}, (np.array(2, np.float32),)),
    Case("Pow", {}, (np.array(3, np.int64),)),
    Case("Pow", {}, (np.array(0.5, np.float32),), positive=True),
    Case("Max", {}, (HALF, r(6))),
    Case("Min", {}, (HALF,)),
    Case("Mean", {}, (r(6),)),
    Case("Sqrt", positive=True),
    Case("Log", positive=True),
    Case("Exp"),
    Case("Abs"),
    Case("Neg"),
    Case("Reciprocal", positive=True),
    Case("MatMul", {}, (r(6, 5),)),
    Case("Gemm", {"alpha": 0.5, "beta": 2.0, "transB": 1}, (r(5, 6), r(1, 5)), shape=(3, 6)),
    Case("Gemm", {"transA": 1}, (r(3, 5), r(5)), shape=(3, 6)),
    Case("Einsum", {"equation": "bchw,cd->bdhw"}, (r(4, 5),)),
    Case("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    Case("MaxPool", {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1}),
    Case("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}),
    Case("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1], "ceil_mode": 1}),
    Case("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    Case("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    Case("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 1, 1, 0], "count_include_pad": 1}),
    Case("AveragePool", {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1}),
    Case("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    Case("GlobalAveragePool"),
    Case("GlobalMaxPool"),
    Case("ReduceMean", {"axes": [2, 3], "keepdims": 0}),
    Case("ReduceMean", {"keepdims": 1}, (i(-1),), opset=18),
    Case("ReduceSum", {"keepdims": 0}, (i(1, -1),)),
    Case("ReduceMax", {"axes": [1]}),
    Case("ReduceMin", {"axes": [-2], "keepdims": 0}),
    Case("ReduceL2", {"axes": [1]}),
    Case("ReduceL1", {"axes": [3]}),
    Case("ReduceLogSumExp", {"axes": [1]}),
    Case("ReduceSumSquare", {"axes": [1]}),
    Case("ReduceProd", {"axes": [2, 3], "keepdims": 0}),
    Case("Reshape", {}, (i(0, -1),)),
    Case("Transpose", {"perm": [0, 2, 3, 1]}),
    Case("Transpose"),
    Case("Flatten", {"axis": 2}),
    Case("Flatten", {"axis": -1}),
    Case("Squeeze", {}, (i(1),), shape=(2, 1, 4)),
    Case("Unsqueeze", {}, (i(-1, 1),)),
    Case("Unsqueeze", {"axes": [0]}, opset=11),
    Case("Concat", {"axis": -1}, (r(2, 4, 7, 3),)),
    Case("Split", {"axis": 1}, (i(1, 3),), outputs=2),
    Case("Split", {"axis": 2, "num_outputs": 3}, (), opset=18, outputs=3),
    Case("Slice", {}, (i(1, -3), i(100, 100), i(1, 3))),
    Case("Slice", {}, (i(-1), i(-100), i(2), i(-2))),
    Case("Slice", {"starts": [1], "ends": [-1], "axes": [2]}, opset=9),
    Case("Gather", {"axis": 1}, (np.array(-1, np.int64),)),
    Case("Gather", {"axis": 2}, (np.array([[0, -1], [3, 3]], np.int64),)),
    Case("Expand", {}, (i(3, 1, 1, 1, 1),)),
    Case("Tile", {}, (i(1, 2, 1, 3),)),
    Case("Pad", {}, (i(0, 0, 1, 2, 0, 0, 3, 0), HALF)),
    Case("Pad", {"mode": "reflect"}, (i(0, 0, 1, 2, 0, 0, 3, 0),)),
    Case("Pad", {"mode": "edge"}, (i(0, 0, 1, 2, 0, 0, 3, 0),)),
    Case("Pad", {}, (i(1, 2), np.array(0, np.float32), i(2)), opset=18),
    Case("DepthToSpace", {"blocksize": 2}),
    Case("DepthToSpace", {"blocksize": 2, "mode": "CRD"}),
    Case("SpaceToDepth", {"blocksize": 2}, shape=(2, 4, 8, 6)),
    Case("Trilu", {"upper": 0}, (np.array(1, np.int64),)),
    Case("Resize", {"mode": "nearest", **FLOOR}, ("", SCALES)),
    Case("Resize", {"mode": "nearest"}, ("", SCALES)),
    Case("Resize", {"mode": "linear"}, ("", SCALES)),
    Case("Resize", {"mode": "linear", "coordinate_transformation_mode": "align_corners"}, ("", "", i(2, 4, 11, 3))),
    Case("Dropout"),
    Case("Gelu", domain="com.microsoft"),
    Case("QuickGelu", {"alpha": 1.702}, domain="com.microsoft"),
    Case("BiasGelu", {}, (r(6),), domain="com.microsoft"),
    Case("FastGelu", {}, (r(6),), domain="com.microsoft"),
    Case("FusedMatMul", {"transB": 1, "alpha": 0.5}, (r(5, 6),), domain="com.microsoft"),
    Case("FusedConv", {"activation": "Relu"}, (W, r(6)), domain="com.microsoft"),
]


def built(case: Case) -> tuple[onnx.ModelProto, Array]:
    """A model from ``x`` over the node to its first output, which is also laid flat."""
    others = [f"w{n}" if isinstance(value, np.ndarray) else "" for n, value in enumerate(case.others)]
    names = [f"y{n}" for n in range(case.outputs)]
    node = helper.make_node(case.op, ["x", *others], names, domain=case.domain, **case.given)
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(case.shape))],
        [helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, n) for n, v in zip(others, case.others, strict=True) if n],
    )
    sets = [helper.make_opsetid("", case.opset)]
    if case.domain:
        sets.append(helper.make_opsetid(case.domain, 1))
    model = helper.make_model(graph, ir_version=8, opset_imports=sets)
    x = noise(*case.shape, seed=5)
    return model, abs(x) + np.float32(0.1) if case.positive else x


def network(model: onnx.ModelProto) -> GraphNetwork:
    return GraphNetwork(read_graph(model), {}, width=1, classes=2).eval()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_as_onnx_runtime(case: Case) -> None:
    model, x = built(case)
    (right,) = session(model.SerializeToString())([model.graph.output[0].name], {"x": x})
    found = network(model).pooled(torch.from_numpy(x))
    assert found.shape == right.shape
    assert error(found.detach().numpy(), right) <= CLOSE


def test_every_operator_that_takes_a_picture_is_tried() -> None:
    tried = {f"{case.domain}.{case.op}" if case.domain else case.op for case in CASES}
    about_shapes = {"Shape", "Size", "Range", "ConstantOfShape", "Where", "Equal", "Greater", "GreaterOrEqual", "Less"}
    logic = {"LessOrEqual", "And", "Or", "Not", "Cast", "CastLike", "Identity"}
    tried_in_networks = {"Attention", "GatherElements", "Sum", "Round", "Sign", "Sin", "Cos", "Ceil", "Floor"}
    newest = {"RMSNormalization", "SimplifiedLayerNormalization", "Swish", "Upsample"}
    assert RULES.keys() - tried - about_shapes - logic - tried_in_networks - newest == set()


def test_shapes_that_are_computed_follow_the_batch() -> None:
    """Shape, Gather, Concat, Range, ConstantOfShape and the arithmetic between, as exporters write them."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
        helper.make_node("Gather", ["s", "two"], ["h"], axis=0),
        helper.make_node("Mul", ["h", "two"], ["twice"]),
        helper.make_node("Div", ["twice", "two"], ["again"]),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Unsqueeze", ["again", "axis"], ["h1"]),
        helper.make_node("Concat", ["n1", "minus", "h1"], ["sizes"], axis=0),
        helper.make_node("Reshape", ["x", "sizes"], ["r"]),
        helper.make_node("Concat", ["n1", "one", "h1"], ["filling"], axis=0),
        helper.make_node("ConstantOfShape", ["filling"], ["f"], value=numpy_helper.from_array(HALF.reshape(1))),
        helper.make_node("Range", ["zero", "h", "one0"], ["places"]),
        helper.make_node("Gather", ["r", "places"], ["g"], axis=2),
        helper.make_node("Add", ["g", "f"], ["y"]),
    ]
    constants = {
        "zero": np.array(0),
        "two": np.array(2),
        "axis": i(0),
        "minus": i(-1),
        "one": i(1),
        "one0": np.array(1),
    }
    graph = helper.make_graph(
        nodes,
        "shapes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, "h", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    found, run = network(model), session(model.SerializeToString())
    for shape in ((2, 4, 7, 6), (3, 4, 7, 6), (2, 4, 5, 6), (2, 4, 7, 6)):
        x = noise(*shape, seed=1)
        np.testing.assert_allclose(found.pooled(torch.from_numpy(x)).numpy(), run(["y"], {"x": x})[0], rtol=1e-6)


def test_an_operator_without_a_rule_is_named() -> None:
    model, _ = built(Case("Det", shape=(2, 4, 4)))
    with pytest.raises(JobError, match=r"operator Det \(.*Train only its last layer"):
        network(model)


def test_a_form_that_a_rule_does_not_know_is_named() -> None:
    case = Case("Resize", {"mode": "cubic"}, ("", SCALES))
    model, x = built(case)
    with pytest.raises(JobError, match="mode cubic"):
        network(model).pooled(torch.from_numpy(x))

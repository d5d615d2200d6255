"""Small networks of many families, written as exporters write them: without names, often with folded batch norms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from resnet_desktop.bundle.file.bundle import Bundle, read

SIDE = 16
CLASSES = 6


class Net:
    """A graph that grows node by node, from the picture ``x`` to the logits ``y``; tensors are called 1, 2, 3 …."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.answer: tuple[int, ...] = (CLASSES,)
        """Shape of the output for one picture."""

    def op(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """One node; returns its output."""
        name = output or str(len(self.nodes) + 1)
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """An initializer."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def random(self, *shape: int) -> str:
        """Weights that keep activations near 1."""
        scale = np.sqrt(2.0 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
        return self.constant(self.rng.normal(0, scale, shape))

    def conv(self, x: str, given: int, out: int, kernel: int = 3, stride: int = 1, group: int = 1) -> str:
        """A convolution with a folded batch norm."""
        weight, bias = self.random(out, given // group, kernel, kernel), self.random(out)
        return self.op("Conv", x, weight, bias, strides=[stride] * 2, pads=[kernel // 2] * 4, group=group)

    def norm(self, x: str, channels: int) -> str:
        """A batch norm that is not folded."""
        mean, bias = self.random(channels), self.random(channels)
        scale, variance = (self.constant(self.rng.uniform(0.6, 1.4, channels)) for _ in range(2))
        return self.op("BatchNormalization", x, scale, bias, mean, variance)

    def relu(self, x: str) -> str:
        """The usual activation."""
        return self.op("Relu", x)

    def quantized(self, x: str) -> str:
        """Rounding to 8 bits and back."""
        scale, zero = self.constant(0.05), self.constant(100, np.uint8)
        return self.op("DequantizeLinear", self.op("QuantizeLinear", x, scale, zero), scale, zero)

    def head(self, x: str, channels: int, rows: list[int] | None = None) -> None:
        """Pooling and the linear layer; with ``rows``, a Reshape to that shape between them."""
        pooled = self.op("GlobalAveragePool", x)
        flat = self.op("Reshape", pooled, self.constant(rows, np.int64)) if rows else self.op("Flatten", pooled)
        self.op("Gemm", flat, self.random(CLASSES, channels), self.random(CLASSES), output="y", transB=1)

    def model(self, *, batch: int | str = "N", opset: int = 17) -> onnx.ModelProto:
        """The whole model."""
        graph = helper.make_graph(
            self.nodes,
            "elsewhere",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, *self.answer])],
            self.weights,
        )
        return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


def opened(folder: Path, model: onnx.ModelProto) -> Bundle:
    """The model as the app reads it."""
    path = folder / "elsewhere.onnx"
    path.write_bytes(model.SerializeToString())
    return read(path)


def post_activation(*, total: str = "Add", rows: list[int] | None = None, skip_first: bool = False) -> Net:
    """A ResNet of three basic blocks in two stages, the second stage entered by a projection."""
    net = Net()
    x = net.relu(net.conv("x", 3, 4))
    for given, out, stride in ((4, 4, 1), (4, 8, 2), (8, 8, 1)):
        f = net.conv(net.relu(net.conv(x, given, out, stride=stride)), out, out)
        skip = net.conv(x, given, out, 1, 2) if stride == 2 else x
        x = net.relu(net.op(total, *((skip, f) if skip_first else (f, skip))))
    net.head(x, 8, rows)
    return net


def half_precision() -> Net:
    """The same, computed in float16 between the picture and the logits."""
    net = post_activation()
    net.weights = [
        numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name) for weight in net.weights
    ]
    net.nodes[0].input[0] = "half"
    net.nodes.insert(0, helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16))
    net.nodes[-1].output[0] = "half logits"
    net.op("Cast", "half logits", output="y", to=TensorProto.FLOAT)
    return net


def pre_activation() -> Net:
    """A ResNet of the second kind: norm and ReLU before convolutions; the projection shares the first of them."""
    net = Net(1)
    x = net.conv("x", 3, 4)
    for given, out, stride in ((4, 4, 1), (4, 8, 2), (8, 8, 1)):
        active = net.relu(net.norm(x, given))
        f = net.conv(net.relu(net.norm(net.conv(active, given, out, stride=stride), out)), out, out)
        skip = net.conv(active, given, out, 1, 2) if stride == 2 else x
        x = net.op("Add", f, skip)
    net.head(net.relu(net.norm(x, 8)), 8)
    return net


def inverted_bottlenecks() -> Net:
    """MobileNetV2: linear bottlenecks, depthwise convolutions, ReLU6; a skip only where the shape stays."""
    net = Net(2)
    low, high = net.constant(0.0), net.constant(6.0)

    def clip(x: str) -> str:
        return net.op("Clip", x, low, high)

    x = clip(net.conv("x", 3, 4))
    for given, out, stride in ((4, 4, 1), (4, 8, 2), (8, 8, 1), (8, 8, 1)):
        wide = clip(net.conv(x, given, 4 * given, 1))
        y = net.conv(clip(net.conv(wide, 4 * given, 4 * given, stride=stride, group=4 * given)), 4 * given, out, 1)
        x = net.op("Add", x, y) if (given, stride) == (out, 1) else y
    net.head(clip(net.conv(x, 8, 16, 1)), 16)
    return net


def squeeze_and_excite() -> Net:
    """Blocks whose F(x) is weighted, channel by channel, by a small network of its own; SiLU as two nodes."""
    net = Net(3)

    def silu(x: str) -> str:
        return net.op("Mul", x, net.op("Sigmoid", x))

    x = silu(net.conv("x", 3, 8))
    for _ in range(2):
        f = silu(net.conv(x, 8, 8))
        gate = net.relu(net.conv(net.op("GlobalAveragePool", f), 8, 2, 1))
        f = net.op("Mul", f, net.op("Sigmoid", net.conv(gate, 2, 8, 1)))
        x = net.op("Add", net.norm(net.conv(f, 8, 8, 1), 8), x)
    net.head(x, 8)
    return net


def dense() -> Net:
    """DenseNet: layers are joined by concatenation, nothing is added."""
    net = Net(4)
    x = net.relu(net.conv("x", 3, 4))
    for given in (4, 8, 12):
        x = net.op("Concat", x, net.conv(net.relu(net.norm(x, given)), given, 4), axis=1)
    net.head(net.relu(net.norm(x, 16)), 16)
    return net


def quantized() -> Net:
    """A ResNet with every activation rounded to 8 bits and back, as quantizers write it."""
    net = Net(5)
    x = net.quantized(net.relu(net.conv(net.quantized("x"), 3, 4)))
    for given, out, stride in ((4, 4, 1), (4, 8, 2)):
        y = net.quantized(net.relu(net.conv(x, given, out, stride=stride)))
        f = net.quantized(net.conv(y, out, out))
        skip = net.quantized(net.conv(x, given, out, 1, 2)) if stride == 2 else x
        x = net.quantized(net.relu(net.quantized(net.op("Add", f, skip))))
    net.head(x, 8)
    return net


def without_weights_on_skips() -> Net:
    """Skips that change the shape without a single weight, or pool before their projection."""
    net = Net(6)
    x = net.relu(net.conv("x", 3, 4))
    # He et al. 2015, option A: every second pixel, zeros for the new channels
    starts, ends, axes, steps = (net.constant(v, np.int64) for v in ([0, 0], [99, 99], [2, 3], [2, 2]))
    thin = net.op("Slice", x, starts, ends, axes, steps)
    skip = net.op("Pad", thin, net.constant([0, 2, 0, 0, 0, 2, 0, 0], np.int64))
    x = net.relu(net.op("Add", net.conv(net.relu(net.conv(x, 4, 8, stride=2)), 8, 8), skip))
    # He et al. 2018 (arXiv:1812.01187), "ResNet-D"
    skip = net.conv(net.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), 8, 12, 1)
    x = net.relu(net.op("Add", skip, net.conv(net.relu(net.conv(x, 8, 12, stride=2)), 12, 12)))
    net.head(x, 12)
    return net


def nested() -> Net:
    """A long skip over two blocks, and a last layer that reads an early one as well."""
    net = Net(7)
    start = x = net.relu(net.conv("x", 3, 4))
    for _ in range(2):
        x = net.relu(net.op("Add", net.conv(net.relu(net.conv(x, 4, 4)), 4, 4), x))
    x = net.relu(net.op("Add", net.conv(x, 4, 4), start))
    net.head(net.op("Concat", x, start, axis=1), 8)
    return net

"""Products with weights of few bits (``MatMulNBits``), which are packed by blocks that have a scale each."""

from __future__ import annotations

import numpy as np
import onnx

from resnet_desktop.bundle.structure.graph_view import GraphView
from resnet_desktop.explain.autodiff.rules.basis.constants import Array
from resnet_desktop.explain.autodiff.rules.basis.step import Found, Rule, Step


def _product(step: Step) -> Found:
    # y = x W', so that the gradient is that of y times W.
    weight = step.write.constant(_weight(step).astype(step.write.dtype(step.x)))
    return step.only(step.write.op("MatMul", [step.gradient, weight]))


def _weight(step: Step) -> Array:
    """W, ``(outputs, inputs)``: in each block the numbers less its zero point, times its scale."""
    packed, scale, zero = (step.write.value(step.input(i)) if step.input(i) else None for i in (1, 2, 3))
    assert packed is not None
    assert scale is not None
    bits, block = step.integer("bits", 4), step.integer("block_size", 32)
    outputs, inputs = step.integer("N", 0), step.integer("K", 0)
    numbers = _unpacked(packed.reshape(outputs, -1), bits).reshape(outputs, -1, block)
    count = numbers.shape[1]
    if zero is None:
        zero = np.full((outputs, count), 2 ** (bits - 1))
    elif zero.dtype == np.uint8:  # a row begins with a byte of its own
        zero = _unpacked(zero.reshape(outputs, -1), bits)[:, :count]
    shifted = numbers - zero.reshape(outputs, count, 1).astype(np.float32)
    real = shifted * scale.reshape(outputs, count, 1).astype(np.float32)
    return np.asarray(real.reshape(outputs, -1)[:, :inputs])


def _unpacked(rows: Array, bits: int) -> Array:
    """Bytes ``(n, bytes)`` as the numbers in them, the lowest bits first: float32 ``(n, numbers)``."""
    single = np.unpackbits(rows, axis=1, bitorder="little").reshape(len(rows), -1, bits)
    return np.asarray(single @ (1 << np.arange(bits)).astype(np.float32))


def _limited(view: GraphView, node: onnx.NodeProto) -> bool:
    sorted_inputs = len(node.input) > 4 and bool(node.input[4])
    return sorted_inputs or not all(view.is_constant(name) for name in node.input[1:4])


RUNTIME_RULES: dict[str, Rule] = {"MatMulNBits": _product}
LIMITS = {"MatMulNBits": _limited}

"""The graph of the network that the app starts with, against the same layers in PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from resnet_desktop.bundle.builders.efficientnet import EPSILON, build_efficientnet_lite, read_shape
from tests.efficientnets import random_lite


def same_conv(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """A convolution padded as TensorFlow's SAME: outputs are inputs over stride, rounded up."""
    kernel, size = weight.shape[-1], x.shape[-1]
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    x = functional.pad(x, (total // 2, total - total // 2) * 2)
    return functional.conv2d(x, weight, stride=stride, groups=weight.shape[0] if weight.shape[1] == 1 else 1)


def reference(name: str, arrays: Mapping[str, NDArray[Any]], x: Tensor) -> Tensor:
    """The logits, layer by layer, in float64."""
    weights = {key: torch.from_numpy(array).double() for key, array in arrays.items()}

    def layer(x: Tensor, conv: str, norm: str, stride: int = 1) -> Tensor:
        mean, var, scale, bias = (
            weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        x = same_conv(x, weights[f"{conv}.weight"], stride)
        return functional.batch_norm(x, mean, var, scale, bias, eps=EPSILON)

    x = functional.relu6(layer(x.double(), "conv_stem", "bn0", 2))
    for block in read_shape(name, {key: array.shape for key, array in arrays.items()}).blocks:
        y = x
        if f"{block.name}.expand_conv.weight" in weights:
            y = functional.relu6(layer(y, f"{block.name}.expand_conv", f"{block.name}.bn0"))
        y = functional.relu6(layer(y, f"{block.name}.depthwise_conv", f"{block.name}.bn1", block.stride))
        y = layer(y, f"{block.name}.project_conv", f"{block.name}.bn2")
        x = x + y if x.shape == y.shape else y
    x = functional.relu6(layer(x, "conv_head", "bn1")).mean((2, 3))
    return functional.linear(x, weights["fc.weight"], weights["fc.bias"])


@pytest.mark.parametrize(
    ("side", "repeats"), [(64, (1, 2, 2, 3, 3, 4, 1)), (65, (1, 3, 3, 4, 4, 5, 1)), (52, (1,) * 7)]
)
def test_it_computes_what_pytorch_computes(side: int, repeats: tuple[int, ...]) -> None:
    arrays = random_lite(repeats=repeats, classes=7)
    model = build_efficientnet_lite("efficientnet-lite9", arrays, side=side)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((2, 3, side, side), np.float32)
    (found,) = session.run(None, {"input": x})
    expected = reference("efficientnet-lite9", arrays, torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())

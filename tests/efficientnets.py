"""EfficientNet-Lite networks with random weights, for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

KERNELS = (3, 3, 5, 3, 5, 5, 3)
WIDTHS = (4, 6, 8, 10, 12, 14, 16)


def random_lite(*, repeats: Sequence[int] = (1,) * 7, classes: int = 5, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Arrays of a narrow network with all seven stages, whose activations neither die nor saturate."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, NDArray[Any]] = {}

    def conv(name: str, norm: str, *shape: int) -> None:
        scale = np.sqrt(2.0 / np.prod(shape[1:]))
        arrays[f"{name}.weight"] = (rng.standard_normal(shape) * scale).astype(np.float32)
        for part, low, high in (("weight", 0.5, 1.5), ("bias", -0.3, 0.7), ("running_mean", -0.2, 0.2)):
            arrays[f"{norm}.{part}"] = rng.uniform(low, high, shape[0]).astype(np.float32)
        arrays[f"{norm}.running_var"] = rng.uniform(0.5, 1.5, shape[0]).astype(np.float32)

    conv("conv_stem", "bn0", 8, 3, 3, 3)
    channels, number = 8, 0
    for stage, (repeat, kernel, width) in enumerate(zip(repeats, KERNELS, WIDTHS, strict=True)):
        for _ in range(repeat):
            name, expanded = f"blocks.{number}", channels * (1 if stage == 0 else 3)
            if expanded != channels:
                conv(f"{name}.expand_conv", f"{name}.bn0", expanded, channels, 1, 1)
            conv(f"{name}.depthwise_conv", f"{name}.bn1", expanded, 1, kernel, kernel)
            conv(f"{name}.project_conv", f"{name}.bn2", width, expanded, 1, 1)
            channels, number = width, number + 1
    conv("conv_head", "bn1", 20, channels, 1, 1)
    arrays["fc.weight"] = (rng.standard_normal((classes, 20)) * 0.3).astype(np.float32)
    arrays["fc.bias"] = rng.standard_normal(classes).astype(np.float32)
    return arrays

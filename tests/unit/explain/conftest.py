"""Small networks for the explanations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet, expected_shapes
from resnet_desktop.bundle.file.bundle import Bundle, write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.imaging.transforms import Transforms

BundleMaker = Callable[..., Bundle]
CLASSES = 5
SIDE = 64


@pytest.fixture
def make_bundle(tmp_path: Path) -> BundleMaker:
    """``make_bundle(arch, arrays=None, hidden=())``: a bundle of that network, with random weights unless given."""

    def make(
        arch: Architecture, arrays: dict[str, np.ndarray] | None = None, *, hidden: tuple[int, ...] = ()
    ) -> Bundle:
        model = build_resnet(arch, arrays or _random(arch, hidden), height=SIDE, width=SIDE, storage="float32")
        labels = tuple(f"thing {i}" for i in range(CLASSES))
        metadata = Metadata(arch=arch.name, categories=labels, transforms=Transforms(resize=72, crop=SIDE))
        return write(tmp_path / f"{arch.name}.onnx", model, metadata)

    return make


def _random(arch: Architecture, hidden: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = dict(expected_shapes(arch))
    sizes = (arch.features, *hidden, CLASSES)
    for i in range(len(sizes) - 1):
        name = f"head.{i}" if hidden else "fc"
        shapes |= {f"{name}.weight": (sizes[i + 1], sizes[i]), f"{name}.bias": (sizes[i + 1],)}
    arrays = {}
    for name, shape in shapes.items():
        scale = np.sqrt(2.0 / np.prod(shape[1:])) if len(shape) > 1 else 0.3
        values = np.abs(rng.normal(0.7, 0.1, shape)) if name.endswith("running_var") else rng.normal(0, scale, shape)
        arrays[name] = values.astype(np.float32)
    return arrays

"""Small real models, and real sessions that fail on purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet, expected_shapes
from resnet_desktop.bundle.file.bundle import Bundle, write
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.inference import runtime
from resnet_desktop.inference.runtime import CPU, RunnableSession, SessionFactory

TINY = Architecture("tiny", "bottleneck", (2, 1), (8, 16))
SIDE = 32
LABELS = ("ant", "bee", "cat", "dog", "egg", "fox", "gnu")
CHANNELS = TINY.features
BROKEN = "CUDAExecutionProvider"
"""The provider whose place the failing sessions take, whether or not this machine has it."""


def tiny_model(*, hidden: tuple[int, ...] = (), seed: int = 0, gain: float = 1.0) -> onnx.ModelProto:
    """A network of ours with random weights; ``gain`` scales its first batch norm."""
    rng = np.random.default_rng(seed)
    shapes = dict(expected_shapes(TINY))
    sizes = (TINY.features, *hidden, len(LABELS))
    for i in range(len(sizes) - 1):
        name = f"head.{i}" if hidden else "fc"
        shapes |= {f"{name}.weight": (sizes[i + 1], sizes[i]), f"{name}.bias": (sizes[i + 1],)}
    arrays = {name: _values(rng, name, shape) for name, shape in shapes.items()}
    arrays["bn1.weight"] *= np.float32(gain)
    return build_resnet(TINY, arrays, height=SIDE, width=SIDE)


def _values(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if len(shape) > 1:
        values = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))
    else:
        values = rng.uniform(0.5, 1.0, shape) if name.endswith(("running_var", "weight")) else rng.normal(0, 0.3, shape)
    return np.asarray(values, np.float32)


def tiny_bundle(folder: Path, *, hidden: tuple[int, ...] = (), gain: float = 1.0, **changes: object) -> Bundle:
    """A tiny model, written with metadata; ``changes`` go into the metadata."""
    fields: dict[str, Any] = {"arch": "tiny", "categories": LABELS, "transforms": Transforms(resize=36, crop=SIDE)}
    return write(folder / "tiny.onnx", tiny_model(hidden=hidden, gain=gain), Metadata(**(fields | changes)))


def fixed_bundle(folder: Path, batch: int) -> Bundle:
    """A tiny model whose file takes ``batch`` images at once, no more and no fewer."""
    model = tiny_model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    metadata = Metadata(arch="tiny", categories=LABELS, transforms=Transforms(resize=36, crop=SIDE))
    return write(folder / "fixed.onnx", model, metadata)


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Prepared images, float32 (count, 3, 32, 32)."""
    return np.random.default_rng(seed).standard_normal((count, 3, SIDE, SIDE)).astype(np.float32)


class FailingSession:
    """A real session on the CPU that raises as a lost device does, from its run number ``good_runs`` on."""

    def __init__(self, session: RunnableSession, good_runs: int, batch_sizes: list[int]) -> None:
        self._session = session
        self._left = good_runs
        self._batch_sizes = batch_sizes

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, NDArray[Any]]) -> Sequence[Any]:
        """Run, or fail."""
        if self._left <= 0:
            raise RuntimeError("CUDA failure 719: unspecified launch failure")
        self._left -= 1
        self._batch_sizes.append(len(next(iter(input_feed.values()))))
        return self._session.run(output_names, input_feed)

    def get_providers(self) -> Sequence[str]:
        """As the real one."""
        return self._session.get_providers()

    def get_inputs(self) -> Sequence[Any]:
        """As the real one."""
        return self._session.get_inputs()


def failing_factory(good_runs: int, *, cpu_too: bool = False, batch_sizes: list[int] | None = None) -> SessionFactory:
    """Opens real sessions; those for ``BROKEN`` (``cpu_too``: all) run on the CPU and fail after ``good_runs`` runs."""
    sizes: list[int] = [] if batch_sizes is None else batch_sizes

    def open_one(model: bytes, provider: str, threads: int | None) -> RunnableSession:
        session = runtime.open_session(model, CPU, threads)
        return FailingSession(session, good_runs, sizes) if cpu_too or provider == BROKEN else session

    return open_one


def refusing(*providers: str) -> SessionFactory:
    """Opens real sessions, but none on ``providers``."""

    def open_one(model: bytes, provider: str, threads: int | None) -> RunnableSession:
        if provider in providers:
            raise RuntimeError(f"{provider} could not be loaded")
        return runtime.open_session(model, provider, threads)

    return open_one

"""Photos that a small base with random weights tells apart, and runs of them in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.architectures import Architecture
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.head.run import Run
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.reporter import Reporter
from tests.unit.bundle.making import random_arrays

SIDE = 32
SMALL = Architecture("small", "basic", (1, 1), (16, 32))


def stripes(rng: np.random.Generator, *, lying: bool) -> NDArray[np.uint8]:
    """A noisy picture of stripes in random colours."""
    wave = np.sin(np.arange(SIDE) * rng.uniform(0.6, 1.2) + rng.uniform(0, 6))
    pattern = np.broadcast_to(wave[:, None] if lying else wave[None, :], (SIDE, SIDE))
    noise = rng.normal(0, 8, (SIDE, SIDE, 3))
    return np.clip(128 + pattern[..., None] * rng.uniform(40, 110, 3) + noise, 0, 255).astype(np.uint8)


def fill_folder(folder: Path, each: int, *, seed: int = 0, names: tuple[str, str] = ("lying", "standing")) -> Path:
    """Two class folders of ``each`` photos."""
    rng = np.random.default_rng(seed)
    for name, lying in zip(names, (True, False), strict=True):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            (folder / name / f"{i:02d}.png").write_bytes(encode_png(stripes(rng, lying=lying)))
    return folder


def base_model(path: Path, *, bad: bool = False) -> Path:
    """A small network with random weights as a bundle; ``bad``: one of them is no number."""
    arrays = random_arrays(SMALL, 3)
    if bad:
        arrays["conv1.weight"][0] = np.nan
        model = build_resnet(SMALL, random_arrays(SMALL, 3), height=SIDE, width=SIDE, storage="float32")
        for tensor in model.graph.initializer:
            if tensor.name == "conv1.weight":
                tensor.raw_data = arrays["conv1.weight"].tobytes()
    else:
        model = build_resnet(SMALL, arrays, height=SIDE, width=SIDE)
    metadata = Metadata(arch=None, categories=("a", "b", "c"), transforms=Transforms(resize=SIDE, crop=SIDE))
    return bundles.write(path, model, metadata).path


def job(folder: Path, output: Path, base: Path, **changes: Any) -> dict[str, Any]:
    """A job for the last layer alone."""
    values = {"v": 1, "data": [{"folder": str(folder)}], "output": str(output), "base": str(base), "control": "none"}
    return {**values, "train": "head", "workers": 1, **changes}


class Listener(Reporter):
    """A reporter that keeps what it said; ``on_event`` hears each event."""

    def __init__(self, folder: Path, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
        super().__init__(folder)
        self.said: list[dict[str, Any]] = []
        self._on_event = on_event

    def say(self, event: str, **values: object) -> None:
        super().say(event, **values)
        record = {"event": event, **values}
        self.said.append(record)
        if self._on_event is not None:
            self._on_event(record)

    @property
    def due(self) -> bool:
        return True


def run_here(
    values: dict[str, Any],
    on_event: Callable[[dict[str, Any]], None] | None = None,
    control: Control | None = None,
) -> list[dict[str, Any]]:
    """Run a job in this process; what it said."""
    reporter = Listener(Path(values["output"]), on_event)
    try:
        Run(parse_job(values), reporter, control or Control("trial")).go()
    finally:
        reporter.close()
    return reporter.said

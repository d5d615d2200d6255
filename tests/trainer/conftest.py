"""A tiny data set that a small network learns, and a way to run the real trainer process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs PyTorch")

from resnet_desktop.bundle.builders.architectures import ARCHITECTURES
from resnet_desktop.bundle.builders.resnet import build_resnet
from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.bundle.format.metadata import Metadata
from resnet_desktop.imaging.decode import encode_png
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.reporter import Reporter
from resnet_desktop.trainer.network.resnet import ResNet, named_arrays
from resnet_desktop.trainer.run import Run

SIDE = 32
PER_CLASS = 24


def stripes(rng: np.random.Generator, horizontal: bool) -> np.ndarray:
    """A noisy picture of stripes, lying or standing, in random colours."""
    place = np.arange(SIDE)
    wave = np.sin(place * rng.uniform(0.6, 1.2) + rng.uniform(0, 6))
    pattern = np.broadcast_to(wave[:, None] if horizontal else wave[None, :], (SIDE, SIDE))
    colour = rng.uniform(40, 110, 3)
    return np.clip(128 + pattern[..., None] * colour + rng.normal(0, 8, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def stripe_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two class folders of ``PER_CLASS`` PNG files each."""
    folder = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    for label, horizontal in (("lying", True), ("standing", False)):
        (folder / label).mkdir()
        for i in range(PER_CLASS):
            (folder / label / f"{i:02d}.png").write_bytes(encode_png(stripes(rng, horizontal)))
    return folder


def small_job(folder: Path, output: Path, **changes: Any) -> dict[str, Any]:
    """A job that trains a small network in seconds."""
    transforms: dict[str, Any] = {"native": None, "resize": SIDE, "crop": SIDE, "interpolation": "bilinear"}
    transforms |= {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    recipe = {
        "arch": "resnet20-cifar",
        "schedule": [{"epochs": 3, "size": 24, "batch_size": 8}, {"epochs": 1, "size": 32, "batch_size": 8}],
        "transforms": transforms,
        "precision": "float32",
        "crop_scale": [0.6, 1.0],
    }
    job = {"v": 1, "data": [{"folder": str(folder)}], "output": str(output), "train": "scratch", "control": "none"}
    return {**job, "device": "cpu", "workers": 1, "recipe": recipe, **changes}


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with random weights, as a bundle to start from: random filters tell stripes apart, too."""
    import torch

    torch.manual_seed(0)
    network = ResNet(ARCHITECTURES["resnet20-cifar"], 3, zero_init_residual=False)
    arrays = named_arrays(network)
    model = build_resnet(network.architecture, arrays, height=SIDE, width=SIDE, storage="float32")
    metadata = Metadata(
        arch="resnet20-cifar", categories=("a", "b", "c"), transforms=Transforms(resize=SIDE, crop=SIDE)
    )
    return bundles.write(tmp_path_factory.mktemp("base") / "base.onnx", model, metadata).path


def fine_tune_job(folder: Path, output: Path, base: Path, **changes: Any) -> dict[str, Any]:
    """A job that fine-tunes ``base``; the recipe is changed key by key."""
    recipe = {"precision": "float32", **changes.pop("recipe", {})}
    values = {"v": 1, "data": [{"folder": str(folder)}], "output": str(output), "base": str(base), "control": "none"}
    return {**values, "train": "head", "device": "cpu", "workers": 1, "epochs": 3, "recipe": recipe, **changes}


class Listener(Reporter):
    """A reporter that keeps what it said; with ``on_event`` something can happen at an event."""

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
    job: dict[str, Any], on_event: Callable[[dict[str, Any]], None] | None = None, control: Control | None = None
) -> list[dict[str, Any]]:
    """Run a job in this process; what it said."""
    reporter = Listener(Path(job["output"]), on_event)
    try:
        Run(parse_job(job), reporter, control or Control("trial")).go()
    finally:
        reporter.close()
    return reporter.said


def weights(folder: Path) -> dict[str, np.ndarray]:
    """The weights of a run's bundle."""
    return bundles.arrays(bundles.read(folder / "model.onnx"))


@pytest.fixture
def start_trainer(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the trainer on a job (a dict or a path) or with ``--resume``; the output is text."""

    def start(job: dict[str, Any] | None = None, *, resume: Path | None = None) -> subprocess.Popen[str]:
        arguments = ["--resume", str(resume)]
        if job is not None:
            path = tmp_path / "job.json"
            path.write_text(json.dumps(job), "utf-8")
            arguments = [str(path)]
        # One thread: sums in another order would not be equal to the last bit.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "resnet_desktop.trainer", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    return start

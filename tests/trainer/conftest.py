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

from resnet_desktop.imaging.decode import encode_png

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
    transforms = {"native": None, "resize": SIDE, "crop": SIDE, "interpolation": "bilinear"}
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

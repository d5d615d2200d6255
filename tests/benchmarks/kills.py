"""``python -m tests.benchmarks.kills``: runs killed at random moments, resumed, and held against undisturbed ones.

Every mode of training is tried in turn: the head on features, the last stage, everything, from scratch. Each run is
killed with SIGKILL once or twice after a random time, then resumed to its end; the weights of the bundle must be those
of the undisturbed run, bit for bit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.imaging.decode import encode_png

MODES = ("head", "last-stage", "all", "scratch")
SIDE = 32


def main() -> None:
    """Kill so often, and say how every run ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures(folder / "photos")
        undisturbed = {mode: whole(folder, mode) for mode in MODES}
        kills = runs = equal = 0
        while kills < given.kills:
            mode = MODES[runs % len(MODES)]
            hit = disturbed(folder, mode, f"{mode}-{runs}", undisturbed[mode][1], chance)
            found = weights(folder / f"{mode}-{runs}")
            same = all(np.array_equal(undisturbed[mode][0][key], found[key]) for key in found)
            kills, runs, equal = kills + hit, runs + 1, equal + same
            print(f"{mode:11} killed {hit} times, weights {'equal' if same else 'DIFFERENT'}", flush=True)
    print(f"{kills} kills in {runs} runs: {equal} of {runs} ended with the weights of an undisturbed run")


def pictures(folder: Path) -> None:
    """Two classes of striped noise."""
    rng = np.random.default_rng(0)
    for label in ("lying", "standing"):
        (folder / label).mkdir(parents=True)
        for i in range(24):
            wave = np.sin(np.arange(SIDE) * rng.uniform(0.6, 1.2) + rng.uniform(0, 6)) * 80
            pattern = np.broadcast_to(wave[:, None] if label == "lying" else wave[None], (SIDE, SIDE))
            pixels = np.clip(128 + pattern[..., None] + rng.normal(0, 10, (SIDE, SIDE, 3)), 0, 255)
            (folder / label / f"{i:02d}.png").write_bytes(encode_png(pixels.astype(np.uint8)))


def job(folder: Path, mode: str, name: str) -> Path:
    """The job file of a run."""
    values: dict[str, Any] = {"data": [{"folder": str(folder / "photos")}], "output": str(folder / name)}
    recipe: dict[str, Any] = {"precision": "float32", "patience": 0}
    if mode == "scratch":
        recipe |= {"arch": "resnet20-cifar", "schedule": [{"epochs": 6, "size": 32, "batch_size": 8}], "ema": 0.9}
    else:
        values |= {"base": str(folder / "scratch" / "model.onnx"), "epochs": 300 if mode == "head" else 6}
    values |= {"train": mode, "recipe": recipe, "control": "none", "device": "cpu", "workers": 1, "preset": "best"}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(values), "utf-8")
    return path


def whole(folder: Path, mode: str) -> tuple[dict[str, Any], float]:
    """The weights of an undisturbed run, and its seconds. The first mode needs a base: scratch is run before all."""
    if mode != "scratch" and not (folder / "scratch" / "model.onnx").is_file():
        whole(folder, "scratch")
    started = time.monotonic()
    subprocess.run(
        [*COMMAND, str(job(folder, mode, mode))], check=True, stdout=subprocess.DEVNULL, env=home(folder, mode)
    )
    return weights(folder / mode), time.monotonic() - started


def disturbed(folder: Path, mode: str, name: str, seconds: float, chance: random.Random) -> int:
    """Run, kill at one or two random moments, resume to the end; how often it was hit before its end."""
    hits, arguments = 0, [str(job(folder, mode, name))]
    for _ in range(chance.choice((1, 2))):
        process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, env=home(folder, name))
        try:
            process.wait(chance.uniform(0.05, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            hits += 1
        process.wait()
        if (folder / name / "job.json").is_file():
            arguments = ["--resume", str(folder / name)]
    subprocess.run([*COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL, env=home(folder, name))
    return hits


def home(folder: Path, name: str) -> dict[str, str]:
    """One thread, for sums in one order; features are not remembered from another run."""
    settings = {"OMP_NUM_THREADS": "1", "RESNET_DESKTOP_HOME": str(folder / f"home-{name}")}
    return {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}


def weights(folder: Path) -> dict[str, Any]:
    """Of the run's bundle."""
    return dict(bundles.arrays(bundles.read(folder / "model.onnx")))


COMMAND = [sys.executable, "-u", "-m", "resnet_desktop.trainer"]

if __name__ == "__main__":
    main()

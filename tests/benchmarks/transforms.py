"""Compare transforms on the held-out training pictures of a run: ``python -m tests.benchmarks.transforms runs/NAME``.

The pictures are those that the run itself set apart from its training pictures; no validation or test picture is read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch.nn import functional

from resnet_desktop.data.dataset import scan
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import read_job
from resnet_desktop.runs.evaluation.calibrate import wilson_interval
from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.picture_tensor import load_pictures, square
from resnet_desktop.trainer.loop import checkpoint as checkpoints
from resnet_desktop.trainer.network.build import build_network

CANDIDATES = ((96, 96), (100, 100), (104, 104), (112, 112), (112, 100), (128, 112), (128, 128))
"""(resize, crop) in pixels."""
BATCH = 100


def main() -> None:
    """Print accuracy and loss for each candidate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    options = parser.parse_args()
    job = read_job(options.run / "job.json")
    assert job.recipe is not None
    found = scan(job)
    native = job.recipe.transforms.native if job.recipe.transforms else None
    pictures, _ = load_pictures(found.validation, square(native or 256), 2)
    network = build_network(job, len(found.labels))
    state = checkpoints.load_latest(options.run / "checkpoints")
    assert state is not None
    network.load_state_dict(state.best or state.network)
    network.eval()
    augmenter = Augmenter(job.recipe, Transforms(), torch.device("cpu"))
    print(f"{len(pictures)} held-out training pictures, weights of epoch {state.position.epoch}")
    for resize, crop in CANDIDATES:
        with torch.inference_mode():
            batches = (pictures.pixels[i : i + BATCH] for i in range(0, len(pictures), BATCH))
            logits = torch.cat([network(augmenter.evaluation(batch, resize, crop)) for batch in batches])
        right = int((logits.argmax(1) == pictures.labels).sum())
        low, high = wilson_interval(right, len(pictures))
        loss = float(functional.cross_entropy(logits, pictures.labels))
        accuracy = right / len(pictures)
        print(f"resize {resize:3d} crop {crop:3d}: top-1 {accuracy:.1%} ({low:.1%}-{high:.1%}), loss {loss:.3f}")


if __name__ == "__main__":
    main()

"""What a run says of its epochs is what the app would say of the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from resnet_desktop.bundle.file import bundle as bundles
from resnet_desktop.imaging.decode import decode, encode_png
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.runs.control import Control
from resnet_desktop.runs.reporter import Silent
from resnet_desktop.trainer.loop.early_stopping import is_as_good
from resnet_desktop.trainer.loop.engine import FEW, WORST
from resnet_desktop.trainer.run import Run

from .conftest import fine_tune_job

SEEN = {"native": 48, "resize": 40, "crop": 32, "interpolation": "bicubic"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of photos that are larger than the network's input, and no squares."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for label in ("a", "b"):
        (folder / label).mkdir()
        for i in range(12):
            blocks = rng.integers(0, 255, (20, 30, 3), np.uint8)
            (folder / label / f"{i}.png").write_bytes(encode_png(np.kron(blocks, np.ones((11, 11, 1), np.uint8))))
    return folder


@pytest.mark.parametrize(("train", "precision"), [("head", "float32"), ("last-stage", "bfloat16")])
def test_epochs_are_judged_by_the_apps_own_preprocessing(
    train: str, precision: str, photos: Path, base_model: Path, tmp_path: Path
) -> None:
    known = bundles.read(base_model).metadata.transforms.to_json()
    recipe = {"transforms": {**known, **SEEN}, "precision": precision}
    job = fine_tune_job(photos, tmp_path / "out", base_model, train=train, recipe=recipe)
    (tmp_path / "out").mkdir()
    run = Run(parse_job(job), Silent(), Control("trial"))
    engine = run.engine(run._scan())
    network = engine.network.eval()
    found = engine.evaluate(engine.validation, 32, 32)
    assert found is not None
    transforms = Transforms.from_json({**known, **SEEN})
    rows = []
    for sample in engine.validation.samples:
        picture = decode(Path(sample.name), shorter_side=transforms.decode_side)
        rows.append(transforms.apply(picture.pixels, full_size=picture.full_size))
    with torch.inference_mode():
        pooled = network.pooled(torch.from_numpy(np.stack(rows)))
        expected = network.classify(pooled) if engine.head is None else engine.head(pooled)
    # Features are kept as 16-bit numbers.
    limit = 0.02 if train == "head" else 1e-4
    assert torch.allclose(found.logits, expected, atol=limit), (found.logits - expected).abs().max()


def test_of_few_pictures_the_loss_says_which_epoch_is_best(photos: Path, base_model: Path, tmp_path: Path) -> None:
    job = fine_tune_job(photos, tmp_path / "out", base_model)
    (tmp_path / "out").mkdir()
    run = Run(parse_job(job), Silent(), Control("trial"))
    engine = run.engine(run._scan())
    assert len(engine.validation) < FEW
    assert engine.best_by == "loss"
    lucky, sure = (0.75, -0.9), (0.5, -0.4)

    def order(by: str) -> list[tuple[float, float]]:
        return sorted((WORST, lucky, sure), key=lambda one: -sum(is_as_good(one, o, by) for o in (WORST, lucky, sure)))

    assert order(engine.best_by) == [sure, lucky, WORST]
    engine.validation.samples = engine.validation.samples * FEW
    assert engine.best_by == "accuracy"
    assert order(engine.best_by) == [lucky, sure, WORST]

"""Looking for wrong labels among features: how often right ones are suspected, and when nobody is asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from resnet_desktop.data.pictures.samples import Sample
from resnet_desktop.imaging.transforms import Transforms
from resnet_desktop.jobs.job import Recipe
from resnet_desktop.runs.report.label_errors import LEAST
from resnet_desktop.trainer.evaluation import label_errors
from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.feeds import FeatureFeed, PictureFeed
from resnet_desktop.trainer.inputs.picture_tensor import Pictures

NAMES = ("a", "b")
AUGMENTER = Augmenter(Recipe(), Transforms(), torch.device("cpu"))
OVERLAP = 2.2
"""Between the centres of the classes, in deviations: one picture in seven lies on the wrong side."""


def feed(count: int, seed: int, flips: int = 0) -> tuple[FeatureFeed, set[str]]:
    """Features of two classes that overlap, and the pictures whose label is wrong."""
    rng = np.random.default_rng(seed)
    truth = np.arange(count) % 2
    values = rng.normal(size=(count, 32)).astype(np.float32)
    values[:, 0] += OVERLAP * truth
    labels = truth.copy()
    wrong = rng.choice(count, flips, replace=False)
    labels[wrong] = 1 - labels[wrong]
    samples = tuple(Sample(f"{i}.png", None, int(label)) for i, label in enumerate(labels))
    made = FeatureFeed(
        torch.from_numpy(values)[None].half(), torch.from_numpy(labels), samples, AUGMENTER, torch.device("cpu")
    )
    return made, {f"{i}.png" for i in wrong}


def nothing() -> None:
    """Nobody interrupts."""


@pytest.mark.parametrize("count", [40, 120])
def test_right_labels_are_hardly_ever_suspected(count: int) -> None:
    found = [label_errors.doubted(feed(count, seed)[0], NAMES, nothing) for seed in range(8)]
    assert sum(len(one.rows) for one in found) / (8 * count) <= 0.03
    assert all(one.wrong is not None and one.pictures == count for one in found)
    assert np.mean([one.wrong for one in found if one.wrong is not None]) > 0.05, "though the models are often wrong"


def test_most_of_the_suspected_are_wrong_where_some_are() -> None:
    hits = suspected = 0
    for seed in range(10):
        made, wrong = feed(240, seed, flips=12)
        names = {row["path"] for row in label_errors.doubted(made, NAMES, nothing).rows}
        hits, suspected = hits + len(names & wrong), suspected + len(names)
    assert suspected >= 10
    assert hits / suspected >= 0.5


def test_few_pictures_and_rare_classes_are_not_looked_at() -> None:
    few = label_errors.doubted(feed(LEAST - 2, 0)[0], NAMES, nothing)
    assert (few.rows, few.pictures, few.wrong, few.why) == ([], 0, None, "few")
    made, _ = feed(60, 0)
    made.labels[:5] = 2
    found = label_errors.doubted(made, ("a", "b", "rare"), nothing)
    assert found.pictures == 55
    assert all("rare" not in (row["label"], row["predicted"]) for row in found.rows)


def test_what_the_network_has_learnt_by_heart_is_not_asked_about() -> None:
    pixels = torch.zeros(40, 3, 8, 8, dtype=torch.uint8)
    labels = torch.arange(40) % 2
    samples = tuple(Sample(f"{i}.png", None, i % 2) for i in range(40))
    pictures = PictureFeed(Pictures(pixels, labels, samples), AUGMENTER, torch.device("cpu"))
    assert label_errors.doubted(pictures, NAMES, nothing).why == "learnt"

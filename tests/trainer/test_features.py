"""Frozen features and their cache: the same numbers, whatever is remembered, and never in the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from resnet_desktop.core.value_cache import ValueCache
from resnet_desktop.data.dataset import Sample, scan
from resnet_desktop.jobs.job import parse_job
from resnet_desktop.trainer import choices
from resnet_desktop.trainer.evaluation.frozen_features import LIMIT, Extractor
from resnet_desktop.trainer.inputs.augment import Augmenter
from resnet_desktop.trainer.inputs.feeds import HeadOnly
from resnet_desktop.trainer.inputs.picture_tensor import load_pictures, square
from resnet_desktop.trainer.network.build import build_network
from resnet_desktop.trainer.network.classifier import Classifier

from .conftest import SIDE, fine_tune_job

VIEWS = 3


def nobody(done: int, total: int) -> None:
    """Nobody listens."""


@pytest.fixture
def samples(stripe_folder: Path, base_model: Path) -> tuple[Sample, ...]:
    return scan(parse_job(fine_tune_job(stripe_folder, Path("out"), base_model))).training[:21]


@pytest.fixture
def extractor(stripe_folder: Path, base_model: Path) -> Callable[..., Extractor]:
    def make(**changes: object) -> Extractor:
        job = choices.fill(parse_job(fine_tune_job(stripe_folder, Path("out"), base_model)))
        assert job.recipe is not None
        assert job.recipe.transforms is not None
        recipe = dataclasses.replace(job.recipe, **changes)  # type: ignore[arg-type]
        torch.manual_seed(0)
        network = build_network(job, 2).eval()
        augmenter = Augmenter(recipe, job.recipe.transforms, torch.device("cpu"))
        return Extractor(
            network,
            augmenter,
            recipe,
            base="b",
            seed=0,
            side=SIDE,
            workers=1,
            told=nobody,
        )

    return make


def network_of(extractor: Extractor) -> Classifier:
    return extractor._network


def test_the_plain_view_is_what_the_network_sees(
    extractor: Callable[..., Extractor], samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    extract = extractor()
    features, skipped = extract(samples, VIEWS, ValueCache(tmp_path / "f.sqlite", LIMIT))
    assert skipped == []
    assert features.values.shape == (VIEWS, len(samples), 64)
    pictures, _ = load_pictures(samples, square(SIDE), 1)
    with torch.inference_mode():
        x = extract._augmenter.evaluation(pictures.pixels, SIDE, SIDE)
        expected = network_of(extract).pooled(x)
    assert torch.allclose(features.values[0].float(), expected, rtol=2e-3, atol=2e-3)
    assert not torch.equal(features.values[1], features.values[2])
    assert features.labels.tolist() == [s.label for s in samples]


def test_what_is_remembered_makes_no_difference(
    extractor: Callable[..., Extractor], samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    whole, _ = extractor()(samples, VIEWS, ValueCache(tmp_path / "a.sqlite", LIMIT))
    cache = ValueCache(tmp_path / "b.sqlite", LIMIT)
    some = extractor()
    some(samples[3:9], VIEWS, cache)
    assert some.computed == 6 * VIEWS
    cache.close()
    rest = extractor()
    again, _ = rest(samples, VIEWS, ValueCache(tmp_path / "b.sqlite", LIMIT))
    assert rest.computed == (len(samples) - 6) * VIEWS
    assert torch.equal(whole.values, again.values)


def test_other_augmentation_keeps_the_plain_view(
    extractor: Callable[..., Extractor], samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    cache = ValueCache(tmp_path / "f.sqlite", LIMIT)
    extractor()(samples, VIEWS, cache)
    other = extractor(crop_scale=(0.2, 0.4))
    other(samples, VIEWS, cache)
    assert other.computed == len(samples) * (VIEWS - 1)


def test_the_precision_leaves_the_augmentation_alone(
    extractor: Callable[..., Extractor], samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    cache = ValueCache(tmp_path / "f.sqlite", LIMIT)
    exact, _ = extractor()(samples, VIEWS, cache)
    half, _ = extractor(precision="bfloat16")(samples, VIEWS, cache)
    drawn, rounded = exact.values[1:].float(), half.values[1:].float()
    assert not torch.equal(drawn, rounded), "computed again, in the other precision"
    assert (drawn - rounded).abs().mean() < 0.1 * (drawn[0] - drawn[1]).abs().mean()


def test_shift_and_scale_go_into_the_weights(
    extractor: Callable[..., Extractor], samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    extract = extractor()
    features, _ = extract(samples, 1, ValueCache(tmp_path / "f.sqlite", LIMIT))
    plain = features.values[0].float()
    head = HeadOnly(network_of(extract), plain)
    head.eval()
    before = head(plain)
    head.fold()
    assert torch.allclose(before, network_of(extract).classify(plain), atol=1e-4)
    assert torch.allclose(before, head(plain), atol=1e-4)

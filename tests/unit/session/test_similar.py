"""Which photos look alike to a network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resnet_desktop.inference.classifier import Classifier, Prediction
from resnet_desktop.session.similar import MOST, Features
from tests.conftest import make_photo
from tests.unit.bundle.making import tiny_bundle


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> list[Prediction]:
    path: Path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    classifier = Classifier(tiny_bundle(path), provider="cpu")
    return [classifier.classify_pixels(make_photo(90, 70, seed)) for seed in (1, 2, 3, 4)]


def features(predictions: list[Prediction]) -> Features:
    kept = Features()
    for number, prediction in enumerate(predictions):
        kept.add(number, prediction)
    return kept


def test_the_cosine_of_the_features_in_front_of_the_last_layer(predictions: list[Prediction]) -> None:
    maps = [one.activations for one in predictions]
    vectors = np.stack([one.mean(axis=(1, 2)) for one in maps if one is not None]).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = vectors[1:] @ vectors[0]
    found = features(predictions).near([0], [0, 1, 2, 3, 99])
    assert [one.cosine for one in found] == pytest.approx(sorted(expected, reverse=True), abs=2e-3)
    assert {one.number: one.cosine for one in found} == pytest.approx(dict(enumerate(expected, 1)), abs=2e-3)
    several = features(predictions).near([0, 1], [1, 2, 3])
    middle = vectors[0] + vectors[1]
    cosines = vectors[2:] @ (middle / np.linalg.norm(middle))
    assert {one.number: one.cosine for one in several} == pytest.approx(dict(enumerate(cosines, 2)), abs=2e-3)


def test_logits_where_the_head_is_more_than_one_layer(predictions: list[Prediction]) -> None:
    plain = [replace(one, activations=None) for one in predictions]
    logits = np.stack([one.logits - one.logits.mean() for one in plain])
    logits /= np.linalg.norm(logits, axis=1, keepdims=True)
    found = features(plain).near([2], [0, 1, 2, 3])
    expected = {number: float(logits[number] @ logits[2]) for number in (0, 1, 3)}
    assert {one.number: one.cosine for one in found} == pytest.approx(expected, abs=2e-3)


def test_nothing_to_compare(predictions: list[Prediction]) -> None:
    kept = features(predictions[:1])
    assert kept.near([0], [0]) == ()
    assert kept.near([7], [0]) == ()
    flat = replace(predictions[0], activations=None, logits=np.ones_like(predictions[0].logits))
    both = features([flat, flat])
    assert [one.cosine for one in both.near([1], [0])] == [0.0]
    kept.clear()
    assert 0 not in kept
    many = features(predictions[:1] * (MOST + 5))
    assert len(many.near([0], range(MOST + 5))) == MOST

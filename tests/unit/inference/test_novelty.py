"""The unfamiliar-image rules against their formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resnet_desktop.core.errors import ModelError
from resnet_desktop.inference.classifier import Classifier
from resnet_desktop.inference.novelty import NoveltyRule, pack, similarity, unit_rows

from .making import TINY, images, tiny_bundle

LOGITS = np.array([2.0, -1.0, 0.5], np.float32)
PROBABILITIES = np.array([0.7, 0.1, 0.2], np.float32)
PROTOTYPES = unit_rows(np.array([[3.0, 4.0, 0.0], [0.0, 0.0, -2.0]], np.float32))
FEATURES = np.array([1.0, 0.0, 0.0], np.float32)


def rule(**fields: object) -> NoveltyRule:
    """A rule as a bundle carries it."""
    found = NoveltyRule.from_metadata(fields)
    assert found is not None
    return found


def test_a_model_without_a_rule_has_none() -> None:
    assert NoveltyRule.from_metadata(None) is None


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_energy_is_the_scaled_log_sum_exp_of_the_logits(temperature: float) -> None:
    expected = temperature * math.log(sum(math.exp(x / temperature) for x in (2.0, -1.0, 0.5)))
    energy = rule(method="energy", threshold=0, temperature=temperature)
    assert energy.score(LOGITS, PROBABILITIES) == pytest.approx(expected, rel=1e-9)
    for threshold in (expected - 1e-3, expected + 1e-3):
        there = rule(method="energy", threshold=threshold, temperature=temperature)
        assert there.unfamiliar(LOGITS, PROBABILITIES) is (expected < threshold)


def test_energy_does_not_overflow() -> None:
    assert rule(method="energy", threshold=0).score(LOGITS * 5000, PROBABILITIES) == pytest.approx(10_000.0)


@pytest.mark.parametrize(("threshold", "unfamiliar"), [(0.69, False), (0.71, True), (0.0, False)])
def test_max_probability_compares_the_best_class(threshold: float, unfamiliar: bool) -> None:
    assert rule(method="max_probability", threshold=threshold).unfamiliar(LOGITS, PROBABILITIES) is unfamiliar


def test_the_nearest_prototype_counts_whatever_the_length_of_the_features() -> None:
    near = rule(method="prototypes", layer="avgpool", threshold=0.5, **pack(PROTOTYPES))
    assert near.layer == "avgpool"
    for length in (1e-3, 1.0, 1e6):
        assert near.score(LOGITS, PROBABILITIES, FEATURES * length) == pytest.approx(0.6, abs=0.01)
    assert not near.unfamiliar(LOGITS, PROBABILITIES, FEATURES)
    assert near.unfamiliar(LOGITS, PROBABILITIES, -FEATURES)
    assert near.score(LOGITS, PROBABILITIES, np.zeros(3, np.float32)) == 0


def test_a_byte_a_number_is_enough_for_directions() -> None:
    rows = np.random.default_rng(0).exponential(1.0, (20, 512)).astype(np.float32)
    kept = rule(method="prototypes", layer="avgpool", threshold=0, **pack(unit_rows(rows))).prototypes
    assert kept is not None
    assert similarity(rows, kept).min() > 0.9995
    assert np.allclose(np.linalg.norm(kept, axis=1), 1, atol=1e-6)


def test_a_classifier_looks_at_the_layer_that_its_rule_names(tmp_path: Path) -> None:
    plain = Classifier(tiny_bundle(tmp_path), provider="cpu")
    features = plain.predict(images(1)).activations
    assert features is not None
    novelty = {"method": "prototypes", "layer": "avgpool", "threshold": 0.99}
    novelty |= pack(unit_rows(features.mean((2, 3))))
    for hidden in ((), (8,)):
        bundle = tiny_bundle(tmp_path, novelty=novelty, hidden=hidden)
        for keep in (True, False):
            classifier = Classifier(bundle, provider="cpu", keep_activations=keep)
            raw = classifier.predict(np.concatenate([images(1), images(1, seed=5) * 3 + 4]))
            found = [classifier.prediction(raw, row, 0.0, (32, 32)).unfamiliar for row in (0, 1)]
            assert found == [False, True]


@pytest.mark.parametrize("changes", [{"layer": "layer9"}, {"layer": "logits"}, {"layer": "layer1.0"}])
def test_a_rule_of_another_network_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    prototypes = np.ones((2, TINY.features), np.float32)
    novelty = {"method": "prototypes", "layer": "avgpool", "threshold": 0, **pack(prototypes), **changes}
    bundle = tiny_bundle(tmp_path, novelty=novelty)
    with pytest.raises(ModelError) as caught:
        Classifier(bundle, provider="cpu")
    assert caught.value.code == "bad_metadata"


@pytest.mark.parametrize(
    "fields",
    [
        {"layer": None},
        {"layer": ""},
        {"count": 3},
        {"width": 0},
        {"count": 1.0},
        {"count": True},
        {"values": None},
        {"values": "no base64!"},
        {"values": ""},
        {"threshold": None},
    ],
)
def test_prototypes_that_are_none_are_bad_metadata(fields: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        rule(**{"method": "prototypes", "layer": "avgpool", "threshold": 0, **pack(PROTOTYPES), **fields})
    assert caught.value.code == "bad_metadata"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"method": "magic", "threshold": 1},
        {"method": ["energy"], "threshold": 1},
        {"method": "energy"},
        {"method": "energy", "threshold": "1"},
        {"method": "energy", "threshold": True},
        {"method": "energy", "threshold": math.nan},
        {"method": "energy", "threshold": 1, "temperature": 0},
        {"method": "energy", "threshold": 1, "temperature": math.inf},
        {"method": "energy", "threshold": 10**400},
    ],
)
def test_nonsense_is_bad_metadata(fields: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        NoveltyRule.from_metadata(fields)
    assert caught.value.code == "bad_metadata"

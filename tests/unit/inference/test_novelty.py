"""The unfamiliar-image rules against their formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from resnet_desktop.core.errors import ModelError
from resnet_desktop.inference.novelty import NoveltyRule

LOGITS = np.array([2.0, -1.0, 0.5], np.float32)
PROBABILITIES = np.array([0.7, 0.1, 0.2], np.float32)


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

"""The prototypes of what was learnt from, and the threshold of the warning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resnet_desktop.inference.novelty import NoveltyRule, similarity, unit_rows
from resnet_desktop.trainer import novelty


def kinds(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Features of ``count`` pictures of five kinds, one after the other; all are positive, as behind a ReLU."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).exponential(1.0, (5, 64)) ** 2
    rows = np.repeat(centres, count // 5, 0) + rng.exponential(0.2, (count, 64))
    return np.asarray(rows, np.float32)


def others(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rng = np.random.default_rng(7)
    return np.asarray(rng.exponential(1.0, (count, 64)) ** 2, np.float32)


def test_few_pictures_stand_for_themselves() -> None:
    features = kinds(40, 0)
    centres = novelty.prototypes(features, 2, lambda: None)
    assert np.allclose(np.sort(centres, 0), np.sort(unit_rows(features), 0), atol=1e-6)


def test_many_pictures_have_fewer_prototypes_that_are_near_all_of_them() -> None:
    features = kinds(3000, 0)
    centres = novelty.prototypes(features, 5, lambda: None)
    assert len(centres) == novelty.LEAST
    assert np.allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    assert similarity(features, centres).min() > 0.97
    assert np.array_equal(centres, novelty.prototypes(features, 5, lambda: None)), "the same again"


def test_more_classes_have_more_prototypes_up_to_a_bound() -> None:
    features = kinds(2000, 0)
    assert len(novelty.prototypes(features, 200, lambda: None)) == 200 * novelty.A_CLASS
    assert len(novelty.prototypes(features, 2000, lambda: None)) == novelty.MOST


def test_no_pictures_have_none() -> None:
    assert len(novelty.prototypes(np.empty((0, 0), np.float32), 2, lambda: None)) == 0


def test_the_work_can_be_given_up() -> None:
    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        novelty.prototypes(kinds(500, 0), 2, check)


def test_the_rule_lets_the_wanted_share_of_familiar_pictures_pass_and_stops_others() -> None:
    centres = novelty.prototypes(kinds(600, 0), 5, lambda: None)
    validation, test = (similarity(kinds(1000, seed), centres) for seed in (1, 2))
    found = novelty.rule(centres, validation, test)
    assert found["measured_on"] == "test"
    assert found["false_alarm_rate"] == pytest.approx(novelty.FALSE_ALARMS, abs=0.02)
    parsed = NoveltyRule.from_metadata(found)
    assert parsed is not None
    nothing = np.zeros(5, np.float32)
    warned = [parsed.unfamiliar(nothing, nothing, row) for row in others(100)]
    assert np.mean(warned) > 0.95
    calm = [parsed.unfamiliar(nothing, nothing, row) for row in kinds(100, 3)]
    assert np.mean(calm) < 0.15


def test_without_test_pictures_false_alarms_are_measured_by_cross_validation() -> None:
    centres = novelty.prototypes(kinds(600, 0), 5, lambda: None)
    found = novelty.rule(centres, similarity(kinds(1000, 1), centres), np.empty(0))
    assert found["measured_on"].startswith("validation")
    assert found["false_alarm_rate"] == pytest.approx(novelty.FALSE_ALARMS, abs=0.02)
    few = novelty.rule(centres, similarity(kinds(5, 1), centres), np.empty(0))
    assert few["false_alarm_rate"] is None


def test_people_are_not_told_the_prototypes_themselves() -> None:
    found = novelty.rule(np.eye(3, dtype=np.float32), np.linspace(0, 1, 20), np.empty(0))
    told = novelty.told(found)
    assert told is not None
    assert set(found) - set(told) == {"values"}
    assert novelty.told(None) is None

"""The prototypes of what was learnt from, and the threshold of the warning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from resnet_desktop.inference.novelty import NoveltyRule, similarity, unit_rows
from resnet_desktop.runs.evaluation import novelty


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
    low, high = found["false_alarm_interval"]
    assert low < found["false_alarm_rate"] < high


@pytest.mark.parametrize("count", [1, 2, 4, 6, 12, 18, 19, 20, 40])
def test_few_pictures_to_set_the_threshold_on_make_no_flood_of_false_alarms(count: int) -> None:
    centres = novelty.prototypes(kinds(60, 0), 5, lambda: None)
    pool = similarity(kinds(4000, 1), centres)
    rng, rates = np.random.default_rng(count), []
    for _ in range(200):
        chosen = rng.permutation(len(pool))
        rates.append(float((pool[chosen[count:]] < novelty.threshold(pool[chosen[:count]])).mean()))
    # Nothing is certain with a score or two: the stretch is a rule of thumb. A quantile gave 50 % and 33 % there.
    limit = 0.08 if count < novelty.ENOUGH else novelty.FALSE_ALARMS * 1.1
    assert np.mean(rates) <= limit


def test_with_few_validation_pictures_the_others_of_training_help() -> None:
    features = kinds(60, 0)
    centres = novelty.prototypes(features, 5, lambda: None)
    learnt = novelty.out_of_sample(features, 5, lambda: None)
    assert learnt.shape == (60,)
    assert learnt.max() < 1, "no picture is held against itself"
    validation, pool = similarity(kinds(5, 1), centres), similarity(kinds(4000, 2), centres)
    alone, helped = (novelty.rule(centres, validation, np.empty(0), scores) for scores in (None, learnt))
    assert (pool < helped["threshold"]).mean() <= novelty.FALSE_ALARMS + 0.02
    assert helped["threshold"] > alone["threshold"], "more is known, so less must be feared"
    assert (helped["images"], helped["false_alarm_rate"]) == (5, 0.0)
    assert helped["false_alarm_interval"][1] > 0.4, "five pictures say little"


def test_false_alarms_are_not_known_only_where_none_could_be_counted() -> None:
    centres = np.eye(3, dtype=np.float32)
    one = novelty.rule(centres, np.array([0.8]), np.empty(0))
    assert (one["false_alarm_rate"], one["images"]) == (None, 0)
    assert novelty.rule(centres, np.array([0.8, 0.7]), np.empty(0))["images"] == 2
    assert novelty.rule(centres, np.array([0.8]), np.array([0.1]))["false_alarm_rate"] == 1.0
    assert len(novelty.out_of_sample(centres[:1], 2, lambda: None)) == 0


def test_people_are_not_told_the_prototypes_themselves() -> None:
    found = novelty.rule(np.eye(3, dtype=np.float32), np.linspace(0, 1, 20), np.empty(0))
    told = novelty.told(found)
    assert told is not None
    assert set(found) - set(told) == {"values"}
    assert novelty.told(None) is None

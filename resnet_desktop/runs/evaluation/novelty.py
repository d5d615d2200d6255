"""The warning about unfamiliar pictures: prototypes of what was learnt from, and how far from them is too far.

The score is how near a picture's pooled features come to a training picture's, as a cosine (Sun et al. 2022,
arXiv:2204.06507). Prototypes stand for the training pictures, so that the model file stays small. The energy of the
logits, which needs no features, tells nothing where there are few classes: with a model of ants and bees it warned of 3
% of 144 photos of other things, which is less often than of ants and bees; this score warned of 29 %.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.bundle.builders.resnet import POOLED
from resnet_desktop.inference.novelty import pack, similarity, unit_rows
from resnet_desktop.runs.evaluation.calibrate import wilson_interval

FALSE_ALARMS = 0.05
"""The share of familiar pictures that the warning may be wrong about."""
LEAST, MOST = 256, 512
"""Prototypes, unless there are fewer pictures."""
A_CLASS = 2
"""Prototypes for each class, between those bounds."""
MOST_PICTURES = 2048
ROUNDS = 20
FOLDS = 5
ENOUGH = 19
"""Scores from which on one of them is a threshold that the wanted share of others lies below: 1 of 19 + 1 is 5 %."""
FURTHER = 3.0
"""With n scores, fewer than that, the threshold lies this over n farther than the farthest of them."""

Floats = NDArray[np.float32]
Scores = NDArray[np.float64]


def prototypes(features: Floats, classes: int, check: Callable[[], object]) -> Floats:
    """Directions that stand for the features of the training pictures: spherical k-means from evenly spaced ones.

    Args:
        features: ``(n, width)``; pictures of one class stand together, so that all are met.
        classes: how many there are.
        check: called in every round; what it raises ends the work.

    Returns:
        float32 ``(count, width)``, rows of length 1; none where there are no features.
    """
    if not len(features):
        return features
    rows = unit_rows(features[:: -(-len(features) // MOST_PICTURES)])
    count = min(len(rows), max(LEAST, min(MOST, A_CLASS * classes)))
    centres = rows[np.arange(count) * len(rows) // count]
    for _ in range(ROUNDS):
        check()
        nearest = (rows @ centres.T).argmax(1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, rows)
        # A prototype that nothing is nearest to stays where it is.
        moved = np.where(np.bincount(nearest, minlength=count)[:, None] > 0, unit_rows(sums), centres)
        if np.allclose(moved, centres, atol=1e-6):
            break
        centres = moved
    return centres


def out_of_sample(features: Floats, classes: int, check: Callable[[], object]) -> Scores:
    """How near each training picture comes to the prototypes of the others, by cross-validation: ``(n,)``.

    It means something only for features of a network that has not learnt from these pictures; arguments as for
    ``prototypes``.
    """
    rows = features[:: max(1, -(-len(features) // MOST_PICTURES))]
    if len(rows) < 2:
        return np.empty(0)
    fold, scores = _folds(len(rows)), np.empty(len(rows))
    for i in range(FOLDS):
        if (fold == i).any():
            scores[fold == i] = similarity(rows[fold == i], prototypes(rows[fold != i], classes, check))
    return scores


def threshold(scores: Scores) -> float:
    """Below it lies the score of a new familiar picture with a probability of ``FALSE_ALARMS`` at the most.

    The k-th smallest of n scores, k the whole part of ``FALSE_ALARMS`` (n + 1): the new picture is as likely to take
    any of the n + 1 ranks (Vovk et al. 2005, "Algorithmic Learning in a Random World", section 2.2). A quantile of a
    few scores, which lies between them, was wrong about a half of all familiar pictures with one score, and a tenth
    with twelve. Where fewer than ``ENOUGH`` leave no rank, nothing is certain: the farthest of them from 1, the cosine
    of what is the same, is stretched by ``FURTHER`` / n, which kept to the share on features of ants and bees.

    Args:
        scores: cosines of familiar pictures that the prototypes do not stand for, ``(n,)``, n at least 1.
    """
    ordered = np.sort(scores)
    rank = int(FALSE_ALARMS * (len(scores) + 1) + 1e-9)
    if rank:
        return float(ordered[rank - 1])
    return float(1 - (1 + FURTHER / len(scores)) * (1 - ordered[0]))


def rule(
    centres: Floats, validation: Scores, test: Scores, learnt: Scores | None = None, layer: str = POOLED
) -> dict[str, Any]:
    """The bundle's ``novelty``: the threshold, and how often it is wrong about pictures that it was not set on.

    Args:
        centres: the prototypes.
        validation: the scores of the validation pictures, ``(n,)``, n at least 1.
        test: those of the test pictures, which may be none; false alarms are counted on them, or else on the
            validation pictures by cross-validation.
        learnt: those of the training pictures as ``out_of_sample`` gives them: they help where there are too few
            validation pictures.
        layer: the tensor that holds the features in the bundle.
    """
    others = np.empty(0) if learnt is None or len(validation) >= ENOUGH else learnt
    found = threshold(np.concatenate([validation, others]))
    if len(test):
        alarms, images, where = int((test < found).sum()), len(test), "test"
    else:
        alarms, images = _alarms(validation, others)
        where = "validation, by cross-validation"
    shared = {"method": "prototypes", "layer": layer, "threshold": found, "false_alarms": FALSE_ALARMS}
    return {**shared, **_measured(alarms, images), "measured_on": where, **pack(centres)}


def _alarms(scores: Scores, others: Scores) -> tuple[int, int]:
    """False alarms, each fold tried with a threshold that was set without it, and on how many they were counted."""
    if len(scores) + len(others) < 2:
        return 0, 0
    fold, alarms = _folds(len(scores)), 0
    for i in range(FOLDS):
        if (fold == i).any():
            alarms += int((scores[fold == i] < threshold(np.concatenate([scores[fold != i], others]))).sum())
    return alarms, len(scores)


def _measured(alarms: int, images: int) -> dict[str, Any]:
    if not images:
        return {"false_alarm_rate": None, "false_alarm_interval": None, "images": 0}
    low, high = wilson_interval(alarms, images)
    rate = {"false_alarm_rate": round(alarms / images, 4), "false_alarm_interval": [round(low, 4), round(high, 4)]}
    return {**rate, "images": images}


def _folds(count: int) -> NDArray[np.int64]:
    fold: NDArray[np.int64] = np.random.default_rng(0).permutation(count) % FOLDS
    return fold


def told(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """A rule as people and programs are told of it: without the prototypes themselves."""
    return None if found is None else {key: value for key, value in found.items() if key != "values"}

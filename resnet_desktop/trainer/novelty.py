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

from resnet_desktop.bundle.resnet_graph import POOLED
from resnet_desktop.inference.novelty import pack, unit_rows
from resnet_desktop.trainer import judge

FALSE_ALARMS = 0.05
"""The share of familiar pictures that the warning may be wrong about."""
LEAST, MOST = 256, 512
"""Prototypes, unless there are fewer pictures."""
A_CLASS = 2
"""Prototypes for each class, between those bounds."""
MOST_PICTURES = 2048
ROUNDS = 20

Floats = NDArray[np.float32]


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


def rule(centres: Floats, validation: NDArray[np.float64], test: NDArray[np.float64]) -> dict[str, Any]:
    """The bundle's ``novelty``: the threshold leaves ``FALSE_ALARMS`` of the validation pictures below it.

    Args:
        centres: the prototypes.
        validation: the scores of the validation pictures, ``(n,)``, n at least 1.
        test: those of the test pictures, which may be none; the rate of false alarms is measured on them, or else on
            the validation pictures by cross-validation.
    """
    threshold = float(np.quantile(validation, FALSE_ALARMS))
    if len(test):
        measured: dict[str, Any] = {"false_alarm_rate": round(float((test < threshold).mean()), 4)}
        measured |= {"measured_on": "test", "images": len(test)}
    else:
        measured = {"false_alarm_rate": judge.false_alarm_rate(validation, FALSE_ALARMS)}
        measured |= {"measured_on": "validation, by cross-validation", "images": len(validation)}
    shared = {"method": "prototypes", "layer": POOLED, "threshold": threshold, "false_alarms": FALSE_ALARMS}
    return {**shared, **measured, **pack(centres)}


def told(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """A rule as people and programs are told of it: without the prototypes themselves."""
    return None if found is None else {key: value for key, value in found.items() if key != "values"}

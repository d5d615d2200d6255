"""What is to be said of a layer whatever its figures are: that it cannot tell classes apart, or that nobody knows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from resnet_desktop.data.checks.finding import classes_named
from resnet_desktop.runs.linear.logistic import Floats, Ints

CHANCE = 0.05
"""A gain over always predicting one class that chance alone gives less often is believed."""


def warnings(logits: Floats, labels: Ints, names: Sequence[str]) -> list[tuple[str, str]]:
    """Code and sentence of what the answers out of fold say against the layer.

    Args:
        logits: out of fold ``(n, classes)``; NaN where nobody was asked.
        labels: ``(n,)``.
        names: of the classes.
    """
    asked = np.isfinite(logits).all(1)
    true, predicted = labels[asked], logits[asked].argmax(1)
    if len(np.unique(true)) < 2:  # no two classes were asked about: ``unjudged`` says so
        return []
    usual = int(np.bincount(true).argmax())
    right, count, baseline = int((predicted == true).sum()), len(true), int((true == usual).sum())
    # Where all are right, no photo speaks against the layer, however few the others are.
    if right == count or _by_chance(int(((predicted == true) & (true != usual)).sum()), baseline, right) < CHANCE:
        return []
    message = (
        f"The classes can hardly be told apart: {right:,} of {count:,} photos are classified correctly in "
        f"cross-validation, and always predicting “{names[usual]}” would reach {baseline:,}. More "
        "photos, another base or training more than the last layer may help."
    )
    return [("not_told_apart", message)]


def _by_chance(gained: int, baseline: int, right: int) -> float:
    """The probability of at least so many gains if gains and losses were equally likely (McNemar's exact test).

    Args:
        gained: photos that are right and that always predicting one class would get wrong.
        baseline: photos that always predicting it gets right.
        right: photos that are right.
    """
    lost = baseline - (right - gained)
    n = gained + lost
    logarithms = (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(gained, n + 1))
    return math.fsum(math.exp(each - n * math.log(2)) for each in logarithms)


def unjudged(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Code and sentence on classes none of whose photos can be spared to judge by."""
    if names:
        has = "has a single photo" if len(names) == 1 else "have a single photo each"
        yield (
            "class_not_tried",
            f"{classes_named(names)} {has}, or only copies of one: nothing is left to evaluate the model on, so its "
            "accuracy there is unknown. Add more photos.",
        )

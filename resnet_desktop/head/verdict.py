"""What is to be said of a layer whatever its figures are: that it cannot tell classes apart, or that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from resnet_desktop.data.checks.finding import classes_named
from resnet_desktop.runs.evaluation.calibrate import wilson_interval
from resnet_desktop.runs.linear.logistic import Floats, Ints


def warnings(logits: Floats, labels: Ints, names: Sequence[str]) -> list[tuple[str, str]]:
    """Code and sentence of what the answers out of fold say against the layer.

    Args:
        logits: out of fold ``(n, classes)``; NaN where nobody was asked.
        labels: ``(n,)``.
        names: of the classes.
    """
    asked = np.isfinite(logits).all(1)
    if not asked.any():
        return []
    right, count = int((logits[asked].argmax(1) == labels[asked]).sum()), int(asked.sum())
    most = np.bincount(labels[asked], minlength=len(names))
    usual = most.max() / count
    if wilson_interval(right, count)[0] > usual:
        return []
    message = (
        f"The classes can hardly be told apart: {right:,} of {count:,} photos are classified correctly in "
        f"cross-validation, and always predicting “{names[int(most.argmax())]}” would reach {int(most.max()):,}. More "
        "photos, another base or training more than the last layer may help."
    )
    return [("not_told_apart", message)]


def unjudged(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Code and sentence on classes none of whose photos can be spared to judge by."""
    if names:
        has = "has a single photo" if len(names) == 1 else "have a single photo each"
        yield (
            "class_not_tried",
            f"{classes_named(names)} {has}, or only copies of one: nothing is left to evaluate the model on, so its "
            "accuracy there is unknown. Add more photos.",
        )

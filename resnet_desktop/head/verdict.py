"""What is to be said of a layer whatever its figures are: that it cannot tell classes apart, or that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from resnet_desktop.finetune.finding import classes_named
from resnet_desktop.head.logistic import Floats, Ints
from resnet_desktop.runs.calibrate import wilson_interval


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
        f"The classes are hardly told apart: {right:,} of {count:,} photos are named rightly in cross-validation, and "
        f"always answering “{names[int(most.argmax())]}” would be right for {int(most.max()):,}. More photos may help, "
        "another base, or training more than the last layer."
    )
    return [("not_told_apart", message)]


def unjudged(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Code and sentence on classes none of whose photos can be spared to judge by."""
    if names:
        has = "has a single photo" if len(names) == 1 else "have a single photo each"
        yield (
            "class_not_tried",
            f"{classes_named(names)} {has}, or copies of one: nothing is left to try the model on, so how well it does "
            "there stays unknown. Add some.",
        )

"""Classes of unequal size: how much each photo counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNEQUAL = 2.0
"""Where the largest class has so many times the pictures of the smallest, ``auto`` weighs."""
HEAVIEST = 20.0
"""A class of one picture among thousands does not rule the rest."""


def chosen(kind: str, labels: NDArray[np.int64]) -> str:
    """What ``auto`` comes to for these labels; else ``kind``."""
    if kind != "auto":
        return kind
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    return "weights" if counts.max(initial=0) >= UNEQUAL * counts.min(initial=10**9) else "none"


def class_weights(labels: NDArray[np.int64], classes: int, kind: str) -> NDArray[np.float32]:
    """The weight of each picture ``(n,)``, by its class, with a mean of about 1.

    ``sampling`` is the same in the mean: what is drawn more often counts more.
    """
    if chosen(kind, labels) == "none":
        return np.ones(len(labels), np.float32)
    counts = np.bincount(labels, minlength=classes)
    weights = np.minimum(len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1)), HEAVIEST)
    found: NDArray[np.float32] = weights[labels].astype(np.float32)
    return found

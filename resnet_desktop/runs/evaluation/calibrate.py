"""Whether confidences can be believed: temperature, calibration error, intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
Z95 = 1.959963984540054
SPREAD = 0.5
"""Of log T before any photo is seen: published temperatures of classifiers lie between 0.5 and 3."""
LOWEST, HIGHEST, GRID = math.log(0.05), math.log(20.0), 60


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The most probable temperature, from 0.05 to 20; with many photos that of Guo et al. 2017 (arXiv:1706.04599).

    A handful of photos that are all named rightly is most likely under a temperature of zero, which would call the next
    photo certain. So log T has a normal prior around 0 with a deviation of ``SPREAD``: it outweighs the photos while
    they are few, and vanishes beside some hundreds of them.

    Args:
        logits: ``(n, classes)``.
        labels: ``(n,)``.
    """
    logits = logits.astype(np.float64)
    step = (HIGHEST - LOWEST) / GRID  # the prior may add a second valley: the deepest is looked for first
    deepest = min((LOWEST + i * step for i in range(GRID + 1)), key=lambda log_t: _loss(logits, labels, log_t))
    low, high = max(LOWEST, deepest - step), min(HIGHEST, deepest + step)
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(40):
        a, b = high - golden * (high - low), low + golden * (high - low)
        if _loss(logits, labels, a) < _loss(logits, labels, b):
            high = b
        else:
            low = a
    return math.exp((low + high) / 2)


def _loss(logits: NDArray[np.float64], labels: NDArray[np.int64], log_temperature: float) -> float:
    """Minus the logarithm of the posterior, but for a constant."""
    z = logits / math.exp(log_temperature)
    z = z - z.max(1, keepdims=True)
    unlikelihood = np.log(np.exp(z).sum(1)) - z[np.arange(len(labels)), labels]
    return float(unlikelihood.sum()) + (log_temperature / SPREAD) ** 2 / 2


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = BINS
) -> float:
    """The mean gap between confidence and accuracy over equally wide bins of confidence (Guo et al. 2017, equation 3).

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)``.
        bins: how many.
    """
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    gap = 0.0
    for i in range(bins):
        inside = place == i
        if inside.any():
            gap += inside.mean() * abs(float(confidence[inside].mean()) - float(correct[inside].mean()))
    return float(gap)


def wilson_interval(correct: int, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a fraction (Wilson 1927)."""
    if count == 0:
        return 0.0, 1.0
    p, z2 = correct / count, Z95**2
    centre = (p + z2 / (2 * count)) / (1 + z2 / count)
    half = Z95 / (1 + z2 / count) * math.sqrt(p * (1 - p) / count + z2 / (4 * count**2))
    return max(0.0, centre - half), min(1.0, centre + half)

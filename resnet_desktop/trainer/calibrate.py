"""Whether confidences can be believed: temperature, calibration error, intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

BINS = 15
Z95 = 1.959963984540054


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature that makes the labels most likely (Guo et al. 2017, arXiv:1706.04599), between 0.05 and 20.

    Args:
        logits: float ``[n, classes]``.
        labels: int64 ``[n]``.
    """
    logits = logits.double()
    low, high = math.log(0.05), math.log(20.0)
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(60):  # golden-section search: the loss has one valley in 1/T
        a, b = high - golden * (high - low), low + golden * (high - low)
        if _loss(logits, labels, a) < _loss(logits, labels, b):
            high = b
        else:
            low = a
    return math.exp((low + high) / 2)


def _loss(logits: Tensor, labels: Tensor, log_temperature: float) -> float:
    return float(functional.cross_entropy(logits / math.exp(log_temperature), labels))


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

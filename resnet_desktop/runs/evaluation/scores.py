"""What a classifier gets right and wrong, from its logits on pictures that it did not learn from. NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.runs.evaluation.calibrate import BINS, wilson_interval

LEAST_OF_CLASS = 10
"""Pictures of a class from which on labels are doubted."""
ODDS = 9.0
"""How much more probable another class must be: with one label in ten wrong, it is then as likely right as wrong."""
MOST = 0.1
"""Of the pictures, so many are suspected at the most."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities ``(n, classes)``."""
    z = logits.astype(np.float64) / temperature
    e = np.exp(z - z.max(1, keepdims=True))
    p: Floats = (e / e.sum(1, keepdims=True)).astype(np.float32)
    return p


def losses(probabilities: Floats, labels: Ints) -> Floats:
    """The cross-entropy of each picture, in nats."""
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    found: Floats = -np.log(np.maximum(right, 1e-12)).astype(np.float32)
    return found


def accuracy(logits: Floats, labels: Ints) -> dict[str, Any]:
    """``acc1`` with its 95 % interval, ``acc5``, ``images``."""
    ranks = (logits > logits[np.arange(len(labels)), labels][:, None]).sum(1)
    low, high = wilson_interval(int((ranks < 1).sum()), len(labels))
    return {
        "acc1": round(float((ranks < 1).mean()), 4),
        "acc1_interval": [round(low, 4), round(high, 4)],
        "acc5": round(float((ranks < 5).mean()), 4),
        "images": len(labels),
    }


def per_class(predicted: Ints, labels: Ints, names: Sequence[str]) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, and its pictures; None where nothing was answered or asked."""
    rows = []
    for i, name in enumerate(names):
        hit = int(((predicted == i) & (labels == i)).sum())
        answered, support = int((predicted == i).sum()), int((labels == i).sum())
        row = {
            "precision": round(hit / answered, 4) if answered and support else None,
            "recall": round(hit / support, 4) if support else None,
            "f1": round(2 * hit / (answered + support), 4) if support else None,
        }
        rows.append({"label": name, **row, "support": support})
    return rows


def confusion(predicted: Ints, labels: Ints, classes: int) -> list[list[int]]:
    """How often pictures of each class (row) were taken for each class (column)."""
    table: list[list[int]] = (
        np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes).tolist()
    )
    return table


def reliability(probabilities: Floats, labels: Ints, bins: int = BINS) -> list[dict[str, Any]]:
    """For each of equally wide bins of confidence: how sure the answers are, and how many of them are right."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    rows = []
    for i in range(bins):
        inside = place == i
        some = bool(inside.any())
        rows.append(
            {
                "low": round(i / bins, 4),
                "high": round((i + 1) / bins, 4),
                "confidence": round(float(confidence[inside].mean()), 4) if some else None,
                "accuracy": round(float(correct[inside].mean()), 4) if some else None,
                "count": int(inside.sum()),
            }
        )
    return rows


def suspects(probabilities: Floats, labels: Ints) -> NDArray[np.bool_]:
    """Which labels are likely wrong, by confident learning (Northcutt et al. 2021, arXiv:1911.00068) with a margin.

    A picture counts for a class when its probability reaches the mean of those of the pictures that carry the class's
    label (section 3.1: the threshold of self-confidence); one that counts for another class than its own, and for none
    more strongly, is a candidate. Where a network is often wrong, most candidates are its own mistakes: so the other
    class must be ``ODDS`` times as probable as its own, and of more than ``MOST`` the surest are taken. Classes with
    fewer than ``LEAST_OF_CLASS`` pictures have no threshold to speak of: they suspect nobody, and nobody suspects them.

    Args:
        probabilities: ``(n, classes)``, of a network that did not learn from these pictures, calibrated.
        labels: ``(n,)``.
    """
    n, classes = probabilities.shape
    known = judgeable(labels, classes)
    thresholds = np.full(classes, np.inf)
    for i in np.flatnonzero(known):
        thresholds[i] = probabilities[labels == i, i].mean()
    counts = probabilities >= thresholds - 1e-9
    strongest = np.where(counts, probabilities, -1.0).argmax(1)
    own, other = probabilities[np.arange(n), labels], probabilities[np.arange(n), strongest]
    found: NDArray[np.bool_] = counts.any(1) & (strongest != labels) & (other >= ODDS * own) & known[labels]
    surest = np.argsort(np.where(found, -other, np.inf), kind="stable")
    found[surest[math.ceil(MOST * n) :]] = False
    return found


def judgeable(labels: Ints, classes: int) -> NDArray[np.bool_]:
    """Which classes have enough pictures for ``suspects``: bool ``(classes,)``."""
    enough: NDArray[np.bool_] = np.bincount(labels, minlength=classes) >= LEAST_OF_CLASS
    return enough if enough.sum() > 1 else np.zeros(classes, np.bool_)

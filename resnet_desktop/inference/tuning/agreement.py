"""How often a faster form of a model says what the model says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.progress import Cancelled, Progress, never, stop_if, unheard
from resnet_desktop.inference.classifier import Classifier, Prediction
from resnet_desktop.inference.tuning.offers import Agreement


def answers(
    classifier: Classifier, pictures: NDArray[np.float32], cancelled: Cancelled = never, progress: Progress = unheard
) -> list[Prediction]:
    """The predictions of prepared pictures ``(n, 3, H, W)``.

    Raises:
        AnswerError: the model gives numbers that are not finite.
        ProviderError: it cannot be run.
        CancelledError: ``cancelled`` said so.
    """
    found = []
    for row in range(len(pictures)):
        stop_if(cancelled)
        raw = classifier.predict(pictures[row : row + 1])
        found.append(classifier.prediction(raw, 0, 0.0, (0, 0)))
        progress(row + 1, len(pictures))
    return found


def agreement(ours: Sequence[Prediction], theirs: Sequence[Prediction], *, ruled: bool) -> Agreement:
    """Hold a variant's answers against the model's.

    Args:
        ours: of the model as installed.
        theirs: of the variant, on the same photos.
        ruled: whether the model has a rule about unfamiliar photos.
    """
    pairs = list(zip(ours, theirs, strict=True))
    changes = np.array([np.abs(a.probabilities - b.probabilities).max() for a, b in pairs])
    tops = [a.top.index for a in ours]
    best = [abs(a.probabilities[top] - b.probabilities[top]) for (a, b), top in zip(pairs, tops, strict=True)]
    warned = float(np.mean([a.unfamiliar == b.unfamiliar for a, b in pairs])) if ruled else None
    same = float(np.mean([_said(a) == _said(b) for a, b in pairs]))
    return Agreement(len(pairs), same, float(changes.max()), float(np.mean(best)), warned)


def _said(answer: Prediction) -> frozenset[int]:
    """The best class, or the labels that are present."""
    shown = (answer.top,) if answer.present is None else answer.present
    return frozenset(score.index for score in shown)

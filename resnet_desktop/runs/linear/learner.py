"""From features to a linear layer: how strongly its weights are kept small is chosen by cross-validation.

Features are centred and scaled as a whole, so that one row of strengths suits every base. Fits of neighbouring
strengths begin where the last one ended. Where there are fewer rows than features, everything is done in the space that
the rows span: the best weights lie in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resnet_desktop.core.errors import DataError
from resnet_desktop.runs.evaluation import scores
from resnet_desktop.runs.linear.folds import NEVER
from resnet_desktop.runs.linear.logistic import Floats, Ints, Linear, fit
from resnet_desktop.runs.weights import class_weights

STRENGTHS = tuple(10.0 ** (-0.5 * i) for i in range(2, 14))
"""From 0.1 to 3e-7, of features whose rows have a mean square of 1."""
PATIENCE = 2
"""Strengths in a row that may do worse than the best one before no weaker one is tried."""
MANY = 2000
"""Photos from which on one fold alone chooses the strength: it holds 400 of them."""
ALIKE = 1e-3
"""Of the features' size, in float16: what varies less does not vary."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt.

    Attributes:
        layer: on features as they come from the base.
        strength: of the penalty, as it was chosen.
        logits: out of fold, float32 ``(n, classes)``; NaN where a photo is in no fold that was asked.
        path: loss and accuracy out of fold for each strength that was tried.
    """

    layer: Linear
    strength: float
    logits: Floats
    path: tuple[dict[str, float], ...]


@dataclass(frozen=True, eq=False)
class _Scaled:
    """Features as they are learnt from; ``basis`` ``(rank, width)`` leads back from the span of the rows."""

    x: Floats
    mean: Floats
    scale: float
    basis: Floats | None

    @classmethod
    def of(cls, rows: Floats) -> _Scaled:
        """Takes ``rows`` ``(n, width)`` over: they are changed."""
        mean = rows.mean(0, dtype=np.float64).astype(np.float32)
        x = np.subtract(rows, mean, out=rows)  # many photos shall not lie in memory twice
        scale = float(np.sqrt(np.einsum("ij,ij->", x, x, dtype=np.float64) / len(x)))
        x /= np.float32(scale)
        if 2 * len(x) > x.shape[1]:
            return cls(x, mean, scale, None)
        values, vectors = np.linalg.eigh(x.astype(np.float64) @ x.T.astype(np.float64))
        kept = values > 1e-10 * values[-1]
        spans = np.sqrt(values[kept])
        inside = vectors[:, kept] * spans
        basis = (vectors[:, kept] / spans).T @ x
        return cls(inside.astype(np.float32), mean, scale, basis.astype(np.float32))

    def back(self, layer: Linear) -> Linear:
        """The same layer on features as they come."""
        weight = layer.weight if self.basis is None else layer.weight @ self.basis
        weight = (weight / self.scale).astype(np.float32)
        return Linear(weight, layer.bias - weight @ self.mean)


def learn(
    values: NDArray[np.float16],
    labels: Ints,
    fold: Ints,
    classes: int,
    balance: str,
    check: Callable[[], object] = lambda: None,
    told: Callable[[int, int], object] = lambda _done, _all: None,
) -> Learnt:
    """Choose a strength by cross-validation and fit a layer to all photos with it.

    Args:
        values: features ``(views, n, width)``; the first view is what is judged by.
        labels: ``(n,)``.
        fold: of each photo ``(n,)``, or ``NEVER``.
        classes: how many.
        balance: ``weights`` makes up for classes of unequal size.
        check: called before every step; what it raises ends the work.
        told: hears how many of how many fits are done.

    Raises:
        DataError: ``bad_data``: all features are the same.
    """
    views, n, width = values.shape
    lowest, highest = values[0].min(0).astype(np.float32), values[0].max(0).astype(np.float32)
    if (highest - lowest).max() <= ALIKE * (1 + np.abs(highest).max()):
        message = "All photos look the same to the base: there is nothing that tells the classes apart."
        raise DataError("bad_data", message, "Check the photos, or choose another model as the base.")
    scaled = _Scaled.of(values.reshape(views * n, width).astype(np.float32))
    target = np.tile(labels, views)
    weights = np.tile(class_weights(labels, classes, balance), views)
    known = np.tile(fold, views)
    parts = [int(i) for i in np.unique(fold) if i != NEVER]
    choosing = parts[:1] if n >= MANY else parts
    asked = _Asked(scaled.x, target, weights, known, classes, n, check)
    strength, path = _chosen(asked, choosing, labels, fold, told)
    logits = asked.out_of_fold(strength, parts, told)
    layer = fit(scaled.x, target, weights, classes, strength, start=asked.last, check=check)
    return Learnt(scaled.back(layer), strength, logits, tuple(path))


class _Asked:
    """Layers that have not seen one fold, and what they say of it; each begins where the last one of its fold ended."""

    def __init__(
        self,
        x: Floats,
        labels: Ints,
        weights: Floats,
        fold: Ints,
        classes: int,
        count: int,
        check: Callable[[], object],
    ) -> None:
        self._x, self._labels, self._weights, self._fold = x, labels, weights, fold
        self._classes, self._count, self._check = classes, count, check
        self._layers: dict[int, tuple[float, Linear]] = {}
        self.last: Linear | None = None

    def logits(self, part: int, strength: float) -> Floats:
        """Of the plain photos of a fold, float32 ``(those, classes)``."""
        before = self._layers.get(part)
        if before is None or before[0] != strength:
            seen = self._fold != part
            self._layers[part] = (
                strength,
                fit(
                    self._x[seen],
                    self._labels[seen],
                    self._weights[seen],
                    self._classes,
                    strength,
                    start=None if before is None else before[1],
                    check=self._check,
                ),
            )
        self.last = self._layers[part][1]
        return self.last(self._x[: self._count][self._fold[: self._count] == part])

    def out_of_fold(self, strength: float, parts: Sequence[int], told: Callable[[int, int], object]) -> Floats:
        """Of all photos, each by the layer that has not seen it."""
        found = np.full((self._count, self._classes), np.nan, np.float32)
        for done, part in enumerate(parts):
            told(done, len(parts))
            found[self._fold[: self._count] == part] = self.logits(part, strength)
        return found


def _chosen(
    asked: _Asked, parts: Sequence[int], labels: Ints, fold: Ints, told: Callable[[int, int], object]
) -> tuple[float, list[dict[str, float]]]:
    """The strength whose answers out of fold are most probable, and the path to it."""
    if not parts:  # nothing can be judged: a middle strength
        return STRENGTHS[len(STRENGTHS) // 2], []
    path: list[dict[str, float]] = []
    best, worse = 0, 0
    truth = np.concatenate([labels[fold == part] for part in parts])
    for i, strength in enumerate(STRENGTHS):
        told(i, len(STRENGTHS))
        logits = np.concatenate([asked.logits(part, strength) for part in parts])
        loss = float(scores.losses(scores.softmax(logits), truth).mean())
        right = float((logits.argmax(1) == truth).mean())
        path.append({"strength": strength, "loss": round(loss, 5), "accuracy": round(right, 4)})
        if loss < path[best]["loss"]:
            best, worse = i, 0
        elif i > best:
            worse += 1
        if worse >= PATIENCE:
            break
    return STRENGTHS[best], path
